//! The change log.

use jeton_core::{Actor, AppId, Digest, Timestamp, TokenId};

/// One entry of the change log. Holds no secret in clear.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Its number, unique in the log. SQLite gives them out in the order of the log. PostgreSQL does so within a
    /// transaction only: an entry may have a lower number than one that came before it.
    pub sequence: i64,
    /// When it happened, by the clock of whoever wrote it.
    pub at: Timestamp,
    /// What happened.
    pub kind: ChangeKind,
    /// The app it happened in; `None` for operators.
    pub app_id: Option<AppId>,
    /// The token, or the operator, it happened to; `None` if it happened to the app as a whole.
    pub subject_id: Option<i64>,
    /// The digest of the token it happened to, by which caches drop it.
    pub digest: Option<Digest>,
    /// Who did it.
    pub by: Actor,
    /// Of a token that was revoked or removed: what can still be told of it.
    pub removal: Option<Removal>,
}

impl Change {
    /// The token that it happened to.
    pub fn token_id(&self) -> Option<TokenId> {
        self.kind.is_of_token().then_some(self.subject_id).flatten().and_then(TokenId::new)
    }
}

/// What is heard of others' changes before anybody has looked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// Whether anything would be heard now.
    pub is_listening: bool,
    /// How often something was.
    pub heard: u64,
}

/// What can be told of a token that is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Whether LoopBack saw it until then.
    pub was_on_loopback: bool,
    /// By what its secret can be shown again, if LoopBack saw it, it was kept until then, and it was not
    /// [erased](crate::write::EraseRemovedSecrets) since.
    pub sealed: Option<Vec<u8>>,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A token was issued.
    TokenIssued,
    /// A token was changed.
    TokenUpdated,
    /// A token was revoked.
    TokenRevoked,
    /// A token was removed, as LoopBack removes: its secret can be used again.
    TokenDeleted,
    /// An app was made.
    AppCreated,
    /// An app's settings or credentials were changed.
    AppUpdated,
    /// An app was deleted, and with it all of its tokens.
    AppDeleted,
    /// An operator was made.
    OperatorCreated,
    /// An operator was revoked.
    OperatorRevoked,
    /// Tokens of an app that had expired or been revoked long ago were removed, any number of them.
    TokensPurged,
    /// Everything was replaced by what a backup holds.
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

    /// The stable name, as the log keeps it.
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

    /// Whether it happens to a token.
    pub const fn is_of_token(self) -> bool {
        use ChangeKind::{TokenDeleted, TokenIssued, TokenRevoked, TokenUpdated};
        matches!(self, TokenIssued | TokenUpdated | TokenRevoked | TokenDeleted)
    }
}

/// How far a store's change log was seen by one who asks for [`News`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition(pub(crate) Seen);

/// What tells seen entries from unseen ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Everything up to this number, which is the last one seen. 0: nothing. For logs that have one writer at a time.
    UpTo(i64),
    /// Everything of the transactions that were over in this snapshot, as PostgreSQL writes it.
    Snapshot(String),
}

/// What became visible in the change log.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// From where to ask for the next.
    pub position: LogPosition,
    /// The entries. `None`: they cannot be told, because they are too many or because the log was cut short or replaced.
    /// Then anything may have changed.
    pub changes: Option<Vec<Change>>,
}
