//! When, from where and how often tokens are used, without a write for each use.
//!
//! Every cached token ([`CachedToken`]) has a tally. A use increments it, and the first one since the last
//! write also puts the cached token into a bounded queue; a task empties the queue every few seconds and
//! writes many tallies at once. So a token that is used a thousand times a second costs one row every few
//! seconds, and a use needs no I/O and never waits.
//!
//! A token that is cached again is another cached token, with a tally of its own. The counts of the former
//! one are not lost with it, because it is in the queue.

use crate::open_app::OpenApp;
use crate::{CachedToken, Error, Service};
use jeton_core::{AppId, Counter, Timestamp, TokenId};
use jeton_store::TokenUse;
use jeton_store::write::AddUsage;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender};

/// At most this many cached tokens wait to be written. The cache counts those that it holds; if it has
/// evicted all of them, they take about 13 MB in addition until they are written.
const MAX_WAITING: usize = 1 << 16;
/// At most this many tallies are written in one transaction, so that other writes hardly wait.
const MAX_WRITTEN: usize = 1_024;

/// Counts of the recording of use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageStats {
    /// Uses that were recorded, whatever happened to them then.
    pub recorded: u64,
    /// Uses that were written to the store.
    pub written: u64,
    /// Uses that were lost because the queue was full or the store failed.
    pub dropped: u64,
}

/// The cached tokens whose tallies wait to be written.
#[derive(Debug)]
pub(crate) struct UsageQueue {
    sender: Sender<Arc<CachedToken>>,
    /// Held while writing.
    receiver: tokio::sync::Mutex<Receiver<Arc<CachedToken>>>,
    recorded: Counter,
    written: AtomicU64,
    dropped: AtomicU64,
}

impl UsageQueue {
    pub(crate) fn new() -> Self {
        Self::with_room_for(MAX_WAITING)
    }

    fn with_room_for(waiting: usize) -> Self {
        let (sender, receiver) = mpsc::channel(waiting);
        UsageQueue {
            sender,
            receiver: tokio::sync::Mutex::new(receiver),
            recorded: Counter::default(),
            written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Records that a token was presented and found active, from this address if that is known. Needs no I/O
    /// and never waits; [`Service::write_usage`] writes it.
    pub(crate) fn record(&self, cached: &Arc<CachedToken>, at: Timestamp, address: Option<IpAddr>) {
        self.recorded.increment();
        if cached.tally().note(at, address) && self.sender.try_send(Arc::clone(cached)).is_err() {
            // Not in the queue, so the next use must try again.
            self.dropped.fetch_add(cached.take_use().use_count, Ordering::Relaxed);
        }
    }

    /// The next tallies, one for each token, in the order of their numbers: two nodes that write the same
    /// ones lock their rows in the same order and cannot deadlock.
    fn next(receiver: &mut Receiver<Arc<CachedToken>>) -> Vec<TokenUse> {
        let mut uses: BTreeMap<(AppId, TokenId), TokenUse> = BTreeMap::new();
        while uses.len() < MAX_WRITTEN {
            let Ok(cached) = receiver.try_recv() else { break };
            let used = cached.take_use();
            uses.entry((used.app_id, used.token_id)).and_modify(|sum| add(sum, used)).or_insert(used);
        }
        uses.into_values().collect()
    }
}

fn add(sum: &mut TokenUse, used: TokenUse) {
    sum.use_count = sum.use_count.saturating_add(used.use_count);
    if used.last_used_at >= sum.last_used_at {
        sum.last_used_at = used.last_used_at;
        sum.last_address = used.last_address.or(sum.last_address);
    }
}

impl Service {
    /// Writes what was recorded so far. Returns once it is on disk.
    ///
    /// # Errors
    ///
    /// The store failed. What was to be written is dropped and counted: use is not worth holding memory for.
    pub async fn write_usage(&self) -> Result<(), Error> {
        let mut receiver = self.usage.receiver.lock().await;
        // No more than wait now, or a busy server would never finish.
        let mut left = receiver.len();
        while left > 0 {
            left = left.saturating_sub(MAX_WRITTEN);
            let uses = UsageQueue::next(&mut receiver);
            let count = uses.iter().map(|used| used.use_count).sum();
            let written = self.store.write(AddUsage { uses }).await;
            let counter = if written.is_ok() { &self.usage.written } else { &self.usage.dropped };
            counter.fetch_add(count, Ordering::Relaxed);
            written?;
        }
        Ok(())
    }

    /// Writes recorded use repeatedly, with this pause between, until `stop` completes. What is recorded
    /// after that is written when the service is closed.
    pub async fn keep_usage(&self, pause: Duration, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = &mut stop => return,
            }
            self.try_write_usage().await;
            self.try_report_reuses().await;
        }
    }

    /// Writes what waits. What cannot be written is dropped and counted; no request is refused because of it.
    pub(crate) async fn try_write_usage(&self) {
        if let Err(error) = self.write_usage().await {
            let dropped = self.usage_stats().dropped;
            tracing::warn!(dropped, "the use of tokens was not written: {error}");
        }
    }

    /// The recorded use of these tokens of an app, including use that is not written yet; nothing for tokens
    /// that were never used.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn usage_of(
        &self,
        app: &OpenApp,
        ids: &[TokenId],
    ) -> Result<HashMap<TokenId, TokenUse>, Error> {
        self.try_write_usage().await;
        let found = self.store.usage_of(app.id, ids).await?;
        Ok(found.into_iter().map(|used| (used.token_id, used)).collect())
    }

    /// The counts of the recording of use.
    pub fn usage_stats(&self) -> UsageStats {
        UsageStats {
            recorded: self.usage.recorded.get(),
            written: self.usage.written.load(Ordering::Relaxed),
            dropped: self.usage.dropped.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(number: i64) -> Arc<CachedToken> {
        CachedToken::bare(TokenId::new(number).unwrap())
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    async fn next(queue: &UsageQueue) -> Vec<(i64, i64, u64)> {
        let uses = UsageQueue::next(&mut *queue.receiver.lock().await);
        uses.iter().map(|used| (used.token_id.get(), used.last_used_at.as_millis(), used.use_count)).collect()
    }

    #[tokio::test]
    async fn uses_of_one_token_take_one_place() {
        let queue = UsageQueue::with_room_for(2);
        let (one, two) = (token(1), token(2));
        for millis in 1..=1000 {
            queue.record(&two, at(millis), None);
            queue.record(&one, at(millis), None);
        }
        assert_eq!(next(&queue).await, [(1, 1000, 1000), (2, 1000, 1000)]);
        assert_eq!(next(&queue).await, []);
        queue.record(&one, at(2000), None);
        assert_eq!(next(&queue).await, [(1, 2000, 1)]);
    }

    #[tokio::test]
    async fn two_subjects_of_one_token_are_one_row() {
        let queue = UsageQueue::with_room_for(10);
        let address = Some(IpAddr::from([10, 0, 0, 1]));
        queue.record(&token(1), at(5), address);
        queue.record(&token(1), at(3), None);
        queue.record(&token(1), at(6), None);
        let uses = UsageQueue::next(&mut *queue.receiver.lock().await);
        assert_eq!(uses.len(), 1);
        assert_eq!((uses[0].last_used_at, uses[0].last_address, uses[0].use_count), (at(6), address, 3));
    }

    #[tokio::test]
    async fn what_finds_no_room_is_counted_and_tried_again() {
        let queue = UsageQueue::with_room_for(1);
        let (one, two) = (token(1), token(2));
        queue.record(&one, at(1), None);
        for _ in 0..3 {
            queue.record(&two, at(1), None);
        }
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 3);
        assert_eq!(next(&queue).await, [(1, 1, 1)]);
        queue.record(&two, at(2), None);
        assert_eq!(next(&queue).await, [(2, 2, 1)]);
    }

    #[tokio::test]
    async fn a_clock_that_goes_back_does_not_take_the_last_use_with_it() {
        let queue = UsageQueue::with_room_for(1);
        let one = token(1);
        queue.record(&one, at(9), None);
        queue.record(&one, at(4), None);
        assert_eq!(next(&queue).await, [(1, 9, 2)]);
    }

    #[test]
    fn no_use_is_lost_between_threads() {
        let queue = UsageQueue::with_room_for(16);
        let cached = token(1);
        let (threads, each) = (4, 10_000);
        let mut sum = 0;
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| (0..each).for_each(|_| queue.record(&cached, at(1), None)));
            }
            let mut receiver = queue.receiver.blocking_lock();
            while sum + queue.dropped.load(Ordering::Relaxed) < threads * each {
                sum += UsageQueue::next(&mut receiver).iter().map(|used| used.use_count).sum::<u64>();
            }
        });
        assert_eq!(sum + queue.dropped.load(Ordering::Relaxed), threads * each);
    }
}
