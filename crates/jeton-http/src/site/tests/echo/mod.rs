//! A minimal surface: `/echo/{word}` answers with the word.

use crate::endpoint::{Claims, Endpoint, Lookup, Places, Routes};
use crate::server::{AtOnce, PlainHead, Reply, Room};
use crate::state::AppState;
use crate::transport::client_address::Client;
use crate::transport::fault::Fault;
use axum::Router;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_LENGTH, WARNING};
use axum::response::IntoResponse;
use axum::routing::any;
use futures_util::future::BoxFuture;
use jeton_service::Service;

pub(super) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["echo"]),
    routes: Routes::Router(routes),
    names: &["/echo", "/echo/{word}"],
    name: |path| Some(usize::from(word(path).is_some())),
    places: Places::OfCredentials,
    refuse: |fault| (fault.status(), format!("no echo: {}", fault.message())).into_response(),
    at_once: Some(answer_at_once),
    document: None,
    parsers: &[("echo", |input| assert!(!input.is_empty(), "a word has a letter"))],
};

fn word(path: &str) -> Option<&str> {
    path.strip_prefix("/echo/").filter(|word| !word.is_empty())
}

fn routes() -> Router<AppState> {
    Router::new().route("/echo/{word}", any(async |Path(word): Path<String>| word))
}

/// `/echo/quick` is answered at once, and `/echo/later` after a look-up.
fn answer_at_once(
    _: &Service,
    _: Client,
    head: &PlainHead<'_>,
    reply: &mut Reply,
) -> AtOnce<Box<dyn Lookup>> {
    match word(head.path()) {
        Some("quick") => {
            write(reply, StatusCode::OK, "quick");
            AtOnce::Answered
        }
        Some("later") => AtOnce::Asked(Box::new(Later)),
        Some(_) | None => AtOnce::Unclaimed,
    }
}

#[derive(Debug)]
struct Later;

impl Lookup for Later {
    fn answer<'a>(
        self: Box<Self>,
        _: &'a Service,
        room: Room<'a>,
        reply: &'a mut Reply,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async {
            match room.take() {
                Some(_place) => write(reply, StatusCode::ACCEPTED, "later"),
                None => write(reply, Fault::NoRoom.status(), "no room"),
            }
        })
    }
}

fn write(reply: &mut Reply, status: StatusCode, warning: &str) {
    reply.begin(status);
    reply.header(&WARNING, warning.as_bytes());
    reply.header(&CONTENT_LENGTH, b"0");
}
