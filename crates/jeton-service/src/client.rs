//! Letting the app itself in, by its client credentials.

use crate::admit::Surface;
use crate::apps::OpenApp;
use crate::{Service, Unavailable};
use jeton_core::{Actor, AppKey, Authority, Digest, Secret};
use jeton_store::App;

/// Client credentials as they were presented.
#[derive(Debug)]
pub struct ClientCredentials {
    /// The client id.
    pub id: String,
    /// The client secret.
    pub secret: Secret,
}

impl Service {
    /// The app of this key, if these are its client credentials and it answers on this surface.
    ///
    /// Every failure is the same `None`, and takes the same work whatever is missing: one look-up, one digest, one
    /// comparison. Nobody learns here whether an app exists.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn admit_client(
        &self,
        surface: Surface,
        key: Option<&AppKey>,
        presented: Option<&ClientCredentials>,
    ) -> Result<Option<(OpenApp, Authority)>, Unavailable> {
        let Some(app) = self.client_app(key, presented).await? else { return Ok(None) };
        let app = self.read_app(&app)?;
        let authority = Authority::Manager { actor: Actor::Client, stand_in: None };
        Ok(surface.is_enabled(&app.settings).then_some((app, authority)))
    }

    /// The app of this key, if these are its client credentials; `None` after the same work in every other case.
    pub(crate) async fn client_app(
        &self,
        key: Option<&AppKey>,
        presented: Option<&ClientCredentials>,
    ) -> Result<Option<App>, Unavailable> {
        let nobody: AppKey = "0".parse().unwrap_or_else(|_| unreachable!("0 is an app key"));
        let found = self.store.app_by_key(key.unwrap_or(&nobody)).await?;
        let stored = found.as_ref().map_or(NO_SECRET, |app| app.client_secret);
        let is_secret = match presented {
            Some(credentials) => self.keys.is_client_secret(&credentials.secret, &stored),
            None => self.keys.is_client_secret(&placeholder(), &stored),
        };
        let (Some(app), Some(_), Some(credentials), true) = (found, key, presented, is_secret) else {
            return Ok(None);
        };
        Ok((app.client_id == credentials.id).then_some(app))
    }
}

/// What no secret has as its digest, as far as anybody can find out.
const NO_SECRET: Digest = Digest::ZERO;

fn placeholder() -> Secret {
    Secret::parse("none").unwrap_or_else(|_| unreachable!("four bytes are within the bounds of a secret"))
}
