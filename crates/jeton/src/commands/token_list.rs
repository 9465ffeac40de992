//! The list of `jeton token list` and `jeton token export`, a page at a time.

use super::open_app;
use super::token::AUTHORITY;
use super::token_input::search_of;
use super::token_json::token_json;
use crate::error::CommandError;
use crate::request::{FilterText, Sort};
use jeton_service::{SearchRequest, Service};
use jeton_store::{SearchOrder, SearchPlace};
use serde_json::{Value, json};

/// Bytes that end a page, however few tokens they are, so that it fits into one message.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

/// A page: `items`, and where the `next` one begins, if there may be more; `total` says how many there are in all, where that is kept.
pub(super) async fn list(
    service: &Service,
    app: &str,
    filter: FilterText,
    sort: Option<Sort>,
    after: Option<&str>,
    limit: u32,
) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let request = SearchRequest { sorted: sort.map(SearchOrder::from), ..search_of(filter)? };
    let order = request.at(&app, service.now()).order();
    let after = after.and_then(|text| SearchPlace::from_text(text, order));
    let found = service.look_for(&app, &AUTHORITY, &request, after.as_ref(), limit).await?;
    let left = service.uses_left(found.items.iter().map(|listed| &listed.token)).await?;
    let (mut items, mut bytes, mut next) = (Vec::new(), 0, found.next);
    for listed in &found.items {
        let id = &listed.token.id;
        let item = token_json(service, &listed.token, found.usage.get(id), left.get(id).copied());
        bytes += item.to_string().len();
        items.push(item);
        if bytes >= PAGE_BYTES && items.len() < found.items.len() {
            next = Some(SearchPlace::of(&listed.token, order));
            break;
        }
    }
    Ok(json!({"items": items, "next": next.map(|place| place.to_text()), "total": found.total}))
}

impl From<Sort> for SearchOrder {
    fn from(sort: Sort) -> Self {
        match sort {
            Sort::Newest => SearchOrder::NewestFirst,
            Sort::Oldest => SearchOrder::OldestFirst,
            Sort::Expiry => SearchOrder::EndingNext,
            Sort::Title => SearchOrder::ByTitle,
        }
    }
}
