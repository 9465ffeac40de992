//! What the change log says of what happened.

/// A kind of change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A token was issued.
    TokenIssued,
    /// A token was changed.
    TokenUpdated,
    /// A token was given another secret.
    TokenRotated,
    /// A secret was presented that a rotation had ended. The token is as it was.
    TokenReused,
    /// A token was revoked.
    TokenRevoked,
    /// A token was deleted, as LoopBack does: its secret can be used again.
    TokenDeleted,
    /// An app was created.
    AppCreated,
    /// An app's settings or credentials were changed.
    AppUpdated,
    /// An app was suspended: nothing of it is accepted any more.
    AppSuspended,
    /// It is accepted again.
    AppResumed,
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
    /// A key of the ring was made known to the database.
    KeyAdded,
    /// A key of the ring is the one that writes from now on.
    KeyActivated,
    /// A key of the ring was retired.
    KeyRetired,
}

impl ChangeKind {
    /// All kinds.
    pub const ALL: [ChangeKind; 18] = [
        ChangeKind::TokenIssued,
        ChangeKind::TokenUpdated,
        ChangeKind::TokenRotated,
        ChangeKind::TokenReused,
        ChangeKind::TokenRevoked,
        ChangeKind::TokenDeleted,
        ChangeKind::AppCreated,
        ChangeKind::AppUpdated,
        ChangeKind::AppSuspended,
        ChangeKind::AppResumed,
        ChangeKind::AppDeleted,
        ChangeKind::OperatorCreated,
        ChangeKind::OperatorRevoked,
        ChangeKind::TokensPurged,
        ChangeKind::Restored,
        ChangeKind::KeyAdded,
        ChangeKind::KeyActivated,
        ChangeKind::KeyRetired,
    ];

    /// The stable name, as stored in the log.
    pub const fn name(self) -> &'static str {
        match self {
            ChangeKind::TokenIssued => "token.issued",
            ChangeKind::TokenUpdated => "token.updated",
            ChangeKind::TokenRotated => "token.rotated",
            ChangeKind::TokenReused => "token.reused",
            ChangeKind::TokenRevoked => "token.revoked",
            ChangeKind::TokenDeleted => "token.deleted",
            ChangeKind::AppCreated => "app.created",
            ChangeKind::AppUpdated => "app.updated",
            ChangeKind::AppSuspended => "app.suspended",
            ChangeKind::AppResumed => "app.resumed",
            ChangeKind::AppDeleted => "app.deleted",
            ChangeKind::OperatorCreated => "operator.created",
            ChangeKind::OperatorRevoked => "operator.revoked",
            ChangeKind::TokensPurged => "tokens.purged",
            ChangeKind::Restored => "restored",
            ChangeKind::KeyAdded => "key.added",
            ChangeKind::KeyActivated => "key.activated",
            ChangeKind::KeyRetired => "key.retired",
        }
    }

    /// The kind with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it concerns a token.
    pub const fn is_of_token(self) -> bool {
        use ChangeKind::{TokenDeleted, TokenIssued, TokenReused, TokenRevoked, TokenRotated, TokenUpdated};
        matches!(self, TokenIssued | TokenUpdated | TokenRotated | TokenReused | TokenRevoked | TokenDeleted)
    }

    /// Whether it concerns an operator.
    pub const fn is_of_operator(self) -> bool {
        matches!(self, ChangeKind::OperatorCreated | ChangeKind::OperatorRevoked)
    }

    /// Whether it concerns a key of the ring.
    pub const fn is_of_key(self) -> bool {
        matches!(self, ChangeKind::KeyAdded | ChangeKind::KeyActivated | ChangeKind::KeyRetired)
    }
}
