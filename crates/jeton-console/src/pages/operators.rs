use crate::{Field, Frame};
use askama::Template;
use jeton_core::Timestamp;

/// All operators, and a form for another.
#[derive(Debug, Template)]
#[template(path = "operators.html")]
pub struct Operators<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// Those that are not revoked.
    pub operators: Vec<OperatorRow<'a>>,
    /// The name of a new one.
    pub name: Field,
}

/// An operator in the list of all.
#[derive(Clone, Debug)]
pub struct OperatorRow<'a> {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: &'a str,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether it is who looks at it.
    pub is_self: bool,
}
