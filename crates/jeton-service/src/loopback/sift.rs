//! Judging rows by a condition: the work of searches.

use super::row::{LoopBackRow, row_units};
use super::search::ReadRefusal;
use crate::apps::OpenApp;
use crate::work::{Allowance, Slice, Stop, Work};
use crate::{Error, Service};
use jeton_core::{Halt, Meter};
use jeton_loopback::Condition;
use jeton_store::StoredToken;
use std::sync::Arc;

/// What rows are judged by, and what that may cost. Clones are one and the same.
#[derive(Clone, Debug)]
pub(super) struct Sieve {
    /// What is asked of every row.
    pub(super) condition: Arc<Condition>,
    /// What is asked of the rows that are left, of which there may be so many more: their ids have to be looked into.
    pub(super) exact: Option<(Arc<Condition>, usize)>,
    pub(super) allowance: Allowance,
}

impl Sieve {
    pub(super) fn new(condition: Arc<Condition>, allowance: Allowance) -> Self {
        Sieve { condition, exact: None, allowance }
    }

    /// Lets go of what matching keeps from row to row.
    pub(super) fn rest(&self) {
        self.condition.rest();
        if let Some((exact, _)) = &self.exact {
            exact.rest();
        }
    }
}

/// What becomes of the rows that are meant.
pub(super) trait Sink: Send + 'static {
    /// Takes a row, and leaves nothing in its place. A row that it was halted at is shown again. False: no more is wanted.
    fn take(&mut self, row: &mut Option<LoopBackRow>, meter: &mut Meter<'_>) -> Result<bool, Halt>;
}

/// Some stored tokens, and a sink for those whose rows are meant.
pub(super) struct Sift<S> {
    pub(super) service: Service,
    pub(super) app: Arc<OpenApp>,
    pub(super) sieve: Sieve,
    pub(super) stored: std::vec::IntoIter<StoredToken>,
    /// The row that is judged.
    row: Option<LoopBackRow>,
    pub(super) sink: S,
    /// Whether the sink has enough, or why there is no answer.
    pub(super) ended: Result<bool, ReadRefusal>,
}

impl<S: Sink> Sift<S> {
    /// Sends what is meant of these into the sink.
    ///
    /// # Errors
    /// It could not be found out.
    pub(super) async fn run(
        service: &Service,
        app: &Arc<OpenApp>,
        sieve: Sieve,
        stored: Vec<StoredToken>,
        sink: S,
    ) -> Result<Self, Error> {
        let stored = stored.into_iter();
        let (service, app) = (service.clone(), Arc::clone(app));
        let sift = Sift { service: service.clone(), app, sieve, stored, row: None, sink, ended: Ok(false) };
        let party = Some(sift.app.id);
        service.work(party, sift).await
    }

    /// Judges the row at hand. False: there is nothing more to do.
    fn judge(&mut self, slice: &mut Slice<'_>) -> Result<bool, Halt> {
        let (row, sink) = (&mut self.row, &mut self.sink);
        let Some(judged) = row.as_ref() else { return Ok(true) };
        let sieve = &mut self.sieve;
        if !slice.step(&sieve.allowance, |meter| sieve.condition.matches(judged, meter))? {
            *row = None;
            return Ok(true);
        }
        if let Some((exact, left)) = &mut sieve.exact {
            if *left == 0 {
                self.ended = Err(ReadRefusal::TooManyToOpen);
                return Ok(false);
            }
            let is_meant = slice.step(&sieve.allowance, |meter| exact.matches(judged, meter))?;
            *left -= 1;
            if !is_meant {
                *row = None;
                return Ok(true);
            }
        }
        let wants_more = slice.step(&sieve.allowance, |meter| sink.take(row, meter));
        if wants_more == Err(Halt::Exhausted)
            && let Some((_, left)) = &mut sieve.exact
        {
            // It is judged again.
            *left += 1;
        }
        self.ended = Ok(!wants_more?);
        *row = None;
        Ok(self.ended == Ok(false))
    }
}

impl<S: Sink> Work for Sift<S> {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<bool, Stop> {
        while !slice.is_over() {
            if self.row.is_none() {
                let Some(next) = self.stored.as_slice().first() else { return Ok(true) };
                if !slice.takes(row_units(next)) {
                    return Ok(false);
                }
                let row = self.stored.next().map(|stored| self.service.row(&self.app, stored));
                self.row = row.transpose()?;
            }
            if !self.judge(slice)? {
                return Ok(true);
            }
        }
        Ok(self.row.is_none() && self.stored.as_slice().is_empty())
    }
}

/// How many rows are meant.
impl Sink for u64 {
    fn take(&mut self, row: &mut Option<LoopBackRow>, _: &mut Meter<'_>) -> Result<bool, Halt> {
        *row = None;
        *self += 1;
        Ok(true)
    }
}
