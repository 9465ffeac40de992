//! The store on top of an engine: everything that engines have in common.

use crate::Store;
use crate::audit::{AppCounts, AppUses, AuditFilter, AuditPage, BoundedCounts, Spans, WorthALook};
use crate::backup;
use crate::budgets::TokenBudget;
use crate::change::{Change, Hints, LogPosition, News, Seen};
use crate::check;
use crate::decode;
use crate::engine::Engine;
use crate::error::{StoreError, TooSlow};
use crate::keys::{KeyUses, OldDigest};
use crate::measures::StoreMeasures;
use crate::model::{
    App, BackedUp, CheckReport, Client, Inserted, KeyCheck, LogState, NewToken, Operator, Orphans,
    OwnerFilter, StoredToken, TokenFilter, TokenPage, TokenUse, View,
};
use crate::nodes::Node;
use crate::progress::Progress;
use crate::reading::Reading;
use crate::record::Record;
use crate::schema::{Changes, Tokens};
use crate::search::{Looked, SearchPlace, TokenSearch};
use crate::searching::reading_of;
use crate::session::Session;
use crate::statements::log::LogOrder;
use crate::statements::token_search::Stretch;
use crate::statements::{
    Statement, apps, budgets, families, genesis, log, nodes, operators, token_lists, token_search, tokens,
    totals, usage,
};
use crate::write::{InsertTokens, Outcome, Writable, Write};
use async_trait::async_trait;
use futures_util::stream::{StreamExt, TryStreamExt};
use jeton_core::{AppId, AppKey, Digest, OperatorId, Timestamp, TokenId, TokenKind, TokenState};
use std::path::Path;
use tokio::sync::watch;
use tokio::time::timeout;

/// A store over the engine `E`.
#[derive(Debug)]
pub(crate) struct SqlStore<E>(pub(crate) E);

/// Up to this many digests are not a batch.
const FEW: usize = 8;

/// The row of an answer of the engine `E`.
type Row<E> = <<E as Engine>::Connection as Session>::Row;

impl<E: Engine> SqlStore<E> {
    /// Runs a statement that looks up by key, and decodes each row of its answer.
    pub(crate) async fn all<T: Send>(
        &self,
        statement: Statement,
        read: impl Fn(&Row<E>) -> Result<T, StoreError> + Send + Sync,
    ) -> Result<Vec<T>, StoreError> {
        self.listed(Reading::Lookup, statement, read).await
    }

    /// Runs a statement that is not a mere look-up, and decodes each row of its answer as it arrives: a row
    /// takes many times the memory of its contents.
    pub(crate) async fn listed<T: Send>(
        &self,
        reading: Reading,
        statement: Statement,
        read: impl Fn(&Row<E>) -> Result<T, StoreError> + Send + Sync,
    ) -> Result<Vec<T>, StoreError> {
        let (engine, read) = (&self.0, &read);
        let rows = async |statement| {
            let mut reader = engine.reader(reading).await?;
            let time = engine.read_time();
            let session = &mut *reader;
            let rows = async move { session.stream(statement)?.map(|row| read(&row?)).try_collect().await };
            let rows = timeout(time, rows).await;
            rows.unwrap_or_else(|_| Err(StoreError::unavailable(TooSlow(time))))
        };
        let again = E::LOSES_CONNECTIONS.then(|| statement.clone());
        let rows = async {
            match (rows(statement).await, again) {
                // Over another connection: what reads can be asked twice.
                (Err(error), Some(statement)) if engine.has_lost_connection(&error) => rows(statement).await,
                (rows, _) => rows,
            }
        };
        engine.measures().reads.measure(engine.read(reading, rows)).await
    }

    /// Runs a statement that looks up by key and returns at most one row.
    pub(crate) async fn one<T: Send>(
        &self,
        statement: Statement,
        read: impl Fn(&Row<E>) -> Result<T, StoreError> + Send + Sync,
    ) -> Result<Option<T>, StoreError> {
        Ok(self.all(statement, read).await?.pop())
    }

    /// The app that a statement answers, with all of its client secrets.
    async fn app(&self, statement: Statement) -> Result<Option<App>, StoreError> {
        let rows = self.all(statement, |row| Ok((decode::app(row)?, decode::other_client_secret(row)?)));
        let mut app: Option<App> = None;
        for (read, other) in rows.await? {
            app.get_or_insert(read).client_secrets.extend(other);
        }
        Ok(app)
    }

    async fn transact(&self, write: Write) -> Result<Outcome, StoreError> {
        self.0.measures().writes.measure(self.0.write(write)).await
    }

    /// Inserts tokens in parts, each as large as one transaction allows.
    async fn insert_in_parts(&self, insert: InsertTokens) -> Result<Vec<Inserted>, StoreError> {
        let InsertTokens { app_id, tokens, self_made, per_user, sealed_under, at, by } = insert;
        let mut answers = Vec::with_capacity(tokens.len());
        let mut tokens = tokens.into_iter();
        loop {
            let tokens: Vec<NewToken> = tokens.by_ref().take(tokens::MAX_INSERTED).collect();
            if tokens.is_empty() {
                return Ok(answers);
            }
            let (sealed_under, by) = (sealed_under.clone(), by.clone());
            let part = InsertTokens { app_id, tokens, self_made, per_user, sealed_under, at, by };
            answers.extend(InsertTokens::answer(self.transact(part.into()).await?)?);
        }
    }
}

#[async_trait]
impl<E: Engine> Store for SqlStore<E> {
    async fn commit(&self, write: Write) -> Result<Outcome, StoreError> {
        match write {
            Write::InsertTokens(insert) => Ok(Outcome::InsertTokens(self.insert_in_parts(*insert).await?)),
            write => self.transact(write).await,
        }
    }
    async fn key_checks(&self) -> Result<Option<Vec<KeyCheck>>, StoreError> {
        let checks = self.all(genesis::key_checks(), decode::key_check).await?;
        Ok(if checks.is_empty() { None } else { Some(checks.into_iter().flatten().collect()) })
    }

    async fn key_uses(&self) -> Result<Vec<KeyUses>, StoreError> {
        self.uses_of_keys().await
    }

    async fn old_tokens(
        &self,
        key_id: u32,
        after: Option<(AppId, TokenId)>,
        limit: u32,
    ) -> Result<Vec<OldDigest>, StoreError> {
        self.old_digests_of_tokens(key_id, after, limit).await
    }

    async fn old_digests(&self, key_id: u32, limit: u32) -> Result<Vec<OldDigest>, StoreError> {
        self.other_old_digests(key_id, limit).await
    }

    async fn has_digests_of_other_keys(&self, app_id: AppId, key_id: u32) -> Result<bool, StoreError> {
        self.has_digests_made_otherwise(app_id, key_id).await
    }

    async fn made_by(&self, app_id: AppId, key_id: u32, ids: &[TokenId]) -> Result<Vec<TokenId>, StoreError> {
        self.those_made_by(app_id, key_id, ids).await
    }

    async fn app_by_key(&self, key: &AppKey) -> Result<Option<App>, StoreError> {
        self.app(apps::app_by_key(key)).await
    }

    async fn app_by_id(&self, id: AppId) -> Result<Option<App>, StoreError> {
        self.app(apps::app_by_id(id)).await
    }

    async fn key_of_client(&self, client_id: &str) -> Result<Option<AppKey>, StoreError> {
        // Nothing has a name that contains a NUL.
        if client_id.contains('\0') {
            return Ok(None);
        }
        self.one(apps::key_of_client(client_id), decode::app_key).await
    }

    async fn client_of(&self, key: &AppKey) -> Result<Option<Client>, StoreError> {
        let rows = self.all(apps::client_of(key), decode::client).await?;
        let mut client: Option<Client> = None;
        for (id, secret) in rows.into_iter().flatten() {
            client.get_or_insert_with(|| Client { id, secrets: Vec::new() }).secrets.push(secret);
        }
        Ok(client)
    }

    async fn default_app(&self) -> Result<Option<App>, StoreError> {
        self.app(apps::default_app()).await
    }

    async fn apps(&self) -> Result<Vec<App>, StoreError> {
        self.all(apps::apps(), decode::app).await
    }

    async fn apps_after(&self, after: Option<AppId>, limit: u32) -> Result<Vec<App>, StoreError> {
        self.all(apps::apps_after(after.map_or(0, AppId::get), limit), decode::app).await
    }

    async fn count_apps(&self) -> Result<u64, StoreError> {
        Ok(self.one(apps::count_apps(), decode::count).await?.unwrap_or(0))
    }

    async fn find_tokens(&self, digests: &[Digest]) -> Result<Vec<StoredToken>, StoreError> {
        let mut found = Vec::new();
        for digests in digests.chunks(tokens::MAX_SOUGHT) {
            found.extend(self.all(tokens::tokens_by_digests(digests), decode::found_token).await?);
        }
        self.with_ancestors(Reading::Lookup, found).await
    }

    async fn find_tokens_of(
        &self,
        app_id: AppId,
        digests: &[Digest],
    ) -> Result<Vec<StoredToken>, StoreError> {
        let reading = if digests.len() <= FEW { Reading::Lookup } else { Reading::Batch(app_id) };
        let mut found = Vec::new();
        for digests in digests.chunks(tokens::MAX_SOUGHT) {
            found
                .extend(self.listed(reading, tokens::tokens_by_digests(digests), decode::found_token).await?);
        }
        found.retain(|stored| stored.token.app_id == app_id);
        self.with_ancestors(reading, found).await
    }

    async fn token(&self, app_id: AppId, id: TokenId) -> Result<Option<StoredToken>, StoreError> {
        let found = self.all(tokens::token_by_id(app_id, id), decode::stored_token).await?;
        Ok(self.with_ancestors(Reading::Lookup, found).await?.pop())
    }

    async fn tokens(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<StoredToken>, StoreError> {
        let mut found = Vec::new();
        for ids in ids.chunks(tokens::MAX_SOUGHT) {
            found.extend(
                self.listed(Reading::Page(app_id), tokens::tokens_by_ids(app_id, ids), decode::stored_token)
                    .await?,
            );
        }
        self.with_ancestors(Reading::Page(app_id), found).await
    }

    async fn children(
        &self,
        app_id: AppId,
        parent: TokenId,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError> {
        let reading = Reading::Page(app_id);
        let children = families::children(app_id, parent, limit);
        let found = self.listed(reading, children, decode::stored_token).await?;
        self.with_ancestors(reading, found).await
    }

    async fn orphans(&self, after: Option<(TokenId, TokenId)>, limit: u32) -> Result<Orphans, StoreError> {
        self.orphans_behind(after, limit).await
    }

    async fn count_tokens(&self, filter: &TokenFilter) -> Result<u64, StoreError> {
        let app_id = filter.app_id;
        let (reading, statement) = match filter.unused_since {
            None => (Reading::Page(app_id), totals::total(filter)),
            Some(_) => (Reading::Scan(app_id), token_lists::count_tokens(filter)),
        };
        let counts = self.listed(reading, statement, decode::count).await?;
        Ok(counts.first().copied().unwrap_or(0))
    }

    async fn list_tokens(
        &self,
        filter: &TokenFilter,
        page: TokenPage,
    ) -> Result<Vec<StoredToken>, StoreError> {
        let of_app = if page.skip > 0 { Reading::Scan } else { Reading::Page };
        let reading = of_app(filter.app_id);
        let found =
            self.listed(reading, token_lists::list_tokens(filter, page), decode::stored_token).await?;
        self.with_ancestors(reading, found).await
    }

    async fn search_tokens(
        &self,
        search: &TokenSearch,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<Vec<StoredToken>, StoreError> {
        let found = token_search::search_tokens(search, Stretch::behind(after, limit));
        let found = self.listed(reading_of(search), found, decode::stored_token).await?;
        self.with_ancestors(Reading::Page(search.app_id), found).await
    }

    async fn look_for_tokens(
        &self,
        search: &TokenSearch,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<Looked, StoreError> {
        self.look(search, after, limit).await
    }

    async fn search_places(
        &self,
        search: &TokenSearch,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<Vec<SearchPlace>, StoreError> {
        let found = token_search::search_places(search, Stretch::behind(after, limit));
        let order = search.order();
        self.listed(reading_of(search), found, |row| decode::search_place(row, order)).await
    }

    async fn count_found(&self, search: &TokenSearch) -> Result<u64, StoreError> {
        let TokenSearch { app_id, user_id, now, .. } = search;
        if search.is_plain() {
            let owner = user_id.clone().map_or(OwnerFilter::Any, OwnerFilter::Shown);
            let (app_id, kinds, view) = (*app_id, TokenKind::ALL.to_vec(), View::Whole);
            return self.count_tokens(&TokenFilter { app_id, kinds, owner, view, unused_since: None }).await;
        }
        let active = TokenSearch { state: Some(TokenState::Active), ..TokenSearch::of(*app_id, *now) };
        let count = if *search == active {
            token_search::count_active(*app_id, *now)
        } else {
            token_search::count_found(search)
        };
        let counts = self.listed(Reading::Scan(*app_id), count, decode::count).await?;
        Ok(counts.first().copied().unwrap_or(0))
    }

    async fn usage_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenUse>, StoreError> {
        let mut found = Vec::new();
        for ids in ids.chunks(usage::MAX_USED) {
            found.extend(self.all(usage::usage_of(app_id, ids), decode::token_use).await?);
        }
        Ok(found)
    }

    async fn budgets_of(&self, app_id: AppId, ids: &[TokenId]) -> Result<Vec<TokenBudget>, StoreError> {
        let mut found = Vec::new();
        for ids in ids.chunks(budgets::MAX_BUDGETS) {
            found.extend(self.all(budgets::budgets_of(app_id, ids), decode::token_budget).await?);
        }
        Ok(found)
    }

    async fn operators(&self) -> Result<Vec<Operator>, StoreError> {
        self.all(operators::operators(), decode::operator).await
    }

    async fn operator(&self, id: OperatorId) -> Result<Option<Operator>, StoreError> {
        self.one(operators::operator_by_id(id), decode::operator).await
    }

    async fn operator_by_digest(&self, digest: &Digest) -> Result<Option<Operator>, StoreError> {
        self.one(operators::operator_by_digest(digest), decode::operator).await
    }

    async fn changes(&self, after: i64, limit: u32) -> Result<Vec<Change>, StoreError> {
        self.all(log::changes_after(after, limit, E::Connection::LOG_ORDER), decode::change).await
    }

    async fn audit(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<AuditPage, StoreError> {
        self.audit_page(filter, before, limit).await
    }

    async fn app_names(
        &self,
        ids: &[AppId],
        key: Option<&AppKey>,
    ) -> Result<Vec<(AppId, AppKey)>, StoreError> {
        self.all(apps::app_names(ids, key), decode::app_name).await
    }

    async fn counts_of_apps(
        &self,
        after: Option<AppId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<AppCounts>, StoreError> {
        self.counts(after, limit, now).await
    }

    async fn bounded_counts(&self, app_id: AppId, now: Timestamp) -> Result<BoundedCounts, StoreError> {
        self.counts_of_app(app_id, now).await
    }

    async fn worth_a_look(&self, app_id: AppId, spans: Spans) -> Result<WorthALook, StoreError> {
        self.look_at_app(app_id, spans).await
    }

    async fn uses_of_apps(&self, app_id: Option<AppId>) -> Result<Vec<AppUses>, StoreError> {
        self.uses(app_id).await
    }

    async fn last_change(&self) -> Result<i64, StoreError> {
        let last =
            self.one(log::last_change(E::Connection::LOG_ORDER), |row| row.read(Changes::Sequence)).await?;
        Ok(last.unwrap_or(0))
    }

    async fn is_settled(&self, sequence: i64) -> Result<bool, StoreError> {
        match E::Connection::LOG_ORDER {
            // There is one writer at a time.
            LogOrder::Sequence => Ok(true),
            LogOrder::Transaction if sequence == 0 => Ok(true),
            LogOrder::Transaction => {
                let settled = self.one(log::settled_change(sequence), decode::count).await?;
                Ok(settled == Some(1))
            }
        }
    }

    async fn log_state(&self, after: i64) -> Result<LogState, StoreError> {
        let state = self.one(log::log_state(after), |row| decode::log_state(row, after)).await?;
        Ok(state.unwrap_or(LogState { epoch: 0, has_gap: false }))
    }

    async fn back_up(&self, path: &Path, progress: &Progress) -> Result<BackedUp, StoreError> {
        backup::write(&mut *self.0.snapshot().await?, path, progress).await
    }

    async fn check(&self, progress: &Progress) -> Result<CheckReport, StoreError> {
        let mut snapshot = self.0.snapshot().await?;
        progress.begin("checking the database itself", 0);
        let faults = self.0.file_faults(&mut snapshot).await?;
        let mut report = check::rows(&mut *snapshot, progress).await?;
        report.faults.splice(0..0, faults);
        Ok(CheckReport { key_checks: self.key_checks().await?.unwrap_or_default(), ..report })
    }

    async fn news(&self, since: Option<&LogPosition>) -> Result<News, StoreError> {
        match since.map(|position| &position.0) {
            None => self.log_position().await,
            Some(Seen::UpTo(sequence)) => self.news_after(*sequence).await,
            Some(Seen::Transactions(seen)) => self.news_since(seen).await,
        }
    }

    async fn listen(&self, hints: &watch::Sender<Hints>) {
        self.0.listen(hints).await;
    }

    async fn lead(&self, leads: &watch::Sender<bool>) {
        self.0.lead(leads).await;
    }

    async fn foreign_digests(
        &self,
        first: TokenId,
        last: TokenId,
        limit: u32,
    ) -> Result<Vec<(TokenId, Digest)>, StoreError> {
        let own = tokens::foreign_digests(first, last, limit);
        let own = self.all(own, |row| {
            Ok((decode::number(row, Tokens::Id, TokenId::new)?, decode::digest(row, Tokens::Digest)?))
        });
        let mut digests = own.await?;
        // The further digests of as many tokens, which are few.
        let is_all = digests.len() < limit as usize;
        let last = digests.last().filter(|_| !is_all).map_or(last, |(id, _)| *id);
        let further = tokens::further_foreign_digests(first, last);
        let further = self.all(further, decode::token_digest).await?;
        digests.extend(further.into_iter().map(|(id, credential)| (id, credential.digest)));
        digests.sort_by_key(|(id, _)| *id);
        Ok(digests)
    }

    async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        self.all(nodes::nodes(), decode::node).await
    }

    async fn database_time(&self) -> Result<Option<Timestamp>, StoreError> {
        self.0.time().await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.one(genesis::ping(), |_| Ok(())).await.map(drop)
    }

    fn measures(&self) -> Option<&StoreMeasures> {
        Some(self.0.measures())
    }

    async fn close(&self) {
        self.0.close().await;
    }
}
