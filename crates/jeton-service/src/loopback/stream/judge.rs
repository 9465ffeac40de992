//! Filtering the events of a stream by its condition.

use super::event::{RowChange, RowEvent};
use super::reader::RowStream;
use crate::Error;
use crate::work::{Allowance, Slice, Stop, Work};
use jeton_loopback::Condition;
use std::sync::Arc;
use std::time::Duration;

/// At most this many bytes for the compiled patterns of a stream's condition: streams last, and there may be
/// many.
pub const MAX_STREAM_PATTERN_BYTES: usize = 64 * 1024;
/// How long events may wait to be filtered. A stream that is further behind is ended by then.
const PATIENCE: Duration = Duration::from_secs(60);

/// The work of filtering events by a condition.
struct Judge {
    condition: Arc<Condition>,
    allowance: Allowance,
    events: std::vec::IntoIter<Arc<RowEvent>>,
    wanted: Vec<Arc<RowEvent>>,
}

impl Work for Judge {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<bool, Stop> {
        while !slice.is_over() {
            let Some(event) = self.events.as_slice().first() else { return Ok(true) };
            let is_wanted = match &event.change {
                RowChange::Created(row) | RowChange::Updated(row) => {
                    slice.step(&self.allowance, |meter| self.condition.matches(row, meter))?
                }
                // Whatever the condition: what the row was like is no longer known.
                RowChange::Removed(_) | RowChange::Purged => true,
            };
            self.wanted.extend(self.events.next().filter(|_| is_wanted));
        }
        Ok(self.events.as_slice().is_empty())
    }
}

impl RowStream {
    /// Those of some events that the stream delivers.
    pub(super) async fn wanted(&self, events: Vec<Arc<RowEvent>>) -> Result<Vec<Arc<RowEvent>>, Error> {
        if self.condition.is_all() || events.is_empty() {
            return Ok(events);
        }
        let events = events.into_iter();
        let judge = Judge {
            condition: Arc::clone(&self.condition),
            allowance: self.service.allowance(),
            events,
            wanted: Vec::new(),
        };
        // Streams of one app share its slots for such work: they wait here, and requests in the work pool.
        let _turn = self.service.streams.judging.turn(self.app.id).await.map_err(|_| Error::Busy)?;
        let judged = self.service.patient_work(Some(self.app.id), judge, PATIENCE).await;
        // The next event may be long in coming.
        self.condition.rest();
        Ok(judged?.wanted)
    }
}
