//! What a site is that people reach by a browser.

use super::cookie::SessionCookie;
use super::error::PageError;
use super::pages::Page;
use super::visit::{Arrival, Session};
use crate::browser::sessions::Sessions;
use crate::state::Setup;
use axum::http::request::Parts;
use futures_util::future::BoxFuture;

/// Pages that people sign in to. What protects them is in this folder, once for all sites: where forms come from, what proves a
/// session, which headers a page has.
pub(crate) trait Site: Send + Sync + Sized + 'static {
    /// What a session knows of whoever has signed in.
    type SignedIn: Clone + Send + Sync;
    /// Who that is now.
    type Visitor: Send + Sync;
    /// The part of the site that a page belongs to.
    type Section: Copy;

    /// What all of its paths begin with. Logs call it so where no other name fits.
    const ROUTE: &'static str;
    /// What a browser proves its session by.
    const COOKIE: SessionCookie;

    /// Its pages.
    fn pages() -> &'static [Page<Self>];

    /// The sessions of this listener.
    fn sessions(&self) -> &Sessions<Session<Self::SignedIn>>;

    /// By which scheme its pages are reached.
    ///
    /// # Errors
    /// The request may have been led here by a name that is not ours.
    fn scheme(setup: &Setup, parts: &Parts) -> Result<&'static str, PageError>;

    /// Whether whoever has signed in has done so where the request leads.
    fn is_there(arrival: &Arrival<Self>, signed_in: &Self::SignedIn) -> bool;

    /// Who that is, as of now; `None`: something has ended it. It is asked with every request.
    fn visitor<'a>(
        arrival: &'a Arrival<Self>,
        signed_in: &'a Self::SignedIn,
    ) -> BoxFuture<'a, Result<Option<Self::Visitor>, PageError>>;

    /// What a visitor is called.
    fn name(visitor: &Self::Visitor) -> &str;

    /// What stands around a page. `arrival`: for whom, if that is known; `section`: what it belongs to, if anything.
    fn around(arrival: Option<&Arrival<Self>>, section: Option<Self::Section>) -> jeton_console::Site<'_>;

    /// The path where visitors begin who ask for this one.
    fn home(setup: &Setup, path: &str) -> String;
}
