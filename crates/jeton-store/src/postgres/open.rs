//! Opening a PostgreSQL database.

use super::ground::Ground;
use crate::error::{OpenError, database_code};
use crate::migrations::Versions;
use crate::session::Session;
use crate::statements::log::settle_restored_changes;
use crate::{migrations, unfinished};
use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions, Connection, Executor, query_scalar};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

const MAX_CONNECTIONS: u32 = 10;
/// How many connections a server may have to its database: those of its pool, the one over which it hears announcements, the one by which
/// it leads or waits to, and the one by which it finds out whether the database is there.
pub const CONNECTIONS_OF_SERVER: u32 = MAX_CONNECTIONS + 3;
/// How long anybody waits for a connection, at most: where a read has less time than this, no longer than that.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a migration waits for a table that others use: as long, those who come after it wait for both. Then it lets them pass, and
/// tries again.
const MIGRATION_LOCK_TIMEOUT: &str = "SET lock_timeout = '500ms'";
/// How often, and at what interval: for two minutes, at least.
const MIGRATION_TRIES: u32 = 120;
const MIGRATION_PAUSE: Duration = Duration::from_millis(500);
/// `lock_not_available`.
const LOCK_TIMEOUT: &str = "55P03";

/// Where a server or role does not wait for the disk on a commit, this connection does: an acknowledged write is on
/// disk. Stronger settings than that are left alone.
const WAIT_FOR_DISK: &str = "SELECT set_config('synchronous_commit', 'on', false) \
                             WHERE current_setting('synchronous_commit') = 'off'";

/// The connections of a database that is at the newest schema. Each looks at the ground before anybody uses it.
pub(super) async fn pool(url: &str, query_time: Duration, ground: &Arc<Ground>) -> Result<PgPool, OpenError> {
    let options = options(url)?;
    prepare(&options).await?;
    let statement_timeout = query_time.as_millis().max(1).to_string();
    let limits =
        [("statement_timeout", statement_timeout.as_str()), ("idle_in_transaction_session_timeout", "30s")];
    Ok(PgPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT.min(query_time))
        .after_connect(begin(ground))
        .connect_lazy_with(options.options(limits)))
}

/// The connections of a pooler, and how its database itself is reached, once that is at the newest schema. The pooler refuses
/// what it cannot tell each of its own connections when one begins; so transactions are told (see [`line`](super::line)).
pub(super) async fn pooled(
    url: &str,
    direct_url: &str,
    query_time: Duration,
) -> Result<(PgPool, PgConnectOptions), OpenError> {
    let direct = options(direct_url)?;
    prepare(&direct).await?;
    let options = options(url)?.extra_float_digits(None).statement_cache_capacity(0);
    let pool = PgPoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        .acquire_timeout(ACQUIRE_TIMEOUT.min(query_time))
        .connect_lazy_with(options);
    Ok((pool, direct))
}

/// A server that only repeats what another one does: what it answers may be old.
#[derive(Debug, thiserror::Error)]
#[error("the server is a standby: the URL must lead to the primary")]
pub(super) struct Standby;

/// Makes sure that a connection leads to a primary.
///
/// # Errors
/// It does not, or that could not be found out.
pub(super) async fn make_sure_of_primary(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let is_standby: bool = query_scalar("SELECT pg_is_in_recovery()").fetch_one(connection).await?;
    if is_standby { Err(sqlx::Error::Configuration(Box::new(Standby))) } else { Ok(()) }
}

/// What is done with a new connection.
fn begin(
    ground: &Arc<Ground>,
) -> impl Fn(&mut PgConnection, PoolConnectionMetadata) -> BoxFuture<'_, Result<(), sqlx::Error>>
+ Send
+ Sync
+ 'static {
    let ground = Arc::clone(ground);
    move |connection, _| {
        let ground = Arc::clone(&ground);
        Box::pin(async move {
            make_sure_of_primary(connection).await?;
            connection.execute(WAIT_FOR_DISK).await?;
            // A look that takes too long is made again, soon; whoever asks now is told how slow it is.
            drop(ground.look(connection).await);
            Ok(())
        })
    }
}

/// New connections of the same kind as these.
pub(super) fn renewed(pool: &PgPool) -> PgPool {
    pool.options().clone().connect_lazy_with(PgConnectOptions::clone(&pool.connect_options()))
}

pub(crate) fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        return Err(OpenError::Url);
    }
    let options: PgConnectOptions = url.parse().map_err(|_| OpenError::Url)?;
    Ok(match options.get_application_name() {
        Some(_) => options,
        None => options.application_name("jeton"),
    })
}

/// Brings the database to the newest schema, on a connection of its own, without limits of time.
async fn prepare(options: &PgConnectOptions) -> Result<(), OpenError> {
    let mut connection = connect(options).await?;
    unfinished::refuse(&mut connection).await?;
    migrate(&mut connection, migrations::POSTGRES).await?;
    connection.run(settle_restored_changes()).await?;
    connection.close().await.map_err(OpenError::unavailable)
}

/// What a connection that copies a database calls itself, so that it is not taken for a server.
const COPIER: &str = "jeton-copy";

/// A connection that copies from or into a database, whatever its schema is, without limits of time.
pub(crate) async fn copier(url: &str) -> Result<PgConnection, OpenError> {
    const BEGIN: &str =
        "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; SET lock_timeout = 0";
    let mut connection = connect(&options(url)?.application_name(COPIER)).await?;
    for sql in [BEGIN, WAIT_FOR_DISK] {
        connection.execute(sql).await.map_err(OpenError::unavailable)?;
    }
    Ok(connection)
}

async fn connect(options: &PgConnectOptions) -> Result<PgConnection, OpenError> {
    let mut connection = options.connect().await.map_err(OpenError::unavailable)?;
    make_sure_of_primary(&mut connection).await.map_err(OpenError::unavailable)?;
    let encoding: String = query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(&mut connection)
        .await
        .map_err(OpenError::unavailable)?;
    if encoding != "UTF8" {
        return Err(OpenError::unavailable(format!(
            "it is encoded in {encoding}; make it with ENCODING 'UTF8'"
        )));
    }
    Ok(connection)
}

/// Brings a database to the newest of these versions.
pub(crate) async fn migrate(connection: &mut PgConnection, versions: Versions) -> Result<(), OpenError> {
    if migrations::found(connection).await?.is_behind(versions)? {
        connection.execute(MIGRATION_LOCK_TIMEOUT).await.map_err(OpenError::unavailable)?;
        migrate_beside_others(connection, versions).await?;
        connection.execute("RESET lock_timeout").await.map_err(OpenError::unavailable)?;
    }
    Ok(())
}

/// Nobody waits long for it, and it waits for nobody without end.
async fn migrate_beside_others(connection: &mut PgConnection, versions: Versions) -> Result<(), OpenError> {
    for _ in 1..MIGRATION_TRIES {
        // Takes a lock first, for which lock_timeout holds, too: of two processes the second finds nothing left to do.
        match migrations::migrate(connection, versions).await {
            Err(error) if database_code(&error).as_deref() == Some(LOCK_TIMEOUT) => {}
            // Another process knows newer versions.
            Err(OpenError::Newer { .. }) => {
                return migrations::found(connection).await?.is_behind(versions).map(drop);
            }
            migrated => return migrated,
        }
        sleep(MIGRATION_PAUSE).await;
    }
    migrations::migrate(connection, versions).await
}
