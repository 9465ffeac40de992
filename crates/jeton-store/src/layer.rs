//! A store on top of another one, which implements only what it changes.

use crate::Store;
use crate::audit::{AppCounts, AppUses, AuditFilter, AuditPage, BoundedCounts, Spans, WorthALook};
use crate::budgets::TokenBudget;
use crate::change::{Change, Hints, LogPosition, News};
use crate::error::StoreError;
use crate::keys::{KeyUses, OldDigest};
use crate::measures::StoreMeasures;
use crate::model::{
    App, BackedUp, CheckReport, Client, KeyCheck, LogState, Operator, Orphans, StoredToken, TokenFilter,
    TokenPage, TokenUse,
};
use crate::nodes::Node;
use crate::progress::Progress;
use crate::search::{Looked, SearchPlace, TokenSearch};
use crate::write::{Outcome, Write};
use async_trait::async_trait;
use jeton_core::{AppId, AppKey, Digest, OperatorId, Timestamp, TokenId};
use std::fmt;
use std::path::Path;
use tokio::sync::watch;

/// The kinds of queries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// An app, or its client credentials.
    Apps,
    /// Tokens, or their number.
    Tokens,
    /// Anything else.
    Other,
}

/// A store on top of another one. It is a [`Store`] that passes all queries on, each after
/// [`ask`](Self::ask), and all writes through [`pass`](Self::pass); [`end`](Self::end) closes it.
#[async_trait]
pub trait Layer: Send + Sync + fmt::Debug {
    /// The other store.
    fn inner(&self) -> &dyn Store;

    /// Called before each query is passed on. An error becomes the answer.
    async fn ask(&self, _: Question) -> Result<(), StoreError> {
        Ok(())
    }

    /// Makes a write, usually by the other store.
    async fn pass(&self, write: Write) -> Result<Outcome, StoreError> {
        self.inner().commit(write).await
    }

    /// Closes, usually the other store.
    async fn end(&self) {
        self.inner().close().await;
    }
}

#[async_trait]
impl<L: Layer> Store for L {
    async fn commit(&self, write: Write) -> Result<Outcome, StoreError> {
        self.pass(write).await
    }

    async fn key_checks(&self) -> Result<Option<Vec<KeyCheck>>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().key_checks().await
    }

    async fn key_uses(&self) -> Result<Vec<KeyUses>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().key_uses().await
    }

    async fn old_tokens(
        &self,
        key_id: u32,
        after: Option<(AppId, TokenId)>,
        limit: u32,
    ) -> Result<Vec<OldDigest>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().old_tokens(key_id, after, limit).await
    }

    async fn old_digests(&self, key_id: u32, limit: u32) -> Result<Vec<OldDigest>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().old_digests(key_id, limit).await
    }

    async fn has_digests_of_other_keys(&self, app_id: AppId, key_id: u32) -> Result<bool, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().has_digests_of_other_keys(app_id, key_id).await
    }

    async fn made_by(&self, app_id: AppId, key_id: u32, ids: &[TokenId]) -> Result<Vec<TokenId>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().made_by(app_id, key_id, ids).await
    }

    async fn app_by_key(&self, key: &AppKey) -> Result<Option<App>, StoreError> {
        self.ask(Question::Apps).await?;
        self.inner().app_by_key(key).await
    }

    async fn app_by_id(&self, id: AppId) -> Result<Option<App>, StoreError> {
        self.ask(Question::Apps).await?;
        self.inner().app_by_id(id).await
    }

    async fn key_of_client(&self, client_id: &str) -> Result<Option<AppKey>, StoreError> {
        self.ask(Question::Apps).await?;
        self.inner().key_of_client(client_id).await
    }

    async fn client_of(&self, key: &AppKey) -> Result<Option<Client>, StoreError> {
        self.ask(Question::Apps).await?;
        self.inner().client_of(key).await
    }

    async fn default_app(&self) -> Result<Option<App>, StoreError> {
        self.ask(Question::Apps).await?;
        self.inner().default_app().await
    }

    async fn apps(&self) -> Result<Vec<App>, StoreError> {
        self.ask(Question::Apps).await?;
        self.inner().apps().await
    }

    async fn apps_after(&self, after: Option<AppId>, limit: u32) -> Result<Vec<App>, StoreError> {
        self.ask(Question::Apps).await?;
        self.inner().apps_after(after, limit).await
    }

    async fn count_apps(&self) -> Result<u64, StoreError> {
        self.ask(Question::Apps).await?;
        self.inner().count_apps().await
    }

    async fn find_tokens(&self, digests: &[Digest]) -> Result<Vec<StoredToken>, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().find_tokens(digests).await
    }

    async fn find_tokens_of(
        &self,
        app_id: AppId,
        digests: &[Digest],
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().find_tokens_of(app_id, digests).await
    }

    async fn token(&self, app_id: AppId, id: TokenId) -> Result<Option<StoredToken>, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().token(app_id, id).await
    }

    async fn tokens(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().tokens(app_id, ids).await
    }

    async fn count_tokens(&self, filter: &TokenFilter) -> Result<u64, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().count_tokens(filter).await
    }

    async fn list_tokens(
        &self,
        filter: &TokenFilter,
        page: TokenPage,
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().list_tokens(filter, page).await
    }

    async fn children(
        &self,
        app_id: AppId,
        parent: TokenId,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().children(app_id, parent, limit).await
    }

    async fn orphans(&self, after: Option<(TokenId, TokenId)>, limit: u32) -> Result<Orphans, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().orphans(after, limit).await
    }

    async fn search_tokens(
        &self,
        search: &TokenSearch,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().search_tokens(search, after, limit).await
    }

    async fn look_for_tokens(
        &self,
        search: &TokenSearch,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<Looked, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().look_for_tokens(search, after, limit).await
    }

    async fn search_places(
        &self,
        search: &TokenSearch,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<Vec<SearchPlace>, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().search_places(search, after, limit).await
    }

    async fn count_found(&self, search: &TokenSearch) -> Result<u64, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().count_found(search).await
    }

    async fn budgets_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenBudget>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().budgets_of(app_id, ids).await
    }

    async fn usage_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenUse>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().usage_of(app_id, ids).await
    }

    async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().operators().await
    }

    async fn operator(&self, id: OperatorId) -> Result<Option<Operator>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().operator(id).await
    }

    async fn operator_by_digest(&self, digest: &Digest) -> Result<Option<Operator>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().operator_by_digest(digest).await
    }

    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().changes(after, limit).await
    }

    async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<AuditPage, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().audit(filter, before, limit).await
    }

    async fn app_names(
        &self,
        ids: &[AppId],
        key: Option<&AppKey>,
    ) -> Result<Vec<(AppId, AppKey)>, StoreError> {
        self.ask(Question::Apps).await?;
        self.inner().app_names(ids, key).await
    }

    async fn counts_of_apps(
        &self,
        after: Option<AppId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<AppCounts>, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().counts_of_apps(after, limit, now).await
    }

    async fn bounded_counts(&self, app_id: AppId, now: Timestamp) -> Result<BoundedCounts, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().bounded_counts(app_id, now).await
    }

    async fn worth_a_look(&self, app_id: AppId, spans: Spans) -> Result<WorthALook, StoreError> {
        self.ask(Question::Tokens).await?;
        self.inner().worth_a_look(app_id, spans).await
    }

    async fn uses_of_apps(&self, app_id: Option<AppId>) -> Result<Vec<AppUses>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().uses_of_apps(app_id).await
    }

    async fn last_change(&self) -> Result<i64, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().last_change().await
    }

    async fn is_settled(&self, sequence: i64) -> Result<bool, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().is_settled(sequence).await
    }

    async fn log_state(&self, after: i64) -> Result<LogState, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().log_state(after).await
    }

    async fn back_up(&self, path: &Path, progress: &Progress) -> Result<BackedUp, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().back_up(path, progress).await
    }

    async fn check(&self, progress: &Progress) -> Result<CheckReport, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().check(progress).await
    }

    async fn news(&self, since: Option<&LogPosition>) -> Result<News, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().news(since).await
    }

    async fn listen(&self, hints: &watch::Sender<Hints>) {
        self.inner().listen(hints).await;
    }

    async fn lead(&self, leads: &watch::Sender<bool>) {
        self.inner().lead(leads).await;
    }

    async fn foreign_digests(
        &self,
        first: TokenId,
        last: TokenId,
        limit: u32,
    ) -> Result<Vec<(TokenId, Digest)>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().foreign_digests(first, last, limit).await
    }

    async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().nodes().await
    }

    async fn database_time(&self) -> Result<Option<Timestamp>, StoreError> {
        self.ask(Question::Other).await?;
        self.inner().database_time().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.ask(Question::Other).await?;
        self.inner().ping().await
    }

    fn measures(&self) -> Option<&StoreMeasures> {
        self.inner().measures()
    }

    async fn close(&self) {
        self.end().await;
    }
}
