//! Letting in those who ask whether an app's tokens are good.

use crate::{ClientCredentials, Service, Unavailable};
use jeton_core::{AppId, AppKey, Secret, ServicePermission, TokenKind};
use std::net::IpAddr;

/// By what somebody who asks about an app's tokens proves itself.
#[derive(Debug)]
pub enum VerifierProof {
    /// The client credentials of the app.
    Client(ClientCredentials),
    /// A service credential of the app that holds `jeton:verify`.
    Bearer(Secret),
}

/// The answer to somebody who wants to ask about an app's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifierAdmission {
    /// It has not proved to belong to this app, or there is no such app.
    Unproven,
    /// Its token is live in this app and may not ask.
    Powerless,
    /// It may ask about the tokens of this app.
    Admitted(AppId),
}

impl Service {
    /// Finds out whether somebody may ask about the tokens of the app of this key. `key` is `None` if what was named cannot
    /// be an app key.
    ///
    /// Only who belongs to an app learns that it exists. A token that proves it counts as used, from the address `from` if
    /// that is known.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn admit_verifier(
        &self,
        key: Option<&AppKey>,
        proof: &VerifierProof,
        from: Option<IpAddr>,
    ) -> Result<VerifierAdmission, Unavailable> {
        let secret = match proof {
            VerifierProof::Client(credentials) => {
                let app = self.client_app(key, Some(credentials)).await?;
                return Ok(app.map_or(VerifierAdmission::Unproven, |app| VerifierAdmission::Admitted(app.id)));
            }
            VerifierProof::Bearer(secret) if self.is_too_weak(secret) => {
                return Ok(VerifierAdmission::Unproven);
            }
            VerifierProof::Bearer(secret) => secret,
        };
        let mut live = self.tokens_presented(secret).await?;
        live.retain(|stored| self.is_live(&stored.token));
        let (Some(key), false) = (key, live.is_empty()) else { return Ok(VerifierAdmission::Unproven) };
        let Some(app) = self.store.app_by_key(key).await? else { return Ok(VerifierAdmission::Unproven) };
        let Some(stored) = live.iter().find(|stored| stored.token.app_id == app.id) else {
            return Ok(VerifierAdmission::Unproven);
        };
        self.record_use_of(&stored.token, from);
        let verify = ServicePermission::Verify.permission();
        let may_ask = stored.token.kind == TokenKind::Service
            && stored.token.scopes.global_permissions().contains(&&verify);
        Ok(if may_ask { VerifierAdmission::Admitted(app.id) } else { VerifierAdmission::Powerless })
    }
}
