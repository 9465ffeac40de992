//! Admission of callers by a token of the app that they act on.

use crate::cache::Before;
use crate::limiter::{Purpose, TooOften};
use crate::lookup::{Presented, Seeking};
use crate::open_app::OpenApp;
use crate::settings::AppSettings;
use crate::{CachedToken, Error, Service};
use jeton_core::{Actor, AppKey, Authority, Cause, Secret};
use jeton_store::{App, Credential};
use std::net::IpAddr;
use std::sync::Arc;

/// An API. An app that has disabled one is unknown there, like an app that does not exist, and one that is suspended everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// `/AccessToken/{appKey}`.
    AppKey,
    /// `/v1/{db}/access_tokens`.
    Dotide,
    /// `/api/accessTokens`.
    LoopBack,
    /// `/verify/{app}`, which no app can disable.
    Verify,
    /// `/self-service/{app}`, which an app has only if it says so.
    SelfService,
    /// `/delegate/{app}`, which no app can disable as such.
    Delegate,
}

impl Surface {
    pub(crate) fn is_enabled(self, settings: &AppSettings) -> bool {
        let is_enabled = match self {
            Surface::AppKey => settings.common.appkey.enabled,
            Surface::Dotide => settings.common.dotide.enabled,
            Surface::LoopBack => settings.loopback.enabled,
            Surface::Verify | Surface::Delegate => true,
            Surface::SelfService => settings.common.self_service.enabled,
        };
        is_enabled && !settings.common.suspended
    }
}

/// The answer to a caller that presents a token.
#[derive(Debug)]
pub enum Admission {
    /// It presented nothing, or no live token of any app.
    Unproven,
    /// Too many invalid tokens came from its address, and neither memory nor arithmetic recognises this one.
    Throttled(TooOften),
    /// Its token is live but belongs to another app, or the app does not exist.
    Elsewhere,
    /// Its token is live in this app but gives no authority over tokens.
    Powerless,
    /// It may act within this authority.
    Admitted {
        /// The app.
        app: Arc<OpenApp>,
        /// What it may do there.
        authority: Authority,
    },
}

impl Service {
    /// The app with this key, or the default app, if it is enabled on this surface.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn open_surface(
        &self,
        surface: Surface,
        key: Option<&AppKey>,
    ) -> Result<Option<Arc<OpenApp>>, Error> {
        Ok(self.open_by(key).await?.filter(|app| surface.is_enabled(&app.settings)))
    }

    /// The same for whoever has presented nothing yet, and could make the store look up app after app. Look-ups of unknown apps from
    /// an address are limited like failures.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn open_surface_for_stranger(
        &self,
        surface: Surface,
        key: &AppKey,
        from: Option<IpAddr>,
    ) -> Result<Result<Option<Arc<OpenApp>>, TooOften>, Error> {
        if let Some(app) = self.cache.recall_opened(Some(key)) {
            return Ok(Ok(Some(app).filter(|app| surface.is_enabled(&app.settings))));
        }
        let failures = self.failures(Purpose::Failures, from, None);
        if let Err(often) = self.may_look_up(failures, None) {
            return Ok(Err(often));
        }
        let app = self.open_surface(surface, Some(key)).await?;
        if app.is_none() {
            self.count_failure(failures);
        }
        Ok(Ok(app))
    }

    /// Whether a caller that was admitted still has the same authority.
    pub(crate) async fn still_holds(&self, app: &OpenApp, authority: &Authority) -> Result<bool, Error> {
        let id = match authority {
            Authority::Everything(Cause { actor: Actor::Operator(id), .. }) => {
                return Ok(self.operator(*id).await?.is_some());
            }
            Authority::Everything(_) => return Ok(true),
            Authority::SelfService { token_id, .. } => Some(token_id),
            Authority::Manager { by: Cause { actor: Actor::Manager(token_id), .. }, .. } => Some(token_id),
            Authority::Manager { .. } => None,
        };
        // As the app is now: it may be suspended, or allow other addresses.
        let now = self.open_app(&app.key).await?;
        let now = now.filter(|now| now.id == app.id && !now.settings.common.suspended);
        let Some(now) = now else { return Ok(false) };
        let Some(id) = id else {
            let now = self.store.app_by_key(&app.key).await?;
            return Ok(now.is_some_and(|now| now.id == app.id && self.still_has_secrets(&now, app)));
        };
        let circumstances = self.circumstances(authority.address(), now.allowed_addresses());
        let stored = self.store.token(app.id, *id).await?;
        let Some(stored) = stored.filter(|stored| self.is_live(&stored.token, circumstances)) else {
            return Ok(false);
        };
        let held = Authority::of(stored.token.bearer(), authority.address(), &app.settings.common);
        Ok(held.is_ok_and(|held| held.as_ref() == Some(authority)))
    }

    /// Whether each client secret with which a caller may have been admitted is good still: by which of them it was is not known.
    fn still_has_secrets(&self, now: &App, then: &OpenApp) -> bool {
        let is_good = |then: &Credential| {
            let now = now.client_secrets.iter().find(|now| now.digest == then.digest);
            now.is_some_and(|secret| !secret.is_over(self.now()))
        };
        then.client_secrets.iter().all(is_good)
    }

    /// Makes sure that a caller has the authority that it had `before`: one that is revoked or narrowed while it waits for
    /// its turn changes nothing.
    pub(crate) async fn check_authority(
        &self,
        app: &OpenApp,
        authority: &Authority,
        before: &Before,
    ) -> Result<(), Error> {
        let token = match authority {
            Authority::SelfService { token_id, .. } => *token_id,
            Authority::Manager { by: Cause { actor: Actor::Manager(token_id), .. }, .. } => *token_id,
            Authority::Everything(Cause { actor: Actor::Operator(_), .. }) => {
                return if self.still_holds(app, authority).await? { Ok(()) } else { Err(Error::Withdrawn) };
            }
            Authority::Everything(_) | Authority::Manager { .. } => return Ok(()),
        };
        if self.cache.is_unchanged(before, Some(token)) || self.still_holds(app, authority).await? {
            Ok(())
        } else {
            Err(Error::Withdrawn)
        }
    }

    /// Determines what the bearer of a token may do in an app. `key` is `None` if the name in the request
    /// cannot be an app key.
    ///
    /// Answers from memory where possible, as coherently as [`verify`](Self::verify), else from the store.
    ///
    /// Only callers that present a live token learn whether an app exists. A token of this app then counts as
    /// used, from the address `from` if that is known.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn admit(
        &self,
        surface: Surface,
        key: Option<&AppKey>,
        presented: Option<&Secret>,
        from: Option<IpAddr>,
    ) -> Result<Admission, Error> {
        let Some(secret) = presented else { return Ok(Admission::Unproven) };
        let presented = self.presented(secret);
        if let Some((app, cached)) = key.and_then(|key| self.recall_caller(surface, key, &presented, from)) {
            return self.admit_bearer(app, &cached, from);
        }
        let failures = self.failures(Purpose::Failures, from, key);
        if let Err(often) = self.may_look_up(failures, Some(secret)) {
            return Ok(Admission::Throttled(often));
        }
        let before = self.cache.before();
        let mut live = self.stored(&presented, Seeking::EVERYWHERE, from).await?;
        live.retain(|stored| self.is_live(&stored.token, self.circumstances(from, None)));
        let app = match key {
            Some(key) if !live.is_empty() => self.open_surface(surface, Some(key)).await?,
            _ => None,
        };
        if let Some(app) = app
            && let Some(stored) = live.iter().find(|stored| stored.token.app_id == app.id)
            && self.is_live(&stored.token, self.circumstances(from, app.allowed_addresses()))
        {
            return self.admit_bearer(app, &self.cache.keep_found(before, stored), from);
        }
        // Another app's token, or one that its app does not let be used from there.
        let is_elsewhere = !self.live_of_any_app(live, from).await?.is_empty();
        if !is_elsewhere {
            self.count_failure(failures);
        }
        Ok(if is_elsewhere { Admission::Elsewhere } else { Admission::Unproven })
    }

    /// The app with this key and its token with this secret, if both are in memory and the token is live for a
    /// client at this address.
    fn recall_caller(
        &self,
        surface: Surface,
        key: &AppKey,
        presented: &Presented<'_>,
        from: Option<IpAddr>,
    ) -> Option<(Arc<OpenApp>, Arc<CachedToken>)> {
        let app = self.cache.recall_opened(Some(key)).filter(|app| surface.is_enabled(&app.settings))?;
        let cached = self.recall_live(&app, presented, Seeking::EVERYWHERE, from)?;
        Some((app, cached))
    }

    /// What the bearer of a live token may do in its app. Counts as a use of the token.
    fn admit_bearer(
        &self,
        app: Arc<OpenApp>,
        cached: &Arc<CachedToken>,
        from: Option<IpAddr>,
    ) -> Result<Admission, Error> {
        self.usage.record(cached, self.now(), from);
        let authority = Authority::of(cached.bearer(), from, &app.settings.common)
            .map_err(|_| Error::Unreadable("settings of an app"))?;
        Ok(match authority {
            None => Admission::Powerless,
            Some(authority) => Admission::Admitted { app, authority },
        })
    }
}
