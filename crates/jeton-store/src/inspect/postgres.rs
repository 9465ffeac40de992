//! Looking at a PostgreSQL database.

use super::{Contents, Inspection, in_time, round_trip};
use crate::error::{OpenError, StoreError};
use crate::migrations::{Found, found};
use crate::postgres::{clock, options};
use crate::session::Session;
use jeton_core::{Clock, Timestamp};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode};
use sqlx::{ConnectOptions, Connection, Row};
use std::net::IpAddr;
use std::time::Duration;

/// What there is to know about a PostgreSQL server, and about how a user of the database stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PostgresFacts {
    /// The version of the server: 150004 is 15.4.
    pub version: i64,
    /// The encoding of the database.
    pub encoding: String,
    /// Whether it only follows another server.
    pub is_standby: bool,
    /// Whether the user may do anything there.
    pub is_superuser: bool,
    /// How far a commit of this user is when it is answered, unless its connection says otherwise.
    pub synchronous_commit: String,
    /// Whether what is written reaches the disk.
    pub fsync: bool,
    /// Whether a page that a crash has torn is found whole in the log.
    pub full_page_writes: bool,
    /// The standby servers that a commit waits for; empty: none.
    pub synchronous_standby_names: String,
    /// How many connections this user can have, with all others: the fewest that the server, the database or the role allows.
    pub max_connections: i64,
    /// How many clients are connected now.
    pub connections: i64,
    /// Transactions that have numbers, in any database of the server: none with a later number is final for readers of the change log in
    /// its order.
    pub transactions: Vec<OpenTransaction>,
    /// When the oldest entry of the change log was written that such readers do not see yet.
    pub held_back_since: Option<Timestamp>,
    /// By how many milliseconds the clock here is ahead of the server's.
    pub clock_ahead_ms: i64,
    /// How the database is reached: itself, and through its pooler if there is one.
    pub paths: Vec<ConnectionPath>,
}

/// A transaction that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTransaction {
    /// The process of the server that serves it; `None`: it was prepared, and is nobody's.
    pub pid: Option<i32>,
    /// Whose it is.
    pub user: String,
    /// What program says to have it, or what it is called if it was prepared.
    pub name: String,
    /// When it began; `None`: this user may not know.
    pub began_at: Option<Timestamp>,
}

/// How a database is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionPath {
    /// The setting that says so.
    pub setting: &'static str,
    /// Whether it leads to this machine.
    pub is_local: bool,
    /// Whether it is encrypted; `None`: it may be, and this end cannot know.
    pub is_encrypted: Option<bool>,
    /// Whether the server has to prove who it is.
    pub verifies: bool,
    /// How long it takes to ask something on it.
    pub round_trip: Duration,
}

/// Looks at the PostgreSQL database at `url`, and if that leads to a pooler, at `direct_url`.
///
/// # Errors
/// A URL is not valid, or the database cannot be reached on one of the ways.
pub async fn inspect_postgres(
    url: &str,
    direct_url: Option<&str>,
    clock: &dyn Clock,
) -> Result<Inspection<PostgresFacts>, OpenError> {
    let own = options(direct_url.unwrap_or(url))?;
    let setting = if direct_url.is_some() { "database_direct_url" } else { "database_url" };
    let mut inspection = in_time(inspect(setting, own, clock)).await?;
    if direct_url.is_some() {
        let pooled = in_time(through_pooler(options(url)?, clock)).await?;
        inspection.engine.paths.push(pooled);
    }
    Ok(inspection)
}

async fn inspect(
    setting: &'static str,
    options: PgConnectOptions,
    clock: &dyn Clock,
) -> Result<Inspection<PostgresFacts>, OpenError> {
    // What would be written by mistake is refused.
    let reading = options.clone().options([("default_transaction_read_only", "on")]);
    let mut connection = reading.connect().await.map_err(OpenError::unavailable)?;
    let Found { version: schema_version, oldest: oldest_version } = found(&mut connection).await?;
    let failed = |error: StoreError| OpenError::unavailable(error);
    let round_trip = round_trip(&mut connection, clock).await.map_err(failed)?;
    let mut facts = facts(&mut connection).await.map_err(failed)?;
    facts.clock_ahead_ms = clock_ahead(&mut connection, clock).await.map_err(failed)?;
    facts.transactions = transactions(&mut connection).await.map_err(failed)?;
    let contents = Contents::of_schema(schema_version, &mut connection).await;
    if contents.is_some() {
        facts.held_back_since = held_back_since(&mut connection).await.map_err(failed)?;
    }
    let is_encrypted = is_encrypted(&mut connection).await.map_err(failed)?;
    facts.paths.push(path(setting, &options, Some(is_encrypted), round_trip));
    connection.close().await.map_err(OpenError::unavailable)?;
    Ok(Inspection { schema_version, oldest_version, round_trip, contents, engine: facts })
}

async fn through_pooler(options: PgConnectOptions, clock: &dyn Clock) -> Result<ConnectionPath, OpenError> {
    let pooled = options.clone().extra_float_digits(None).statement_cache_capacity(0);
    let mut connection = pooled.connect().await.map_err(OpenError::unavailable)?;
    let round_trip = round_trip(&mut connection, clock).await.map_err(OpenError::unavailable)?;
    connection.close().await.map_err(OpenError::unavailable)?;
    // The database sees the pooler's connection, and knows nothing of this one.
    Ok(path("database_url", &options, None, round_trip))
}

/// `found`: whether it turned out to be encrypted.
fn path(
    setting: &'static str,
    options: &PgConnectOptions,
    found: Option<bool>,
    round_trip: Duration,
) -> ConnectionPath {
    let host = options.get_host();
    let is_loopback = host.parse::<IpAddr>().map_or(host == "localhost", |address| address.is_loopback());
    let is_encrypted = match options.get_ssl_mode() {
        PgSslMode::Disable => Some(false),
        PgSslMode::Require | PgSslMode::VerifyCa | PgSslMode::VerifyFull => Some(true),
        PgSslMode::Allow | PgSslMode::Prefer => found,
    };
    ConnectionPath {
        setting,
        is_local: options.get_socket().is_some() || host.starts_with('/') || is_loopback,
        is_encrypted,
        verifies: matches!(options.get_ssl_mode(), PgSslMode::VerifyFull),
        round_trip,
    }
}

/// What the server says of itself. Of the connections that it has, some are for superusers alone.
const FACTS: &str = "SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding'), \
     pg_is_in_recovery(), r.rolsuper, current_setting('synchronous_commit'), current_setting('fsync')::boolean, \
     current_setting('full_page_writes')::boolean, current_setting('synchronous_standby_names'), \
     current_setting('max_connections')::bigint - current_setting('superuser_reserved_connections')::bigint \
         - coalesce(current_setting('reserved_connections', true)::bigint, 0), \
     d.datconnlimit::bigint, r.rolconnlimit::bigint, \
     (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') \
     FROM pg_roles r, pg_database d WHERE r.rolname = current_user AND d.datname = current_database()";

async fn facts(connection: &mut PgConnection) -> Result<PostgresFacts, StoreError> {
    let row = one(connection, FACTS).await?;
    let row = row.ok_or_else(|| StoreError::unavailable("the server says nothing of itself"))?;
    // Negative limits are none.
    let limits = [column::<i64>(&row, 9)?, column(&row, 10)?].into_iter().filter(|limit| *limit >= 0);
    let max_connections = limits.fold(column::<i64>(&row, 8)?, i64::min);
    Ok(PostgresFacts {
        version: column(&row, 0)?,
        encoding: column(&row, 1)?,
        is_standby: column(&row, 2)?,
        is_superuser: column(&row, 3)?,
        synchronous_commit: column(&row, 4)?,
        fsync: column(&row, 5)?,
        full_page_writes: column(&row, 6)?,
        synchronous_standby_names: column(&row, 7)?,
        max_connections,
        connections: column(&row, 11)?,
        transactions: Vec::new(),
        held_back_since: None,
        clock_ahead_ms: 0,
        paths: Vec::new(),
    })
}

/// Every transaction with a number holds a lock on it, which everybody may see; since when, only who may see the other's activity.
const TRANSACTIONS: &str = "SELECT l.pid, coalesce(a.usename, '')::text, coalesce(a.application_name, ''), \
         CAST(floor(extract(epoch FROM a.xact_start) * 1000) AS bigint) \
     FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
     WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid() \
     UNION ALL SELECT NULL, owner::text, gid, CAST(floor(extract(epoch FROM prepared) * 1000) AS bigint) \
     FROM pg_prepared_xacts ORDER BY 4 NULLS LAST LIMIT 100";

async fn transactions(connection: &mut PgConnection) -> Result<Vec<OpenTransaction>, StoreError> {
    let rows = connection.query(TRANSACTIONS.to_owned()).await?;
    let transaction = |row: &PgRow| {
        let began_at: Option<i64> = column(row, 3)?;
        Ok(OpenTransaction {
            pid: column(row, 0)?,
            user: column(row, 1)?,
            name: column(row, 2)?,
            began_at: began_at.and_then(Timestamp::from_millis),
        })
    };
    rows.iter().map(transaction).collect()
}

async fn held_back_since(connection: &mut PgConnection) -> Result<Option<Timestamp>, StoreError> {
    let oldest = "SELECT min(at) FROM changes WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())";
    let oldest = one(connection, oldest).await?;
    let oldest: Option<i64> = oldest.as_ref().map(|row| column(row, 0)).transpose()?.flatten();
    Ok(oldest.and_then(Timestamp::from_millis))
}

/// As NTP has it: what the clock here showed in the middle of a question less the answer.
async fn clock_ahead(connection: &mut PgConnection, here: &dyn Clock) -> Result<i64, StoreError> {
    let (asked_at, begun) = (here.now(), here.monotonic());
    let time = clock::time(connection).await?;
    let half = here.monotonic().saturating_sub(begun).as_millis() / 2;
    Ok(asked_at.saturating_add_millis(i64::try_from(half).unwrap_or(i64::MAX)).millis_since(time))
}

async fn is_encrypted(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let row = one(connection, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await?;
    row.as_ref().map_or(Ok(false), |row| column(row, 0))
}

async fn one(connection: &mut PgConnection, sql: &str) -> Result<Option<PgRow>, StoreError> {
    Ok(connection.query(sql.to_owned()).await?.pop())
}

fn column<'r, T>(row: &'r PgRow, place: usize) -> Result<T, StoreError>
where
    T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>,
{
    row.try_get(place).map_err(StoreError::unavailable)
}
