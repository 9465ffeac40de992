//! `jeton token list`, and what it shares with `jeton token export`.

use super::list_form::is_for_people;
use super::output;
use super::token_args::{ListArgs, ListWish, TokenTarget};
use crate::control::Executor;
use crate::error::CommandError;
use crate::request::Request;
use serde_json::Value;

/// How many tokens are requested at first, so that something is there at once, and at most at a time.
const FIRST_ROWS: u32 = 100;
const MOST_ROWS: u32 = 1_000;
/// How many are shown on a terminal.
const SHOWN_ROWS: u64 = 100;

const COLUMNS: &[&str] =
    &["id", "kind", "user_id", "title", "permissions", "state", "expires_at", "last_used_at"];

pub(super) async fn list(args: &ListArgs) -> Result<(), CommandError> {
    let is_shown = is_for_people() && !args.form.json;
    let limit = args.limit.or(is_shown.then_some(SHOWN_ROWS));
    let mut list = args.form.list(COLUMNS);
    let rest = each_token(&args.target, args.wish(), limit, |token| list.add(token)).await?;
    list.end()?;
    if is_shown && let Some(rest) = rest {
        output::note(&rest.told());
    }
    Ok(())
}

/// What a list has left out.
struct Rest {
    listed: u64,
    /// How many there are in all, if that is known.
    total: Option<u64>,
}

impl Rest {
    fn told(&self) -> String {
        let Rest { listed, total } = *self;
        match total.and_then(|total| total.checked_sub(listed)).filter(|more| *more > 0) {
            Some(more) => format!("{listed} shown, {more} more: see them with --limit, or in a pipe"),
            None => format!("{listed} shown, and there are more: see them with --limit, or in a pipe"),
        }
    }
}

/// Visits the tokens that are wished for, a page at a time, and answers what was left out because of the limit.
async fn each_token(
    target: &TokenTarget,
    wish: ListWish,
    limit: Option<u64>,
    mut visit: impl FnMut(&Value) -> Result<(), CommandError>,
) -> Result<Option<Rest>, CommandError> {
    let installation = target.installation.resolve()?;
    let mut executor = Executor::of(&installation);
    let ListWish { app, filter, sort } = wish;
    let request =
        |after, limit| Request::TokenList { app: app.clone(), filter: filter.clone(), sort, after, limit };
    let mut pages = Pages::of(request);
    let (mut listed, limit) = (0, limit.unwrap_or(u64::MAX));
    let rest = loop {
        if listed >= limit {
            break Ok((limit > 0).then_some(Rest { listed, total: pages.total }));
        }
        let page = match pages.next(&mut executor, limit - listed).await {
            Ok(Some(page)) => page,
            Ok(None) => break Ok(None),
            Err(error) => break Err(error),
        };
        if let Err(error) = page.iter().try_for_each(&mut visit) {
            break Err(error);
        }
        listed += page.len() as u64;
    };
    executor.close().await;
    rest
}

/// Asks for one page after the other.
pub(super) struct Pages<R> {
    request: R,
    /// Where the next page begins; `None`: with the first token.
    after: Option<String>,
    is_over: bool,
    rows: u32,
    /// How many there are in all, if that is known.
    pub(super) total: Option<u64>,
}

impl<R: FnMut(Option<String>, u32) -> Request> Pages<R> {
    /// `request` makes the request for so many tokens behind a place.
    pub(super) fn of(request: R) -> Self {
        Pages { request, after: None, is_over: false, rows: FIRST_ROWS, total: None }
    }

    /// The next tokens, at most so many; `None`: there are no more.
    pub(super) async fn next(
        &mut self,
        executor: &mut Executor<'_>,
        most: u64,
    ) -> Result<Option<Vec<Value>>, CommandError> {
        if self.is_over {
            return Ok(None);
        }
        let rows = u32::try_from(most).map_or(self.rows, |most| most.min(self.rows));
        let mut page = executor.ask((self.request)(self.after.take(), rows)).await?;
        self.rows = MOST_ROWS;
        self.after = page["next"].as_str().map(str::to_owned);
        self.is_over = self.after.is_none();
        self.total = page["total"].as_u64();
        match page["items"].take() {
            Value::Array(items) => Ok(Some(items)),
            _ => Ok(Some(Vec::new())),
        }
    }
}
