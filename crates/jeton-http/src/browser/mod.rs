//! What the sites share that people reach by a browser: who may do what, where forms come from, cookies, the language, and the
//! headers of pages.
//!
//! A site implements [`Site`](site::Site) and has a table of [pages](pages::Page). A handler gets a [`Visit`](visit::Visit): who has
//! signed in is known by then, a form is read, and known to be from one of our pages.

pub(crate) mod answer;
pub(crate) mod cookie;
pub(crate) mod entrance;
pub(crate) mod error;
pub(crate) mod form;
pub(crate) mod gate;
pub(crate) mod grace;
pub(crate) mod origin;
pub(crate) mod pages;
pub(crate) mod sessions;
pub(crate) mod site;
pub(crate) mod visit;

use crate::server::Headers;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use jeton_console::Language;

/// The language of a page: the one that was chosen, else the one that the browser would rather have.
pub(crate) fn language(headers: &HeaderMap) -> Language {
    let accepted = || {
        let header = headers.named(&ACCEPT_LANGUAGE).next().and_then(|value| str::from_utf8(value).ok());
        Language::accepted(header.unwrap_or_default())
    };
    cookie::language(headers).unwrap_or_else(accepted)
}
