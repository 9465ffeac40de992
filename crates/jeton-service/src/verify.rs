//! Verification: is this token valid, and for this demand?

use crate::cache::Recalled;
use crate::keys::Digests;
use crate::lookup::{Presented, Seeking};
use crate::open_app::{AppRef, OpenApp};
use crate::portions::{LimitsLeft, Spent};
use crate::{CachedToken, Error, Listed, Service, ShownSecret};
use jeton_core::{
    AppKey, Circumstances, Demand, Explanation, InactiveReason, Secret, Token, Verdict, Withheld, decide,
    explain,
};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// How often the store is asked about limits in one question: others may use up each portion before it has its turn.
const MAX_ASKS: u32 = 16;

pub(crate) const UNKNOWN: Verdict = Verdict::Inactive(InactiveReason::Unknown);

/// The verdict, and the token that it is about.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Whether the token is active and allowed.
    pub verdict: Verdict,
    /// The token, if the caller may know of it.
    pub cached: Option<Arc<CachedToken>>,
    /// How its limits stand after this use; `None`: it has none, or was not to be used.
    pub limits: Option<Box<LimitsLeft>>,
    /// How old what is known is, if the store cannot be reached and this was decided by what was known before;
    /// `None`: it is as fresh as it is guaranteed to be.
    pub outdated: Option<Duration>,
}

impl Verified {
    pub(crate) const UNKNOWN: Verified =
        Verified { verdict: UNKNOWN, cached: None, limits: None, outdated: None };
}

/// Memory does not know the answer; with what was computed of the secret.
#[derive(Debug)]
pub struct Missed(Box<Digests>);

/// A use of a token that the store has to be asked about first.
pub(crate) struct Unsettled(pub(crate) Arc<CachedToken>);

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
    /// active counts as used, from that address; one that is allowed uses one of its limits, and of those of
    /// the tokens above it, and is not allowed if there is none left.
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
        let outdated = self.cache.outdated();
        let recalled = self.recall(app.id, &presented, Seeking::EVERYWHERE, circumstances.now);
        let verified = recalled.and_then(|recalled| self.judge(recalled, demand, circumstances).ok());
        match verified {
            Some(verified) => Ok(self.marked(verified, outdated)),
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
        let outdated = self.cache.outdated();
        let recalled = self.look_up(app.id, &presented, Seeking::EVERYWHERE).await;
        let verified = match recalled {
            Ok(recalled) => self.settle_limits(app, &presented, recalled, demand, from).await,
            Err(error) => Err(error),
        };
        // The store may have gone away since it was asked.
        let outdated = outdated.or_else(|| self.cache.outdated());
        verified
            .map(|verified| self.marked(verified, outdated))
            .inspect_err(|_| self.measures.verdicts.unavailable.increment())
    }

    /// How old what is known is, if the store cannot be reached and verification goes on with what was known
    /// before: see [`CacheLimits::serve_for`](crate::CacheLimits::serve_for). Ask before verifying.
    pub fn outdated(&self) -> Option<Duration> {
        self.cache.outdated()
    }

    fn marked(&self, verified: Verified, outdated: Option<Duration>) -> Verified {
        if outdated.is_some() {
            self.cache.count_outdated(1);
        }
        Verified { outdated, ..verified }
    }

    /// Takes back the use of a token that was allowed, and of which nobody is told.
    pub(crate) fn take_back(&self, verdict: Verdict, cached: Option<&CachedToken>) {
        if let Some(cached) = cached.filter(|_| verdict == Verdict::Allowed) {
            self.cache.portions().take_back(cached.portions());
        }
    }

    /// Decides what was found, and asks the store about limits as far as necessary.
    pub(crate) async fn settle_limits(
        &self,
        app: AppRef<'_>,
        presented: &Presented<'_>,
        mut recalled: Recalled,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Result<Verified, Error> {
        for _ in 0..MAX_ASKS {
            let circumstances = self.circumstances(from, app.allowed_addresses);
            let Unsettled(cached) = match self.judge(recalled, demand, circumstances) {
                Ok(verified) => return Ok(verified),
                Err(unsettled) => unsettled,
            };
            recalled = match self.ask_for_portions(&cached).await? {
                // It may have changed while the store was asked.
                true => self.look_up(app.id, presented, Seeking::EVERYWHERE).await?,
                // It has other limits by now, or is gone.
                false => self.look_up_anew(app.id, presented, Seeking::EVERYWHERE).await?,
            };
        }
        Err(Error::Contended)
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

    /// Decides what memory knows, unless the token is allowed as far as its limits allow it, and the store has to be asked about
    /// those.
    pub(crate) fn judge(
        &self,
        recalled: Recalled,
        demand: &Demand,
        circumstances: Circumstances<'_>,
    ) -> Result<Verified, Unsettled> {
        let verified = match recalled {
            Recalled::Known(cached) if cached.kind().is_shared() => {
                let mut verdict = decide(cached.standing(), demand, circumstances);
                let mut limits = None;
                if verdict == Verdict::Allowed && cached.is_limited() {
                    let withheld = match self.cache.portions().spend(cached.portions()) {
                        Spent::Allowed => None,
                        Spent::Withheld(withheld) => Some(withheld),
                        Spent::Unknown => return Err(Unsettled(cached)),
                    };
                    verdict = match withheld {
                        None => Verdict::Allowed,
                        Some(Withheld::Uses) => Verdict::Inactive(InactiveReason::UsesExhausted),
                        Some(Withheld::Rate { .. }) => Verdict::RateLimited,
                    };
                    limits = self.cache.portions().left(cached.portions(), withheld);
                }
                let Circumstances { now, address: from, .. } = circumstances;
                match verdict {
                    Verdict::Allowed | Verdict::Refused | Verdict::RateLimited => {
                        self.usage.record(&cached, now, from);
                    }
                    Verdict::Inactive(InactiveReason::Expired) if cached.is_by_ended_secret(now) => {
                        self.note_reuse(cached.app_id(), cached.token_id(), from);
                    }
                    Verdict::Inactive(_) => {}
                }
                Verified { verdict, cached: Some(cached), limits, outdated: None }
            }
            Recalled::Known(_) | Recalled::Absent => Verified::UNKNOWN,
        };
        self.measures.verdicts.count(verified.verdict);
        Ok(verified)
    }
}
