//! Finding rows.

use super::row::LoopBackRow;
use crate::apps::OpenApp;
use crate::list::{Listed, SecretReader, ShownSecret};
use crate::{Service, Unavailable};
use jeton_core::{Actor, Authority, Condition, Filter, Implied, Secret, TokenKind, UserId};
use jeton_store::{Order, OwnerFilter, StoredToken, TokenFilter, TokenPage, View};

/// Rows up to which an order by `id`, and conditions that look into it, are decided: the ids must be opened for that.
pub(super) const MAX_OPENED_ROWS: usize = 10_000;
/// Rows that are read from the store at once.
const PAGE_ROWS: u32 = 500;

/// The kinds that LoopBack sees.
pub(super) const KINDS: [TokenKind; 3] = [TokenKind::Identity, TokenKind::Grant, TokenKind::SelfMade];

/// The answer to a search.
pub type Found<T> = Result<Result<T, ReadFault>, Unavailable>;

/// Why a search is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadFault {
    /// It wants an order by `id`, or a condition that looks into `id`, over more than 10,000 rows.
    #[error("an order by id, or a condition on it other than equality, is decided over at most 10000 rows")]
    TooManyToOpen,
}

impl Service {
    /// The rows that a filter lets through, in its order.
    ///
    /// By default rows are ordered by `id`; over more than 10,000 they are in the order of creation.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn loopback_find(&self, app: &OpenApp, filter: &Filter) -> Found<Vec<LoopBackRow>> {
        let rows = match self.matching(app, &filter.condition).await? {
            Ok(rows) => rows,
            Err(fault) => return Ok(Err(fault)),
        };
        if rows.len() > MAX_OPENED_ROWS && filter.order.is_default() {
            return Ok(Ok(filter.page.cut(rows)));
        }
        if rows.len() > MAX_OPENED_ROWS && filter.order.needs_id() {
            return Ok(Err(ReadFault::TooManyToOpen));
        }
        Ok(Ok(filter.page.cut(filter.order.sort(rows))))
    }

    /// How many rows a condition lets through.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn loopback_count(&self, app: &OpenApp, condition: &Condition) -> Found<u64> {
        if condition.is_all() {
            return Ok(Ok(self.store.count_tokens(&all(app, None)).await?));
        }
        let rows = self.matching(app, condition).await?;
        Ok(rows.map(|rows| u64::try_from(rows.len()).unwrap_or(u64::MAX)))
    }

    /// The row with this id, or handle.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn loopback_row(&self, app: &OpenApp, id: &str) -> Result<Option<LoopBackRow>, Unavailable> {
        self.loopback_token(app, id).await?.map(|stored| self.row(app, stored)).transpose()
    }

    /// Whether the row of this id is this user's: whoever issued it named that user.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn loopback_owns(
        &self,
        app: &OpenApp,
        user_id: &UserId,
        id: &str,
    ) -> Result<bool, Unavailable> {
        let stored = self.loopback_token(app, id).await?;
        Ok(stored.is_some_and(|stored| {
            stored.token.kind != TokenKind::SelfMade && stored.token.owner.named() == Some(user_id)
        }))
    }

    /// The token behind a row.
    pub(super) async fn loopback_token(
        &self,
        app: &OpenApp,
        id: &str,
    ) -> Result<Option<StoredToken>, Unavailable> {
        let Ok(presented) = Secret::parse(id) else { return Ok(None) };
        let found = self.stored_with(app, &presented).await?;
        Ok(found.filter(|stored| {
            let token = &stored.token;
            let is_seen = KINDS.contains(&token.kind) && token.is_enabled() && !token.left_loopback;
            let is_handle = || presented.expose() == format!("~{}", token.id) && !shows_secret(app, stored);
            is_seen && (self.is_secret_of(&presented, stored) || is_handle())
        }))
    }

    pub(super) fn is_secret_of(&self, secret: &Secret, stored: &StoredToken) -> bool {
        self.keys.digests(secret).any(|digest| digest == stored.digest)
    }

    pub(super) fn row(&self, app: &OpenApp, stored: StoredToken) -> Result<LoopBackRow, Unavailable> {
        let digest = stored.digest;
        let listed = shown(app, stored);
        LoopBackRow::new(&listed, digest, &self.keys).ok_or(Unavailable::Unreadable("document of a token"))
    }

    /// The rows that a condition lets through, in the order of creation. What the condition implies about ids and users
    /// is asked of the store; the rest is decided here.
    async fn matching(&self, app: &OpenApp, condition: &Condition) -> Found<Vec<LoopBackRow>> {
        let implied = condition.implied();
        if let Some(ids) = &implied.ids {
            let mut rows = Vec::new();
            for id in ids {
                rows.extend(self.loopback_row(app, id).await?);
            }
            rows.sort_by_key(|row| row.token_id);
            rows.dedup_by_key(|row| row.token_id);
            rows.retain(|row| condition.matches(row));
            return Ok(Ok(rows));
        }
        let broad = if condition.needs_id() { condition.without_id() } else { condition.clone() };
        let rows = self.walk(app, &broad, &implied).await?;
        if !condition.needs_id() {
            return Ok(Ok(rows));
        }
        if rows.len() > MAX_OPENED_ROWS {
            return Ok(Err(ReadFault::TooManyToOpen));
        }
        Ok(Ok(rows.into_iter().filter(|row| condition.matches(row)).collect()))
    }

    async fn walk(
        &self,
        app: &OpenApp,
        condition: &Condition,
        implied: &Implied,
    ) -> Result<Vec<LoopBackRow>, Unavailable> {
        let filter = all(app, implied_user(implied));
        let mut page = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: PAGE_ROWS };
        let mut rows = Vec::new();
        loop {
            let stored = self.store.list_tokens(&filter, page).await?;
            let is_last = stored.len() < PAGE_ROWS as usize;
            page.after = stored.last().map(|stored| stored.token.id);
            for stored in stored {
                let row = self.row(app, stored)?;
                if condition.matches(&row) {
                    rows.push(row);
                }
            }
            if is_last {
                return Ok(rows);
            }
        }
    }
}

/// A token with its secret, if that was kept. Whether the caller may read ids at all is for the app's access rules to say,
/// and they said so.
fn shown(app: &OpenApp, stored: StoredToken) -> Listed {
    SecretReader::new(app, &Authority::Everything(Actor::Anonymous)).read(stored)
}

/// Whether the row's id is the secret. Only where it is not does the handle stand for it: handles can be counted up, and
/// to know an id is what lets a caller act on a row wherever rules open `/:id` to many.
fn shows_secret(app: &OpenApp, stored: &StoredToken) -> bool {
    matches!(shown(app, stored.clone()).secret, ShownSecret::Clear(_))
}

/// Everything that LoopBack sees, or what of it shows this user.
fn all(app: &OpenApp, user_id: Option<UserId>) -> TokenFilter {
    let owner = user_id.map_or(OwnerFilter::Any, OwnerFilter::Shown);
    TokenFilter { app_id: app.id, kinds: KINDS.to_vec(), owner, view: View::LoopBack }
}

/// The one user that every matching row shows, if there is one.
fn implied_user(implied: &Implied) -> Option<UserId> {
    let users = implied.users.as_ref()?;
    match users.iter().next() {
        Some(Some(user)) if users.len() == 1 => user.parse().ok(),
        _ => None,
    }
}
