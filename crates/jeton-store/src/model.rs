//! What goes in and out of a store.

use jeton_core::{
    Actor, AppId, AppKey, Description, Digest, Document, Label, OperatorId, Owner, Scopes, Timestamp, Token,
    TokenId, TokenKind, UserId,
};
use std::net::IpAddr;
use std::path::PathBuf;

/// A value by which a database knows a key again without holding it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCheck {
    /// The number of the key in the ring.
    pub key_id: u32,
    /// Depends on the key, and tells nothing about it.
    pub check: Vec<u8>,
}

/// What a new database starts with.
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
    /// What tells this content of the database from what another may bring: see [`LogState::epoch`].
    pub epoch: i64,
    /// Who initialises.
    pub by: Actor,
}

/// The answer to [`Genesis`].
#[derive(Clone, Debug, PartialEq)]
pub enum Initialised {
    /// It was done now.
    Done(App),
    /// It had been done before; nothing was changed.
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
    /// The key that seals its secrets, itself sealed; `None` while nothing is to be sealed.
    pub data_key: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Goes up by one with every change.
    pub revision: i64,
    /// Whether it answers where a path names no app.
    pub is_default: bool,
}

/// An app to be made.
#[derive(Clone, Debug)]
pub struct NewApp {
    /// Its public name.
    pub key: AppKey,
    /// The name of its client credentials.
    pub client_id: String,
    /// The digest of its client secret.
    pub client_secret: Digest,
    /// Its settings, a JSON document.
    pub settings: String,
    /// The key that seals its secrets, itself sealed.
    pub data_key: Option<Vec<u8>>,
    /// When it is made.
    pub created_at: Timestamp,
}

/// The answer to [`CreateApp`](crate::write::CreateApp).
#[derive(Clone, Debug, PartialEq)]
pub enum AppCreated {
    /// The app as it is now.
    Created(App),
    /// An app of this key, or with these client credentials, is there.
    KeyTaken,
}

/// What to change of an app; `None` leaves a part as it is.
#[derive(Clone, Debug, Default)]
pub struct AppChange {
    /// New settings.
    pub settings: Option<String>,
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
    /// Those beside it from now on, which the app has: what is not among them is good no more.
    pub others: Vec<Credential>,
}

impl NewClientSecret {
    /// One beside which no other is good.
    pub const fn alone(digest: Digest) -> Self {
        NewClientSecret { digest, others: Vec::new() }
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

/// A token to be issued, of the app that is named or made beside it.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// By what it is found.
    pub digest: Digest,
    /// Under which key of the ring the digest was made.
    pub digest_key_id: u32,
    /// Whether the secret was not minted here: no arithmetic tells it from garbage.
    pub is_foreign: bool,
    /// By what it can be shown again.
    pub sealed: Option<Vec<u8>>,
    /// What it is for.
    pub kind: TokenKind,
    /// Whose it is.
    pub owner: Owner,
    /// When it is issued, or what a LoopBack client said; the change log has the time of the write.
    pub created_at: Timestamp,
    /// When it expires.
    pub expires_at: Option<Timestamp>,
    /// Who switched it off, if it starts like that.
    pub disabled_by: Option<Actor>,
    /// Its name.
    pub title: Option<Label>,
    /// Free text for sorting.
    pub tags: Option<Label>,
    /// Free text.
    pub description: Option<Description>,
    /// The permissions as an AppKey client wrote them.
    pub permissions_as_sent: Option<String>,
    /// What it allows.
    pub scopes: Scopes,
    /// What a LoopBack client stored beside all that.
    pub document: Option<Document>,
}

/// How many self-made tokens an app may have, and how large they may be together. Those that expired make room for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SelfMadeLimit {
    /// Most tokens that were not revoked.
    pub tokens: u64,
    /// Most bytes of them, each counted as 512 and what its document, its sealed secret and its user have.
    pub bytes: u64,
}

impl SelfMadeLimit {
    /// No limit.
    pub const NONE: Self = SelfMadeLimit { tokens: u64::MAX, bytes: u64::MAX };
}

/// The answer to one token of [`InsertTokens`](crate::write::InsertTokens).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It was issued under this number.
    Issued(TokenId),
    /// A token of this app has, or had until it was revoked, the same secret.
    Duplicate,
    /// The app has as many self-made tokens as it may have.
    NoRoom,
    /// The app has no more the data key under which it is sealed: read the app again.
    KeyGone,
}

/// A digest by which a token is found, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The digest.
    pub digest: Digest,
    /// From when on it is good; `None`: it was always.
    pub good_from: Option<Timestamp>,
    /// From when on it is good no more; `None`: it stays as long as the token.
    pub good_until: Option<Timestamp>,
}

impl Credential {
    /// One that is good as long as its token.
    pub const fn lasting(digest: Digest) -> Self {
        Credential { digest, good_from: None, good_until: None }
    }

    /// Whether it is not good yet.
    pub fn is_early(&self, now: Timestamp) -> bool {
        self.good_from.is_some_and(|from| now < from)
    }

    /// Whether it is good no more.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.good_until.is_some_and(|until| now >= until)
    }
}

/// A token with what the store keeps beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredToken {
    /// The token.
    pub token: Token,
    /// The digest of the secret that it shows.
    pub digest: Digest,
    /// By what it was found, among all that it has; where that was no digest, the one of the secret that it shows.
    pub credential: Credential,
    /// By what its secret can be shown again.
    pub sealed: Option<Vec<u8>>,
    /// Whether the secret was not minted here.
    pub is_foreign: bool,
    /// Goes up by one with every change.
    pub revision: i64,
}

/// How a token was used: what there is to add to what is known, or all that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenUse {
    /// The app of the token.
    pub app_id: AppId,
    /// The token.
    pub token_id: TokenId,
    /// When it was used last.
    pub last_used_at: Timestamp,
    /// From where, if that is known.
    pub last_address: Option<IpAddr>,
    /// How often.
    pub use_count: u64,
}

/// The answer to [`ReplaceToken`](crate::write::ReplaceToken).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Replaced {
    /// Done.
    Done,
    /// It was changed or revoked since its revision was read: read it again.
    Stale,
    /// It would be self-made, and the app has as many of those as it may have.
    NoRoom,
}

/// Which tokens of an app.
#[derive(Clone, Debug, PartialEq)]
pub struct TokenFilter {
    /// The app.
    pub app_id: AppId,
    /// The kinds. None: no token.
    pub kinds: Vec<TokenKind>,
    /// Whose.
    pub owner: OwnerFilter,
    /// As whom they are seen.
    pub view: View,
    /// Only those that are older than this instant and were not used since.
    pub unused_since: Option<Timestamp>,
}

/// What a surface sees of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Everything.
    Whole,
    /// What LoopBack sees at this instant: no token that is switched off, and none that left its view when it had expired
    /// and still is expired.
    LoopBack(Timestamp),
}

/// Whose tokens.
#[derive(Clone, Debug, PartialEq)]
pub enum OwnerFilter {
    /// Anybody's and nobody's.
    Any,
    /// Those that show this user, named or standing in.
    Shown(UserId),
    /// Those whose issuer named this user.
    Named(UserId),
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenPage {
    /// In which order.
    pub order: Order,
    /// Only what comes after the token of this number in that order: the cheap way to go on.
    pub after: Option<TokenId>,
    /// How many to leave out first.
    pub skip: u64,
    /// How many at most.
    pub limit: u32,
}

/// An order of tokens. Numbers ascend in the order of issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By descending number.
    NewestFirst,
    /// By ascending number.
    OldestFirst,
    /// By the instant of creation, which whoever issued a token may have chosen; those of one instant by number, in the
    /// same direction.
    Created {
        /// Whether the latest comes first.
        descending: bool,
        /// Only what comes after the token of this instant and number. What [`TokenPage::after`] says is of no account.
        after: Option<(Timestamp, TokenId)>,
    },
}

/// Somebody who runs the service.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// The number.
    pub id: OperatorId,
    /// What people call it.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An operator to be made.
#[derive(Clone, Debug)]
pub struct NewOperator {
    /// What people call it.
    pub name: String,
    /// The digest of its token.
    pub digest: Digest,
    /// When it is made.
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

/// Which tokens have been kept long enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purge {
    /// Those that expired, and were last changed, before an instant, and were not revoked.
    Expired,
    /// The tombstones of those that were revoked before an instant, but not those of foreign secrets: whoever still has
    /// the secret could have it imported again, and nothing but the tombstone tells that it was revoked.
    Revoked,
}

/// Where the change log stands, for a reader of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogState {
    /// Another number than before: everything was replaced. What was read until then is void.
    pub epoch: i64,
    /// Whether entries that came after the reader's last one may have been trimmed unread. Then it begins again.
    pub has_gap: bool,
}

/// What a backup holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BackedUp {
    /// Apps, deleted ones included.
    pub apps: u64,
    /// Tokens, tombstones included.
    pub tokens: u64,
    /// Entries of the change log.
    pub changes: u64,
}

/// What to restore, and how.
#[derive(Clone, Debug)]
pub struct Restore {
    /// The backup. Whoever asks has found it sound, and written with keys of the ring.
    pub path: PathBuf,
    /// The check values of all keys in the ring, at least one.
    pub key_checks: Vec<KeyCheck>,
    /// The epoch that begins.
    pub epoch: i64,
    /// Whether what the database refuses now stays refused, whatever the backup says: what was removed, revoked, switched
    /// off, narrowed or ended since.
    pub keeps_removed: bool,
    /// When it is restored.
    pub at: Timestamp,
    /// Who restores.
    pub by: Actor,
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
    /// Tokens of the backup that were switched off since and stay so.
    pub kept_disabled: u64,
    /// Tokens of the backup that were given an earlier end since, and keep it.
    pub kept_ended: u64,
    /// Tokens of the backup that have less than its scopes, because they had less before.
    pub kept_narrowed: u64,
    /// Tokens of the backup that became another kind since, with all that says, and stay it.
    pub kept_kinds: u64,
    /// Tokens of the backup that came to prove another user since, or none, and do so still.
    pub kept_users: u64,
    /// Tokens of the backup that have left LoopBack's view since and stay out of it.
    pub kept_off_loopback: u64,
    /// Apps of the backup that were deleted since and stay so.
    pub kept_deleted_apps: u64,
    /// Apps of the backup whose client secret was replaced since: the older one stays useless.
    pub kept_client_secrets: u64,
    /// Apps of the backup whose settings were others, and still are.
    pub kept_settings: u64,
    /// Operators of the backup that were revoked since and stay so.
    pub kept_revoked_operators: u64,
    /// Tokens of the backup, in apps that the database knew, of which it knew nothing: they are as in the backup.
    pub unknown_tokens: u64,
    /// Apps of the backup of which the database, which knew others, knew nothing.
    pub unknown_apps: u64,
}

/// What a look through everything has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckReport {
    /// Tokens read, tombstones included.
    pub tokens: u64,
    /// Entries of the change log read.
    pub changes: u64,
    /// The check values of the keys with which it was written.
    pub key_checks: Vec<KeyCheck>,
    /// What makes no sense, for people. None: all is well.
    pub faults: Vec<String>,
}
