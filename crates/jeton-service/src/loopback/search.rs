//! Finding rows by a filter.
//!
//! Rows come page by page, so that any number of them needs the memory of one page. An order other than that of creation
//! is found out beforehand, and what is kept of it is the rows' numbers alone.

use super::caller::LoopBackCaller;
use super::read::{KINDS, is_seen};
use super::row::LoopBackRow;
use crate::apps::OpenApp;
use crate::{Service, Unavailable};
use futures_util::stream::{self, Stream};
use jeton_core::{Condition, Filter, Implied, Method, RowPlace, Timestamp, TokenId, UserId};
use jeton_store::{Order, OwnerFilter, StoredToken, TokenFilter, TokenPage, View};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Rows up to which an order by `id`, and conditions that look into it, are decided: the ids must be opened for that.
/// Also the rows that are sorted at once in any other order.
const MAX_SORTED: usize = 10_000;
/// The bytes of what those are sorted by. 10,000 ids of at most 1,024 bytes, each in a value of 32, are within.
const MAX_SORTED_BYTES: usize = 16 * 1024 * 1024;
/// Rows that are read from the store at once to be answered. A row has at most some 100 KiB.
const PAGE_ROWS: u32 = 64;
/// Rows that are read from the store at once to be judged, of which at most their places are kept.
const SEARCH_ROWS: u32 = 256;
/// Most searches at once. What each keeps bounds the memory of all.
const MAX_SEARCHES: usize = 2;
/// How long a search waits for its turn.
const SEARCH_WAIT: Duration = Duration::from_secs(5);

/// The answer to a search.
pub type Found<T> = Result<Result<T, ReadFault>, Unavailable>;

/// Why a search is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadFault {
    /// It wants an order by `id`, or a condition that looks into `id`, over more than 10,000 rows.
    #[error(
        "an order by id, or a condition on it other than equality, is decided over at most {MAX_SORTED} rows"
    )]
    TooManyToOpen,
    /// It wants more than 10,000 rows, or rows with much to sort by, in an order that has to be found out.
    #[error("more than {MAX_SORTED} rows, or 16 MiB of what they are sorted by, are not sorted: set a limit")]
    TooManyToSort,
}

/// The turns of those who search through many rows.
#[derive(Debug)]
pub(crate) struct Searches(Semaphore);

impl Default for Searches {
    fn default() -> Self {
        Searches(Semaphore::new(MAX_SEARCHES))
    }
}

impl Searches {
    async fn turn(&self) -> Result<SemaphorePermit<'_>, Unavailable> {
        match tokio::time::timeout(SEARCH_WAIT, self.0.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Unavailable::Busy),
        }
    }
}

impl Service {
    /// The rows that a filter lets through, in its order and page by page. `caller` was let in to `method`; before each
    /// further page it is asked whether it still would be.
    ///
    /// By default rows are ordered by `id`; over more than 10,000 they are in the order of creation. Rows that change
    /// meanwhile are as they are when their page is read, and are left out if the condition means them no more.
    ///
    /// # Errors
    /// It could not be found out. A page may fail later by itself.
    pub async fn loopback_find(
        &self,
        app: &OpenApp,
        caller: &LoopBackCaller,
        method: Method,
        filter: Filter,
    ) -> Found<impl Stream<Item = Result<Vec<LoopBackRow>, Unavailable>> + Send + use<>> {
        let way = match self.way(app, &filter).await? {
            Ok(way) => way,
            Err(fault) => return Ok(Err(fault)),
        };
        let answer = Answer {
            service: self.clone(),
            app: app.clone(),
            caller: caller.clone(),
            method,
            condition: filter.condition,
            way,
            left: filter.page.limit.unwrap_or(u64::MAX),
            has_begun: false,
        };
        Ok(Ok(stream::try_unfold(answer, |mut answer| async move {
            let page = answer.next_page().await?;
            Ok(if page.is_empty() { None } else { Some((page, answer)) })
        })))
    }

    /// How many rows a condition lets through.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn loopback_count(&self, app: &OpenApp, condition: &Condition) -> Found<u64> {
        if condition.is_all() {
            return Ok(Ok(self.store.count_tokens(&all(app, None, self.now())).await?));
        }
        let mut count = 0;
        let searched = self.search(app, condition, |_| {
            count += 1;
            Ok(Next::More)
        });
        Ok(searched.await?.map(|_| count))
    }

    /// In which way the rows of a filter are gone through.
    async fn way(&self, app: &OpenApp, filter: &Filter) -> Found<Way> {
        let Filter { condition, order, page, .. } = filter;
        let implied = condition.implied();
        let mut walk = Way::walk(all(app, implied_user(&implied), self.now()), page.skip);
        // Where the condition names ids, nobody has to be walked past.
        if order.is_creation() && !condition.needs_id() && implied.ids.is_none() {
            return Ok(Ok(walk));
        }
        if (order.is_default() || order.by_created().is_some()) && condition.is_all() {
            let beyond = TokenPage { skip: MAX_SORTED as u64, limit: 1, ..first_page() };
            if !self.store.list_tokens(&all(app, None, self.now()), beyond).await?.is_empty() {
                if let (Way::Walk { order: walked, .. }, Some(descending)) = (&mut walk, order.by_created()) {
                    *walked = Order::Created { descending, after: None };
                }
                return Ok(Ok(walk));
            }
        }
        let wanted = page.limit.and_then(|limit| usize::try_from(page.skip.checked_add(limit)?).ok());
        // Room for as many again as are wanted, lest every further row has to be sorted in.
        let room = wanted.filter(|wanted| *wanted <= MAX_SORTED && !order.is_default() && !order.needs_id());
        let most = room.map_or(MAX_SORTED, |wanted| MAX_SORTED.max(2 * wanted));
        let mut chosen = Chosen { kept: Vec::new(), bytes: 0, most, wanted };
        let searched = self.search(app, condition, |row| {
            chosen.push(order, &row);
            if !chosen.is_full() {
                return Ok(Next::More);
            }
            match order {
                order if order.is_default() => Ok(Next::Stop),
                order if order.needs_id() => Err(ReadFault::TooManyToOpen),
                order => chosen.shrink(order).map(|()| Next::More),
            }
        });
        Ok(match searched.await? {
            Err(fault) => Err(fault),
            Ok(Next::Stop) => Ok(walk),
            Ok(Next::More) => {
                let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
                let ids = order.sort_places(chosen.kept).into_iter().skip(skip).map(|(_, id)| id);
                Ok(Way::Chosen(ids.collect::<Vec<_>>().into_iter()))
            }
        })
    }

    /// Shows `visit` the rows that a condition lets through, in the order of creation, until it stops.
    ///
    /// What the condition implies about ids and users is asked of the store; the rest is decided here.
    async fn search(
        &self,
        app: &OpenApp,
        condition: &Condition,
        mut visit: impl FnMut(LoopBackRow) -> Result<Next, ReadFault>,
    ) -> Found<Next> {
        let implied = condition.implied();
        if let Some(ids) = &implied.ids {
            let mut rows = Vec::new();
            for id in ids {
                rows.extend(self.loopback_row(app, id).await?);
            }
            rows.sort_by_key(|row| row.token_id);
            rows.dedup_by_key(|row| row.token_id);
            rows.retain(|row| condition.matches(row));
            return Ok(until_stopped(rows.into_iter().map(visit)));
        }
        let _turn = self.searches.turn().await?;
        let filter = all(app, implied_user(&implied), self.now());
        let looks_into_ids = condition.needs_id();
        let broad = if looks_into_ids { condition.without_id() } else { condition.clone() };
        let (mut page, mut opened) = (TokenPage { limit: SEARCH_ROWS, ..first_page() }, 0);
        loop {
            let stored = self.store.list_tokens(&filter, page).await?;
            let is_last = stored.len() < SEARCH_ROWS as usize;
            page.after = stored.last().map(|stored| stored.token.id);
            for stored in stored {
                let row = self.row(app, stored)?;
                if !broad.matches(&row) {
                    continue;
                }
                opened += 1;
                if looks_into_ids && opened > MAX_SORTED {
                    return Ok(Err(ReadFault::TooManyToOpen));
                }
                if looks_into_ids && !condition.matches(&row) {
                    continue;
                }
                match visit(row) {
                    Ok(Next::More) => {}
                    stopped => return Ok(stopped),
                }
            }
            if is_last {
                return Ok(Ok(Next::More));
            }
        }
    }
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    More,
    Stop,
}

fn until_stopped(mut visits: impl Iterator<Item = Result<Next, ReadFault>>) -> Result<Next, ReadFault> {
    visits.find(|visit| *visit != Ok(Next::More)).unwrap_or(Ok(Next::More))
}

/// The numbers of matching rows, with what they are sorted by.
#[derive(Debug)]
struct Chosen {
    kept: Vec<(RowPlace, TokenId)>,
    bytes: usize,
    /// How many rows are held at most.
    most: usize,
    /// How many rows from the start are answered or skipped, if there is a limit.
    wanted: Option<usize>,
}

impl Chosen {
    fn push(&mut self, order: &jeton_core::Order, row: &LoopBackRow) {
        let place = order.place(row);
        self.bytes += place.weight();
        self.kept.push((place, row.token_id));
    }

    fn is_full(&self) -> bool {
        self.kept.len() > self.most || self.bytes > MAX_SORTED_BYTES
    }

    /// Keeps the first of its rows, as many as are wanted.
    fn shrink(&mut self, order: &jeton_core::Order) -> Result<(), ReadFault> {
        let wanted = self.wanted.filter(|wanted| *wanted <= MAX_SORTED).ok_or(ReadFault::TooManyToSort)?;
        self.kept = order.sort_places(std::mem::take(&mut self.kept));
        self.kept.truncate(wanted);
        self.bytes = self.kept.iter().map(|(place, _)| place.weight()).sum();
        if self.bytes > MAX_SORTED_BYTES / 2 { Err(ReadFault::TooManyToSort) } else { Ok(()) }
    }
}

/// How the rows of an answer are gone through.
#[derive(Debug)]
enum Way {
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
    fn walk(filter: TokenFilter, skip: u64) -> Self {
        Way::Walk { filter, order: Order::OldestFirst, after: None, skip, is_over: false }
    }
}

/// What is left of an answer.
struct Answer {
    service: Service,
    app: OpenApp,
    caller: LoopBackCaller,
    method: Method,
    condition: Condition,
    way: Way,
    left: u64,
    has_begun: bool,
}

impl Answer {
    /// Empty: there are no more.
    async fn next_page(&mut self) -> Result<Vec<LoopBackRow>, Unavailable> {
        let mut rows = Vec::new();
        while rows.is_empty() && self.left > 0 && !self.way.is_over() {
            let Answer { service, app, caller, method, condition, .. } = self;
            // The first page follows upon admission. A slow reader of the others may have lost its rights since.
            if self.has_begun && !service.still_may(app, caller, *method).await? {
                return Err(Unavailable::Withdrawn);
            }
            self.has_begun = true;
            let stored = self.way.next_page(service, app, condition.is_all(), self.left).await?;
            for stored in stored {
                let row = service.row(app, stored)?;
                if condition.matches(&row) && self.way.takes() && self.left > 0 {
                    rows.push(row);
                    self.left -= 1;
                }
            }
        }
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
    ) -> Result<Vec<StoredToken>, Unavailable> {
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

    /// Whether a matching row is answered, not left out.
    fn takes(&mut self) -> bool {
        match self {
            Way::Walk { skip, .. } if *skip > 0 => {
                *skip -= 1;
                false
            }
            Way::Walk { .. } | Way::Chosen(_) => true,
        }
    }
}

fn first_page() -> TokenPage {
    TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: PAGE_ROWS }
}

/// Everything that LoopBack sees, or what of it shows this user.
fn all(app: &OpenApp, user_id: Option<UserId>, now: Timestamp) -> TokenFilter {
    let owner = user_id.map_or(OwnerFilter::Any, OwnerFilter::Shown);
    TokenFilter {
        app_id: app.id,
        kinds: KINDS.to_vec(),
        owner,
        view: View::LoopBack(now),
        unused_since: None,
    }
}

/// The one user that every matching row shows, if there is one.
fn implied_user(implied: &Implied) -> Option<UserId> {
    let users = implied.users.as_ref()?;
    match users.iter().next() {
        Some(Some(user)) if users.len() == 1 => user.parse().ok(),
        _ => None,
    }
}
