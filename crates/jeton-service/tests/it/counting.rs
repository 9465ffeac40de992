//! A store that counts what it is asked about tokens and apps.

use async_trait::async_trait;
use jeton_core::{Actor, AppId, AppKey, Digest, OperatorId, Timestamp, TokenId};
use jeton_store::{
    App, AppChange, AppChanged, AppCreated, BackedUp, Change, CheckReport, Genesis, Hints, Initialised,
    Inserted, KeyCheck, LogPosition, LogState, NewApp, NewOperator, NewToken, News, Operator, Purge,
    Replaced, Replacement, Restore, Restored, SelfMadeLimit, Store, StoreError, StoreMeasures, StoredToken,
    TokenFilter, TokenPage, TokenUse,
};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::watch;

/// Another store, and how often it was asked for an app or a token.
#[derive(Debug)]
pub(crate) struct CountingStore {
    inner: Arc<dyn Store>,
    questions: AtomicU64,
}

impl CountingStore {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        CountingStore { inner, questions: AtomicU64::new(0) }
    }

    /// Counts from now on.
    pub(crate) fn begin(&self) {
        self.questions.store(0, Ordering::SeqCst);
    }

    pub(crate) fn questions(&self) -> u64 {
        self.questions.load(Ordering::SeqCst)
    }

    /// Removes a token as another process would.
    pub(crate) async fn delete(&self, app_id: AppId, id: TokenId) {
        assert!(self.inner.delete_token(app_id, id, Timestamp::MIN, &Actor::Cli).await.unwrap());
    }

    /// Purges what has expired as another process would.
    pub(crate) async fn purge(&self, before: Timestamp) {
        let purged = self.inner.purge_tokens(Purge::Expired, before, 100, before, &Actor::Cli).await;
        assert_eq!(purged.unwrap(), 1);
    }

    fn asked(&self) -> &dyn Store {
        self.questions.fetch_add(1, Ordering::SeqCst);
        &*self.inner
    }
}

#[async_trait]
impl Store for CountingStore {
    async fn key_checks(&self) -> Result<Option<Vec<KeyCheck>>, StoreError> {
        self.inner.key_checks().await
    }

    async fn initialise(&self, genesis: Genesis) -> Result<Initialised, StoreError> {
        self.inner.initialise(genesis).await
    }

    async fn app_by_key(&self, key: &AppKey) -> Result<Option<App>, StoreError> {
        self.asked().app_by_key(key).await
    }

    async fn client_of(&self, key: &AppKey) -> Result<Option<(String, Digest)>, StoreError> {
        self.asked().client_of(key).await
    }

    async fn default_app(&self) -> Result<Option<App>, StoreError> {
        self.asked().default_app().await
    }

    async fn apps(&self) -> Result<Vec<App>, StoreError> {
        self.asked().apps().await
    }

    async fn create_app(&self, app: NewApp, admin: NewToken, by: &Actor) -> Result<AppCreated, StoreError> {
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
        self.inner.change_app(id, expected, change, at, by).await
    }

    async fn delete_app(&self, id: AppId, at: Timestamp, by: &Actor) -> Result<bool, StoreError> {
        self.inner.delete_app(id, at, by).await
    }

    async fn sweep_deleted_apps(&self, limit: u32) -> Result<u64, StoreError> {
        self.inner.sweep_deleted_apps(limit).await
    }

    async fn sweep_sealed(&self, id: AppId, limit: u32) -> Result<u64, StoreError> {
        self.inner.sweep_sealed(id, limit).await
    }

    async fn insert_tokens_within(
        &self,
        self_made: SelfMadeLimit,
        app_id: AppId,
        tokens: Vec<NewToken>,
        at: Timestamp,
        by: &Actor,
    ) -> Result<Vec<Inserted>, StoreError> {
        self.inner.insert_tokens_within(self_made, app_id, tokens, at, by).await
    }

    async fn find_tokens(&self, digests: &[Digest]) -> Result<Vec<StoredToken>, StoreError> {
        self.asked().find_tokens(digests).await
    }

    async fn find_tokens_of(
        &self,
        app_id: AppId,
        digests: &[Digest],
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.asked().find_tokens_of(app_id, digests).await
    }

    async fn token(&self, app_id: AppId, id: TokenId) -> Result<Option<StoredToken>, StoreError> {
        self.asked().token(app_id, id).await
    }

    async fn tokens(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        self.asked().tokens(app_id, ids).await
    }

    async fn replace(&self, replacement: Replacement, by: &Actor) -> Result<Replaced, StoreError> {
        self.inner.replace(replacement, by).await
    }

    async fn revoke_token(
        &self,
        app_id: AppId,
        id: TokenId,
        at: Timestamp,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        self.inner.revoke_token(app_id, id, at, by).await
    }

    async fn delete_token(
        &self,
        app_id: AppId,
        id: TokenId,
        at: Timestamp,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        self.inner.delete_token(app_id, id, at, by).await
    }

    async fn count_tokens(&self, filter: &TokenFilter) -> Result<u64, StoreError> {
        self.asked().count_tokens(filter).await
    }

    async fn list_tokens(
        &self,
        filter: &TokenFilter,
        page: TokenPage,
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.asked().list_tokens(filter, page).await
    }

    async fn add_usage(&self, uses: Vec<TokenUse>) -> Result<(), StoreError> {
        self.inner.add_usage(uses).await
    }

    async fn usage_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenUse>, StoreError> {
        self.inner.usage_of(app_id, ids).await
    }

    async fn create_operator(&self, operator: NewOperator, by: &Actor) -> Result<OperatorId, StoreError> {
        self.inner.create_operator(operator, by).await
    }

    async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.inner.operators().await
    }

    async fn operator_by_digest(&self, digest: &Digest) -> Result<Option<Operator>, StoreError> {
        self.inner.operator_by_digest(digest).await
    }

    async fn revoke_operator(&self, id: OperatorId, at: Timestamp, by: &Actor) -> Result<bool, StoreError> {
        self.inner.revoke_operator(id, at, by).await
    }

    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.inner.changes(after, limit).await
    }

    async fn purge_tokens(
        &self,
        which: Purge,
        before: Timestamp,
        limit: u32,
        at: Timestamp,
        by: &Actor,
    ) -> Result<u64, StoreError> {
        self.inner.purge_tokens(which, before, limit, at, by).await
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

    async fn restore(&self, restore: Restore) -> Result<Restored, StoreError> {
        self.inner.restore(restore).await
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

    async fn ping(&self) -> Result<(), StoreError> {
        self.inner.ping().await
    }

    fn measures(&self) -> Option<&StoreMeasures> {
        self.inner.measures()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
