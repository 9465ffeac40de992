//! Who may take which place, and what a request is told that is not served: there is no room for it, or something is wrong
//! with its head.

use crate::endpoint::{Places, Table};
use crate::server::{Claim, Headers, Unserved};
use crate::transport::credentials::X_ACCESS_TOKEN;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

/// What whoever answers at this path says to a request that is not served, in its own shape.
pub(crate) fn answer(table: Table, path: &str, why: Unserved) -> Response {
    (table.of(path).refuse)(why.into())
}

/// Which places a request may take.
///
/// That somebody presents credentials says little, but where nothing is done without them, who presents others than those
/// that let in is gone after one look-up.
pub(crate) fn claim(table: Table, uri: &Uri, headers: &HeaderMap) -> Claim {
    match table.of(uri.path()).places {
        Places::NoneNeeded => Claim::Free,
        Places::Common => Claim::Common,
        Places::OfGateways => Claim::Gateway,
        Places::OfCredentials if presents_credentials(uri, headers) => Claim::Credentials,
        Places::OfWhoIsNamed if presents_credentials(uri, headers) => Claim::PerhapsNamed,
        Places::OfCredentials | Places::OfWhoIsNamed => Claim::Common,
    }
}

fn presents_credentials(uri: &Uri, headers: &HeaderMap) -> bool {
    let in_headers = [AUTHORIZATION, X_ACCESS_TOKEN];
    let in_headers = in_headers.iter().any(|name| headers.named(name).next().is_some());
    in_headers || uri.query().is_some_and(|query| query.contains("access_token="))
}
