//! Limits on the size of a condition.

use super::error::FilterError;
use super::{MAX_PATTERN_BYTES, MAX_PATTERNS, MAX_TERMS};
use crate::profile::Profile;

/// What a condition may still contain.
pub(super) struct Budget {
    /// The operators in order of precedence.
    pub(super) operators: &'static [&'static str],
    terms: usize,
    patterns: usize,
    pattern_bytes: usize,
}

impl Budget {
    pub(super) fn new(profile: &Profile) -> Self {
        Budget {
            operators: profile.operators,
            terms: MAX_TERMS,
            patterns: MAX_PATTERNS,
            pattern_bytes: MAX_PATTERN_BYTES,
        }
    }

    pub(super) fn spend(&mut self, terms: usize) -> Result<(), FilterError> {
        self.terms = self.terms.checked_sub(terms).ok_or(FilterError::TooManyTerms)?;
        Ok(())
    }

    /// Call this before a pattern is compiled.
    pub(super) fn spend_pattern(&mut self) -> Result<(), FilterError> {
        self.patterns = self.patterns.checked_sub(1).ok_or(FilterError::TooManyPatterns)?;
        Ok(())
    }

    /// Call this with the size of the compiled pattern.
    pub(super) fn spend_pattern_bytes(&mut self, bytes: usize) -> Result<(), FilterError> {
        self.pattern_bytes = self.pattern_bytes.checked_sub(bytes).ok_or(FilterError::PatternsTooLarge)?;
        Ok(())
    }
}
