//! One entry of an access control list.

use super::{AccessType, AclError, Method};
use jeton_core::UserId;

/// The principal of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// `USER`: one user.
    User(UserId),
    /// `ROLE` with a name that the settings assign to users.
    Role(String),
    /// `ROLE` `$owner`: the owner of the token.
    Owner,
    /// `ROLE` `$authenticated`: every caller that is a proven user.
    Authenticated,
    /// `ROLE` `$unauthenticated`: every other caller.
    Unauthenticated,
    /// `ROLE` `$everyone`.
    Everyone,
}

/// The permission of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AclPermission {
    /// `DEFAULT`: the same as no entry, which is denial.
    Default,
    /// `ALLOW`.
    Allow,
    /// `ALARM`: allowed. LoopBack knows the word but does nothing else with it.
    Alarm,
    /// `AUDIT`: allowed, like `ALARM`.
    Audit,
    /// `DENY`.
    Deny,
}

/// The methods of an entry, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Methods {
    /// `*`, or absent.
    All,
    /// These. An empty list means no method.
    These(Vec<Method>),
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// Its principal.
    pub principal: Principal,
    /// Its permission.
    pub permission: AclPermission,
    /// Its kind of access; `None`: every kind.
    pub access_type: Option<AccessType>,
    /// Its methods.
    pub methods: Methods,
}

impl AclEntry {
    /// Parses an entry as LoopBack writes it: `principalType`, `principalId`, `permission` and, optionally,
    /// `accessType` and the names in `property`.
    ///
    /// # Errors
    ///
    /// The first member that is not valid.
    pub fn parse(
        principal_type: &str,
        principal_id: &str,
        permission: &str,
        access_type: Option<&str>,
        properties: Option<&[&str]>,
    ) -> Result<Self, AclError> {
        let principal = Principal::parse(principal_type, principal_id)?;
        let permission = AclPermission::ALL
            .into_iter()
            .find(|known| known.name() == permission)
            .ok_or_else(|| AclError::Permission(permission.to_owned()))?;
        let access_type = match access_type {
            None | Some("*") => None,
            Some(name) => {
                Some(AccessType::from_name(name).ok_or_else(|| AclError::AccessType(name.to_owned()))?)
            }
        };
        let methods = match properties {
            None => Methods::All,
            Some(names) if names.contains(&"*") => Methods::All,
            Some(names) => {
                let method = |name: &&str| {
                    Method::from_name(name).ok_or_else(|| AclError::Property((*name).to_owned()))
                };
                Methods::These(names.iter().map(method).collect::<Result<_, _>>()?)
            }
        };
        Ok(AclEntry { principal, permission, access_type, methods })
    }

    /// The score of the entry for `method`; `None` if it does not apply. The arithmetic is LoopBack's: each
    /// part counts less than the one before, except that an entry for a user gains as much as one step of the
    /// kind of access (4 is not a digit in base 4).
    pub(super) fn score(&self, method: Method) -> Option<i32> {
        let property = match &self.methods {
            Methods::All => 2,
            Methods::These(methods) if methods.contains(&method) => 3,
            Methods::These(_) => return None,
        };
        let access = match self.access_type {
            None => 2,
            // EXECUTE means every kind of access and scores like the kind itself.
            Some(AccessType::Execute) => 3,
            Some(kind) if kind == method.access_type() => 3,
            Some(_) => return None,
        };
        let (kind, role) = match self.principal {
            Principal::User(_) => (4, 0),
            Principal::Role(_) => (2, 5),
            Principal::Owner => (2, 4),
            Principal::Authenticated | Principal::Unauthenticated => (2, 2),
            Principal::Everyone => (2, 1),
        };
        // The first three is for the model, which is always the same.
        let score = ((3 * 4 + property) * 4 + access) * 4 + kind;
        Some((score * 8 + role) * 4 + self.permission.strength() - 1)
    }
}

impl Principal {
    /// Parses LoopBack's `principalType` and `principalId`.
    ///
    /// # Errors
    ///
    /// [`AclError::PrincipalType`], [`AclError::PrincipalId`].
    pub fn parse(principal_type: &str, principal_id: &str) -> Result<Self, AclError> {
        match (principal_type, principal_id) {
            ("USER", id) => id.parse().map(Principal::User).map_err(|_| AclError::PrincipalId("user")),
            ("ROLE", "$owner") => Ok(Principal::Owner),
            ("ROLE", "$authenticated") => Ok(Principal::Authenticated),
            ("ROLE", "$unauthenticated") => Ok(Principal::Unauthenticated),
            ("ROLE", "$everyone") => Ok(Principal::Everyone),
            ("ROLE", name) if name.is_empty() || name.starts_with('$') => Err(AclError::PrincipalId("role")),
            ("ROLE", name) => Ok(Principal::Role(name.to_owned())),
            (other, _) => Err(AclError::PrincipalType(other.to_owned())),
        }
    }

    /// Whether it is a user or a named role.
    pub fn is_name(&self) -> bool {
        matches!(self, Principal::User(_) | Principal::Role(_))
    }

    /// LoopBack's `principalType` and `principalId`.
    pub fn names(&self) -> (&'static str, String) {
        match self {
            Principal::User(user) => ("USER", user.to_string()),
            Principal::Role(name) => ("ROLE", name.clone()),
            Principal::Owner => ("ROLE", "$owner".to_owned()),
            Principal::Authenticated => ("ROLE", "$authenticated".to_owned()),
            Principal::Unauthenticated => ("ROLE", "$unauthenticated".to_owned()),
            Principal::Everyone => ("ROLE", "$everyone".to_owned()),
        }
    }
}

impl AclPermission {
    /// All permissions, in ascending order of strength.
    pub const ALL: [AclPermission; 5] = [
        AclPermission::Default,
        AclPermission::Allow,
        AclPermission::Alarm,
        AclPermission::Audit,
        AclPermission::Deny,
    ];

    /// LoopBack's name.
    pub const fn name(self) -> &'static str {
        match self {
            AclPermission::Default => "DEFAULT",
            AclPermission::Allow => "ALLOW",
            AclPermission::Alarm => "ALARM",
            AclPermission::Audit => "AUDIT",
            AclPermission::Deny => "DENY",
        }
    }

    /// Its strength if entries differ in nothing else.
    const fn strength(self) -> i32 {
        match self {
            AclPermission::Default => 0,
            AclPermission::Allow => 1,
            AclPermission::Alarm => 2,
            AclPermission::Audit => 3,
            AclPermission::Deny => 4,
        }
    }

    pub(super) fn lets_in(self) -> bool {
        match self {
            AclPermission::Allow | AclPermission::Alarm | AclPermission::Audit => true,
            AclPermission::Default | AclPermission::Deny => false,
        }
    }
}
