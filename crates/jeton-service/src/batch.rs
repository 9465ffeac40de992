//! Many questions about the tokens of one app at once.

use crate::cache::Recalled;
use crate::verify::nothing_to_explain;
use crate::{Service, Subject, Unavailable, Verified};
use jeton_core::{AppId, Demand, Digest, Explanation, Secret, Timestamp, Verdict, explain};
use jeton_store::{Fair, Share, StoreError, StoredToken, Turn};
use std::collections::HashMap;
use std::sync::Arc;

/// How many checks are decided before others have the processor.
const CHUNK: usize = 256;
/// Most batches of one app that wait.
const MAX_WAITING: usize = 64;

/// The turns of those who work on batches: as many at a time as there are processors, whatever they are asked.
pub(crate) fn batch_turns() -> Fair<AppId> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    Fair::new(Share { places: processors, each: processors, waiting: MAX_WAITING })
}

/// One question.
#[derive(Debug)]
pub struct Check {
    /// The presented token; `None`: what was presented cannot be one.
    pub secret: Option<Secret>,
    /// What it must be good for.
    pub demand: Demand,
    /// Whether the grounds are wanted.
    pub explains: bool,
}

/// The answer to a [`Check`].
#[derive(Clone, Debug)]
pub struct Checked {
    /// Whether the token is active and allowed.
    pub verdict: Verdict,
    /// The token, if the asker may know of it.
    pub subject: Option<Arc<Subject>>,
    /// On what grounds, if they are wanted.
    pub explanation: Option<Explanation>,
}

impl Service {
    /// Decides all checks as of one instant and answers in their order, each as [`verify`](Self::verify) would.
    ///
    /// However many they are, the store is asked once, for all that are not in memory, or not at all. Others have the
    /// processor meanwhile, and other apps' batches their turns.
    ///
    /// # Errors
    /// It could not be found out: no check is answered then.
    pub async fn verify_many(&self, app_id: AppId, checks: &[Check]) -> Result<Vec<Checked>, Unavailable> {
        let now = self.now();
        let mut recalled: Vec<Option<Recalled>> = Vec::with_capacity(checks.len());
        for chunk in checks.chunks(CHUNK) {
            let _turn = if checks.len() > CHUNK { Some(self.batch_turn(app_id).await?) } else { None };
            recalled.extend(chunk.iter().map(|check| self.recall(app_id, check, now)));
        }
        if recalled.iter().any(Option::is_none)
            && let Err(error) = self.look_up_many(app_id, checks, &mut recalled).await
        {
            self.measures.verdicts.unavailable.add(checks.len() as u64);
            return Err(error);
        }
        let answer = |(check, recalled): (&Check, Option<Recalled>)| {
            self.answer(check, recalled.unwrap_or(Recalled::Absent), now)
        };
        Ok(checks.iter().zip(recalled).map(answer).collect())
    }

    /// Waits for the turn of an app to work on a part of a batch, and lets others have the processor first. To be held for
    /// some hundred microseconds, and not while anything is waited for.
    ///
    /// # Errors
    /// Too many of the app's wait.
    pub async fn batch_turn(&self, app_id: AppId) -> Result<Turn<AppId>, Unavailable> {
        tokio::task::yield_now().await;
        Ok(self.batches.turn(app_id).await.map_err(StoreError::from)?)
    }

    /// What a check is about, if no question to the store is needed.
    fn recall(&self, app_id: AppId, check: &Check, now: Timestamp) -> Option<Recalled> {
        let Some(secret) = &check.secret else { return Some(Recalled::Absent) };
        let digests = self.digests(secret);
        match self.cache.recall_known_in(app_id, &digests, now) {
            Some(subject) => Some(Recalled::Known(subject)),
            None if self.is_refused_by_arithmetic(secret, &digests) => Some(Recalled::Absent),
            None => self.cache.recall_in(app_id, &digests, now),
        }
    }

    /// Asks the store once for all that was not recalled, and remembers the answers.
    async fn look_up_many(
        &self,
        app_id: AppId,
        checks: &[Check],
        recalled: &mut [Option<Recalled>],
    ) -> Result<(), Unavailable> {
        let before = self.cache.before();
        let missed = checks.iter().zip(recalled).filter(|(_, recalled)| recalled.is_none());
        let mut missed: Vec<(Vec<Digest>, &mut Option<Recalled>)> = missed
            .filter_map(|(check, recalled)| {
                Some((self.keys.digests(check.secret.as_ref()?).collect(), recalled))
            })
            .collect();
        let sought: Vec<Digest> = missed.iter().flat_map(|(digests, _)| digests).copied().collect();
        let found: HashMap<Digest, StoredToken> = self
            .store
            .find_tokens_of(app_id, &sought)
            .await?
            .into_iter()
            .map(|stored| (stored.digest, stored))
            .collect();
        // A token that is asked about several times is remembered once.
        let mut kept: HashMap<Digest, Recalled> = HashMap::new();
        for (digests, recalled) in &mut missed {
            let keep = || {
                let stored = digests.iter().find_map(|digest| found.get(digest));
                self.cache.keep(before, app_id, digests, stored)
            };
            **recalled = Some(match digests.first() {
                Some(first) => kept.entry(*first).or_insert_with(keep).clone(),
                None => Recalled::Absent,
            });
        }
        Ok(())
    }

    fn answer(&self, check: &Check, recalled: Recalled, now: Timestamp) -> Checked {
        // Whoever asks was handed the token by somebody else, from an address that is not known here.
        let Verified { verdict, subject } = self.judge(recalled, &check.demand, now, None);
        let explanation = check.explains.then(|| match &subject {
            Some(subject) => explain(subject.standing(), &check.demand, now),
            None => nothing_to_explain(),
        });
        Checked { verdict, subject, explanation }
    }
}
