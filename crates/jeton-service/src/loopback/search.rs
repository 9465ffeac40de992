//! Finding rows by a filter.
//!
//! Rows come page by page, so that any number of them needs the memory of one page. An order other than that of creation
//! is found out beforehand, and what is kept of it is the rows' numbers alone.

use super::caller::LoopBackCaller;
use super::pages::{Answer, Way};
use super::read::{KINDS, is_seen};
use super::row::LoopBackRow;
use super::sift::{Sieve, Sift, Sink};
use crate::apps::OpenApp;
use crate::work::{Allowance, Slice, Stop, Work};
use crate::{Error, Service};
use futures_util::stream::{self, Stream};
use jeton_core::{AppId, Halt, Meter, Timestamp, TokenId, UserId};
use jeton_loopback::{Condition, Filter, Implied, Method, RowPlace, Sorting};
use jeton_store::{Fair, Order, OwnerFilter, Share, StoredToken, TokenFilter, TokenPage, Turn, View};
use std::sync::Arc;
use std::time::Duration;

/// Rows up to which an order by `id`, and conditions that look into it, are decided: the ids must be opened for that.
/// Also the rows that are sorted at once in any other order.
const MAX_SORTED: usize = 10_000;
/// The bytes of what those are sorted by. 10,000 ids of at most 1,024 bytes, each in a value of 32, are within.
const MAX_SORTED_BYTES: usize = 16 * 1024 * 1024;
/// Rows that are read from the store at once to be answered. A row has at most some 100 KiB.
pub(super) const PAGE_ROWS: u32 = 64;
/// Rows that are read from the store at once to be judged, of which at most their places are kept.
const SEARCH_ROWS: u32 = 256;
/// Most searches at once, of which one app has at most two. What each keeps bounds the memory of all.
const SEARCHES: Share = Share { places: 6, each: 2, waiting: 256 };
/// Rows that are named by their ids up to which nobody waits for a turn.
const FEW_IDS: usize = 16;
/// How long a search waits for its turn.
const SEARCH_WAIT: Duration = Duration::from_secs(5);

/// The answer to a search.
pub type Found<T> = Result<Result<T, ReadRefusal>, Error>;

/// Why a search is not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadRefusal {
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
#[derive(Clone, Debug)]
pub(crate) struct Searches(Fair<AppId>);

impl Default for Searches {
    fn default() -> Self {
        Searches(Fair::new(SEARCHES))
    }
}

impl Searches {
    async fn turn(&self, app_id: AppId) -> Result<Turn<AppId>, Error> {
        match tokio::time::timeout(SEARCH_WAIT, self.0.turn(app_id)).await {
            Ok(Ok(turn)) => Ok(turn),
            Ok(Err(_)) | Err(_) => Err(Error::Busy),
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
    ) -> Found<impl Stream<Item = Result<Vec<LoopBackRow>, Error>> + Send + use<>> {
        self.find_within(app, caller, method, filter, self.allowance()).await
    }

    /// The same, within what is allowed for all that a request matches.
    pub(super) async fn find_within(
        &self,
        app: &OpenApp,
        caller: &LoopBackCaller,
        method: Method,
        filter: Filter,
        allowance: Allowance,
    ) -> Found<impl Stream<Item = Result<Vec<LoopBackRow>, Error>> + Send + use<>> {
        let app = Arc::new(app.clone());
        let sieve = Sieve::new(Arc::new(filter.condition), allowance);
        let way = match self.way(&app, &sieve, &filter.order, filter.page).await? {
            Ok(way) => way,
            Err(fault) => return Ok(Err(fault)),
        };
        let answer = Answer {
            service: self.clone(),
            app,
            caller: caller.clone(),
            method,
            sieve,
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
    pub async fn loopback_count(&self, app: &OpenApp, condition: Condition) -> Found<u64> {
        // Of these there are totals.
        let user_id = condition.sole_user().and_then(|user| user.parse().ok());
        if condition.is_all() || user_id.is_some() {
            return Ok(Ok(self.store.count_tokens(&all(app, user_id, self.now())).await?));
        }
        let sieve = Sieve::new(Arc::new(condition), self.allowance());
        let mut search = Search::begin(self, &Arc::new(app.clone()), &sieve).await?;
        let mut count = 0;
        while !search.is_over {
            count = match search.page(count).await? {
                Ok((count, _)) => count,
                Err(fault) => return Ok(Err(fault)),
            };
        }
        Ok(Ok(count))
    }

    /// In which way the rows of a filter are gone through.
    async fn way(
        &self,
        app: &Arc<OpenApp>,
        sieve: &Sieve,
        order: &jeton_loopback::Order,
        page: jeton_loopback::Page,
    ) -> Found<Way> {
        let condition = &*sieve.condition;
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
        let mut chosen = Chosen { order: order.clone(), kept: Vec::new(), bytes: 0, most };
        let mut search = Search::begin(self, app, sieve).await?;
        while !search.is_over {
            chosen = match search.page(chosen).await? {
                Ok((chosen, _)) => chosen,
                Err(fault) => return Ok(Err(fault)),
            };
            if !chosen.is_full() {
                continue;
            }
            if order.is_default() {
                return Ok(Ok(walk));
            }
            let Some(wanted) = wanted.filter(|wanted| *wanted <= MAX_SORTED && !order.needs_id()) else {
                let is_by_id = order.needs_id();
                return Ok(Err(if is_by_id {
                    ReadRefusal::TooManyToOpen
                } else {
                    ReadRefusal::TooManyToSort
                }));
            };
            chosen = self.sorted(app, chosen, &sieve.allowance).await?;
            if !chosen.shrink(wanted) {
                return Ok(Err(ReadRefusal::TooManyToSort));
            }
        }
        let chosen = self.sorted(app, chosen, &sieve.allowance).await?;
        let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
        let ids = chosen.kept.into_iter().skip(skip).map(|(_, id)| id);
        Ok(Ok(Way::Chosen(ids.collect::<Vec<_>>().into_iter())))
    }

    async fn sorted(
        &self,
        app: &OpenApp,
        mut chosen: Chosen,
        allowance: &Allowance,
    ) -> Result<Chosen, Error> {
        let sorting = chosen.order.sorting(std::mem::take(&mut chosen.kept));
        let sort = self.work(Some(app.id), Sort { sorting, allowance: allowance.clone() }).await?;
        Ok(Chosen { kept: sort.sorting.into_sorted(), ..chosen })
    }
}

struct Sort {
    sorting: Sorting<TokenId>,
    allowance: Allowance,
}

impl Work for Sort {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<bool, Stop> {
        while !slice.is_over() {
            if slice.step(&self.allowance, |meter| self.sorting.advance(meter))? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The rows that a condition lets through, in the order of creation, page by page. What the condition implies about ids
/// and users is asked of the store; the rest is decided here.
struct Search {
    service: Service,
    app: Arc<OpenApp>,
    sieve: Sieve,
    from: From,
    is_over: bool,
    _turn: Option<Turn<AppId>>,
}

/// Where rows come from.
enum From {
    /// They are at hand.
    Found(Vec<StoredToken>),
    /// They have these numbers.
    Numbers(std::vec::IntoIter<TokenId>),
    /// The store has them.
    Store(TokenFilter, TokenPage),
}

impl Search {
    async fn begin(service: &Service, app: &Arc<OpenApp>, sieve: &Sieve) -> Result<Self, Error> {
        let condition = &sieve.condition;
        let mut implied = condition.implied();
        let is_long = implied.ids.as_ref().is_none_or(|ids| ids.len() > FEW_IDS);
        let turn = if is_long { Some(service.searches.turn(app.id).await?) } else { None };
        let mut sieve = sieve.clone();
        let from = match implied.ids.take() {
            Some(ids) => {
                let mut found = Vec::new();
                let mut numbers = Vec::new();
                for id in &ids {
                    let stored = service.loopback_token(app, id).await?;
                    numbers.extend(stored.as_ref().map(|stored| stored.token.id));
                    found.extend(stored.filter(|_| !is_long));
                }
                numbers.sort_unstable();
                numbers.dedup();
                found.sort_by_key(|stored| stored.token.id);
                found.dedup_by_key(|stored| stored.token.id);
                if is_long { From::Numbers(numbers.into_iter()) } else { From::Found(found) }
            }
            None => {
                if condition.needs_id() {
                    let exact = Arc::clone(&sieve.condition);
                    sieve.condition = Arc::new(exact.without_id());
                    sieve.exact = Some((exact, MAX_SORTED));
                }
                From::Store(
                    all(app, implied_user(&implied), service.now()),
                    TokenPage { limit: SEARCH_ROWS, ..first_page() },
                )
            }
        };
        let (service, app) = (service.clone(), Arc::clone(app));
        Ok(Search { service, app, sieve, from, is_over: false, _turn: turn })
    }

    /// Sends what is meant of the next page into a sink, and gives that back; true: it has enough.
    async fn page<S: Sink>(&mut self, sink: S) -> Found<(S, bool)> {
        let stored = self.stored().await?;
        let sift = Sift::run(&self.service, &self.app, self.sieve.clone(), stored, sink).await?;
        self.sieve = sift.sieve;
        Ok(match sift.ended {
            Ok(has_enough) => {
                self.is_over |= has_enough;
                Ok((sift.sink, has_enough))
            }
            Err(fault) => Err(fault),
        })
    }

    async fn stored(&mut self) -> Result<Vec<StoredToken>, Error> {
        let store = &self.service.store;
        match &mut self.from {
            From::Found(found) => {
                self.is_over = true;
                Ok(std::mem::take(found))
            }
            From::Numbers(numbers) => {
                let some: Vec<TokenId> = numbers.take(PAGE_ROWS as usize).collect();
                self.is_over = numbers.as_slice().is_empty();
                let mut stored = store.tokens(self.app.id, &some).await?;
                stored.retain(|stored| is_seen(&stored.token, self.service.now()));
                stored.sort_by_key(|stored| stored.token.id);
                Ok(stored)
            }
            From::Store(filter, page) => {
                let stored = store.list_tokens(filter, *page).await?;
                self.is_over = stored.len() < SEARCH_ROWS as usize;
                page.after = stored.last().map(|stored| stored.token.id);
                Ok(stored)
            }
        }
    }
}

/// The numbers of matching rows, with what they are sorted by.
#[derive(Debug)]
struct Chosen {
    order: jeton_loopback::Order,
    kept: Vec<(RowPlace, TokenId)>,
    bytes: usize,
    /// How many rows are held at most, and those of a page.
    most: usize,
}

impl Sink for Chosen {
    fn take(&mut self, row: &mut Option<LoopBackRow>, meter: &mut Meter<'_>) -> Result<bool, Halt> {
        if let Some(taken) = row.as_ref() {
            let place = self.order.place(taken, meter)?;
            self.bytes += place.weight();
            self.kept.push((place, taken.token_id));
        }
        *row = None;
        Ok(true)
    }
}

impl Chosen {
    fn is_full(&self) -> bool {
        self.kept.len() > self.most || self.bytes > MAX_SORTED_BYTES
    }

    /// Keeps the first of its rows, as many as are wanted. False: that is too much to sort by.
    fn shrink(&mut self, wanted: usize) -> bool {
        self.kept.truncate(wanted);
        self.bytes = self.kept.iter().map(|(place, _)| place.weight()).sum();
        self.bytes <= MAX_SORTED_BYTES / 2
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
