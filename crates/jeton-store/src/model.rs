//! The inputs and outputs of a store.

use crate::progress::Progress;
use jeton_core::{
    Actor, AppId, AppKey, Cause, Digest, OperatorId, Timestamp, Token, TokenId, TokenKind, TokenSpec, UserId,
};
use std::net::IpAddr;
use std::path::PathBuf;

/// A value by which a database recognises a key without storing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCheck {
    /// The number of the key in the ring.
    pub key_id: u32,
    /// Derived from the key, without revealing anything about it. Of a key that was retired, from what the ring keeps of it;
    /// empty if nothing of it is needed any more.
    pub check: Vec<u8>,
    /// When it was retired.
    pub retired_at: Option<Timestamp>,
}

/// The initial contents of a new database.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// The check values of all keys in the ring.
    pub key_checks: Vec<KeyCheck>,
    /// The first app, which becomes the default app.
    pub app: NewApp,
    /// Its admin token.
    pub admin: NewToken,
    /// The first operator.
    pub operator: NewOperator,
    /// Distinguishes these contents of the database from others: see [`LogState::epoch`].
    pub epoch: i64,
    /// Who initialises.
    pub by: Cause,
}

/// The answer to [`Genesis`].
#[derive(Clone, Debug, PartialEq)]
pub enum Initialised {
    /// It was done now.
    Done(App),
    /// It was done before; nothing was changed.
    Before,
}

/// An app.
#[derive(Clone, Debug, PartialEq)]
pub struct App {
    /// Its number.
    pub id: AppId,
    /// Its public name.
    pub key: AppKey,
    /// The name of its client credentials.
    pub client_id: String,
    /// The digests of its client secrets, the newest first: one that lasts, and those that were replaced and are good for a
    /// while, of which a [list](crate::Store::apps) says nothing.
    pub client_secrets: Vec<Credential>,
    /// Its settings, a JSON document as it was given; what it does not name has its default.
    pub settings: String,
    /// The key that seals its secrets, itself sealed; `None` if secrets are not kept.
    pub data_key: Option<Vec<u8>>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Incremented by every change.
    pub revision: i64,
    /// Whether requests whose path names no app go to it.
    pub is_default: bool,
}

/// An app to create.
#[derive(Clone, Debug)]
pub struct NewApp {
    /// Its public name.
    pub key: AppKey,
    /// The name of its client credentials.
    pub client_id: String,
    /// The digest of its client secret.
    pub client_secret: Digest,
    /// The key of the ring that the digest was made with.
    pub client_key_id: u32,
    /// Its settings, a JSON document.
    pub settings: String,
    /// The key that seals its secrets, itself sealed.
    pub data_key: Option<Vec<u8>>,
    /// When it is created.
    pub created_at: Timestamp,
}

/// The answer to [`CreateApp`](crate::write::CreateApp).
#[derive(Clone, Debug, PartialEq)]
pub enum AppCreated {
    /// The app as it is now.
    Created(App),
    /// An app with this key, or with these client credentials, exists.
    KeyTaken,
}

/// The changes of an app; `None` leaves a part as it is.
#[derive(Clone, Debug, Default)]
pub struct AppChange {
    /// New settings.
    pub settings: Option<String>,
    /// Whether they suspend the app, or resume it, which the log says; `None`: neither.
    pub suspends: Option<bool>,
    /// A new client secret.
    pub client_secret: Option<NewClientSecret>,
    /// A new data key; `Some(None)` destroys the one there is.
    pub data_key: Option<Option<Vec<u8>>>,
}

/// A client secret that takes the place of another.
#[derive(Clone, Debug)]
pub struct NewClientSecret {
    /// Its digest.
    pub digest: Digest,
    /// The key of the ring that the digest was made with.
    pub key_id: u32,
    /// Those beside it from now on, which the app has: what is not among them is good no more.
    pub others: Vec<Credential>,
}

impl NewClientSecret {
    /// One beside which no other is good.
    pub const fn alone(key_id: u32, digest: Digest) -> Self {
        NewClientSecret { digest, key_id, others: Vec::new() }
    }
}

/// The client credentials of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Their name.
    pub id: String,
    /// The digests of the client secrets, at least one, whether or not they are good at the moment.
    pub secrets: Vec<Credential>,
}

/// The answer to [`ChangeApp`](crate::write::ChangeApp).
#[derive(Clone, Debug, PartialEq)]
pub enum AppChanged {
    /// The app as it is now.
    Changed(App),
    /// It was changed or deleted since its revision was read: read it again.
    Stale,
}

/// A token to issue in an app that is given or created with it.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// The digest by which it is found.
    pub digest: Digest,
    /// The key of the ring that the digest was made with.
    pub digest_key_id: u32,
    /// The digests under which the app may have a token with this secret from before, made with other keys. Empty for a new
    /// secret.
    pub older_digests: Vec<Digest>,
    /// Whether the secret was not minted here, so that arithmetic cannot distinguish it from garbage.
    pub is_foreign: bool,
    /// The sealed secret.
    pub sealed: Option<Vec<u8>>,
    /// What its issuer decided.
    pub spec: TokenSpec,
    /// When it is issued, or the date that a LoopBack client gave; the change log has the time of the write.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Who disabled it, if it is disabled from the start.
    pub disabled_by: Option<Actor>,
}

/// An app's limit on the number and the total size of self-made tokens. Expired ones make room for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfMadeLimit {
    /// At most this many tokens that were not revoked.
    pub tokens: u64,
    /// At most this many bytes of them, each counted as 512 plus its document, its sealed secret and its
    /// user.
    pub bytes: u64,
}

impl SelfMadeLimit {
    /// No limit.
    pub const NONE: Self = SelfMadeLimit { tokens: u64::MAX, bytes: u64::MAX };
}

/// The outcome for one token of [`InsertTokens`](crate::write::InsertTokens).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It was issued with this number.
    Issued(TokenId),
    /// A token of this app has, or had until it was revoked, the same secret.
    Duplicate,
    /// The app has as many self-made tokens as allowed.
    NoRoom,
    /// The user has as many live tokens as allowed.
    TooManyOfUser,
    /// The app no longer has the data key that it is sealed under: read the app again.
    KeyGone,
}

/// A digest of a token, and its validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The digest.
    pub digest: Digest,
    /// The start of its validity; `None`: it was always valid.
    pub good_from: Option<Timestamp>,
    /// The end of its validity; `None`: it is valid as long as the token.
    pub good_until: Option<Timestamp>,
}

impl Credential {
    /// One that is valid as long as its token.
    pub const fn lasting(digest: Digest) -> Self {
        Credential { digest, good_from: None, good_until: None }
    }

    /// Whether it is not valid yet.
    pub fn is_early(&self, now: Timestamp) -> bool {
        self.good_from.is_some_and(|from| now < from)
    }

    /// Whether it is no longer valid.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.good_until.is_some_and(|until| now >= until)
    }
}

/// A token with the store's own data about it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredToken {
    /// The token.
    pub token: Token,
    /// The digest of the secret that it shows.
    pub digest: Digest,
    /// The digest by which it was found; if it was not found by one, that of the secret that it shows.
    pub credential: Credential,
    /// The sealed secret.
    pub sealed: Option<Vec<u8>>,
    /// Whether the secret was not minted here.
    pub is_foreign: bool,
    /// Incremented by every change.
    pub revision: i64,
}

/// The use of a token: to add to what is recorded, or all that is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// The app of the token.
    pub app_id: AppId,
    /// The token.
    pub token_id: TokenId,
    /// The last use.
    pub last_used_at: Timestamp,
    /// The address of it, if known.
    pub last_address: Option<IpAddr>,
    /// The number of uses.
    pub use_count: u64,
}

/// The answer to [`ReplaceToken`](crate::write::ReplaceToken).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// Done.
    Done,
    /// It was changed or revoked since its revision was read: read it again.
    Stale,
    /// It would be self-made, and the app has as many of those as allowed.
    NoRoom,
    /// The user that it would be of has as many live tokens as allowed.
    TooManyOfUser,
}

/// A filter for tokens of an app.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenFilter {
    /// The app.
    pub app_id: AppId,
    /// The kinds. If empty, no token matches.
    pub kinds: Vec<TokenKind>,
    /// The owner.
    pub owner: OwnerFilter,
    /// The surface that sees them.
    pub view: View,
    /// Only those that are older than this instant and were not used since then.
    pub unused_since: Option<Timestamp>,
}

/// Which tokens a surface sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// All.
    Whole,
    /// Those that LoopBack sees at this instant: no disabled token, and none that left its view when it had
    /// expired and is still expired.
    LoopBack(Timestamp),
}

/// A filter by owner.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnerFilter {
    /// All, with any owner or none.
    Any,
    /// Those that show this user, as the owner or a stand-in.
    Shown(UserId),
    /// Those whose issuer named this user.
    Named(UserId),
}

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPage {
    /// The order.
    pub order: Order,
    /// Only tokens after the one with this number in that order: the cheap way to continue.
    pub after: Option<TokenId>,
    /// How many to skip first.
    pub skip: u64,
    /// At most this many.
    pub limit: u32,
}

/// An order of tokens. Numbers ascend in the order of issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By descending number.
    NewestFirst,
    /// By ascending number.
    OldestFirst,
    /// By the instant of creation, which the issuer of a token may have chosen; tokens of the same instant by
    /// number, in the same direction.
    Created {
        /// Whether the latest comes first.
        descending: bool,
        /// Only tokens after this instant and number. [`TokenPage::after`] is ignored.
        after: Option<(Timestamp, TokenId)>,
    },
}

/// An operator, who runs the service.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// The number.
    pub id: OperatorId,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
}

/// An operator to create.
#[derive(Clone, Debug)]
pub struct NewOperator {
    /// Its name.
    pub name: String,
    /// The digest of its token.
    pub digest: Digest,
    /// The key of the ring that the digest was made with.
    pub digest_key_id: u32,
    /// When it is created.
    pub created_at: Timestamp,
}

/// The answer to [`ClaimKey`](crate::write::ClaimKey).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyClaim {
    /// It was not there: what is asked may be done.
    Claimed,
    /// It was claimed before.
    Known {
        /// The digest of what was asked then.
        request: Digest,
        /// The number of what was made; `None`: nobody has noted that yet, and perhaps nobody will.
        subject_id: Option<i64>,
    },
    /// The operator has as many keys as it may have.
    NoRoom,
}

/// Which tokens to purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// Those that expired, and were last changed, before an instant, and were not revoked.
    Expired,
    /// The tombstones of those that were revoked before an instant, except those of foreign secrets: such a
    /// secret could be imported again, and only the tombstone shows that it was revoked.
    Revoked,
}

/// Tokens that have lost the one that made them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphans {
    /// Each with its app.
    pub found: Vec<(AppId, TokenId)>,
    /// Where to go on, behind this parent and this token that it made; `None`: all were looked at.
    pub next: Option<(TokenId, TokenId)>,
}

/// The state of the change log, for a reader of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogState {
    /// Changes if everything was replaced. What was read until then is void.
    pub epoch: i64,
    /// Whether entries after the reader's last one may have been trimmed unread. It must start over then.
    pub has_gap: bool,
}

/// The contents of a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Apps, deleted ones included.
    pub apps: u64,
    /// Tokens, tombstones included.
    pub tokens: u64,
    /// Entries of the change log.
    pub changes: u64,
}

/// A restore.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The backup. The caller has checked that it is sound, and written with keys of the ring.
    pub path: PathBuf,
    /// The check values of all keys in the ring, at least one.
    pub key_checks: Vec<KeyCheck>,
    /// The new epoch.
    pub epoch: i64,
    /// Whether what the database refuses now stays refused, whatever the backup contains: tokens that were
    /// removed, revoked, disabled, narrowed or ended since.
    pub keeps_removed: bool,
    /// When it is restored.
    pub at: Timestamp,
    /// Who restores.
    pub by: Cause,
    /// How far it is, for whoever looks.
    pub progress: Progress,
}

/// What was restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// Apps, deleted ones included.
    pub apps: u64,
    /// Tokens, tombstones included.
    pub tokens: u64,
    /// Entries of the change log.
    pub changes: u64,
    /// Tokens of the backup that were removed since and stay so.
    pub left_out: u64,
    /// Tokens of the backup that were revoked since and stay so.
    pub kept_revoked: u64,
    /// Tokens of the backup that were disabled since and stay so.
    pub kept_disabled: u64,
    /// Tokens of the backup that were given an earlier expiry since, and keep it.
    pub kept_ended: u64,
    /// Tokens of the backup that get fewer than its scopes, because they had fewer before.
    pub kept_narrowed: u64,
    /// Tokens of the backup that were to be valid from a later instant on, and still are.
    pub kept_beginnings: u64,
    /// Tokens of the backup that were bound to addresses since, or to others, and still are.
    pub kept_addresses: u64,
    /// Tokens of the backup whose uses were limited since, or otherwise, and still are.
    pub kept_limits: u64,
    /// Tokens of the backup that became another kind since, and stay that.
    pub kept_kinds: u64,
    /// Tokens of the backup that prove another user since, or none, and still do.
    pub kept_users: u64,
    /// Tokens of the backup that have left LoopBack's view since and stay out of it.
    pub kept_off_loopback: u64,
    /// Apps of the backup that were deleted since and stay so.
    pub kept_deleted_apps: u64,
    /// Apps of the backup whose client secret was replaced since: the older one stays invalid.
    pub kept_client_secrets: u64,
    /// Apps of the backup whose settings were different, and stay so.
    pub kept_settings: u64,
    /// Operators of the backup that were revoked since and stay so.
    pub kept_revoked_operators: u64,
    /// Tokens of the backup, in apps that the database knew, that the database did not know: they are as in
    /// the backup.
    pub unknown_tokens: u64,
    /// Apps of the backup that the database, which knew others, did not know.
    pub unknown_apps: u64,
}

/// The result of a consistency check.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckReport {
    /// Tokens read, tombstones included.
    pub tokens: u64,
    /// Entries of the change log read.
    pub changes: u64,
    /// The check values of the keys that it was written with.
    pub key_checks: Vec<KeyCheck>,
    /// Inconsistencies, for people. Empty if there are none.
    pub faults: Vec<String>,
}
