//! How many rows of unproven writers there may be.

use crate::apps::OpenApp;
use crate::{Service, Unavailable};
use jeton_core::{Actor, TokenKind};
use jeton_store::{Order, OwnerFilter, TokenFilter, TokenPage, View};

/// Most expired ones that the write of one row makes room of.
const MAX_REMOVED: usize = 100;
/// Rows that are read from the store at once.
const PAGE_ROWS: u32 = 500;

impl Service {
    /// For how many of `wanted` more self-made tokens there is room. Where there is none, expired ones are removed, as they
    /// are when they are presented: otherwise whoever once filled an app would keep everybody out for good.
    ///
    /// Writes at the same time may each take the last place: the bound is for the store, and holds to within their number.
    pub(super) async fn room_for_self_made(
        &self,
        app: &OpenApp,
        wanted: usize,
    ) -> Result<usize, Unavailable> {
        let kinds = vec![TokenKind::SelfMade];
        let filter = TokenFilter {
            app_id: app.id,
            kinds,
            owner: OwnerFilter::Any,
            view: View::Whole,
            unused_since: None,
        };
        let room = self.limits.self_made_tokens.saturating_sub(self.store.count_tokens(&filter).await?);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if room >= wanted {
            return Ok(wanted);
        }
        let most = MAX_REMOVED.max(wanted);
        let mut page = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: PAGE_ROWS };
        let mut removed = 0;
        loop {
            let rows = self.store.list_tokens(&filter, page).await?;
            for stored in rows.iter().filter(|stored| self.has_expired(&stored.token)) {
                self.store.delete_token(app.id, stored.token.id, self.now(), &Actor::Anonymous).await?;
                removed += 1;
                if removed == most {
                    return Ok(wanted.min(room + removed));
                }
            }
            if rows.len() < PAGE_ROWS as usize {
                return Ok(wanted.min(room + removed));
            }
            page.after = rows.last().map(|stored| stored.token.id);
        }
    }
}
