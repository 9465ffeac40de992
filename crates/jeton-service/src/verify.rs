//! The question that is asked all day: is this token good, and for that?

use crate::cache::Recalled;
use crate::{Service, Subject, Unavailable};
use jeton_core::{
    AppId, AppKey, Demand, Digest, Explanation, InactiveReason, Secret, Timestamp, Token, TokenKind, Verdict,
    decide, explain,
};
use jeton_store::StoredToken;
use smallvec::SmallVec;
use std::net::IpAddr;
use std::sync::Arc;

pub(crate) const UNKNOWN: Verdict = Verdict::Inactive(InactiveReason::Unknown);

/// The answer, and the token it is about.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Whether the token is active and allowed.
    pub verdict: Verdict,
    /// The token, if the asker may know of it.
    pub subject: Option<Arc<Subject>>,
}

/// The answer with its grounds.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Whether the token is active and allowed.
    pub verdict: Verdict,
    /// The whole token, if the asker may know of it.
    pub token: Option<Token>,
    /// On what grounds.
    pub explanation: Explanation,
}

/// The grounds on which a token is unknown.
pub(crate) fn nothing_to_explain() -> Explanation {
    Explanation { verdict: UNKNOWN, matched_scope: None, lacks: Vec::new() }
}

impl Service {
    /// Decides whether a presented token of an app covers a demand.
    ///
    /// A token of another app, a service credential and a self-made token are unknown here; so is every token of an
    /// app that does not exist.
    ///
    /// Answers from memory where it can (see [`verify_from_memory`](Self::verify_from_memory)), else asks the store. Either
    /// way, what this process was told to revoke, disable or narrow is refused from that answer on, and what other
    /// processes were told, [`CacheLimits::max_staleness`](crate::CacheLimits::max_staleness) later at the latest.
    /// A token that is active counts as used, from the address `from` if that is known.
    ///
    /// # Errors
    /// It could not be found out. Never means that the token is bad.
    pub async fn verify(
        &self,
        app: &AppKey,
        secret: &Secret,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Result<Verified, Unavailable> {
        if let Some(verified) = self.verify_from_memory(app, secret, demand, from) {
            return Ok(verified);
        }
        match self.look_up(app, secret).await {
            Ok(recalled) => Ok(self.judge(recalled, demand, self.now(), from)),
            Err(error) => {
                self.measures.verdicts.unavailable.increment();
                Err(error)
            }
        }
    }

    /// The same if no question to the store is needed; `None` if one is. Takes no lock that a writer holds.
    pub fn verify_from_memory(
        &self,
        app: &AppKey,
        secret: &Secret,
        demand: &Demand,
        from: Option<IpAddr>,
    ) -> Option<Verified> {
        let now = self.now();
        Some(self.judge(self.recall_in_app(app, secret, now)?, demand, now, from))
    }

    /// The token of an app that has this secret, of whatever kind, from memory if it is there.
    pub(crate) async fn find_in_app(&self, app: &AppKey, secret: &Secret) -> Result<Recalled, Unavailable> {
        match self.recall_in_app(app, secret, self.now()) {
            Some(recalled) => Ok(recalled),
            None => self.look_up(app, secret).await,
        }
    }

    fn recall_in_app(&self, app: &AppKey, secret: &Secret, now: Timestamp) -> Option<Recalled> {
        let digests = self.digests(secret);
        // What is remembered was found by its digest, so arithmetic on the secret would say nothing new.
        match self.cache.recall_known(app, &digests, now) {
            Some(subject) => Some(Recalled::Known(subject)),
            None if self.is_refused_by_arithmetic(secret, &digests) => Some(Recalled::Absent),
            None => self.cache.recall(app, &digests, now),
        }
    }

    /// Decides as [`verify`](Self::verify) does, says on what grounds, and answers with the whole token as it is stored.
    ///
    /// # Errors
    /// It could not be found out. Never means that the token is bad.
    pub async fn explain(
        &self,
        app: &AppKey,
        secret: &Secret,
        demand: &Demand,
    ) -> Result<Explained, Unavailable> {
        let found = if self.is_too_weak(secret) { None } else { self.stored_in(app, secret).await?.1 };
        let Some(stored) = found.filter(|stored| stored.token.kind.is_shared()) else {
            return Ok(Explained { verdict: UNKNOWN, token: None, explanation: nothing_to_explain() });
        };
        let explanation = explain(stored.token.standing(), demand, self.now());
        Ok(Explained { verdict: explanation.verdict, explanation, token: Some(stored.token) })
    }

    pub(crate) fn judge(
        &self,
        recalled: Recalled,
        demand: &Demand,
        now: Timestamp,
        from: Option<IpAddr>,
    ) -> Verified {
        let verified = match recalled {
            Recalled::Known(subject) if subject.kind().is_shared() => {
                let verdict = decide(subject.standing(), demand, now);
                if !matches!(verdict, Verdict::Inactive(_)) {
                    self.usage.record(&subject, now, from);
                }
                Verified { verdict, subject: Some(subject) }
            }
            Recalled::Known(_) | Recalled::Absent => Verified { verdict: UNKNOWN, subject: None },
        };
        self.measures.verdicts.count(verified.verdict);
        verified
    }

    /// Asks the store and remembers the answer.
    async fn look_up(&self, app: &AppKey, secret: &Secret) -> Result<Recalled, Unavailable> {
        let before = self.cache.before();
        let known = self.cache.recall_app(app);
        let (app_id, stored) = match known {
            Some(Some(app_id)) => (Some(app_id), self.stored_of(app_id, secret).await?),
            Some(None) => (None, None),
            None => self.stored_in(app, secret).await?,
        };
        if known.is_none() {
            self.cache.keep_app(before, app, app_id);
        }
        let Some(app_id) = app_id else { return Ok(Recalled::Absent) };
        let digests: Vec<Digest> = self.keys.digests(secret).collect();
        Ok(self.cache.keep(before, app_id, &digests, stored.as_ref()))
    }

    /// The number of the app, and its token with this secret, of whatever kind and state.
    pub(crate) async fn stored_in(
        &self,
        app: &AppKey,
        secret: &Secret,
    ) -> Result<(Option<AppId>, Option<StoredToken>), Unavailable> {
        let Some(app) = self.store.app_by_key(app).await? else { return Ok((None, None)) };
        Ok((Some(app.id), self.stored_of(app.id, secret).await?))
    }

    async fn stored_of(&self, app_id: AppId, secret: &Secret) -> Result<Option<StoredToken>, Unavailable> {
        let found = self.tokens_with(secret).await?;
        Ok(found.into_iter().find(|stored| stored.token.app_id == app_id))
    }

    /// The tokens of all apps that have this secret.
    pub(crate) async fn tokens_with(&self, secret: &Secret) -> Result<Vec<StoredToken>, Unavailable> {
        let digests: Vec<Digest> = self.keys.digests(secret).collect();
        let mut found = self.store.find_tokens(&digests).await?;
        // The index found them; this comparison takes the same time wherever two digests differ.
        found.retain(|stored| digests.contains(&stored.digest));
        Ok(found)
    }

    /// The tokens of all apps that have this secret, which a caller presents to prove itself. Garbage costs no question.
    pub(crate) async fn tokens_presented(&self, secret: &Secret) -> Result<Vec<StoredToken>, Unavailable> {
        if !self.keys.minted(secret) && self.cache.is_garbage(&self.digests(secret)) {
            return Ok(Vec::new());
        }
        self.tokens_with(secret).await
    }

    /// Whether the secret was not minted here, and is either easily guessed or none that anybody brought.
    pub(crate) fn is_refused_by_arithmetic(&self, secret: &Secret, digests: &[Digest]) -> bool {
        !self.keys.minted(secret) && (secret.is_weak() || self.cache.is_garbage(digests))
    }

    /// The digests of a secret: one for each key, of which there are seldom more than two.
    pub(crate) fn digests(&self, secret: &Secret) -> SmallVec<[Digest; 2]> {
        self.keys.digests(secret).collect()
    }

    /// Whether the secret is one that only LoopBack takes: foreign, and easily guessed.
    pub(crate) fn is_too_weak(&self, secret: &Secret) -> bool {
        secret.is_weak() && !self.keys.minted(secret)
    }

    /// Whether the secret was minted here, by arithmetic alone. Says nothing about any token.
    pub fn is_minted(&self, secret: &Secret) -> bool {
        self.keys.minted(secret)
    }

    pub(crate) fn is_live(&self, token: &Token) -> bool {
        token.kind != TokenKind::SelfMade
            && decide(token.standing(), &Demand::Active, self.now()) == Verdict::Allowed
    }
}
