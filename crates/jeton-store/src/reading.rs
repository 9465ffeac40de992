//! Kinds of reading statements, and how apps share the connections for them.

use crate::error::StoreError;
use crate::fair::{Crowded, Fair, Share, Turn};
use jeton_core::{AppId, MAX_INTEGER};
use std::future::Future;
use std::time::Duration;
use tokio::time::timeout;

/// How long a statement, or a write, waits for its app's turn.
pub(crate) const TURN_TIME: Duration = Duration::from_secs(5);
/// At most this many statements of each kind wait for one app. Of the 1,024 requests at a time by default,
/// the waiting ones of one app, here and elsewhere, leave some to others.
const MAX_PAGES: usize = 128;
const MAX_OTHERS: usize = 64;

/// What a statement reads, which decides what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A few rows by key. Never waits for other statements.
    Lookup,
    /// Many rows by key for a batch of an app's backend. Leaves a connection to look-ups.
    Batch(AppId),
    /// One page of a list of an app, by key. Lists may wait for each other, but not for a scan: a list in
    /// progress would be cut by that.
    Page(AppId),
    /// Many rows of an app, to count or to skip them. Only a few run at once.
    Scan(AppId),
}

/// In whose turn what is about all apps is read: a party of its own, whose number no app has.
pub(crate) const OPERATORS: Reading = Reading::Scan(match AppId::new(MAX_INTEGER) {
    Some(id) => id,
    None => unreachable!(),
});

/// How many statements of each kind run at once for one app. For pages and scans there is one more for other
/// apps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtOnce {
    pub(crate) batches: usize,
    pub(crate) pages: usize,
    pub(crate) scans: usize,
}

/// The turns of statements that are not look-ups: however much one app reads, a statement of another waits
/// for at most one of its statements of that kind.
#[derive(Debug)]
pub(crate) struct ReadingTurns {
    batches: Fair<AppId>,
    pages: Fair<AppId>,
    scans: Fair<AppId>,
}

impl ReadingTurns {
    pub(crate) fn new(at_once: AtOnce) -> Self {
        let share = |each, waiting| Fair::new(Share { places: each + 1, each, waiting });
        // These are short, and each is another's turn.
        let batches = Share { places: at_once.batches, each: at_once.batches, waiting: MAX_OTHERS };
        ReadingTurns {
            batches: Fair::new(batches),
            pages: share(at_once.pages, MAX_PAGES),
            scans: share(at_once.scans, MAX_OTHERS),
        }
    }

    /// Waits for the turn of a statement, which lasts until it is dropped; `None`: it needs none. Waiting is
    /// bounded.
    pub(crate) async fn of(&self, reading: Reading) -> Result<Option<Turn<AppId>>, StoreError> {
        let (turns, app_id) = match reading {
            Reading::Lookup => return Ok(None),
            Reading::Batch(app_id) => (&self.batches, app_id),
            Reading::Page(app_id) => (&self.pages, app_id),
            Reading::Scan(app_id) => (&self.scans, app_id),
        };
        Ok(Some(in_time(turns.turn(app_id)).await?))
    }
}

/// Waits for a turn, up to the time limit.
pub(crate) async fn in_time<T>(turn: impl Future<Output = Result<T, Crowded>>) -> Result<T, StoreError> {
    Ok(timeout(TURN_TIME, turn).await.map_err(|_| Crowded)??)
}
