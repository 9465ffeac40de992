//! What serves the public address: forward-auth on the fast path, and a router for everything else.

use crate::auth::{self, Answer, Question};
use crate::server::{AtOnce, FastPath, ForPeer, PlainHead, Reply, Room};
use crate::transport::client_address::{self, client_address};
use crate::transport::http_date::with_http_date;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONTENT_LENGTH, DATE};
use axum::response::Response;
use axum::routing::future::RouteFuture;
use jeton_service::{Missed, Service};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Answers forward-auth on the [`FastPath`], and gives everything else to the router. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct AuthFirst {
    parts: Arc<Parts>,
    /// Whom the connection is with; `None`: not known.
    peer: Option<IpAddr>,
}

#[derive(Debug)]
struct Parts {
    service: Service,
    router: Router,
    is_behind_proxy: bool,
}

/// A question of forward-auth that memory does not answer.
#[derive(Debug)]
pub struct Asked {
    question: Question,
    missed: Missed,
    from: Option<IpAddr>,
}

impl AuthFirst {
    pub(crate) fn new(service: Service, router: Router, is_behind_proxy: bool) -> Self {
        AuthFirst { parts: Arc::new(Parts { service, router, is_behind_proxy }), peer: None }
    }

    /// Writes an answer with what hyper adds to every one.
    fn write(&self, answer: &Answer, reply: &mut Reply) {
        reply.begin(answer.status());
        answer.each_header(|name, value| reply.header(&name, value));
        reply.header(&CONTENT_LENGTH, b"0");
        with_http_date(self.parts.service.now(), |date| reply.header(&DATE, date.as_bytes()));
    }
}

/// Kept here and not among a request's extensions, which would cost each request three allocations.
impl ForPeer for AuthFirst {
    fn for_peer(self, peer: IpAddr) -> Self {
        AuthFirst { peer: Some(peer), ..self }
    }
}

impl FastPath for AuthFirst {
    type Question = Asked;

    fn answer_at_once(&self, head: &PlainHead<'_>, reply: &mut Reply) -> AtOnce<Asked> {
        if !auth::claims(head.path()) {
            return AtOnce::Unclaimed;
        }
        let Parts { service, is_behind_proxy, .. } = &*self.parts;
        let answer = match Question::read(head.path(), head.query(), head) {
            None => Answer::Unproven,
            Some(question) => {
                let from = client_address(self.peer, head, *is_behind_proxy);
                match question.recall(service, from) {
                    Ok(verified) => question.answered(Ok(verified)),
                    Err(missed) => return AtOnce::Asked(Asked { question, missed, from }),
                }
            }
        };
        self.write(&answer, reply);
        AtOnce::Answered
    }

    async fn answer_later(&self, Asked { question, missed, from }: Asked, room: Room<'_>, reply: &mut Reply) {
        let answer = match room.take() {
            Some(_place) => question.answer_missed(&self.parts.service, missed, from).await,
            None => Answer::Busy,
        };
        self.write(&answer, reply);
    }
}

impl tower_service::Service<Request<Body>> for AuthFirst {
    type Response = Response;
    type Error = Infallible;
    type Future = RouteFuture<Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        // A router is ready always.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let Parts { router, is_behind_proxy, .. } = &*self.parts;
        let from = client_address(self.peer, request.headers(), *is_behind_proxy);
        client_address::keep(request.extensions_mut(), from);
        router.clone().call(request)
    }
}
