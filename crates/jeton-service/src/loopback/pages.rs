//! Going through the rows of an answer, page by page.

use super::caller::LoopBackCaller;
use super::read::is_seen;
use super::row::LoopBackRow;
use super::search::PAGE_ROWS;
use super::sift::{Sieve, Sift, Sink};
use crate::apps::OpenApp;
use crate::{Error, Service};
use jeton_core::{Halt, Meter, TokenId};
use jeton_loopback::Method;
use jeton_store::{Order, StoredToken, TokenFilter, TokenPage};
use std::sync::Arc;

/// How the rows of an answer are gone through.
#[derive(Debug)]
pub(super) enum Way {
    /// These, in this order.
    Chosen(std::vec::IntoIter<TokenId>),
    /// All, in an order that the store has: that of creation, or by `created`.
    Walk {
        filter: TokenFilter,
        order: Order,
        after: Option<TokenId>,
        /// How many of the matching rows are still left out.
        skip: u64,
        is_over: bool,
    },
}

impl Way {
    pub(super) fn walk(filter: TokenFilter, skip: u64) -> Self {
        Way::Walk { filter, order: Order::OldestFirst, after: None, skip, is_over: false }
    }
}

/// What is left of an answer.
pub(super) struct Answer {
    pub(super) service: Service,
    pub(super) app: Arc<OpenApp>,
    pub(super) caller: LoopBackCaller,
    pub(super) method: Method,
    pub(super) sieve: Sieve,
    pub(super) way: Way,
    pub(super) left: u64,
    pub(super) has_begun: bool,
}

/// A page of an answer.
struct Page {
    rows: Vec<LoopBackRow>,
    /// How many of the matching rows are still left out.
    skip: u64,
    left: u64,
}

impl Sink for Page {
    fn take(&mut self, row: &mut Option<LoopBackRow>, _: &mut Meter<'_>) -> Result<bool, Halt> {
        let row = row.take();
        if self.skip > 0 {
            self.skip -= 1;
        } else {
            self.rows.extend(row);
            self.left -= 1;
        }
        Ok(self.left > 0)
    }
}

impl Answer {
    /// Empty: there are no more.
    pub(super) async fn next_page(&mut self) -> Result<Vec<LoopBackRow>, Error> {
        let mut rows = Vec::new();
        while rows.is_empty() && self.left > 0 && !self.way.is_over() {
            let Answer { service, app, caller, method, sieve, .. } = self;
            // The first page follows upon admission. A slow reader of the others may have lost its rights since.
            if self.has_begun && !service.still_may(app, caller, *method).await? {
                return Err(Error::Withdrawn);
            }
            self.has_begun = true;
            let stored = self.way.next_page(service, app, sieve.condition.is_all(), self.left).await?;
            let page = Page { rows, skip: self.way.skip(), left: self.left };
            let sift = Sift::run(service, app, sieve.clone(), stored, page).await?;
            self.way.set_skip(sift.sink.skip);
            (rows, self.left) = (sift.sink.rows, sift.sink.left);
        }
        // The client may take its time.
        self.sieve.rest();
        Ok(rows)
    }
}

impl Way {
    fn is_over(&self) -> bool {
        match self {
            Way::Chosen(ids) => ids.as_slice().is_empty(),
            Way::Walk { is_over, .. } => *is_over,
        }
    }

    /// The next tokens, of which `left` at most are wanted. `takes_all`: each of them matches.
    async fn next_page(
        &mut self,
        service: &Service,
        app: &OpenApp,
        takes_all: bool,
        left: u64,
    ) -> Result<Vec<StoredToken>, Error> {
        let few = u32::try_from(left).map_or(PAGE_ROWS, |left| left.min(PAGE_ROWS));
        match self {
            Way::Chosen(ids) => {
                let ids: Vec<TokenId> = ids.take(few as usize).collect();
                let mut stored = service.store.tokens(app.id, &ids).await?;
                stored.retain(|stored| is_seen(&stored.token, service.now()));
                stored.sort_by_key(|stored| ids.iter().position(|id| *id == stored.token.id));
                Ok(stored)
            }
            Way::Walk { filter, order, after, skip, is_over } => {
                let mut page = TokenPage { order: *order, after: *after, limit: PAGE_ROWS, skip: 0 };
                if takes_all {
                    // The store can leave out what would be read for nothing.
                    page = TokenPage { skip: std::mem::take(skip), limit: few, ..page };
                }
                let stored = service.store.list_tokens(filter, page).await?;
                *is_over = stored.len() < page.limit as usize;
                let last = stored.last().map(|stored| &stored.token);
                if let Order::Created { after, .. } = order {
                    *after = last.map(|token| (token.created_at, token.id));
                }
                *after = last.map(|token| token.id);
                Ok(stored)
            }
        }
    }

    /// How many of the matching rows are still left out.
    fn skip(&self) -> u64 {
        match self {
            Way::Walk { skip, .. } => *skip,
            Way::Chosen(_) => 0,
        }
    }

    fn set_skip(&mut self, left: u64) {
        if let Way::Walk { skip, .. } = self {
            *skip = left;
        }
    }
}
