//! What a caller that authenticates with one of an app's own tokens may do to that app's tokens.
//!
//! The rule in one sentence: no caller reads, widens, outlives or revives what it may not.

use crate::actor::Actor;
use crate::bounds::Bounds;
use crate::cause::Cause;
use crate::ids::{TokenId, UserId};
use crate::lifetime::earlier_end;
use crate::policy::Policy;
use crate::scope::{Permission, Scope, Scopes, ScopesError, ServicePermission};
use crate::settings::Settings;
use crate::time::Timestamp;
use crate::token::{Owner, Token, TokenKind};
use crate::use_limits::UseLimits;
use std::net::IpAddr;

/// What a caller may do to an app's tokens.
#[derive(Clone, Debug, PartialEq)]
pub enum Authority {
    /// The operator of the service: everything, to every token.
    Everything(Cause),
    /// The app itself: everything, to every token that dialects see, except that nothing outlives the
    /// credential.
    Manager {
        /// A service credential with `jeton:manage`, the app's client credentials, or a user that the app's
        /// settings list by name.
        by: Cause,
        /// The user that a new token shows when the manager names none.
        stand_in: Option<UserId>,
        /// When the credential expires; `None`: never, or not relevant.
        ends_at: Option<Timestamp>,
    },
    /// A proven user: that user's own tokens, within the limits of the presented token.
    SelfService {
        /// The token that was presented.
        token_id: TokenId,
        /// The user.
        user_id: UserId,
        /// The user's address; `None`: not known.
        address: Option<IpAddr>,
        /// What the presented token holds and may grant.
        holding: Holding,
    },
}

/// The extent of a token: what it allows and until when.
#[derive(Clone, Debug, PartialEq)]
pub struct Holding {
    /// What it allows or, for an identity token, what the app lets users grant themselves.
    pub scopes: Scopes,
    /// When it expires; `None`: never, or not relevant.
    pub expires_at: Option<Timestamp>,
    /// From when and from where it may be used.
    pub bounds: Bounds,
}

/// The parts of a token that determine its bearer's authority.
#[derive(Clone, Debug)]
pub struct Bearer<'a> {
    /// The credential.
    pub token_id: TokenId,
    /// What it is for.
    pub kind: TokenKind,
    /// The owner that its issuer named.
    pub user_id: Option<UserId>,
    /// What it allows.
    pub scopes: &'a Scopes,
    /// When it expires: expired at this very instant; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// From when and from where it may be used.
    pub bounds: &'a Bounds,
    /// Whether another token made it, or its uses are limited: then it may do what it allows, and nothing to other tokens. What
    /// it made would depend on neither.
    pub is_restrained: bool,
}

/// Why an action exceeds the caller's authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityRefusal {
    /// It would grant a permission that the caller does not hold.
    #[error("you cannot grant permissions that you do not hold")]
    NotHeld,
    /// The result would outlive the caller.
    #[error("you cannot make a token that outlives your own")]
    Outlives,
    /// The token would be valid earlier than it is now.
    #[error("you cannot make a token valid earlier than it is")]
    BeginsEarlier,
    /// The result could be used from addresses from which the caller could not.
    #[error("you cannot make a token for addresses from which yours may not be used")]
    Elsewhere,
    /// The result would expire before it is valid.
    #[error("not_before lies before the end of the token")]
    NeverBegins,
    /// The token's rights exceed the caller's, or it is of a kind that users may not change.
    #[error("this token reaches further than yours")]
    BeyondCaller,
    /// The request asks for the tokens of another user.
    #[error("these are the tokens of another user")]
    NotYours,
    /// Another actor disabled the token.
    #[error("this token was disabled by another and you cannot enable it")]
    DisabledByAnother,
    /// The name is reserved for Jeton.
    #[error("permissions that start with jeton: are reserved")]
    Reserved,
    /// The token has scopes that are not global: permissions can be kept or dropped, not added.
    #[error("this token has scopes for single resources: its permissions can only be kept or dropped")]
    WouldWiden,
    /// Identity tokens hold no permissions.
    #[error("an identity token holds no permissions")]
    IdentityToken,
    /// Service credentials hold Jeton's own permissions, globally, and no others.
    #[error("a service credential holds jeton:manage or jeton:verify and nothing else")]
    ServiceToken,
    /// The result could be used more often than the caller's token.
    #[error("you cannot make a token that may be used more often than yours")]
    MoreOften,
    /// Only grants are counted when they are used.
    #[error("only tokens that grant permissions have limits on their uses")]
    NoLimits,
    /// A name that the dialect does not know and the token does not hold.
    #[error("permissions are read, write, delete, or names that the token already holds")]
    UnknownPermission,
    /// A policy of the app, which holds for every caller.
    #[error(transparent)]
    Policy(#[from] Policy),
    /// A limit on scopes.
    #[error(transparent)]
    Limit(#[from] ScopesError),
}

impl Authority {
    /// The authority that a token gives its bearer; `None` if it gives none. The caller must have checked
    /// that the token is active.
    ///
    /// The settings decide what the bearer of an identity token may grant, and whether its expiry bounds the
    /// tokens that it makes. `address`: the bearer's, if known.
    ///
    /// # Errors
    ///
    /// The settings allow granting more names than a scope can hold.
    pub fn of(
        bearer: Bearer<'_>,
        address: Option<IpAddr>,
        settings: &Settings,
    ) -> Result<Option<Self>, ScopesError> {
        if bearer.is_restrained {
            return Ok(None);
        }
        let ends_at = bearer.expires_at.filter(|_| !settings.allow_outliving_tokens);
        let scopes = match bearer.kind {
            TokenKind::Service if bearer.is_manager() => {
                let by = Cause::new(Actor::Manager(bearer.token_id), address);
                return Ok(Some(Authority::Manager { by, stand_in: bearer.user_id, ends_at }));
            }
            TokenKind::Service | TokenKind::SelfMade => return Ok(None),
            TokenKind::Identity => Scopes::from_global(settings.appkey.grantable.clone())?,
            TokenKind::Grant => bearer.scopes.clone(),
        };
        Ok(bearer.user_id.map(|user_id| Authority::SelfService {
            token_id: bearer.token_id,
            user_id,
            address,
            holding: Holding { scopes, expires_at: ends_at, bounds: bearer.bounds.clone() },
        }))
    }

    /// The actor that the change log names.
    pub fn actor(&self) -> Actor {
        match self {
            Authority::Everything(by) | Authority::Manager { by, .. } => by.actor.clone(),
            Authority::SelfService { token_id, user_id, .. } => {
                Actor::User { user_id: user_id.clone(), token_id: *token_id }
            }
        }
    }

    /// The caller's address; `None`: it is not known, or there is none.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Authority::Everything(by) | Authority::Manager { by, .. } => by.address(),
            Authority::SelfService { address, .. } => *address,
        }
    }

    /// The cause of what the caller changes.
    pub fn cause(&self) -> Cause {
        Cause::new(self.actor(), self.address())
    }

    /// When the caller's own token expires; `None`: no bound on what it issues.
    pub fn ends_at(&self) -> Option<Timestamp> {
        match self {
            Authority::Everything(_) => None,
            Authority::Manager { ends_at, .. } => *ends_at,
            Authority::SelfService { holding, .. } => holding.expires_at,
        }
    }

    /// The owner of a token that this caller issues, with the user that the request names, if any.
    ///
    /// # Errors
    ///
    /// [`NotYours`](AuthorityRefusal::NotYours): a user may name only itself.
    pub fn owner(&self, named: Option<UserId>) -> Result<Owner, AuthorityRefusal> {
        match (self, named) {
            (Authority::SelfService { user_id, .. }, Some(named)) if *user_id != named => {
                Err(AuthorityRefusal::NotYours)
            }
            (_, Some(named)) => Ok(Owner::Named(named)),
            (Authority::Everything(_), None) => Ok(Owner::Nobody),
            (Authority::Manager { stand_in, .. }, None) => {
                Ok(stand_in.clone().map_or(Owner::Nobody, Owner::StandIn))
            }
            (Authority::SelfService { user_id, .. }, None) => Ok(Owner::Named(user_id.clone())),
        }
    }

    /// Whether the token exists for this caller. A token that does not exist for it is unknown, never
    /// refused.
    pub fn sees(&self, token: &Token) -> bool {
        match self {
            Authority::Everything(_) => true,
            Authority::Manager { .. } => token.spec.kind.is_shared(),
            Authority::SelfService { user_id, .. } => {
                token.spec.kind.is_shared() && token.spec.owner.named() == Some(user_id)
            }
        }
    }

    /// Whether the caller may read the token's secret again.
    pub fn sees_secret(&self, token: &Token) -> bool {
        self.sees(token) && self.reaches(token)
    }

    /// The bounds of a token that this caller issues and of which it says these: a user's tokens can be used
    /// only from when and from where that user's own can be.
    ///
    /// A manager acts for the app, whatever the bounds of its credential: those protect the credential.
    #[must_use]
    pub fn bounds(&self, asked: Bounds) -> Bounds {
        match self {
            Authority::Everything(_) | Authority::Manager { .. } => asked,
            Authority::SelfService { holding, .. } => asked.within(&holding.bounds),
        }
    }

    /// Whether the caller may issue a token with these scopes, these bounds and this expiry.
    ///
    /// # Errors
    ///
    /// The first rule that it would break.
    pub fn may_issue(
        &self,
        scopes: &Scopes,
        bounds: &Bounds,
        expires_at: Option<Timestamp>,
    ) -> Result<(), AuthorityRefusal> {
        if let Authority::SelfService { holding, .. } = self {
            if !holding.covers_scopes(scopes) {
                return Err(AuthorityRefusal::NotHeld);
            }
            if !bounds.lie_within(&holding.bounds) {
                return Err(AuthorityRefusal::Elsewhere);
            }
        }
        if self.outlasts(expires_at) { Ok(()) } else { Err(AuthorityRefusal::Outlives) }
    }

    /// Whether the caller may change `before` into `after`. The caller must be able to see `before`.
    ///
    /// # Errors
    ///
    /// The first rule that it would break.
    pub fn may_change(&self, before: &Token, after: &Token) -> Result<(), AuthorityRefusal> {
        if !self.reaches(before) {
            return Err(AuthorityRefusal::BeyondCaller);
        }
        if let Some(by) = &before.disabled_by
            && after.is_enabled()
            && matches!(self, Authority::SelfService { .. })
            && !by.is_same_principal(&self.actor())
        {
            return Err(AuthorityRefusal::DisabledByAnother);
        }
        if matches!(self, Authority::SelfService { .. }) && after.spec.limits != before.spec.limits {
            return Err(AuthorityRefusal::BeyondCaller);
        }
        if matches!(self, Authority::SelfService { .. })
            && !after.spec.bounds.begin_within(&before.spec.bounds)
        {
            return Err(AuthorityRefusal::BeginsEarlier);
        }
        match self.may_issue(&after.spec.scopes, &after.spec.bounds, after.expires_at) {
            // A token that outlives the caller already may keep its expiry or get an earlier one.
            Err(AuthorityRefusal::Outlives)
                if earlier_end(before.expires_at, after.expires_at) == after.expires_at =>
            {
                Ok(())
            }
            answer => answer,
        }
    }

    /// Whether the caller may give the token another secret, which whoever gets it may use. The caller must be able to see the token.
    ///
    /// # Errors
    ///
    /// The token reaches further than the caller, and is not the one that it presents.
    pub fn may_rotate(&self, token: &Token) -> Result<(), AuthorityRefusal> {
        let is_presented = matches!(self, Authority::SelfService { token_id, .. } if *token_id == token.id);
        if is_presented || self.reaches(token) { Ok(()) } else { Err(AuthorityRefusal::BeyondCaller) }
    }

    /// Whether the caller may extend a token's lifetime, up to its own expiry. Any caller that may write the
    /// token may shorten it, since that grants nothing.
    ///
    /// A user cannot revive an expired token.
    pub fn may_prolong(&self, token: &Token, now: Timestamp) -> bool {
        match self {
            Authority::Everything(_) | Authority::Manager { .. } => true,
            Authority::SelfService { user_id, holding, .. } => {
                let is_own = token.spec.owner.named() == Some(user_id);
                let is_identity =
                    token.spec.kind == TokenKind::Identity && token.spec.bounds.lie_within(&holding.bounds);
                let is_reached = is_identity || self.reaches(token);
                is_own && is_reached && !token.has_expired(now)
            }
        }
    }

    /// Whether the caller expires no earlier than `expires_at`.
    fn outlasts(&self, expires_at: Option<Timestamp>) -> bool {
        earlier_end(expires_at, self.ends_at()) == expires_at
    }

    /// Who is recorded as having disabled a token when this caller disables it.
    ///
    /// A user who disables a token that another actor has disabled does not gain the right to enable it
    /// again.
    pub fn disabler(&self, token: &Token) -> Actor {
        match (self, &token.disabled_by) {
            (Authority::SelfService { .. }, Some(by)) => by.clone(),
            _ => self.actor(),
        }
    }

    /// Whether the token's scopes, addresses and expiry lie within the caller's, and its kind is fully
    /// described by its scopes. When it begins does not matter: the caller's own has begun.
    fn reaches(&self, token: &Token) -> bool {
        match self {
            Authority::Everything(_) | Authority::Manager { .. } => true,
            Authority::SelfService { holding, .. } => {
                token.spec.kind == TokenKind::Grant
                    && holding.covers_scopes(&token.spec.scopes)
                    && token.spec.bounds.lie_within(&holding.bounds)
                    && self.outlasts(token.expires_at)
            }
        }
    }
}

impl Bearer<'_> {
    /// Whether it is a service credential with `jeton:manage`.
    pub fn is_manager(&self) -> bool {
        self.kind == TokenKind::Service
            && self.scopes.global_permissions().contains(&&ServicePermission::Manage.permission())
    }
}

impl Holding {
    /// Whether what is held allows everything that `scopes` allow.
    pub fn covers_scopes(&self, scopes: &Scopes) -> bool {
        scopes.as_slice().iter().all(|scope| self.covers_scope(scope))
    }

    /// Each permission on each selector must be held by a scope whose selection is at least as wide.
    fn covers_scope(&self, asked: &Scope) -> bool {
        let held = self.scopes.as_slice();
        asked.permissions.iter().all(|permission| {
            let holding = || held.iter().filter(|scope| scope.permissions.contains(permission));
            if holding().any(|scope| scope.global) {
                return true;
            }
            if asked.global {
                return false;
            }
            let id_held = |id: &String| holding().any(|scope| scope.ids.contains(id));
            // A resource with all of the tags asked for has all of any subset of them.
            let tags_held = || {
                holding().any(|scope| {
                    !scope.tags.is_empty() && scope.tags.iter().all(|tag| asked.tags.contains(tag))
                })
            };
            asked.ids.iter().all(id_held) && (asked.tags.is_empty() || tags_held())
        })
    }
}

impl TokenKind {
    /// Checks that a token of this kind may have these scopes.
    ///
    /// # Errors
    ///
    /// [`IdentityToken`](AuthorityRefusal::IdentityToken), [`Reserved`](AuthorityRefusal::Reserved) or
    /// [`ServiceToken`](AuthorityRefusal::ServiceToken).
    pub fn check_scopes(self, scopes: &Scopes) -> Result<(), AuthorityRefusal> {
        let mut permissions = scopes.as_slice().iter().flat_map(|scope| &scope.permissions);
        let (holds, error) = match self {
            TokenKind::Identity | TokenKind::SelfMade => {
                (scopes.as_slice().is_empty(), AuthorityRefusal::IdentityToken)
            }
            TokenKind::Grant => (!permissions.any(Permission::is_reserved), AuthorityRefusal::Reserved),
            TokenKind::Service => {
                let own = ServicePermission::ALL.map(ServicePermission::permission);
                let only_own = permissions.all(|permission| own.contains(permission));
                let some = !scopes.global_permissions().is_empty();
                (only_own && some && !scopes.any_narrow(), AuthorityRefusal::ServiceToken)
            }
        };
        if holds { Ok(()) } else { Err(error) }
    }

    /// Checks that a token of this kind may have these limits.
    ///
    /// # Errors
    ///
    /// [`NoLimits`](AuthorityRefusal::NoLimits).
    pub fn check_limits(self, limits: &UseLimits) -> Result<(), AuthorityRefusal> {
        if self == TokenKind::Grant || limits.is_none() { Ok(()) } else { Err(AuthorityRefusal::NoLimits) }
    }
}

impl Token {
    /// The parts of it that determine its bearer's authority.
    pub fn bearer(&self) -> Bearer<'_> {
        Bearer {
            token_id: self.id,
            kind: self.spec.kind,
            user_id: self.spec.owner.named().cloned(),
            scopes: &self.spec.scopes,
            expires_at: self.expires_at,
            bounds: &self.spec.bounds,
            is_restrained: self.spec.lineage.parent().is_some() || !self.spec.limits.is_none(),
        }
    }

    /// Whether its bearer may do less than with the token as it was `before`, and nothing more.
    pub fn has_less_than(&self, before: &Token) -> bool {
        let held = Holding {
            scopes: before.spec.scopes.clone(),
            expires_at: before.expires_at,
            bounds: before.spec.bounds.clone(),
        };
        let rights = |token: &Token| {
            let Token { spec, expires_at, left_loopback, .. } = token;
            (spec.scopes.clone(), spec.bounds.clone(), *expires_at, token.is_enabled(), *left_loopback)
        };
        let is_within = held.covers_scopes(&self.spec.scopes)
            && self.spec.bounds.lie_within(&held.bounds)
            && self.spec.bounds.begin_within(&held.bounds)
            && earlier_end(self.expires_at, before.expires_at) == self.expires_at
            && (self.is_enabled() <= before.is_enabled())
            && (self.left_loopback >= before.left_loopback);
        let who = |token: &Token| (token.spec.kind, token.spec.owner.clone(), token.spec.limits.clone());
        let is_same = who(self) == who(before);
        is_same && is_within && rights(self) != rights(before)
    }

    /// The scopes of this token after a dialect replaced its global permissions by `names`.
    ///
    /// # Errors
    ///
    /// Names that a token of this kind cannot hold; names that would widen a token with scopes that are not
    /// global; a limit.
    pub fn scopes_with_permissions(&self, names: Vec<Permission>) -> Result<Scopes, AuthorityRefusal> {
        let held = self.spec.scopes.global_permissions();
        if self.spec.scopes.any_narrow() && !names.iter().all(|name| held.contains(&name)) {
            return Err(AuthorityRefusal::WouldWiden);
        }
        let scopes = self.spec.scopes.with_global_permissions(names)?;
        self.spec.kind.check_scopes(&scopes)?;
        Ok(scopes)
    }
}

#[cfg(test)]
#[path = "authority_tests.rs"]
mod tests;
