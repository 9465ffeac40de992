//! Statements about the tokens of an app that operators seek.

use super::Statement;
use super::apps::live_id;
use super::tokens::{is_not_revoked, select};
use super::totals::sum;
use super::usage::uses_since;
use crate::model::{OwnerFilter, TokenFilter, View};
use crate::schema::{AppTotals, Count, Tokens};
use crate::scopes;
use crate::search::{PlaceKey, Reach, SearchOrder, SearchPlace, TitleSearch, TokenSearch};
use jeton_core::{AppId, Timestamp, TokenKind, TokenState};
use sea_query::{BinOper, Expr, ExprTrait, Func, Order, Query, SelectStatement};

/// Some of what is found, in the order of the search.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch<'a> {
    /// What comes behind this place.
    pub(crate) after: Option<&'a SearchPlace>,
    /// What comes no later than this place.
    pub(crate) up_to: Option<&'a SearchPlace>,
    /// At most so many.
    pub(crate) limit: u32,
}

impl<'a> Stretch<'a> {
    /// At most `limit` behind a place.
    pub(crate) fn behind(after: Option<&'a SearchPlace>, limit: u32) -> Self {
        Stretch { after, up_to: None, limit }
    }
}

/// A stretch of what is found.
pub(crate) fn search_tokens(search: &TokenSearch, stretch: Stretch<'_>) -> Statement {
    page(select(), search, stretch)
}

/// The same, of which only the places are answered.
pub(crate) fn search_places(search: &TokenSearch, stretch: Stretch<'_>) -> Statement {
    page(places(search.order()), search, stretch)
}

/// At most `limit` of what is found among the next `span` tokens within reach of a search. These come first, by their index alone:
/// given both of their ends, SQLite would rather look at all tokens of the app between the two.
pub(crate) fn search_span(
    search: &TokenSearch,
    after: Option<&SearchPlace>,
    span: u32,
    limit: u32,
) -> Statement {
    let order = search.order();
    let mut reached = Query::select();
    reached.column(Tokens::Id).from(Tokens::Table);
    within_reach(&mut reached, search);
    in_order(&mut reached, order, Stretch::behind(after, span));
    let mut tokens = select();
    tokens.and_where(Expr::col(Tokens::Id).in_subquery(reached));
    keep_of_reached(&mut tokens, search);
    in_order(&mut tokens, order, Stretch::behind(None, limit));
    Statement::varying(tokens)
}

/// Of what is within reach of a search, the place that is so far behind another one, and one more: two, unless it ends before.
pub(crate) fn end_of_span(search: &TokenSearch, after: Option<&SearchPlace>, span: u32) -> Statement {
    let order = search.order();
    let mut ends = places(order);
    within_reach(&mut ends, search);
    in_order(&mut ends, order, Stretch::behind(after, 2));
    Statement::varying(ends.offset(u64::from(span.saturating_sub(1))).take())
}

fn places(order: SearchOrder) -> SelectStatement {
    let columns = std::iter::once(Tokens::Id).chain(key_of(order));
    Query::select().columns(columns).from(Tokens::Table).take()
}

/// What tokens are ordered by before their numbers.
fn key_of(order: SearchOrder) -> Option<Tokens> {
    match order {
        SearchOrder::NewestFirst | SearchOrder::OldestFirst => None,
        SearchOrder::EndingNext | SearchOrder::EndedLast => Some(Tokens::ExpiresAt),
        SearchOrder::ByTitle => Some(Tokens::Title),
    }
}

/// How many tokens there are to be found, one by one.
pub(crate) fn count_found(search: &TokenSearch) -> Statement {
    let mut count = Query::select();
    count.expr_as(Func::count(Expr::col(Tokens::Id)), Count).from(Tokens::Table);
    keep(&mut count, search);
    Statement::varying(count)
}

/// How many tokens of an app stand so that they are good, by what is kept and what an index has: they are most of all.
pub(crate) fn count_active(app_id: AppId, now: Timestamp) -> Statement {
    let all = TokenFilter {
        app_id,
        kinds: TokenKind::ALL.to_vec(),
        owner: OwnerFilter::Any,
        view: View::Whole,
        unused_since: None,
    };
    let counted = |condition: Expr| {
        let mut count = Query::select();
        count.expr(Func::count(Expr::col(Tokens::Id))).from(Tokens::Table);
        count.and_where(Expr::col(Tokens::AppId).eq(live_id(app_id))).and_where(is_not_revoked());
        Expr::SubQuery(None, Box::new(count.and_where(condition).take().into()))
    };
    let disabled_by = || Expr::col(Tokens::DisabledBy);
    let disabled = counted(disabled_by().is_not_null());
    let ended = counted(disabled_by().is_null().and(Expr::col(Tokens::ExpiresAt).lte(now.as_millis())));
    let total = Expr::SubQuery(None, Box::new(sum(&all, AppTotals::Table).into()));
    Statement::fixed(Query::select().expr_as(total.sub(disabled).sub(ended), Count).take())
}

fn page(mut tokens: SelectStatement, search: &TokenSearch, stretch: Stretch<'_>) -> Statement {
    keep(&mut tokens, search);
    in_order(&mut tokens, search.order(), stretch);
    Statement::varying(tokens)
}

fn in_order(tokens: &mut SelectStatement, order: SearchOrder, stretch: Stretch<'_>) {
    let is_descending = matches!(order, SearchOrder::NewestFirst | SearchOrder::EndedLast);
    let direction = if is_descending { Order::Desc } else { Order::Asc };
    if let Some(key) = key_of(order) {
        tokens.order_by(key, direction.clone());
    }
    tokens.order_by(Tokens::Id, direction).limit(u64::from(stretch.limit));
    if let Some((column, place)) = stretch.after.map(place) {
        tokens.and_where(if is_descending { column.lt(place) } else { column.gt(place) });
    }
    if let Some((column, place)) = stretch.up_to.map(place) {
        tokens.and_where(if is_descending { column.gte(place) } else { column.lte(place) });
    }
}

/// What tokens are ordered by, and what that is at a place.
fn place(place: &SearchPlace) -> (Expr, Expr) {
    let (id, number) = (Expr::col(Tokens::Id), Expr::val(place.id.get()));
    match &place.key {
        PlaceKey::Number => (id, number),
        PlaceKey::End(at) => {
            let at = Expr::val(at.as_millis());
            (Expr::tuple([Expr::col(Tokens::ExpiresAt), id]), Expr::tuple([at, number]))
        }
        PlaceKey::Title(title) => {
            let title = Expr::val(title.as_str());
            (Expr::tuple([Expr::col(Tokens::Title), id]), Expr::tuple([title, number]))
        }
    }
}

/// Leaves only what an index has in the order of the search.
fn within_reach(tokens: &mut SelectStatement, search: &TokenSearch) {
    tokens.and_where(Expr::col(Tokens::AppId).eq(live_id(search.app_id)));
    let is_revoked = || Expr::col(Tokens::RevokedAt).is_not_null();
    let reach = search.reach();
    tokens.and_where(if reach == Reach::Revoked { is_revoked() } else { is_not_revoked() });
    match reach {
        Reach::Live | Reach::Revoked => {}
        Reach::Disabled => {
            tokens.and_where(Expr::col(Tokens::DisabledBy).is_not_null());
        }
        Reach::Ending => ending(tokens, search),
        Reach::Titled | Reach::OfTitle => match &search.title {
            Some(title) => {
                tokens.and_where(is_titled(|| Expr::col(Tokens::Title), title));
            }
            None => {
                tokens.and_where(Expr::col(Tokens::Title).is_not_null());
            }
        },
        Reach::OfUser => {
            let user_id = search.user_id.as_ref().map(ToString::to_string);
            tokens.and_where_option(user_id.map(|user_id| Expr::col(Tokens::UserId).eq(user_id)));
        }
        Reach::Tagged => {
            tokens.and_where(Expr::col(Tokens::Tags).is_not_null());
        }
        Reach::Eternal => {
            tokens.and_where(Expr::col(Tokens::ExpiresAt).is_null());
        }
    }
}

fn ending(tokens: &mut SelectStatement, search: &TokenSearch) {
    let ends_at = || Expr::col(Tokens::ExpiresAt);
    let now = search.now.as_millis();
    if search.state == Some(TokenState::Expired) {
        tokens.and_where(ends_at().lte(now));
        return;
    }
    tokens.and_where(ends_at().gt(now));
    tokens.and_where_option(search.ends_by.map(|end| ends_at().lte(end.as_millis())));
}

/// Leaves only what is sought.
///
/// What is within reach is sought by its index and by no other one, of which more could have to be read: the other conditions are about
/// expressions, which no index has.
fn keep(tokens: &mut SelectStatement, search: &TokenSearch) {
    within_reach(tokens, search);
    keep_of_reached(tokens, search);
}

/// The same of tokens that are within reach.
fn keep_of_reached(tokens: &mut SelectStatement, search: &TokenSearch) {
    keep_states(tokens, search);
    keep_texts(tokens, search);
    if let Some(since) = search.unused_since {
        tokens
            .and_where(Expr::col(Tokens::CreatedAt).lt(since.as_millis()))
            .and_where(Expr::exists(uses_since(since)).not());
    }
    if search.is_never_used {
        tokens.and_where(Expr::exists(uses_since(Timestamp::MIN)).not());
    }
    if let Some(before) = search.created_before {
        tokens.and_where(Expr::col(Tokens::CreatedAt).lt(before.as_millis()));
    }
}

/// As `TokenState` has it: what is expired is that, whether or not it is switched off as well. Whether they were revoked is decided by
/// what is within reach.
fn keep_states(tokens: &mut SelectStatement, search: &TokenSearch) {
    let (reach, now) = (search.reach(), search.now.as_millis());
    let ends_at = || Expr::from(Func::coalesce([Expr::col(Tokens::ExpiresAt), Expr::val(i64::MAX)]));
    match search.state {
        Some(TokenState::Active) => {
            tokens.and_where(Expr::col(Tokens::DisabledBy).is_null()).and_where(ends_at().gt(now));
        }
        Some(TokenState::Disabled) => {
            let is_off = (reach != Reach::Disabled).then(|| text(Tokens::DisabledBy).ne(""));
            tokens.and_where_option(is_off).and_where(ends_at().gt(now));
        }
        Some(TokenState::Expired) if reach != Reach::Ending => {
            tokens.and_where(ends_at().lte(now));
        }
        Some(TokenState::Expired | TokenState::Revoked) | None => {}
    }
    let is_within_reach = reach == Reach::Ending && search.state != Some(TokenState::Expired);
    if let Some(end) = search.ends_by.filter(|_| !is_within_reach) {
        tokens.and_where(ends_at().gt(now)).and_where(ends_at().lte(end.as_millis()));
    }
    if search.is_eternal && reach != Reach::Eternal {
        tokens.and_where(ends_at().eq(i64::MAX));
    }
}

fn keep_texts(tokens: &mut SelectStatement, search: &TokenSearch) {
    let reach = search.reach();
    if let Some(user_id) = search.user_id.as_ref().filter(|_| reach != Reach::OfUser) {
        tokens.and_where(text(Tokens::UserId).eq(user_id.to_string()));
    }
    let is_within_reach = matches!(reach, Reach::Titled | Reach::OfTitle);
    if let Some(title) = search.title.as_ref().filter(|_| !is_within_reach) {
        // No title is none, also where any is sought: it is behind all that begin alike.
        let behind = Expr::val([char::MAX; 2].iter().collect::<String>());
        let column = || Expr::from(Func::coalesce([Expr::col(Tokens::Title), behind.clone()]));
        tokens.and_where(is_titled(column, title));
    }
    if let Some(tag) = &search.tag {
        tokens.and_where(may_have_tag(tag)).and_where(has_tag(tag));
    }
    if let Some(name) = &search.scope_name {
        tokens.and_where(names_in_scopes(name));
    }
}

/// The text of a column, as an expression.
fn text(column: Tokens) -> Expr {
    Func::coalesce([Expr::col(column), Expr::val("")]).into()
}

fn is_titled(column: impl Fn() -> Expr, title: &TitleSearch) -> Expr {
    match title {
        TitleSearch::Whole(title) => column().eq(title.as_str()),
        // Both engines compare titles by their bytes; no character comes behind this one.
        TitleSearch::Prefix(start) => {
            column().gte(start.as_str()).and(column().lt(format!("{start}{}", char::MAX)))
        }
    }
}

/// That a scope names this. In what is stored, a name is followed by a comma or a bracket, where that of a list is by a colon.
fn names_in_scopes(name: &str) -> Expr {
    let name = scopes::name_to_text(name);
    let is_followed_by = |mark: char| {
        replaced(Expr::col(Tokens::Scopes), &format!("{name}{mark}"), "").ne(Expr::col(Tokens::Scopes))
    };
    is_followed_by(',').or(is_followed_by(']'))
}

/// That a tag stands anywhere among them: quickly found out, which for most tokens decides it.
fn may_have_tag(tag: &str) -> Expr {
    replaced(Expr::col(Tokens::Tags), tag, "").ne(Expr::col(Tokens::Tags))
}

/// Both engines replace alike, and nothing else alike that seeks a text within another.
fn replaced(text: Expr, what: &str, with: &str) -> Expr {
    Func::cust("replace").args([text, Expr::val(what), Expr::val(with)]).into()
}

/// That a tag stands between commas.
fn has_tag(tag: &str) -> Expr {
    let joined = |start: Expr, end: Expr| start.binary(BinOper::Custom("||"), end);
    let list = || {
        let list = replaced(Expr::col(Tokens::Tags), ", ", ",");
        joined(joined(Expr::val(","), list), Expr::val(","))
    };
    replaced(list(), &format!(",{tag},"), "").ne(list())
}
