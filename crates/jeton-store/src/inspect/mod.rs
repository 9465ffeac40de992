//! Looking at a database without changing it: neither its schema, nor its rows, nor the files beside it.
//!
//! For whoever wants to know what is wrong. A server or a command opens a database by [`open_sqlite`](crate::open_sqlite) or
//! [`open_postgres`](crate::open_postgres), which bring it to the newest schema first.

mod postgres;
mod sqlite;

pub use postgres::{ConnectionPath, OpenTransaction, PostgresFacts, inspect_postgres};
pub use sqlite::{SqliteFacts, inspect_sqlite};

use crate::decode;
use crate::error::{OpenError, StoreError};
use crate::model::{App, KeyCheck, Operator};
use crate::nodes::Node;
use crate::session::Session;
use crate::statements::{apps, genesis, keys, nodes, operators};
use jeton_core::Clock;
use std::time::Duration;
use tokio::time::timeout;

/// How long it may take to connect, and how long a statement may.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often the way there and back is measured: the shortest is its length.
const ROUND_TRIPS: usize = 3;

/// What a look at a database has found.
#[derive(Debug)]
pub struct Inspection<F> {
    /// The version of its schema; 0: it has none.
    pub schema_version: i64,
    /// The oldest version of the schema whose programs can use it.
    pub oldest_version: i64,
    /// How long it takes to ask it something.
    pub round_trip: Duration,
    /// What is in it; `None`: its schema is older than this program, which cannot read it so.
    pub contents: Option<Result<Contents, StoreError>>,
    /// What there is to know about the engine.
    pub engine: F,
}

/// What is in a database.
#[derive(Clone, Debug, PartialEq)]
pub struct Contents {
    /// The check values of its keys; `None`: it was never initialised.
    pub key_checks: Option<Vec<KeyCheck>>,
    /// Of those keys the ones that rows need.
    pub needed_keys: Vec<u32>,
    /// The apps that are not deleted.
    pub apps: Vec<App>,
    /// The operators that are not revoked.
    pub operators: Vec<Operator>,
    /// The servers that have noted themselves.
    pub nodes: Vec<Node>,
}

impl Contents {
    async fn read<S: Session>(session: &mut S) -> Result<Self, StoreError> {
        let checks: Vec<Option<KeyCheck>> = read(session, genesis::key_checks(), decode::key_check).await?;
        let key_checks = if checks.is_empty() { None } else { Some(checks.into_iter().flatten().collect()) };
        Ok(Contents {
            needed_keys: needed_keys(session, key_checks.iter().flatten()).await?,
            key_checks,
            apps: read(session, apps::apps(), decode::app).await?,
            operators: read(session, operators::operators(), decode::operator).await?,
            nodes: read(session, nodes::nodes(), decode::node).await?,
        })
    }

    /// Reads it if the schema has all that it is read from.
    async fn of_schema<S: Session>(version: i64, session: &mut S) -> Option<Result<Self, StoreError>> {
        if version < crate::SCHEMA_VERSION { None } else { Some(Self::read(session).await) }
    }
}

async fn read<S: Session, T>(
    session: &mut S,
    statement: crate::statements::Statement,
    decode: impl Fn(&S::Row) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    session.rows(statement).await?.iter().map(decode).collect()
}

/// Of these keys the ones that rows need, or something that was sealed.
async fn needed_keys<'k, S: Session>(
    session: &mut S,
    checks: impl Iterator<Item = &'k KeyCheck>,
) -> Result<Vec<u32>, StoreError> {
    let mut sealing = Vec::new();
    for row in session.query(keys::DATA_KEYS.to_owned()).await? {
        sealing.push(decode::data_key_uses(&row)?.key_id);
    }
    let mut needed = Vec::new();
    for check in checks {
        let id = check.key_id;
        if sealing.contains(&id)
            || session.number(keys::needing(id)).await? > 0
            || session.number(keys::begun_by(id)).await? > 0
        {
            needed.push(id);
        }
    }
    Ok(needed)
}

/// How long it takes to ask for a number and get it.
async fn round_trip<S: Session>(session: &mut S, clock: &dyn Clock) -> Result<Duration, StoreError> {
    let mut shortest = Duration::MAX;
    for _ in 0..ROUND_TRIPS {
        let asked_at = clock.monotonic();
        session.number("SELECT CAST(1 AS bigint)".to_owned()).await?;
        shortest = shortest.min(clock.monotonic().saturating_sub(asked_at));
    }
    Ok(shortest)
}

/// What is done with a database that may hang, which is given up in time.
async fn in_time<T>(work: impl Future<Output = Result<T, OpenError>>) -> Result<T, OpenError> {
    let seconds = PATIENCE.as_secs();
    let done = timeout(PATIENCE, work).await;
    done.unwrap_or_else(|_| Err(OpenError::unavailable(format!("it did not answer within {seconds} s"))))
}
