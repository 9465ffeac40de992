//! The counters of the service.

use jeton_core::{Counter, InactiveReason, Verdict};

/// Counts since the process started.
#[derive(Debug, Default)]
pub struct ServiceMeasures {
    /// Verdicts on tokens.
    pub verdicts: Verdicts,
    /// Requests refused by rate limits.
    pub throttled: Throttled,
    /// Secrets that were presented after a rotation had ended them.
    pub reused_secrets: Counter,
}

/// Requests refused by rate limits.
#[derive(Debug, Default)]
pub struct Throttled {
    /// Credentials that were not looked up, from addresses that had presented too many invalid ones.
    pub failures: Counter,
    /// Writes over LoopBack by clients that no rule names.
    pub anonymous_writes: Counter,
    /// Reports of leaked secrets.
    pub leak_reports: Counter,
}

/// Verdicts by outcome.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Active, and it covers the demand.
    pub allowed: Counter,
    /// Active, but it does not cover the demand.
    pub refused: Counter,
    /// Active, but it was used too often in a time.
    pub rate_limited: Counter,
    /// It has no uses left.
    pub uses_exhausted: Counter,
    /// There is no such token in the app.
    pub unknown: Counter,
    /// It was revoked.
    pub revoked: Counter,
    /// It is disabled.
    pub disabled: Counter,
    /// It has expired.
    pub expired: Counter,
    /// It is not valid yet.
    pub not_yet_valid: Counter,
    /// It may be used from some addresses only, and the client's was not known.
    pub address_unknown: Counter,
    /// It may be used from some addresses only, and not from the client's.
    pub address_not_allowed: Counter,
    /// The store could not be asked.
    pub unavailable: Counter,
}

impl Verdicts {
    /// Counts a verdict.
    pub fn count(&self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Allowed => &self.allowed,
            Verdict::Refused => &self.refused,
            Verdict::RateLimited => &self.rate_limited,
            Verdict::Inactive(InactiveReason::UsesExhausted) => &self.uses_exhausted,
            // A token of an app that is suspended is unknown wherever verdicts are counted.
            Verdict::Inactive(InactiveReason::Unknown | InactiveReason::Suspended) => &self.unknown,
            Verdict::Inactive(InactiveReason::Revoked) => &self.revoked,
            Verdict::Inactive(InactiveReason::Disabled) => &self.disabled,
            Verdict::Inactive(InactiveReason::Expired) => &self.expired,
            Verdict::Inactive(InactiveReason::NotYetValid) => &self.not_yet_valid,
            Verdict::Inactive(InactiveReason::AddressUnknown) => &self.address_unknown,
            Verdict::Inactive(InactiveReason::AddressNotAllowed) => &self.address_not_allowed,
        };
        counter.increment();
    }
}
