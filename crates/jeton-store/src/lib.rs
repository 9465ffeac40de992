//! Where apps, tokens, operators and the change log are kept.
//!
//! [`Store`] is what the service sees: coarse methods, each of them one transaction. Two engines stand behind it,
//! SQLite and PostgreSQL, and one conformance suite holds both to the same behaviour.
//!
//! Absence is `None`, refusal is a value, and only "could not find out" is a [`StoreError`]: a failing disk can never
//! look like a token that does not exist. Stores read no clock and draw no randomness; SQL holds no `now()`.

#![deny(missing_docs)]

mod apply;
mod backup;
mod change;
mod check;
mod continuity;
mod copy;
mod decode;
mod engine;
mod error;
mod fair;
mod lines;
mod measures;
mod migrations;
mod model;
mod news;
mod postgres;
mod reading;
mod record;
mod schema;
mod scopes;
mod session;
mod sql_store;
mod sqlite;
mod statements;
mod write;

pub use backup::check_backup;
pub use change::{Change, ChangeKind, Hints, LogPosition, News, Removal};
pub use error::{OpenError, StoreError};
pub use fair::{Crowded, Fair, Share, Turn};
pub use measures::{CallMeasures, StoreMeasures};
pub use model::{
    App, AppChange, AppChanged, AppCreated, BackedUp, CheckReport, Genesis, Initialised, Inserted, KeyCheck,
    LogState, NewApp, NewOperator, NewToken, Operator, Order, OwnerFilter, Purge, Replaced, Replacement,
    Restore, Restored, SelfMadeLimit, StoredToken, TokenFilter, TokenPage, TokenUse, View,
};

pub use postgres::{PostgresOptions, open_postgres};
pub use sqlite::{SqliteOptions, open_sqlite};

use async_trait::async_trait;
use jeton_core::{Actor, AppId, AppKey, Digest, OperatorId, Timestamp, Token, TokenId};
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;

/// How long a statement that reads may take unless an option says otherwise.
const QUERY_TIME: Duration = Duration::from_secs(2);

/// Durable storage. When a writing method answers, what it wrote is on disk.
///
/// Every change of an app, a token or an operator writes its entry of the change log in the same transaction.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// The check values of the keys with which this database was written; `None` while nothing was initialised.
    async fn key_checks(&self) -> Result<Option<Vec<KeyCheck>>, StoreError>;

    /// Writes the first app, its admin token, the first operator and the check values of the keys, all or nothing.
    /// The app becomes the default app. Changes nothing if the database was initialised before.
    async fn initialise(&self, genesis: Genesis) -> Result<Initialised, StoreError>;

    /// The app of this key; `None` also if it was deleted.
    async fn app_by_key(&self, key: &AppKey) -> Result<Option<App>, StoreError>;

    /// The client id of the app of this key and the digest of its client secret; `None` also if it was deleted. Takes the same
    /// work whether there is such an app or not: the answer has one row in either case, and of the app only these two are read.
    async fn client_of(&self, key: &AppKey) -> Result<Option<(String, Digest)>, StoreError>;

    /// The app that answers where a path names none; `None` if it was deleted.
    async fn default_app(&self) -> Result<Option<App>, StoreError>;

    /// All apps that are not deleted, in the order of their making.
    async fn apps(&self) -> Result<Vec<App>, StoreError>;

    /// Makes an app and its first token.
    async fn create_app(&self, app: NewApp, admin: NewToken, by: &Actor) -> Result<AppCreated, StoreError>;

    /// Changes an app if its revision is still `expected`.
    async fn change_app(
        &self,
        id: AppId,
        expected: i64,
        change: AppChange,
        at: Timestamp,
        by: &Actor,
    ) -> Result<AppChanged, StoreError>;

    /// Deletes an app: from its answer on, neither it nor any of its tokens can be found. Its data key and its
    /// client secret are wiped at once; rows are left for [`sweep_deleted_apps`](Self::sweep_deleted_apps). `false` if
    /// there is no such app.
    async fn delete_app(&self, id: AppId, at: Timestamp, by: &Actor) -> Result<bool, StoreError>;

    /// Removes at most `limit` tokens of deleted apps and returns how many it removed; 0 when none are left.
    async fn sweep_deleted_apps(&self, limit: u32) -> Result<u64, StoreError>;

    /// Removes the sealed values of at most `limit` tokens of this app and returns of how many; 0 when none are left.
    async fn sweep_sealed(&self, id: AppId, limit: u32) -> Result<u64, StoreError>;

    /// Removes at most `limit` tokens that have been kept long enough and returns how many; 0 when none are left. Writes
    /// one entry of the change log for each app that had any.
    async fn purge_tokens(
        &self,
        which: Purge,
        before: Timestamp,
        limit: u32,
        at: Timestamp,
        by: &Actor,
    ) -> Result<u64, StoreError>;

    /// Removes at most `limit` entries from the beginning of the change log, up to the first that is not older than
    /// `before`, and returns how many. The last entry always stays. Readers that had not read them yet learn of it by
    /// [`log_state`](Self::log_state).
    async fn trim_changes(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Removes the sealed secrets of removed tokens from at most `limit` entries of the change log that are older than
    /// `before`, and returns from how many; 0 when none are left.
    async fn erase_removed_secrets(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Issues tokens of an app, each on its own: the answers are in the order of the arguments. An app that was deleted
    /// meanwhile takes them in and keeps them unknown.
    ///
    /// Up to 1,024 go in in one transaction, all or none. More take several, one after the other, so that the writes of
    /// others come in between: if one fails, those before it stay.
    async fn insert_tokens(
        &self,
        app_id: AppId,
        tokens: Vec<NewToken>,
        at: Timestamp,
        by: &Actor,
    ) -> Result<Vec<Inserted>, StoreError> {
        self.insert_tokens_within(SelfMadeLimit::NONE, app_id, tokens, at, by).await
    }

    /// The same, of self-made tokens only as many as the app then has at most, whoever writes at the same time and wherever.
    /// Where there is no room, those that have expired at `at` are removed for it, which the change log tells as a purge.
    async fn insert_tokens_within(
        &self,
        self_made: SelfMadeLimit,
        app_id: AppId,
        tokens: Vec<NewToken>,
        at: Timestamp,
        by: &Actor,
    ) -> Result<Vec<Inserted>, StoreError>;

    /// The tokens that have one of these digests, of whatever app that is not deleted, revoked ones included, in no
    /// particular order.
    async fn find_tokens(&self, digests: &[Digest]) -> Result<Vec<StoredToken>, StoreError>;

    /// Those of this app that have one of these digests, revoked ones included, in no particular order. However many are
    /// sought, [`find_tokens`](Self::find_tokens) does not wait for them, and other apps' batches have their turns.
    async fn find_tokens_of(&self, app_id: AppId, digests: &[Digest])
    -> Result<Vec<StoredToken>, StoreError>;

    /// The token of this number in this app, unless it was revoked.
    async fn token(&self, app_id: AppId, id: TokenId) -> Result<Option<StoredToken>, StoreError>;

    /// Those of these tokens that are in this app and not revoked, in no particular order.
    async fn tokens(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError>;

    /// Puts `token` in the place of the token of its number if that is not revoked and its revision is still
    /// `expected`. The secret, the number and the app stay as they are.
    async fn replace_token(&self, token: Token, expected: i64, by: &Actor) -> Result<Replaced, StoreError> {
        let self_made = SelfMadeLimit::NONE;
        self.replace(Replacement { token, expected, self_made, takes_away: false }, by).await
    }

    /// The same, if there is room for it where it is self-made and was not, or was smaller: see
    /// [`insert_tokens_within`](Self::insert_tokens_within).
    async fn replace(&self, replacement: Replacement, by: &Actor) -> Result<Replaced, StoreError>;

    /// Revokes a token: its digest stays as a tombstone, its sealed value goes, to the change log for a while. `false` if there is no such token or
    /// it was revoked before.
    async fn revoke_token(
        &self,
        app_id: AppId,
        id: TokenId,
        at: Timestamp,
        by: &Actor,
    ) -> Result<bool, StoreError>;

    /// Removes a token as LoopBack does: nothing of it is left, and its secret can be used again. `false` if there is no
    /// such token or it was revoked before.
    async fn delete_token(
        &self,
        app_id: AppId,
        id: TokenId,
        at: Timestamp,
        by: &Actor,
    ) -> Result<bool, StoreError>;

    /// How many tokens the filter lets through. Revoked ones do not count.
    async fn count_tokens(&self, filter: &TokenFilter) -> Result<u64, StoreError>;

    /// One page of the tokens that the filter lets through. Revoked ones are left out.
    async fn list_tokens(
        &self,
        filter: &TokenFilter,
        page: TokenPage,
    ) -> Result<Vec<StoredToken>, StoreError>;

    /// Adds to what is known of the use of tokens, each of them named at most once. Tokens that are gone are passed over.
    /// Changes no revision and leaves no entry in the change log.
    async fn add_usage(&self, uses: Vec<TokenUse>) -> Result<(), StoreError>;

    /// What is known of the use of these tokens of an app, in no particular order; nothing of those that were never used.
    async fn usage_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenUse>, StoreError>;

    /// Makes an operator.
    async fn create_operator(&self, operator: NewOperator, by: &Actor) -> Result<OperatorId, StoreError>;

    /// All operators that are not revoked, in the order of their making.
    async fn operators(&self) -> Result<Vec<Operator>, StoreError>;

    /// The operator whose token has this digest, unless revoked.
    async fn operator_by_digest(&self, digest: &Digest) -> Result<Option<Operator>, StoreError>;

    /// Revokes an operator. `false` if there is none of this number or it was revoked before.
    async fn revoke_operator(&self, id: OperatorId, at: Timestamp, by: &Actor) -> Result<bool, StoreError>;

    /// At most `limit` entries of the change log, in its order, that come after the entry of number `after` (0: from the
    /// beginning), without gaps: what a slower transaction may still write in between is waited for, not skipped.
    ///
    /// To go on, pass the number of the last entry received, not the greatest one: see [`Change::sequence`].
    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError>;

    /// The number of the entry that is the last in the order of the change log now; 0 while the log is empty. A reader that
    /// wants what comes from now on begins there, once [it is settled](Self::is_settled).
    async fn last_change(&self) -> Result<i64, StoreError>;

    /// Whether nothing can come before the entry of this number any more that was not there already: a transaction that
    /// began earlier may still be open.
    async fn is_settled(&self, sequence: i64) -> Result<bool, StoreError>;

    /// Where the log stands for a reader whose last entry had the number `after` (0: it has read none). To be asked after
    /// [`changes`](Self::changes), with the same `after`: if the epoch is another or there is a gap, the page is void and
    /// the reader begins again from the state of things as they are.
    async fn log_state(&self, after: i64) -> Result<LogState, StoreError>;

    /// Writes everything as it is at one instant into the empty file at `path`, as a SQLite database of the newest
    /// schema, while others read and write. Whoever asks brings the file to the disk, or removes it if this fails.
    async fn back_up(&self, path: &Path) -> Result<BackedUp, StoreError>;

    /// Replaces everything by what a backup holds, in one transaction: others see what was before or what is after.
    /// Numbers, of tokens and of changes too, go on above all that were ever given out here or there.
    async fn restore(&self, restore: Restore) -> Result<Restored, StoreError>;

    /// Reads everything and says what makes no sense.
    async fn check(&self) -> Result<CheckReport, StoreError>;

    /// What became visible in the change log after `since` (`None`: nothing yet, only where it stands), in no particular
    /// order, each entry once. Waits for nobody: an entry is told of as soon as its transaction is over, also while one
    /// that began earlier is still open. This is for whoever must forget what an entry says has changed; who must read
    /// the log in its order uses [`changes`](Self::changes).
    ///
    /// A position is good for the store that gave it only.
    async fn news(&self, since: Option<&LogPosition>) -> Result<News, StoreError>;

    /// Tells `hints` when the change log may have something new, until it is dropped: it never completes.
    ///
    /// Hints spare whoever waits for [`news`](Self::news) many looks in vain, and promise nothing: a change can come
    /// without one, also while [`Hints::is_listening`]. An engine that has none never tells anything.
    async fn listen(&self, hints: &watch::Sender<Hints>);

    /// The numbers and digests of at most `limit` tokens with foreign secrets whose numbers lie from `first` to `last`,
    /// of all apps and in whatever state, by ascending number.
    async fn foreign_digests(
        &self,
        first: TokenId,
        last: TokenId,
        limit: u32,
    ) -> Result<Vec<(TokenId, Digest)>, StoreError>;

    /// Whether the database can be reached and read.
    async fn ping(&self) -> Result<(), StoreError>;

    /// What this store counts; `None`: it counts nothing.
    fn measures(&self) -> Option<&StoreMeasures>;

    /// Finishes what is under way and closes. Everything asked afterwards is unavailable.
    async fn close(&self);
}
