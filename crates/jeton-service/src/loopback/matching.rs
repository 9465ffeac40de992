//! Matching rows against a condition: the work of searches.

use super::row::{LoopBackRow, row_units};
use super::search::ReadRefusal;
use crate::apps::OpenApp;
use crate::work::{Allowance, Slice, Stop, Work};
use crate::{Error, Service};
use jeton_core::{Halt, Meter};
use jeton_loopback::Condition;
use jeton_store::StoredToken;
use std::sync::Arc;

/// What rows are matched against, and what that may cost. Clones share both.
#[derive(Clone, Debug)]
pub(super) struct Matcher {
    /// Applied to every row.
    pub(super) condition: Arc<Condition>,
    /// Applied to the rows that remain, because their ids must be unsealed; at most this many more.
    pub(super) exact: Option<(Arc<Condition>, usize)>,
    pub(super) allowance: Allowance,
}

impl Matcher {
    pub(super) fn new(condition: Arc<Condition>, allowance: Allowance) -> Self {
        Matcher { condition, exact: None, allowance }
    }

    /// Frees the buffers that matching keeps between rows.
    pub(super) fn rest(&self) {
        self.condition.rest();
        if let Some((exact, _)) = &self.exact {
            exact.rest();
        }
    }
}

/// What happens to the rows that match.
pub(super) trait Sink: Send + 'static {
    /// Takes a row, leaving `None`. If it is halted, the row is passed again. False: no more rows are wanted.
    fn take(&mut self, row: &mut Option<LoopBackRow>, meter: &mut Meter<'_>) -> Result<bool, Halt>;
}

/// Some stored tokens, and a sink for the rows that match.
pub(super) struct Matching<S> {
    pub(super) service: Service,
    pub(super) app: Arc<OpenApp>,
    pub(super) matcher: Matcher,
    pub(super) stored: std::vec::IntoIter<StoredToken>,
    /// The row that is being matched.
    row: Option<LoopBackRow>,
    pub(super) sink: S,
    /// Whether the sink has enough, or why there is no answer.
    pub(super) ended: Result<bool, ReadRefusal>,
}

impl<S: Sink> Matching<S> {
    /// Passes the rows that match to the sink.
    ///
    /// # Errors
    /// The matching cost too much, or the service is too busy.
    pub(super) async fn run(
        service: &Service,
        app: &Arc<OpenApp>,
        matcher: Matcher,
        stored: Vec<StoredToken>,
        sink: S,
    ) -> Result<Self, Error> {
        let stored = stored.into_iter();
        let (service, app) = (service.clone(), Arc::clone(app));
        let matching =
            Matching { service: service.clone(), app, matcher, stored, row: None, sink, ended: Ok(false) };
        let party = Some(matching.app.id);
        service.work(party, matching).await
    }

    /// Matches the current row. False: there is nothing more to do.
    fn judge(&mut self, slice: &mut Slice<'_>) -> Result<bool, Halt> {
        let (row, sink) = (&mut self.row, &mut self.sink);
        let Some(judged) = row.as_ref() else { return Ok(true) };
        let matcher = &mut self.matcher;
        if !slice.step(&matcher.allowance, |meter| matcher.condition.matches(judged, meter))? {
            *row = None;
            return Ok(true);
        }
        if let Some((exact, left)) = &mut matcher.exact {
            if *left == 0 {
                self.ended = Err(ReadRefusal::TooManyToOpen);
                return Ok(false);
            }
            let is_meant = slice.step(&matcher.allowance, |meter| exact.matches(judged, meter))?;
            *left -= 1;
            if !is_meant {
                *row = None;
                return Ok(true);
            }
        }
        let wants_more = slice.step(&matcher.allowance, |meter| sink.take(row, meter));
        if wants_more == Err(Halt::Exhausted)
            && let Some((_, left)) = &mut matcher.exact
        {
            // It is matched again.
            *left += 1;
        }
        self.ended = Ok(!wants_more?);
        *row = None;
        Ok(self.ended == Ok(false))
    }
}

impl<S: Sink> Work for Matching<S> {
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

/// Counts the rows that match.
impl Sink for u64 {
    fn take(&mut self, row: &mut Option<LoopBackRow>, _: &mut Meter<'_>) -> Result<bool, Halt> {
        *row = None;
        *self += 1;
        Ok(true)
    }
}
