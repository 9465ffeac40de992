//! What gateways need to know of an app before they can ask about its tokens.

use crate::limiter::Purpose;
use crate::{Error, ForwardAuthApp, Service};
use jeton_core::{AppKey, Secret};
use std::net::IpAddr;

impl Service {
    /// The app of this key as gateways ask about its tokens, if memory knows; as coherently as [`verify`](Self::verify)
    /// answers.
    pub fn forward_auth_app_from_memory(&self, key: &AppKey) -> Option<ForwardAuthApp> {
        self.cache.recall_forward_auth(key)
    }

    /// The same, from the store if it has to be.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn forward_auth_app(&self, key: &AppKey) -> Result<ForwardAuthApp, Error> {
        if let Some(app) = self.cache.recall_forward_auth(key) {
            return Ok(app);
        }
        let asked = self.ask_app(self.cache.before(), key).await;
        asked.inspect_err(|_| self.measures.verdicts.unavailable.increment())
    }

    /// The same for who presents nothing that could be a token, and could have the store asked about app after app. There is only
    /// so much of that from an address while there are no such apps, as of failures; beyond it none is found.
    ///
    /// # Errors
    /// It could not be found out.
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

    /// Whether arithmetic alone says that a secret names no token of any app. Counts nothing: that is for whoever answers.
    pub fn names_no_token(&self, secret: &Secret) -> bool {
        let is_in_no_token = || self.cache.is_in_no_token(&self.presented(secret).into_digests());
        !self.is_minted(secret) && (secret.is_weak() || is_in_no_token())
    }
}
