//! Creates the keys, the first app and the first operator, once.

use crate::error::CommandError;
use crate::installation::Installation;
use jeton_core::{AppKey, UserId};
use jeton_service::{InitialCredentials, KeyRing, Service, SystemClock, SystemEntropy};
use jeton_store::Store;
use serde_json::{Value, json};

/// Initialises with these keys, or with new ones, which are written first: a database never exists without
/// its keys. `None`: it was initialised before.
pub(crate) async fn initialise(
    installation: &Installation,
    store: &dyn Store,
    existing: Option<KeyRing>,
    app: &AppKey,
    admin_user: UserId,
) -> Result<Option<InitialCredentials>, CommandError> {
    let checks = store.key_checks().await.map_err(|error| CommandError::unavailable(error.to_string()))?;
    if checks.is_some() {
        return Ok(None);
    }
    let ring = match existing {
        Some(ring) => ring,
        None => installation.make_keys()?,
    };
    Ok(Service::initialise(store, &ring, &SystemClock, &SystemEntropy, app, admin_user).await?)
}

/// The credentials as they are printed, once.
pub(crate) fn first_credentials(credentials: &InitialCredentials) -> Value {
    json!({
        "app_key": credentials.app.app_key.as_str(),
        "client_id": credentials.app.client_id,
        "client_secret": credentials.app.client_secret.expose(),
        "admin_token": credentials.app.admin_token.expose(),
        "operator_token": credentials.operator_token.expose(),
    })
}
