//! Writing lists while they are read.

use crate::observe::told_request_id;
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use jeton_service::Error;

/// At most this many bytes in a short list.
const SHORT_BYTES: usize = 256 * 1024;

/// The parts around the rows of a list, and the route for the log.
pub(crate) struct ListFrame {
    pub(crate) head: String,
    pub(crate) tail: &'static str,
    pub(crate) route: &'static str,
}

/// The body of a list: head, rows separated by commas, tail. The first page is read before this returns, so
/// that an outage by then is an error; a later one cuts the connection, which no client takes for a complete
/// answer.
pub(crate) async fn list_body<R: Send + 'static>(
    pages: impl Stream<Item = Result<Vec<R>, Error>> + Send + 'static,
    frame: ListFrame,
    write_row: impl Fn(R) -> String + Send + 'static,
) -> Result<Body, Error> {
    let route = frame.route;
    let mut parts = Box::pin(parts(pages, frame, write_row));
    let head = parts.try_next().await?.unwrap_or_default();
    let first_page = parts.try_next().await?.unwrap_or_default();
    Ok(streamed([head, first_page], parts, route))
}

/// The same if clients expect the length of short lists: a list of at most [`SHORT_BYTES`] is read completely
/// before this returns.
pub(crate) async fn short_list_body<R: Send + 'static>(
    pages: impl Stream<Item = Result<Vec<R>, Error>> + Send + 'static,
    frame: ListFrame,
    write_row: impl Fn(R) -> String + Send + 'static,
) -> Result<Body, Error> {
    let route = frame.route;
    let mut parts = Box::pin(parts(pages, frame, write_row));
    let mut begun = BytesMut::new();
    while begun.len() <= SHORT_BYTES {
        match parts.try_next().await? {
            Some(part) => begun.extend(part),
            None => return Ok(Body::from(begun.freeze())),
        }
    }
    Ok(streamed([begun.freeze()], parts, route))
}

/// The head, each page, the tail.
fn parts<R>(
    pages: impl Stream<Item = Result<Vec<R>, Error>>,
    frame: ListFrame,
    write_row: impl Fn(R) -> String,
) -> impl Stream<Item = Result<Bytes, Error>> {
    let mut is_first = true;
    let rows = pages.map_ok(move |page| {
        let mut text = String::new();
        for row in page {
            if !std::mem::take(&mut is_first) {
                text.push(',');
            }
            text.push_str(&write_row(row));
        }
        Bytes::from(text)
    });
    let head = stream::iter([Ok(Bytes::from(frame.head))]);
    head.chain(rows).chain(stream::iter([Ok(Bytes::from_static(frame.tail.as_bytes()))]))
}

fn streamed<const N: usize>(
    begun: [Bytes; N],
    rest: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
    route: &'static str,
) -> Body {
    // Later pages are read outside of the task that answers the request.
    let id = told_request_id();
    let rest = rest.inspect_err(move |error| {
        let request_id = id.as_ref().and_then(|id| id.to_str().ok());
        tracing::error!(route, request_id, "{error}");
    });
    Body::from_stream(stream::iter(begun.map(Ok)).chain(rest))
}
