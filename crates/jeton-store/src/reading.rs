//! What statements read, and how apps share what is there for it.

use crate::error::StoreError;
use crate::fair::{Crowded, Fair, Share, Turn};
use jeton_core::AppId;
use std::future::Future;
use std::time::Duration;
use tokio::time::timeout;

/// How long a statement, or a write, waits for its app's turn.
pub(crate) const TURN_TIME: Duration = Duration::from_secs(5);
/// Most statements of each sort that wait of one app. They are of requests, and of the 1,024 that there are at a time by
/// default, what one app has waiting, here and elsewhere, leaves some to others.
const MAX_PAGES: usize = 128;
const MAX_OTHERS: usize = 64;

/// What a statement reads, which decides whom it waits behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// A few rows by key. Never waits behind anything else.
    Lookup,
    /// Many rows by key, of which an app's backend asks at once. Leaves a connection to lookups.
    Batch(AppId),
    /// One page of a list of an app, by key. Many lists have to wait for each other, but none for a scan: a list that was
    /// begun would be cut by it.
    Page(AppId),
    /// Many rows of an app, to count them or to leave them out. Only so many run at once.
    Scan(AppId),
}

/// How many statements of each sort run at once, of one app. Of pages and scans there may be one more of other apps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AtOnce {
    pub(crate) batches: usize,
    pub(crate) pages: usize,
    pub(crate) scans: usize,
}

/// The turns of statements that are no lookups: however much one app reads, another's statement waits for at most one of
/// its statements of that sort.
#[derive(Debug)]
pub(crate) struct ReadingTurns {
    batches: Fair<AppId>,
    pages: Fair<AppId>,
    scans: Fair<AppId>,
}

impl ReadingTurns {
    pub(crate) fn new(at_once: AtOnce) -> Self {
        let share = |each, waiting| Fair::new(Share { places: each + 1, each, waiting });
        // These are quick, and each is another's turn.
        let batches = Share { places: at_once.batches, each: at_once.batches, waiting: MAX_OTHERS };
        ReadingTurns {
            batches: Fair::new(batches),
            pages: share(at_once.pages, MAX_PAGES),
            scans: share(at_once.scans, MAX_OTHERS),
        }
    }

    /// Waits for the turn of a statement, which lasts until it is dropped; `None`: it needs none. Waiting is bounded.
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

/// Waits for a turn, so long and no longer.
pub(crate) async fn in_time<T>(turn: impl Future<Output = Result<T, Crowded>>) -> Result<T, StoreError> {
    Ok(timeout(TURN_TIME, turn).await.map_err(|_| Crowded)??)
}
