//! Writing a list as it is read.

use crate::observe::told_request_id;
use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use jeton_service::{Listed, Unavailable};

/// What stands around the rows of a list, and the route that the log names.
pub(crate) struct ListFrame {
    pub(crate) head: String,
    pub(crate) tail: &'static str,
    pub(crate) route: &'static str,
}

/// The body of a list: head, rows with commas between, tail. The first page is read before this answers, so that an
/// outage found by then is an error; one found later cuts the connection, which no client takes for a complete answer.
pub(crate) async fn list_body(
    pages: impl Stream<Item = Result<Vec<Listed>, Unavailable>> + Send + 'static,
    frame: ListFrame,
    write_row: impl Fn(&Listed) -> String + Send + 'static,
) -> Result<Body, Unavailable> {
    let ListFrame { head, tail, route } = frame;
    let mut pages = Box::pin(pages);
    let first = pages.next().await.transpose()?.unwrap_or_default();
    let mut is_first = true;
    // What is read later is read outside of what answers the request.
    let id = told_request_id();
    let rows = stream::iter([Ok(first)]).chain(pages).map(move |page| {
        let request_id = id.as_ref().and_then(|id| id.to_str().ok());
        let page = page.inspect_err(|error| tracing::error!(route, request_id, "{error}"))?;
        let mut text = String::new();
        for listed in &page {
            if !std::mem::take(&mut is_first) {
                text.push(',');
            }
            text.push_str(&write_row(listed));
        }
        Ok::<_, Unavailable>(Bytes::from(text))
    });
    let head = stream::iter([Ok(Bytes::from(head))]);
    let tail = stream::iter([Ok(Bytes::from_static(tail.as_bytes()))]);
    Ok(Body::from_stream(head.chain(rows).chain(tail)))
}
