//! Forward-auth on the fast path, before hyper.

use super::answer::Answer;
use super::question::{Asked, Question, Target};
use crate::endpoint::Lookup;
use crate::server::{AtOnce, PlainHead, Reply, Room};
use crate::transport::client_address::Client;
use crate::transport::fault::Fault;
use crate::transport::http_date::with_http_date;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, DATE};
use futures_util::future::BoxFuture;
use jeton_service::{Missed, Service};
use std::net::IpAddr;

/// A question that memory cannot answer.
#[derive(Debug)]
enum Unanswered {
    /// The token is not cached.
    Token(Question, Missed),
    /// The app is not cached, and so it is unknown how to read the question.
    App { path: String, query: String, method: &'static str, headers: HeaderMap },
}

/// The same, with the address of the client.
#[derive(Debug)]
struct Waiting(Unanswered, Option<IpAddr>);

pub(super) fn answer_at_once(
    service: &Service,
    client: Client,
    head: &PlainHead<'_>,
    reply: &mut Reply,
) -> AtOnce<Box<dyn Lookup>> {
    let answer = match Target::read(head.path(), head.query()) {
        None => Answer::nobody(),
        Some(target) => {
            let from = client.address(head);
            let Some(app) = service.forward_auth_app_from_memory(&target.app) else {
                return AtOnce::Asked(Box::new(Waiting(Unanswered::of_unknown_app(head), from)));
            };
            let asked = Asked { target, method: head.method(), headers: head };
            match asked.question(app).map(|question| (question.recall(service, from), question)) {
                Err(answer) => answer,
                Ok((Ok(verified), question)) => question.answered(service, Ok(verified)),
                Ok((Err(missed), question)) => {
                    return AtOnce::Asked(Box::new(Waiting(Unanswered::Token(question, missed), from)));
                }
            }
        }
    };
    write(service, &answer, reply);
    AtOnce::Answered
}

impl Unanswered {
    fn of_unknown_app(head: &PlainHead<'_>) -> Self {
        let (path, query) = (head.path().to_owned(), head.query().to_owned());
        Unanswered::App { path, query, method: head.method(), headers: head.to_headers() }
    }

    async fn answer(self, service: &Service, from: Option<IpAddr>) -> Answer {
        match self {
            Unanswered::Token(question, missed) => question.answer_missed(service, missed, from).await,
            Unanswered::App { path, query, method, headers } => match Target::read(&path, &query) {
                Some(target) => Asked { target, method, headers: &headers }.answer(service, from).await,
                None => Answer::nobody(),
            },
        }
    }
}

impl Lookup for Waiting {
    fn answer<'a>(
        self: Box<Self>,
        service: &'a Service,
        room: Room<'a>,
        reply: &'a mut Reply,
    ) -> BoxFuture<'a, ()> {
        let Waiting(unanswered, from) = *self;
        Box::pin(async move {
            let answer = match room.take() {
                Some(_place) => unanswered.answer(service, from).await,
                None => Answer::Fault(Fault::NoRoom),
            };
            write(service, &answer, reply);
        })
    }
}

/// Writes an answer with the headers that hyper adds to every one.
fn write(service: &Service, answer: &Answer, reply: &mut Reply) {
    reply.begin(answer.status());
    answer.each_header(|name, value| reply.header(&name, value));
    reply.header(&CONTENT_LENGTH, b"0");
    with_http_date(service.now(), |date| reply.header(&DATE, date.as_bytes()));
}
