//! `jeton token list` and `jeton token export`

use super::list_form::is_for_people;
use super::output;
use super::token_args::{ListArgs, ListWish, TokenTarget};
use crate::control::Executor;
use crate::error::CommandError;
use crate::request::{FilterText, Request};
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

pub(super) async fn export(target: &TokenTarget) -> Result<(), CommandError> {
    let wish = ListWish { app: target.app.clone(), filter: FilterText::default(), sort: None };
    each_token(target, wish, None, |token| output::write_some(&format!("{token}\n"))).await.map(drop)
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
    let mut pages = Pages { wish, after: None, rows: FIRST_ROWS };
    let (mut listed, limit) = (0, limit.unwrap_or(u64::MAX));
    if limit == 0 {
        return Ok(None);
    }
    let rest = loop {
        let page = match pages.next(&mut executor, limit - listed).await {
            Ok(page) => page,
            Err(error) => break Err(error),
        };
        let items = page["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        if let Err(error) = items.iter().try_for_each(&mut visit) {
            break Err(error);
        }
        listed += items.len() as u64;
        match page["next"].as_str() {
            None => break Ok(None),
            Some(_) if listed >= limit => break Ok(Some(Rest { listed, total: page["total"].as_u64() })),
            Some(next) => pages.after = Some(next.to_owned()),
        }
    };
    executor.close().await;
    rest
}

/// Asks for one page after the other.
struct Pages {
    wish: ListWish,
    after: Option<String>,
    rows: u32,
}

impl Pages {
    async fn next(&mut self, executor: &mut Executor<'_>, most: u64) -> Result<Value, CommandError> {
        let ListWish { app, filter, sort } = &self.wish;
        let request = Request::TokenList {
            app: app.clone(),
            filter: filter.clone(),
            sort: *sort,
            after: self.after.clone(),
            limit: u32::try_from(most).map_or(self.rows, |most| most.min(self.rows)),
        };
        self.rows = MOST_ROWS;
        executor.ask(request).await
    }
}
