//! What is there for everybody: where to sign in, the way out, the language, the files of pages.

use super::error::PageError;
use super::form::link;
use super::site::Site;
use super::visit::{Arrival, Session, Visit};
use super::{answer, cookie};
use crate::browser::sessions::Holder;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use jeton_console::pages::{SignIn, SignInNote};
use jeton_console::{Language, Page, asset};

/// Leads to where visitors sign in, and from there back to what was asked for.
pub(super) fn lead_to<S: Site>(arrival: &Arrival<S>) -> Response {
    let is_get = arrival.parts.method != Method::POST;
    let back = if is_get { &arrival.here } else { &arrival.home };
    let note = if arrival.is_over { "over" } else { "" };
    let mut response = answer::see_other(&link(&sign_in_path(arrival), &[("back", back), ("note", note)]));
    if arrival.is_over {
        S::COOKIE.take(&mut response);
    }
    response
}

fn sign_in_path<S: Site>(arrival: &Arrival<S>) -> String {
    below(&arrival.home, "sign-in")
}

/// A path of the site.
fn below(home: &str, name: &str) -> String {
    format!("{}/{name}", home.trim_end_matches('/'))
}

/// Where to go next: the path of ours that a text is, else where visitors begin.
fn back<'a>(home: &'a str, text: &'a str) -> &'a str {
    let root = home.trim_end_matches('/');
    let rest = text.strip_prefix(root);
    let is_ours = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']));
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    // A browser may read two slashes as the beginning of a host.
    if is_ours && is_plain && !text.contains("//") { text } else { home }
}

/// Where visitors sign in.
pub(crate) async fn ask<S: Site>(arrival: &Arrival<S>) -> Result<Response, PageError> {
    if arrival.session.is_some() {
        return Ok(answer::see_other(&arrival.home));
    }
    let query = arrival.query()?;
    let note = match query.text("note") {
        "over" => Some(SignInNote::SessionOver),
        "out" => Some(SignInNote::SignedOut),
        _ => None,
    };
    Ok(form(arrival, StatusCode::OK, query.text("back"), note))
}

/// The form where they sign in, which leads `to` somewhere then.
pub(crate) fn form<S: Site>(
    arrival: &Arrival<S>,
    status: StatusCode,
    to: &str,
    note: Option<SignInNote>,
) -> Response {
    let back = back(&arrival.home, to);
    arrival.page(None, (status, None), |frame| SignIn { frame, back, note }.html())
}

/// Begins a session, with an id that nobody has seen before, ends the one that the browser had, and leads on.
pub(crate) fn begin<S: Site>(
    arrival: &Arrival<S>,
    holder: Holder,
    signed_in: S::SignedIn,
    to: &str,
) -> Result<Response, PageError> {
    let sessions = arrival.site.sessions();
    if let Some(before) = S::COOKIE.id(&arrival.parts.headers) {
        sessions.end(&before);
    }
    let id = sessions.begin(arrival.service(), holder, Session::of(signed_in))?;
    let home = &arrival.home;
    let mut response = answer::see_other(&link(&below(home, "welcome"), &[("back", back(home, to))]));
    S::COOKIE.give(&mut response, &id);
    Ok(response)
}

/// Where a browser is led with its new session: one that comes without has not kept it.
pub(crate) async fn welcome<S: Site>(arrival: &Arrival<S>) -> Result<Response, PageError> {
    let query = arrival.query()?;
    let to = query.text("back");
    if arrival.session.is_none() {
        return Ok(form(arrival, StatusCode::UNAUTHORIZED, to, Some(SignInNote::CookieRefused)));
    }
    Ok(answer::see_other(back(&arrival.home, to)))
}

/// Ends the session, here and not only in the browser.
pub(crate) async fn sign_out<S: Site>(visit: &Visit<S>) -> Result<Response, PageError> {
    let arrival = &visit.arrival;
    arrival.site.sessions().end(&visit.session.id);
    let mut response = answer::see_other(&link(&sign_in_path(arrival), &[("note", "out")]));
    S::COOKIE.take(&mut response);
    Ok(response)
}

/// Changes nothing but the looks, for whoever asks: it needs no session.
pub(crate) async fn choose_language<S: Site>(arrival: &Arrival<S>) -> Result<Response, PageError> {
    let language = Language::from_tag(arrival.form.text("language")).ok_or(PageError::Request)?;
    let mut response = answer::see_other(back(&arrival.home, arrival.form.text("back")));
    cookie::give_language(&mut response, language);
    Ok(response)
}

/// A file of pages. Its name changes with its content, so that whoever has it need never ask again.
pub(crate) async fn file<S: Site>(arrival: &Arrival<S>) -> Result<Response, PageError> {
    let name = arrival.segments.last().map_or("", String::as_str);
    let asset = asset(name).ok_or(PageError::NotFound)?;
    let head = [(CONTENT_TYPE, asset.content_type), (CACHE_CONTROL, "public, max-age=31536000, immutable")];
    Ok((head, asset.content).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_elsewhere() {
        for home in ["/console/", "/console", "/self-service/demo"] {
            let root = home.trim_end_matches('/');
            for rest in ["", "/", "/apps?limit=5&cursor=7", "/apps/a%20b", "?page=2"] {
                let ours = format!("{root}{rest}");
                assert_eq!(back(home, &ours), ours);
            }
            for rest in
                ["//evil.test", "/\\evil.test", "x", "/\r\nSet-Cookie: a=b", "/ü", ".evil.test", "@evil.test"]
            {
                assert_eq!(back(home, &format!("{root}{rest}")), home, "{rest}");
            }
            for other in ["", "/", "//evil.test", "https://evil.test/console/", "javascript:alert(1)"] {
                assert_eq!(back(home, other), home, "{other}");
            }
        }
    }
}
