//! Disk space reserved for writes that take rights away.
//!
//! A file beside the database occupies it, and releases it in parts when the disk is full. Other writers to
//! that disk may take what is released, so it is occupied again as soon as there is room.

use rustix::fs::{FallocateFlags, fallocate};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How much is released at once: as much as a few dozen revocations write before the database's log restarts.
const PART: u64 = 1024 * 1024;
const ZEROS: &[u8] = &[0; 64 * 1024];

/// The file.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    /// Whether some of it was released.
    is_missing: bool,
}

impl Reserve {
    /// A reserve of this size for the database at `path`.
    pub(super) fn beside(path: &Path, bytes: u64) -> Self {
        let mut name = path.as_os_str().to_owned();
        name.push("-reserve");
        Reserve { path: name.into(), bytes, is_missing: false }
    }

    /// Occupies what is missing, as far as there is room, and returns whether that is all of it.
    fn take_back(&self) -> io::Result<bool> {
        if self.bytes == 0 && !self.path.exists() {
            return Ok(true);
        }
        let mut options = OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(false).mode(0o600).open(&self.path)?;
        let mut held = file.metadata()?.len();
        if held > self.bytes {
            file.set_len(self.bytes)?;
        }
        while held < self.bytes {
            let more = PART.min(self.bytes - held);
            if let Err(error) = allocate(&mut file, held, more) {
                // Some of it may have been allocated.
                file.set_len(held)?;
                return if is_full(&error) { Ok(false) } else { Err(error) };
            }
            held += more;
        }
        Ok(true)
    }

    /// Occupies it when the database is opened. If there never was room for it, there is no reserve.
    pub(super) fn begin(&mut self) {
        let was_kept = self.bytes == 0 || self.path.exists();
        if !self.restore() && !was_kept {
            tracing::warn!("the disk has no room for the reserve: revocations will fail when it is full");
            self.is_missing = false;
            if let Err(error) = std::fs::remove_file(&self.path) {
                tracing::warn!(%error, "{}", self.path.display());
            }
        }
    }

    /// Whether some of it was released.
    pub(super) fn is_missing(&self) -> bool {
        self.is_missing
    }

    /// Whether it is complete, or can be completed: then there is room for any write.
    pub(super) fn is_whole(&mut self) -> bool {
        if self.is_missing && self.restore() {
            tracing::info!("there is room on the disk again: all writes are accepted");
        }
        !self.is_missing
    }

    /// Occupies as much as possible. If none is possible, that is logged, and there is no reserve.
    pub(super) fn restore(&mut self) -> bool {
        let is_whole = self.take_back().unwrap_or_else(|error| {
            tracing::warn!(%error, "no disk space can be reserved for revocations");
            true
        });
        self.is_missing = !is_whole;
        is_whole
    }

    /// Releases a part; `false` if there is nothing left.
    pub(super) fn give_up(&mut self) -> bool {
        let part = || {
            let file = OpenOptions::new().write(true).open(&self.path)?;
            let held = file.metadata()?.len();
            file.set_len(held.saturating_sub(PART))?;
            Ok::<_, io::Error>(held > 0)
        };
        let is_given = part().unwrap_or(false);
        if is_given && !std::mem::replace(&mut self.is_missing, true) {
            tracing::error!("the disk is full: only writes that take rights away are accepted");
        }
        is_given
    }
}

fn allocate(file: &mut File, from: u64, bytes: u64) -> io::Result<()> {
    match fallocate(&*file, FallocateFlags::empty(), from, bytes) {
        Ok(()) => return Ok(()),
        // If the file system cannot allocate space, the file is filled.
        Err(rustix::io::Errno::OPNOTSUPP) => {}
        Err(error) => return Err(error.into()),
    }
    file.seek(SeekFrom::Start(from))?;
    let mut left = bytes;
    while left > 0 {
        let next = usize::try_from(left).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_all(&ZEROS[..next])?;
        left -= next as u64;
    }
    file.sync_data()
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn it_is_really_taken_and_given_up_in_parts() {
        let folder = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::beside(&folder.path().join("jeton.db"), 2 * PART + 5);
        let path = folder.path().join("jeton.db-reserve");
        assert!(!reserve.give_up());
        for _ in 0..2 {
            assert!(reserve.take_back().unwrap());
            let metadata = path.metadata().unwrap();
            assert_eq!((metadata.len(), metadata.mode() & 0o777), (2 * PART + 5, 0o600));
            assert!(metadata.blocks() * 512 >= 2 * PART);
            for _ in 0..3 {
                assert!(reserve.give_up());
            }
            assert!(!reserve.give_up());
            assert_eq!(path.metadata().unwrap().blocks(), 0);
        }
        // Somebody wants less of it.
        assert!(reserve.take_back().unwrap());
        assert!(Reserve::beside(&folder.path().join("jeton.db"), 1).take_back().unwrap());
        assert_eq!(path.metadata().unwrap().len(), 1);
    }

    #[test]
    fn none_is_kept_where_none_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::beside(&folder.path().join("jeton.db"), 0);
        assert!(reserve.take_back().unwrap() && !reserve.give_up());
    }
}
