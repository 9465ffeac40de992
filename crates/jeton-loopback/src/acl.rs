//! LoopBack's access control lists: which callers may call which method, and by which rule.
//!
//! The rules are those of LoopBack 2: every entry that applies to the caller and the method gets a score, and
//! the highest one decides. Two points differ. If no entry decides, access is denied (LoopBack: allowed). And
//! a method's aliases (`patchAttributes`) mean the same as its own name, whereas LoopBack ignores such
//! entries.

use jeton_core::UserId;
use std::collections::BTreeMap;

mod entry;
mod method;

pub use entry::{AclEntry, AclPermission, Methods, Principal};
pub use method::{AccessType, Method};

/// At most this many entries in one list, and this many roles.
pub const MAX_ACL_ENTRIES: usize = 1_000;

/// Why a list of entries, or an entry, is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AclError {
    /// The type of the principal is neither `USER` nor `ROLE`. Callers are never applications.
    #[error("principalType must be USER or ROLE, not {0:?}")]
    PrincipalType(String),
    /// The principal is not a user id, or it is a role with an empty name, or a `$` role that is not one of
    /// the four.
    #[error("principalId names no {0}")]
    PrincipalId(&'static str),
    /// The permission does not exist.
    #[error("permission must be ALLOW, DENY, ALARM, AUDIT or DEFAULT, not {0:?}")]
    Permission(String),
    /// The kind of access does not exist.
    #[error("accessType must be READ, WRITE, EXECUTE or *, not {0:?}")]
    AccessType(String),
    /// The method does not exist.
    #[error("property must name methods of AccessToken, or be *; {0:?} is none")]
    Property(String),
    /// An entry names a role that is not among the roles.
    #[error("the role {0:?} is not among the roles")]
    UnknownRole(String),
    /// The name of a role is empty or starts with `$`.
    #[error("a role has a name, and it does not begin with $: {0:?}")]
    RoleName(String),
    /// More than [`MAX_ACL_ENTRIES`] entries, roles, or users in a role.
    #[error("at most 1000 entries, roles, and users in a role")]
    TooMany,
}

/// The caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclCaller<'a> {
    /// A service credential that manages the app.
    Manager,
    /// A proven user.
    User(&'a UserId),
    /// Any other caller: without a credential, or with one that proves no user.
    Anyone,
}

/// On what ground a caller is admitted; the strongest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// By name: see [`AccessRules::decide`].
    Name,
    /// As the owner of the token.
    Owner,
    /// Only as a proven user, like any other.
    Authenticated,
    /// Only as a caller that is not a proven user.
    Unauthenticated,
    /// Only because everyone is admitted.
    Everyone,
}

impl Ground {
    /// Whether the rules admit this caller in particular. Only such a caller may set a token's owner or
    /// choose its id.
    pub fn is_by_name(self) -> bool {
        self == Ground::Name
    }
}

/// Which callers may call which methods of an app's tokens over LoopBack. `Default` is LoopBack's documented
/// default: everyone may create, and nothing else is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessRules {
    entries: Vec<AclEntry>,
    roles: BTreeMap<String, Vec<UserId>>,
}

impl Default for AccessRules {
    fn default() -> Self {
        let everyone = |permission, methods| AclEntry {
            principal: Principal::Everyone,
            permission,
            access_type: None,
            methods,
        };
        AccessRules {
            entries: vec![
                everyone(AclPermission::Deny, Methods::All),
                everyone(AclPermission::Allow, Methods::These(vec![Method::Create])),
            ],
            roles: BTreeMap::new(),
        }
    }
}

impl AccessRules {
    /// Takes entries, and the users of each role.
    ///
    /// # Errors
    ///
    /// A role that is not valid, an entry for a role that does not exist, or [`AclError::TooMany`].
    pub fn new(entries: Vec<AclEntry>, roles: BTreeMap<String, Vec<UserId>>) -> Result<Self, AclError> {
        let sizes = [entries.len(), roles.len()].into_iter().chain(roles.values().map(Vec::len));
        if sizes.max() > Some(MAX_ACL_ENTRIES) {
            return Err(AclError::TooMany);
        }
        if let Some(name) = roles.keys().find(|name| name.is_empty() || name.starts_with('$')) {
            return Err(AclError::RoleName(name.clone()));
        }
        for entry in &entries {
            if let Principal::Role(name) = &entry.principal
                && !roles.contains_key(name)
            {
                return Err(AclError::UnknownRole(name.clone()));
            }
        }
        Ok(AccessRules { entries, roles })
    }

    /// The entries as they were given.
    pub fn entries(&self) -> &[AclEntry] {
        &self.entries
    }

    /// The users of each role.
    pub fn roles(&self) -> &BTreeMap<String, Vec<UserId>> {
        &self.roles
    }

    /// Whether the decision for `method` can depend on the owner of the token. If not,
    /// [`decide`](Self::decide) ignores `owns`, which need not be looked up.
    pub fn asks_for_owner(&self, method: Method) -> bool {
        self.entries.iter().any(|entry| entry.principal == Principal::Owner && entry.score(method).is_some())
    }

    /// On what ground the caller may call the method; `None`: it may not. `owns` says whether the token is
    /// the caller's own.
    ///
    /// A caller is admitted *by name* if it is admitted and would still be if only the entries for users and
    /// named roles existed. So it is not enough that some entry names it, nor necessary that such an entry
    /// decided. A manager is always admitted by name. Admission as the owner is decided in the same way, with
    /// the entries for owners added; the other grounds are that of the entry which decided.
    pub fn decide(&self, caller: AclCaller<'_>, method: Method, owns: bool) -> Option<Ground> {
        if caller == AclCaller::Manager {
            return Some(Ground::Name);
        }
        let decisive = |counts: fn(&Principal) -> bool| {
            self.entries
                .iter()
                .filter(|entry| counts(&entry.principal) && self.is_meant(&entry.principal, caller, owns))
                .filter_map(|entry| Some((entry.score(method)?, entry)))
                .max_by_key(|(score, _)| *score)
                .map(|(_, entry)| entry)
                .filter(|entry| entry.permission.lets_in())
        };
        let entry = decisive(|_| true)?;
        if decisive(Principal::is_name).is_some() {
            return Some(Ground::Name);
        }
        if decisive(|principal| principal.is_name() || *principal == Principal::Owner).is_some() {
            return Some(Ground::Owner);
        }
        Some(match entry.principal {
            // If one of the first two decided among all entries, it would have among fewer.
            Principal::User(_) | Principal::Role(_) => Ground::Name,
            Principal::Owner => Ground::Owner,
            Principal::Authenticated => Ground::Authenticated,
            Principal::Unauthenticated => Ground::Unauthenticated,
            Principal::Everyone => Ground::Everyone,
        })
    }

    fn is_meant(&self, principal: &Principal, caller: AclCaller<'_>, owns: bool) -> bool {
        let AclCaller::User(user) = caller else {
            return matches!(principal, Principal::Unauthenticated | Principal::Everyone);
        };
        match principal {
            Principal::User(named) => named == user,
            Principal::Role(name) => self.roles.get(name).is_some_and(|users| users.contains(user)),
            Principal::Owner => owns,
            Principal::Unauthenticated => false,
            Principal::Authenticated | Principal::Everyone => true,
        }
    }
}

#[cfg(test)]
#[path = "acl_tests.rs"]
mod tests;
