//! The change log and what there is, as operators look at them.

use crate::change::Change;
use jeton_core::{AppId, AppKey, ChangeKind, Timestamp, TokenId, TokenKind};
use std::net::IpAddr;

/// Which entries of the change log. What several parts say is true of each entry.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditFilter {
    /// Only those that happened in one of these apps.
    pub app_ids: Option<Vec<AppId>>,
    /// Only those that happened to this token.
    pub token_id: Option<TokenId>,
    /// Only those of this actor, or of those whose text begins with this and a colon.
    pub actor: Option<String>,
    /// Only those from this address.
    pub address: Option<IpAddr>,
    /// Only those of this kind.
    pub kind: Option<ChangeKind>,
    /// Only those of this instant or later.
    pub since: Option<Timestamp>,
    /// Whether to look no further for one answer than takes some ten milliseconds.
    pub is_brief: bool,
}

/// Some entries of the change log, the newest first.
#[derive(Clone, Debug, PartialEq)]
pub struct AuditPage {
    /// The entries. Fewer than were asked for, perhaps none, do not mean that there are no more.
    pub changes: Vec<Change>,
    /// Where to go on; `None`: there are no more.
    pub next: Option<i64>,
}

/// How many tokens an app has.
#[derive(Clone, Debug, PartialEq)]
pub struct AppCounts {
    /// The app.
    pub id: AppId,
    /// Its public name.
    pub key: AppKey,
    /// Of each kind, those that were not revoked, in the order of [`TokenKind::ALL`].
    pub kinds: [u64; TokenKind::ALL.len()],
    /// Those that are switched off and have not expired.
    pub disabled: u64,
    /// Those that have expired.
    pub expired: u64,
    /// Those that were revoked, as long as they are kept.
    pub revoked: u64,
}

/// Where a [bounded](Bounded) count stops: some milliseconds.
pub(crate) const MOST_COUNTED: u64 = 10_000;
/// At how many tokens one looks of which it has to be found out when they were used: some ten milliseconds.
pub(crate) const MOST_LOOKED_AT: u64 = 5_000;

/// A count that stops at a bound, so that it costs no more however much there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// How many there are.
    pub count: u64,
    /// Whether there are no more.
    pub is_all: bool,
}

impl Bounded {
    /// As many as were found, of which more than `most` were not looked for.
    pub(crate) fn up_to(most: u64, found: u64) -> Self {
        Bounded { count: found.min(most), is_all: found <= most }
    }

    /// As many as were found among those that were looked at, of which more than `most` were not.
    pub(crate) fn among(most: u64, looked_at: u64, found: u64) -> Self {
        Bounded { count: found.min(most), is_all: looked_at <= most }
    }
}

/// How many tokens an app has, as far as that can be said at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoundedCounts {
    /// Of each kind, those that were not revoked, in the order of [`TokenKind::ALL`].
    pub kinds: [u64; TokenKind::ALL.len()],
    /// Those that are switched off and have not expired.
    pub disabled: Bounded,
    /// Those that have expired.
    pub expired: Bounded,
    /// Those that were revoked, as long as they are kept.
    pub revoked: Bounded,
}

/// What makes a token worth a look.
#[derive(Clone, Copy, Debug)]
pub struct Spans {
    /// As of this instant.
    pub now: Timestamp,
    /// That it ends after that, and by this instant.
    pub ends_by: Timestamp,
    /// That it was made before this instant and not used since.
    pub unused_since: Timestamp,
}

/// How many tokens of an app are worth a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WorthALook {
    /// Those that end soon.
    pub expiring: Bounded,
    /// Those that nobody uses: of the oldest ones, if there are many.
    pub unused: Bounded,
    /// Those that never end.
    pub eternal: Bounded,
}

/// How often tokens of an app were used, those that are gone since included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppUses {
    /// The app.
    pub app_id: AppId,
    /// How often, as far as it was counted.
    pub uses: u64,
    /// When last.
    pub last_used_at: Timestamp,
}
