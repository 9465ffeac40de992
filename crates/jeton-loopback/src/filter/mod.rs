//! LoopBack's filters: which rows, in which order, which page of them, and which of their properties.
//!
//! The rules are those of LoopBack 2 (2.42, with its memory connector), except where a [`Profile`] gives
//! those of another version. Where LoopBack has accidents rather than rules, such as `like` being an
//! unanchored regular expression or `nin` matching nothing, the rule of its documentation is followed.

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

/// How deep conditions may be nested, and how many names a path may have.
pub const MAX_DEPTH: usize = 32;
/// How many comparisons, and operands in lists, a condition may have.
pub const MAX_TERMS: usize = 2_000;
/// How many patterns (of `like` and its variants, or `regexp`) a condition may have.
pub const MAX_PATTERNS: usize = 64;
/// How many bytes of memory the compiled patterns of a condition may take.
pub const MAX_PATTERN_BYTES: usize = 256 * 1024;
/// At most this many code points in a pattern of `like` or in a regular expression.
pub const MAX_PATTERN_CHARS: usize = 1_000;
/// How many properties an order, a selection or an inclusion may name.
pub const MAX_NAMES: usize = 100;

/// A parsed filter.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Which rows.
    pub condition: Condition,
    /// In which order.
    pub order: Order,
    /// Which page of those.
    pub page: Page,
    /// Which of their properties.
    pub fields: Fields,
    /// Which related rows with them.
    pub include: Vec<Inclusion>,
}

impl Filter {
    /// Parses the filter of `find`. A falsy value is an empty filter; members with other names are ignored.
    ///
    /// # Errors
    ///
    /// The first error: in the page, then the order, the fields, the condition, the inclusions.
    pub fn parse(filter: &Value, profile: &Profile) -> Result<Self, FilterError> {
        Filter { page: Page::parse(object(filter)?, profile)?, ..Filter::default() }
            .with_rest(filter, profile)
    }

    /// Parses the filter of `findOne`: the limit is 1, whatever was sent.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_one(filter: &Value, profile: &Profile) -> Result<Self, FilterError> {
        let only_skip = |name: &str| object(filter).map(|filter| filter.member(name).cloned());
        let named = |name: &str| Ok(only_skip(name)?.map(|value| (name.to_owned(), value)));
        let skip: Vec<_> = [named("skip")?, named("offset")?].into_iter().flatten().collect();
        let page = Page { limit: Some(1), ..Page::parse(&Value::Object(skip), profile)? };
        Filter { page, ..Filter::default() }.with_rest(filter, profile)
    }

    /// Parses the filter of `findById`, which only uses `fields` and `include`.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn parse_selection(filter: &Value, profile: &Profile) -> Result<Self, FilterError> {
        let member = |name: &str| object(filter).map(|filter| filter.member(name).unwrap_or(&Value::Null));
        let fields = Fields::parse(member("fields")?, profile)?;
        Ok(Filter { fields, include: Inclusion::parse(member("include")?)?, ..Filter::default() })
    }

    /// The approximate cost of parsing a filter or a condition, in units of a [`Meter`]; most of it compiles
    /// patterns.
    pub fn parse_units(value: &Value) -> u64 {
        const NODE: u64 = 20;
        const CHARACTER: u64 = 6_000;
        let member = |(name, value): &(String, Value)| {
            let text = match value {
                Value::Text(text) => text.len().min(MAX_PATTERN_CHARS) as u64,
                _ => 0,
            };
            let pattern = match name.as_str() {
                // A short expression may contain a large repetition count.
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

    /// The rows to return, in order, given `rows` in the order of creation.
    ///
    /// # Errors
    ///
    /// The meter halted it.
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
