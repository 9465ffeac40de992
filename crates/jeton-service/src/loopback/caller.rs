//! Who speaks, on LoopBack.

use crate::admit::Surface;
use crate::apps::OpenApp;
use crate::update::MAX_TRIES;
use crate::{Service, Unavailable};
use jeton_core::{
    AclCaller, Actor, Bearer, Demand, InactiveReason, Method, Secret, Timestamp, Token, TokenKind, UserId,
    Verdict, decide,
};
use jeton_store::{Replaced, StoredToken};
use std::net::IpAddr;

/// What came of presenting a token.
#[derive(Clone, Debug, PartialEq)]
pub enum Presentation {
    /// Somebody, perhaps unproven.
    Caller(LoopBackCaller),
    /// The token had expired. It has left LoopBack's view now.
    Expired,
}

/// Who speaks.
#[derive(Clone, Debug, PartialEq)]
pub enum LoopBackCaller {
    /// Nobody in particular: no token, an unknown one, or one that does not say who its user is.
    Anybody,
    /// The bearer of an identity token.
    Authenticated {
        /// The token.
        token: jeton_core::TokenId,
        /// Its user, if it has one.
        user_id: Option<UserId>,
    },
    /// A service credential with `jeton:manage`: everything, by name.
    Manager(jeton_core::TokenId),
}

impl LoopBackCaller {
    /// The caller as access rules know it.
    pub fn by_rules(&self) -> AclCaller<'_> {
        match self {
            LoopBackCaller::Manager(_) => AclCaller::Manager,
            LoopBackCaller::Authenticated { user_id: Some(user_id), .. } => AclCaller::User(user_id),
            LoopBackCaller::Authenticated { user_id: None, .. } | LoopBackCaller::Anybody => {
                AclCaller::Anyone
            }
        }
    }
}

/// Who writes, and on what grounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Writer {
    /// Who speaks.
    pub caller: LoopBackCaller,
    /// Whether it was let in by name: as itself, or in a role that the app's settings name. Otherwise it was let in as
    /// everybody is, or everybody with a token.
    pub is_named: bool,
}

impl Writer {
    /// Whether it may say whose a row is: by name anybody's or nobody's, else its own alone.
    pub(super) fn vouches_for(&self, user_id: Option<&UserId>) -> bool {
        user_id.map_or(self.is_named, |user_id| self.proves(user_id))
    }

    fn proves(&self, user_id: &UserId) -> bool {
        self.is_named
            || matches!(&self.caller, LoopBackCaller::Authenticated { user_id: Some(own), .. } if own == user_id)
    }

    pub(super) fn actor(&self) -> Actor {
        match &self.caller {
            LoopBackCaller::Anybody | LoopBackCaller::Authenticated { user_id: None, .. } => Actor::Anonymous,
            LoopBackCaller::Authenticated { token, user_id: Some(user_id) } => {
                Actor::User { user_id: user_id.clone(), token_id: *token }
            }
            LoopBackCaller::Manager(token) => Actor::Manager(*token),
        }
    }
}

impl Service {
    /// Finds out who presents a token on LoopBack. One that is active counts as used, whoever it makes of its bearer, from
    /// the address `from` if that is known.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn loopback_caller(
        &self,
        app: &OpenApp,
        presented: Option<&Secret>,
        from: Option<IpAddr>,
    ) -> Result<Presentation, Unavailable> {
        let anybody = Presentation::Caller(LoopBackCaller::Anybody);
        let Some(secret) = presented else { return Ok(anybody) };
        if let Some(subject) = self.recall_live(app.id, secret) {
            self.usage.record(&subject, self.now(), from);
            return Ok(Presentation::Caller(caller(subject.bearer(), subject.has_left_loopback())));
        }
        let before = self.cache.before();
        let found = self.tokens_presented(secret).await?;
        let Some(stored) = found.into_iter().find(|stored| stored.token.app_id == app.id) else {
            return Ok(anybody);
        };
        let token = &stored.token;
        match decide(token.standing(), &Demand::Active, self.now()) {
            Verdict::Allowed => {
                let subject = self.cache.keep_found(before, &stored);
                self.usage.record(&subject, self.now(), from);
                Ok(Presentation::Caller(caller(token.bearer(), token.left_loopback)))
            }
            Verdict::Inactive(_) if self.has_expired(token) && !token.left_loopback => {
                self.leave_loopback(app, stored).await?;
                Ok(Presentation::Expired)
            }
            Verdict::Inactive(_) | Verdict::Refused => Ok(anybody),
        }
    }

    /// Whether a caller that was let in to a method still would be, by its token and by the app's rules as they are now.
    pub(super) async fn still_may(
        &self,
        app: &OpenApp,
        caller: &LoopBackCaller,
        method: Method,
    ) -> Result<bool, Unavailable> {
        Ok(self.loopback_standing(app, caller, method).await?.is_some())
    }

    /// The same, and when that ends by itself; `None`: it is not let in any more.
    pub(super) async fn loopback_standing(
        &self,
        app: &OpenApp,
        caller: &LoopBackCaller,
        method: Method,
    ) -> Result<Option<Option<Timestamp>>, Unavailable> {
        let now = self.open_surface(Surface::LoopBack, Some(&app.key)).await?;
        let Some(now) = now.filter(|now| now.id == app.id) else { return Ok(None) };
        let token = match caller {
            LoopBackCaller::Anybody => None,
            LoopBackCaller::Authenticated { token, .. } | LoopBackCaller::Manager(token) => Some(*token),
        };
        let mut expires_at = None;
        if let Some(token) = token {
            let stored = self.store.token(app.id, token).await?.map(|stored| stored.token);
            let is_same = |token: &Token| {
                decide(token.standing(), &Demand::Active, self.now()) == Verdict::Allowed
                    && self::caller(token.bearer(), token.left_loopback) == *caller
            };
            let Some(stored) = stored.filter(is_same) else { return Ok(None) };
            expires_at = stored.expires_at;
        }
        let ground = now.settings.loopback.access.decide(caller.by_rules(), method, false);
        Ok(ground.map(|_| expires_at))
    }

    /// Whether expiry is all that keeps the token from being good.
    pub(super) fn has_expired(&self, token: &Token) -> bool {
        let verdict = decide(token.standing(), &Demand::Active, self.now());
        verdict == Verdict::Inactive(InactiveReason::Expired) && token.is_enabled()
    }

    /// Takes an expired token out of LoopBack's view. One that exists for LoopBack alone is removed, as LoopBack does.
    /// Lost races are others' changes, after which it is looked at anew.
    async fn leave_loopback(&self, app: &OpenApp, stored: StoredToken) -> Result<(), Unavailable> {
        if stored.token.kind == TokenKind::SelfMade {
            self.store.delete_token(app.id, stored.token.id, self.now(), &Actor::Anonymous).await?;
            return Ok(());
        }
        let mut stored = stored;
        for _ in 0..MAX_TRIES {
            let left = Token { left_loopback: true, ..stored.token.clone() };
            if self.replace(&stored, left, &Actor::Anonymous).await? == Replaced::Done {
                return Ok(());
            }
            match self.store.token(app.id, stored.token.id).await? {
                Some(again) if !again.token.left_loopback && self.has_expired(&again.token) => stored = again,
                _ => return Ok(()),
            }
        }
        Err(Unavailable::Contended)
    }
}

/// Only an identity speaks for its user, as long as LoopBack has not seen it expire; a service credential with
/// `jeton:manage` for the app.
fn caller(bearer: Bearer<'_>, left_loopback: bool) -> LoopBackCaller {
    match bearer.kind {
        TokenKind::Identity if left_loopback => LoopBackCaller::Anybody,
        TokenKind::Identity => {
            LoopBackCaller::Authenticated { token: bearer.token_id, user_id: bearer.user_id }
        }
        TokenKind::Service if bearer.is_manager() => LoopBackCaller::Manager(bearer.token_id),
        TokenKind::Service | TokenKind::Grant | TokenKind::SelfMade => LoopBackCaller::Anybody,
    }
}
