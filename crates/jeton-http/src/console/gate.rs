//! From a request to whoever answers it: who asks, whether a form is one of ours, and for what.

use super::error::ConsoleError;
use super::form::Form;
use super::pages::{Serves, find};
use super::visit::{Arrival, Console, OpenSession, Visit};
use super::{answer, cookie, entrance, origin};
use crate::server::Headers;
use crate::state::AppState;
use crate::transport::body::{BodyForm, body_form, read_body};
use crate::transport::fault::Fault;
use crate::transport::{host, sessions};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::ACCEPT_LANGUAGE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use jeton_console::Language;
use std::sync::Arc;

/// Answers whatever is asked below `/console`.
pub(super) async fn handle(state: &AppState, console: &Arc<Console>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let language = language(&parts.headers);
    let response = match arrive(state, console, language, (parts, body)).await {
        Ok((arrival, serves)) => answer(arrival, serves).await,
        Err(error) => error.page_in(language),
    };
    answer::guarded(response)
}

/// In which language: the one that was chosen, else the one that the browser would rather have.
fn language(headers: &HeaderMap) -> Language {
    let accepted = || {
        let header = headers.named(&ACCEPT_LANGUAGE).next().and_then(|value| str::from_utf8(value).ok());
        Language::accepted(header.unwrap_or_default())
    };
    cookie::language(headers).unwrap_or_else(accepted)
}

/// The request with all that belongs to it, and what serves it; `None`: there is no such page.
async fn arrive(
    state: &AppState,
    console: &Arc<Console>,
    language: Language,
    (parts, body): (Parts, Body),
) -> Result<(Arrival, Option<&'static Serves>), ConsoleError> {
    let Parts { headers, uri, method, .. } = &parts;
    if !state.setup.is_admin_named && !host::is_local_name(headers, uri) {
        return Err(ConsoleError::Misdirected);
    }
    let is_post = method == Method::POST;
    let scheme = if state.setup.is_admin_named { "https" } else { "http" };
    if is_post && !origin::is_ours(headers, uri, scheme) {
        return Err(ConsoleError::Forged);
    }
    let form = if is_post {
        let body = read_body(headers, body, state.setup.body_limits).await?;
        match body_form(headers) {
            _ if body.is_empty() => Form::default(),
            BodyForm::Form => Form::read(&body)?,
            BodyForm::Json | BodyForm::Other => return Err(Fault::Unsupported("a form".into()).into()),
        }
    } else {
        Form::default()
    };
    // After the body has arrived: whoever is revoked meanwhile gains nothing by being slow.
    let session = match cookie::session(headers) {
        None => None,
        Some(id) => OpenSession::find(&state.service, console, id, uri.path()).await?,
    };
    let (serves, segments) = match find(uri.path()) {
        Some((_, page, segments)) => (Some(&page.serves), segments),
        None => (None, Vec::new()),
    };
    let (state, console) = (state.clone(), Arc::clone(console));
    Ok((Arrival { state, console, parts, language, form, segments, session }, serves))
}

async fn answer(mut arrival: Arrival, serves: Option<&'static Serves>) -> Response {
    let Some(serves) = serves else {
        let session = arrival.session.take();
        return ConsoleError::NotFound.page(&arrival, session.as_ref());
    };
    let is_get = matches!(arrival.parts.method, Method::GET | Method::HEAD);
    let is_post = arrival.parts.method == Method::POST;
    let handler = match serves {
        Serves::Open(shown, done) => {
            let handler = if is_get { *shown } else { (*done).filter(|_| is_post) };
            return match handler {
                Some(handler) => match handler(&arrival).await {
                    Ok(response) => response,
                    Err(error) => error.page(&arrival, arrival.session.as_ref()),
                },
                None => unknown_method(serves).page(&arrival, arrival.session.as_ref()),
            };
        }
        Serves::Shown(shown) | Serves::Both(shown, _) if is_get => *shown,
        Serves::Done(done) | Serves::Both(_, done) if is_post => *done,
        Serves::Shown(_) | Serves::Done(_) | Serves::Both(..) => {
            return unknown_method(serves).page(&arrival, arrival.session.as_ref());
        }
    };
    let Some(session) = arrival.session.take() else { return entrance::lead_to(&arrival) };
    if is_post && !sessions::is_form_key(&session.id, arrival.form.text("form_key")) {
        return ConsoleError::Forged.page(&arrival, Some(&session));
    }
    let visit = Visit { arrival, session };
    match handler(&visit).await {
        Ok(response) => response,
        Err(error) => error.page(&visit.arrival, Some(&visit.session)),
    }
}

fn unknown_method(serves: &Serves) -> ConsoleError {
    Fault::Method(serves.methods()).into()
}
