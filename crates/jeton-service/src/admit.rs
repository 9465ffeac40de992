//! Letting a caller in by a token of the app that it wants to act on.

use crate::apps::OpenApp;
use crate::{Service, Unavailable};
use jeton_core::{Actor, AppKey, Authority, Secret, Settings};
use std::net::IpAddr;

/// An API that an app may switch off for itself. There it is then as unknown as an app that does not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// `/AccessToken/{appKey}`.
    AppKey,
    /// `/v1/{db}/access_tokens`.
    Dotide,
    /// `/api/accessTokens`.
    LoopBack,
}

impl Surface {
    pub(crate) fn is_enabled(self, settings: &Settings) -> bool {
        match self {
            Surface::AppKey => settings.appkey.enabled,
            Surface::Dotide => settings.dotide.enabled,
            Surface::LoopBack => settings.loopback.enabled,
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
    /// The app of this key, or the default app, if it answers on this surface.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn open_surface(
        &self,
        surface: Surface,
        key: Option<&AppKey>,
    ) -> Result<Option<OpenApp>, Unavailable> {
        let app = match key {
            Some(key) => self.store.app_by_key(key).await?,
            None => self.store.default_app().await?,
        };
        let app = app.map(|app| self.read_app(&app)).transpose()?;
        Ok(app.filter(|app| surface.is_enabled(&app.settings)))
    }

    /// Whether a caller that was admitted still has the authority that it had then.
    pub(crate) async fn still_holds(
        &self,
        app: &OpenApp,
        authority: &Authority,
    ) -> Result<bool, Unavailable> {
        let id = match authority {
            Authority::Everything(_) => return Ok(true),
            Authority::SelfService { token_id, .. } => token_id,
            Authority::Manager { actor: Actor::Manager(token_id), .. } => token_id,
            Authority::Manager { .. } => {
                let now = self.store.app_by_key(&app.key).await?;
                return Ok(now.is_some_and(|now| now.id == app.id && now.client_secret == app.client_secret));
            }
        };
        let Some(stored) = self.store.token(app.id, *id).await?.filter(|stored| self.is_live(&stored.token))
        else {
            return Ok(false);
        };
        let now = Authority::of(&stored.token, &app.settings.appkey.grantable);
        Ok(now.is_ok_and(|now| now.as_ref() == Some(authority)))
    }

    /// Finds out what the bearer of a token may do in an app. `key` is `None` if what was named cannot be an app key.
    ///
    /// Only who presents a live token learns whether an app exists. If it is one of this app, that counts as a use of it,
    /// from the address `from` if that is known.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn admit(
        &self,
        surface: Surface,
        key: Option<&AppKey>,
        presented: Option<&Secret>,
        from: Option<IpAddr>,
    ) -> Result<Admission, Unavailable> {
        let Some(secret) = presented.filter(|secret| !self.is_too_weak(secret)) else {
            return Ok(Admission::Unproven);
        };
        let mut live = self.tokens_presented(secret).await?;
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
        self.record_use_of(&stored.token, from);
        let authority = Authority::of(&stored.token, &app.settings.appkey.grantable)
            .map_err(|_| Unavailable::Unreadable("settings of an app"))?;
        Ok(match authority {
            None => Admission::Powerless,
            Some(authority) => Admission::Admitted { app: Box::new(app), authority },
        })
    }
}
