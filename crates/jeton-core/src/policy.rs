//! An app's policies: what no token of it may be, whoever makes it.

use crate::authority::Authority;
use crate::lifetime::earlier_end;
use crate::scope::{Permission, Scopes};
use crate::secret::{Secret, TokenPrefix};
use crate::time::Timestamp;
use crate::token::Token;

/// The policies of an app. `Default`: none.
///
/// They hold for tokens that are made, imported or changed from then on; those that exist stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PolicySettings {
    /// How long a token may live.
    pub max_lifetime: MaxLifetime,
    /// Whether every token must expire.
    pub require_expiry: bool,
    /// What no token may allow. At most [`MAX_FORBIDDEN`].
    pub forbidden_permissions: Vec<Permission>,
    /// Whether the secret of every token must begin with the app's prefix, as scanners for leaked secrets expect.
    pub require_prefix: bool,
    /// How many tokens of each user may be live at a time: at least 1; `None`: any number.
    pub max_tokens_per_user: Option<u32>,
}

/// At most this many forbidden permissions.
pub const MAX_FORBIDDEN: usize = 1_000;

/// How many seconds after a write its token may live, by the caller that writes. At least 1; `None`: the app's longest lifetime alone
/// bounds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MaxLifetime {
    /// Operators: on the command line, in the admin API and in the console.
    pub operator: Option<u32>,
    /// The app's own servers: by `jeton:manage` or client credentials.
    pub manager: Option<u32>,
    /// Users, for their own tokens.
    pub user: Option<u32>,
}

/// The policy that a request goes against. Its text begins with the name that the settings have for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Policy {
    /// The token would live too long.
    #[error("policies.max_lifetime_seconds: a token that {0} makes may live for at most {1} seconds")]
    MaxLifetime(PolicyCaller, u32),
    /// The token would never expire.
    #[error("policies.require_expiry: every token of this app must expire")]
    RequireExpiry,
    /// The token would allow what none may.
    #[error("policies.forbidden_permissions: no token of this app may have one of these permissions")]
    ForbiddenPermission,
    /// The token's secret begins otherwise.
    #[error("policies.require_prefix: every token of this app begins with the app's prefix")]
    RequirePrefix,
    /// The user has as many as it may have.
    #[error("policies.max_tokens_per_user: a user of this app may have at most {0} live tokens")]
    MaxTokensPerUser(u32),
}

impl Policy {
    /// Its name in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Policy::MaxLifetime(..) => "policies.max_lifetime_seconds",
            Policy::RequireExpiry => "policies.require_expiry",
            Policy::ForbiddenPermission => "policies.forbidden_permissions",
            Policy::RequirePrefix => "policies.require_prefix",
            Policy::MaxTokensPerUser(_) => "policies.max_tokens_per_user",
        }
    }
}

/// The kinds of callers that policies tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyCaller {
    /// An operator.
    Operator,
    /// A server of the app.
    Manager,
    /// A user.
    User,
}

impl std::fmt::Display for PolicyCaller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            PolicyCaller::Operator => "an operator",
            PolicyCaller::Manager => "a manager",
            PolicyCaller::User => "a user",
        })
    }
}

impl From<&Authority> for PolicyCaller {
    fn from(authority: &Authority) -> Self {
        match authority {
            Authority::Everything(_) => PolicyCaller::Operator,
            Authority::Manager { .. } => PolicyCaller::Manager,
            Authority::SelfService { .. } => PolicyCaller::User,
        }
    }
}

impl MaxLifetime {
    /// That of a caller.
    pub fn of(self, caller: PolicyCaller) -> Option<u32> {
        match caller {
            PolicyCaller::Operator => self.operator,
            PolicyCaller::Manager => self.manager,
            PolicyCaller::User => self.user,
        }
    }
}

impl PolicySettings {
    /// When a token that this caller writes now must have expired; `None`: no bound.
    pub fn latest(&self, caller: PolicyCaller, now: Timestamp) -> Option<Timestamp> {
        let seconds = self.max_lifetime.of(caller)?;
        Some(now.saturating_add_millis(i64::from(seconds) * 1_000))
    }

    /// Whether there may be a new token that allows this until then.
    ///
    /// # Errors
    ///
    /// The first policy that it goes against.
    pub fn allow_new(
        &self,
        caller: PolicyCaller,
        scopes: &Scopes,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Policy> {
        self.allow_end(caller, expires_at, now)?;
        let mut names = scopes.as_slice().iter().flat_map(|scope| &scope.permissions);
        if names.any(|name| self.forbidden_permissions.contains(name)) {
            return Err(Policy::ForbiddenPermission);
        }
        Ok(())
    }

    /// Whether a token may be changed so. What it was allowed before it may keep, and it may always expire sooner.
    ///
    /// # Errors
    ///
    /// The first policy that the change goes against.
    pub fn allow_change(
        &self,
        caller: PolicyCaller,
        before: &Token,
        after: &Token,
        now: Timestamp,
    ) -> Result<(), Policy> {
        if earlier_end(before.expires_at, after.expires_at) != after.expires_at {
            self.allow_end(caller, after.expires_at, now)?;
        }
        let names = |token: &Token| {
            let scopes = token.spec.scopes.as_slice().to_vec();
            scopes.into_iter().flat_map(|scope| scope.permissions).collect::<Vec<_>>()
        };
        let held = names(before);
        let is_new = |name: &Permission| !held.contains(name) && self.forbidden_permissions.contains(name);
        if names(after).iter().any(is_new) { Err(Policy::ForbiddenPermission) } else { Ok(()) }
    }

    /// Whether a token may have this secret, which somebody else chose.
    ///
    /// # Errors
    ///
    /// It does not begin with the app's prefix, and must.
    pub fn allow_secret(&self, prefix: Option<&TokenPrefix>, secret: &Secret) -> Result<(), Policy> {
        if !self.require_prefix || prefix.is_some_and(|prefix| prefix.begins(secret)) {
            return Ok(());
        }
        Err(Policy::RequirePrefix)
    }

    fn allow_end(
        &self,
        caller: PolicyCaller,
        expires_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<(), Policy> {
        if let Some(seconds) = self.max_lifetime.of(caller)
            && earlier_end(expires_at, self.latest(caller, now)) != expires_at
        {
            return Err(Policy::MaxLifetime(caller, seconds));
        }
        if self.require_expiry && expires_at.is_none() { Err(Policy::RequireExpiry) } else { Ok(()) }
    }
}

#[cfg(test)]
#[path = "policy_tests.rs"]
mod tests;
