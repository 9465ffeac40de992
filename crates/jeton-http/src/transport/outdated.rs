//! The header that marks what was decided by what was known before the store could not be reached.

use axum::http::HeaderName;
use std::time::Duration;

/// For how many whole seconds changes by other servers may have gone unnoticed. Absent from all other answers.
pub(crate) const JETON_STALE: HeaderName = HeaderName::from_static("jeton-stale");

/// Rounded up: what is known is no older than this.
pub(crate) fn stale_seconds(outdated: Duration) -> u64 {
    u64::try_from(outdated.as_millis().div_ceil(1_000)).unwrap_or(u64::MAX)
}
