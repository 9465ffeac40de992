//! How much may be stored of one thing, and how many may listen.

use crate::limiter::Rate;
use jeton_core::ScopeLimits;
use jeton_store::SelfMadeLimit;

/// Limits on what is done from now on. What was written before under others stays, and works as it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// On the scopes that a token is given.
    pub scopes: ScopeLimits,
    /// Most bytes of what a LoopBack client stores beyond what every token has; at most
    /// [`MAX_DOCUMENT_BYTES`](jeton_core::MAX_DOCUMENT_BYTES).
    pub document_bytes: usize,
    /// Most self-made tokens of one app.
    pub self_made_tokens: u64,
    /// Most bytes of them, each counted as 512 and what its client stored.
    pub self_made_bytes: u64,
    /// Most rows that clients of one address write over LoopBack in an app whose rules do not name them.
    pub anonymous_writes: Rate,
    /// The same of one app, from all addresses.
    pub anonymous_writes_of_app: Rate,
    /// Most credentials that are none, from one address for one app.
    pub failures: Rate,
    /// Most change streams at a time.
    pub streams: usize,
    /// Most units of work, as a [`Meter`](jeton_core::Meter) counts them, that matching rows takes for one request: as much
    /// an app may do at a stretch.
    pub match_work: u64,
    /// How much of it an app may do a second in the long run.
    pub match_work_per_second: u64,
}

impl Limits {
    /// What bounds an app's self-made tokens.
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
            streams: 512,
            match_work: 4_000_000_000,
            match_work_per_second: 500_000_000,
        }
    }
}
