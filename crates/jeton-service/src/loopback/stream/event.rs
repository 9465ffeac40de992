//! The events of a change stream.

use crate::feed::FeedPosition;
use crate::loopback::row::LoopBackRow;
use std::fmt;
use std::sync::OnceLock;

/// A change of a row.
#[derive(Debug)]
pub enum RowChange {
    /// It was created; its current state.
    Created(LoopBackRow),
    /// It was changed; its current state.
    Updated(LoopBackRow),
    /// It was removed; its id as it was shown.
    Removed(String),
    /// Any number of rows that had expired long ago were purged.
    Purged,
}

/// One change, shared by all streams that deliver it.
pub struct RowEvent {
    /// The position after it, from which a client that got it resumes.
    pub position: FeedPosition,
    /// The change.
    pub change: RowChange,
    /// Its text, once it was needed.
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

    /// The text of the change, written by `write` for the first stream and kept for the others: all must
    /// write it alike.
    pub fn text(&self, write: impl FnOnce(&RowChange) -> String) -> &str {
        self.text.get_or_init(|| write(&self.change))
    }
}
