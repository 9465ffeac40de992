//! Finding rows by a filter.
//!
//! Rows are read page by page, so any number of them needs the memory of one page. An order other than the
//! order of creation is computed first, and only the rows' numbers are kept of it.

use super::caller::LoopBackCaller;
use super::matching::{Matcher, Matching, Sink};
use super::pages::{Answer, Plan};
use super::read::{KINDS, is_seen};
use super::row::LoopBackRow;
use crate::apps::OpenApp;
use crate::work::{Allowance, Slice, Stop, Work};
use crate::{Error, Service};
use futures_util::stream::{self, Stream};
use jeton_core::{AppId, Halt, Meter, Timestamp, TokenId, UserId};
use jeton_loopback::{Condition, Filter, Implied, Method, RowPlace, Sorting};
use jeton_store::{Fair, Order, OwnerFilter, Share, StoredToken, TokenFilter, TokenPage, Turn, View};
use std::sync::Arc;
use std::time::Duration;

/// At most this many rows are ordered by `id` or matched by conditions on the text of it, since each id must
/// be unsealed. Also how many rows are sorted at once in any other order.
const MAX_SORTED: usize = 10_000;
/// At most this many bytes of sort keys: 10,000 ids of at most 1,024 bytes, each in a value of 32 bytes, fit.
const MAX_SORTED_BYTES: usize = 16 * 1024 * 1024;
/// How many rows of an answer are read from the store at once. A row has at most about 100 KiB.
pub(super) const PAGE_ROWS: u32 = 64;
/// How many rows of a search are read from the store at once; at most their sort keys are kept.
const SEARCH_ROWS: u32 = 256;
/// At most this many searches run at once, two of them for one app. This bounds the memory of all searches.
const SEARCHES: Share = Share { places: 6, each: 2, waiting: 256 };
/// A search for at most this many ids does not wait for a turn.
const FEW_IDS: usize = 16;
/// How long a search waits for a turn.
const SEARCH_WAIT: Duration = Duration::from_secs(5);

/// The result of a search.
pub type Found<T> = Result<Result<T, ReadRefusal>, Error>;

/// Why a search is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadRefusal {
    /// It needs an order by `id`, or a condition on the text of `id`, over more than 10,000 rows.
    #[error(
        "an order by id, or a condition on it other than equality, is decided over at most {MAX_SORTED} rows"
    )]
    TooManyToOpen,
    /// It needs more than 10,000 rows, or rows with large sort keys, in an order that must be computed.
    #[error("more than {MAX_SORTED} rows, or 16 MiB of what they are sorted by, are not sorted: set a limit")]
    TooManyToSort,
}

/// The turns of searches over many rows.
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
    /// The rows that match a filter, in its order, page by page. `caller` was admitted to `method`; its
    /// rights are checked again before each further page.
    ///
    /// By default rows are ordered by `id`; more than 10,000 rows are in the order of creation. A row that
    /// changes meanwhile is returned as it is when its page is read, and left out if it no longer matches.
    ///
    /// # Errors
    /// The store could not be read. Each page may also fail by itself.
    pub async fn loopback_find(
        &self,
        app: &OpenApp,
        caller: &LoopBackCaller,
        method: Method,
        filter: Filter,
    ) -> Found<impl Stream<Item = Result<Vec<LoopBackRow>, Error>> + Send + use<>> {
        self.find_within(app, caller, method, filter, self.allowance()).await
    }

    /// The same, within the allowance for all matching of a request.
    pub(super) async fn find_within(
        &self,
        app: &OpenApp,
        caller: &LoopBackCaller,
        method: Method,
        filter: Filter,
        allowance: Allowance,
    ) -> Found<impl Stream<Item = Result<Vec<LoopBackRow>, Error>> + Send + use<>> {
        let app = Arc::new(app.clone());
        let matcher = Matcher::new(Arc::new(filter.condition), allowance);
        let plan = match self.plan(&app, &matcher, &filter.order, filter.page).await? {
            Ok(plan) => plan,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let answer = Answer {
            service: self.clone(),
            app,
            caller: caller.clone(),
            method,
            matcher,
            plan,
            left: filter.page.limit.unwrap_or(u64::MAX),
            has_begun: false,
        };
        Ok(Ok(stream::try_unfold(answer, |mut answer| async move {
            let page = answer.next_page().await?;
            Ok(if page.is_empty() { None } else { Some((page, answer)) })
        })))
    }

    /// How many rows match a condition.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn loopback_count(&self, app: &OpenApp, condition: Condition) -> Found<u64> {
        // The store keeps totals of these.
        let user_id = condition.sole_user().and_then(|user| user.parse().ok());
        if condition.is_all() || user_id.is_some() {
            return Ok(Ok(self.store.count_tokens(&all(app, user_id, self.now())).await?));
        }
        let matcher = Matcher::new(Arc::new(condition), self.allowance());
        let mut search = Search::begin(self, &Arc::new(app.clone()), &matcher).await?;
        let mut count = 0;
        while !search.is_over {
            count = match search.page(count).await? {
                Ok((count, _)) => count,
                Err(refusal) => return Ok(Err(refusal)),
            };
        }
        Ok(Ok(count))
    }

    /// How the rows of a filter are read.
    async fn plan(
        &self,
        app: &Arc<OpenApp>,
        matcher: &Matcher,
        order: &jeton_loopback::Order,
        page: jeton_loopback::Page,
    ) -> Found<Plan> {
        let condition = &*matcher.condition;
        let implied = condition.implied();
        let mut scan = Plan::scan(all(app, implied_user(&implied), self.now()), page.skip);
        // A condition that names ids is looked up by them instead of scanning past other rows.
        if order.is_creation() && !condition.needs_id() && implied.ids.is_none() {
            return Ok(Ok(scan));
        }
        if (order.is_default() || order.by_created().is_some()) && condition.is_all() {
            let past_limit = TokenPage { skip: MAX_SORTED as u64, limit: 1, ..first_page() };
            if !self.store.list_tokens(&all(app, None, self.now()), past_limit).await?.is_empty() {
                if let (Plan::Scan { order: scanned, .. }, Some(descending)) = (&mut scan, order.by_created())
                {
                    *scanned = Order::Created { descending, after: None };
                }
                return Ok(Ok(scan));
            }
        }
        let wanted = page.limit.and_then(|limit| usize::try_from(page.skip.checked_add(limit)?).ok());
        // Room for twice the rows wanted, so that not every further row needs a sort.
        let room = wanted.filter(|wanted| *wanted <= MAX_SORTED && !order.is_default() && !order.needs_id());
        let max_rows = room.map_or(MAX_SORTED, |wanted| MAX_SORTED.max(2 * wanted));
        let mut chosen = Selection { order: order.clone(), kept: Vec::new(), bytes: 0, max_rows };
        let mut search = Search::begin(self, app, matcher).await?;
        while !search.is_over {
            chosen = match search.page(chosen).await? {
                Ok((chosen, _)) => chosen,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if !chosen.is_full() {
                continue;
            }
            if order.is_default() {
                return Ok(Ok(scan));
            }
            let Some(wanted) = wanted.filter(|wanted| *wanted <= MAX_SORTED && !order.needs_id()) else {
                let is_by_id = order.needs_id();
                return Ok(Err(if is_by_id {
                    ReadRefusal::TooManyToOpen
                } else {
                    ReadRefusal::TooManyToSort
                }));
            };
            chosen = self.sorted(app, chosen, &matcher.allowance).await?;
            if !chosen.shrink(wanted) {
                return Ok(Err(ReadRefusal::TooManyToSort));
            }
        }
        let chosen = self.sorted(app, chosen, &matcher.allowance).await?;
        let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
        let ids = chosen.kept.into_iter().skip(skip).map(|(_, id)| id);
        Ok(Ok(Plan::Chosen(ids.collect::<Vec<_>>().into_iter())))
    }

    async fn sorted(
        &self,
        app: &OpenApp,
        mut chosen: Selection,
        allowance: &Allowance,
    ) -> Result<Selection, Error> {
        let sorting = chosen.order.sorting(std::mem::take(&mut chosen.kept));
        let sort = self.work(Some(app.id), Sort { sorting, allowance: allowance.clone() }).await?;
        Ok(Selection { kept: sort.sorting.into_sorted(), ..chosen })
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

/// The rows that match a condition, in the order of creation, page by page. The store selects by what the
/// condition implies about ids and users; the rest is matched here.
struct Search {
    service: Service,
    app: Arc<OpenApp>,
    matcher: Matcher,
    source: RowSource,
    is_over: bool,
    _turn: Option<Turn<AppId>>,
}

/// Where a search reads rows from.
enum RowSource {
    /// These, which were read already.
    Found(Vec<StoredToken>),
    /// Those with these numbers.
    Numbers(std::vec::IntoIter<TokenId>),
    /// Those that the store selects.
    Store(TokenFilter, TokenPage),
}

impl Search {
    async fn begin(service: &Service, app: &Arc<OpenApp>, matcher: &Matcher) -> Result<Self, Error> {
        let condition = &matcher.condition;
        let mut implied = condition.implied();
        let is_long = implied.ids.as_ref().is_none_or(|ids| ids.len() > FEW_IDS);
        let turn = if is_long { Some(service.searches.turn(app.id).await?) } else { None };
        let mut matcher = matcher.clone();
        let source = match implied.ids.take() {
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
                if is_long { RowSource::Numbers(numbers.into_iter()) } else { RowSource::Found(found) }
            }
            None => {
                if condition.needs_id() {
                    let exact = Arc::clone(&matcher.condition);
                    matcher.condition = Arc::new(exact.without_id());
                    matcher.exact = Some((exact, MAX_SORTED));
                }
                RowSource::Store(
                    all(app, implied_user(&implied), service.now()),
                    TokenPage { limit: SEARCH_ROWS, ..first_page() },
                )
            }
        };
        let (service, app) = (service.clone(), Arc::clone(app));
        Ok(Search { service, app, matcher, source, is_over: false, _turn: turn })
    }

    /// Passes the matching rows of the next page to a sink and returns it; true: it has enough.
    async fn page<S: Sink>(&mut self, sink: S) -> Found<(S, bool)> {
        let stored = self.stored().await?;
        let matching = Matching::run(&self.service, &self.app, self.matcher.clone(), stored, sink).await?;
        self.matcher = matching.matcher;
        Ok(match matching.ended {
            Ok(has_enough) => {
                self.is_over |= has_enough;
                Ok((matching.sink, has_enough))
            }
            Err(refusal) => Err(refusal),
        })
    }

    async fn stored(&mut self) -> Result<Vec<StoredToken>, Error> {
        let store = &self.service.store;
        match &mut self.source {
            RowSource::Found(found) => {
                self.is_over = true;
                Ok(std::mem::take(found))
            }
            RowSource::Numbers(numbers) => {
                let ids: Vec<TokenId> = numbers.take(PAGE_ROWS as usize).collect();
                self.is_over = numbers.as_slice().is_empty();
                let mut stored = store.tokens(self.app.id, &ids).await?;
                stored.retain(|stored| is_seen(&stored.token, self.service.now()));
                stored.sort_by_key(|stored| stored.token.id);
                Ok(stored)
            }
            RowSource::Store(filter, page) => {
                let stored = store.list_tokens(filter, *page).await?;
                self.is_over = stored.len() < SEARCH_ROWS as usize;
                page.after = stored.last().map(|stored| stored.token.id);
                Ok(stored)
            }
        }
    }
}

/// The numbers of matching rows, with their sort keys.
#[derive(Debug)]
struct Selection {
    order: jeton_loopback::Order,
    kept: Vec<(RowPlace, TokenId)>,
    bytes: usize,
    /// At most this many rows are held, plus those of one page.
    max_rows: usize,
}

impl Sink for Selection {
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

impl Selection {
    fn is_full(&self) -> bool {
        self.kept.len() > self.max_rows || self.bytes > MAX_SORTED_BYTES
    }

    /// Keeps the first `wanted` rows. False: their sort keys are too large.
    fn shrink(&mut self, wanted: usize) -> bool {
        self.kept.truncate(wanted);
        self.bytes = self.kept.iter().map(|(place, _)| place.weight()).sum();
        self.bytes <= MAX_SORTED_BYTES / 2
    }
}

fn first_page() -> TokenPage {
    TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: PAGE_ROWS }
}

/// All tokens that LoopBack sees, or those of them that show this user.
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

/// The user that all matching rows show, if the condition implies one.
fn implied_user(implied: &Implied) -> Option<UserId> {
    let users = implied.users.as_ref()?;
    match users.iter().next() {
        Some(Some(user)) if users.len() == 1 => user.parse().ok(),
        _ => None,
    }
}
