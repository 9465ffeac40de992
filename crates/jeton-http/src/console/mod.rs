//! The web console, `/console/` on the admin address: what the admin API does, for people with a browser.
//!
//! An operator signs in with its token, and has a session from then on. Whatever it does goes through the use
//! cases that the admin API calls. The pages themselves are `jeton-console`'s. See `docs/console.md`.
//!
//! To add a page: a line of the table in `pages.rs`, and its handler in the file of its subject. A handler gets a
//! [`Visit`](visit::Visit): the operator is known by then, a form is read, and known to be from one of our pages.

mod apps;
mod audit;
mod entrance;
mod front;
mod limits_input;
mod operators;
mod pages;
mod revoke_tokens;
mod settings;
mod token_filter;
mod token_form;
mod token_input;
mod token_refusal;
mod tokens;
mod visit;

use crate::browser::gate;
use crate::browser::pages::name;
use crate::browser::site::Site;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::any;
use std::sync::Arc;
use visit::Console;

/// One handler takes whatever lies below the prefix, so that every error is a page.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["console"]),
    routes: Routes::Router(routes),
    names: &pages::NAMES,
    name: name::<Console>,
    places: Places::OfCookie(Console::COOKIE.0),
    refuse: gate::refuse::<Console>,
    at_once: None,
    document: None,
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

fn routes() -> Router<AppState> {
    // The sessions of this listener, in its memory alone.
    let console = Arc::new(Console::new());
    let handle = move |State(state): State<AppState>, request: Request| {
        let console = Arc::clone(&console);
        async move { gate::handle(&state, &console, request).await }
    };
    let paths = ["/console", "/console/", "/console/{*rest}"];
    paths.into_iter().fold(Router::new(), |routes, path| routes.route(path, any(handle.clone())))
}
