//! From a request to whoever answers it: who asks, whether a form is one of ours, and for what.

use super::error::PageError;
use super::form::Form;
use super::pages::{Page, Serves, find};
use super::site::Site;
use super::visit::{Arrival, OpenSession, Visit};
use super::{answer, entrance, language};
use crate::browser::sessions;
use crate::state::AppState;
use crate::transport::fault::Fault;
use axum::body::Body;
use axum::extract::Request;
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use jeton_console::pages::Failure;
use jeton_console::{Frame, Language, Page as _};
use std::sync::Arc;

/// Answers whatever is asked of a site.
pub(crate) async fn handle<S: Site>(state: &AppState, site: &Arc<S>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let language = language(&parts.headers);
    let response = match arrive(state, site, language, (parts, body)).await {
        Ok((arrival, page)) => serve(arrival, page).await,
        Err(error) => failure_for_anybody::<S>(&error, language),
    };
    answer::guarded(response)
}

/// The answer to a request that is not read.
pub(crate) fn refuse<S: Site>(fault: Fault) -> Response {
    answer::guarded(failure_for_anybody::<S>(&fault.into(), Language::default()))
}

/// The request with all that belongs to it, and its page; `None`: there is no such page.
async fn arrive<S: Site>(
    state: &AppState,
    site: &Arc<S>,
    language: Language,
    (parts, body): (Parts, Body),
) -> Result<(Arrival<S>, Option<&'static Page<S>>), PageError> {
    let scheme = S::scheme(&state.setup, &parts)?;
    let form = Form::sent(&parts, body, scheme, state.setup.body_limits).await?;
    let (page, segments) = match find::<S>(parts.uri.path()) {
        Some((_, page, segments)) => (Some(page), segments),
        None => (None, Vec::new()),
    };
    let here = match parts.uri.path_and_query() {
        Some(here) if page.is_none_or(|page| !page.has_secret) => here.as_str().to_owned(),
        Some(_) | None => String::new(),
    };
    let home = S::home(&state.setup, parts.uri.path());
    let (state, site) = (state.clone(), Arc::clone(site));
    let (session, is_over) = (None, false);
    let mut arrival = Arrival { state, site, parts, language, here, home, form, segments, session, is_over };
    // After the body has arrived: whoever loses the right meanwhile gains nothing by being slow.
    arrival.find_session().await?;
    Ok((arrival, page))
}

async fn serve<S: Site>(mut arrival: Arrival<S>, page: Option<&'static Page<S>>) -> Response {
    let Some(page) = page else {
        return failure(&PageError::NotFound, &arrival, arrival.session.as_ref());
    };
    let is_get = matches!(arrival.parts.method, Method::GET | Method::HEAD);
    let is_post = arrival.parts.method == Method::POST;
    let handler = match &page.serves {
        Serves::Open(shown, done) => {
            let handler = if is_get { *shown } else { (*done).filter(|_| is_post) };
            let answered = match handler {
                Some(handler) => handler(&arrival).await,
                None => Err(unknown_method(&page.serves)),
            };
            return answered.unwrap_or_else(|error| failure(&error, &arrival, arrival.session.as_ref()));
        }
        Serves::Shown(shown) | Serves::Both(shown, _) if is_get => *shown,
        Serves::Done(done) | Serves::Both(_, done) if is_post => *done,
        serves @ (Serves::Shown(_) | Serves::Done(_) | Serves::Both(..)) => {
            return failure(&unknown_method(serves), &arrival, arrival.session.as_ref());
        }
    };
    let Some(session) = arrival.session.take() else { return entrance::lead_to(&arrival) };
    if is_post && !sessions::is_form_key(&session.id, arrival.form.text("form_key")) {
        return failure(&PageError::Forged, &arrival, Some(&session));
    }
    let visit = Visit { arrival, session };
    let answered = handler(&visit).await;
    answered.unwrap_or_else(|error| failure(&error, &visit.arrival, Some(&visit.session)))
}

fn unknown_method<S: Site>(serves: &Serves<S>) -> PageError {
    Fault::Method(serves.methods()).into()
}

/// The page that tells an error to whoever asked.
fn failure<S: Site>(error: &PageError, arrival: &Arrival<S>, session: Option<&OpenSession<S>>) -> Response {
    let write = |frame: &Frame<'_>| Failure { frame, kind: error.kind() }.html();
    error.told(arrival.page(session, (error.status(), None), write), S::ROUTE)
}

/// The same where nothing is known of whoever asked.
fn failure_for_anybody<S: Site>(error: &PageError, language: Language) -> Response {
    let frame = Frame::bare(S::around(None, None), language);
    let page = Failure { frame: &frame, kind: error.kind() }.html();
    error.told(answer::html(error.status(), page), S::ROUTE)
}
