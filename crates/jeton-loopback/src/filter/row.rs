//! What a filter looks at.

use crate::value::Value;
use jeton_core::{Halt, Meter};

/// One row: its properties by name. `created` is a [`Value::Date`] or null, `id` a text; what is missing has no
/// member.
pub trait Row {
    /// The property of that name. A row that cannot show its `id` has none of that name, but
    /// knows it by [`has_id`](Row::has_id).
    fn member(&self, name: &str) -> Option<&Value>;

    /// Whether the row is known by this `id`.
    ///
    /// Rows whose secret is not at hand decide it by digest, and those that show a handle accept that, too.
    fn has_id(&self, id: &str) -> bool {
        matches!(self.member("id"), Some(Value::Text(own)) if own == id)
    }

    /// How many properties it has: what it costs to look for one.
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

/// The units of a [`Meter`] for so many bytes or items.
pub(super) fn units(count: usize) -> u64 {
    count as u64
}

fn width(value: &Value) -> usize {
    match value {
        Value::Object(members) => members.len(),
        _ => 0,
    }
}

/// The names on the way to a property: `a.b` is member `b` of member `a`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    pub(super) first: String,
    pub(super) rest: Vec<String>,
}

impl Path {
    /// `None` if it is longer than `longest` names.
    pub(super) fn parse(text: &str, longest: usize) -> Option<Self> {
        let mut names = text.split('.').map(str::to_owned);
        let first = names.next().unwrap_or_default();
        let rest: Vec<_> = names.take(longest).collect();
        (rest.len() < longest).then_some(Path { first, rest })
    }

    /// The single name that the path is, if it is one.
    pub(super) fn name(&self) -> Option<&str> {
        self.rest.is_empty().then_some(&self.first)
    }

    /// What lies at the end. A null on the way is the end.
    pub(super) fn find<'a>(
        &self,
        row: &'a (impl Row + ?Sized),
        meter: &mut Meter<'_>,
    ) -> Result<Option<&'a Value>, Halt> {
        meter.charge(units(row.width()))?;
        walk(row.member(&self.first), &self.rest, meter)
    }
}

/// Goes down from `value` by members of objects and places in lists.
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
            // Only the canonical form of a number is a place.
            if place.to_string() == name { items.get(place) } else { None }
        }
        _ => value.member(name),
    }
}
