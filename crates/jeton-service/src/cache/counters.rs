//! What the cache counts.

use jeton_core::Counter;
use std::sync::atomic::AtomicBool;

/// What is counted since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    /// Answered from memory about a token.
    pub(super) hits: Counter,
    /// Answered from memory: there is no such token.
    pub(super) absent_hits: Counter,
    /// Refused by arithmetic.
    pub(super) garbage: Counter,
    /// The store was asked because memory had no current answer.
    pub(super) misses: Counter,
    /// The store was asked because the reader of the change log was behind.
    pub(super) stale: Counter,
    /// Entries of the change log that were read.
    pub(super) changes: Counter,
    /// How often everything was forgotten.
    pub(super) flushes: Counter,
    /// How often the change log was asked for news.
    pub(super) polls: Counter,
    /// How often that failed.
    pub(super) failed_polls: Counter,
    /// Whether other processes' changes are announced now.
    pub(super) is_listening: AtomicBool,
}

/// What the cache holds and has done, at one moment. Numbers are since the start unless they say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStats {
    /// Questions answered from memory about a token.
    pub hits: u64,
    /// Questions answered from memory: there is no such token.
    pub absent_hits: u64,
    /// Secrets refused by arithmetic.
    pub garbage: u64,
    /// Questions for the store because memory had no current answer.
    pub misses: u64,
    /// Questions for the store because the change log was not read for longer than the bound.
    pub stale: u64,
    /// Entries of the change log that were read.
    pub changes: u64,
    /// How often everything was forgotten.
    pub flushes: u64,
    /// How often the change log was asked for news.
    pub polls: u64,
    /// How often that failed.
    pub failed_polls: u64,
    /// Answers thrown out for room.
    pub evictions: u64,
    /// Tokens that are held now.
    pub tokens: u64,
    /// Bytes that are held now.
    pub bytes: u64,
    /// Foreign digests that are known now.
    pub foreign_digests: u64,
    /// Milliseconds since the change log is known to have been read to its end; `None`: it never was, or its reading was
    /// given up.
    pub staleness_millis: Option<u64>,
    /// Whether other processes' changes are announced now. Always `false` where they never are.
    pub is_listening: bool,
}
