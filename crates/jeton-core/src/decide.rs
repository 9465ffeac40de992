//! The one decision: does this token allow this demand?

use crate::addresses::AllowedAddresses;
use crate::ancestor::Ancestor;
use crate::bounds::Bounds;
use crate::ids::TokenId;
use crate::scope::{Permission, Scope};
use crate::time::Timestamp;
use std::collections::HashSet;
use std::net::IpAddr;

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
    /// From when and from where it may be used; `None`: always and everywhere.
    pub bounds: Option<&'a Bounds>,
    /// The tokens above it, each of which can take from it what it allows.
    pub ancestors: &'a [Ancestor],
}

impl<'a> Standing<'a> {
    /// That of a token which allows this for ever, everywhere, and whatever becomes of others.
    pub const fn lasting(scopes: &'a [Scope]) -> Self {
        Standing { revoked: false, disabled: false, expires_at: None, scopes, bounds: None, ancestors: &[] }
    }
}

/// When and from where a token is used.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a> {
    /// The present instant.
    pub now: Timestamp,
    /// The address of the client that uses it; `None`: not known, and then on no list.
    pub address: Option<IpAddr>,
    /// The addresses from which the app's tokens may be used; `None`: any.
    pub app_addresses: Option<&'a AllowedAddresses>,
    /// Whether the time and the place are those at which it may be used, whatever the others say.
    pub are_within_bounds: bool,
}

impl Circumstances<'_> {
    /// At this instant, by a client of an unknown address, in an app that bounds none.
    pub const fn at(now: Timestamp) -> Self {
        Circumstances { now, address: None, app_addresses: None, are_within_bounds: false }
    }

    /// At this instant, when and where tokens may be used.
    pub const fn within_bounds(now: Timestamp) -> Self {
        Circumstances { are_within_bounds: true, ..Circumstances::at(now) }
    }
}

/// The answer to (token, demand, circumstances). A refusal is an answer, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The token is active and covers the demand.
    Allowed,
    /// The token is active and does not cover the demand.
    Refused,
    /// The token is active and covers the demand, but was used too often in a time. [`decide`] never says so: it knows nothing of
    /// uses.
    RateLimited,
    /// The token is not active.
    Inactive(InactiveReason),
}

impl Verdict {
    /// The stable name of the reason against the token; `None` if there is none.
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Verdict::Allowed => None,
            Verdict::Refused => Some("insufficient_scope"),
            Verdict::RateLimited => Some("rate_limited"),
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
    /// It is not valid yet.
    NotYetValid,
    /// It may be used from some addresses only, and the client's is not known.
    AddressUnknown,
    /// It may be used from some addresses only, and not from the client's.
    AddressNotAllowed,
    /// It may be used so many times, and was. [`decide`] never says so: it knows nothing of uses.
    UsesExhausted,
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
            InactiveReason::NotYetValid => "not_yet_valid",
            InactiveReason::AddressUnknown => "address_unknown",
            InactiveReason::AddressNotAllowed => "address_not_allowed",
            InactiveReason::UsesExhausted => "uses_exhausted",
        }
    }
}

/// Decides. Pure: the same arguments always give the same answer.
///
/// A token that another made is good for no more than each of those above it: it is inactive if one of them
/// is, and allowed only what all of them are.
///
/// If several reasons apply, the first of revoked, expired, disabled, not yet valid, address is named. At
/// `now == expires_at` the token is expired; at `now == not_before` it is valid.
///
/// ```
/// use jeton_core::{Circumstances, Demand, InactiveReason, Permission, Scope, Standing, Timestamp, Verdict, decide};
///
/// let at = |millis| Circumstances::at(Timestamp::from_millis(millis).expect("it is in range"));
/// let read = vec![Scope::global(Permission::parse_list("read")?)];
/// let expires_at = Some(at(1_000).now);
/// let token = Standing { expires_at, ..Standing::lasting(&read) };
/// let to_read = Demand::Permission { permission: "read".parse()?, resource: None };
/// let to_write = Demand::Permission { permission: "write".parse()?, resource: None };
///
/// assert_eq!(decide(token, &to_read, at(999)), Verdict::Allowed);
/// assert_eq!(decide(token, &to_write, at(999)), Verdict::Refused);
/// assert_eq!(decide(token, &Demand::Active, at(1_000)), Verdict::Inactive(InactiveReason::Expired));
/// # Ok::<(), jeton_core::PermissionError>(())
/// ```
pub fn decide(standing: Standing<'_>, demand: &Demand, circumstances: Circumstances<'_>) -> Verdict {
    if let Some(reason) = inactive(standing, circumstances) {
        return Verdict::Inactive(reason);
    }
    if !standing.ancestors.is_empty()
        && let Some((verdict, _)) = ancestors_refusal(standing, demand, circumstances)
    {
        return verdict;
    }
    if covers(standing.scopes, demand) { Verdict::Allowed } else { Verdict::Refused }
}

fn covers(scopes: &[Scope], demand: &Demand) -> bool {
    match demand {
        Demand::Active => true,
        Demand::Permission { permission, resource } => {
            scopes.iter().any(|scope| lack(scope, permission, resource.as_ref()).is_none())
        }
    }
}

/// The verdict because of a token above this one, with the first that is to blame. Apart from what every
/// decision needs: most tokens were made by no other.
#[cold]
fn ancestors_refusal<'a>(
    standing: Standing<'a>,
    demand: &Demand,
    circumstances: Circumstances<'_>,
) -> Option<(Verdict, &'a Ancestor)> {
    let inactive = standing.ancestors.iter().find_map(|above| {
        let reason = inactive(above.standing(), circumstances)?;
        Some((Verdict::Inactive(reason), above))
    });
    let refuses = |above: &&Ancestor| !covers(above.scopes.as_slice(), demand);
    inactive.or_else(|| standing.ancestors.iter().find(refuses).map(|above| (Verdict::Refused, above)))
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
    /// The list of addresses because of which it is refused, if one is the reason.
    pub refused_by: Option<AddressList>,
    /// The token above this one because of which it is refused, if this one alone were not. What scopes lack
    /// are those of that token.
    pub ancestor: Option<TokenId>,
}

impl Explanation {
    /// The explanation of a verdict that no scope and no list explains.
    pub const fn plain(verdict: Verdict) -> Self {
        Explanation { verdict, matched_scope: None, lacks: Vec::new(), refused_by: None, ancestor: None }
    }
}

/// A list of addresses. A client must be on each of those that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressList {
    /// That of the app.
    App,
    /// That of the token.
    Token,
}

impl AddressList {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            AddressList::App => "app",
            AddressList::Token => "token",
        }
    }
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
pub fn explain(standing: Standing<'_>, demand: &Demand, circumstances: Circumstances<'_>) -> Explanation {
    let alone = Standing { ancestors: &[], ..standing };
    let own = decide(alone, demand, circumstances);
    let above = match own {
        Verdict::Inactive(_) => None,
        Verdict::Allowed | Verdict::Refused | Verdict::RateLimited => {
            ancestors_refusal(standing, demand, circumstances)
        }
    };
    match above {
        // Its own scopes are named, where those of both lack something.
        Some((verdict, above)) if own == Verdict::Allowed || verdict != Verdict::Refused => Explanation {
            ancestor: Some(above.id),
            ..explain_alone(above.standing(), demand, circumstances, verdict)
        },
        Some(_) | None => explain_alone(alone, demand, circumstances, own),
    }
}

/// Explains the verdict on a token without those above it.
fn explain_alone(
    standing: Standing<'_>,
    demand: &Demand,
    circumstances: Circumstances<'_>,
    verdict: Verdict,
) -> Explanation {
    let mut explanation = Explanation::plain(verdict);
    match (verdict, demand) {
        (Verdict::Inactive(InactiveReason::AddressUnknown | InactiveReason::AddressNotAllowed), _) => {
            explanation.refused_by = address_refusal(standing.bounds, circumstances).map(|(_, list)| list);
        }
        (Verdict::Inactive(_), _) | (_, Demand::Active) => {}
        (_, Demand::Permission { permission, resource }) => {
            for (place, scope) in standing.scopes.iter().enumerate() {
                match lack(scope, permission, resource.as_ref()) {
                    None => return Explanation { matched_scope: Some(place), ..Explanation::plain(verdict) },
                    Some(lack) => explanation.lacks.push(lack),
                }
            }
        }
    }
    explanation
}

fn inactive(standing: Standing<'_>, circumstances: Circumstances<'_>) -> Option<InactiveReason> {
    if standing.revoked {
        Some(InactiveReason::Revoked)
    } else if standing.expires_at.is_some_and(|expires_at| circumstances.now >= expires_at) {
        Some(InactiveReason::Expired)
    } else if standing.disabled {
        Some(InactiveReason::Disabled)
    } else if standing.bounds.is_none() && circumstances.app_addresses.is_none() {
        None
    } else {
        out_of_bounds(standing.bounds, circumstances)
    }
}

/// Apart from what every decision needs: most tokens have no bounds.
#[cold]
fn out_of_bounds(bounds: Option<&Bounds>, circumstances: Circumstances<'_>) -> Option<InactiveReason> {
    if circumstances.are_within_bounds {
        return None;
    }
    let not_before = bounds.and_then(|bounds| bounds.not_before);
    if not_before.is_some_and(|not_before| circumstances.now < not_before) {
        return Some(InactiveReason::NotYetValid);
    }
    address_refusal(bounds, circumstances).map(|(reason, _)| reason)
}

/// Why the client may not use the token from where it is, and by which list.
fn address_refusal(
    bounds: Option<&Bounds>,
    circumstances: Circumstances<'_>,
) -> Option<(InactiveReason, AddressList)> {
    let own = bounds.and_then(|bounds| bounds.allowed_addresses.as_ref());
    let lists = [(AddressList::App, circumstances.app_addresses), (AddressList::Token, own)];
    lists.into_iter().find_map(|(list, allowed)| {
        let allowed = allowed?;
        match circumstances.address {
            None => Some((InactiveReason::AddressUnknown, list)),
            Some(address) if allowed.allow(address) => None,
            Some(_) => Some((InactiveReason::AddressNotAllowed, list)),
        }
    })
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
