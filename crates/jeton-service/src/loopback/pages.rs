//! The rows of an answer, page by page.

use super::caller::LoopBackCaller;
use super::matching::{Matcher, Matching, Sink};
use super::read::is_seen;
use super::row::LoopBackRow;
use super::search::PAGE_ROWS;
use crate::apps::OpenApp;
use crate::{Error, Service};
use jeton_core::{Halt, Meter, TokenId};
use jeton_loopback::Method;
use jeton_store::{Order, StoredToken, TokenFilter, TokenPage};
use std::sync::Arc;

/// How the rows of an answer are read.
#[derive(Debug)]
pub(super) enum Plan {
    /// These, in this order.
    Chosen(std::vec::IntoIter<TokenId>),
    /// All, in an order that the store supports: of creation, or by `created`.
    Scan {
        filter: TokenFilter,
        order: Order,
        after: Option<TokenId>,
        /// How many of the matching rows are still to be skipped.
        skip: u64,
        is_over: bool,
    },
}

impl Plan {
    pub(super) fn scan(filter: TokenFilter, skip: u64) -> Self {
        Plan::Scan { filter, order: Order::OldestFirst, after: None, skip, is_over: false }
    }
}

/// The rest of an answer.
pub(super) struct Answer {
    pub(super) service: Service,
    pub(super) app: Arc<OpenApp>,
    pub(super) caller: LoopBackCaller,
    pub(super) method: Method,
    pub(super) matcher: Matcher,
    pub(super) plan: Plan,
    pub(super) left: u64,
    pub(super) has_begun: bool,
}

/// A page of an answer.
struct Page {
    rows: Vec<LoopBackRow>,
    /// How many of the matching rows are still to be skipped.
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
        while rows.is_empty() && self.left > 0 && !self.plan.is_over() {
            let Answer { service, app, caller, method, matcher, .. } = self;
            // The first page follows admission; before later ones a slow reader may have lost its rights.
            if self.has_begun && !service.still_may(app, caller, *method).await? {
                return Err(Error::Withdrawn);
            }
            self.has_begun = true;
            let stored = self.plan.next_page(service, app, matcher.condition.is_all(), self.left).await?;
            let page = Page { rows, skip: self.plan.skip(), left: self.left };
            let matching = Matching::run(service, app, matcher.clone(), stored, page).await?;
            self.plan.set_skip(matching.sink.skip);
            (rows, self.left) = (matching.sink.rows, matching.sink.left);
        }
        // The client may read slowly.
        self.matcher.rest();
        Ok(rows)
    }
}

impl Plan {
    fn is_over(&self) -> bool {
        match self {
            Plan::Chosen(ids) => ids.as_slice().is_empty(),
            Plan::Scan { is_over, .. } => *is_over,
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
            Plan::Chosen(ids) => {
                let ids: Vec<TokenId> = ids.take(few as usize).collect();
                let mut stored = service.store.tokens(app.id, &ids).await?;
                stored.retain(|stored| is_seen(&stored.token, service.now()));
                stored.sort_by_key(|stored| ids.iter().position(|id| *id == stored.token.id));
                Ok(stored)
            }
            Plan::Scan { filter, order, after, skip, is_over } => {
                let mut page = TokenPage { order: *order, after: *after, limit: PAGE_ROWS, skip: 0 };
                if takes_all {
                    // The store can skip rows that would be read for nothing.
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

    /// How many of the matching rows are still to be skipped.
    fn skip(&self) -> u64 {
        match self {
            Plan::Scan { skip, .. } => *skip,
            Plan::Chosen(_) => 0,
        }
    }

    fn set_skip(&mut self, left: u64) {
        if let Plan::Scan { skip, .. } = self {
            *skip = left;
        }
    }
}
