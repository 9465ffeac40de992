//! New tokens of one app that wait at the same time go in together: a commit, the statements and the app's totals cost the same
//! for one of them as for several. Who finds a turn free goes alone and waits for nobody.

use super::writer::{Place, WRITES, Writer, nothing};
use crate::apply::rows;
use crate::error::StoreError;
use crate::fair::{Crowded, Turn};
use crate::lines::{Lines, Ticket};
use crate::reading::in_time;
use crate::statements::insertion::{MOST_KEPT_ON_POSTGRES, Row};
use crate::write::{InsertTokens, Outcome, Write, WriteLine};
use jeton_core::{AppId, TokenKind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// New tokens that wait for the next turn of their app.
#[derive(Debug)]
pub(super) struct Gathering(Mutex<Lines<AppId, Job>>);

/// New tokens, and who waits for them.
#[derive(Debug)]
struct Job {
    write: Write,
    rows: Vec<Row>,
    answer: oneshot::Sender<Result<Outcome, StoreError>>,
}

/// A job that waits, which leaves its line when nobody waits for it any more.
struct Waiting<'g> {
    gathering: &'g Gathering,
    app_id: AppId,
    ticket: Ticket,
}

/// Whether a write is one of new tokens that go in for certain, and are not so many that others would wait for them.
pub(super) fn can_share(insert: &InsertTokens) -> bool {
    let is_plain =
        |token: &crate::model::NewToken| !token.is_foreign && token.spec.kind != TokenKind::SelfMade;
    insert.tokens.len() < MOST_KEPT_ON_POSTGRES && insert.tokens.iter().all(is_plain)
}

impl Gathering {
    pub(super) fn new() -> Self {
        Gathering(Mutex::new(Lines::new(WRITES.waiting)))
    }

    fn push(&self, app_id: AppId, job: Job) -> Result<Waiting<'_>, Crowded> {
        let ticket = self.lock().push(app_id, job).ok_or(Crowded)?;
        Ok(Waiting { gathering: self, app_id, ticket })
    }

    /// This job, if it waits still, and what waits of its app beside it, as far as it fits into one statement. Without the first, a
    /// job behind others that fill a statement would be left to callers that may have their answers before their turns.
    fn take(&self, app_id: AppId, ticket: Ticket) -> Vec<Job> {
        let mut lines = self.lock();
        let mut jobs: Vec<Job> = lines.remove(app_id, ticket).into_iter().collect();
        let mut rows = jobs.iter().map(|job| job.rows.len()).sum();
        let fits = |job: &Job, rows: usize| rows + job.rows.len() <= MOST_KEPT_ON_POSTGRES;
        while let Some((_, job)) = lines.next(|other, job| other == app_id && fits(job, rows)) {
            rows += job.rows.len();
            jobs.push(job);
        }
        jobs
    }

    fn lock(&self) -> MutexGuard<'_, Lines<AppId, Job>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.gathering.lock().remove(self.app_id, self.ticket);
    }
}

impl Writer {
    /// Answers once the tokens are in. They go in although nobody waits for them any more once their turn has come.
    pub(super) async fn write_together(&self, insert: InsertTokens) -> Result<Outcome, StoreError> {
        let (app_id, write) = (insert.app_id, Write::from(insert));
        let (line, rows) = (write.line(), rows(&write));
        let (answer, mut answered) = oneshot::channel();
        let waiting = self.gathering().push(app_id, Job { write, rows, answer })?;
        tokio::select! {
            biased;
            answer = &mut answered => return answer.unwrap_or_else(|_| Err(nothing())),
            turn = in_time(self.turns().turn(line)) => self.begin_group(&waiting, turn?),
        }
        answered.await.unwrap_or_else(|_| Err(nothing()))
    }

    /// Writes a job and what waits beside it, in a task of its own: the caller may go away while the others wait on.
    fn begin_group(&self, waiting: &Waiting<'_>, turn: Turn<WriteLine>) {
        let jobs = self.gathering().take(waiting.app_id, waiting.ticket);
        // Nothing is left where another's turn came first.
        if jobs.is_empty() {
            return;
        }
        let writer = self.clone();
        tokio::spawn(async move {
            writer.measures().groups.record(jobs.len() as u64);
            writer.write_group(jobs, &Arc::new(turn)).await;
        });
    }

    /// Writes all jobs in one transaction and answers them. If that is rolled back, each is tried alone.
    async fn write_group(&self, jobs: Vec<Job>, place: &Place) {
        let (mut together, mut writes, mut answers) = (Vec::new(), Vec::new(), Vec::new());
        for Job { write, rows, answer } in jobs {
            together.extend(rows);
            writes.push(write);
            answers.push(answer);
        }
        let all: Vec<&Write> = writes.iter().collect();
        let outcomes = self.transact_in_time(&all, together, place).await;
        // Also if nobody knows whether they are there.
        self.announcer().announce();
        match outcomes {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // Who does not wait any more does not want to know.
                    drop(answer.send(Ok(outcome)));
                }
            }
            Err((error, false)) if all.len() > 1 => {
                tracing::debug!(%error, writes = all.len(), "a group of writes failed; each is tried alone");
                for (answer, write) in answers.into_iter().zip(all) {
                    if !answer.is_closed() {
                        drop(answer.send(self.write_after_group(write, place).await));
                    }
                }
                self.announcer().announce();
            }
            Err((error, _)) => {
                let error = error.shared();
                for answer in answers {
                    drop(answer.send(Err(error())));
                }
            }
        }
    }

    async fn write_after_group(&self, write: &Write, place: &Place) -> Result<Outcome, StoreError> {
        let outcomes = self.transact_in_time(&[write], rows(write), place).await;
        outcomes.map_err(|(error, _)| error)?.pop().ok_or_else(nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SelfMadeLimit;
    use jeton_core::{Cause, Timestamp};

    const APP: AppId = AppId::new(1).unwrap();

    fn push(gathering: &Gathering, rows: usize) -> Ticket {
        let (tokens, self_made, sealed_under) = (Vec::new(), SelfMadeLimit::NONE, None);
        let insert = InsertTokens {
            app_id: APP,
            tokens,
            self_made,
            per_user: None,
            sealed_under,
            at: Timestamp::MIN,
            by: Cause::CLI,
        };
        let (answer, _) = oneshot::channel();
        let job = Job { write: insert.into(), rows: vec![Row::new(); rows], answer };
        gathering.lock().push(APP, job).unwrap()
    }

    fn taken(gathering: &Gathering, ticket: Ticket) -> Vec<usize> {
        gathering.take(APP, ticket).iter().map(|job| job.rows.len()).collect()
    }

    #[test]
    fn whoever_has_a_turn_writes_its_own_job_whatever_waits_before_it() {
        let gathering = Gathering::new();
        let first = push(&gathering, MOST_KEPT_ON_POSTGRES - 1);
        let second = push(&gathering, 2);
        push(&gathering, 1);
        assert_eq!(taken(&gathering, second), [2], "the first does not fit beside it");
        assert_eq!(
            taken(&gathering, second),
            [MOST_KEPT_ON_POSTGRES - 1, 1],
            "another's turn is for what waits"
        );
        assert!(taken(&gathering, first).is_empty());
    }
}
