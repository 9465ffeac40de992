//! The queue of writes for the writing task.

use crate::apply::rows;
use crate::error::StoreError;
use crate::fair::Crowded;
use crate::lines::Lines;
use crate::statements::insertion::Row;
use crate::statements::tokens::MAX_INSERTED;
use crate::write::{Outcome, Write, WriteLine};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, oneshot};

/// At most this many writes wait in one queue.
const MAX_WAITING: usize = 256;
/// At most this many rows in a group of several writes: others wait while it is written. No write of an app
/// has more.
const MAX_GROUP_WEIGHT: usize = MAX_INSERTED;

/// A write, and the channel for its answer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) write: Write,
    /// Its rows, prepared by the caller: the writing thread has the least time of all.
    rows: Option<Vec<Row>>,
    pub(super) answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

impl Job {
    pub(super) fn new(write: Write, answer: oneshot::Sender<Result<Outcome, StoreError>>) -> Self {
        let rows = Some(rows(&write));
        Job { write, rows, answer }
    }

    /// Takes its rows, or prepares them again.
    pub(super) fn rows(&mut self) -> Vec<Row> {
        self.rows.take().unwrap_or_else(|| rows(&self.write))
    }

    fn weight(&self) -> usize {
        self.write.weight().max(1)
    }
}

/// Queues of writes that are served round-robin: a write waits for the current group, and then for at most
/// one write of each other queue for each one before it in its own.
#[derive(Debug)]
pub(super) struct Jobs {
    waiting: Mutex<Waiting>,
    arrived: Notify,
    /// There are as many as [`linger`](Jobs::linger) waits for.
    are_enough: Condvar,
}

#[derive(Debug)]
struct Waiting {
    lines: Lines<WriteLine, Job>,
    /// [`linger`](Jobs::linger) waits for so many; 0: it does not.
    expected: usize,
    is_closed: bool,
}

/// The writing task is gone.
#[derive(Debug, thiserror::Error)]
#[error("the store is closed")]
pub(super) struct Closed;

impl Jobs {
    pub(super) fn new() -> Arc<Self> {
        let waiting = Waiting { lines: Lines::new(MAX_WAITING), expected: 0, is_closed: false };
        Arc::new(Jobs { waiting: Mutex::new(waiting), arrived: Notify::new(), are_enough: Condvar::new() })
    }

    /// Queues a write, unless too many are waiting.
    pub(super) fn push(&self, job: Job) -> Result<(), StoreError> {
        {
            let mut waiting = self.lock();
            if waiting.is_closed {
                return Err(StoreError::unavailable(Closed));
            }
            waiting.lines.push(job.write.line(), job).ok_or(Crowded)?;
            if waiting.lines.len() == waiting.expected {
                self.are_enough.notify_one();
            }
        }
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits until there is something to write; `false`: there is nothing, and never will be. Only one task
    /// may wait.
    pub(super) async fn wait(&self) -> bool {
        loop {
            {
                let waiting = self.lock();
                if waiting.lines.len() > 0 {
                    return true;
                }
                if waiting.is_closed {
                    return false;
                }
            }
            self.arrived.notified().await;
        }
    }

    /// Blocks the thread until this many writes wait, for at most this time: it has nothing else to do, and timers of the runtime
    /// have milliseconds.
    pub(super) fn linger(&self, expected: usize, at_most: Duration) {
        let mut waiting = self.lock();
        waiting.expected = expected;
        let too_few = |waiting: &mut Waiting| waiting.lines.len() < expected && !waiting.is_closed;
        let waited = self.are_enough.wait_timeout_while(waiting, at_most, too_few);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.expected = 0;
    }

    /// The next writes that fit into one group, and how many wait behind them.
    pub(super) fn gather(&self, max_group: usize) -> (Vec<Job>, usize) {
        let mut waiting = self.lock();
        let (mut jobs, mut weight) = (Vec::new(), 0_usize);
        while jobs.len() < max_group {
            // However large the first is, it has to be written at some point.
            let fits = |job: &Job| weight == 0 || weight.saturating_add(job.weight()) <= MAX_GROUP_WEIGHT;
            let Some((_, job)) = waiting.lines.next(|_, job| fits(job)) else { break };
            weight = weight.saturating_add(job.weight());
            jobs.push(job);
        }
        (jobs, waiting.lines.len())
    }

    /// Accepts no more writes. Those that wait are made.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.arrived.notify_one();
        self.are_enough.notify_one();
    }

    /// Accepts no more writes, and fails those that wait.
    fn abandon(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        // Callers learn it from the end of their channels.
        while waiting.lines.next(|_, _| true).is_some() {}
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The task that makes the writes, until this is dropped, even by a panic.
pub(super) struct Worker(pub(super) Arc<Jobs>);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SelfMadeLimit;
    use crate::write::{InsertTokens, RevokeToken, SweepDeletedApps};
    use jeton_core::{AppId, Cause, Timestamp, TokenId};

    fn app(number: i64) -> AppId {
        AppId::new(number).unwrap()
    }

    fn push(jobs: &Jobs, write: Write) -> Result<(), StoreError> {
        let (answer, _) = oneshot::channel();
        jobs.push(Job::new(write, answer))
    }

    fn new_token(app_id: AppId) -> Write {
        let (tokens, self_made, sealed_under) = (Vec::new(), SelfMadeLimit::NONE, None);
        InsertTokens {
            app_id,
            tokens,
            self_made,
            per_user: None,
            sealed_under,
            at: Timestamp::MIN,
            by: Cause::CLI,
        }
        .into()
    }

    fn heavy(limit: u32) -> Write {
        SweepDeletedApps { limit }.into()
    }

    fn revoke(app_id: AppId) -> Write {
        RevokeToken { app_id, id: TokenId::new(1).unwrap(), at: Timestamp::MIN, by: Cause::CLI }.into()
    }

    fn lines(jobs: &Jobs, max_group: usize) -> Vec<WriteLine> {
        jobs.gather(max_group).0.iter().map(|job| job.write.line()).collect()
    }

    #[test]
    fn one_write_of_another_app_is_in_the_next_group() {
        let jobs = Jobs::new();
        for _ in 0..MAX_WAITING {
            push(&jobs, new_token(app(1))).unwrap();
        }
        assert!(push(&jobs, new_token(app(1))).is_err(), "that is enough");
        push(&jobs, new_token(app(2))).unwrap();
        push(&jobs, revoke(app(1))).unwrap();
        let first = [WriteLine::NewTokens(app(1)), WriteLine::NewTokens(app(2)), WriteLine::Changes(app(1))];
        assert_eq!(lines(&jobs, 3), first);
        assert_eq!(jobs.gather(200).1, MAX_WAITING - 201);
    }

    #[test]
    fn a_write_of_many_rows_is_not_written_with_others() {
        let jobs = Jobs::new();
        push(&jobs, new_token(app(1))).unwrap();
        push(&jobs, heavy(u32::MAX)).unwrap();
        push(&jobs, new_token(app(1))).unwrap();
        assert_eq!(lines(&jobs, 256), [WriteLine::NewTokens(app(1)); 2]);
        assert_eq!(lines(&jobs, 256), [WriteLine::Everything], "but it has its turn");
        assert!(jobs.gather(256).0.is_empty());
    }

    #[test]
    fn heavy_writes_are_first_in_the_group_after_they_did_not_fit() {
        let jobs = Jobs::new();
        push(&jobs, new_token(app(1))).unwrap();
        push(&jobs, heavy(MAX_GROUP_WEIGHT as u32)).unwrap();
        assert_eq!(lines(&jobs, 256).len(), 1);
        push(&jobs, new_token(app(1))).unwrap();
        assert_eq!(lines(&jobs, 256), [WriteLine::Everything]);
        assert_eq!(lines(&jobs, 256), [WriteLine::NewTokens(app(1))]);
    }

    /// A test that cannot end in an hour fails by its runner.
    const HOUR: Duration = Duration::from_secs(3_600);

    #[test]
    fn a_group_waits_until_enough_have_come_and_no_longer() {
        let jobs = Jobs::new();
        jobs.linger(1, Duration::ZERO);
        push(&jobs, new_token(app(1))).unwrap();
        jobs.linger(1, HOUR);
        let lingering = std::thread::spawn({
            let jobs = Arc::clone(&jobs);
            move || {
                jobs.linger(3, HOUR);
                jobs.gather(256).0.len()
            }
        });
        push(&jobs, new_token(app(1))).unwrap();
        push(&jobs, new_token(app(2))).unwrap();
        assert_eq!(lingering.join().unwrap(), 3);
        jobs.close();
        jobs.linger(1, HOUR);
    }

    #[tokio::test]
    async fn who_waits_when_the_worker_goes_is_told() {
        let jobs = Jobs::new();
        let worker = Worker(Arc::clone(&jobs));
        let (answer, answered) = oneshot::channel();
        jobs.push(Job::new(heavy(1), answer)).unwrap();
        assert!(jobs.wait().await);
        drop(worker);
        assert!(answered.await.is_err());
        assert!(push(&jobs, heavy(1)).is_err());
        assert!(!jobs.wait().await);
    }
}
