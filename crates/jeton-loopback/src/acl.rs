//! LoopBack's access control lists: who may call which method, and on what ground.
//!
//! The rules are those of LoopBack 2: every entry that applies to the caller and the method gets a score, and the
//! highest one decides. Two points differ. Without an entry that decides, the answer is no (LoopBack: yes). And the
//! other names of a method (`patchAttributes`) mean the same as its own, where LoopBack overlooks such entries.

use jeton_core::UserId;
use std::collections::BTreeMap;

mod entry;
mod method;

pub use entry::{AclEntry, AclPermission, Methods, Principal};
pub use method::{AccessType, Method};

/// Most entries in one list, and most roles beside it.
pub const MAX_ACL_ENTRIES: usize = 1_000;

/// Why something is no list of entries, or no entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AclError {
    /// The type of the principal is neither `USER` nor `ROLE`. No caller here is an application.
    #[error("principalType must be USER or ROLE, not {0:?}")]
    PrincipalType(String),
    /// The principal is no user id, or a role called after nothing, or a `$` role that is not one of the four.
    #[error("principalId names no {0}")]
    PrincipalId(&'static str),
    /// No such permission.
    #[error("permission must be ALLOW, DENY, ALARM, AUDIT or DEFAULT, not {0:?}")]
    Permission(String),
    /// No such kind of access.
    #[error("accessType must be READ, WRITE, EXECUTE or *, not {0:?}")]
    AccessType(String),
    /// No such method.
    #[error("property must name methods of AccessToken, or be *; {0:?} is none")]
    Property(String),
    /// An entry is about a role that has no users and is not even known.
    #[error("the role {0:?} is not among the roles")]
    UnknownRole(String),
    /// A role has the name of nothing, or one that begins with `$`.
    #[error("a role has a name, and it does not begin with $: {0:?}")]
    RoleName(String),
    /// More than [`MAX_ACL_ENTRIES`] entries, roles, or users in a role.
    #[error("at most 1000 entries, roles, and users in a role")]
    TooMany,
}

/// Who calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclCaller<'a> {
    /// A service credential that manages the app.
    Manager,
    /// A proven user.
    User(&'a UserId),
    /// Anybody else: no credential, or one that says nothing about a user.
    Anyone,
}

/// On what ground a caller is let in; the strongest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// By name: see [`AccessRules::decide`].
    Name,
    /// As the owner of the token in question.
    Owner,
    /// Only as a proven user, like any other.
    Authenticated,
    /// Only as a caller who is no proven user.
    Unauthenticated,
    /// Only as anybody at all.
    Everyone,
}

impl Ground {
    /// Whether the rules mean this very caller. Only such a caller may say whose a token is, or choose its id.
    pub fn is_by_name(self) -> bool {
        self == Ground::Name
    }
}

/// Who may call which method of an app's tokens over LoopBack. `Default` is what LoopBack's documentation says: nobody
/// may do anything, save that everyone may create.
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
    /// A role that cannot be, an entry about a role that is not there, or [`AclError::TooMany`].
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

    /// The entries, as they were given.
    pub fn entries(&self) -> &[AclEntry] {
        &self.entries
    }

    /// The users of each role.
    pub fn roles(&self) -> &BTreeMap<String, Vec<UserId>> {
        &self.roles
    }

    /// Whether the answer for `method` can depend on whose the token in question is. If not, `owns` is of no account
    /// to [`decide`](Self::decide) and need not be found out.
    pub fn asks_for_owner(&self, method: Method) -> bool {
        self.entries.iter().any(|entry| entry.principal == Principal::Owner && entry.score(method).is_some())
    }

    /// On what ground the caller may call the method; `None`: it may not. `owns` says whether the token in question
    /// is the caller's own.
    ///
    /// A caller is let in *by name* if it is let in, and would still be if there were only the entries about users
    /// and named roles; so it is not enough that some entry names it, nor necessary that such an entry decided. A
    /// manager is always let in by name. The owner's ground is found in the same way, with the entries about owners
    /// beside those; the other grounds are that of the entry which decided.
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
            // If one of the first two had decided among all, it would have among fewer.
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
