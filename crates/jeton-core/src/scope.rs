//! Permissions, and scopes: which actions on which resources.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

/// At most this many scopes in one token, whatever [`ScopeLimits`] say.
pub const MAX_SCOPES: usize = 1_024;
/// At most this many permissions, ids or tags (each) in one scope, whatever [`ScopeLimits`] say.
pub const MAX_NAMES_PER_SCOPE: usize = 10_000;
/// At most this many code points in a permission, a resource id or a tag.
pub const MAX_NAME_CHARS: usize = 255;
/// Permissions with this prefix are Jeton's own; no dialect grants them.
pub const RESERVED_PREFIX: &str = "jeton:";

/// The name of an action, compared exactly.
///
/// 1 to [`MAX_NAME_CHARS`] code points, no comma (lists of names are separated by commas), no control
/// character, no white space at either end. A parsed name, which is to be granted, contains no white space or
/// other separators either: `read write` is two names, meant as a list. Older tokens may hold such a name,
/// which [`held`](Self::held) reads.
///
/// ```
/// use jeton_core::Permission;
///
/// let names = Permission::parse_list("read, write")?;
/// assert_eq!(names[1].as_str(), "write");
/// assert!("read write".parse::<Permission>().is_err(), "a name holds no white space");
/// // Jeton's own names go to service credentials alone.
/// assert!("jeton:manage".parse::<Permission>()?.is_reserved());
/// # Ok::<(), jeton_core::PermissionError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Permission(String);

/// Why a text is not a permission.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PermissionError {
    /// Empty, or with white space at an end.
    #[error("a permission is a name without white space at either end")]
    Blank,
    /// More than [`MAX_NAME_CHARS`] code points.
    #[error("a permission has at most 255 characters")]
    TooLong,
    /// A comma or a control character.
    #[error("a permission holds no commas and no control characters")]
    Character,
    /// White space or a semicolon of any script, or a comma of another script.
    #[error(
        "a permission holds no white space and no semicolons: names are separated by commas, as in read,write"
    )]
    Separator,
}

impl Permission {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the name is reserved for Jeton.
    pub fn is_reserved(&self) -> bool {
        self.0.starts_with(RESERVED_PREFIX)
    }

    /// The action of an HTTP method, in upper case: `read` for GET, HEAD and OPTIONS, `delete` for DELETE,
    /// `write` for all others.
    pub fn by_method(method: &str) -> Self {
        let name = match method {
            "GET" | "HEAD" | "OPTIONS" => "read",
            "DELETE" => "delete",
            _ => "write",
        };
        Permission(name.to_owned())
    }

    /// Reads a name that a token may hold, even if it can no longer be granted.
    ///
    /// # Errors
    ///
    /// It could never be granted.
    pub fn held(text: &str) -> Result<Self, PermissionError> {
        if text.is_empty() || text.trim() != text {
            return Err(PermissionError::Blank);
        }
        if text.chars().count() > MAX_NAME_CHARS {
            return Err(PermissionError::TooLong);
        }
        if text.contains(',') || text.chars().any(char::is_control) {
            return Err(PermissionError::Character);
        }
        Ok(Permission(text.to_owned()))
    }

    /// Reads a list of names separated by commas. White space around names, and empty names, are ignored.
    ///
    /// # Errors
    ///
    /// The first name that is not a permission.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, PermissionError> {
        text.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::parse).collect()
    }
}

impl FromStr for Permission {
    type Err = PermissionError;

    fn from_str(text: &str) -> Result<Self, PermissionError> {
        let name = Permission::held(text)?;
        if text.contains(is_separator) { Err(PermissionError::Separator) } else { Ok(name) }
    }
}

/// Whether people write this between names, meaning a list.
fn is_separator(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, ';' | '\u{ff1b}' | '\u{ff0c}' | '\u{3001}')
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The permissions of service credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServicePermission {
    /// `jeton:manage`: see and change every token of the app.
    Manage,
    /// `jeton:verify`: ask about the app's tokens.
    Verify,
}

impl ServicePermission {
    /// Both, in the order in which they are written.
    pub const ALL: [ServicePermission; 2] = [ServicePermission::Manage, ServicePermission::Verify];

    /// The reserved name.
    pub const fn name(self) -> &'static str {
        match self {
            ServicePermission::Manage => "jeton:manage",
            ServicePermission::Verify => "jeton:verify",
        }
    }

    /// The permission of that name.
    pub fn permission(self) -> Permission {
        Permission(self.name().to_owned())
    }
}

/// Actions, and the resources on which they are allowed.
///
/// Ids and tags are two selectors: a match of either is enough. A scope that is not global and has neither
/// ids nor tags covers nothing.
///
/// ```
/// use jeton_core::{Circumstances, Demand, Permission, Resource, Scope, Standing, Timestamp, Verdict, decide};
///
/// let read = Permission::parse_list("read")?;
/// let scopes = [Scope { permissions: read.clone(), tags: vec!["eu".to_owned()], ..Scope::default() }];
/// let token = Standing::lasting(&scopes);
/// let of = |tag: &str| {
///     let resource = Resource::named(None, vec![tag.to_owned()]);
///     let demand = Demand::Permission { permission: read[0].clone(), resource };
///     decide(token, &demand, Circumstances::at(Timestamp::MAX))
/// };
/// assert_eq!((of("eu"), of("us")), (Verdict::Allowed, Verdict::Refused));
/// # Ok::<(), jeton_core::PermissionError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scope {
    /// The actions.
    pub permissions: Vec<Permission>,
    /// Every resource; ids and tags then have no effect.
    pub global: bool,
    /// The resources with these ids.
    pub ids: Vec<String>,
    /// The resources that bear all of these tags. An empty list selects nothing.
    pub tags: Vec<String>,
}

impl Scope {
    /// These actions on every resource.
    pub fn global(permissions: Vec<Permission>) -> Self {
        Scope { permissions, global: true, ..Scope::default() }
    }
}

/// The scopes of one token, never more than [`MAX_SCOPES`], [`MAX_NAMES_PER_SCOPE`] and [`MAX_NAME_CHARS`]
/// allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Scope>);

/// Limits on what a token may be given from now on. Existing scopes stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScopeLimits {
    /// At most this many scopes in one token; at most [`MAX_SCOPES`].
    pub scopes: usize,
    /// At most this many permissions, ids or tags (each) in one scope; at most [`MAX_NAMES_PER_SCOPE`].
    pub names_per_scope: usize,
    /// At most this many code points in a permission, an id or a tag; at most [`MAX_NAME_CHARS`].
    pub name_chars: usize,
}

impl Default for ScopeLimits {
    fn default() -> Self {
        ScopeLimits { scopes: 64, names_per_scope: 1_000, name_chars: MAX_NAME_CHARS }
    }
}

/// The limit that scopes exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopesError {
    /// Too many scopes.
    #[error("a token has at most {0} scopes")]
    TooMany(usize),
    /// Too many names of one kind in a scope.
    #[error("a scope has at most {0} permissions, {0} ids and {0} tags")]
    TooManyNames(usize),
    /// A name that is empty or too long.
    #[error("a permission, an id or a tag has 1 to {0} characters")]
    NameLength(usize),
}

impl Scopes {
    /// Checks the scopes against the absolute bounds.
    ///
    /// # Errors
    ///
    /// The first bound that they exceed.
    pub fn new(scopes: Vec<Scope>) -> Result<Self, ScopesError> {
        let bounds = ScopeLimits {
            scopes: MAX_SCOPES,
            names_per_scope: MAX_NAMES_PER_SCOPE,
            name_chars: MAX_NAME_CHARS,
        };
        let scopes = Scopes(scopes);
        scopes.within(&bounds)?;
        Ok(scopes)
    }

    /// Checks that they may be given to a token under these limits.
    ///
    /// # Errors
    ///
    /// The first limit that they exceed.
    pub fn within(&self, limits: &ScopeLimits) -> Result<(), ScopesError> {
        if self.0.len() > limits.scopes {
            return Err(ScopesError::TooMany(limits.scopes));
        }
        for scope in &self.0 {
            let most = scope.permissions.len().max(scope.ids.len()).max(scope.tags.len());
            if most > limits.names_per_scope {
                return Err(ScopesError::TooManyNames(limits.names_per_scope));
            }
            let permissions = scope.permissions.iter().map(Permission::as_str);
            let names = permissions.chain(scope.ids.iter().chain(&scope.tags).map(String::as_str));
            let is_invalid = |name: &str| name.is_empty() || name.chars().count() > limits.name_chars;
            if names.into_iter().any(is_invalid) {
                return Err(ScopesError::NameLength(limits.name_chars));
            }
        }
        Ok(())
    }

    /// No scopes: every demand with a permission is refused.
    pub const fn none() -> Self {
        Scopes(Vec::new())
    }

    /// One global scope with these permissions; no scopes if there are no permissions.
    ///
    /// # Errors
    /// [`ScopesError::TooManyNames`].
    pub fn from_global(permissions: Vec<Permission>) -> Result<Self, ScopesError> {
        if permissions.is_empty() { Ok(Self::none()) } else { Self::new(vec![Scope::global(permissions)]) }
    }

    /// The permissions that global scopes grant, in order, without duplicates.
    pub fn global_permissions(&self) -> Vec<&Permission> {
        let mut seen = HashSet::new();
        let global = self.0.iter().filter(|scope| scope.global);
        global.flat_map(|scope| &scope.permissions).filter(|permission| seen.insert(*permission)).collect()
    }

    /// Whether any scope is not global.
    pub fn any_narrow(&self) -> bool {
        self.0.iter().any(|scope| !scope.global)
    }

    /// These scopes with other global permissions: one global scope replaces all global ones, and the others
    /// stay as they are.
    ///
    /// # Errors
    ///
    /// The limit that the result would exceed.
    pub fn with_global_permissions(&self, permissions: Vec<Permission>) -> Result<Self, ScopesError> {
        let mut scopes: Vec<Scope> = self.0.iter().filter(|scope| !scope.global).cloned().collect();
        if !permissions.is_empty() {
            scopes.insert(0, Scope::global(permissions));
        }
        Self::new(scopes)
    }

    /// The scopes, in order.
    pub fn as_slice(&self) -> &[Scope] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<Permission> {
        Permission::parse_list(text).unwrap()
    }

    #[test]
    fn lists_are_split_on_commas_and_trimmed() {
        assert_eq!(names(" read, write ,,读取 "), ["read", "write", "读取"].map(|n| n.parse().unwrap()));
        assert_eq!(names(" , "), []);
        assert_eq!(Permission::parse_list("a,b\u{7}c"), Err(PermissionError::Character));
        assert_eq!(" a".parse::<Permission>(), Err(PermissionError::Blank));
        assert_eq!("a,b".parse::<Permission>(), Err(PermissionError::Character));
        for mistaken in [
            "read write",
            "read;write",
            "read; write",
            "read\u{a0}write",
            "读取\u{3000}写入",
            "读取，写入",
            "读取、写入",
            "a；b",
        ] {
            assert_eq!(mistaken.parse::<Permission>(), Err(PermissionError::Separator), "{mistaken}");
            assert_eq!(
                Permission::parse_list(&format!("a,{mistaken}")),
                Err(PermissionError::Separator),
                "{mistaken}"
            );
            assert_eq!(
                Permission::held(mistaken).unwrap().as_str(),
                mistaken,
                "a token may have it from before"
            );
        }
        assert_eq!(Permission::held("a\tb"), Err(PermissionError::Character));
        assert!("é".repeat(255).parse::<Permission>().is_ok());
        assert_eq!("é".repeat(256).parse::<Permission>(), Err(PermissionError::TooLong));
    }

    #[test]
    fn reserved_names() {
        assert!(ServicePermission::ALL.iter().all(|p| p.permission().is_reserved()));
        assert_eq!("jeton:manage".parse(), Ok(ServicePermission::Manage.permission()));
        assert!(!"jeton".parse::<Permission>().unwrap().is_reserved());
    }

    #[test]
    fn limits() {
        let many = |n: usize| vec!["x".to_owned(); n];
        let ids = |ids: Vec<String>| Scopes::new(vec![Scope { ids, ..Scope::default() }]);
        assert!(Scopes::new(vec![Scope::default(); MAX_SCOPES]).is_ok());
        let beyond = Scopes::new(vec![Scope::default(); MAX_SCOPES + 1]);
        assert_eq!(beyond, Err(ScopesError::TooMany(MAX_SCOPES)));
        assert_eq!(ids(many(10_001)), Err(ScopesError::TooManyNames(10_000)));
        assert!(ids(vec!["é".repeat(255)]).is_ok());
        assert_eq!(ids(vec!["é".repeat(256)]), Err(ScopesError::NameLength(255)));
        assert_eq!(ids(vec![String::new()]), Err(ScopesError::NameLength(255)));

        let limits = ScopeLimits::default();
        assert_eq!(Scopes::new(vec![Scope::default(); 64]).unwrap().within(&limits), Ok(()));
        let many_scopes = Scopes::new(vec![Scope::default(); 65]).unwrap();
        assert_eq!(many_scopes.within(&limits), Err(ScopesError::TooMany(64)));
        assert_eq!(ids(many(1_000)).unwrap().within(&limits), Ok(()));
        let many_names = ids(many(1_001)).unwrap();
        assert_eq!(many_names.within(&limits), Err(ScopesError::TooManyNames(1_000)));
        let short = ScopeLimits { name_chars: 4, ..limits };
        let permission = Scopes::from_global(names("write")).unwrap();
        assert_eq!(permission.within(&short), Err(ScopesError::NameLength(4)));
    }

    #[test]
    fn global_permissions_are_replaced_and_the_rest_kept() {
        let narrow = Scope { permissions: names("write"), ids: vec!["s1".into()], ..Scope::default() };
        let scopes =
            Scopes::new(vec![narrow.clone(), Scope::global(names("a,b")), Scope::global(names("b,c"))])
                .unwrap();
        assert_eq!(scopes.global_permissions(), names("a,b,c").iter().collect::<Vec<_>>());
        let replaced = scopes.with_global_permissions(names("b")).unwrap();
        assert_eq!(replaced.as_slice(), [Scope::global(names("b")), narrow.clone()]);
        assert_eq!(scopes.with_global_permissions(vec![]).unwrap().as_slice(), [narrow]);
        assert!(replaced.any_narrow());
    }
}
