//! Verification of many tokens of one app at once.

use crate::cache::Recalled;
use crate::lookup::{Presented, Seeking};
use crate::open_app::VerifierApp;
use crate::portions::LimitsLeft;
use crate::verify::{Unsettled, nothing_to_explain};
use crate::{CachedToken, Error, Service, Verified};
use futures_util::stream::{self, StreamExt};
use jeton_core::{AppId, Circumstances, Demand, Explanation, Secret, Timestamp, Verdict, explain};
use jeton_store::{Fair, Share, StoreError, Turn};
use std::net::IpAddr;
use std::sync::Arc;

/// How many checks are decided before other tasks get the processor.
const CHUNK: usize = 256;
/// At most this many batches of one app wait.
const MAX_WAITING: usize = 64;
/// About at most this many limited tokens of a batch the store is asked at the same time.
const AT_ONCE: usize = 16;

/// The turns of work on batches: as many at a time as there are processors.
pub(crate) fn batch_turns() -> Fair<AppId> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Fair::new(Share { places: processors, each: processors, waiting: MAX_WAITING })
}

/// One question.
#[derive(Debug)]
pub struct Check {
    /// The presented token; `None`: the text that was presented cannot be one.
    pub secret: Option<Secret>,
    /// The demand.
    pub demand: Demand,
    /// The address of the client that presented it; `None`: the caller does not say.
    pub address: Option<IpAddr>,
    /// Whether an explanation is wanted.
    pub explains: bool,
}

/// The answer to a [`Check`].
#[derive(Clone, Debug)]
pub struct Checked {
    /// Whether the token is active and allowed.
    pub verdict: Verdict,
    /// The token, if the caller may know of it.
    pub cached: Option<Arc<CachedToken>>,
    /// How its limits stand after this use; `None`: it has none, or was not to be used.
    pub limits: Option<Box<LimitsLeft>>,
    /// The explanation, if it is wanted: apart, so that a batch without any takes little memory.
    pub explanation: Option<Box<Explanation>>,
}

impl Service {
    /// Decides all checks as of one instant, in order, each as [`verify`](Self::verify) would.
    ///
    /// However many there are, the store is asked at most once, for those that memory does not know; and for limited tokens once
    /// for each portion of uses.
    /// Meanwhile other tasks get the processor, and batches of other apps their turns.
    ///
    /// # Errors
    ///
    /// The store could not be read: no check is answered then.
    pub async fn verify_many(&self, app: &VerifierApp, checks: &[Check]) -> Result<Vec<Checked>, Error> {
        let (now, app_id) = (self.now(), app.id);
        if self.outdated().is_some() {
            self.cache.count_outdated(checks.len() as u64);
        }
        let mut recalled: Vec<Option<Recalled>> = Vec::with_capacity(checks.len());
        let mut missed: Vec<Presented<'_>> = Vec::new();
        for chunk in checks.chunks(CHUNK) {
            let _turn = if checks.len() > CHUNK { Some(self.batch_turn(app_id).await?) } else { None };
            for check in chunk {
                recalled.push(self.recall_check(app_id, check, now, &mut missed));
            }
        }
        let asked = if missed.is_empty() {
            Vec::new()
        } else {
            self.look_up_many(app_id, &missed, Seeking::EVERYWHERE).await.inspect_err(|_| {
                self.measures.verdicts.unavailable.add(checks.len() as u64);
            })?
        };
        let mut asked = asked.into_iter();
        let mut answers = Vec::with_capacity(checks.len());
        let mut unsettled = Vec::new();
        for (place, (check, recalled)) in checks.iter().zip(recalled).enumerate() {
            let recalled = recalled.or_else(|| asked.next()).unwrap_or(Recalled::Absent);
            let (address, app_addresses) = (check.address, app.allowed_addresses());
            let circumstances = Circumstances { address, app_addresses, ..Circumstances::at(now) };
            answers.push(match self.judge(recalled, &check.demand, circumstances) {
                Ok(verified) => check.answered(verified, circumstances),
                Err(Unsettled(cached)) => {
                    unsettled.push(self.settle_check(app, place, check, cached));
                    check.answered(Verified::UNKNOWN, circumstances)
                }
            });
        }
        let mut settled = stream::iter(unsettled).buffer_unordered(AT_ONCE);
        let mut failed = None;
        while let Some(settled) = settled.next().await {
            match settled {
                Ok((place, answer)) => answers[place] = answer,
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        let Some(error) = failed else { return Ok(answers) };
        // Nobody is told of them.
        answers.iter().for_each(|answer| self.take_back(answer.verdict, answer.cached.as_deref()));
        Err(error)
    }

    /// The answer to a check of a limited token about which the store has to be asked, with its place.
    async fn settle_check(
        &self,
        app: &VerifierApp,
        place: usize,
        check: &Check,
        cached: Arc<CachedToken>,
    ) -> Result<(usize, Checked), Error> {
        let Some(secret) = &check.secret else { return Err(Error::Failed) };
        let (presented, recalled) = (self.presented(secret), Recalled::Known(cached));
        let app = app.app_ref();
        let settled = self.settle_limits(app, &presented, recalled, &check.demand, check.address).await;
        let verified = settled.inspect_err(|_| self.measures.verdicts.unavailable.increment())?;
        Ok((place, check.answered(verified, self.circumstances(check.address, app.allowed_addresses))))
    }

    /// Waits for an app's turn to work on a part of a batch, after yielding to other tasks. Hold it for a few
    /// hundred microseconds at most, and not while waiting for anything.
    ///
    /// # Errors
    ///
    /// Too many requests of the app are waiting.
    pub async fn batch_turn(&self, app_id: AppId) -> Result<Turn<AppId>, Error> {
        tokio::task::yield_now().await;
        Ok(self.batches.turn(app_id).await.map_err(StoreError::from)?)
    }

    /// The answer to a check if the store need not be asked; otherwise the check is added to the missed ones.
    fn recall_check<'c>(
        &self,
        app_id: AppId,
        check: &'c Check,
        now: Timestamp,
        missed: &mut Vec<Presented<'c>>,
    ) -> Option<Recalled> {
        let Some(secret) = &check.secret else { return Some(Recalled::Absent) };
        let presented = self.presented(secret);
        let recalled = self.recall(Some(app_id), &presented, Seeking::EVERYWHERE, now);
        if recalled.is_none() {
            missed.push(presented);
        }
        recalled
    }
}

impl Check {
    fn answered(&self, verified: Verified, circumstances: Circumstances<'_>) -> Checked {
        let Verified { verdict, cached, limits, .. } = verified;
        let explanation = self.explains.then(|| match &cached {
            // What is explained is the decision, not how often it may be asked for.
            Some(cached) => {
                Explanation { verdict, ..explain(cached.standing(), &self.demand, circumstances) }
            }
            None => nothing_to_explain(),
        });
        Checked { verdict, cached, limits, explanation: explanation.map(Box::new) }
    }
}
