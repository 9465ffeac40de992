//! What a stream tells.

use crate::feed::FeedPosition;
use crate::loopback::row::LoopBackRow;
use std::fmt;
use std::sync::OnceLock;

/// What happened to a row.
#[derive(Debug)]
pub enum RowChange {
    /// It was created: as it is now.
    Created(LoopBackRow),
    /// It was changed: as it is now.
    Updated(LoopBackRow),
    /// It is there no more: its id, as it was shown.
    Removed(String),
    /// Rows that had expired long ago are there no more: any number of them.
    Purged,
}

/// One change, for all streams that tell of it.
pub struct RowEvent {
    /// Behind it: who has been told of it goes on from here.
    pub position: FeedPosition,
    /// What happened.
    pub change: RowChange,
    /// How it is told, once somebody had to write it.
    text: OnceLock<String>,
}

impl fmt::Debug for RowEvent {
    /// Rows hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowEvent").field("position", &self.position).finish_non_exhaustive()
    }
}

impl RowEvent {
    pub(super) fn new(position: FeedPosition, change: RowChange) -> Self {
        RowEvent { position, change, text: OnceLock::new() }
    }

    /// The text that `write` makes of the change. It is written for the first who asks, and kept for the others: all must
    /// write it alike.
    pub fn text(&self, write: impl FnOnce(&RowChange) -> String) -> &str {
        self.text.get_or_init(|| write(&self.change))
    }
}
