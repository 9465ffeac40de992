//! LoopBack's wing: what its AccessToken API knows that no other does. Access rules, filters, values of no declared
//! type, and the settings that say how an app answers there.
//!
//! This crate is as pure as the core: no I/O, no clock, no randomness, no JSON. It knows the core; the core knows
//! nothing of it. What differs between LoopBack's versions is in a [`Profile`].

#![deny(missing_docs)]

mod acl;
mod date;
mod filter;
mod profile;
mod settings;
mod value;

pub use acl::{
    AccessRules, AccessType, AclCaller, AclEntry, AclError, AclPermission, Ground, MAX_ACL_ENTRIES, Method,
    Methods, Principal,
};
pub use filter::{
    ClauseError, Condition, Fields, Filter, FilterError, Implied, Inclusion, MAX_DEPTH, MAX_NAMES,
    MAX_PATTERN_BYTES, MAX_PATTERN_CHARS, MAX_PATTERNS, MAX_TERMS, Order, Page, PatternError, Row, RowPlace,
    Sorting,
};
pub use profile::{Profile, Put};
pub use settings::{ClientIds, LoopBackSettings};
pub use value::Value;
