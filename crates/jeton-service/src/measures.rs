//! What the service counts.

use jeton_core::{Counter, InactiveReason, Verdict};

/// Counts since the process began.
#[derive(Debug, Default)]
pub struct ServiceMeasures {
    /// Answers to whether a token is good.
    pub verdicts: Verdicts,
    /// What was refused because it came too often.
    pub throttled: Throttled,
}

/// What was refused because it came too often.
#[derive(Debug, Default)]
pub struct Throttled {
    /// Credentials that were not looked up, from addresses that had presented too many that were none.
    pub failures: Counter,
    /// Writes over LoopBack by clients whom no rule names.
    pub anonymous_writes: Counter,
}

/// Verdicts by outcome.
#[derive(Debug, Default)]
pub struct Verdicts {
    /// Active, and it covers what was demanded.
    pub allowed: Counter,
    /// Active, and it does not.
    pub refused: Counter,
    /// There is no such token here.
    pub unknown: Counter,
    /// It was revoked.
    pub revoked: Counter,
    /// It is switched off.
    pub disabled: Counter,
    /// It has expired.
    pub expired: Counter,
    /// It could not be found out.
    pub unavailable: Counter,
}

impl Verdicts {
    /// Counts a verdict.
    pub fn count(&self, verdict: Verdict) {
        let counter = match verdict {
            Verdict::Allowed => &self.allowed,
            Verdict::Refused => &self.refused,
            Verdict::Inactive(InactiveReason::Unknown) => &self.unknown,
            Verdict::Inactive(InactiveReason::Revoked) => &self.revoked,
            Verdict::Inactive(InactiveReason::Disabled) => &self.disabled,
            Verdict::Inactive(InactiveReason::Expired) => &self.expired,
        };
        counter.increment();
    }
}
