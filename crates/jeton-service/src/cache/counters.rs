//! The counters of the cache.

use jeton_core::Counter;
use jeton_store::LogRead;
use std::sync::atomic::AtomicBool;

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Answered from memory with a token.
    pub(super) hits: Counter,
    /// Answered from memory: there is no such token.
    pub(super) absent_hits: Counter,
    /// Refused by arithmetic.
    pub(super) garbage: Counter,
    /// Queries of the store because memory had no current answer.
    pub(super) misses: Counter,
    /// Queries of the store because the change log was not followed closely enough.
    pub(super) stale: Counter,
    /// Answered from memory because the store could not be reached, although the change log had not been
    /// followed closely enough.
    pub(super) outdated: Counter,
    /// Entries of the change log that were read.
    pub(super) changes: Counter,
    /// How often the whole cache was cleared.
    pub(super) flushes: Counter,
    /// Polls of the change log.
    pub(super) polls: Counter,
    /// Polls that failed.
    pub(super) failed_polls: Counter,
    /// Whether announcements of other processes' changes are being received.
    pub(super) is_listening: AtomicBool,
}

/// The contents and the counts of the cache at one moment. Counts are since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStats {
    /// Look-ups answered from memory with a token.
    pub hits: u64,
    /// Look-ups answered from memory: there is no such token.
    pub absent_hits: u64,
    /// Secrets refused by arithmetic.
    pub garbage: u64,
    /// Queries of the store because memory had no current answer.
    pub misses: u64,
    /// Queries of the store because the change log had not been read for longer than the bound.
    pub stale: u64,
    /// Verifications answered from memory because the store could not be reached, although the change log had
    /// not been read for longer than the bound.
    pub outdated: u64,
    /// Entries of the change log that were read.
    pub changes: u64,
    /// How often the whole cache was cleared.
    pub flushes: u64,
    /// Polls of the change log.
    pub polls: u64,
    /// Polls that failed.
    pub failed_polls: u64,
    /// Entries evicted for space.
    pub evictions: u64,
    /// Tokens in the cache now.
    pub tokens: u64,
    /// Bytes in the cache now.
    pub bytes: u64,
    /// Foreign digests known now.
    pub foreign_digests: u64,
    /// How far the change log was read, and how long ago it was last known to be read to its end; `None`: it never was, or it is no longer
    /// followed.
    pub log_read: Option<LogRead>,
    /// Whether announcements of other processes' changes are being received. Always `false` where there are
    /// none.
    pub is_listening: bool,
}
