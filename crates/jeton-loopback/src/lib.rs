//! What is specific to LoopBack's AccessToken API: access rules, filters, untyped values, and an app's
//! settings for it.
//!
//! This crate is as pure as the core: no I/O, no clock, no randomness, no JSON. It depends on the core, never
//! the other way round. Differences between LoopBack's versions are in a [`Profile`].

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
