//! Limits on what may be stored, and on streams and work.

use crate::limiter::Rate;
use jeton_core::ScopeLimits;
use jeton_store::SelfMadeLimit;

/// Limits on future writes. What was written before under other limits stays, and works as before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// On the scopes of a token.
    pub scopes: ScopeLimits,
    /// At most this many bytes of what a LoopBack client stores beyond the fields of every token; at most
    /// [`MAX_DOCUMENT_BYTES`](jeton_core::MAX_DOCUMENT_BYTES).
    pub document_bytes: usize,
    /// At most this many self-made tokens in an app.
    pub self_made_tokens: u64,
    /// At most this many bytes of them, each counted as 512 plus what its client stored.
    pub self_made_bytes: u64,
    /// The rate of rows that clients of one address write over LoopBack in an app whose rules do not name
    /// them.
    pub anonymous_writes: Rate,
    /// The same for one app, from all addresses.
    pub anonymous_writes_of_app: Rate,
    /// The rate of invalid credentials from one address for one app.
    pub failures: Rate,
    /// The rate of secrets that may be reported as leaked from one address.
    pub leak_reports: Rate,
    /// At most this many change streams at a time.
    pub streams: usize,
    /// At most this many units of work, as a [`Meter`](jeton_core::Meter) counts them, for matching the rows
    /// of one request; also the burst that an app may use.
    pub match_work: u64,
    /// The units of work a second that an app may use in the long run.
    pub match_work_per_second: u64,
}

impl Limits {
    /// The limit on an app's self-made tokens.
    pub(crate) fn self_made(&self) -> SelfMadeLimit {
        SelfMadeLimit { tokens: self.self_made_tokens, bytes: self.self_made_bytes }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            scopes: ScopeLimits::default(),
            document_bytes: 16 * 1024,
            self_made_tokens: 10_000,
            self_made_bytes: 64 * 1024 * 1024,
            anonymous_writes: Rate::per_minute(6_000),
            anonymous_writes_of_app: Rate::per_hour(20_000),
            failures: Rate::per_minute(60),
            leak_reports: Rate::per_minute(10_000),
            streams: 512,
            match_work: 4_000_000_000,
            match_work_per_second: 500_000_000,
        }
    }
}
