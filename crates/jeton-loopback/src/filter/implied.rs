//! What a condition implies about `id` and `userId`, for stores that have an index on them.

use super::clause::Test;
use super::condition::{Condition, Node};
use super::property::Property;
use super::user;
use crate::value::Value;
use std::collections::BTreeSet;

/// What all rows that match a condition have in common. `None` implies nothing; an empty set implies that no
/// row matches.
///
/// The condition implies it but not the other way round: rows that a store finds by it must still be matched
/// by [`Condition::matches`]. It holds for rows whose `id` is a text, and whose `userId` is a text, a number
/// or absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Implied {
    /// The `id` is one of these.
    pub ids: Option<BTreeSet<String>>,
    /// The text of the `userId` is one of these; `None` means null and absent.
    pub users: Option<BTreeSet<Option<String>>>,
}

impl Condition {
    /// What the condition implies.
    pub fn implied(&self) -> Implied {
        self.0.implied()
    }

    /// The text of the user whose rows, and no others, match the condition; `None` for any other condition.
    pub fn sole_user(&self) -> Option<String> {
        self.0.sole_user()
    }
}

impl Node {
    fn sole_user(&self) -> Option<String> {
        match self {
            Node::All(parts) | Node::Any(parts) => match parts.as_slice() {
                [part] => part.sole_user(),
                _ => None,
            },
            Node::None(_) => None,
            Node::Clause(clause) => match (&clause.property, &clause.test) {
                // Lists and objects equal users by rules of their own.
                (Property::UserId, Test::Is(operand @ (Value::Text(_) | Value::Number(_))))
                    if clause.path.rest.is_empty() =>
                {
                    user::named(operand)
                }
                _ => None,
            },
        }
    }

    fn implied(&self) -> Implied {
        match self {
            Node::All(parts) => parts.iter().map(Node::implied).fold(Implied::default(), |all, part| {
                Implied { ids: both(all.ids, part.ids), users: both(all.users, part.users) }
            }),
            Node::Any(parts) => {
                // No rows at all, as the starting point.
                let none = Implied { ids: Some(BTreeSet::new()), users: Some(BTreeSet::new()) };
                parts.iter().map(Node::implied).fold(none, |any, part| Implied {
                    ids: either(any.ids, part.ids),
                    users: either(any.users, part.users),
                })
            }
            Node::None(_) => Implied::default(),
            Node::Clause(clause) => {
                let operands = match &clause.test {
                    Test::Is(operand) => std::slice::from_ref(operand),
                    Test::OneOf(operands) => operands,
                    _ => return Implied::default(),
                };
                match clause.property {
                    Property::Id => Implied {
                        ids: Some(operands.iter().filter_map(id_of).collect()),
                        ..Implied::default()
                    },
                    Property::UserId => Implied {
                        users: Some(operands.iter().filter_map(user_of).collect()),
                        ..Implied::default()
                    },
                    Property::Ttl | Property::Created | Property::Other => Implied::default(),
                }
            }
        }
    }
}

/// The `id` that equals the operand. Neither null nor a list equals any: see [`Test::Is`].
fn id_of(operand: &Value) -> Option<String> {
    match operand {
        Value::Text(id) => Some(id.clone()),
        _ => None,
    }
}

/// The text of the `userId` that equals the operand; `None` if none does.
#[expect(clippy::option_option, reason = "a row may have no user, and a condition may mean no row")]
fn user_of(operand: &Value) -> Option<Option<String>> {
    match operand {
        Value::Null => Some(None),
        operand => user::named(operand).map(Some),
    }
}

fn both<T: Ord + Clone>(one: Option<BTreeSet<T>>, two: Option<BTreeSet<T>>) -> Option<BTreeSet<T>> {
    match (one, two) {
        (Some(one), Some(two)) => Some(one.intersection(&two).cloned().collect()),
        (one, two) => one.or(two),
    }
}

fn either<T: Ord>(one: Option<BTreeSet<T>>, two: Option<BTreeSet<T>>) -> Option<BTreeSet<T>> {
    let (mut one, two) = (one?, two?);
    one.extend(two);
    Some(one)
}
