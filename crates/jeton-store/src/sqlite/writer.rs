//! The writing thread. It takes all waiting writes, commits them together, and only then answers.

use super::jobs::{Closed, Job, Jobs, Worker};
use super::priority;
use super::write_connection::{GroupError, WriteConnection};
use crate::error::StoreError;
use crate::measures::StoreMeasures;
use crate::write::{Outcome, Write};
#[cfg(test)]
use futures_util::future::AbortHandle;
use futures_util::future::abortable;
use std::sync::Arc;
use std::time::Duration;
use std::{io, thread};
use tokio::runtime::Handle;
use tokio::sync::{oneshot, watch};

/// How long a group waits for callers that were just answered and write again. A commit costs more than that, and with 4 callers
/// of which each creates one token after another, waiting for all makes about a quarter more of them; a caller that writes alone
/// is not made to wait.
const LINGER: Duration = Duration::from_micros(300);

/// There is only space for writes that take rights away.
#[derive(Debug, thiserror::Error)]
#[error("the disk is full: only writes that take rights away are accepted")]
struct Full;

/// A handle to the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Arc<Jobs>,
    /// Changes when the thread has finished, and closes if it ended in any other way.
    ended: watch::Receiver<()>,
    #[cfg(test)]
    task: AbortHandle,
}

impl Writer {
    /// Starts the thread. It computes a lot, so it does not belong to a runtime, and has a lower priority.
    pub(super) fn start(
        connection: WriteConnection,
        max_group: usize,
        measures: Arc<StoreMeasures>,
    ) -> io::Result<Self> {
        let jobs = Jobs::new();
        let (task, _abort) = abortable(run(connection, Worker(Arc::clone(&jobs)), max_group, measures));
        let (is_running, ended) = watch::channel(());
        let runtime = Handle::current();
        thread::Builder::new().name("write".to_owned()).spawn(move || {
            priority::lower_this_thread(priority::WRITER);
            // Aborted by tests only.
            if runtime.block_on(task).is_ok() {
                is_running.send_replace(());
            }
        })?;
        Ok(Writer {
            jobs,
            ended,
            #[cfg(test)]
            task: _abort,
        })
    }

    /// Returns once the write is on disk. If the caller stops waiting, the write is made anyway.
    pub(super) async fn write(&self, write: Write) -> Result<Outcome, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.push(Job::new(write, answer))?;
        // The task drops a job unanswered only if it panicked.
        answered.await.unwrap_or_else(|_| Err(StoreError::unavailable(Closed)))
    }

    /// Makes the waiting writes, and none after them, and closes the connection.
    pub(super) async fn close(&self) {
        self.jobs.close();
        if self.ended.clone().changed().await.is_err() {
            tracing::error!("the writing thread failed");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs.close();
    }
}

#[cfg(test)]
impl Writer {
    /// Ends the task as a panic would.
    pub(super) async fn kill(&self) {
        self.task.abort();
        assert!(self.ended.clone().changed().await.is_err(), "it ended in order");
    }
}

async fn run(
    mut connection: WriteConnection,
    worker: Worker,
    max_group: usize,
    measures: Arc<StoreMeasures>,
) {
    let Worker(jobs) = &worker;
    let mut writing_at_once = 0;
    while jobs.wait().await {
        if writing_at_once > 1 {
            jobs.linger(writing_at_once, LINGER);
        }
        let (jobs, waiting) = jobs.gather(max_group);
        measures.groups.record(jobs.len() as u64);
        measures.waiting_writes.set(waiting as u64);
        writing_at_once = jobs.len() + waiting;
        commit(&mut connection, jobs).await;
    }
    connection.close().await;
}

/// Commits all jobs together and answers them. If one of them fails, each is tried alone.
async fn commit(connection: &mut WriteConnection, jobs: Vec<Job>) {
    let mut jobs = jobs;
    // Checked only if needed, since it occupies the reserve again.
    if jobs.iter().any(|job| !job.write.takes_away()) && !connection.has_space() {
        let (taking, others) = jobs.into_iter().partition(|job| job.write.takes_away());
        refuse(others, StoreError::unavailable(Full));
        jobs = taking;
    }
    if jobs.is_empty() {
        return;
    }
    let rows = jobs.iter_mut().flat_map(Job::rows).collect();
    let writes: Vec<_> = jobs.iter().map(|job| &job.write).collect();
    match connection.transact(&writes, rows).await {
        Ok(outcomes) => finish(connection, jobs, outcomes).await,
        Err(error) if error.is_full() => commit_on_full_disk(connection, jobs, error.into_error()).await,
        Err(GroupError::Write(error)) if jobs.len() > 1 => {
            tracing::debug!(%error, writes = jobs.len(), "a group of writes failed; each is tried alone");
            each_alone(connection, jobs).await;
        }
        Err(error) => refuse(jobs, error.into_error()),
    }
}

/// Commits the jobs that take rights away, in the reserved space.
async fn commit_on_full_disk(connection: &mut WriteConnection, jobs: Vec<Job>, error: StoreError) {
    let (taking, others): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|job| job.write.takes_away());
    let error = error.shared();
    refuse(others, error());
    if taking.is_empty() {
        return;
    }
    let writes: Vec<_> = taking.iter().map(|job| &job.write).collect();
    match connection.transact_on_full_disk(&writes).await {
        Ok(outcomes) => finish(connection, taking, outcomes).await,
        Err(GroupError::Write(_)) if taking.len() > 1 => each_alone(connection, taking).await,
        Err(error) => refuse(taking, error.into_error()),
    }
}

async fn each_alone(connection: &mut WriteConnection, jobs: Vec<Job>) {
    for mut job in jobs {
        let rows = job.rows();
        let writes = [&job.write];
        let done = match connection.transact(&writes, rows).await {
            Err(error) if error.is_full() && job.write.takes_away() => {
                connection.transact_on_full_disk(&writes).await
            }
            done => done,
        };
        match done {
            Ok(outcomes) => finish(connection, vec![job], outcomes).await,
            Err(error) => refuse(vec![job], error.into_error()),
        }
    }
}

/// Answers jobs that are on disk.
async fn finish(connection: &mut WriteConnection, jobs: Vec<Job>, outcomes: Vec<Outcome>) {
    if jobs.iter().any(|job| job.write.wipes()) {
        connection.scrub().await;
    }
    // A caller that no longer waits does not need the answer: failing to send it is not an error.
    for (outcome, job) in outcomes.into_iter().zip(jobs) {
        drop(job.answer.send(Ok(outcome)));
    }
    connection.after_commit().await;
}

fn refuse(jobs: Vec<Job>, error: StoreError) {
    let error = error.shared();
    for job in jobs {
        drop(job.answer.send(Err(error())));
    }
}
