//! Export of tokens, as an import takes them back.

use crate::keys::{Keys, KnownSecret};
use crate::list::SecretReader;
use crate::open_app::OpenApp;
use crate::search::SearchRequest;
use crate::{Error, Service};
use jeton_core::{Authority, Cause, Token, TokenId};
use jeton_store::{SearchOrder, SearchPlace, StoredToken, TokenUse};
use std::collections::{HashMap, HashSet};

/// A page of an export, the oldest tokens first.
#[derive(Debug)]
pub struct ExportPage {
    /// The tokens.
    pub items: Vec<Exported>,
    /// How many there are in all, where that is kept.
    pub total: Option<u64>,
    /// What is known of the use of those that were ever used.
    pub usage: HashMap<TokenId, TokenUse>,
    /// Where the next page begins, if there may be more.
    pub next: Option<SearchPlace>,
}

/// A token in an export.
#[derive(Debug)]
pub struct Exported {
    /// The token.
    pub token: Token,
    /// What is known of its secret, sealed for the ring that is to read it, or why it is left out.
    pub sealed: Result<String, LeftOut>,
}

/// Why an export leaves out what is known of a token's secret, so that no import takes the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOut {
    /// It depends on the token that made it, which cannot be imported as such.
    Delegated,
    /// Only a digest of it is known, which is good for this installation's ring alone.
    OtherRing,
    /// Only a digest of it is known, which an older key has made, or begun. The current key makes another one when the token is used.
    OlderKey,
}

impl LeftOut {
    /// All of them.
    pub const ALL: [LeftOut; 3] = [LeftOut::Delegated, LeftOut::OtherRing, LeftOut::OlderKey];

    /// A name, as in answers.
    pub const fn name(self) -> &'static str {
        match self {
            LeftOut::Delegated => "delegated",
            LeftOut::OtherRing => "other_ring",
            LeftOut::OlderKey => "older_key",
        }
    }
}

impl Service {
    /// At most `limit` of the app's tokens that are not revoked, behind a place, each with what is known of its secret: the secret, if
    /// the app keeps it, else its digest. It is sealed for the ring with these keys; `None`: for that of this installation.
    ///
    /// For whoever runs the service.
    ///
    /// # Errors
    /// It could not be read, or there is no randomness.
    pub async fn export(
        &self,
        app: &OpenApp,
        receiver: Option<&Keys>,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<ExportPage, Error> {
        let keys = self.keys.share();
        let request = SearchRequest { sorted: Some(SearchOrder::OldestFirst), ..SearchRequest::default() };
        let search = request.at(app, self.now());
        let found = self.store.look_for_tokens(&search, after, limit).await?;
        let total = if search.is_plain() { Some(self.store.count_found(&search).await?) } else { None };
        let ids: Vec<TokenId> = found.found.iter().map(|stored| stored.token.id).collect();
        let usage = self.usage_of(app, &ids).await?;
        let comparable = match receiver {
            Some(receiver) if !keys.makes_digests_for(receiver) => None,
            Some(_) | None => Some(self.store.made_by(app.id, keys.current_id(), &ids).await?),
        };
        let comparable: Option<HashSet<TokenId>> = comparable.map(|ids| ids.into_iter().collect());
        let reader = SecretReader::new(app, &Authority::Everything(Cause::CLI));
        let known = |stored: &StoredToken| {
            if stored.token.spec.lineage.parent().is_some() {
                return Err(LeftOut::Delegated);
            }
            let digest = KnownSecret::Digest { digest: stored.digest, is_foreign: stored.is_foreign };
            match (reader.open(stored), &comparable) {
                (Some(secret), _) => Ok(KnownSecret::Clear(secret)),
                (None, None) => Err(LeftOut::OtherRing),
                (None, Some(ids)) if ids.contains(&stored.token.id) => Ok(digest),
                (None, Some(_)) => Err(LeftOut::OlderKey),
            }
        };
        let mut items = Vec::with_capacity(found.found.len());
        for stored in found.found {
            let sealed = match known(&stored) {
                Ok(known) => Ok(receiver.unwrap_or(&keys).seal_known(&*self.entropy, &known)?),
                Err(left_out) => Err(left_out),
            };
            items.push(Exported { token: stored.token, sealed });
        }
        Ok(ExportPage { items, total, usage, next: found.next })
    }
}
