//! `jeton init`

use super::output;
use crate::config::PlaceFlags;
use crate::failure::Failure;
use crate::place::Place;
use clap::Args;
use jeton_core::{AppKey, UserId};
use jeton_service::{InitialCredentials, KeyRing, Service, SystemClock, SystemEntropy};
use jeton_store::Store;
use serde_json::{Value, json};

/// Make the keys, the database, the first app and the first operator. Once: a second time changes nothing, exit 2
///
/// Prints the credentials, which are shown here and never again.
#[derive(Args, Debug)]
pub(crate) struct InitArgs {
    #[command(flatten)]
    place: PlaceFlags,
    /// The key of the first app, which becomes the default app
    #[arg(long, value_name = "KEY", default_value = "demo")]
    app: AppKey,
    /// The user to whom the app's admin token belongs
    #[arg(long, value_name = "USER", default_value = "1", allow_negative_numbers = true)]
    admin_user: UserId,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: InitArgs) -> Result<(), Failure> {
    let place = args.place.place()?;
    place.make_data_dir()?;
    let existing = place.keys()?;
    let store = place.open_store().await?;
    let made = initialise(&place, &*store, existing, &args.app, args.admin_user).await;
    store.close().await;
    let Some(credentials) = made? else {
        return Err(Failure::usage("already initialised: nothing was changed"));
    };
    output::write_one(&first_credentials(&credentials), args.json)
}

/// Initialises with these keys, or with new ones, which are written first: a database never exists without its keys.
/// `None`: it was done before.
pub(crate) async fn initialise(
    place: &Place,
    store: &dyn Store,
    existing: Option<KeyRing>,
    app: &AppKey,
    admin_user: UserId,
) -> Result<Option<InitialCredentials>, Failure> {
    let checks = store.key_checks().await.map_err(|error| Failure::unavailable(error.to_string()))?;
    if checks.is_some() {
        return Ok(None);
    }
    let ring = match existing {
        Some(ring) => ring,
        None => place.make_keys()?,
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
