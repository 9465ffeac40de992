//! What is there for everybody: signing in and out, the language, the files of pages.

use super::error::ConsoleError;
use super::form::link;
use super::visit::{Arrival, SignedIn, Visit};
use super::{answer, cookie};
use crate::transport::client_address;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use jeton_console::pages::{Enter, SignIn, SignInNote};
use jeton_console::{Language, Page, Section, asset};
use jeton_core::Secret;
use jeton_service::{Operator, OperatorAdmission};

const SIGN_IN: &str = "/console/sign-in";
const FRONT: &str = "/console/";

/// Leads to where an operator signs in, and from there back to what was asked for.
pub(super) fn lead_to(arrival: &Arrival) -> Response {
    let is_over = cookie::session(&arrival.parts.headers).is_some();
    let is_get = arrival.parts.method != axum::http::Method::POST;
    let back = if is_get { arrival.here() } else { FRONT };
    let note = if is_over { "over" } else { "" };
    let mut response = answer::see_other(&link(SIGN_IN, &[("back", back), ("note", note)]));
    if is_over {
        cookie::take_session(&mut response);
    }
    response
}

/// Where to go next: the path of ours that a text is, else the front page.
fn back(text: &str) -> &str {
    let is_ours = text.starts_with(FRONT) || text == "/console";
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // A browser may read two slashes as the beginning of a host.
    if is_ours && is_plain && !text.contains("//") { text } else { FRONT }
}

/// Where an operator signs in.
pub(super) async fn ask(arrival: &Arrival) -> Result<Response, ConsoleError> {
    if arrival.session.is_some() {
        return Ok(answer::see_other(FRONT));
    }
    let query = arrival.query()?;
    let note = match query.text("note") {
        "over" => Some(SignInNote::SessionOver),
        "out" => Some(SignInNote::SignedOut),
        _ => None,
    };
    Ok(form(arrival, StatusCode::OK, query.text("back"), note))
}

fn form(arrival: &Arrival, status: StatusCode, to: &str, note: Option<SignInNote>) -> Response {
    let back = back(to);
    arrival.page(None, (status, Section::Elsewhere), |frame| SignIn { frame, back, note }.html())
}

/// Signs an operator in by its token.
pub(super) async fn sign_in(arrival: &Arrival) -> Result<Response, ConsoleError> {
    let to = arrival.form.text("back");
    let Some(token) = arrival.form.given("token") else {
        return Ok(form(arrival, StatusCode::UNPROCESSABLE_ENTITY, to, Some(SignInNote::Missing)));
    };
    let token = Secret::parse(token).ok();
    let from = client_address::kept(&arrival.parts.extensions);
    let operator = match arrival.service().admit_operator(token.as_ref(), from).await? {
        OperatorAdmission::Admitted(operator) => operator,
        OperatorAdmission::Unproven => {
            return Ok(form(arrival, StatusCode::UNAUTHORIZED, to, Some(SignInNote::Refused)));
        }
        OperatorAdmission::Throttled(often) => return Err(often.into()),
    };
    begin(arrival, &operator, to)
}

/// What a link shows that signs somebody in.
pub(super) async fn ask_to_enter(arrival: &Arrival) -> Result<Response, ConsoleError> {
    Ok(arrival.page(None, (StatusCode::OK, Section::Elsewhere), |frame| Enter { frame }.html()))
}

/// Signs in whoever has a link, which is used up by that, if it is at this machine.
pub(super) async fn enter(arrival: &Arrival) -> Result<Response, ConsoleError> {
    let from = client_address::kept(&arrival.parts.extensions);
    let is_here = !arrival.state.setup.is_behind_proxy && from.is_some_and(|from| from.is_loopback());
    let query = arrival.query()?;
    let link = query.given("link").filter(|_| is_here).and_then(|link| Secret::parse(link).ok());
    match arrival.service().take_sign_in(link.as_ref(), from).await? {
        OperatorAdmission::Admitted(operator) => begin(arrival, &operator, FRONT),
        OperatorAdmission::Unproven => {
            Ok(form(arrival, StatusCode::UNAUTHORIZED, FRONT, Some(SignInNote::LinkOver)))
        }
        OperatorAdmission::Throttled(often) => Err(often.into()),
    }
}

/// Begins the session of an operator, with an id that nobody has seen before, ends the one that the browser had, and leads on.
fn begin(arrival: &Arrival, operator: &Operator, to: &str) -> Result<Response, ConsoleError> {
    if let Some(before) = cookie::session(&arrival.parts.headers) {
        arrival.console.sessions.end(&before);
    }
    let kept = SignedIn { operator_id: operator.id, told: None };
    let id = arrival.console.sessions.begin(arrival.service(), kept)?;
    let mut response = answer::see_other(&link("/console/welcome", &[("back", back(to))]));
    cookie::give_session(&mut response, &id);
    Ok(response)
}

/// Where a browser is led with its new session: one that comes without has not kept it.
pub(super) async fn welcome(arrival: &Arrival) -> Result<Response, ConsoleError> {
    let query = arrival.query()?;
    let to = query.text("back");
    if arrival.session.is_none() {
        return Ok(form(arrival, StatusCode::UNAUTHORIZED, to, Some(SignInNote::CookieRefused)));
    }
    Ok(answer::see_other(back(to)))
}

/// Ends the session, here and not only in the browser.
pub(super) async fn sign_out(visit: &Visit) -> Result<Response, ConsoleError> {
    visit.arrival.console.sessions.end(&visit.session.id);
    let mut response = answer::see_other(&link(SIGN_IN, &[("note", "out")]));
    cookie::take_session(&mut response);
    Ok(response)
}

/// Changes nothing but the looks, for whoever asks: it needs no session.
pub(super) async fn choose_language(arrival: &Arrival) -> Result<Response, ConsoleError> {
    let language = Language::from_tag(arrival.form.text("language")).ok_or(ConsoleError::Request)?;
    let mut response = answer::see_other(back(arrival.form.text("back")));
    cookie::give_language(&mut response, language);
    Ok(response)
}

/// A file of pages. Its name changes with its content, so that whoever has it need never ask again.
pub(super) async fn file(arrival: &Arrival) -> Result<Response, ConsoleError> {
    let asset = asset(arrival.parts.uri.path()).ok_or(ConsoleError::NotFound)?;
    let head = [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((head, asset.content).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for ours in ["/console/", "/console", "/console/apps?limit=5&cursor=7", "/console/apps/a%20b"] {
            assert_eq!(back(ours), ours);
        }
        for other in [
            "",
            "/",
            "//evil.test",
            "/console//evil.test",
            "/console/\\evil.test",
            "/consolex",
            "https://evil.test/console/",
            "/console/\r\nSet-Cookie: a=b",
            "/console/ü",
            "javascript:alert(1)",
        ] {
            assert_eq!(back(other), FRONT, "{other}");
        }
    }
}
