//! Method names in any case.
//!
//! HTTP method names are case-sensitive (RFC 9110 section 9.1), but three of the published sample clients send `get`,
//! `post`, `put` and `delete`. They are normalised before routing: a layer inside the router would come too late.

use crate::client_address::ForPeer;
use crate::server::{AtOnce, FastPath, PlainHead, Reply, Room};
use axum::http::{Method, Request};
use std::net::IpAddr;
use std::task::{Context, Poll};
use tower_service::Service;

/// Gives the inner service every known method name in upper case.
#[derive(Clone, Debug)]
pub struct NormaliseMethod<S> {
    inner: S,
}

impl<S> NormaliseMethod<S> {
    /// Wraps a service.
    pub fn new(inner: S) -> Self {
        NormaliseMethod { inner }
    }
}

impl<S: ForPeer> ForPeer for NormaliseMethod<S> {
    fn for_peer(self, peer: IpAddr) -> Self {
        NormaliseMethod { inner: self.inner.for_peer(peer) }
    }
}

/// What is plain has its method as it should be.
impl<S: FastPath> FastPath for NormaliseMethod<S> {
    type Question = S::Question;

    fn answer_at_once(&self, head: &PlainHead<'_>, reply: &mut Reply) -> AtOnce<S::Question> {
        self.inner.answer_at_once(head, reply)
    }

    fn answer_later(
        &self,
        question: S::Question,
        room: Room<'_>,
        reply: &mut Reply,
    ) -> impl Future<Output = ()> + Send {
        self.inner.answer_later(question, room, reply)
    }
}

impl<S, B> Service<Request<B>> for NormaliseMethod<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(method) = normalised(request.method()) {
            *request.method_mut() = method;
        }
        self.inner.call(request)
    }
}

/// The known method of this name in another case; `None` if it needs no change.
fn normalised(method: &Method) -> Option<Method> {
    const KNOWN: [Method; 7] = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::HEAD,
        Method::PATCH,
        Method::OPTIONS,
    ];
    if !method.as_str().bytes().any(|byte| byte.is_ascii_lowercase()) {
        return None;
    }
    let differs = |known: &Method| known != method && known.as_str().eq_ignore_ascii_case(method.as_str());
    KNOWN.into_iter().find(differs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_in_any_case_and_no_others() {
        let method = |name: &str| Method::from_bytes(name.as_bytes()).unwrap();
        assert_eq!(normalised(&method("get")), Some(Method::GET));
        assert_eq!(normalised(&method("dElEtE")), Some(Method::DELETE));
        assert_eq!(normalised(&Method::PUT), None);
        assert_eq!(normalised(&method("propfind")), None);
    }
}
