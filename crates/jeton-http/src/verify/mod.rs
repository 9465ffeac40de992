//! `POST /verify/{app}`: a backend verifies tokens of its app, one or up to 1,000 at once.
//!
//! The backend authenticates with the app's client credentials or with a service credential with
//! `jeton:verify`. See `docs/verify.md` for the protocol.

#[cfg(test)]
mod describe;
mod error;
mod input;
mod wire;

use crate::document::Document;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use crate::transport::body::read_body;
use crate::transport::credentials::proof;
use crate::transport::fault::Fault;
use crate::transport::limits::add_limit_headers;
use crate::transport::outdated::{JETON_STALE, stale_seconds};
use crate::transport::url::segments;
use crate::transport::{client_address, cors};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use error::VerifyError;
use input::{Question, questions};
use jeton_core::{AppKey, InactiveReason, Verdict};
use jeton_service::{Checked, Surface, VerifierAdmission};

/// A body with at least this many bytes is parsed in its app's turn: that takes longer than answering most
/// requests.
const LARGE: usize = 16 * 1024;

/// One handler for all paths below the prefix, so that every error has the same shape.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["verify"]),
    routes: Routes::Router(routes),
    names: &["/verify/{app}"],
    name: |_| Some(0),
    places: Places::OfCredentials,
    refuse: |fault| VerifyError::from(fault).into_response(),
    at_once: None,
    document: Some(&DOCUMENT),
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

static DOCUMENT: Document = Document {
    name: "verify",
    text: include_str!("../../../../docs/openapi/verify.json"),
    #[cfg(test)]
    describe: describe::describe,
};

fn routes() -> Router<AppState> {
    let paths = ["/verify", "/verify/", "/verify/{*rest}"];
    paths.into_iter().fold(Router::new(), |routes, path| routes.route(path, any(handle)))
}

async fn handle(State(state): State<AppState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let segments = segments(parts.uri.path(), "/verify").unwrap_or_default();
    let [app] = segments.as_slice() else { return VerifyError::NoSuchPath.into_response() };
    let key: Option<AppKey> = app.parse().ok();
    let place = (&state.service, Surface::Verify, key.as_ref());
    cors::answer(place, &parts, Some("POST"), answer(&state, key.as_ref(), &parts, body)).await
}

async fn answer(
    state: &AppState,
    key: Option<&AppKey>,
    parts: &Parts,
    body: Body,
) -> Result<Response, VerifyError> {
    let (service, setup) = (&state.service, &state.setup);
    if parts.method != Method::POST {
        return Err(Fault::Method("POST").into());
    }
    let proof = proof(&parts.headers).ok_or(VerifyError::Unproven)?;
    let body = read_body(&parts.headers, body, setup.verify_body_limits).await;
    let from = client_address::kept(&parts.extensions);
    let asked = body.as_ref().map_or(1, |body| input::about_how_many(body));
    let app = match service.admit_verifier(key, &proof, from, asked).await? {
        VerifierAdmission::Admitted(app) => app,
        VerifierAdmission::Throttled(often) => return Err(Fault::TooOften(often).into()),
        VerifierAdmission::Powerless => return Err(VerifyError::Powerless),
        VerifierAdmission::Unproven => return Err(VerifyError::Unproven),
    };
    let body = body?;
    let question = {
        let _turn = if body.len() > LARGE { Some(service.batch_turn(app.id).await?) } else { None };
        questions(&body)?
    };
    let outdated = service.outdated();
    let mut response = match question {
        Question::One(check) => {
            let answers = service.verify_many(&app, &[check]).await?;
            let [answer] = answers.as_slice() else { unreachable!("every check is answered") };
            one(answer)
        }
        Question::Many(batch) => {
            let answers = service.verify_many(&app, &batch.checks).await?;
            (StatusCode::OK, HEAD, wire::many(&answers, &batch.errors)).into_response()
        }
    };
    if let Some(outdated) = outdated.or_else(|| service.outdated()) {
        response.headers_mut().insert(JETON_STALE, stale_seconds(outdated).into());
    }
    Ok(response)
}

const HEAD: [(HeaderName, &str); 2] = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "no-store")];

/// The answer to a single check. That its token was used as often as it may be is also said by the status, as to gateways.
fn one(checked: &Checked) -> Response {
    let status = match checked.verdict {
        Verdict::RateLimited | Verdict::Inactive(InactiveReason::UsesExhausted) => {
            StatusCode::TOO_MANY_REQUESTS
        }
        Verdict::Allowed | Verdict::Refused | Verdict::Inactive(_) => StatusCode::OK,
    };
    let mut response = (status, HEAD, wire::one(checked)).into_response();
    if let Some(limits) = &checked.limits {
        add_limit_headers(response.headers_mut(), limits);
    }
    response
}
