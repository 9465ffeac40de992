//! `createChangeStream`: changes of rows as they happen.
//!
//! As server-sent events for clients that accept them, otherwise in the lines of mux-demux, which LoopBack's
//! own remote client reads. Both have a heartbeat, and both report gaps and the reason for their end.

use super::answer::{Formed, not_acceptable};
use super::error::LoopBackError;
use super::handlers::Model;
use super::negotiation::{BodyForm, Wishes};
use super::wire;
use crate::transport::fault::Fault;
use axum::body::{Body, Bytes};
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use jeton_loopback::Condition;
use jeton_service::{FeedPosition, MAX_STREAM_PATTERN_BYTES, RowChange, RowEvent, StreamItem};
use std::convert::Infallible;

/// How a stream is encoded.
#[derive(Clone, Copy, Debug)]
enum Framing {
    /// Server-sent events.
    Events,
    /// Lines of JSON in the form of mux-demux: each names the stream, of which there is one.
    Lines,
}

impl Model<'_> {
    pub(super) async fn change_stream(&self, wishes: &Wishes) -> Result<Response, LoopBackError> {
        let framing = if wishes.takes_events { Framing::Events } else { Framing::Lines };
        if matches!((framing, &wishes.body), (Framing::Lines, BodyForm::NotAcceptable)) {
            return Ok(not_acceptable());
        }
        // LoopBack 2 parses its options and ignores them all, `where` included: the condition has a name of
        // its own.
        self.arguments.object("options")?;
        let condition = self.read("where", Condition::parse).await?;
        if condition.pattern_bytes() > MAX_STREAM_PATTERN_BYTES {
            let text =
                format!("The patterns of a change stream take at most {MAX_STREAM_PATTERN_BYTES} bytes");
            return Err(LoopBackError::Bad(text));
        }
        // What is not text is not a position either: the client gets a gap.
        let since = self.arguments.headers.get("last-event-id").map(|since| since.to_str().unwrap_or("?"));
        let since = since.filter(|since| !since.is_empty());
        let opened = self.service.loopback_stream(self.app, &self.writer.caller, condition, since);
        let rows = opened.await?.ok_or(Fault::NoRoom)?;
        let items = stream::unfold(rows, move |mut rows| async move {
            let item = rows.next().await?;
            Some((Ok::<_, Infallible>(Bytes::from(framing.item(item))), rows))
        });
        let begin = stream::iter([Ok(Bytes::from_static(framing.begin().as_bytes()))]);
        let body = Body::from_stream(futures_util::StreamExt::chain(begin, items));
        let mut response = body.into_response();
        response.headers_mut().extend(framing.headers());
        response.extensions_mut().insert(Formed);
        Ok(response)
    }
}

impl Framing {
    /// LoopBack's own, and one for nginx, which would otherwise buffer the answer.
    fn headers(self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        let own: &[(HeaderName, &str)] = match self {
            Framing::Events => &[
                (CONTENT_TYPE, "text/event-stream"),
                (CACHE_CONTROL, "no-cache, no-transform"),
                (CONNECTION, "keep-alive"),
                (CONTENT_ENCODING, "x-no-compression"),
            ],
            Framing::Lines => &[(CONTENT_TYPE, "application/json; boundary=NL"), (CACHE_CONTROL, "no-store")],
        };
        let unbuffered = (HeaderName::from_static("x-accel-buffering"), "no");
        let headers = own.iter().cloned().chain([unbuffered]);
        headers.map(|(name, value)| (name, HeaderValue::from_static(value)))
    }

    fn begin(self) -> &'static str {
        match self {
            Framing::Events => ":ok\n\n",
            Framing::Lines => "[\"changes\",\"new\",{\"opts\":{\"writable\":false,\"readable\":true}}]\n",
        }
    }

    fn item(self, item: StreamItem) -> String {
        match item {
            StreamItem::Events(events) => events.iter().map(|event| self.event(event)).collect(),
            StreamItem::Gap(position) => self.named(Some(position), "gap", &wire::notice("gap", None)),
            StreamItem::End(end) => self.named(None, "end", &wire::notice("end", Some(end.name()))),
            StreamItem::Heartbeat(position) => match self {
                // Without data it is not an event, but the client learns its position.
                Framing::Events => format!(":\nid: {position}\n\n"),
                // It names no stream, and is ignored.
                Framing::Lines => "[]\n".to_owned(),
            },
        }
    }

    fn event(self, event: &RowEvent) -> String {
        let name = if matches!(event.change, RowChange::Purged) { "purge" } else { "data" };
        self.named(Some(event.position), name, event.text(wire::row_change))
    }

    fn named(self, position: Option<FeedPosition>, name: &str, data: &str) -> String {
        match self {
            Framing::Events => {
                let id = position.map(|position| format!("id: {position}\n")).unwrap_or_default();
                format!("{id}event: {name}\ndata: {data}\n\n")
            }
            Framing::Lines => format!("[\"changes\",\"{name}\",{data}]\n"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_service::StreamEnd;

    #[test]
    fn what_a_stream_says_of_itself() {
        let position: FeedPosition = "00000000000000ff-7".parse().unwrap();
        let events = |item| Framing::Events.item(item);
        let lines = |item| Framing::Lines.item(item);
        let gap = "id: 00000000000000ff-7\nevent: gap\ndata: {\"type\":\"gap\"}\n\n";
        assert_eq!(events(StreamItem::Gap(position)), gap);
        assert_eq!(lines(StreamItem::Gap(position)), "[\"changes\",\"gap\",{\"type\":\"gap\"}]\n");
        assert_eq!(events(StreamItem::Heartbeat(position)), ":\nid: 00000000000000ff-7\n\n");
        assert_eq!(lines(StreamItem::Heartbeat(position)), "[]\n");
        let end = "{\"type\":\"end\",\"reason\":\"slow\"}";
        assert_eq!(events(StreamItem::End(StreamEnd::Slow)), format!("event: end\ndata: {end}\n\n"));
        assert_eq!(lines(StreamItem::End(StreamEnd::Slow)), format!("[\"changes\",\"end\",{end}]\n"));
    }

    #[test]
    fn positions_are_taken_as_they_were_given() {
        for bad in ["", "7", "-7", "ff-7", "00000000000000FF-7", "00000000000000ff--7", "00000000000000ff-07"]
        {
            assert!(bad.parse::<FeedPosition>().is_err(), "{bad}");
        }
    }
}
