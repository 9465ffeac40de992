//! Many questions about the tokens of one app at once.

use crate::{Service, Unavailable};
use jeton_core::{
    AppId, Demand, Digest, Explanation, InactiveReason, Secret, Timestamp, Token, Verdict, decide, explain,
};
use jeton_store::StoredToken;
use std::collections::HashMap;
use std::sync::Arc;

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
    pub token: Option<Arc<Token>>,
    /// On what grounds, if they are wanted.
    pub explanation: Option<Explanation>,
}

impl Service {
    /// Decides all checks as of one instant and answers in their order, each as [`verify`](Self::verify) would.
    ///
    /// However many they are, the store is asked once.
    ///
    /// # Errors
    /// It could not be found out: no check is answered then.
    pub async fn verify_many(&self, app_id: AppId, checks: &[Check]) -> Result<Vec<Checked>, Unavailable> {
        let now = self.now();
        let digests: Vec<Vec<Digest>> = checks
            .iter()
            .map(|check| match &check.secret {
                Some(secret) if !self.is_too_weak(secret) => self.keys.digests(secret).collect(),
                Some(_) | None => Vec::new(),
            })
            .collect();
        let sought: Vec<Digest> = digests.iter().flatten().copied().collect();
        let found = if sought.is_empty() { Vec::new() } else { self.store.find_tokens(&sought).await? };
        let is_shown = |stored: &StoredToken| stored.token.app_id == app_id && stored.token.kind.is_shared();
        let found: HashMap<Digest, Arc<Token>> = found
            .into_iter()
            .filter(is_shown)
            .map(|stored| (stored.digest, Arc::new(stored.token)))
            .collect();
        let answer = |(check, digests): (&Check, &Vec<Digest>)| {
            check.answer(digests.iter().find_map(|digest| found.get(digest)), now)
        };
        let answers: Vec<Checked> = checks.iter().zip(&digests).map(answer).collect();
        let active = answers.iter().filter(|answer| !matches!(answer.verdict, Verdict::Inactive(_)));
        active.filter_map(|answer| answer.token.as_deref()).for_each(|token| self.record_use_of(token, None));
        Ok(answers)
    }
}

impl Check {
    fn answer(&self, token: Option<&Arc<Token>>, now: Timestamp) -> Checked {
        let Some(token) = token else {
            let verdict = Verdict::Inactive(InactiveReason::Unknown);
            let explanation =
                self.explains.then_some(Explanation { verdict, matched_scope: None, lacks: Vec::new() });
            return Checked { verdict, token: None, explanation };
        };
        let explanation = self.explains.then(|| explain(token.standing(), &self.demand, now));
        let verdict = match &explanation {
            Some(explanation) => explanation.verdict,
            None => decide(token.standing(), &self.demand, now),
        };
        Checked { verdict, token: Some(Arc::clone(token)), explanation }
    }
}
