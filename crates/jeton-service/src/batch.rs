//! Verification of many tokens of one app at once.

use crate::cache::Recalled;
use crate::lookup::{Presented, Seeking};
use crate::open_app::VerifierApp;
use crate::verify::nothing_to_explain;
use crate::{CachedToken, Error, Service, Verified};
use jeton_core::{AppId, Circumstances, Demand, Explanation, Secret, Timestamp, Verdict, explain};
use jeton_store::{Fair, Share, StoreError, Turn};
use std::net::IpAddr;
use std::sync::Arc;

/// How many checks are decided before other tasks get the processor.
const CHUNK: usize = 256;
/// At most this many batches of one app wait.
const MAX_WAITING: usize = 64;

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
    /// The explanation, if it is wanted.
    pub explanation: Option<Explanation>,
}

impl Service {
    /// Decides all checks as of one instant, in order, each as [`verify`](Self::verify) would.
    ///
    /// However many there are, the store is asked at most once, for those that memory does not know.
    /// Meanwhile other tasks get the processor, and batches of other apps their turns.
    ///
    /// # Errors
    ///
    /// The store could not be read: no check is answered then.
    pub async fn verify_many(&self, app: &VerifierApp, checks: &[Check]) -> Result<Vec<Checked>, Error> {
        let (now, app_id) = (self.now(), app.id);
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
        let answer = |(check, recalled): (&Check, Option<Recalled>)| {
            let recalled = recalled.or_else(|| asked.next()).unwrap_or(Recalled::Absent);
            let (address, app_addresses) = (check.address, app.allowed_addresses());
            self.answer(check, recalled, Circumstances { address, app_addresses, ..Circumstances::at(now) })
        };
        Ok(checks.iter().zip(recalled).map(answer).collect())
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

    fn answer(&self, check: &Check, recalled: Recalled, circumstances: Circumstances<'_>) -> Checked {
        let Verified { verdict, cached } = self.judge(recalled, &check.demand, circumstances);
        let explanation = check.explains.then(|| match &cached {
            Some(cached) => explain(cached.standing(), &check.demand, circumstances),
            None => nothing_to_explain(),
        });
        Checked { verdict, cached, explanation }
    }
}
