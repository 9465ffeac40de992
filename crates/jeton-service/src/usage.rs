//! When, from where and how often tokens are used, without a write for each use.
//!
//! Whatever stands for a token in memory, a [`CachedToken`], has a tally. A use adds to it, and the first one since it was
//! last written also puts the cached token into a bounded queue; a task empties the queue every few seconds and writes many
//! tallies at once. So a token that is used a thousand times a second costs one row every few seconds, and a use costs no
//! I/O and waits for nobody.
//!
//! A token that is remembered anew is another cached token, with a tally of its own. What the former one has counted is not
//! lost with it, because it is in the queue.

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

/// Most cached tokens that wait to be written. The cache counts those that it holds; if it has thrown out all of them, they
/// take some 13 MB beside it, until they are written.
const MAX_WAITING: usize = 1 << 16;
/// Most tallies that are written in one transaction, so that other writes hardly wait.
const MAX_WRITTEN: usize = 1_024;

/// How the recording of use goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageStats {
    /// Uses that were noted, whatever becomes of them.
    pub recorded: u64,
    /// Uses that were written to the store.
    pub written: u64,
    /// Uses that were lost, because too many tokens were in use for the queue or the store failed.
    pub dropped: u64,
}

/// The cached tokens whose tallies wait to be written.
#[derive(Debug)]
pub(crate) struct UsageQueue {
    sender: Sender<Arc<CachedToken>>,
    /// Whoever writes holds it.
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

    /// Notes that a token was presented and found active, from this address if that is known. Costs no I/O and never
    /// waits; what it noted is written by [`Service::write_usage`].
    pub(crate) fn record(&self, cached: &Arc<CachedToken>, at: Timestamp, address: Option<IpAddr>) {
        self.recorded.increment();
        if cached.tally().note(at, address) && self.sender.try_send(Arc::clone(cached)).is_err() {
            // Not in the queue, so the next use must try again.
            self.dropped.fetch_add(cached.take_use().use_count, Ordering::Relaxed);
        }
    }

    /// The next tallies, one for each token, in the order of their numbers: two nodes that write the same ones take their
    /// rows in the same order and cannot block each other.
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
    /// Writes what was noted so far. Returns once that is on disk.
    ///
    /// # Errors
    /// The store failed. What was about to be written is dropped and counted: use is not worth holding memory for.
    pub async fn write_usage(&self) -> Result<(), Error> {
        let mut receiver = self.usage.receiver.lock().await;
        // No more than wait now, or a busy server would never be done.
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

    /// Writes what was noted again and again, with this pause between, until `stop` completes. What is noted until the
    /// service is closed is written then.
    pub async fn keep_usage(&self, pause: Duration, stop: impl Future<Output = ()>) {
        tokio::pin!(stop);
        loop {
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = &mut stop => return,
            }
            self.try_write_usage().await;
        }
    }

    /// Writes what waits. What cannot be written is dropped and counted: nobody is refused anything for that.
    async fn try_write_usage(&self) {
        if let Err(error) = self.write_usage().await {
            let dropped = self.usage_stats().dropped;
            tracing::warn!(dropped, "the use of tokens was not written: {error}");
        }
    }

    /// What is known of the use of these tokens of an app, what was noted a moment ago included; nothing of those that were
    /// never used.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn usage_of(
        &self,
        app: &OpenApp,
        ids: &[TokenId],
    ) -> Result<HashMap<TokenId, TokenUse>, Error> {
        self.try_write_usage().await;
        let found = self.store.usage_of(app.id, ids).await?;
        Ok(found.into_iter().map(|used| (used.token_id, used)).collect())
    }

    /// How the recording of use goes.
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
