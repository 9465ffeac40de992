//! Why a filter is refused.

use super::literal::Literal;
use super::pattern::PatternError;
use super::{MAX_DEPTH, MAX_NAMES, MAX_PATTERN_BYTES, MAX_PATTERNS, MAX_TERMS};
use crate::value::Value;

/// Why a value is not a valid filter. `Display` gives exactly the message of LoopBack 2 where it has one.
///
/// Messages quote what the client sent, which may include a secret: they are for the client, not for a log.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum FilterError {
    /// The filter is not an object.
    #[error("The query filter {} is not an object", Literal(.0))]
    NotAnObject(Value),
    /// A condition is not an object.
    #[error("The where clause {} is not an object", Literal(.0))]
    Where(Value),
    /// The operand of `and`, `or` or `nor` is not a list.
    #[error(
        "The {operator} operator has invalid clauses {}: \
         Value is not an array or object with sequential numeric indices",
        Literal(.clauses)
    )]
    Clauses {
        /// `and`, `or` or `nor`.
        operator: &'static str,
        /// Its operand.
        clauses: Value,
    },
    /// The operator of a property does not accept its operand.
    #[error("The {property} property has invalid clause {}: {error}", Literal(.clause))]
    Clause {
        /// The name of the property, with dots if it is a path.
        property: String,
        /// The operator with its operand.
        clause: Value,
        /// What is wrong with it.
        error: ClauseError,
    },
    /// `created` is compared with a value that is not a date.
    #[error("Invalid date: {}", .0.to_text())]
    Date(Value),
    /// An order has a direction that is neither `ASC` nor `DESC`, in any case.
    #[error("The order {} has invalid direction", Literal(&Value::Text(.0.clone())))]
    Direction(String),
    /// An order is not a text.
    #[error("The order {} is not valid", Literal(.0))]
    Order(Value),
    /// The limit is not a positive integer.
    #[error("The limit parameter {} is not valid", Literal(.0))]
    Limit(Value),
    /// The number of rows to skip is not a non-negative integer.
    #[error("The offset/skip parameter {} is not valid", Literal(.0))]
    Skip(Value),
    /// Conditions are nested, or a path is, more than [`MAX_DEPTH`] levels deep.
    #[error("The filter is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// A condition has more than [`MAX_TERMS`] comparisons and operands.
    #[error("The where clause has more than {MAX_TERMS} terms")]
    TooManyTerms,
    /// A condition has more than [`MAX_PATTERNS`] patterns.
    #[error("The where clause has more than {MAX_PATTERNS} patterns")]
    TooManyPatterns,
    /// The compiled patterns of a condition take more than [`MAX_PATTERN_BYTES`].
    #[error("The patterns of the where clause take more than {MAX_PATTERN_BYTES} bytes")]
    PatternsTooLarge,
    /// More than [`MAX_NAMES`] properties in an order, a selection or an inclusion.
    #[error("The filter names more than {MAX_NAMES} properties")]
    TooManyNames,
}

/// Why an operand is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClauseError {
    /// `inq`, `nin` and `between` take a list, or an object whose names count up from 0.
    #[error("Error: Value is not an array or object with sequential numeric indices")]
    NotIndexed,
    /// `between` takes two values; this many were given.
    #[error("Expected precisely 2 values, received {0}")]
    NotTwo(usize),
    /// `like` and its relatives take a text.
    #[error("Expected a string or RegExp")]
    NotText,
    /// The regular expression cannot be used.
    #[error("Error: {0}")]
    Pattern(#[from] PatternError),
}
