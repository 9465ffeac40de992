//! The change log.

use jeton_core::{AppId, Cause, ChangeKind, Digest, Timestamp, TokenId};

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
    /// Who made it, and from where.
    pub by: Cause,
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

/// A position in a store's change log, for [`News`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPosition(pub(crate) Seen);

/// What distinguishes entries that were seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Everything up to this number, the last one seen. 0: nothing. For logs with one writer at a time.
    UpTo(i64),
    /// By PostgreSQL's transactions.
    Transactions(SeenTransactions),
}

/// The transactions whose entries were seen.
///
/// A server that was killed, and a standby that takes the place of one, give out anew the numbers of transactions that left nothing
/// on the disk. So a snapshot says nothing of numbers above the newest that was seen on an entry: whatever bears one of those was
/// not seen, by whichever transaction. Numbers up to that one are not given out again, since the entry is on the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SeenTransactions {
    /// Those that were over in this snapshot, in PostgreSQL's format...
    pub(crate) snapshot: String,
    /// ...up to this number, the greatest of those that have written an entry; 0 if none has.
    pub(crate) newest: u64,
}

/// Entries that became visible in the change log.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    /// The position from which to ask next.
    pub position: LogPosition,
    /// The greatest number of an entry in the log, as far as this read tells; `None`: there is nothing new.
    pub newest: Option<i64>,
    /// The entries. `None`: they are unknown, because they are too many or because the log was cut short or
    /// replaced. Anything may have changed then.
    pub changes: Option<Vec<Change>>,
}
