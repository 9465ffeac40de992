//! Forward-auth before routing.
//!
//! Most requests ask a gateway's question whose answer is in memory. The router would match the path, put extensions in,
//! clone its state and box two futures for each: more than the answer costs. So these are answered before it sees them; all
//! others, and those that need the store, go on to it.

use crate::auth;
use crate::client_address::{self, ForPeer, client_address};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use jeton_service::Service;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Answers forward-auth from memory, and gives everything else to the router. Clones are one and the same.
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

impl AuthFirst {
    pub(crate) fn new(service: Service, router: Router, is_behind_proxy: bool) -> Self {
        AuthFirst { parts: Arc::new(Parts { service, router, is_behind_proxy }), peer: None }
    }
}

/// Kept here and not among a request's extensions, which would cost each request three allocations.
impl ForPeer for AuthFirst {
    fn for_peer(self, peer: IpAddr) -> Self {
        AuthFirst { peer: Some(peer), ..self }
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

    fn call(&mut self, mut request: Request<Body>) -> Answering {
        let Parts { service, router, is_behind_proxy } = &*self.parts;
        let from = client_address(self.peer, request.headers(), *is_behind_proxy);
        if auth::claims(request.uri().path())
            && let Some(response) = auth::answer_at_once(service, &request, from)
        {
            return Answering::AtOnce(ready(Ok(response)));
        }
        client_address::keep(request.extensions_mut(), from);
        Answering::Routed(Box::pin(router.clone().call(request)))
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
