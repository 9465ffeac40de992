//! Following the change log: what other processes wrote is forgotten here, soon after they wrote it.
//!
//! One follower reads for the whole process. It applies every entry as soon as it can be seen, in whatever order; applying
//! one twice does no harm. Readers that need the order (change streams, webhooks, the audit view) are told by
//! [`Service::watch_changes`] that there is something new, and read it themselves with the store's `changes`.

use super::Cache;
use crate::{Service, Unavailable};
use jeton_core::{MAX_INTEGER, TokenId};
use jeton_store::{Change, ChangeKind, LogPosition, Store};
use std::future::Future;
use std::sync::Arc;
use tokio::sync::watch;

/// Foreign digests that are read at once.
const FOREIGN_ROWS: u32 = 10_000;
const FIRST: TokenId = TokenId::new(1).unwrap();
const LAST: TokenId = TokenId::new(MAX_INTEGER).unwrap();

/// A reader of the change log.
#[derive(Debug)]
pub(crate) struct Follower {
    store: Arc<dyn Store>,
    cache: Arc<Cache>,
    news: watch::Sender<u64>,
    /// `None`: what was remembered until now is not worth anything.
    position: Option<LogPosition>,
    /// From which number on foreign digests have still to be read; `None`: all have been.
    foreign_from: Option<TokenId>,
    /// Which round of reading them this is.
    foreign_round: usize,
}

impl Follower {
    pub(crate) fn new(store: Arc<dyn Store>, cache: Arc<Cache>, news: watch::Sender<u64>) -> Self {
        Follower { store, cache, news, position: None, foreign_from: Some(FIRST), foreign_round: 0 }
    }

    /// Reads what is new, and forgets what it has changed.
    ///
    /// # Errors
    /// It could not be read. The next step begins anew: perhaps another server answers by then.
    pub(crate) async fn step(&mut self) -> Result<(), Unavailable> {
        let begun = self.cache.clock.monotonic();
        let read = self.read().await;
        self.cache.counters.polls.increment();
        match read {
            Ok(()) => self.cache.confirm(begun),
            Err(_) => {
                self.position = None;
                self.cache.counters.failed_polls.increment();
            }
        }
        read
    }

    /// Whether there is more to do at once.
    pub(crate) fn is_behind(&self) -> bool {
        self.position.is_some() && self.foreign_from.is_some()
    }

    async fn read(&mut self) -> Result<(), Unavailable> {
        let news = self.store.news(self.position.as_ref()).await?;
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
        self.read_foreign().await
    }

    /// Reads the next of the foreign digests that were there before.
    async fn read_foreign(&mut self) -> Result<(), Unavailable> {
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

    /// Adds the digests of those newly issued tokens whose secrets are foreign.
    async fn add_foreign(&self, changes: &[Change]) -> Result<(), Unavailable> {
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

impl Drop for Follower {
    fn drop(&mut self) {
        self.cache.stop_trusting();
    }
}

impl Service {
    /// Follows the change log until `stop` completes. While this runs, [`verify`](Self::verify) answers from memory; before
    /// and afterwards it asks the store. To be run once for each store.
    pub async fn follow_changes(&self, stop: impl Future<Output = ()>) {
        let mut follower = self.follower();
        let mut is_failing = false;
        tokio::pin!(stop);
        loop {
            let step = tokio::select! {
                biased;
                () = &mut stop => return,
                step = follower.step() => step,
            };
            match &step {
                Ok(()) if is_failing => tracing::info!("the change log is followed again"),
                Err(error) if !is_failing => tracing::error!("the change log cannot be followed: {error}"),
                Ok(()) | Err(_) => {}
            }
            is_failing = step.is_err();
            if follower.is_behind() {
                continue;
            }
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(self.cache.limits.poll_interval) => {}
            }
        }
    }

    /// Reads what other processes have written by now, for tests that do not wait for [`follow_changes`](Self::follow_changes).
    pub(crate) fn follower(&self) -> Follower {
        Follower::new(Arc::clone(&self.store), Arc::clone(&self.cache), self.news.clone())
    }

    /// Changes whenever the change log has something new, or may have. Readers that need its entries in their order read
    /// them then.
    pub fn watch_changes(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }
}
