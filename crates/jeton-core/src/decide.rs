//! The one decision: does this token allow this demand?

use crate::scope::{Permission, Scope};
use crate::time::Timestamp;
use std::collections::HashSet;

/// What a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// The token must be active, nothing more.
    Active,
    /// A permission, on a resource or (without one) on everything.
    Permission {
        /// The action.
        permission: Permission,
        /// The resource that it is done to. `None`: only a global scope covers it.
        resource: Option<Resource>,
    },
}

/// A resource without a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a resource needs a permission")]
pub struct PermissionMissing;

impl Demand {
    /// The demand of an optional permission and an optional resource; without both, the token must only be
    /// active.
    ///
    /// # Errors
    ///
    /// A resource without a permission.
    pub fn new(
        permission: Option<Permission>,
        resource: Option<Resource>,
    ) -> Result<Self, PermissionMissing> {
        match (permission, resource) {
            (Some(permission), resource) => Ok(Demand::Permission { permission, resource }),
            (None, None) => Ok(Demand::Active),
            (None, Some(_)) => Err(PermissionMissing),
        }
    }
}

/// The resource of an action.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Its id, if it is known.
    pub id: Option<String>,
    /// Its tags.
    pub tags: Vec<String>,
}

impl Resource {
    /// The resource of that name; `None` if neither an id nor a tag is given.
    pub fn named(id: Option<String>, tags: Vec<String>) -> Option<Self> {
        (id.is_some() || !tags.is_empty()).then_some(Resource { id, tags })
    }
}

/// What the decision needs to know about a token.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Whether it was revoked.
    pub revoked: bool,
    /// Whether it is disabled.
    pub disabled: bool,
    /// When it expires: expired at this very instant; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// What it allows.
    pub scopes: &'a [Scope],
}

/// The answer to (token, demand, now). A refusal is an answer, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The token is active and covers the demand.
    Allowed,
    /// The token is active and does not cover the demand.
    Refused,
    /// The token is not active.
    Inactive(InactiveReason),
}

impl Verdict {
    /// The stable name of the reason against the token; `None` if there is none.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Verdict::Allowed => None,
            Verdict::Refused => Some("insufficient_scope"),
            Verdict::Inactive(reason) => Some(reason.name()),
        }
    }
}

/// Why a token is not active.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InactiveReason {
    /// There is no such token, or the caller may not know of it.
    Unknown,
    /// It was revoked.
    Revoked,
    /// It has expired.
    Expired,
    /// It is disabled.
    Disabled,
    /// Its app is suspended.
    Suspended,
}

impl InactiveReason {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            InactiveReason::Unknown => "unknown",
            InactiveReason::Revoked => "revoked",
            InactiveReason::Expired => "expired",
            InactiveReason::Disabled => "disabled",
            InactiveReason::Suspended => "suspended",
        }
    }
}

/// Decides. Pure: the same arguments always give the same answer.
///
/// If several reasons apply, the first of revoked, expired, disabled is named. At `now == expires_at` the
/// token is expired.
///
/// ```
/// use jeton_core::{Demand, InactiveReason, Permission, Scope, Standing, Timestamp, Verdict, decide};
///
/// let at = |millis| Timestamp::from_millis(millis).expect("it is in range");
/// let read = vec![Scope::global(Permission::parse_list("read")?)];
/// let token = Standing { revoked: false, disabled: false, expires_at: Some(at(1_000)), scopes: &read };
/// let to_read = Demand::Permission { permission: "read".parse()?, resource: None };
/// let to_write = Demand::Permission { permission: "write".parse()?, resource: None };
///
/// assert_eq!(decide(token, &to_read, at(999)), Verdict::Allowed);
/// assert_eq!(decide(token, &to_write, at(999)), Verdict::Refused);
/// assert_eq!(decide(token, &Demand::Active, at(1_000)), Verdict::Inactive(InactiveReason::Expired));
/// # Ok::<(), jeton_core::PermissionError>(())
/// ```
pub fn decide(standing: Standing<'_>, demand: &Demand, now: Timestamp) -> Verdict {
    if let Some(reason) = inactive(standing, now) {
        return Verdict::Inactive(reason);
    }
    match demand {
        Demand::Active => Verdict::Allowed,
        Demand::Permission { permission, resource } => {
            let matches = |scope: &Scope| lack(scope, permission, resource.as_ref()).is_none();
            if standing.scopes.iter().any(matches) { Verdict::Allowed } else { Verdict::Refused }
        }
    }
}

/// A decision with its explanation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// What [`decide`] answers to the same arguments.
    pub verdict: Verdict,
    /// The index of the first scope that covers the demand.
    pub matched_scope: Option<usize>,
    /// What each scope lacked, in the order of the scopes. Empty if one matched or no scope was needed.
    pub lacks: Vec<Lack>,
}

/// What a scope lacks to cover a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// It does not hold the permission.
    Permission,
    /// It is not global, and the demand names no resource.
    Global,
    /// It neither lists the resource's id nor has tags that the resource bears all of.
    Resource,
}

impl Lack {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Lack::Permission => "permission",
            Lack::Global => "global",
            Lack::Resource => "resource",
        }
    }
}

/// Decides and explains. Always agrees with [`decide`].
pub fn explain(standing: Standing<'_>, demand: &Demand, now: Timestamp) -> Explanation {
    let verdict = decide(standing, demand, now);
    let Demand::Permission { permission, resource } = demand else {
        return Explanation { verdict, matched_scope: None, lacks: Vec::new() };
    };
    if let Verdict::Inactive(_) = verdict {
        return Explanation { verdict, matched_scope: None, lacks: Vec::new() };
    }
    let mut lacks = Vec::new();
    for (place, scope) in standing.scopes.iter().enumerate() {
        match lack(scope, permission, resource.as_ref()) {
            None => {
                return Explanation { verdict, matched_scope: Some(place), lacks: Vec::new() };
            }
            Some(lack) => lacks.push(lack),
        }
    }
    Explanation { verdict, matched_scope: None, lacks }
}

fn inactive(standing: Standing<'_>, now: Timestamp) -> Option<InactiveReason> {
    if standing.revoked {
        Some(InactiveReason::Revoked)
    } else if standing.expires_at.is_some_and(|expires_at| now >= expires_at) {
        Some(InactiveReason::Expired)
    } else if standing.disabled {
        Some(InactiveReason::Disabled)
    } else {
        None
    }
}

/// What `scope` lacks to cover the demand; `None` if it covers it.
fn lack(scope: &Scope, permission: &Permission, resource: Option<&Resource>) -> Option<Lack> {
    if !scope.permissions.contains(permission) {
        return Some(Lack::Permission);
    }
    if scope.global {
        return None;
    }
    let Some(resource) = resource else {
        return Some(Lack::Global);
    };
    let by_id = resource.id.as_ref().is_some_and(|id| scope.ids.contains(id));
    let by_tags = !scope.tags.is_empty() && bears_all(&resource.tags, &scope.tags);
    if by_id || by_tags { None } else { Some(Lack::Resource) }
}

/// Up to this many comparisons of two tags, scanning a list is faster than hashing it.
const FEW_COMPARISONS: usize = 256;

/// Whether all of the `sought` tags are borne. Takes time proportional to the sum of both lists, not to their
/// product: either may be long and chosen by an attacker.
fn bears_all(borne: &[String], sought: &[String]) -> bool {
    if borne.len().saturating_mul(sought.len()) <= FEW_COMPARISONS {
        return sought.iter().all(|tag| borne.contains(tag));
    }
    let borne: HashSet<&String> = borne.iter().collect();
    sought.iter().all(|tag| borne.contains(tag))
}

#[cfg(test)]
#[path = "decide_tests.rs"]
pub(crate) mod tests;
