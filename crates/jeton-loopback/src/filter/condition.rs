//! `where`: which rows match.

use super::budget::Budget;
use super::clause::{Clause, Test};
use super::error::FilterError;
use super::parse::{indexed, parse_test};
use super::pattern::Pattern;
use super::property::Property;
use super::row::{Path, Row};
use super::{MAX_DEPTH, MAX_TERMS};
use crate::profile::Profile;
use crate::value::Value;
use jeton_core::{Halt, Meter};
use std::collections::HashSet;

/// Which rows match. `Default` matches all.
#[derive(Clone, Debug)]
pub struct Condition(pub(super) Node);

#[derive(Clone, Debug)]
pub(super) enum Node {
    /// All of them hold; matches all rows if empty.
    All(Vec<Node>),
    /// At least one of them holds; matches no rows if empty.
    Any(Vec<Node>),
    /// None of them holds.
    None(Vec<Node>),
    Clause(Clause),
}

impl Default for Condition {
    fn default() -> Self {
        Condition(Node::All(Vec::new()))
    }
}

impl Condition {
    /// Parses a `where`. A falsy value matches all rows.
    ///
    /// # Errors
    ///
    /// The first error, or a limit: [`MAX_DEPTH`], [`MAX_TERMS`], [`MAX_PATTERNS`](super::MAX_PATTERNS),
    /// [`MAX_PATTERN_BYTES`](super::MAX_PATTERN_BYTES).
    pub fn parse(condition: &Value, profile: &Profile) -> Result<Self, FilterError> {
        if !condition.is_truthy() {
            return Ok(Condition::default());
        }
        Node::parse(condition, 0, &mut Budget::new(profile)).map(Condition)
    }

    /// Only the row with that `id`.
    pub fn with_id(id: &str) -> Self {
        let path = Path { first: "id".to_owned(), rest: Vec::new() };
        let test = Test::Is(Value::Text(id.to_owned()));
        Condition(Node::Clause(Clause { property: Property::Id, path, test }))
    }

    /// Whether the row matches. Rows without an `id` in [`Row::member`] match no condition on it except
    /// equality: see [`needs_id`](Self::needs_id). Every node, comparison and byte is charged to the meter.
    ///
    /// # Errors
    ///
    /// The meter halted it.
    /// The meter ended it.
    pub fn matches(&self, row: &(impl Row + ?Sized), meter: &mut Meter<'_>) -> Result<bool, Halt> {
        self.0.matches(row, meter)
    }

    /// The bytes of memory that its compiled patterns take.
    pub fn pattern_bytes(&self) -> usize {
        let mut bytes = 0;
        self.0.each_clause(&mut |clause| bytes += clause.pattern().map_or(0, Pattern::bytes));
        bytes
    }

    /// Frees what matching keeps between rows: as much again as its patterns take, and up to 32 KiB for each.
    pub fn rest(&self) {
        self.0.each_clause(&mut |clause| clause.pattern().into_iter().for_each(Pattern::rest));
    }

    /// Whether all rows match.
    pub fn is_all(&self) -> bool {
        matches!(&self.0, Node::All(parts) if parts.is_empty())
    }

    /// Whether rows must show their `id` to be matched: the condition compares its order or matches it with a
    /// pattern. Equality, also with an item of a list, and its negation do not need it.
    pub fn needs_id(&self) -> bool {
        self.0.any_clause(&|clause| clause.needs_id())
    }

    /// The part of the condition that can be decided without any `id`: it matches all rows that the condition
    /// matches, and perhaps more. The same condition, if it does not [need](Self::needs_id) any.
    #[must_use]
    pub fn without_id(&self) -> Self {
        Condition(self.0.assuming(true))
    }
}

impl Node {
    fn parse(condition: &Value, depth: usize, budget: &mut Budget) -> Result<Self, FilterError> {
        let Value::Object(members) = condition else {
            return Err(FilterError::Where(condition.clone()));
        };
        if depth >= MAX_DEPTH {
            return Err(FilterError::TooDeep);
        }
        let mut parts = Vec::with_capacity(members.len().min(MAX_TERMS));
        for (name, value) in last_of_each(members) {
            parts.push(match name {
                "and" => Node::All(Self::parse_list("and", value, depth, budget)?),
                "or" => Node::Any(Self::parse_list("or", value, depth, budget)?),
                "nor" => Node::None(Self::parse_list("nor", value, depth, budget)?),
                _ => {
                    let path = Path::parse(name, MAX_DEPTH).ok_or(FilterError::TooDeep)?;
                    let property = path.name().map_or(Property::Other, Property::named);
                    let test = parse_test(name, property, value, budget)?;
                    Node::Clause(Clause { property, path, test })
                }
            });
        }
        Ok(Node::All(parts))
    }

    fn parse_list(
        operator: &'static str,
        clauses: &Value,
        depth: usize,
        budget: &mut Budget,
    ) -> Result<Vec<Self>, FilterError> {
        let refused = || FilterError::Clauses { operator, clauses: clauses.clone() };
        let parts = indexed(clauses).ok_or_else(refused)?;
        budget.spend(1 + parts.len())?;
        parts.into_iter().map(|part| Self::parse(part, depth + 1, budget)).collect()
    }

    fn matches(&self, row: &(impl Row + ?Sized), meter: &mut Meter<'_>) -> Result<bool, Halt> {
        meter.charge(5)?;
        let (parts, decisive) = match self {
            Node::All(parts) => (parts, false),
            Node::Any(parts) | Node::None(parts) => (parts, true),
            Node::Clause(clause) => return clause.matches(row, meter),
        };
        let mut is_decided = false;
        for part in parts {
            if part.matches(row, meter)? == decisive {
                is_decided = true;
                break;
            }
        }
        // None is the opposite of any, and any of all where nothing is decisive.
        let is_any = is_decided == decisive;
        Ok(if matches!(self, Node::None(_)) { !is_any } else { is_any })
    }

    fn each_clause(&self, visit: &mut impl FnMut(&Clause)) {
        match self {
            Node::All(parts) | Node::Any(parts) | Node::None(parts) => {
                parts.iter().for_each(|part| part.each_clause(visit));
            }
            Node::Clause(clause) => visit(clause),
        }
    }

    fn any_clause(&self, holds: &impl Fn(&Clause) -> bool) -> bool {
        match self {
            Node::All(parts) | Node::Any(parts) | Node::None(parts) => {
                parts.iter().any(|part| part.any_clause(holds))
            }
            Node::Clause(clause) => holds(clause),
        }
    }

    /// The same with `verdict` in place of tests that need an `id`. Under a negation the opposite is assumed,
    /// so that assuming true never matches fewer rows.
    fn assuming(&self, verdict: bool) -> Self {
        let each = |parts: &[Node], verdict| parts.iter().map(|part| part.assuming(verdict)).collect();
        match self {
            Node::All(parts) => Node::All(each(parts, verdict)),
            Node::Any(parts) => Node::Any(each(parts, verdict)),
            Node::None(parts) => Node::None(each(parts, !verdict)),
            Node::Clause(clause) if !clause.needs_id() => self.clone(),
            Node::Clause(_) if verdict => Node::All(Vec::new()),
            Node::Clause(_) => Node::Any(Vec::new()),
        }
    }
}

/// The members of an object in order; of members with the same name only the last.
fn last_of_each(members: &[(String, Value)]) -> Vec<(&str, &Value)> {
    let mut seen = HashSet::new();
    let mut kept: Vec<_> = members
        .iter()
        .rev()
        .filter(|(name, _)| seen.insert(name))
        .map(|(name, value)| (name.as_str(), value))
        .collect();
    kept.reverse();
    kept
}
