//! The callers of LoopBack's API.

use crate::admit::Surface;
use crate::apps::OpenApp;
use crate::cache::Before;
use crate::limiter::{Purpose, TooOften};
use crate::lookup::Seeking;
use crate::update::MAX_TRIES;
use crate::{Error, Service};
use jeton_core::{
    Actor, Authority, Bearer, Bounds, Cause, Circumstances, Demand, InactiveReason, PolicyCaller, Scopes,
    Secret, Timestamp, Token, TokenId, TokenKind, UserId, Verdict, decide,
};
use jeton_loopback::{AclCaller, Method};
use jeton_store::write::DeleteToken;
use jeton_store::{Replaced, StoredToken};
use std::net::IpAddr;

/// The result of presenting a token.
#[derive(Clone, Debug, PartialEq)]
pub enum Presentation {
    /// A caller, perhaps unproven.
    Caller(LoopBackCaller),
    /// The token had expired, and has now left LoopBack's view.
    Expired,
    /// Too many invalid tokens that could be guesses, as this one could, came from its address.
    Throttled(TooOften),
}

/// A caller.
#[derive(Clone, Debug, PartialEq)]
pub enum LoopBackCaller {
    /// Anonymous: no token, an unknown one, or one that does not prove its user.
    Anybody,
    /// The bearer of an identity token.
    Authenticated {
        /// The token.
        token: TokenId,
        /// Its user, if it has one.
        user_id: Option<UserId>,
        /// When it expires; `None`: never.
        ends_at: Option<Timestamp>,
        /// From when and from where it may be used.
        bounds: Bounds,
        /// The caller's address, if known.
        from: Option<IpAddr>,
    },
    /// A service credential with `jeton:manage`: it may do everything, by name.
    Manager {
        /// The credential.
        token: TokenId,
        /// When it expires; `None`: never.
        ends_at: Option<Timestamp>,
        /// The caller's address, if known.
        from: Option<IpAddr>,
    },
}

impl LoopBackCaller {
    /// The caller in terms of access rules.
    pub fn by_rules(&self) -> AclCaller<'_> {
        match self {
            LoopBackCaller::Manager { .. } => AclCaller::Manager,
            LoopBackCaller::Authenticated { user_id: Some(user_id), .. } => AclCaller::User(user_id),
            LoopBackCaller::Authenticated { user_id: None, .. } | LoopBackCaller::Anybody => {
                AclCaller::Anyone
            }
        }
    }

    /// The token that proves it, unless it is anonymous.
    pub(super) fn token(&self) -> Option<TokenId> {
        match self {
            LoopBackCaller::Anybody => None,
            LoopBackCaller::Authenticated { token, .. } | LoopBackCaller::Manager { token, .. } => {
                Some(*token)
            }
        }
    }

    fn ends_at(&self) -> Option<Timestamp> {
        match self {
            LoopBackCaller::Anybody => None,
            LoopBackCaller::Authenticated { ends_at, .. } | LoopBackCaller::Manager { ends_at, .. } => {
                *ends_at
            }
        }
    }

    /// Its address, if known, and if it is not anonymous.
    fn from(&self) -> Option<IpAddr> {
        match self {
            LoopBackCaller::Anybody => None,
            LoopBackCaller::Authenticated { from, .. } | LoopBackCaller::Manager { from, .. } => *from,
        }
    }

    /// The user and the right to act for the app, which are who it is.
    fn identity(&self) -> (Option<TokenId>, Option<&UserId>, bool) {
        match self {
            LoopBackCaller::Anybody => (None, None, false),
            LoopBackCaller::Authenticated { token, user_id, .. } => (Some(*token), user_id.as_ref(), false),
            LoopBackCaller::Manager { token, .. } => (Some(*token), None, true),
        }
    }
}

/// A writer, and the ground on which it was admitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Writer {
    /// The caller.
    pub caller: LoopBackCaller,
    /// Whether it was admitted by name: as itself, or in a role of the app's settings. Otherwise it was
    /// admitted like everyone, or like everyone with a token.
    pub is_named: bool,
    /// Its address, if known.
    pub from: Option<IpAddr>,
}

impl Writer {
    /// Whether it may set this owner of a row that it creates: by name any user or none, otherwise only its
    /// own.
    pub(super) fn vouches_for(&self, user_id: Option<&UserId>) -> bool {
        self.is_named || user_id.is_some_and(|user_id| self.user_id() == Some(user_id))
    }

    /// The user that it proves.
    fn user_id(&self) -> Option<&UserId> {
        match &self.caller {
            LoopBackCaller::Authenticated { user_id, .. } => user_id.as_ref(),
            LoopBackCaller::Anybody | LoopBackCaller::Manager { .. } => None,
        }
    }

    /// When the rows that it creates must expire; `None`: the writer sets no bound.
    pub(super) fn ends_at(&self, app: &OpenApp) -> Option<Timestamp> {
        self.caller.ends_at().filter(|_| !app.settings.common.allow_outliving_tokens)
    }

    /// From when and from where the rows that it creates may be used: as its own token, unless it was admitted
    /// by name and acts for the app.
    pub(super) fn bounds(&self) -> Bounds {
        match &self.caller {
            LoopBackCaller::Authenticated { bounds, .. } if !self.is_named => bounds.clone(),
            _ => Bounds::NONE,
        }
    }

    /// Its authority over the app's tokens, as on every API; `None`: it has none.
    pub(super) fn authority(&self, app: &OpenApp) -> Result<Option<Authority>, Error> {
        if self.is_named {
            let (by, ends_at) = (self.cause(), self.ends_at(app));
            return Ok(Some(Authority::Manager { by, stand_in: None, ends_at }));
        }
        let LoopBackCaller::Authenticated { token, user_id, ends_at, bounds, .. } = &self.caller else {
            return Ok(None);
        };
        let bearer = Bearer {
            token_id: *token,
            kind: TokenKind::Identity,
            user_id: user_id.clone(),
            scopes: &Scopes::none(),
            expires_at: *ends_at,
            bounds,
            is_restrained: false,
        };
        Authority::of(bearer, self.from, &app.settings.common)
            .map_err(|_| Error::Unreadable("settings of an app"))
    }

    /// What it is to the app's policies.
    pub(super) fn kind(&self) -> PolicyCaller {
        if self.is_named { PolicyCaller::Manager } else { PolicyCaller::User }
    }

    /// The cause of what it changes.
    pub(super) fn cause(&self) -> Cause {
        let actor = match &self.caller {
            LoopBackCaller::Anybody | LoopBackCaller::Authenticated { user_id: None, .. } => Actor::Anonymous,
            LoopBackCaller::Authenticated { token, user_id: Some(user_id), .. } => {
                Actor::User { user_id: user_id.clone(), token_id: *token }
            }
            LoopBackCaller::Manager { token, .. } => Actor::Manager(*token),
        };
        Cause::new(actor, self.from)
    }
}

impl Service {
    /// Determines the caller that presents a token on LoopBack. An active token counts as used, whatever it
    /// proves, from the address `from` if that is known.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn loopback_caller(
        &self,
        app: &OpenApp,
        presented: Option<&Secret>,
        from: Option<IpAddr>,
    ) -> Result<Presentation, Error> {
        let anybody = Presentation::Caller(LoopBackCaller::Anybody);
        let Some(secret) = presented else { return Ok(anybody) };
        let presented = self.presented(secret);
        if let Some(cached) = self.recall_live(app, &presented, Seeking::ON_LOOPBACK, from) {
            self.usage.record(&cached, self.now(), from);
            return Ok(Presentation::Caller(caller(cached.bearer(), from)));
        }
        // Secrets that cannot be guessed are not limited: an unknown token is common here.
        let failures = self
            .is_too_weak(secret)
            .then(|| self.failures(Purpose::FailuresOnLoopBack, from, Some(&app.key)));
        if let Some(failures) = failures
            && let Err(often) = self.may_look_up(failures, None)
        {
            return Ok(Presentation::Throttled(often));
        }
        let before = self.cache.before();
        let found = self.stored(&presented, Seeking::ON_LOOPBACK, from).await?;
        let Some(stored) = found.into_iter().find(|stored| stored.token.app_id == app.id) else {
            if let Some(failures) = failures {
                self.count_failure(failures);
            }
            return Ok(anybody);
        };
        let token = &stored.token;
        let circumstances = self.circumstances(from, app.allowed_addresses());
        match decide(token.standing(), &Demand::Active, circumstances) {
            Verdict::Allowed => {
                let cached = self.cache.keep_found(before, &stored);
                self.usage.record(&cached, self.now(), from);
                Ok(Presentation::Caller(caller(token.bearer(), from)))
            }
            Verdict::Inactive(_) if self.has_expired(token) && !token.left_loopback => {
                self.leave_loopback(app, stored, &Cause::new(Actor::Anonymous, from)).await?;
                Ok(Presentation::Expired)
            }
            Verdict::Inactive(_) | Verdict::Refused | Verdict::RateLimited => Ok(anybody),
        }
    }

    /// Whether a caller that was admitted to a method still would be, by its token and the app's current
    /// rules.
    pub(super) async fn still_may(
        &self,
        app: &OpenApp,
        caller: &LoopBackCaller,
        method: Method,
    ) -> Result<bool, Error> {
        Ok(self.loopback_standing(app, caller, method).await?.is_some())
    }

    /// The same, and when that expires; `None`: it is no longer admitted.
    pub(super) async fn loopback_standing(
        &self,
        app: &OpenApp,
        caller: &LoopBackCaller,
        method: Method,
    ) -> Result<Option<Option<Timestamp>>, Error> {
        let now = self.open_surface(Surface::LoopBack, Some(&app.key)).await?;
        let Some(now) = now.filter(|now| now.id == app.id) else { return Ok(None) };
        let Some(current) = self.current_caller(&now, caller).await? else { return Ok(None) };
        let ground = now.settings.loopback.access.decide(caller.by_rules(), method, false);
        Ok(ground.map(|_| current.ends_at()))
    }

    /// A caller by its token's current state, in the app as it is now; `None`: it is no longer the same, or no
    /// longer admitted from where it is.
    async fn current_caller(
        &self,
        app: &OpenApp,
        caller: &LoopBackCaller,
    ) -> Result<Option<LoopBackCaller>, Error> {
        let Some(token) = caller.token() else { return Ok(Some(caller.clone())) };
        let Some(stored) = self.store.token(app.id, token).await? else { return Ok(None) };
        let circumstances = self.circumstances(caller.from(), app.allowed_addresses());
        let is_live = decide(stored.token.standing(), &Demand::Active, circumstances) == Verdict::Allowed;
        let current = self::caller(stored.token.bearer(), caller.from());
        Ok((is_live && current.identity() == caller.identity()).then_some(current))
    }

    /// The current state of a writer, if it may have changed since `before`: a writer that is revoked while
    /// it waits for its turn writes nothing, and one with narrower limits writes within them.
    pub(super) async fn current_writer(
        &self,
        app: &OpenApp,
        writer: &Writer,
        before: &Before,
    ) -> Result<Writer, Error> {
        let caller = &writer.caller;
        if caller.token().is_none() || self.cache.is_unchanged(before, caller.token()) {
            return Ok(writer.clone());
        }
        let now = self.open_by(Some(&app.key)).await?.filter(|now| now.id == app.id);
        let now = now.ok_or(Error::Withdrawn)?;
        let caller = self.current_caller(&now, caller).await?.ok_or(Error::Withdrawn)?;
        Ok(Writer { caller, ..writer.clone() })
    }

    /// Whether expiry is the only reason why the token is not active.
    pub(super) fn has_expired(&self, token: &Token) -> bool {
        let verdict = decide(token.standing(), &Demand::Active, Circumstances::at(self.now()));
        verdict == Verdict::Inactive(InactiveReason::Expired) && token.is_enabled()
    }

    /// Removes an expired token from LoopBack's view. One that exists for LoopBack alone is deleted, as
    /// LoopBack does. If another change wins the race, the token is read again.
    async fn leave_loopback(&self, app: &OpenApp, stored: StoredToken, by: &Cause) -> Result<(), Error> {
        if stored.token.spec.kind == TokenKind::SelfMade {
            let (app_id, id, at, by) = (app.id, stored.token.id, self.now(), by.clone());
            self.store.write(DeleteToken { app_id, id, at, by }).await?;
            return Ok(());
        }
        let mut stored = stored;
        for _ in 0..MAX_TRIES {
            let left = Token { left_loopback: true, ..stored.token.clone() };
            if self.replace(app, &stored, left, by).await? == Replaced::Done {
                return Ok(());
            }
            match self.store.token(app.id, stored.token.id).await? {
                Some(again) if !again.token.left_loopback && self.has_expired(&again.token) => stored = again,
                _ => return Ok(()),
            }
        }
        Err(Error::Contended)
    }
}

/// The bearer of a live token. Only an identity proves its user; a service credential with `jeton:manage`
/// acts for the app.
fn caller(bearer: Bearer<'_>, from: Option<IpAddr>) -> LoopBackCaller {
    let (token, ends_at) = (bearer.token_id, bearer.expires_at);
    match bearer.kind {
        // What it wrote would not depend on those above it.
        _ if bearer.is_restrained => LoopBackCaller::Anybody,
        TokenKind::Identity => {
            let (user_id, bounds) = (bearer.user_id, bearer.bounds.clone());
            LoopBackCaller::Authenticated { token, user_id, ends_at, bounds, from }
        }
        TokenKind::Service if bearer.is_manager() => LoopBackCaller::Manager { token, ends_at, from },
        TokenKind::Service | TokenKind::Grant | TokenKind::SelfMade => LoopBackCaller::Anybody,
    }
}
