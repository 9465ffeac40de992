//! Statements about the tokens of an app that operators seek.

use super::Statement;
use super::apps::live_id;
use super::tokens::{is_not_revoked, select};
use super::totals::sum;
use super::usage::uses_since;
use crate::model::{OwnerFilter, TokenFilter, View};
use crate::schema::{AppTotals, Count, Tokens};
use crate::search::{SearchOrder, SearchPlace, TitleSearch, TokenSearch};
use jeton_core::{AppId, Timestamp, TokenKind, TokenState};
use sea_query::{BinOper, Expr, ExprTrait, Func, Order, Query, SelectStatement};

/// At most `limit` of what is found behind a place, in the order of the search.
pub(crate) fn search_tokens(search: &TokenSearch, after: Option<SearchPlace>, limit: u32) -> Statement {
    page(select(), search, after, limit)
}

/// The same, of which only the numbers and the ends are answered.
pub(crate) fn search_places(search: &TokenSearch, after: Option<SearchPlace>, limit: u32) -> Statement {
    let places = Query::select().columns([Tokens::Id, Tokens::ExpiresAt]).from(Tokens::Table).take();
    page(places, search, after, limit)
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

fn page(
    mut tokens: SelectStatement,
    search: &TokenSearch,
    after: Option<SearchPlace>,
    limit: u32,
) -> Statement {
    keep(&mut tokens, search);
    let (id, ends_at) = (|| Expr::col(Tokens::Id), || Expr::col(Tokens::ExpiresAt));
    let place = || Expr::tuple([ends_at(), id()]);
    let at =
        |after: SearchPlace| Expr::tuple([Expr::val(after.ends_at.as_millis()), Expr::val(after.id.get())]);
    let (direction, is_behind) = match search.order() {
        SearchOrder::NewestFirst => (Order::Desc, after.map(|after| id().lt(after.id.get()))),
        SearchOrder::EndingNext => (Order::Asc, after.map(|after| place().gt(at(after)))),
        SearchOrder::EndedLast => (Order::Desc, after.map(|after| place().lt(at(after)))),
    };
    if search.order() != SearchOrder::NewestFirst {
        tokens.order_by(Tokens::ExpiresAt, direction.clone());
    }
    tokens.and_where_option(is_behind).order_by(Tokens::Id, direction).limit(u64::from(limit));
    Statement::varying(tokens)
}

/// Leaves only what is sought.
fn keep(tokens: &mut SelectStatement, search: &TokenSearch) {
    let TokenSearch {
        app_id,
        user_id,
        title,
        tag,
        state,
        unused_since,
        ends_by,
        is_eternal,
        created_before,
        now,
    } = search;
    let ends_at = || Expr::col(Tokens::ExpiresAt);
    tokens.and_where(Expr::col(Tokens::AppId).eq(live_id(*app_id)));
    in_state(tokens, *state, *now);
    if let Some(user_id) = user_id {
        tokens.and_where(Expr::col(Tokens::UserId).eq(user_id.to_string()));
    }
    if let Some(title) = title {
        tokens.and_where(is_titled(title));
    }
    if let Some(tag) = tag {
        tokens.and_where(may_have_tag(tag)).and_where(has_tag(tag));
    }
    if let Some(since) = unused_since {
        tokens
            .and_where(Expr::col(Tokens::CreatedAt).lt(since.as_millis()))
            .and_where(Expr::exists(uses_since(*since)).not());
    }
    if let Some(end) = ends_by {
        tokens.and_where(ends_at().gt(now.as_millis())).and_where(ends_at().lte(end.as_millis()));
    }
    if *is_eternal {
        tokens.and_where(ends_at().is_null());
    }
    if let Some(before) = created_before {
        tokens.and_where(Expr::col(Tokens::CreatedAt).lt(before.as_millis()));
    }
}

/// As `TokenState` has it: what is expired is that, whether or not it is switched off as well.
fn in_state(tokens: &mut SelectStatement, state: Option<TokenState>, now: Timestamp) {
    if state == Some(TokenState::Revoked) {
        tokens.and_where(Expr::col(Tokens::RevokedAt).is_not_null());
        return;
    }
    let ends_at = || Expr::col(Tokens::ExpiresAt);
    let has_not_ended = || ends_at().is_null().or(ends_at().gt(now.as_millis()));
    let disabled_by = || Expr::col(Tokens::DisabledBy);
    tokens.and_where(is_not_revoked());
    match state {
        Some(TokenState::Active) => {
            tokens.and_where(disabled_by().is_null()).and_where(has_not_ended());
        }
        Some(TokenState::Disabled) => {
            tokens.and_where(disabled_by().is_not_null()).and_where(has_not_ended());
        }
        Some(TokenState::Expired) => {
            tokens.and_where(ends_at().lte(now.as_millis()));
        }
        Some(TokenState::Revoked) | None => {}
    }
}

fn is_titled(title: &TitleSearch) -> Expr {
    let column = || Expr::col(Tokens::Title);
    match title {
        TitleSearch::Whole(title) => column().eq(title.as_str()),
        // Both engines compare titles by their bytes; no character comes behind this one.
        TitleSearch::Prefix(start) => {
            column().gte(start.as_str()).and(column().lt(format!("{start}{}", char::MAX)))
        }
    }
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
