//! The change log.

use jeton_core::{Actor, AppId, Digest, Timestamp, TokenId};

/// One entry in the change log. Contains no secret in clear.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its number, unique in the log. SQLite assigns them in the order of the log. PostgreSQL does so only
    /// within a transaction: an entry may have a lower number than an earlier one.
    pub sequence: i64,
    /// When it happened, by the clock of the process that wrote it.
    pub at: Timestamp,
    /// The kind of change.
    pub kind: ChangeKind,
    /// The app of the change; `None` for operators.
    pub app_id: Option<AppId>,
    /// The token, or the operator, that was changed; `None` if it was the app as a whole.
    pub subject_id: Option<i64>,
    /// The digest of the changed token, for the invalidation of caches.
    pub digest: Option<Digest>,
    /// Who made it.
    pub by: Actor,
    /// For a token that was revoked or removed: what is still known of it.
    pub removal: Option<Removal>,
}

impl Change {
    /// The token that was changed.
    pub fn token_id(&self) -> Option<TokenId> {
        self.kind.is_of_token().then_some(self.subject_id).flatten().and_then(TokenId::new)
    }
}

/// The state of announcements of others' changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Whether announcements are being received.
    pub is_listening: bool,
    /// How many were received.
    pub heard: u64,
}

/// What is known of a token that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Whether LoopBack saw it until then.
    pub was_on_loopback: bool,
    /// The sealed secret, if LoopBack saw the token, it was kept until then, and it was not
    /// [erased](crate::write::EraseRemovedSecrets) since.
    pub sealed: Option<Vec<u8>>,
}

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A token was issued.
    TokenIssued,
    /// A token was changed.
    TokenUpdated,
    /// A token was revoked.
    TokenRevoked,
    /// A token was deleted, as LoopBack does: its secret can be used again.
    TokenDeleted,
    /// An app was created.
    AppCreated,
    /// An app's settings or credentials were changed.
    AppUpdated,
    /// An app was deleted, and with it all of its tokens.
    AppDeleted,
    /// An operator was created.
    OperatorCreated,
    /// An operator was revoked.
    OperatorRevoked,
    /// Any number of tokens of an app that had expired or been revoked long ago were removed.
    TokensPurged,
    /// Everything was replaced by a restore.
    Restored,
}

impl ChangeKind {
    /// All kinds.
    pub const ALL: [ChangeKind; 11] = [
        ChangeKind::TokenIssued,
        ChangeKind::TokenUpdated,
        ChangeKind::TokenRevoked,
        ChangeKind::TokenDeleted,
        ChangeKind::AppCreated,
        ChangeKind::AppUpdated,
        ChangeKind::AppDeleted,
        ChangeKind::OperatorCreated,
        ChangeKind::OperatorRevoked,
        ChangeKind::TokensPurged,
        ChangeKind::Restored,
    ];

    /// The stable name, as stored in the log.
    pub const fn name(self) -> &'static str {
        match self {
            ChangeKind::TokenIssued => "token.issued",
            ChangeKind::TokenUpdated => "token.updated",
            ChangeKind::TokenRevoked => "token.revoked",
            ChangeKind::TokenDeleted => "token.deleted",
            ChangeKind::AppCreated => "app.created",
            ChangeKind::AppUpdated => "app.updated",
            ChangeKind::AppDeleted => "app.deleted",
            ChangeKind::OperatorCreated => "operator.created",
            ChangeKind::OperatorRevoked => "operator.revoked",
            ChangeKind::TokensPurged => "tokens.purged",
            ChangeKind::Restored => "restored",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it concerns a token.
    pub const fn is_of_token(self) -> bool {
        use ChangeKind::{TokenDeleted, TokenIssued, TokenRevoked, TokenUpdated};
        matches!(self, TokenIssued | TokenUpdated | TokenRevoked | TokenDeleted)
    }
}

/// A position in a store's change log, for [`News`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition(pub(crate) Seen);

/// What distinguishes entries that were seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Everything up to this number, the last one seen. 0: nothing. For logs with one writer at a time.
    UpTo(i64),
    /// Everything by transactions that were over in this snapshot, in PostgreSQL's format.
    Snapshot(String),
}

/// Entries that became visible in the change log.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// The position from which to ask next.
    pub position: LogPosition,
    /// The entries. `None`: they are unknown, because they are too many or because the log was cut short or
    /// replaced. Anything may have changed then.
    pub changes: Option<Vec<Change>>,
}
