//! Opening a PostgreSQL database.

use super::ground::Ground;
use crate::error::OpenError;
use crate::migrations;
use crate::session::Session;
use crate::statements::log::settle_restored_changes;
use futures_util::future::BoxFuture;
use sqlx::pool::PoolConnectionMetadata;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, query_scalar};
use std::sync::Arc;
use std::time::Duration;

const MAX_CONNECTIONS: u32 = 10;
/// How long anybody waits for a connection, at most: where a read has less time than this, no longer than that.
pub(super) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

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

fn options(url: &str) -> Result<PgConnectOptions, OpenError> {
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
    let mut connection = options.connect().await.map_err(OpenError::unavailable)?;
    let encoding: String = query_scalar("SELECT current_setting('server_encoding')")
        .fetch_one(&mut connection)
        .await
        .map_err(OpenError::unavailable)?;
    if encoding != "UTF8" {
        return Err(OpenError::unavailable(format!(
            "it is encoded in {encoding}; make it with ENCODING 'UTF8'"
        )));
    }
    if migrations::is_behind(version(&mut connection).await?, migrations::POSTGRES)? {
        // Takes a lock first, so that of two processes the second finds nothing left to do.
        migrations::migrate(&mut connection, migrations::POSTGRES).await?;
    }
    connection.run(settle_restored_changes()).await.map_err(OpenError::unavailable)?;
    connection.close().await.map_err(OpenError::unavailable)
}

/// The version of the schema that the database has; 0 if it has none.
async fn version(connection: &mut PgConnection) -> Result<i64, OpenError> {
    let is_there: bool = query_scalar("SELECT to_regclass($1) IS NOT NULL")
        .bind(migrations::TABLE)
        .fetch_one(&mut *connection)
        .await
        .map_err(OpenError::unavailable)?;
    if !is_there {
        return Ok(0);
    }
    let newest = format!("SELECT coalesce(max(version), 0) FROM {}", migrations::TABLE);
    query_scalar(AssertSqlSafe(newest)).fetch_one(connection).await.map_err(OpenError::unavailable)
}
