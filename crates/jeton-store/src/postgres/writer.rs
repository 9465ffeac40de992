//! Writes, each of which is a transaction of its own, but for new tokens: see [`together`](super::together).

use super::breaker::{Breaker, has_lost_connection};
use super::ground::Ground;
use super::hints::Announcer;
use super::line::{PgLine, Way};
use super::together::{Gathering, can_share};
use crate::apply::{Applied, apply, rows};
use crate::error::StoreError;
use crate::fair::{Fair, Share, Turn};
use crate::measures::StoreMeasures;
use crate::model::Inserted;
use crate::reading::in_time;
use crate::statements::insertion::Row;
use crate::write::{Outcome, Write, WriteLine};
use jeton_core::AppId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Begins a transaction that may write, and so may take longer than the connection's limit, which is for reads; for a row or a table that
/// another holds, it waits less long.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = '10s'; \
                                SET LOCAL lock_timeout = '8s'";

/// How long a write may take before it is given up although the server is there: longer than all that has a limit there.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// Begins a transaction that replaces everything: others read on, and write only when it is over.
const BEGIN_ALONE: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; \
                           SET LOCAL idle_in_transaction_session_timeout = 0; \
                           LOCK TABLE self_made, genesis, key_checks, apps, client_digests, tokens, token_digests, operators, \
                           idempotency_keys, changes IN EXCLUSIVE MODE";

/// Begins a transaction that retires a key: whoever is about to write a row that needs it is done, or waits. It reads indexes
/// alone, so that this is short.
const BEGIN_RETIRING: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = '10s'; \
                              LOCK TABLE apps, client_digests, tokens, token_digests, operators \
                              IN SHARE ROW EXCLUSIVE MODE";

/// Who seals tokens waits for who changes the app's data key, and the other way round, fairly: a row lock that many share would
/// let them overtake who waits to change the row. Beside it, those who replace everything.
const SEALED: &str =
    "LOCK TABLE self_made, tokens IN ROW EXCLUSIVE MODE; SELECT pg_advisory_xact_lock_shared";
/// See [`SEALED`].
const RESEALS: &str = "SELECT pg_advisory_xact_lock";
/// What tells those locks from those of other programs in the same database.
const DATA_KEYS: i32 = i32::from_be_bytes(*b"jtdk");

/// How transactions that write share the pool. Those of one app's new tokens leave some to others.
pub(super) const WRITES: Share = Share { places: 8, each: 6, waiting: 256 };

/// `deadlock_detected` and `serialization_failure`: the server has rolled it back, and nothing is wrong with it.
const TO_BE_REPEATED: [&str; 2] = ["40P01", "40001"];
/// How often a transaction is begun.
const MAX_TRIES: u32 = 4;

/// How the transaction of these writes begins: one, or new tokens of one app.
fn begin(writes: &[&Write]) -> String {
    // Apps whose numbers have the same last bits wait for each other: nothing more comes of it.
    let lock = |lock: &str, id: AppId| format!("{BEGIN}; {lock}({DATA_KEYS}, {})", id.get() as i32);
    let sealed = writes.iter().find_map(|write| match write {
        Write::InsertTokens(insert) if insert.sealed_under.is_some() => Some(insert.app_id),
        _ => None,
    });
    match (sealed, writes) {
        (Some(app_id), _) => lock(SEALED, app_id),
        (None, [Write::Restore(_)]) => BEGIN_ALONE.to_owned(),
        (None, [Write::RetireKey(_) | Write::ForgetKey(_)]) => BEGIN_RETIRING.to_owned(),
        (None, [Write::ChangeApp(change)]) if change.change.data_key.is_some() => lock(RESEALS, change.id),
        _ => BEGIN.to_owned(),
    }
}

/// A place among those who write at once. It is free again when all who have it are done.
pub(super) type Place = Arc<Turn<WriteLine>>;

/// Makes writes. Clones are one and the same.
#[derive(Clone, Debug)]
pub(super) struct Writer(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    breaker: Breaker,
    way: Way,
    ground: Arc<Ground>,
    announcer: Announcer,
    measures: Arc<StoreMeasures>,
    turns: Fair<WriteLine>,
    gathering: Gathering,
}

impl Writer {
    pub(super) fn over(
        breaker: Breaker,
        way: Way,
        ground: Arc<Ground>,
        measures: Arc<StoreMeasures>,
    ) -> Self {
        let announcer = Announcer::over(breaker.pools());
        let (turns, gathering) = (Fair::new(WRITES), Gathering::new());
        Writer(Arc::new(Parts { breaker, way, ground, announcer, measures, turns, gathering }))
    }

    /// Tells other processes of what was written.
    pub(super) fn announcer(&self) -> &Announcer {
        &self.0.announcer
    }

    pub(super) fn turns(&self) -> &Fair<WriteLine> {
        &self.0.turns
    }

    pub(super) fn gathering(&self) -> &Gathering {
        &self.0.gathering
    }

    pub(super) fn measures(&self) -> &StoreMeasures {
        &self.0.measures
    }

    /// Answers once the write is committed.
    pub(super) async fn write(&self, write: Write) -> Result<Outcome, StoreError> {
        match write {
            Write::InsertTokens(insert) if can_share(&insert) => {
                self.0.breaker.call(Some(WRITE_TIME), self.write_together(*insert)).await
            }
            write => self.write_alone(&write).await,
        }
    }

    async fn write_alone(&self, write: &Write) -> Result<Outcome, StoreError> {
        let bound = if matches!(write, Write::Restore(_)) { None } else { Some(WRITE_TIME) };
        let is_in_doubt = AtomicBool::new(false);
        let transact = async {
            let place = Arc::new(in_time(self.0.turns.turn(write.line())).await?);
            let outcomes = self.transact_again(&[write], rows(write), &place, &is_in_doubt).await;
            outcomes?.pop().ok_or_else(nothing)
        };
        let written = self.0.breaker.call(bound, transact).await;
        // Also if nobody knows whether it is there.
        if write.is_logged() {
            self.0.announcer.announce();
        }
        written
    }

    /// Makes writes in one transaction; on an error, says whether nobody knows what became of them.
    pub(super) async fn transact_in_time(
        &self,
        writes: &[&Write],
        rows: Vec<Row>,
        place: &Place,
    ) -> Result<Vec<Outcome>, (StoreError, bool)> {
        let is_in_doubt = AtomicBool::new(false);
        let transact = self.transact_again(writes, rows, place, &is_in_doubt);
        let outcomes = self.0.breaker.call(Some(WRITE_TIME), transact).await;
        outcomes.map_err(|error| (error, is_in_doubt.load(Ordering::Relaxed)))
    }

    async fn transact_again(
        &self,
        writes: &[&Write],
        made: Vec<Row>,
        place: &Place,
        is_in_doubt: &AtomicBool,
    ) -> Result<Vec<Outcome>, StoreError> {
        let mut made = Some(made);
        for _ in 1..MAX_TRIES {
            let made = made.take().unwrap_or_else(|| rows_of(writes));
            match self.transact(writes, made, place, is_in_doubt).await {
                Err(error) if can_begin_again(&error, is_in_doubt) => {}
                outcomes => return outcomes,
            }
        }
        self.transact(writes, rows_of(writes), place, is_in_doubt).await
    }

    async fn transact(
        &self,
        writes: &[&Write],
        rows: Vec<Row>,
        place: &Place,
        is_in_doubt: &AtomicBool,
    ) -> Result<Vec<Outcome>, StoreError> {
        let Parts { breaker, way, ground, .. } = &*self.0;
        let (begin, before) = (begin(writes), ground.known());
        let line = PgLine::writing(&breaker.pool(), *way, &begin).await;
        let mut line = line.map_err(StoreError::unavailable)?;
        // Its connection may be a new one.
        ground.holds()?;
        // Dropped on an error, which rolls it back.
        let applied = apply(&mut line, writes, rows, false).await?;
        let Some(Applied { outcomes, newest }) = applied else { return key_gone(writes) };
        ground.check_written(&before, newest)?;
        is_in_doubt.store(true, Ordering::Relaxed);
        self.commit(line, Arc::clone(place)).await?;
        ground.note(newest);
        ground.holds()?;
        Ok(outcomes)
    }

    /// Commits, in a task of its own. A commit that waits for a standby waits for as long as that is away, whoever has given it up,
    /// and no limit of time ends it on the server. Its connection is in use until then, or until the server is gone, and so is its
    /// place: so no more connections wait than there are places, and the others are left to those who read.
    async fn commit(&self, line: PgLine, place: Place) -> Result<(), StoreError> {
        let breaker = self.0.breaker.clone();
        let committing = tokio::spawn(async move {
            let commit = async { line.commit().await.map_err(StoreError::unavailable) };
            let committed = breaker.call(None, commit).await;
            drop(place);
            committed
        });
        committing.await.unwrap_or_else(|lost| Err(StoreError::unavailable(lost)))
    }

    /// Makes no more writes.
    pub(super) async fn close(&self) {
        self.0.announcer.close().await;
    }
}

/// Whether nothing of a transaction has remained, and it may succeed if it is begun once more: the server has rolled it back for the
/// sake of another, or its connection was lost before its commit was sent. After that, nobody knows what became of it.
fn can_begin_again(error: &StoreError, is_in_doubt: &AtomicBool) -> bool {
    let is_rolled_back = || error.code().is_some_and(|code| TO_BE_REPEATED.contains(&code.as_str()));
    is_rolled_back() || (!is_in_doubt.load(Ordering::Relaxed) && has_lost_connection(error))
}

fn rows_of(writes: &[&Write]) -> Vec<Row> {
    writes.iter().flat_map(|write| rows(write)).collect()
}

/// The answer to an insertion of tokens that are sealed under a key which is gone.
fn key_gone(writes: &[&Write]) -> Result<Vec<Outcome>, StoreError> {
    match writes {
        [Write::InsertTokens(insert)] => {
            Ok(vec![Outcome::InsertTokens(vec![Inserted::KeyGone; insert.tokens.len()])])
        }
        _ => Err(nothing()),
    }
}

pub(super) fn nothing() -> StoreError {
    StoreError::unavailable("a write had no outcome")
}
