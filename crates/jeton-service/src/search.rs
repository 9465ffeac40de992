//! Searching the tokens of an app, and revoking what is found.

use crate::draft::{DraftError, label};
use crate::list::SecretReader;
use crate::open_app::OpenApp;
use crate::{Error, Listed, Service};
use jeton_core::{Authority, Label, Timestamp, TokenId, TokenState, UserId};
use jeton_store::write::RevokeTokens;
use jeton_store::{SearchOrder, SearchPlace, StoredToken, TitleSearch, TokenSearch, TokenUse};
use std::collections::HashMap;

const DAY_MILLIS: i64 = 86_400_000;
/// Tokens that one transaction revokes: others wait for some milliseconds.
const BATCH_TOKENS: u32 = 500;

/// Which tokens of an app. What several parts say is true of each of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SearchRequest {
    /// Only those that show this user.
    pub user_id: Option<UserId>,
    /// Only those of this title.
    pub title: Option<TitleSearch>,
    /// Only those that have this among their tags, which commas separate.
    pub tag: Option<String>,
    /// Only those with a scope that names this: a permission, the id of a resource, or a tag.
    pub scope_name: Option<String>,
    /// Only those that stand so. `None`: all that were not revoked.
    pub state: Option<TokenState>,
    /// Only those that are older than so many days and were not used in that time.
    pub unused_days: Option<u32>,
    /// Only those that were never used, as far as is known here: what other servers have noted in the last seconds is not.
    pub is_never_used: bool,
    /// Only those that will expire within so many days.
    pub expires_within_days: Option<u32>,
    /// Only those that never expire.
    pub is_eternal: bool,
    /// Only those that were made before this instant.
    pub created_before: Option<Timestamp>,
    /// In which order, where that can be; `None`: as suits what is sought.
    pub sorted: Option<SearchOrder>,
}

/// A title to be sought, or what one begins with, where an asterisk ends it.
///
/// # Errors
/// No title is like that.
pub fn title_sought(text: Option<&str>) -> Result<Option<TitleSearch>, DraftError> {
    let title = label("title", text.map(str::to_owned))?;
    Ok(title.as_ref().map(Label::as_str).map(|text| match text.strip_suffix('*') {
        Some(start) => TitleSearch::Prefix(start.to_owned()),
        None => TitleSearch::Whole(text.to_owned()),
    }))
}

/// A text to be sought, without white space around it: `member` says among what.
///
/// # Errors
/// It is too long for that, or holds a NUL.
pub fn text_sought(member: &'static str, text: Option<&str>) -> Result<Option<String>, DraftError> {
    Ok(label(member, text.map(str::to_owned))?.map(|text| text.as_str().trim().to_owned()))
}

/// A page of what was found.
#[derive(Debug)]
pub struct FoundTokens {
    /// The tokens, with their secrets as far as whoever asks may see them.
    pub items: Vec<Listed>,
    /// What is known of the use of those that were ever used.
    pub usage: HashMap<TokenId, TokenUse>,
    /// How many there are in all.
    pub total: u64,
    /// Where the next page begins; `None`: this is the last one.
    pub next: Option<SearchPlace>,
}

/// A page of what was found by looking at no more than some thousand tokens.
#[derive(Debug)]
pub struct LookedAt {
    /// The tokens, with their secrets as far as whoever asks may see them.
    pub items: Vec<Listed>,
    /// What is known of the use of those that were ever used.
    pub usage: HashMap<TokenId, TokenUse>,
    /// How many there are in all, where that is kept.
    pub total: Option<u64>,
    /// Where the next page begins, if there may be more.
    pub next: Option<SearchPlace>,
    /// At how many tokens it looked, if it stopped for that before the page was full.
    pub looked_at: Option<u32>,
}

/// What became of tokens that were found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedTokens {
    /// How many were found.
    pub matched: u64,
    /// How many of them are revoked now that were not before.
    pub revoked: u64,
}

impl SearchRequest {
    /// Whether it asks for nothing in particular.
    pub fn is_empty(&self) -> bool {
        SearchRequest { sorted: None, ..self.clone() } == SearchRequest::default()
    }

    /// What that is in this app at this instant.
    pub fn at(&self, app: &OpenApp, now: Timestamp) -> TokenSearch {
        let days = |days: u32| i64::from(days) * DAY_MILLIS;
        TokenSearch {
            user_id: self.user_id.clone(),
            title: self.title.clone(),
            tag: self.tag.clone(),
            scope_name: self.scope_name.clone(),
            state: self.state,
            unused_since: self.unused_days.map(|unused| now.saturating_add_millis(-days(unused))),
            is_never_used: self.is_never_used,
            ends_by: self.expires_within_days.map(|within| now.saturating_add_millis(days(within))),
            is_eternal: self.is_eternal,
            created_before: self.created_before,
            sorted: self.sorted,
            ..TokenSearch::of(app.id, now)
        }
    }
}

impl Service {
    /// At most `limit` of the tokens that are sought, of whatever kind, behind a place.
    ///
    /// For whoever runs the service.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn search(
        &self,
        app: &OpenApp,
        authority: &Authority,
        request: &SearchRequest,
        after: Option<SearchPlace>,
        limit: u32,
    ) -> Result<FoundTokens, Error> {
        let search = self.searched(app, request).await?;
        let mut found = self.store.search_tokens(&search, after.as_ref(), limit.saturating_add(1)).await?;
        let total = self.store.count_found(&search).await?;
        let is_last = found.len() <= limit as usize;
        found.truncate(limit as usize);
        let last = found.last().filter(|_| !is_last);
        let next = last.map(|stored| SearchPlace::of(&stored.token, search.order()));
        let (items, usage) = self.with_use(app, authority, found).await?;
        Ok(FoundTokens { items, usage, total, next })
    }

    /// The same, but it looks at no more than some thousand tokens, however few of them are sought, and counts none: it takes as long
    /// where there are many as where there are few.
    ///
    /// For whoever runs the service.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn look_for(
        &self,
        app: &OpenApp,
        authority: &Authority,
        request: &SearchRequest,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<LookedAt, Error> {
        let search = self.searched(app, request).await?;
        let looked = self.store.look_for_tokens(&search, after, limit).await?;
        let total = if search.is_plain() { Some(self.store.count_found(&search).await?) } else { None };
        let (items, usage) = self.with_use(app, authority, looked.found).await?;
        Ok(LookedAt { items, usage, total, next: looked.next, looked_at: looked.looked_at })
    }

    /// Tokens as whoever asks may see them, with what is known of their use.
    async fn with_use(
        &self,
        app: &OpenApp,
        authority: &Authority,
        found: Vec<StoredToken>,
    ) -> Result<(Vec<Listed>, HashMap<TokenId, TokenUse>), Error> {
        let ids: Vec<TokenId> = found.iter().map(|stored| stored.token.id).collect();
        let usage = self.usage_of(app, &ids).await?;
        let reader = SecretReader::new(app, authority);
        Ok((found.into_iter().map(|stored| reader.read(stored)).collect(), usage))
    }

    /// How many tokens are sought.
    ///
    /// For whoever runs the service.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn count_found(&self, app: &OpenApp, request: &SearchRequest) -> Result<u64, Error> {
        Ok(self.store.count_found(&self.searched(app, request).await?).await?)
    }

    /// Revokes all tokens that are found, or (`is_dry`) only says how many that would be. When this answers, none of those
    /// that it counts is good for anything. They go in batches, others' writes in between: whatever was found and not
    /// revoked yet stays when this fails, or nobody waits for it any more. What is made meanwhile stays.
    ///
    /// Whoever asks is asked for its rights again before each batch.
    ///
    /// # Errors
    /// It could not be done, or not all of it.
    pub async fn revoke_found(
        &self,
        app: &OpenApp,
        authority: &Authority,
        request: &SearchRequest,
        is_dry: bool,
    ) -> Result<RevokedTokens, Error> {
        let search = self.searched(app, request).await?;
        if is_dry {
            return Ok(RevokedTokens { matched: self.store.count_found(&search).await?, revoked: 0 });
        }
        let (mut done, mut after) = (RevokedTokens { matched: 0, revoked: 0 }, None);
        loop {
            let places = self.store.search_places(&search, after.as_ref(), BATCH_TOKENS).await?;
            let Some(last) = places.last() else { return Ok(done) };
            after = Some(last.clone());
            if !self.still_holds(app, authority).await? {
                return Err(Error::Withdrawn);
            }
            let ids: Vec<TokenId> = places.iter().map(|place| place.id).collect();
            done.matched += ids.len() as u64;
            let (at, by) = (self.now(), authority.cause());
            done.revoked += self.store.write(RevokeTokens { app_id: app.id, ids, at, by }).await?;
        }
    }

    async fn searched(&self, app: &OpenApp, request: &SearchRequest) -> Result<TokenSearch, Error> {
        if request.unused_days.is_some() || request.is_never_used {
            // What was noted and not written yet counts too.
            self.write_usage().await?;
        }
        Ok(request.at(app, self.now()))
    }
}
