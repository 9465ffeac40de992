//! Listing tokens, in pages by key, so that a list of any length needs the memory of one page.

use crate::keys::DataKey;
use crate::open_app::OpenApp;
use crate::{Error, Refusal, Service};
use futures_util::stream::{self, Stream};
use jeton_core::{AppId, Authority, Secret, Timestamp, Token, TokenId, TokenKind, UserId};
use jeton_store::{Order, OwnerFilter, Store, StoredToken, TokenFilter, TokenPage, View};
use std::sync::Arc;

/// Tokens that are read from the store at once. A token has at most about 100 KiB as dialects create them, so
/// a page has a few megabytes at worst.
const PAGE_ROWS: u32 = 64;

/// Which tokens of an app, in which order.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// Only those that show this user.
    pub user_id: Option<UserId>,
    /// Only those that are older than this instant and were not used since then.
    pub unused_since: Option<Timestamp>,
    /// The order.
    pub order: Order,
    /// Only those after the token with this number in that order.
    pub after: Option<TokenId>,
    /// How many to skip first.
    pub skip: u64,
    /// At most this many; `None`: all.
    pub take: Option<u64>,
    /// Whether to count all of them, before paging.
    pub is_counted: bool,
}

/// The answer to a request for a list.
pub struct Listing<S> {
    /// The number of all tokens, before paging, if it was requested.
    pub total: Option<u64>,
    /// The tokens, page by page. Each page is read on demand.
    pub pages: S,
}

/// A token in a list.
#[derive(Debug)]
pub struct Listed {
    /// The token.
    pub token: Token,
    /// Its secret, as the caller may see it.
    pub secret: ShownSecret,
}

/// A secret as a list shows it.
#[derive(Debug)]
pub enum ShownSecret {
    /// In clear.
    Clear(Secret),
    /// An eighth of it at either end.
    Masked(String),
    /// It was not kept.
    Gone,
}

impl Listed {
    /// Its secret as operators see it: an eighth at either end, whatever the app shows to others. `None`: it was not kept.
    pub fn masked(&self) -> Option<String> {
        match &self.secret {
            ShownSecret::Clear(secret) => Some(secret.masked()),
            ShownSecret::Masked(masked) => Some(masked.clone()),
            ShownSecret::Gone => None,
        }
    }
}

impl Service {
    /// Lists the tokens that the caller sees.
    ///
    /// Refused if the caller asks for another user's tokens: a user sees only its own.
    ///
    /// # Errors
    ///
    /// The store could not be read. Each page may also fail by itself.
    pub async fn list(
        &self,
        app: &OpenApp,
        authority: &Authority,
        request: ListRequest,
    ) -> Result<Result<Listing<impl Stream<Item = Result<Vec<Listed>, Error>> + Send + use<>>, Refusal>, Error>
    {
        let Some(mut filter) = filter(app.id, authority, request.user_id) else {
            return Ok(Err(jeton_core::AuthorityRefusal::NotYours.into()));
        };
        if request.unused_since.is_some() {
            // Use that was recorded and not written yet counts too.
            self.write_usage().await?;
            filter.unused_since = request.unused_since;
        }
        let total = match request.is_counted {
            true => Some(self.store.count_tokens(&filter).await?),
            false => None,
        };
        let walk = Walk {
            store: Arc::clone(&self.store),
            filter,
            order: request.order,
            after: request.after,
            skip: request.skip,
            left: request.take.unwrap_or(u64::MAX),
            has_begun: false,
        };
        let reader = SecretReader::new(app, authority);
        let caller = (self.clone(), app.clone(), authority.clone());
        let pages = stream::try_unfold((walk, reader, caller), |(mut walk, reader, caller)| async move {
            let (service, app, authority) = &caller;
            // The first page follows admission; before later ones a slow reader may have lost its rights.
            if walk.has_begun && walk.left > 0 && !service.still_holds(app, authority).await? {
                return Err(Error::Withdrawn);
            }
            let page = walk.next_page().await?;
            if page.is_empty() {
                return Ok(None);
            }
            let listed = page.into_iter().map(|stored| reader.read(stored)).collect();
            Ok(Some((listed, (walk, reader, caller))))
        });
        Ok(Ok(Listing { total, pages }))
    }

    /// One token with its secret as the caller may see it; `None` if it does not exist for this caller.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn show(
        &self,
        app: &OpenApp,
        authority: &Authority,
        id: TokenId,
    ) -> Result<Option<Listed>, Error> {
        let stored = self.store.token(app.id, id).await?;
        let reader = SecretReader::new(app, authority);
        Ok(stored.filter(|stored| authority.sees(&stored.token)).map(|stored| reader.read(stored)))
    }
}

impl Service {
    /// The token with this secret, or with the number in a handle, `~` and the number, which replaces a
    /// secret that is not kept; `None` if it does not exist for this caller.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn find(
        &self,
        app: &OpenApp,
        authority: &Authority,
        presented: &Secret,
    ) -> Result<Option<Listed>, Error> {
        let found = self.stored_with(app, presented).await?;
        let seen = found.filter(|stored| authority.sees(&stored.token));
        Ok(seen.map(|stored| SecretReader::new(app, authority).read(stored)))
    }

    /// The token of an app with this secret or handle, unless it was revoked.
    pub(crate) async fn stored_with(
        &self,
        app: &OpenApp,
        presented: &Secret,
    ) -> Result<Option<StoredToken>, Error> {
        if let Some(id) = handle_id(presented.expose()) {
            return Ok(self.store.token(app.id, id).await?);
        }
        let found = self.stored_in(app.id, &self.presented(presented)).await?;
        Ok(found.filter(|stored| stored.token.revoked_at.is_none()))
    }
}

/// The number of the token in a handle: `~` and the number in its canonical form.
pub(crate) fn handle_id(text: &str) -> Option<TokenId> {
    let digits = text.strip_prefix('~')?;
    let id = TokenId::new(digits.parse().ok()?)?;
    (id.to_string() == digits).then_some(id)
}

/// The tokens that the caller sees, of one user or all; `None` if it asks for tokens that it may not see.
fn filter(app_id: AppId, authority: &Authority, user_id: Option<UserId>) -> Option<TokenFilter> {
    let (kinds, owner) = match authority {
        Authority::Everything(_) => {
            (TokenKind::ALL.to_vec(), user_id.map_or(OwnerFilter::Any, OwnerFilter::Shown))
        }
        Authority::Manager { .. } => {
            (TokenKind::SHARED.to_vec(), user_id.map_or(OwnerFilter::Any, OwnerFilter::Shown))
        }
        Authority::SelfService { user_id: own, .. } => {
            if user_id.is_some_and(|user_id| user_id != *own) {
                return None;
            }
            (TokenKind::SHARED.to_vec(), OwnerFilter::Named(own.clone()))
        }
    };
    Some(TokenFilter { app_id, kinds, owner, view: View::Whole, unused_since: None })
}

/// The state of paging through a list by the number of the last token.
struct Walk {
    store: Arc<dyn Store>,
    filter: TokenFilter,
    order: Order,
    after: Option<TokenId>,
    skip: u64,
    left: u64,
    has_begun: bool,
}

impl Walk {
    async fn next_page(&mut self) -> Result<Vec<StoredToken>, Error> {
        let limit = u32::try_from(self.left).map_or(PAGE_ROWS, |left| left.min(PAGE_ROWS));
        if limit == 0 {
            return Ok(Vec::new());
        }
        let page = TokenPage { order: self.order, after: self.after, skip: self.skip, limit };
        let rows = self.store.list_tokens(&self.filter, page).await?;
        self.has_begun = true;
        self.skip = 0;
        self.after = rows.last().map(|stored| stored.token.id).or(self.after);
        // A page that is not full is the last one, so no further query is needed.
        let read = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        self.left = if read < u64::from(limit) { 0 } else { self.left - read };
        Ok(rows)
    }
}

pub(crate) struct SecretReader {
    app_id: AppId,
    data_key: Option<DataKey>,
    authority: Authority,
}

impl SecretReader {
    pub(crate) fn new(app: &OpenApp, authority: &Authority) -> Self {
        SecretReader { app_id: app.id, data_key: app.data_key.clone(), authority: authority.clone() }
    }

    pub(crate) fn read(&self, stored: StoredToken) -> Listed {
        let secret = match self.open(&stored) {
            None => ShownSecret::Gone,
            Some(secret) if self.authority.sees_secret(&stored.token) => ShownSecret::Clear(secret),
            Some(secret) => ShownSecret::Masked(secret.masked()),
        };
        Listed { token: stored.token, secret }
    }

    pub(crate) fn open(&self, stored: &StoredToken) -> Option<Secret> {
        let (key, sealed) = (self.data_key.as_ref()?, stored.sealed.as_ref()?);
        key.open_secret(sealed, self.app_id, &stored.digest).unwrap_or_else(|error| {
            // One damaged row must not make the list fail for every caller.
            tracing::error!(token_id = stored.token.id.get(), app_id = self.app_id.get(), "{error}");
            None
        })
    }
}
