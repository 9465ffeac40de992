//! The question that is asked all day: is this token good, and for that?

use crate::{Service, Unavailable};
use jeton_core::{
    AppKey, Demand, Explanation, InactiveReason, Secret, Token, TokenKind, Verdict, decide, explain,
};
use jeton_store::StoredToken;

/// The answer, and the token it is about.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Whether the token is active and allowed.
    pub verdict: Verdict,
    /// The token, if the asker may know of it.
    pub token: Option<Token>,
    /// On what grounds.
    pub explanation: Explanation,
}

impl Verified {
    fn unknown() -> Self {
        let verdict = Verdict::Inactive(InactiveReason::Unknown);
        let explanation = Explanation { verdict, matched_scope: None, lacks: Vec::new() };
        Verified { verdict, token: None, explanation }
    }
}

impl Service {
    /// Decides whether a presented token of an app covers a demand.
    ///
    /// A token of another app, a service credential and a self-made token are unknown here; so is every token of an
    /// app that does not exist.
    ///
    /// # Errors
    /// It could not be found out. Never means that the token is bad.
    pub async fn verify(
        &self,
        app: &AppKey,
        secret: &Secret,
        demand: &Demand,
    ) -> Result<Verified, Unavailable> {
        if self.is_too_weak(secret) {
            return Ok(Verified::unknown());
        }
        let Some(app) = self.store.app_by_key(app).await? else { return Ok(Verified::unknown()) };
        let found = self.tokens_with(secret).await?;
        let of_app = |stored: &StoredToken| stored.token.app_id == app.id && stored.token.kind.is_shared();
        let Some(stored) = found.into_iter().find(of_app) else { return Ok(Verified::unknown()) };
        let token = stored.token;
        let explanation = explain(token.standing(), demand, self.now());
        Ok(Verified { verdict: explanation.verdict, explanation, token: Some(token) })
    }

    /// The tokens of all apps that have this secret.
    pub(crate) async fn tokens_with(&self, secret: &Secret) -> Result<Vec<StoredToken>, Unavailable> {
        let digests = self.keys.digests(secret);
        let mut found = self.store.find_tokens(&digests).await?;
        // The index found them; this comparison takes the same time wherever two digests differ.
        found.retain(|stored| digests.contains(&stored.digest));
        Ok(found)
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
