//! The header of a database file (<https://sqlite.org/fileformat2.html#the_database_header>).

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

const MAGIC: &[u8] = b"SQLite format 3\0";
const LENGTH: usize = 100;

/// Distinguishes a file from an earlier state of itself, and from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Incremented by commits that change the first page.
    pub(super) change_counter: u32,
    /// The number that the server of the database writes into it: see `SqliteOptions::stamp`.
    pub(super) stamp: i32,
}

impl Header {
    /// Reads it from the file, which may lag behind: newer values may still be in the write-ahead log.
    ///
    /// # Errors
    ///
    /// `UnexpectedEof` or `InvalidData`: it is not a database.
    pub(super) fn read(file: &File) -> io::Result<Self> {
        let mut bytes = [0; LENGTH];
        file.read_exact_at(&mut bytes, 0)?;
        if !bytes.starts_with(MAGIC) {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let number = |at: usize| bytes[at..].first_chunk().map_or([0; 4], |number: &[u8; 4]| *number);
        Ok(Header { change_counter: u32::from_be_bytes(number(24)), stamp: i32::from_be_bytes(number(60)) })
    }

    /// Whether a file can have this header that had `earlier`, if only SQLite writes to it. A process that
    /// has written its own stamp finds that one, or still the earlier one; others do not look at stamps.
    pub(super) fn can_follow(&self, earlier: &Header, stamp: Option<i32>) -> bool {
        let steps = self.change_counter.wrapping_sub(earlier.change_counter);
        let is_stamped = stamp.is_none_or(|stamp| [stamp, earlier.stamp].contains(&self.stamp));
        is_stamped && steps <= u32::MAX / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_go_on_and_stamps_stay() {
        let header = |change_counter, stamp| Header { change_counter, stamp };
        let earlier = header(u32::MAX, 7);
        for (now, stamp, expected) in [
            (header(u32::MAX, 7), None, true),
            // It wraps around after its last number.
            (header(3, 7), None, true),
            (header(u32::MAX - 1, 7), None, false),
            (header(u32::MAX, 8), None, true),
            (header(u32::MAX, 8), Some(8), true),
            (header(u32::MAX, 7), Some(8), true),
            (header(u32::MAX, 0), Some(8), false),
        ] {
            assert_eq!(now.can_follow(&earlier, stamp), expected, "{now:?} {stamp:?}");
        }
    }
}
