//! What a token is and what it allows.
//!
//! This crate is pure: no I/O, no async, no clock, no randomness, no JSON. Time is passed in as a [`Timestamp`],
//! randomness as bytes. All dialects and stores use these types, so a question such as "is this token good?" has one
//! answer, in one place: [`decide()`].

#![deny(missing_docs)]

mod actor;
mod addresses;
mod ancestor;
mod authority;
mod bounds;
mod budget;
mod cause;
mod change_kind;
mod decide;
mod digest;
mod entropy;
mod forward_auth;
mod ids;
mod intersection;
mod lifetime;
mod lineage;
mod measure;
mod meter;
mod policy;
mod scope;
mod secret;
mod settings;
mod time;
mod token;
mod use_limits;

pub use actor::{Actor, ActorError};
pub use addresses::{AddressBlock, AddressError, AllowedAddresses, MAX_ALLOWED_ADDRESSES};
pub use ancestor::Ancestor;
pub use authority::{Authority, AuthorityRefusal, Bearer, Holding};
pub use bounds::Bounds;
pub use budget::{Budget, Held, MOST_USES, Portion, RateLeft, Withheld};
pub use cause::Cause;
pub use change_kind::ChangeKind;
pub use decide::{
    AddressList, Circumstances, Demand, Explanation, InactiveReason, Lack, PermissionMissing, Resource,
    Standing, Verdict, decide, explain,
};
pub use digest::{Digest, DigestKey};
pub use entropy::{Entropy, EntropyError};
pub use forward_auth::{
    BY_ROUTE, CookieName, CredentialPlace, CredentialPlaceError, DemandName, DemandNameError,
    ForwardAuthSettings, MAX_CACHE_SECONDS, MAX_CREDENTIALS, MAX_DEMANDS, MAX_ROUTES, MAX_RULE_PATH_BYTES,
    MAX_RULE_TAGS, OverLimit, Realm, RealmError, RequestSource, RouteRule, RuleError, RulePermission,
};
pub use ids::{AppId, AppKey, AppKeyError, MAX_INTEGER, OperatorId, TokenId, UserId, UserIdError};
pub use lifetime::{Lifetime, LifetimePolicy, earlier_end, later_end};
pub use lineage::{Lineage, MAX_DELEGATION_DEPTH};
pub use measure::{Counter, Gauge, Histogram, HistogramReading};
pub use meter::{Halt, Meter};
pub use policy::{MAX_FORBIDDEN, MaxLifetime, Policy, PolicyCaller, PolicySettings};
pub use scope::{
    MAX_NAME_CHARS, MAX_NAMES_PER_SCOPE, MAX_SCOPES, Permission, PermissionError, RESERVED_PREFIX, Scope,
    ScopeLimits, Scopes, ScopesError, ServicePermission,
};
pub use secret::{
    MAX_SECRET_BYTES, MacKey, Secret, SecretError, TokenPrefix, TokenPrefixError, WEAK_SECRET_CHARS,
};
pub use settings::{
    AppKeySettings, CorsOrigins, CorsSettings, DotideSettings, Int64Form, MAX_CORS_ORIGINS, OnReuse, Reveal,
    SelfServiceSettings, Settings, SettingsError,
};
pub use time::{Clock, ManualClock, Timestamp};
pub use token::{
    Description, Document, DocumentError, Label, LabelError, MAX_DESCRIPTION_CHARS, MAX_DOCUMENT_BYTES,
    MAX_LABEL_CHARS, Owner, Token, TokenKind, TokenSpec, TokenState,
};
pub use use_limits::{
    Allowance, MAX_RATE_LIMIT, MAX_RATE_SECONDS, MAX_RATES, MAX_USES, MOST_LEASED, UseLimitError, UseLimits,
    UseRate, UseRates,
};
