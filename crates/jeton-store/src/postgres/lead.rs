//! Which of the processes that share a database does what only one of them is to do.
//!
//! It holds an advisory lock on a connection of its own. The server releases that with the connection, whether the process ends it,
//! dies, or is not heard of for some time: a machine that is gone is noticed by keepalives, and a process that is suspended by its
//! silence. Then another one gets it.

use super::open::make_sure_of_primary;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Executor, query_scalar};
use std::io;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// What tells the lock from those of other programs in the same database.
const LEADER: (i32, i32) = (i32::from_be_bytes(*b"jtld"), 0);

/// When the server lets go of a connection of which it hears nothing.
const LIMITS: [(&str, &str); 4] = [
    ("tcp_keepalives_idle", "10"),
    ("tcp_keepalives_interval", "5"),
    ("tcp_keepalives_count", "4"),
    ("idle_session_timeout", "60s"),
];
/// How long the server may take to answer. A leader that hears nothing for so long leads no more.
const ANSWER_TIME: Duration = Duration::from_secs(5);

/// How often a process speaks to the server.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// While it leads.
    pub(super) leading: Duration,
    /// While another one does, or the server cannot be reached.
    pub(super) waiting: Duration,
}

pub(super) const PACE: Pace = Pace { leading: Duration::from_secs(10), waiting: Duration::from_secs(15) };

/// Keeps `leads` true while this process leads. Never completes.
pub(super) async fn lead(database: &PgConnectOptions, leads: &watch::Sender<bool>, pace: Pace) {
    let database = database.clone().options(LIMITS);
    loop {
        let ended = hold(&database, leads, pace).await;
        if leads.send_if_modified(std::mem::take) {
            tracing::warn!("this server leaves the background work to another one: {ended}");
        } else {
            tracing::debug!("the lock of the background work cannot be asked for: {ended}");
        }
        sleep(pace.waiting).await;
    }
}

/// Waits for the lock and holds it. Ends with what ended that.
async fn hold(database: &PgConnectOptions, leads: &watch::Sender<bool>, pace: Pace) -> sqlx::Error {
    let mut connection = match in_time(database.connect()).await {
        Ok(connection) => connection,
        Err(error) => return error,
    };
    if let Err(error) = in_time(make_sure_of_primary(&mut connection)).await {
        return error;
    }
    loop {
        match in_time(take_lock(&mut connection)).await {
            Err(error) => return error,
            Ok(true) => break,
            Ok(false) => sleep(pace.waiting).await,
        }
    }
    tracing::info!("this server does the background work of all that share its database");
    leads.send_replace(true);
    loop {
        sleep(pace.leading).await;
        if let Err(error) = in_time(connection.execute("SELECT 1")).await {
            return error;
        }
    }
}

async fn take_lock(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let (class, object) = LEADER;
    query_scalar("SELECT pg_try_advisory_lock($1, $2)").bind(class).bind(object).fetch_one(connection).await
}

async fn in_time<T>(call: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, sqlx::Error> {
    let answered = timeout(ANSWER_TIME, call).await;
    answered.unwrap_or_else(|_| Err(sqlx::Error::Io(io::ErrorKind::TimedOut.into())))
}
