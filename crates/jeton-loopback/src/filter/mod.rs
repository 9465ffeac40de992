//! LoopBack's filters: which rows, in which order, which of them, and what of each.
//!
//! The rules are those of LoopBack 2 (2.42, with its memory connector), save what a [`Profile`] says of the version. Where
//! LoopBack has accidents rather than rules,
//! such as `like` being an unanchored regular expression or `nin` matching nothing, the rule that its documentation
//! names is followed.

mod budget;
mod clause;
mod condition;
mod error;
mod fields;
mod implied;
mod include;
mod literal;
mod order;
mod page;
mod parse;
mod pattern;
mod property;
mod row;
mod user;

pub use condition::Condition;
pub use error::{ClauseError, FilterError};
pub use fields::Fields;
pub use implied::Implied;
pub use include::Inclusion;
pub use order::{Order, RowPlace, Sorting};
pub use page::Page;
pub use pattern::PatternError;
pub use row::Row;

use crate::profile::Profile;
use crate::value::Value;
use jeton_core::{Halt, Meter};

/// How deep conditions may stand in one another, and how many names a path may have.
pub const MAX_DEPTH: usize = 32;
/// How many comparisons, and operands in lists, a condition may have.
pub const MAX_TERMS: usize = 2_000;
/// How many patterns, of `like` and its relatives or `regexp`, a condition may have.
pub const MAX_PATTERNS: usize = 64;
/// How many bytes of memory the patterns of a condition may take, compiled.
pub const MAX_PATTERN_BYTES: usize = 256 * 1024;
/// Most code points in a pattern of `like` or in a regular expression.
pub const MAX_PATTERN_CHARS: usize = 1_000;
/// How many properties may be ordered by, selected, or included.
pub const MAX_NAMES: usize = 100;

/// What a client asks of a list of rows.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Which rows.
    pub condition: Condition,
    /// In which order.
    pub order: Order,
    /// Which of those.
    pub page: Page,
    /// Which of their properties.
    pub fields: Fields,
    /// Which related rows beside.
    pub include: Vec<Inclusion>,
}

impl Filter {
    /// Reads the filter of `find`. What is falsy is no filter; members of other names are left out of account.
    ///
    /// # Errors
    /// The first thing wrong: with the page, then the order, the fields, the condition, the inclusions.
    pub fn parse(filter: &Value, profile: &Profile) -> Result<Self, FilterError> {
        Filter { page: Page::parse(object(filter)?, profile)?, ..Filter::default() }
            .with_rest(filter, profile)
    }

    /// Reads the filter of `findOne`: the limit is 1, whatever was sent.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_one(filter: &Value, profile: &Profile) -> Result<Self, FilterError> {
        let only_skip = |name: &str| object(filter).map(|filter| filter.member(name).cloned());
        let named = |name: &str| Ok(only_skip(name)?.map(|value| (name.to_owned(), value)));
        let skip: Vec<_> = [named("skip")?, named("offset")?].into_iter().flatten().collect();
        let page = Page { limit: Some(1), ..Page::parse(&Value::Object(skip), profile)? };
        Filter { page, ..Filter::default() }.with_rest(filter, profile)
    }

    /// Reads the filter of `findById`, of which only `fields` and `include` count.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_selection(filter: &Value, profile: &Profile) -> Result<Self, FilterError> {
        let member = |name: &str| object(filter).map(|filter| filter.member(name).unwrap_or(&Value::Null));
        let fields = Fields::parse(member("fields")?, profile)?;
        Ok(Filter { fields, include: Inclusion::parse(member("include")?)?, ..Filter::default() })
    }

    /// About how many units of a [`Meter`] reading a filter or a condition takes, most of it for compiling patterns.
    pub fn parse_units(value: &Value) -> u64 {
        const NODE: u64 = 20;
        const CHARACTER: u64 = 6_000;
        let member = |(name, value): &(String, Value)| {
            let text = match value {
                Value::Text(text) => text.len().min(MAX_PATTERN_CHARS) as u64,
                _ => 0,
            };
            let pattern = match name.as_str() {
                // A short one may say that something comes very often.
                "regexp" => 2_000_000 + CHARACTER * text,
                "like" | "nlike" | "ilike" | "nilike" => 30_000 + CHARACTER * text,
                _ => 0,
            };
            pattern + Self::parse_units(value)
        };
        NODE + match value {
            Value::List(items) => items.iter().map(Self::parse_units).sum(),
            Value::Object(members) => members.iter().map(member).sum(),
            Value::Text(text) => text.len() as u64,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Long(_) | Value::Date(_) => 0,
        }
    }

    fn with_rest(self, filter: &Value, profile: &Profile) -> Result<Self, FilterError> {
        let order = Order::parse(filter.member("order").unwrap_or(&Value::Null))?;
        let Filter { fields, include, .. } = Self::parse_selection(filter, profile)?;
        let condition = Condition::parse(filter.member("where").unwrap_or(&Value::Null), profile)?;
        Ok(Filter { condition, order, fields, include, ..self })
    }

    /// The rows that are answered, in their order, of `rows` in the order of creation.
    ///
    /// # Errors
    /// The meter ended it.
    pub fn apply<R: Row>(&self, rows: Vec<R>, meter: &mut Meter<'_>) -> Result<Vec<R>, Halt> {
        let mut matching = Vec::new();
        for row in rows {
            if self.condition.matches(&row, meter)? {
                matching.push(row);
            }
        }
        Ok(self.page.cut(self.order.sort(matching, meter)?))
    }
}

/// `filter` itself if it is an object, or falsy and thus without members.
fn object(filter: &Value) -> Result<&Value, FilterError> {
    match filter {
        Value::Object(_) => Ok(filter),
        _ if !filter.is_truthy() => Ok(filter),
        _ => Err(FilterError::NotAnObject(filter.clone())),
    }
}

#[cfg(test)]
mod tests;
