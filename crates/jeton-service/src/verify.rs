//! Verification: is this token valid, and for this demand?

use crate::cache::Recalled;
use crate::keys::Digests;
use crate::lookup::Seeking;
use crate::open_app::{AppRef, OpenApp};
use crate::{CachedToken, Error, Listed, Service, ShownSecret};
use jeton_core::{
    AppKey, Demand, Explanation, InactiveReason, Secret, Timestamp, Token, Verdict, decide, explain,
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
    Explanation { verdict: UNKNOWN, matched_scope: None, lacks: Vec::new() }
}

impl Service {
    /// Decides whether a presented token of an app covers a demand.
    ///
    /// A token of another app, a service credential and a self-made token are unknown here; so is every token
    /// of an app that does not exist.
    ///
    /// Answers from memory where possible (see [`verify_from_memory`](Self::verify_from_memory)), else asks
    /// the store. Either way, what this process was asked to revoke, disable or narrow is refused from the
    /// moment that request was answered, and what other processes were asked,
    /// [`CacheLimits::max_staleness`](crate::CacheLimits::max_staleness) later at the latest. A token that is
    /// active counts as used, from the address `from` if that is known.
    ///
    /// # Errors
    ///
    /// The store could not be read. Never means that the token is bad.
    pub async fn verify<'a>(
        &self,
        app: impl Into<AppRef<'a>>,
        secret: &Secret,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Result<Verified, Error> {
        let app = app.into();
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
    pub fn verify_from_memory<'a>(
        &self,
        app: impl Into<AppRef<'a>>,
        secret: &Secret,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Result<Verified, Missed> {
        let now = self.now();
        let presented = self.presented(secret);
        match self.recall(app.into(), &presented, Seeking::EVERYWHERE, now) {
            Some(recalled) => Ok(self.judge(recalled, demand, now, from)),
            None => Err(Missed(Box::new(presented.into_digests()))),
        }
    }

    /// Decides, like [`verify`](Self::verify), what memory did not know. It may know it by now.
    ///
    /// # Errors
    ///
    /// The store could not be read. Never means that the token is bad.
    pub async fn verify_missed<'a>(
        &self,
        app: impl Into<AppRef<'a>>,
        secret: &Secret,
        missed: Missed,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Result<Verified, Error> {
        let presented = self.presented_again(secret, *missed.0);
        match self.look_up(app.into(), &presented, Seeking::EVERYWHERE).await {
            Ok(recalled) => Ok(self.judge(recalled, demand, self.now(), from)),
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
    pub async fn explain(&self, app: &AppKey, secret: &Secret, demand: &Demand) -> Result<Explained, Error> {
        let opened = self.read_by(Some(app)).await?;
        let found = match &opened {
            Some(app) if !self.is_too_weak(secret) => {
                self.stored_as_presented(app.id, &self.presented(secret)).await?
            }
            _ => None,
        };
        let is_suspended = opened.is_some_and(|app| app.settings.common.suspended);
        Ok(self.explained(found.map(|stored| stored.token), is_suspended, demand))
    }

    /// The same for whoever presents the secret of a token of this number, as far as it is known here: `listed` is the token as it is now.
    pub fn explain_listed(&self, app: &OpenApp, listed: &Listed, demand: &Demand) -> Explained {
        let is_too_weak = matches!(&listed.secret, ShownSecret::Clear(secret) if self.is_too_weak(secret));
        let token = Some(&listed.token).filter(|_| !is_too_weak).cloned();
        self.explained(token, app.settings.common.suspended, demand)
    }

    fn explained(&self, found: Option<Token>, is_suspended: bool, demand: &Demand) -> Explained {
        let Some(token) = found.filter(|token| token.spec.kind.is_shared()) else {
            return Explained { verdict: UNKNOWN, token: None, explanation: nothing_to_explain() };
        };
        let explanation = if is_suspended {
            let verdict = Verdict::Inactive(InactiveReason::Suspended);
            Explanation { verdict, matched_scope: None, lacks: Vec::new() }
        } else {
            explain(token.standing(), demand, self.now())
        };
        Explained { verdict: explanation.verdict, explanation, token: Some(token) }
    }

    pub(crate) fn judge(
        &self,
        recalled: Recalled,
        demand: &Demand,
        now: Timestamp,
        from: Option<IpAddr>,
    ) -> Verified {
        let verified = match recalled {
            Recalled::Known(cached) if cached.kind().is_shared() => {
                let verdict = decide(cached.standing(), demand, now);
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
