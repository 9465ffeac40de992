//! A store that fails when it is told to.

use async_trait::async_trait;
use jeton_core::{Actor, AppId, AppKey, Digest, OperatorId, Timestamp, TokenId};
use jeton_store::{
    App, AppChange, AppChanged, AppCreated, BackedUp, Change, CheckReport, Genesis, Hints, Initialised,
    Inserted, KeyCheck, LogPosition, LogState, NewApp, NewOperator, NewToken, News, Operator, Purge,
    Replaced, Replacement, Restore, Restored, SelfMadeLimit, Store, StoreError, StoreMeasures, StoredToken,
    TokenFilter, TokenPage, TokenUse,
};
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::watch;

/// Another store behind calls that are counted, some of which fail before they reach it.
#[derive(Debug)]
pub(crate) struct FailingStore {
    inner: Arc<dyn Store>,
    calls: AtomicU64,
    first_failing: AtomicU64,
    last_failing: AtomicU64,
    loses_answers: AtomicBool,
    last_held: watch::Sender<u64>,
}

impl FailingStore {
    /// A store that does not fail yet.
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        FailingStore {
            inner,
            calls: AtomicU64::new(0),
            first_failing: AtomicU64::new(u64::MAX),
            last_failing: AtomicU64::new(u64::MAX),
            loses_answers: AtomicBool::new(false),
            last_held: watch::Sender::new(0),
        }
    }

    /// From now on, the call of this number fails and no other. Numbers start with 1.
    pub(crate) fn fail_only(&self, number: u64) {
        self.fail(number, number);
    }

    /// From now on, every call fails.
    pub(crate) fn fail_always(&self) {
        self.fail(1, u64::MAX);
    }

    /// From now on, so many calls wait until the store recovers.
    pub(crate) fn hold(&self, calls: u64) {
        self.fail(u64::MAX, u64::MAX);
        self.last_held.send_replace(calls);
    }

    /// From now on, no call fails.
    pub(crate) fn recover(&self) {
        self.fail(u64::MAX, u64::MAX);
        self.lose_answers(false);
        self.last_held.send_replace(0);
    }

    /// Whether calls that fail have been carried out: only their answers are lost.
    pub(crate) fn lose_answers(&self, loses: bool) {
        self.loses_answers.store(loses, Ordering::SeqCst);
    }

    /// Calls since it was last told something.
    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn fail(&self, first: u64, last: u64) {
        self.first_failing.store(first, Ordering::SeqCst);
        self.last_failing.store(last, Ordering::SeqCst);
        self.calls.store(0, Ordering::SeqCst);
    }

    /// Makes a call, unless it fails before it is made or after.
    async fn call<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>> + Send,
    ) -> Result<T, StoreError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        drop(self.last_held.subscribe().wait_for(|last| *last < number).await);
        let failing = self.first_failing.load(Ordering::SeqCst)..=self.last_failing.load(Ordering::SeqCst);
        if !failing.contains(&number) {
            return call.await;
        }
        if self.loses_answers.load(Ordering::SeqCst) {
            drop(call.await?);
        }
        Err(StoreError::Unavailable("the disk of this test is broken".into()))
    }
}

#[async_trait]
impl Store for FailingStore {
    async fn key_checks(&self) -> Result<Option<Vec<KeyCheck>>, StoreError> {
        self.call(self.inner.key_checks()).await
    }

    async fn initialise(&self, genesis: Genesis) -> Result<Initialised, StoreError> {
        self.call(self.inner.initialise(genesis)).await
    }

    async fn app_by_key(&self, key: &AppKey) -> Result<Option<App>, StoreError> {
        self.call(self.inner.app_by_key(key)).await
    }

    async fn client_of(&self, key: &AppKey) -> Result<Option<(String, Digest)>, StoreError> {
        self.call(self.inner.client_of(key)).await
    }

    async fn default_app(&self) -> Result<Option<App>, StoreError> {
        self.call(self.inner.default_app()).await
    }

    async fn apps(&self) -> Result<Vec<App>, StoreError> {
        self.call(self.inner.apps()).await
    }

    async fn create_app(&self, app: NewApp, admin: NewToken, by: &Actor) -> Result<AppCreated, StoreError> {
        self.call(self.inner.create_app(app, admin, by)).await
    }

    async fn change_app(
        &self,
        id: AppId,
        expected: i64,
        change: AppChange,
        at: Timestamp,
        by: &Actor,
    ) -> Result<AppChanged, StoreError> {
        self.call(self.inner.change_app(id, expected, change, at, by)).await
    }

    async fn delete_app(&self, id: AppId, at: Timestamp, by: &Actor) -> Result<bool, StoreError> {
        self.call(self.inner.delete_app(id, at, by)).await
    }

    async fn sweep_deleted_apps(&self, limit: u32) -> Result<u64, StoreError> {
        self.call(self.inner.sweep_deleted_apps(limit)).await
    }

    async fn sweep_sealed(&self, id: AppId, limit: u32) -> Result<u64, StoreError> {
        self.call(self.inner.sweep_sealed(id, limit)).await
    }

    async fn purge_tokens(
        &self,
        which: Purge,
        before: Timestamp,
        limit: u32,
        at: Timestamp,
        by: &Actor,
    ) -> Result<u64, StoreError> {
        self.call(self.inner.purge_tokens(which, before, limit, at, by)).await
    }

    async fn erase_removed_secrets(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.call(self.inner.erase_removed_secrets(before, limit)).await
    }

    async fn last_change(&self) -> Result<i64, StoreError> {
        self.call(self.inner.last_change()).await
    }

    async fn is_settled(&self, sequence: i64) -> Result<bool, StoreError> {
        self.call(self.inner.is_settled(sequence)).await
    }

    async fn trim_changes(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.call(self.inner.trim_changes(before, limit)).await
    }

    async fn insert_tokens_within(
        &self,
        self_made: SelfMadeLimit,
        app_id: AppId,
        tokens: Vec<NewToken>,
        at: Timestamp,
        by: &Actor,
    ) -> Result<Vec<Inserted>, StoreError> {
        self.call(self.inner.insert_tokens_within(self_made, app_id, tokens, at, by)).await
    }

    async fn find_tokens(&self, digests: &[Digest]) -> Result<Vec<StoredToken>, StoreError> {
        self.call(self.inner.find_tokens(digests)).await
    }

    async fn find_tokens_of(
        &self,
        app_id: AppId,
        digests: &[Digest],
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.call(self.inner.find_tokens_of(app_id, digests)).await
    }

    async fn token(&self, app_id: AppId, id: TokenId) -> Result<Option<StoredToken>, StoreError> {
        self.call(self.inner.token(app_id, id)).await
    }

    async fn tokens(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        self.call(self.inner.tokens(app_id, ids)).await
    }

    async fn replace(&self, replacement: Replacement, by: &Actor) -> Result<Replaced, StoreError> {
        self.call(self.inner.replace(replacement, by)).await
    }

    async fn revoke_token(
        &self,
        app_id: AppId,
        id: TokenId,
        at: Timestamp,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.revoke_token(app_id, id, at, by)).await
    }

    async fn delete_token(
        &self,
        app_id: AppId,
        id: TokenId,
        at: Timestamp,
        by: &Actor,
    ) -> Result<bool, StoreError> {
        self.call(self.inner.delete_token(app_id, id, at, by)).await
    }

    async fn count_tokens(&self, filter: &TokenFilter) -> Result<u64, StoreError> {
        self.call(self.inner.count_tokens(filter)).await
    }

    async fn list_tokens(
        &self,
        filter: &TokenFilter,
        page: TokenPage,
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.call(self.inner.list_tokens(filter, page)).await
    }

    async fn add_usage(&self, uses: Vec<TokenUse>) -> Result<(), StoreError> {
        self.call(self.inner.add_usage(uses)).await
    }

    async fn usage_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenUse>, StoreError> {
        self.call(self.inner.usage_of(app_id, ids)).await
    }

    async fn create_operator(&self, operator: NewOperator, by: &Actor) -> Result<OperatorId, StoreError> {
        self.call(self.inner.create_operator(operator, by)).await
    }

    async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.call(self.inner.operators()).await
    }

    async fn operator_by_digest(&self, digest: &Digest) -> Result<Option<Operator>, StoreError> {
        self.call(self.inner.operator_by_digest(digest)).await
    }

    async fn revoke_operator(&self, id: OperatorId, at: Timestamp, by: &Actor) -> Result<bool, StoreError> {
        self.call(self.inner.revoke_operator(id, at, by)).await
    }

    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.call(self.inner.changes(after, limit)).await
    }

    async fn log_state(&self, after: i64) -> Result<LogState, StoreError> {
        self.call(self.inner.log_state(after)).await
    }

    async fn back_up(&self, path: &Path) -> Result<BackedUp, StoreError> {
        self.call(self.inner.back_up(path)).await
    }

    async fn restore(&self, restore: Restore) -> Result<Restored, StoreError> {
        self.call(self.inner.restore(restore)).await
    }

    async fn check(&self) -> Result<CheckReport, StoreError> {
        self.call(self.inner.check()).await
    }

    async fn news(&self, since: Option<&LogPosition>) -> Result<News, StoreError> {
        self.call(self.inner.news(since)).await
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
        self.call(self.inner.foreign_digests(first, last, limit)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.call(self.inner.ping()).await
    }

    fn measures(&self) -> Option<&StoreMeasures> {
        self.inner.measures()
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
