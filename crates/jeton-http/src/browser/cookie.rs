//! The cookies of pages.
//!
//! All have the prefix `__Host-` (RFC 6265bis section 4.1.3.2): no other host, and no page of this one that came in clear, can set
//! them. A browser that keeps such cookies keeps them only with `Secure`, which browsers also grant to loopback addresses over plain
//! http, as far as they trust those: Chromium and Firefox do.

use crate::server::Headers;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use jeton_console::Language;
use jeton_core::Secret;

const LANGUAGE: &str = "__Host-jeton-language";
const FLAGS: &str = "Path=/; Secure; HttpOnly; SameSite=Strict";
/// How long a browser keeps the chosen language: a year.
const LANGUAGE_SECONDS: u32 = 31_536_000;

/// The cookie of this name, by which a browser proves its session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionCookie(pub(crate) &'static str);

impl SessionCookie {
    /// The id of the session that a request names.
    pub(crate) fn id(self, headers: &HeaderMap) -> Option<Secret> {
        Secret::parse(value(headers, self.0)?).ok()
    }

    /// Gives a browser the id of a session, until the browser is closed.
    pub(crate) fn give(self, response: &mut Response, id: &Secret) {
        set(response, &format!("{}={}; {FLAGS}", self.0, id.expose()));
    }

    /// Takes the id of a session away.
    pub(crate) fn take(self, response: &mut Response) {
        set(response, &format!("{}=; {FLAGS}; Max-Age=0", self.0));
    }
}

/// The language that was chosen.
pub(crate) fn language(headers: &HeaderMap) -> Option<Language> {
    Language::from_tag(value(headers, LANGUAGE)?)
}

/// The value of the only cookie of this name.
fn value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.named(&COOKIE).filter_map(|line| str::from_utf8(line).ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(other, _)| *other == name).map(|(_, value)| value);
    let only = values.next();
    if values.next().is_some() { None } else { only }
}

/// Has a browser remember a language.
pub(crate) fn give_language(response: &mut Response, language: Language) {
    set(response, &format!("{LANGUAGE}={}; {FLAGS}; Max-Age={LANGUAGE_SECONDS}", language.tag()));
}

fn set(response: &mut Response, cookie: &str) {
    let mut value = HeaderValue::from_str(cookie).unwrap_or_else(|_| unreachable!("ids and tags are ASCII"));
    value.set_sensitive(true);
    response.headers_mut().append(SET_COOKIE, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_stands_there_once() {
        let read = |lines: &[&'static str]| {
            let lines = lines.iter().map(|line| (COOKIE, HeaderValue::from_static(line)));
            let headers: HeaderMap = lines.collect();
            SessionCookie("__Host-jeton-session").id(&headers).map(|id| id.expose().to_owned())
        };
        assert_eq!(read(&["a=b; __Host-jeton-session=0123456789"]), Some("0123456789".to_owned()));
        assert_eq!(read(&["__Host-jeton-session=0123456789; __Host-jeton-session=0123456789"]), None);
        assert_eq!(read(&["jeton-session=0123456789", "__host-jeton-session=1", "x"]), None);
        assert_eq!(read(&["__Host-jeton-session="]), None);
    }
}
