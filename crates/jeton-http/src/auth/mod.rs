//! Forward-auth: a gateway asks whether the original request may pass.
//!
//! `/auth/{app}?permission=&id=&tag=`, `/auth/{app}/{demand}` or `/auth/{app}/route` with any method: the
//! demand is in the query, has that name in the app's settings, or is that of the first of their rules that
//! matches the original request. The answer is 200, 401, 403, or 503 if the service could not decide: nginx
//! passes 401 and 403 on and turns everything else into 500.

mod answer;
mod credential;
#[cfg(test)]
mod describe;
mod fast_path;
mod original_request;
mod question;

use crate::document::Document;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use crate::transport::client_address;
use answer::Answer;
use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use fast_path::answer_at_once;
use question::{Asked, Target};

/// The name of all its requests in logs and metrics.
const ROUTE: &str = "/auth/{app}";

pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["auth"]),
    routes: Routes::Router(routes),
    names: &[ROUTE],
    name: |_| Some(0),
    places: Places::OfGateways,
    refuse: |fault| Answer::Fault(fault).into_response(),
    at_once: Some(answer_at_once),
    document: Some(&DOCUMENT),
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

static DOCUMENT: Document = Document {
    name: "auth",
    text: include_str!("../../../../docs/openapi/auth.json"),
    #[cfg(test)]
    describe: describe::describe,
};

/// Also paths without an app, as a faulty recipe may send them: a gateway expects the answers of
/// forward-auth, never 404.
fn routes() -> Router<AppState> {
    let paths = ["/auth", "/auth/", "/auth/{*rest}"];
    paths.into_iter().fold(Router::new(), |routes, path| routes.route(path, any(handle)))
}

async fn handle(State(state): State<AppState>, request: Request<Body>) -> Response {
    let (uri, from) = (request.uri(), client_address::kept(request.extensions()));
    let Some(target) = Target::read(uri.path(), uri.query().unwrap_or_default()) else {
        return Answer::nobody().into_response();
    };
    let asked = Asked { target, method: request.method().as_str(), headers: request.headers() };
    asked.answer(&state.service, from).await.into_response()
}
