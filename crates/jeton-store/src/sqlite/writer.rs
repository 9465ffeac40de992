//! The one task that writes. It takes what is waiting, commits it together, and only then answers.

use super::ground::Ground;
use super::jobs::{Closed, Job, Jobs, Worker};
use super::open;
use crate::apply::apply;
use crate::error::StoreError;
use crate::measures::StoreMeasures;
use crate::write::{Outcome, Write};
use sqlx::sqlite::SqliteConnection;
use sqlx::{Connection, Executor};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The way to the writing task.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: Arc<Jobs>,
    task: tokio::sync::Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the task.
    pub(super) fn start(
        ground: Arc<Ground>,
        connection: SqliteConnection,
        max_group: usize,
        measures: Arc<StoreMeasures>,
    ) -> Self {
        let jobs = Jobs::new();
        let line = Line { ground, connection: Some(connection) };
        let task = tokio::spawn(run(line, Worker(Arc::clone(&jobs)), max_group, measures));
        Writer { jobs, task: tokio::sync::Mutex::new(Some(task)) }
    }

    /// Answers once the write is on disk. A caller that does not wait for that disturbs nobody: the write is made.
    pub(super) async fn write(&self, write: Write) -> Result<Outcome, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.jobs.push(Job { write, answer })?;
        // The task drops a job unanswered only if it panicked.
        answered.await.unwrap_or_else(|_| Err(StoreError::unavailable(Closed)))
    }

    /// Makes the writes that are waiting, and none after them, and closes the connection.
    pub(super) async fn close(&self) {
        self.jobs.close();
        let mut task = self.task.lock().await;
        if let Some(task) = task.as_mut()
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the task that writes failed");
        }
        *task = None;
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
        if let Some(task) = self.task.lock().await.as_ref() {
            task.abort();
        }
    }
}

/// The connection that writes, replaced by a new one when nobody can tell any more in what transaction it is.
struct Line {
    ground: Arc<Ground>,
    connection: Option<SqliteConnection>,
}

impl Line {
    async fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => open::writer(self.ground.path()).await.map_err(StoreError::unavailable)?,
        };
        Ok(self.connection.insert(connection))
    }

    /// Gives the connection up. What it had not committed is undone.
    fn cut(&mut self) {
        self.connection = None;
    }
}

async fn run(mut line: Line, worker: Worker, max_group: usize, measures: Arc<StoreMeasures>) {
    let Worker(jobs) = &worker;
    while jobs.wait().await {
        // Those who were just answered and write again come first: measured with 64 of them, groups are of about
        // 50 instead of 35, which counts where a commit is slow.
        tokio::task::yield_now().await;
        let (jobs, waiting) = jobs.gather(max_group);
        measures.groups.record(jobs.len() as u64);
        measures.waiting_writes.set(waiting as u64);
        commit(&mut line, jobs).await;
    }
    let Line { ground, connection } = line;
    if ground.lost().is_some() {
        // See `SqliteEngine::close`.
        std::mem::forget(connection);
    } else if let Some(connection) = connection
        && let Err(error) = close(connection).await
    {
        tracing::warn!(%error, "the database was not closed in order; nothing is lost");
    }
}

async fn close(mut connection: SqliteConnection) -> Result<(), sqlx::Error> {
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await?;
    connection.close().await
}

/// Commits all jobs together and answers them. If one of them fails, each is tried alone.
async fn commit(line: &mut Line, jobs: Vec<Job>) {
    let (writes, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.write, job.answer)).unzip();
    // Whoever waits no longer does not want to know: that an answer cannot be sent is no failure.
    match transact(line, &writes).await {
        Ok(outcomes) => {
            if writes.iter().any(Write::wipes) {
                scrub(line).await;
            }
            for (outcome, answer) in outcomes.into_iter().zip(answers) {
                drop(answer.send(Ok(outcome)));
            }
        }
        Err(Failure::Write(error)) if writes.len() > 1 => {
            tracing::debug!(%error, writes = writes.len(), "a group of writes failed; each is tried alone");
            for (write, answer) in writes.iter().zip(answers) {
                drop(answer.send(alone(line, write).await));
            }
        }
        Err(failure) => {
            let error = failure.into_error().shared();
            for answer in answers {
                drop(answer.send(Err(error())));
            }
        }
    }
}

/// Overwrites what was wiped in the file too: until then the log of the database still holds it. A reader that is under
/// way may hold this up; then the next scrub, or the end of the process, does it.
async fn scrub(line: &mut Line) {
    let Some(connection) = &mut line.connection else { return };
    if let Err(error) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").await {
        tracing::warn!(%error, "what was wiped is still in the log of the database");
    }
}

async fn alone(line: &mut Line, write: &Write) -> Result<Outcome, StoreError> {
    let outcomes = transact(line, std::slice::from_ref(write)).await;
    let mut outcomes = outcomes.map_err(Failure::into_error)?;
    outcomes.pop().ok_or_else(|| StoreError::unavailable("a write had no outcome"))
}

/// Why a group was not committed.
#[derive(Debug)]
enum Failure {
    /// The database could not be locked or the commit failed: that is nobody's fault, and trying the writes one by one
    /// would make each of them wait as long.
    Commit(StoreError),
    /// One of the writes failed.
    Write(StoreError),
}

impl Failure {
    fn into_error(self) -> StoreError {
        match self {
            Failure::Commit(error) | Failure::Write(error) => error,
        }
    }
}

async fn transact(line: &mut Line, writes: &[Write]) -> Result<Vec<Outcome>, Failure> {
    let commit_failed = |error: sqlx::Error| Failure::Commit(StoreError::unavailable(error));
    line.ground.look().map_err(Failure::Commit)?;
    let connection = line.connection().await.map_err(Failure::Commit)?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await.map_err(commit_failed)?;
    let (applied, ended) = match apply(&mut *transaction, writes).await {
        Ok(outcomes) => (Ok(outcomes), transaction.commit().await),
        // A full disk makes SQLite undo the transaction by itself, and then there is nothing to roll back.
        Err(error) => (Err(error), transaction.rollback().await),
    };
    if ended.is_err() {
        line.cut();
    }
    match (applied, ended) {
        // What went into a file that has no name any more is not acknowledged.
        (Ok(outcomes), Ok(())) => line.ground.look().map(|()| outcomes).map_err(Failure::Commit),
        (Err(error), Ok(())) => Err(Failure::Write(error)),
        (_, Err(error)) => Err(commit_failed(error)),
    }
}
