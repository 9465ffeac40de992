//! Which places requests may take, and the answers to requests that are refused because there is no place or
//! their head is invalid.

use crate::endpoint::{Places, Table};
use crate::server::{Claim, Headers, Unserved};
use crate::transport::credentials::X_ACCESS_TOKEN;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

/// The answer of the surface of this path to a request that is refused, in its own shape.
pub(crate) fn answer(table: Table, path: &str, why: Unserved) -> Response {
    (table.of(path).refuse)(why.into())
}

/// The places that a request may take.
///
/// Presented credentials may be invalid, but where nothing is done without valid ones, a request with others
/// is over after one look-up.
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
