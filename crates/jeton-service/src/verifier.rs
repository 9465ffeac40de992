//! Admission of callers that verify an app's tokens.

use crate::cache::Recalled;
use crate::limiter::{Purpose, TooOften};
use crate::lookup::Seeking;
use crate::open_app::{ForwardAuthApp, VerifierApp};
use crate::{ClientCredentials, Error, Service};
use jeton_core::{AppKey, Demand, Secret, ServicePermission, TokenKind, Verdict, decide};
use std::net::IpAddr;

/// The credentials of a caller that verifies tokens.
#[derive(Debug)]
pub enum VerifierProof {
    /// The client credentials of the app.
    Client(ClientCredentials),
    /// A service credential of the app that holds `jeton:verify`.
    Bearer(Secret),
}

/// The answer to a caller that wants to verify an app's tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifierAdmission {
    /// It has not authenticated for this app, or the app does not exist.
    Unproven,
    /// Too many invalid credentials came from its address, and neither memory nor arithmetic recognises
    /// these.
    Throttled(TooOften),
    /// Its token is live in this app but does not have the permission.
    Powerless,
    /// It may verify the tokens of this app.
    Admitted(VerifierApp),
}

impl Service {
    /// Determines whether a caller may verify the tokens of the app with this key. `key` is `None` if the
    /// name in the request cannot be an app key.
    ///
    /// A token is looked up like in [`verify`](Self::verify): in memory where possible, and as coherently.
    ///
    /// Only callers that belong to an app learn that it exists. A token that proves it counts as used, from
    /// the address `from` if that is known. `questions`: the approximate number of tokens in the request; a
    /// failure counts as often.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn admit_verifier(
        &self,
        key: Option<&AppKey>,
        proof: &VerifierProof,
        from: Option<IpAddr>,
        questions: u64,
    ) -> Result<VerifierAdmission, Error> {
        let secret = match proof {
            VerifierProof::Client(credentials) => {
                return Ok(match self.client_app(key, Some(credentials), from, questions).await? {
                    Ok(Some(app)) => VerifierAdmission::Admitted((&*app).into()),
                    Ok(None) => VerifierAdmission::Unproven,
                    Err(often) => VerifierAdmission::Throttled(often),
                });
            }
            VerifierProof::Bearer(secret) => secret,
        };
        let failures = self.failures(Purpose::Failures, from, key);
        // Service credentials are minted here.
        if let Err(often) = self.may_look_up(failures, Some(secret)) {
            return Ok(VerifierAdmission::Throttled(often));
        }
        let app = match key {
            Some(key) => self.app_for(key, secret).await?,
            None => ForwardAuthApp::NONE,
        };
        let found = match app.id {
            Some(_) => self.look_up(app.id, &self.presented(secret), Seeking::EVERYWHERE).await?,
            None => Recalled::Absent,
        };
        let Recalled::Known(cached) = found else {
            self.count_failures(failures, questions);
            return Ok(VerifierAdmission::Unproven);
        };
        let circumstances = self.circumstances(from, app.allowed_addresses());
        let permission = ServicePermission::Verify.permission();
        let demand = Demand::Permission { permission, resource: None };
        let verdict = decide(cached.standing(), &demand, circumstances);
        if matches!(verdict, Verdict::Inactive(_)) {
            self.count_failures(failures, questions);
            return Ok(VerifierAdmission::Unproven);
        }
        self.usage.record(&cached, circumstances.now, from);
        let may_ask = cached.kind() == TokenKind::Service && verdict == Verdict::Allowed;
        Ok(if may_ask {
            VerifierAdmission::Admitted(VerifierApp::new(cached.app_id(), app.allowed_addresses()))
        } else {
            VerifierAdmission::Powerless
        })
    }
}
