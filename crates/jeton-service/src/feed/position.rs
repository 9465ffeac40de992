//! The position of a reader.

use std::fmt;
use std::str::FromStr;

/// A position in the change log: after one of its entries. Clients get it as an opaque text and send it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedPosition {
    /// The epoch: which contents of the database the log belongs to.
    pub(crate) epoch: i64,
    /// The number of the entry; 0: the start.
    pub(crate) sequence: i64,
}

/// A text that is not a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a position in the change log")]
pub struct FeedPositionError;

impl fmt::Display for FeedPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.epoch, self.sequence)
    }
}

impl FromStr for FeedPosition {
    type Err = FeedPositionError;

    fn from_str(text: &str) -> Result<Self, FeedPositionError> {
        let (epoch, sequence) = text.split_once('-').ok_or(FeedPositionError)?;
        let epoch = u64::from_str_radix(epoch, 16).map_err(|_| FeedPositionError)?.cast_signed();
        let sequence = sequence.parse().map_err(|_| FeedPositionError)?;
        let position = FeedPosition { epoch, sequence };
        if sequence >= 0 && position.to_string() == text { Ok(position) } else { Err(FeedPositionError) }
    }
}
