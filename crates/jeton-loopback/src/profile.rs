//! What differs between LoopBack's versions.

/// What a version of LoopBack does that another does not, as far as it was recorded of the real packages.
///
/// What no client can tell apart, and what Jeton decides for itself (statuses, limits, access rules), is in no profile.
/// Methods keep one name in the settings of an app, whatever the version: [`Method`](crate::Method) knows the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The declared properties of a token, in the order in which answers show them.
    pub declared: &'static [&'static str],
    /// The operators of a property. Of several on one property, the one that comes first here counts, and no other.
    pub operators: &'static [&'static str],
    /// The limit that a `skip` without one implies.
    pub implied_limit: u64,
    /// What `PUT` makes of a row that is there.
    pub put: Put,
    /// Whether texts that came nested in a query are null, a truth value or a number if they look so.
    pub coerces_query: bool,
    /// How the message about a path and verb without a method begins: the request line follows.
    pub no_method: &'static str,
}

/// What `PUT` makes of a row that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// What is not said stays, as with `PATCH`.
    Merges,
    /// What is not said is as in a row that is created now.
    Replaces,
}

impl Profile {
    /// LoopBack 2 (2.42, with its memory connector).
    pub const V2: Profile = Profile {
        declared: &["id", "ttl", "created", "userId"],
        operators: &[
            "gt", "gte", "lt", "lte", "between", "inq", "nin", "neq", "like", "nlike", "ilike", "nilike",
            "regexp",
        ],
        implied_limit: 100,
        put: Put::Merges,
        coerces_query: true,
        // Two blanks, in this version.
        no_method: "Shared class  \"AccessToken\" has no method handling",
    };
}
