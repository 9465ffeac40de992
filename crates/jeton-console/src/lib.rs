//! The pages of the web console: what people see, as HTML, in two languages.
//!
//! Everything here is rendering. A page is a struct with what it shows and its [`Frame`], which is what
//! stands around it on each page; [`Page::html`] writes both. Nothing is looked up, decided or done here, and no time is read. Templates escape
//! every value, so that a text which a client has stored is a text.
//!
//! To add a page: a struct in `pages/` with a template of the same name, which begins with
//! `{% extends "layout.html" %}`, and its texts in a file of `messages/`. Its parts are macros in
//! `templates/ui.html`; its looks are in `assets/console.css`, since no style stands in a page.

#![deny(missing_docs)]

mod assets;
mod chart;
mod frame;
mod language;
mod messages;
pub mod pages;
mod show;
mod tally;
mod ui;
mod words;

pub use assets::{Asset, asset};
pub use frame::{Frame, Notice, Section, Site};
pub use language::Language;
pub use tally::Tally;
pub use ui::{Choice, Credential, CredentialKind, Field, Page, Paging};
