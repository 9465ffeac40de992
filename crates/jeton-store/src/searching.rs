//! Looking for tokens without looking at all of them.

use crate::decode;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::reading::Reading;
use crate::search::{Looked, Reach, SearchPlace, TokenSearch};
use crate::session::Session;
use crate::sql_store::SqlStore;
use crate::statements::token_search::{Stretch, end_of_span, search_span, search_tokens};

/// Whom a search waits behind: it may pass over many rows before it finds any, unless it seeks all.
pub(crate) fn reading_of(search: &TokenSearch) -> Reading {
    let of_app = if search.is_plain() { Reading::Page } else { Reading::Scan };
    of_app(search.app_id)
}

impl<E: Engine> SqlStore<E> {
    /// Where an index has what is sought and nothing else, the next `limit` of it. Otherwise, of as many as may be looked at, those
    /// that are sought.
    pub(crate) async fn look(
        &self,
        search: &TokenSearch,
        after: Option<&SearchPlace>,
        limit: u32,
    ) -> Result<Looked, StoreError> {
        let (order, span) = (search.order(), search.reach().span());
        let up_to = match search.is_all_within_reach() {
            true => None,
            false => {
                let ends = end_of_span(search, after, span);
                let read = |row: &_| decode::search_place(row, order);
                let ends = self.listed(Reading::Scan(search.app_id), ends, read).await?;
                // Without a second one, nothing is behind the first.
                if let [end, _] = ends.as_slice() { Some(end.clone()) } else { None }
            }
        };
        let most = limit.saturating_add(1);
        // What is between two numbers is within reach there, all of it.
        let is_range = matches!(search.reach(), Reach::Live | Reach::Revoked);
        let found = if up_to.is_some() && E::Connection::PREFERS_RANGES && !is_range {
            search_span(search, after, span, most)
        } else {
            search_tokens(search, Stretch { after, up_to: up_to.as_ref(), limit: most })
        };
        let found = self.listed(reading_of(search), found, decode::stored_token).await?;
        let mut found = self.with_ancestors(Reading::Page(search.app_id), found).await?;
        let is_full = found.len() > limit as usize;
        found.truncate(limit as usize);
        let last = found.last().filter(|_| is_full).map(|stored| SearchPlace::of(&stored.token, order));
        let looked_at = up_to.as_ref().filter(|_| !is_full).map(|_| span);
        Ok(Looked { found, next: last.or(up_to), looked_at })
    }
}
