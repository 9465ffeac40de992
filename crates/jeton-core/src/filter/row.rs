//! What a filter looks at.

use crate::value::Value;

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
}

impl Row for Value {
    fn member(&self, name: &str) -> Option<&Value> {
        Value::member(self, name)
    }
}

impl<R: Row + ?Sized> Row for &R {
    fn member(&self, name: &str) -> Option<&Value> {
        (**self).member(name)
    }

    fn has_id(&self, id: &str) -> bool {
        (**self).has_id(id)
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
    pub(super) fn find<'a>(&self, row: &'a (impl Row + ?Sized)) -> Option<&'a Value> {
        walk(row.member(&self.first), &self.rest)
    }
}

/// Goes down from `value` by members of objects and places in lists.
pub(super) fn walk<'a>(value: Option<&'a Value>, names: &[String]) -> Option<&'a Value> {
    names.iter().try_fold(value?, |value, name| match value {
        Value::Null => Some(value),
        _ => step(value, name),
    })
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
