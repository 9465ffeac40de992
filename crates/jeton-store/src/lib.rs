//! Durable storage of apps, tokens, operators and the change log.
//!
//! [`Store`] is the interface for the service: coarse queries, and writes that are values ([`mod@write`]),
//! each of them one transaction. It has two engines, SQLite and PostgreSQL, and one conformance suite holds
//! both to the same behaviour. [`Layer`] is for a store on top of another one.
//!
//! Absence is `None`, refusal is a value, and only a failure is a [`StoreError`]: a failing disk can never
//! look like a token that does not exist. Stores read no clock and draw no randomness; SQL contains no
//! `now()`, but for the one statement of [`database_time`](Store::database_time).

#![deny(missing_docs)]

mod ancestors;
mod apply;
mod audit;
mod audit_reading;
mod backup;
mod budgets;
mod cadence;
mod change;
mod check;
mod continuity;
mod copy;
mod database_copy;
mod decode;
mod engine;
mod error;
mod fair;
mod inspect;
mod key_writes;
mod keys;
mod keys_reading;
mod layer;
mod lines;
mod measures;
mod migrations;
mod model;
mod news;
mod nodes;
mod postgres;
mod progress;
mod reading;
mod record;
mod schema;
mod scopes;
mod search;
mod searching;
mod session;
mod shape;
mod sql_store;
mod sqlite;
mod sqlite_file;
mod statements;
mod unfinished;
pub mod write;

pub use audit::{AppCounts, AppUses, AuditFilter, AuditPage, Bounded, BoundedCounts, Spans, WorthALook};
pub use backup::check_backup;
pub use budgets::{TokenBudget, Unused};
pub use cadence::Cadence;
pub use change::{Change, Hints, LogPosition, News, Removal};
pub use database_copy::{
    CopiedTable, CopyError, CopyOptions, CopyPhase, CopyProgress, CopySource, DatabasePlace, VerifiedCopy,
    Watch,
};
pub use error::{OpenError, StoreError};
pub use fair::{Crowded, Fair, Share, Turn};
pub use inspect::{
    ConnectionPath, Contents, Inspection, OpenTransaction, PostgresFacts, SqliteFacts, inspect_postgres,
    inspect_sqlite,
};
pub use keys::{DigestPlace, KeyRetired, KeyUse, KeyUses, NewDigest, OldDigest};
pub use layer::{Layer, Question};
pub use measures::{CallMeasures, StoreMeasures};
pub use migrations::SCHEMA_VERSION;
pub use model::{
    App, AppChange, AppChanged, AppCreated, BackedUp, CheckReport, Client, Credential, Genesis, Initialised,
    Inserted, KeyCheck, KeyClaim, LogState, NewApp, NewClientSecret, NewOperator, NewToken, Operator, Order,
    Orphans, OwnerFilter, Purge, Replaced, Restore, Restored, SelfMadeLimit, StoredToken, TokenFilter,
    TokenPage, TokenUse, View,
};
pub use nodes::{LogRead, Node};
pub use progress::{Progress, ProgressSeen};
pub use search::{Looked, PlaceKey, SearchOrder, SearchPlace, TitleSearch, TokenSearch};

pub use postgres::{CONNECTIONS_OF_SERVER, PostgresOptions, open_pooled_postgres, open_postgres};
pub use sqlite::{SqliteOptions, open_sqlite};

use async_trait::async_trait;
use jeton_core::{AppId, AppKey, Digest, OperatorId, Timestamp, TokenId};
use std::fmt;
use std::path::Path;
use std::time::Duration;
use tokio::sync::watch;
use write::{Outcome, Writable, Write};

/// The default time limit of statements that read.
const QUERY_TIME: Duration = Duration::from_secs(2);

/// Durable storage. When a write is answered, it is on disk.
///
/// Every change of an app, a token or an operator writes its entry in the change log in the same transaction.
#[async_trait]
pub trait Store: Send + Sync + fmt::Debug {
    /// Makes a write in one transaction. Callers use `write` of `dyn Store`, which returns the right type.
    async fn commit(&self, write: Write) -> Result<Outcome, StoreError>;

    /// The check values of the keys that this database was written with; `None` if it is not initialised.
    async fn key_checks(&self) -> Result<Option<Vec<KeyCheck>>, StoreError>;

    /// How many rows need each key of the ring, and for what. What no row needs it for is left out.
    async fn key_uses(&self) -> Result<Vec<KeyUses>, StoreError>;

    /// At most `limit` digests of tokens that this key has made, of tombstones too, behind a place, in the order of app and
    /// number.
    async fn old_tokens(
        &self,
        key_id: u32,
        after: Option<(AppId, TokenId)>,
        limit: u32,
    ) -> Result<Vec<OldDigest>, StoreError>;

    /// At most `limit` of the other digests that this key has made: further ones of tokens, and those of client secrets and
    /// operators. They are few.
    async fn old_digests(&self, key_id: u32, limit: u32) -> Result<Vec<OldDigest>, StoreError>;

    /// Whether an app has a token with a digest that another key than this one has made, or has begun: it may be of a secret of which
    /// this key would make another one.
    async fn has_digests_of_other_keys(&self, app_id: AppId, key_id: u32) -> Result<bool, StoreError>;

    /// Those of an app's tokens whose digests this key has made of their secrets, and no other key.
    async fn made_by(&self, app_id: AppId, key_id: u32, ids: &[TokenId]) -> Result<Vec<TokenId>, StoreError>;

    /// The app with this key; `None` also if it was deleted.
    async fn app_by_key(&self, key: &AppKey) -> Result<Option<App>, StoreError>;

    /// The app with this number; `None` also if it was deleted.
    async fn app_by_id(&self, id: AppId) -> Result<Option<App>, StoreError>;

    /// The key of the app with this client id; `None` also if it was deleted.
    async fn key_of_client(&self, client_id: &str) -> Result<Option<AppKey>, StoreError>;

    /// The client credentials of the app of this key; `None` also if it was deleted. Takes the same work whether there is such an
    /// app or not: the answer has one row in either case, but for client secrets that were replaced and are good for a while, and
    /// of the app only its client id and client secret are read.
    async fn client_of(&self, key: &AppKey) -> Result<Option<Client>, StoreError>;

    /// The app for paths that name none; `None` if it was deleted.
    async fn default_app(&self) -> Result<Option<App>, StoreError>;

    /// All apps that are not deleted, in the order of creation.
    async fn apps(&self) -> Result<Vec<App>, StoreError>;

    /// Of them at most `limit` whose numbers come after this one.
    async fn apps_after(&self, after: Option<AppId>, limit: u32) -> Result<Vec<App>, StoreError>;

    /// How many apps there are that are not deleted.
    async fn count_apps(&self) -> Result<u64, StoreError>;

    /// The tokens with one of these digests, of any app that is not deleted, revoked ones included, in no
    /// particular order, whether or not the digest is valid now: see [`StoredToken::credential`].
    async fn find_tokens(&self, digests: &[Digest]) -> Result<Vec<StoredToken>, StoreError>;

    /// The tokens of this app with one of these digests, revoked ones included, in no particular order.
    /// However many digests there are, [`find_tokens`](Self::find_tokens) does not wait for them, and batches
    /// of other apps get their turns.
    async fn find_tokens_of(&self, app_id: AppId, digests: &[Digest])
    -> Result<Vec<StoredToken>, StoreError>;

    /// The token with this number in this app, unless it was revoked.
    async fn token(&self, app_id: AppId, id: TokenId) -> Result<Option<StoredToken>, StoreError>;

    /// Those of these tokens that are in this app and not revoked, in no particular order.
    async fn tokens(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError>;

    /// The number of tokens that match the filter. Revoked ones do not count.
    async fn count_tokens(&self, filter: &TokenFilter) -> Result<u64, StoreError>;

    /// One page of the tokens that match the filter. Revoked ones are left out.
    async fn list_tokens(
        &self,
        filter: &TokenFilter,
        page: TokenPage,
    ) -> Result<Vec<StoredToken>, StoreError>;

    /// At most `limit` of the tokens that this one made and that were not revoked, the oldest first.
    async fn children(
        &self,
        app_id: AppId,
        parent: TokenId,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError>;

    /// Of the next `limit` tokens that others made, of whatever apps, in the order of their parents, those whose parent was revoked or is
    /// gone. What was revoked itself is left out.
    async fn orphans(&self, after: Option<(TokenId, TokenId)>, limit: u32) -> Result<Orphans, StoreError>;

    /// At most `limit` of the tokens that are sought, those behind a place, in the order of the search.
    async fn search_tokens(
        &self,
        search: &TokenSearch,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError>;

    /// The same, but for one answer it looks at no more than some thousand tokens, however few of them are sought.
    async fn look_for_tokens(
        &self,
        search: &TokenSearch,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<Looked, StoreError>;

    /// As [`search_tokens`](Self::search_tokens), of which only the places are told.
    async fn search_places(
        &self,
        search: &TokenSearch,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<Vec<SearchPlace>, StoreError>;

    /// How many tokens are to be found.
    async fn count_found(&self, search: &TokenSearch) -> Result<u64, StoreError>;

    /// The recorded use of these tokens of an app, in no particular order; nothing for tokens that were never
    /// used.
    async fn usage_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenUse>, StoreError>;

    /// What is left of the limits of these tokens of an app, in no particular order; nothing of those of which nothing was taken yet.
    async fn budgets_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenBudget>, StoreError>;

    /// All operators that are not revoked, in the order of creation.
    async fn operators(&self) -> Result<Vec<Operator>, StoreError>;

    /// The operator of this number, unless revoked.
    async fn operator(&self, id: OperatorId) -> Result<Option<Operator>, StoreError>;

    /// The operator whose token has this digest, unless revoked.
    async fn operator_by_digest(&self, digest: &Digest) -> Result<Option<Operator>, StoreError>;

    /// At most `limit` entries of the change log, in order, after the entry with the number `after` (0: from
    /// the start), without gaps: entries that a slower transaction may still write in between are waited for,
    /// not skipped.
    ///
    /// To continue, pass the number of the last entry received, not the greatest one: see
    /// [`Change::sequence`].
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

    /// How many tokens an app has at this instant, as far as that can be said at once, however many they are.
    async fn bounded_counts(&self, app_id: AppId, now: Timestamp) -> Result<BoundedCounts, StoreError>;

    /// How many tokens of an app are worth a look, as far as that can be said at once, however many they are.
    async fn worth_a_look(&self, app_id: AppId, spans: Spans) -> Result<WorthALook, StoreError>;

    /// How often the tokens of each app, or of one, were used, of those that had any use.
    async fn uses_of_apps(&self, app_id: Option<AppId>) -> Result<Vec<AppUses>, StoreError>;

    /// The number of the last entry in the order of the change log; 0 while the log is empty. A reader of
    /// future entries starts there, once [it is settled](Self::is_settled).
    async fn last_change(&self) -> Result<i64, StoreError>;

    /// Whether no new entry can appear before the one with this number: a transaction that began earlier may
    /// still be open.
    async fn is_settled(&self, sequence: i64) -> Result<bool, StoreError>;

    /// The state of the log for a reader whose last entry had the number `after` (0: none). Call it after
    /// [`changes`](Self::changes), with the same `after`: if the epoch differs or there is a gap, the page is
    /// void, and the reader starts over from the current state.
    async fn log_state(&self, after: i64) -> Result<LogState, StoreError>;

    /// Writes everything as of one instant into the empty file at `path`, as a SQLite database of the newest
    /// schema, while others read and write. The caller syncs the file to the disk, or removes it if this
    /// fails.
    async fn back_up(&self, path: &Path, progress: &Progress) -> Result<BackedUp, StoreError>;

    /// Reads everything and reports inconsistencies.
    async fn check(&self, progress: &Progress) -> Result<CheckReport, StoreError>;

    /// The entries that became visible in the change log after `since` (`None`: none, only the position), in
    /// no particular order, each once. Never waits: an entry is returned as soon as its transaction is over,
    /// even while one that began earlier is still open. This is for the invalidation of caches; readers that
    /// need the order of the log use [`changes`](Self::changes).
    ///
    /// A position is valid only for the store that returned it.
    async fn news(&self, since: Option<&LogPosition>) -> Result<News, StoreError>;

    /// Updates `hints` when the change log may have something new, until it is dropped: it never completes.
    ///
    /// Hints save callers of [`news`](Self::news) many useless polls, and promise nothing: a change can come
    /// without one, even while [`Hints::is_listening`]. An engine without announcements never updates them.
    async fn listen(&self, hints: &watch::Sender<Hints>);

    /// Keeps `leads` true while this process is the one that does what only one of those that share the database needs to do, until
    /// it is dropped: it never completes. Of the processes that call this, one leads; when it ends, however it ends, another one
    /// does within about a minute and a half.
    ///
    /// This saves work and excludes nothing: a leader that is cut off may go on for some seconds beside the next one. A SQLite
    /// database has one server, which leads.
    async fn lead(&self, leads: &watch::Sender<bool>);

    /// The numbers and digests of at most `limit` tokens with foreign secrets whose numbers are from `first`
    /// to `last`, of all apps and in any state, by ascending number, with the further digests of those tokens
    /// and of the ones between them: to continue, pass the number after the last one received.
    async fn foreign_digests(
        &self,
        first: TokenId,
        last: TokenId,
        limit: u32,
    ) -> Result<Vec<(TokenId, Digest)>, StoreError>;

    /// The servers that work on this database, as they describe themselves, in the order in which they started. One that was killed stays
    /// among them until another one forgets it.
    async fn nodes(&self) -> Result<Vec<Node>, StoreError>;

    /// The time by the clock of the database server; `None`: there is no server, and the clock is this machine's. For finding out how far
    /// clocks are apart, and for nothing else.
    async fn database_time(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Whether the database can be reached and read.
    async fn ping(&self) -> Result<(), StoreError>;

    /// The counters of this store; `None`: it has none.
    fn measures(&self) -> Option<&StoreMeasures>;

    /// Finishes work in progress and closes. Every later call is unavailable.
    async fn close(&self);
}

impl dyn Store + '_ {
    /// Makes a write, and returns once it is on disk.
    ///
    /// # Errors
    ///
    /// It is unknown whether the write was made.
    pub async fn write<W: Writable>(&self, write: W) -> Result<W::Answer, StoreError> {
        W::answer(self.commit(write.into()).await?)
    }
}
