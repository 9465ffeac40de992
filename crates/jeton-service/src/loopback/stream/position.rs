//! Where a stream is.

use std::fmt;
use std::str::FromStr;

/// A place in the change log: behind one of its entries. Clients are given it as text and bring it back as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamPosition {
    /// Which content of the database the log tells of.
    pub(super) epoch: i64,
    /// The number of the entry; 0: the beginning.
    pub(super) sequence: i64,
}

/// A text that is no position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPosition;

impl fmt::Display for StreamPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.epoch, self.sequence)
    }
}

impl FromStr for StreamPosition {
    type Err = NoPosition;

    fn from_str(text: &str) -> Result<Self, NoPosition> {
        let (epoch, sequence) = text.split_once('-').ok_or(NoPosition)?;
        let epoch = u64::from_str_radix(epoch, 16).map_err(|_| NoPosition)?.cast_signed();
        let sequence = sequence.parse().map_err(|_| NoPosition)?;
        let position = StreamPosition { epoch, sequence };
        if sequence >= 0 && position.to_string() == text { Ok(position) } else { Err(NoPosition) }
    }
}
