//! Where apps, tokens, operators and the change log are kept.
//!
//! [`Store`] is what the service sees: coarse questions, and writes that are values ([`mod@write`]), each of them one transaction.
//! Two engines stand behind it, SQLite and PostgreSQL, and one conformance suite holds both to the same behaviour.
//! [`Layer`] is for a store over another one.
//!
//! Absence is `None`, refusal is a value, and only "could not find out" is a [`StoreError`]: a failing disk can never
//! look like a token that does not exist. Stores read no clock and draw no randomness; SQL holds no `now()`.

#![deny(missing_docs)]

mod apply;
mod audit;
mod backup;
mod change;
mod check;
mod continuity;
mod copy;
mod decode;
mod engine;
mod error;
mod fair;
mod layer;
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
mod search;
mod session;
mod shape;
mod sql_store;
mod sqlite;
mod sqlite_file;
mod statements;
pub mod write;

pub use audit::{AppCounts, AppUses, AuditFilter, AuditPage};
pub use backup::check_backup;
pub use change::{Change, ChangeKind, Hints, LogPosition, News, Removal};
pub use error::{OpenError, StoreError};
pub use fair::{Crowded, Fair, Share, Turn};
pub use layer::{Layer, Question};
pub use measures::{CallMeasures, StoreMeasures};
pub use model::{
    App, AppChange, AppChanged, AppCreated, BackedUp, CheckReport, Client, Credential, Genesis, Initialised,
    Inserted, KeyCheck, KeyClaim, LogState, NewApp, NewClientSecret, NewOperator, NewToken, Operator, Order,
    OwnerFilter, Purge, Replaced, Restore, Restored, SelfMadeLimit, StoredToken, TokenFilter, TokenPage,
    TokenUse, View,
};

pub use search::{SearchOrder, SearchPlace, TitleSearch, TokenSearch};

pub use postgres::{PostgresOptions, open_pooled_postgres, open_postgres};
pub use sqlite::{SqliteOptions, open_sqlite};

use async_trait::async_trait;
use jeton_core::{AppId, AppKey, Digest, Timestamp, TokenId};
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use write::{Outcome, Writable, Write};

/// How long a statement that reads may take unless an option says otherwise.
const QUERY_TIME: Duration = Duration::from_secs(2);

/// Durable storage. When a write is answered, it is on disk.
///
/// Every change of an app, a token or an operator writes its entry of the change log in the same transaction.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Makes a write, in one transaction. Whoever has one to make calls `write` of `dyn Store`, which knows
    /// its answer.
    async fn commit(&self, write: Write) -> Result<Outcome, StoreError>;

    /// The check values of the keys with which this database was written; `None` while nothing was initialised.
    async fn key_checks(&self) -> Result<Option<Vec<KeyCheck>>, StoreError>;

    /// The app of this key; `None` also if it was deleted.
    async fn app_by_key(&self, key: &AppKey) -> Result<Option<App>, StoreError>;

    /// The app of this number; `None` also if it was deleted.
    async fn app_by_id(&self, id: AppId) -> Result<Option<App>, StoreError>;

    /// The key of the app of this client id; `None` also if it was deleted.
    async fn key_of_client(&self, client_id: &str) -> Result<Option<AppKey>, StoreError>;

    /// The client credentials of the app of this key; `None` also if it was deleted. Takes the same work whether there is such an
    /// app or not: the answer has one row in either case, but for client secrets that were replaced and are good for a while, and
    /// of the app only its client id and client secret are read.
    async fn client_of(&self, key: &AppKey) -> Result<Option<Client>, StoreError>;

    /// The app that answers where a path names none; `None` if it was deleted.
    async fn default_app(&self) -> Result<Option<App>, StoreError>;

    /// All apps that are not deleted, in the order of their making.
    async fn apps(&self) -> Result<Vec<App>, StoreError>;

    /// Of them at most `limit` whose numbers come after this one.
    async fn apps_after(&self, after: Option<AppId>, limit: u32) -> Result<Vec<App>, StoreError>;

    /// How many apps there are that are not deleted.
    async fn count_apps(&self) -> Result<u64, StoreError>;

    /// The tokens that have one of these digests, of whatever app that is not deleted, revoked ones included, in no
    /// particular order, whether or not the digest is good at the moment: that is for [`StoredToken::credential`] to say.
    async fn find_tokens(&self, digests: &[Digest]) -> Result<Vec<StoredToken>, StoreError>;

    /// Those of this app that have one of these digests, revoked ones included, in no particular order. However many are
    /// sought, [`find_tokens`](Self::find_tokens) does not wait for them, and other apps' batches have their turns.
    async fn find_tokens_of(&self, app_id: AppId, digests: &[Digest])
    -> Result<Vec<StoredToken>, StoreError>;

    /// The token of this number in this app, unless it was revoked.
    async fn token(&self, app_id: AppId, id: TokenId) -> Result<Option<StoredToken>, StoreError>;

    /// Those of these tokens that are in this app and not revoked, in no particular order.
    async fn tokens(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError>;

    /// How many tokens the filter lets through. Revoked ones do not count.
    async fn count_tokens(&self, filter: &TokenFilter) -> Result<u64, StoreError>;

    /// One page of the tokens that the filter lets through. Revoked ones are left out.
    async fn list_tokens(
        &self,
        filter: &TokenFilter,
        page: TokenPage,
    ) -> Result<Vec<StoredToken>, StoreError>;

    /// At most `limit` of the tokens that are sought, those behind a place, in the order of the search.
    async fn search_tokens(
        &self,
        search: &TokenSearch,
        after: Option<SearchPlace>,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError>;

    /// The same, of which only the places are told.
    async fn search_places(
        &self,
        search: &TokenSearch,
        after: Option<SearchPlace>,
        limit: u32,
    ) -> Result<Vec<SearchPlace>, StoreError>;

    /// How many tokens are to be found.
    async fn count_found(&self, search: &TokenSearch) -> Result<u64, StoreError>;

    /// What is known of the use of these tokens of an app, in no particular order; nothing of those that were never used.
    async fn usage_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenUse>, StoreError>;

    /// All operators that are not revoked, in the order of their making.
    async fn operators(&self) -> Result<Vec<Operator>, StoreError>;

    /// The operator whose token has this digest, unless revoked.
    async fn operator_by_digest(&self, digest: &Digest) -> Result<Option<Operator>, StoreError>;

    /// At most `limit` entries of the change log, in its order, that come after the entry of number `after` (0: from the
    /// beginning), without gaps: what a slower transaction may still write in between is waited for, not skipped.
    ///
    /// To go on, pass the number of the last entry received, not the greatest one: see [`Change::sequence`].
    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError>;

    /// At most `limit` entries of the change log that the filter lets through, the newest first, of those with numbers below
    /// `before` (`None`: all): see [`AuditPage`]. However few the filter lets through, what is read for one answer is bounded.
    ///
    /// An entry of a transaction that was open until now, and has a higher one beside it, is told when it is asked for again.
    async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<AuditPage, StoreError>;

    /// The numbers and keys of all apps that have, or had until they were deleted, one of these numbers or this key.
    async fn app_names(
        &self,
        ids: &[AppId],
        key: Option<&AppKey>,
    ) -> Result<Vec<(AppId, AppKey)>, StoreError>;

    /// How many tokens each of at most `limit` apps has at this instant, of those whose numbers come after `after`.
    async fn counts_of_apps(
        &self,
        after: Option<AppId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<AppCounts>, StoreError>;

    /// How often the tokens of each app were used that had any use.
    async fn uses_of_apps(&self) -> Result<Vec<AppUses>, StoreError>;

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
    /// of all apps and in whatever state, by ascending number. Of further digests as many as those tokens, and the ones between
    /// them, have: to go on, pass the number after the last one received.
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

impl dyn Store + '_ {
    /// Makes a write, and answers once it is on disk.
    ///
    /// # Errors
    /// Nobody can tell whether it was made.
    pub async fn write<W: Writable>(&self, write: W) -> Result<W::Answer, StoreError> {
        W::answer(self.commit(write.into()).await?)
    }
}
