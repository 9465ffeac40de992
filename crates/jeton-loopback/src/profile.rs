//! The differences between LoopBack's versions.

/// How a version of LoopBack behaves, as recorded from the real packages.
///
/// Differences that no client can observe, and what Jeton decides for itself (statuses, limits, access
/// rules), are in no profile. Methods keep one name in the settings of an app, whatever the version:
/// [`Method`](crate::Method) knows the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The declared properties of a token, in the order in which answers show them.
    pub declared: &'static [&'static str],
    /// The operators of a property. If a property has several, only the first one in this order counts.
    pub operators: &'static [&'static str],
    /// The limit that a `skip` without one implies.
    pub implied_limit: u64,
    /// How `PUT` changes an existing row.
    pub put: Put,
    /// Whether nested texts in a query become null, a boolean or a number if they look like one.
    pub coerces_query: bool,
    /// The start of the message about a path and verb without a method; the request line follows.
    pub no_method: &'static str,
}

/// How `PUT` changes an existing row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Put {
    /// Properties that are not given keep their values, as with `PATCH`.
    Merges,
    /// Properties that are not given get the values of a new row.
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
        // Two spaces, in this version.
        no_method: "Shared class  \"AccessToken\" has no method handling",
    };
}
