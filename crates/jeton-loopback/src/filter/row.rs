//! The rows that filters are applied to.

use crate::value::Value;
use jeton_core::{Halt, Meter};

/// One row: its properties by name. `created` is a [`Value::Date`] or null, `id` a text; missing properties
/// have no member.
pub trait Row {
    /// The property with this name. A row that cannot show its `id` has no such member, but
    /// [`has_id`](Row::has_id) works.
    fn member(&self, name: &str) -> Option<&Value>;

    /// Whether the row has this `id`.
    ///
    /// Rows without their secret in clear decide by digest, and those that show a handle accept it as well.
    fn has_id(&self, id: &str) -> bool {
        matches!(self.member("id"), Some(Value::Text(own)) if own == id)
    }

    /// The number of its properties: the cost of finding one.
    fn width(&self) -> usize;

    /// About how many units [`has_id`](Row::has_id) costs.
    fn id_units(&self) -> u64 {
        100
    }
}

impl Row for Value {
    fn member(&self, name: &str) -> Option<&Value> {
        Value::member(self, name)
    }

    fn width(&self) -> usize {
        width(self)
    }
}

impl<R: Row + ?Sized> Row for &R {
    fn member(&self, name: &str) -> Option<&Value> {
        (**self).member(name)
    }

    fn has_id(&self, id: &str) -> bool {
        (**self).has_id(id)
    }

    fn width(&self) -> usize {
        (**self).width()
    }

    fn id_units(&self) -> u64 {
        (**self).id_units()
    }
}

/// The units of a [`Meter`] for a number of bytes or items.
pub(super) fn units(count: usize) -> u64 {
    count as u64
}

fn width(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.len(),
        _ => 0,
    }
}

/// The names that lead to a property: `a.b` is member `b` of member `a`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) first: String,
    pub(super) rest: Vec<String>,
}

impl Path {
    /// `None` if it has more than `longest` names.
    pub(super) fn parse(text: &str, longest: usize) -> Option<Self> {
        let mut names = text.split('.').map(str::to_owned);
        let first = names.next().unwrap_or_default();
        let rest: Vec<_> = names.take(longest).collect();
        (rest.len() < longest).then_some(Path { first, rest })
    }

    /// The name, if the path is a single one.
    pub(super) fn name(&self) -> Option<&str> {
        self.rest.is_empty().then_some(&self.first)
    }

    /// The value that the path leads to. A null on the way ends it.
    pub(super) fn find<'a>(
        &self,
        row: &'a (impl Row + ?Sized),
        meter: &mut Meter<'_>,
    ) -> Result<Option<&'a Value>, Halt> {
        meter.charge(units(row.width()))?;
        walk(row.member(&self.first), &self.rest, meter)
    }
}

/// Descends from `value` by members of objects and indices of lists.
pub(super) fn walk<'a>(
    value: Option<&'a Value>,
    names: &[String],
    meter: &mut Meter<'_>,
) -> Result<Option<&'a Value>, Halt> {
    let Some(mut value) = value else { return Ok(None) };
    for name in names {
        meter.charge(units(width(value) + name.len()))?;
        value = match value {
            Value::Null => return Ok(Some(value)),
            _ => match step(value, name) {
                Some(value) => value,
                None => return Ok(None),
            },
        };
    }
    Ok(Some(value))
}

pub(super) fn step<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    match value {
        Value::List(items) => {
            let place: usize = name.parse().ok()?;
            // Only the canonical form of a number is an index.
            if place.to_string() == name { items.get(place) } else { None }
        }
        _ => value.member(name),
    }
}
