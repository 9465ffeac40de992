//! Signing in with a token.

use super::user::{Arrival, Presented, SignedIn};
use crate::browser::entrance;
use crate::browser::error::PageError;
use crate::browser::sessions::Holder;
use crate::transport::client_address;
use axum::http::StatusCode;
use axum::response::Response;
use jeton_console::pages::SignInNote;
use jeton_core::{AppKey, Secret};
use jeton_service::Surface;
use std::sync::Arc;

/// The app of the path, if it has these pages. One that has not is like one that does not exist.
async fn app_key(arrival: &Arrival) -> Result<AppKey, PageError> {
    let key = arrival.app_key().ok_or(PageError::NotFound)?;
    let from = client_address::kept(&arrival.parts.extensions);
    let found = arrival.service().open_surface_for_stranger(Surface::SelfService, &key, from).await??;
    found.map(|_| key).ok_or(PageError::NotFound)
}

/// Where users sign in.
pub(super) async fn ask(arrival: &Arrival) -> Result<Response, PageError> {
    app_key(arrival).await?;
    entrance::ask(arrival).await
}

/// Signs a user in.
pub(super) async fn sign_in(arrival: &Arrival) -> Result<Response, PageError> {
    let app = app_key(arrival).await?;
    let to = arrival.form.text("back");
    let again = |status, note| Ok(entrance::form(arrival, status, to, Some(note)));
    let Some(token) = arrival.form.given("token") else {
        return again(StatusCode::UNPROCESSABLE_ENTITY, SignInNote::Missing);
    };
    let Ok(token) = Secret::parse(token) else {
        return again(StatusCode::UNAUTHORIZED, SignInNote::Refused);
    };
    match arrival.admit(&token).await? {
        Presented::By(user) => {
            let holder = Holder { party: user.app.id.get(), id: user.token_id.get() };
            entrance::begin(arrival, holder, SignedIn { app, token: Arc::new(token) }, to)
        }
        Presented::Refused => again(StatusCode::UNAUTHORIZED, SignInNote::Refused),
    }
}

/// Where a browser is led with its new session.
pub(super) async fn welcome(arrival: &Arrival) -> Result<Response, PageError> {
    app_key(arrival).await?;
    entrance::welcome(arrival).await
}
