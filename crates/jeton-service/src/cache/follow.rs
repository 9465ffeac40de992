//! Following the change log: changes by other processes invalidate the cache here, soon after they are
//! written.
//!
//! One follower reads for the whole process. It applies every entry as soon as it is visible, in any order;
//! applying one twice is harmless. Readers that need the order (change streams, webhooks, the audit view)
//! learn from [`Service::watch_changes`] that there is something new, and read it themselves with the store's
//! `changes`.

use super::Cache;
use crate::{Error, Service};
use jeton_core::{ChangeKind, MAX_INTEGER, TokenId};
use jeton_store::{Cadence, Change, Hints, LogPosition, Store};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::sleep;

/// Foreign digests that are read at once.
const FOREIGN_ROWS: u32 = 10_000;
const FIRST: TokenId = TokenId::new(1).unwrap();
const LAST: TokenId = TokenId::new(MAX_INTEGER).unwrap();

/// How many polls announcements trigger in a while: a few that come together are read at once, and many are read together.
const POLLS: (usize, Duration) = (4, Duration::from_millis(20));

/// A reader of the change log.
#[derive(Debug)]
pub(crate) struct Follower {
    store: Arc<dyn Store>,
    cache: Arc<Cache>,
    news: watch::Sender<u64>,
    /// `None`: nothing cached until now can be trusted.
    position: Option<LogPosition>,
    /// The number from which foreign digests are still to be read; `None`: all have been read.
    foreign_from: Option<TokenId>,
    /// The current round of reading them.
    foreign_round: usize,
}

impl Follower {
    pub(crate) fn new(store: Arc<dyn Store>, cache: Arc<Cache>, news: watch::Sender<u64>) -> Self {
        Follower { store, cache, news, position: None, foreign_from: Some(FIRST), foreign_round: 0 }
    }

    /// Reads new entries and invalidates what they changed.
    ///
    /// # Errors
    ///
    /// The log could not be read. The next step starts over: perhaps another server answers by then.
    pub(crate) async fn step(&mut self) -> Result<(), Error> {
        let begun = self.cache.clock.monotonic();
        let read = self.read().await;
        self.cache.counters.polls.increment();
        match read {
            Ok(newest) => {
                self.cache.confirm(begun, newest);
                Ok(())
            }
            Err(error) => {
                self.position = None;
                self.cache.counters.failed_polls.increment();
                if error.is_outage() {
                    self.cache.note_outage();
                }
                Err(error)
            }
        }
    }

    /// Whether there is more to read at once.
    pub(crate) fn is_behind(&self) -> bool {
        self.position.is_some() && self.foreign_from.is_some()
    }

    /// Answers the number of the newest entry, if that is new.
    async fn read(&mut self) -> Result<Option<i64>, Error> {
        let news = self.store.news(self.position.as_ref()).await?;
        let newest = news.newest;
        let is_restored = |changes: &Vec<Change>| changes.iter().any(|it| it.kind == ChangeKind::Restored);
        match news.changes.filter(|changes| self.position.is_some() && !is_restored(changes)) {
            None => {
                self.cache.forget_all();
                self.foreign_from = Some(FIRST);
                self.foreign_round = self.cache.foreign.round();
                self.tell();
            }
            Some(changes) if changes.is_empty() => {}
            Some(changes) => {
                self.add_foreign(&changes).await?;
                self.cache.apply(&changes);
                self.tell();
            }
        }
        self.position = Some(news.position);
        if self.foreign_round != self.cache.foreign.round() {
            self.foreign_from = Some(FIRST);
            self.foreign_round = self.cache.foreign.round();
        }
        self.read_foreign().await?;
        Ok(newest)
    }

    /// Reads the next of the foreign digests that existed before.
    async fn read_foreign(&mut self) -> Result<(), Error> {
        let Some(first) = self.foreign_from else { return Ok(()) };
        let rows = self.store.foreign_digests(first, LAST, FOREIGN_ROWS).await?;
        rows.iter().for_each(|(_, digest)| self.cache.foreign.add(digest));
        let next = rows.last().and_then(|(id, _)| TokenId::new(id.get() + 1));
        self.foreign_from = next.filter(|_| rows.len() >= FOREIGN_ROWS as usize);
        if self.foreign_from.is_none() {
            self.cache.foreign.complete(self.foreign_round);
        }
        Ok(())
    }

    /// Adds the digests of new tokens with foreign secrets.
    async fn add_foreign(&self, changes: &[Change]) -> Result<(), Error> {
        let issued = || {
            let issued = changes.iter().filter(|change| change.kind == ChangeKind::TokenIssued);
            issued.filter_map(Change::token_id)
        };
        let (Some(first), Some(last)) = (issued().min(), issued().max()) else { return Ok(()) };
        let mut next = Some(first);
        while let Some(first) = next {
            let rows = self.store.foreign_digests(first, last, FOREIGN_ROWS).await?;
            rows.iter().for_each(|(_, digest)| self.cache.foreign.add(digest));
            let is_full = rows.len() >= FOREIGN_ROWS as usize;
            next = rows
                .last()
                .and_then(|(id, _)| TokenId::new(id.get() + 1))
                .filter(|id| is_full && *id <= last);
        }
        Ok(())
    }

    fn tell(&self) {
        self.news.send_modify(|number| *number = number.wrapping_add(1));
    }
}

/// Whether announcements can be relied on to poll less often. They cannot once a poll found something that
/// was not announced, until an announcement arrives again: the connection may be dead without an error.
#[derive(Debug, Default)]
struct Trust {
    is_justified: bool,
    heard: u64,
}

impl Trust {
    /// Call this after each poll with the announcements received before it, and whether it found anything.
    fn judge(&mut self, hints: Hints, found_any: bool) {
        let heard_any = hints.heard != self.heard;
        self.heard = hints.heard;
        self.is_justified = hints.is_listening && (heard_any || (self.is_justified && !found_any));
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.cache.stop_trusting();
    }
}

impl Service {
    /// Follows the change log until `stop` completes. While this runs, [`verify`](Self::verify) answers from
    /// memory; before and afterwards it asks the store. Run it once for each store.
    pub async fn follow_changes(&self, stop: impl Future<Output = ()>) {
        let hints = watch::Sender::default();
        tokio::select! {
            biased;
            () = stop => {}
            () = self.keep_following(hints.subscribe()) => {}
            () = self.store.listen(&hints) => {}
        }
    }

    async fn keep_following(&self, mut hints: watch::Receiver<Hints>) {
        let mut follower = self.follower();
        let mut trust = Trust::default();
        let mut is_failing = false;
        let mut cadence = Cadence::new(POLLS.0, POLLS.1);
        loop {
            let hinted = *hints.borrow_and_update();
            self.cache.counters.is_listening.store(hinted.is_listening, Ordering::Relaxed);
            let news = *self.news.borrow();
            let step = follower.step().await;
            match &step {
                Ok(()) if is_failing => tracing::info!("the change log is followed again"),
                Err(error) if !is_failing => tracing::error!("the change log cannot be followed: {error}"),
                Ok(()) | Err(_) => {}
            }
            is_failing = step.is_err();
            trust.judge(hinted, *self.news.borrow() != news);
            if follower.is_behind() {
                continue;
            }
            let limits = &self.cache.limits;
            let may_wait = trust.is_justified && !is_failing;
            let pause = if may_wait { limits.announced_interval } else { limits.poll_interval };
            tokio::select! {
                () = sleep(pause) => {}
                Ok(()) = hints.changed() => cadence.wait().await,
            }
        }
    }

    /// Reads what other processes have written so far, for tests that do not wait for
    /// [`follow_changes`](Self::follow_changes).
    pub(crate) fn follower(&self) -> Follower {
        Follower::new(Arc::clone(&self.store), Arc::clone(&self.cache), self.news.clone())
    }

    /// Changes whenever the change log has, or may have, new entries. Readers that need its entries in order
    /// read them then.
    pub fn watch_changes(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn announcements_are_trusted_while_they_come_before_what_they_announce() {
        let mut trust = Trust::default();
        let mut judge = |is_listening, heard, found_any| {
            trust.judge(Hints { is_listening, heard }, found_any);
            trust.is_justified
        };
        assert!(!judge(false, 0, true), "the first look, before anything is heard");
        assert!(!judge(false, 0, false));
        assert!(judge(true, 1, false), "it hears itself");
        assert!(judge(true, 1, false));
        assert!(judge(true, 2, true), "announced and found");
        assert!(judge(true, 3, false), "announced, and found by the look before");
        assert!(!judge(true, 3, true), "found without having been announced");
        assert!(!judge(true, 3, false));
        assert!(judge(true, 4, false), "heard again");
        assert!(!judge(false, 4, false), "the connection is lost");
        assert!(!judge(false, 5, false), "nor was the last word in time");
        assert!(judge(true, 6, true));
    }
}
