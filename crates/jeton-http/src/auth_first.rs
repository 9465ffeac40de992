//! Forward-auth before routing.
//!
//! Most requests ask a gateway's question whose answer is in memory. The router would match the path, put extensions in,
//! clone its state and box two futures for each: more than the answer costs. So these are answered before it sees them; all
//! others, and those that need the store, go on to it.

use crate::auth;
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use jeton_service::Service;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Answers forward-auth from memory, and gives everything else to the router. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct AuthFirst(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    service: Service,
    router: Router,
}

impl AuthFirst {
    pub(crate) fn new(service: Service, router: Router) -> Self {
        AuthFirst(Arc::new(Parts { service, router }))
    }
}

impl tower_service::Service<Request<Body>> for AuthFirst {
    type Response = Response;
    type Error = Infallible;
    type Future = Answering;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // A router is ready always.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Answering {
        let Parts { service, router } = &*self.0;
        let at_once =
            if auth::claims(request.uri().path()) { auth::answer_at_once(service, &request) } else { None };
        match at_once {
            Some(response) => Answering::AtOnce(ready(Ok(response))),
            None => Answering::Routed(Box::pin(router.clone().call(request))),
        }
    }
}

/// The answer to come.
pub enum Answering {
    /// It is there.
    AtOnce(Ready<Result<Response, Infallible>>),
    /// A handler makes it.
    Routed(Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>),
}

impl std::fmt::Debug for Answering {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Answering(..)")
    }
}

impl Future for Answering {
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Answering::AtOnce(response) => Pin::new(response).poll(context),
            Answering::Routed(response) => response.as_mut().poll(context),
        }
    }
}
