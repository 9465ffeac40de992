//! The pages where the users of an app manage their own tokens, `/self-service/{app}` on the public address. An app
//! has them only if its settings say so (`self_service.enabled`).
//!
//! A user signs in with one of its tokens. Whatever it does then is done with the authority of that token, under
//! the rules of the AppKey API, which is asked for anew with every request. See `docs/self-service.md`.

mod pages;
mod sign_in;
mod tokens;
mod user;

use crate::browser::gate;
use crate::browser::pages::name;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::state::AppState;
use axum::Router;
use axum::extract::{Request, State};
use axum::routing::any;
use std::sync::Arc;
use user::SelfService;

/// One handler takes whatever lies below the prefix, so that every error is a page.
pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["self-service"]),
    routes: Routes::Router(routes),
    names: &pages::NAMES,
    name: name::<SelfService>,
    places: Places::Common,
    refuse: gate::refuse::<SelfService>,
    at_once: None,
    document: None,
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

fn routes() -> Router<AppState> {
    // The sessions of this listener, in its memory alone.
    let site = Arc::new(SelfService::new());
    let handle = move |State(state): State<AppState>, request: Request| {
        let site = Arc::clone(&site);
        async move { gate::handle(&state, &site, request).await }
    };
    let paths = ["/self-service", "/self-service/", "/self-service/{*rest}"];
    paths.into_iter().fold(Router::new(), |routes, path| routes.route(path, any(handle.clone())))
}
