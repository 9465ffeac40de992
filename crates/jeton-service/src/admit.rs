//! Letting a caller in by a token of the app that it wants to act on.

use crate::apps::OpenApp;
use crate::{Service, Unavailable};
use jeton_core::{AppKey, Authority, Secret, Settings};

/// An API that an app may switch off for itself. There it is then as unknown as an app that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// `/AccessToken/{appKey}`.
    AppKey,
    /// `/v1/{db}/access_tokens`.
    Dotide,
}

impl Surface {
    pub(crate) fn is_enabled(self, settings: &Settings) -> bool {
        match self {
            Surface::AppKey => settings.appkey.enabled,
            Surface::Dotide => settings.dotide.enabled,
        }
    }
}

/// The answer to a caller that presents a token.
#[derive(Debug)]
pub enum Admission {
    /// It presented nothing, or no live token of any app.
    Unproven,
    /// Its token is live, but in another app, or there is no such app.
    Elsewhere,
    /// Its token is live in this app and lends no authority over tokens.
    Powerless,
    /// It may act, as far as the authority goes.
    Admitted {
        /// The app.
        app: Box<OpenApp>,
        /// What it may do there.
        authority: Authority,
    },
}

impl Service {
    /// Finds out what the bearer of a token may do in an app. `key` is `None` if what was named cannot be an app key.
    ///
    /// Only who presents a live token learns whether an app exists.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn admit(
        &self,
        surface: Surface,
        key: Option<&AppKey>,
        presented: Option<&Secret>,
    ) -> Result<Admission, Unavailable> {
        let Some(secret) = presented.filter(|secret| !self.is_too_weak(secret)) else {
            return Ok(Admission::Unproven);
        };
        let mut live = self.tokens_with(secret).await?;
        live.retain(|stored| self.is_live(&stored.token));
        if live.is_empty() {
            return Ok(Admission::Unproven);
        }
        let app = match key {
            Some(key) => self.open_app(key).await?.filter(|app| surface.is_enabled(&app.settings)),
            None => None,
        };
        let Some(app) = app else { return Ok(Admission::Elsewhere) };
        let Some(stored) = live.iter().find(|stored| stored.token.app_id == app.id) else {
            return Ok(Admission::Elsewhere);
        };
        let authority = Authority::of(&stored.token, &app.settings.appkey.grantable)
            .map_err(|_| Unavailable::Unreadable("settings of an app"))?;
        Ok(match authority {
            None => Admission::Powerless,
            Some(authority) => Admission::Admitted { app: Box::new(app), authority },
        })
    }
}
