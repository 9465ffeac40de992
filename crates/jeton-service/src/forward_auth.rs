//! The settings of an app that gateways need before asking about its tokens.

use crate::limiter::Purpose;
use crate::{Error, ForwardAuthApp, Service};
use jeton_core::{AppKey, Secret};
use std::net::IpAddr;

impl Service {
    /// The app with this key as gateways need it, if memory knows; as coherent as [`verify`](Self::verify).
    pub fn forward_auth_app_from_memory(&self, key: &AppKey) -> Option<ForwardAuthApp> {
        self.cache.recall_forward_auth(key)
    }

    /// The same, from the store if necessary.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn forward_auth_app(&self, key: &AppKey) -> Result<ForwardAuthApp, Error> {
        if let Some(app) = self.cache.recall_forward_auth(key) {
            return Ok(app);
        }
        let asked = self.ask_app(self.cache.before(), key).await;
        asked.inspect_err(|_| self.measures.verdicts.unavailable.increment())
    }

    /// The same for callers that present nothing that could be a token, and could make the store look up app
    /// after app. Look-ups of unknown apps from an address are limited like failures; beyond the limit none
    /// is found.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn forward_auth_app_for_stranger(
        &self,
        key: &AppKey,
        from: Option<IpAddr>,
    ) -> Result<ForwardAuthApp, Error> {
        let failures = self.failures(Purpose::Failures, from, None);
        if self.may_look_up(failures, None).is_err() {
            return Ok(ForwardAuthApp::NONE);
        }
        let app = self.forward_auth_app(key).await?;
        if app.id.is_none() {
            self.count_failure(failures);
        }
        Ok(app)
    }

    /// Whether arithmetic alone shows that a secret names no token of any app. Does not count; the caller
    /// does.
    pub fn names_no_token(&self, secret: &Secret) -> bool {
        let is_in_no_token = || self.cache.is_in_no_token(&self.presented(secret).into_digests());
        !self.is_minted(secret) && !self.keys.load().lacks_any() && (secret.is_weak() || is_in_no_token())
    }
}
