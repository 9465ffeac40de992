//! How many rows of unproven writers there may be.

use crate::apps::OpenApp;
use crate::{Service, Unavailable};
use jeton_core::{Actor, TokenKind};
use jeton_store::{Order, OwnerFilter, TokenFilter, TokenPage, View};

/// Most expired ones that one write makes room of.
const MAX_REMOVED: usize = 100;
/// Rows that are read from the store at once.
const PAGE_ROWS: u32 = 500;

impl Service {
    /// Whether one more self-made token may be written. Where there is no room, expired ones are removed, as they are when
    /// they are presented: otherwise whoever once filled an app would keep everybody out for good.
    ///
    /// Writes at the same time may each take the last place: the bound is for the store, and holds to within their number.
    pub(super) async fn has_room_for_self_made(&self, app: &OpenApp) -> Result<bool, Unavailable> {
        let kinds = vec![TokenKind::SelfMade];
        let filter = TokenFilter {
            app_id: app.id,
            kinds,
            owner: OwnerFilter::Any,
            view: View::Whole,
            unused_since: None,
        };
        if self.store.count_tokens(&filter).await? < self.limits.self_made_tokens {
            return Ok(true);
        }
        let mut page = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: PAGE_ROWS };
        let mut removed = 0;
        loop {
            let rows = self.store.list_tokens(&filter, page).await?;
            for stored in rows.iter().filter(|stored| self.has_expired(&stored.token)) {
                self.store.delete_token(app.id, stored.token.id, self.now(), &Actor::Anonymous).await?;
                removed += 1;
                if removed == MAX_REMOVED {
                    return Ok(true);
                }
            }
            if rows.len() < PAGE_ROWS as usize {
                return Ok(removed > 0);
            }
            page.after = rows.last().map(|stored| stored.token.id);
        }
    }
}
