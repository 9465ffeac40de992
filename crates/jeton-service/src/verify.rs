//! Verification: is this token valid, and for this demand?

use crate::cache::Recalled;
use crate::keys::Digests;
use crate::lookup::Seeking;
use crate::open_app::{AppRef, OpenApp};
use crate::{CachedToken, Error, Listed, Service, ShownSecret};
use jeton_core::{
    AppKey, Circumstances, Demand, Explanation, InactiveReason, Secret, Token, Verdict, decide, explain,
};
use std::net::IpAddr;
use std::sync::Arc;

pub(crate) const UNKNOWN: Verdict = Verdict::Inactive(InactiveReason::Unknown);

/// The verdict, and the token that it is about.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Whether the token is active and allowed.
    pub verdict: Verdict,
    /// The token, if the caller may know of it.
    pub cached: Option<Arc<CachedToken>>,
}

/// Memory does not know the answer; with what was computed of the secret.
#[derive(Debug)]
pub struct Missed(Box<Digests>);

/// The answer with its explanation.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Whether the token is active and allowed.
    pub verdict: Verdict,
    /// The whole token, if the caller may know of it.
    pub token: Option<Token>,
    /// The explanation.
    pub explanation: Explanation,
}

/// The explanation of an unknown token.
pub(crate) fn nothing_to_explain() -> Explanation {
    Explanation::plain(UNKNOWN)
}

fn unknown() -> Explained {
    Explained { verdict: UNKNOWN, token: None, explanation: nothing_to_explain() }
}

impl Service {
    /// Decides whether a presented token of an app covers a demand, for a client at the address `from`, if that
    /// is known.
    ///
    /// A token of another app, a service credential and a self-made token are unknown here; so is every token
    /// of an app that does not exist.
    ///
    /// Answers from memory where possible (see [`verify_from_memory`](Self::verify_from_memory)), else asks
    /// the store. Either way, what this process was asked to revoke, disable or narrow is refused from the
    /// moment that request was answered, and what other processes were asked,
    /// [`CacheLimits::max_staleness`](crate::CacheLimits::max_staleness) later at the latest. A token that is
    /// active counts as used, from that address.
    ///
    /// # Errors
    ///
    /// The store could not be read. Never means that the token is bad.
    pub async fn verify(
        &self,
        app: &AppKey,
        secret: &Secret,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Result<Verified, Error> {
        let app = self
            .app_for(app, secret)
            .await
            .inspect_err(|_| self.measures.verdicts.unavailable.increment())?;
        self.verify_in(app.app_ref(), secret, demand, from).await
    }

    /// The same in an app that is known.
    pub(crate) async fn verify_in(
        &self,
        app: AppRef<'_>,
        secret: &Secret,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Result<Verified, Error> {
        match self.verify_from_memory(app, secret, demand, from) {
            Ok(verified) => Ok(verified),
            Err(missed) => self.verify_missed(app, secret, missed, demand, from).await,
        }
    }

    /// The same if the store need not be asked; an error if it must. Takes no lock that a writer holds.
    ///
    /// # Errors
    ///
    /// Memory does not know the answer: continue with [`verify_missed`](Self::verify_missed).
    pub fn verify_from_memory(
        &self,
        app: AppRef<'_>,
        secret: &Secret,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Result<Verified, Missed> {
        let circumstances = self.circumstances(from, app.allowed_addresses);
        let presented = self.presented(secret);
        match self.recall(app.id, &presented, Seeking::EVERYWHERE, circumstances.now) {
            Some(recalled) => Ok(self.judge(recalled, demand, circumstances)),
            None => Err(Missed(Box::new(presented.into_digests()))),
        }
    }

    /// Decides, like [`verify`](Self::verify), what memory did not know. It may know it by now.
    ///
    /// # Errors
    ///
    /// The store could not be read. Never means that the token is bad.
    pub async fn verify_missed(
        &self,
        app: AppRef<'_>,
        secret: &Secret,
        missed: Missed,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Result<Verified, Error> {
        let presented = self.presented_again(secret, *missed.0);
        match self.look_up(app.id, &presented, Seeking::EVERYWHERE).await {
            Ok(recalled) => Ok(self.judge(recalled, demand, self.circumstances(from, app.allowed_addresses))),
            Err(error) => {
                self.measures.verdicts.unavailable.increment();
                Err(error)
            }
        }
    }

    /// Decides like [`verify`](Self::verify), explains, and returns the whole token as it is stored.
    ///
    /// # Errors
    ///
    /// The store could not be read. Never means that the token is bad.
    pub async fn explain(
        &self,
        app: &AppKey,
        secret: &Secret,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Result<Explained, Error> {
        let opened = self.read_by(Some(app)).await?;
        let Some(app) = opened.filter(|_| !self.is_too_weak(secret)) else { return Ok(unknown()) };
        let found = self.stored_as_presented(app.id, &self.presented(secret)).await?;
        Ok(self.explained(&app, found.map(|stored| stored.token), demand, from))
    }

    /// The same for whoever presents the secret of a token of this number, as far as it is known here: `listed` is the token as it is now.
    pub fn explain_listed(
        &self,
        app: &OpenApp,
        listed: &Listed,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Explained {
        let is_too_weak = matches!(&listed.secret, ShownSecret::Clear(secret) if self.is_too_weak(secret));
        let token = Some(&listed.token).filter(|_| !is_too_weak).cloned();
        self.explained(app, token, demand, from)
    }

    fn explained(
        &self,
        app: &OpenApp,
        found: Option<Token>,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Explained {
        let Some(token) = found.filter(|token| token.spec.kind.is_shared()) else { return unknown() };
        let explanation = if app.settings.common.suspended {
            Explanation::plain(Verdict::Inactive(InactiveReason::Suspended))
        } else {
            explain(token.standing(), demand, self.circumstances(from, app.allowed_addresses()))
        };
        Explained { verdict: explanation.verdict, explanation, token: Some(token) }
    }

    pub(crate) fn judge(
        &self,
        recalled: Recalled,
        demand: &Demand,
        circumstances: Circumstances<'_>,
    ) -> Verified {
        let verified = match recalled {
            Recalled::Known(cached) if cached.kind().is_shared() => {
                let verdict = decide(cached.standing(), demand, circumstances);
                let Circumstances { now, address: from, .. } = circumstances;
                match verdict {
                    Verdict::Allowed | Verdict::Refused => self.usage.record(&cached, now, from),
                    Verdict::Inactive(InactiveReason::Expired) if cached.is_by_ended_secret(now) => {
                        self.note_reuse(cached.app_id(), cached.token_id(), from);
                    }
                    Verdict::Inactive(_) => {}
                }
                Verified { verdict, cached: Some(cached) }
            }
            Recalled::Known(_) | Recalled::Absent => Verified { verdict: UNKNOWN, cached: None },
        };
        self.measures.verdicts.count(verified.verdict);
        verified
    }
}
