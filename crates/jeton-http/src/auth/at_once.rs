//! Forward-auth as it is plainly asked, before the HTTP library sees it.

use super::{Answer, Question};
use crate::endpoint::Lookup;
use crate::server::{AtOnce, PlainHead, Reply, Room};
use crate::transport::client_address::Client;
use crate::transport::fault::Fault;
use crate::transport::http_date::with_http_date;
use axum::http::header::{CONTENT_LENGTH, DATE};
use futures_util::future::BoxFuture;
use jeton_service::{Missed, Service};
use std::net::IpAddr;

/// A question that memory does not answer.
#[derive(Debug)]
struct Asked {
    question: Question,
    missed: Missed,
    from: Option<IpAddr>,
}

pub(super) fn answer_at_once(
    service: &Service,
    client: Client,
    head: &PlainHead<'_>,
    reply: &mut Reply,
) -> AtOnce<Box<dyn Lookup>> {
    let answer = match Question::read(head.path(), head.query(), head) {
        None => Answer::Unproven,
        Some(question) => {
            let from = client.address(head);
            match question.recall(service, from) {
                Ok(verified) => question.answered(Ok(verified)),
                Err(missed) => return AtOnce::Asked(Box::new(Asked { question, missed, from })),
            }
        }
    };
    write(service, &answer, reply);
    AtOnce::Answered
}

impl Lookup for Asked {
    fn answer<'a>(
        self: Box<Self>,
        service: &'a Service,
        room: Room<'a>,
        reply: &'a mut Reply,
    ) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let answer = match room.take() {
                Some(_place) => self.question.answer_missed(service, self.missed, self.from).await,
                None => Answer::Fault(Fault::NoRoom),
            };
            write(service, &answer, reply);
        })
    }
}

/// Writes an answer with what the HTTP library adds to every one.
fn write(service: &Service, answer: &Answer, reply: &mut Reply) {
    reply.begin(answer.status());
    answer.each_header(|name, value| reply.header(&name, value));
    reply.header(&CONTENT_LENGTH, b"0");
    with_http_date(service.now(), |date| reply.header(&DATE, date.as_bytes()));
}
