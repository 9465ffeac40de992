//! The store as the service sees it: every write leaves its stamp.
//!
//! No use case can forget it, because none has another store; and no write can, because a new method of [`Store`] does
//! not compile before it is written here. Stamps are left however a write ends: when it fails, or its caller goes away,
//! nobody knows whether it was committed. If it is committed after that, nobody was told so, and the change log tells.

use super::table::Key;
use super::{Cache, token_place};
use async_trait::async_trait;
use jeton_core::{Actor, AppId, AppKey, Digest, OperatorId, Timestamp, TokenId, TokenKind};
use jeton_store::{
    App, AppChange, AppChanged, AppCreated, BackedUp, Change, CheckReport, Genesis, Hints, Initialised,
    Inserted, KeyCheck, LogPosition, LogState, NewApp, NewOperator, NewToken, News, Operator, Purge,
    Replaced, Replacement, Restore, Restored, SelfMadeLimit, Store, StoreError, StoreMeasures, StoredToken,
    TokenFilter, TokenPage, TokenUse,
};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;

/// Another store, and the cache that must not contradict it.
#[derive(Debug)]
pub(crate) struct CoherentStore {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) cache: Arc<Cache>,
}

#[async_trait]
impl Store for CoherentStore {
    async fn initialise(&self, genesis: Genesis) -> Result<Initialised, StoreError> {
        let _app = self.cache.apps.change();
        let _admin = self.cache.arrivals.open(Key::prefix(&genesis.admin.digest));
        self.inner.initialise(genesis).await
    }

    async fn create_app(&self, app: NewApp, admin: NewToken, by: &Actor) -> Result<AppCreated, StoreError> {
        let _app = self.cache.apps.change();
        let _admin = self.cache.arrivals.open(Key::prefix(&admin.digest));
        self.inner.create_app(app, admin, by).await
    }

    async fn change_app(
        &self,
        id: AppId,
        expected: i64,
        change: AppChange,
        at: Timestamp,
        by: &Actor,
    ) -> Result<AppChanged, StoreError> {
        let _app = self.cache.apps.change();
        self.inner.change_app(id, expected, change, at, by).await
    }

    async fn delete_app(&self, id: AppId, at: Timestamp, by: &Actor) -> Result<bool, StoreError> {
        let _app = self.cache.apps.change();
        self.inner.delete_app(id, at, by).await
    }

    async fn insert_tokens_within(
        &self,
        self_made: SelfMadeLimit,
        app_id: AppId,
        tokens: Vec<NewToken>,
        at: Timestamp,
        by: &Actor,
    ) -> Result<Vec<Inserted>, StoreError> {
        let prefixes: Vec<u64> = tokens.iter().map(|token| Key::prefix(&token.digest)).collect();
        let _arrivals: Vec<_> = prefixes.iter().map(|prefix| self.cache.arrivals.open(*prefix)).collect();
        // Expired ones may make room for them.
        let is_bounded = tokens.iter().any(|token| token.kind == TokenKind::SelfMade);
        let _dead = is_bounded.then(|| self.cache.purge());
        // Before they are there: one too many costs a question, one too few would be refused.
        tokens
            .iter()
            .filter(|token| token.is_foreign)
            .for_each(|token| self.cache.foreign.add(&token.digest));
        self.inner.insert_tokens_within(self_made, app_id, tokens, at, by).await
    }

    async fn replace(&self, replacement: Replacement, by: &Actor) -> Result<Replaced, StoreError> {
        let _token = self.cache.tokens.open(token_place(replacement.token.id));
        let _dead = (replacement.token.kind == TokenKind::SelfMade).then(|| self.cache.purge());
        self.inner.replace(replacement, by).await
    }

    async fn revoke_token(
        &self,
        app_id: AppId,
        id: TokenId,
        at: Timestamp,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        let _token = self.cache.tokens.open(token_place(id));
        self.inner.revoke_token(app_id, id, at, by).await
    }

    async fn delete_token(
        &self,
        app_id: AppId,
        id: TokenId,
        at: Timestamp,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        let _token = self.cache.tokens.open(token_place(id));
        self.inner.delete_token(app_id, id, at, by).await
    }

    async fn restore(&self, restore: Restore) -> Result<Restored, StoreError> {
        let _everything = self.cache.replace_all();
        self.inner.restore(restore).await
    }

    async fn purge_tokens(
        &self,
        which: Purge,
        before: Timestamp,
        limit: u32,
        at: Timestamp,
        by: &Actor,
    ) -> Result<u64, StoreError> {
        let _dead = self.cache.purge();
        self.inner.purge_tokens(which, before, limit, at, by).await
    }

    // What the cache remembers nothing of: rows that no look-up finds any more, sealed values, uses, operators.

    async fn add_usage(&self, uses: Vec<TokenUse>) -> Result<(), StoreError> {
        self.inner.add_usage(uses).await
    }

    async fn erase_removed_secrets(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.inner.erase_removed_secrets(before, limit).await
    }

    async fn last_change(&self) -> Result<i64, StoreError> {
        self.inner.last_change().await
    }

    async fn is_settled(&self, sequence: i64) -> Result<bool, StoreError> {
        self.inner.is_settled(sequence).await
    }

    async fn trim_changes(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.inner.trim_changes(before, limit).await
    }

    async fn sweep_deleted_apps(&self, limit: u32) -> Result<u64, StoreError> {
        self.inner.sweep_deleted_apps(limit).await
    }

    async fn sweep_sealed(&self, id: AppId, limit: u32) -> Result<u64, StoreError> {
        self.inner.sweep_sealed(id, limit).await
    }

    async fn create_operator(&self, operator: NewOperator, by: &Actor) -> Result<OperatorId, StoreError> {
        self.inner.create_operator(operator, by).await
    }

    async fn revoke_operator(&self, id: OperatorId, at: Timestamp, by: &Actor) -> Result<bool, StoreError> {
        self.inner.revoke_operator(id, at, by).await
    }

    // Reads.

    async fn key_checks(&self) -> Result<Option<Vec<KeyCheck>>, StoreError> {
        self.inner.key_checks().await
    }

    async fn app_by_key(&self, key: &AppKey) -> Result<Option<App>, StoreError> {
        self.inner.app_by_key(key).await
    }

    async fn client_of(&self, key: &AppKey) -> Result<Option<(String, Digest)>, StoreError> {
        self.inner.client_of(key).await
    }

    async fn default_app(&self) -> Result<Option<App>, StoreError> {
        self.inner.default_app().await
    }

    async fn apps(&self) -> Result<Vec<App>, StoreError> {
        self.inner.apps().await
    }

    async fn find_tokens(&self, digests: &[Digest]) -> Result<Vec<StoredToken>, StoreError> {
        self.inner.find_tokens(digests).await
    }

    async fn find_tokens_of(
        &self,
        app_id: AppId,
        digests: &[Digest],
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.inner.find_tokens_of(app_id, digests).await
    }

    async fn tokens(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        self.inner.tokens(app_id, ids).await
    }

    async fn token(&self, app_id: AppId, id: TokenId) -> Result<Option<StoredToken>, StoreError> {
        self.inner.token(app_id, id).await
    }

    async fn count_tokens(&self, filter: &TokenFilter) -> Result<u64, StoreError> {
        self.inner.count_tokens(filter).await
    }

    async fn list_tokens(
        &self,
        filter: &TokenFilter,
        page: TokenPage,
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.inner.list_tokens(filter, page).await
    }

    async fn usage_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenUse>, StoreError> {
        self.inner.usage_of(app_id, ids).await
    }

    async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.inner.operators().await
    }

    async fn operator_by_digest(&self, digest: &Digest) -> Result<Option<Operator>, StoreError> {
        self.inner.operator_by_digest(digest).await
    }

    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.inner.changes(after, limit).await
    }

    async fn log_state(&self, after: i64) -> Result<LogState, StoreError> {
        self.inner.log_state(after).await
    }

    async fn back_up(&self, path: &Path) -> Result<BackedUp, StoreError> {
        self.inner.back_up(path).await
    }

    async fn check(&self) -> Result<CheckReport, StoreError> {
        self.inner.check().await
    }

    async fn news(&self, since: Option<&LogPosition>) -> Result<News, StoreError> {
        self.inner.news(since).await
    }

    async fn listen(&self, hints: &watch::Sender<Hints>) {
        self.inner.listen(hints).await;
    }

    async fn foreign_digests(
        &self,
        first: TokenId,
        last: TokenId,
        limit: u32,
    ) -> Result<Vec<(TokenId, Digest)>, StoreError> {
        self.inner.foreign_digests(first, last, limit).await
    }

    fn measures(&self) -> Option<&StoreMeasures> {
        self.inner.measures()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
