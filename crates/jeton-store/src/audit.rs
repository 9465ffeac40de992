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

/// How often tokens of an app were used, as long as they are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppUses {
    /// The app.
    pub app_id: AppId,
    /// How often, as far as it was counted.
    pub uses: u64,
    /// When last.
    pub last_used_at: Timestamp,
}
