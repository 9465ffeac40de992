//! Letting in those who ask whether an app's tokens are good.

use crate::cache::Recalled;
use crate::limiter::{Purpose, TooOften};
use crate::lookup::Seeking;
use crate::{ClientCredentials, Error, Service};
use jeton_core::{AppId, AppKey, Demand, Secret, ServicePermission, TokenKind, Verdict, decide};
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
    /// From its address came too much that proved nothing, and neither memory nor arithmetic tells that this does.
    Throttled(TooOften),
    /// Its token is live in this app and may not ask.
    Powerless,
    /// It may ask about the tokens of this app.
    Admitted(AppId),
}

impl Service {
    /// Finds out whether somebody may ask about the tokens of the app of this key. `key` is `None` if what was named cannot
    /// be an app key.
    ///
    /// A token is found as [`verify`](Self::verify) finds it: in memory where it can be, and as coherently.
    ///
    /// Only who belongs to an app learns that it exists. A token that proves it counts as used, from the address `from` if
    /// that is known. `questions`: about how many tokens it asks at once; a failure counts as often.
    ///
    /// # Errors
    /// It could not be found out.
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
                    Ok(Some(app)) => VerifierAdmission::Admitted(app.id),
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
        let found = match key {
            Some(key) => {
                let presented = self.presented(secret);
                self.look_up(key.into(), &presented, Seeking::EVERYWHERE).await?
            }
            None => Recalled::Absent,
        };
        let Recalled::Known(cached) = found else {
            self.count_failures(failures, questions);
            return Ok(VerifierAdmission::Unproven);
        };
        let now = self.now();
        let permission = ServicePermission::Verify.permission();
        let verdict = decide(cached.standing(), &Demand::Permission { permission, resource: None }, now);
        if matches!(verdict, Verdict::Inactive(_)) {
            self.count_failures(failures, questions);
            return Ok(VerifierAdmission::Unproven);
        }
        self.usage.record(&cached, now, from);
        let may_ask = cached.kind() == TokenKind::Service && verdict == Verdict::Allowed;
        Ok(if may_ask { VerifierAdmission::Admitted(cached.app_id()) } else { VerifierAdmission::Powerless })
    }
}
