//! `order`: the order in which rows are returned.

use super::clause::compare_values;
use super::error::FilterError;
use super::row::{Path, Row, units};
use super::{MAX_DEPTH, MAX_NAMES};
use crate::value::Value;
use jeton_core::{Halt, Meter};
use std::cmp::Ordering;
use std::fmt;

/// The order in which rows are returned. Always stable: rows that compare equal stay in the order of
/// creation.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Order(Keys);

#[derive(Clone, Debug, PartialEq, Eq, Default)]
enum Keys {
    /// No order was given.
    #[default]
    ById,
    /// By the first key, then by the second, and so on; in the order of creation if there is no key.
    By(Vec<Key>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    path: Path,
    descending: bool,
}

impl Order {
    /// Parses a text such as `ttl DESC, id`, or a list of such texts. A falsy value is the default: by `id`.
    ///
    /// # Errors
    ///
    /// [`FilterError::Order`], [`FilterError::Direction`], or a limit.
    pub fn parse(order: &Value) -> Result<Self, FilterError> {
        if !order.is_truthy() {
            return Ok(Order::default());
        }
        let parts = match order {
            Value::List(parts) => parts.as_slice(),
            part => std::slice::from_ref(part),
        };
        let mut keys = Vec::new();
        for part in parts {
            let Value::Text(text) = part else {
                return Err(FilterError::Order(part.clone()));
            };
            for token in tokens(text) {
                if keys.len() == MAX_NAMES {
                    return Err(FilterError::TooManyNames);
                }
                keys.push(Key::parse(token)?);
            }
        }
        Ok(Order(Keys::By(keys)))
    }

    /// Whether no order was given, so that rows come by `id`.
    pub fn is_default(&self) -> bool {
        self.0 == Keys::ById
    }

    /// Whether rows must show their `id` to be sorted because the client asked for it. The default order
    /// needs it too, but any other stable order may replace it.
    pub fn needs_id(&self) -> bool {
        match &self.0 {
            Keys::ById => false,
            Keys::By(keys) => keys.iter().any(|key| key.path.name() == Some("id")),
        }
    }

    /// The order of creation.
    pub fn creation() -> Self {
        Order(Keys::By(Vec::new()))
    }

    /// Whether rows come in the order of creation, whatever their values.
    pub fn is_creation(&self) -> bool {
        matches!(&self.0, Keys::By(keys) if keys.is_empty())
    }

    /// Whether rows come by `created` alone, and if so, whether the latest comes first.
    pub fn by_created(&self) -> Option<bool> {
        match &self.0 {
            Keys::By(keys) => match keys.as_slice() {
                [key] if key.path.name() == Some("created") => Some(key.descending),
                _ => None,
            },
            Keys::ById => None,
        }
    }

    /// The sort key of a row.
    ///
    /// # Errors
    ///
    /// The meter halted it.
    pub fn place(&self, row: &impl Row, meter: &mut Meter<'_>) -> Result<RowPlace, Halt> {
        let mut value = |key: &Key| {
            let found = key.path.find(row, meter)?;
            meter.charge(PLACE_UNITS + found.map_or(0, |found| units(content_weight(found))))?;
            Ok(found.cloned())
        };
        Ok(RowPlace(match &self.0 {
            Keys::ById => vec![value(&Key::id())?],
            Keys::By(keys) => keys.iter().map(value).collect::<Result<_, _>>()?,
        }))
    }

    /// Sorts rows that come in the order of creation: see [`sorting`](Self::sorting).
    ///
    /// # Errors
    ///
    /// The meter halted it.
    pub fn sort<R: Row>(&self, rows: Vec<R>, meter: &mut Meter<'_>) -> Result<Vec<R>, Halt> {
        let mut placed = Vec::with_capacity(rows.len());
        for row in rows {
            placed.push((self.place(&row, meter)?, row));
        }
        let mut sorting = self.sorting(placed);
        while !sorting.advance(meter)? {}
        Ok(sorting.into_sorted().into_iter().map(|(_, row)| row).collect())
    }

    /// Starts to sort items that come in the order of creation by their keys.
    ///
    /// Texts compare by UTF-16 code unit, integer users by their digits, missing values come first (last if
    /// descending), and values that are not comparable are equal. That is not a total order, so the result
    /// depends on the order of the input, but on nothing else.
    pub fn sorting<T>(&self, placed: Vec<(RowPlace, T)>) -> Sorting<T> {
        let keys = match &self.0 {
            Keys::ById => vec![Key::id()],
            Keys::By(keys) => keys.clone(),
        };
        let places = (0..placed.len()).collect();
        Sorting { keys, placed, places, merged: Vec::new(), width: 1 }
    }
}

/// The cost of keeping a value, apart from its bytes.
const PLACE_UNITS: u64 = 20;

/// The sort key of a row in an [`Order`]. May contain the row's `id`.
#[derive(Clone)]
pub struct RowPlace(Vec<Option<Value>>);

impl RowPlace {
    /// The approximate memory that it takes, in bytes.
    pub fn weight(&self) -> usize {
        self.0.iter().map(|value| size_of::<Option<Value>>() + value.as_ref().map_or(0, content_weight)).sum()
    }
}

impl fmt::Debug for RowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowPlace")
    }
}

/// The heap bytes of a value.
fn content_weight(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Long(_) | Value::Date(_) => 0,
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(|item| size_of::<Value>() + content_weight(item)).sum(),
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| size_of::<(String, Value)>() + name.len() + content_weight(value))
            .sum(),
    }
}

impl Key {
    fn id() -> Self {
        Key { path: Path { first: "id".to_owned(), rest: Vec::new() }, descending: false }
    }

    fn parse(token: &str) -> Result<Self, FilterError> {
        let mut words = split_blanks(token);
        let name = words.next().unwrap_or_default();
        let descending = match words.next().map(str::to_ascii_uppercase).as_deref() {
            None | Some("ASC") => false,
            Some("DESC") => true,
            Some(_) => return Err(FilterError::Direction(token.to_owned())),
        };
        let path = Path::parse(name, MAX_DEPTH).ok_or(FilterError::TooDeep)?;
        Ok(Key { path, descending })
    }

    fn compare(
        &self,
        one: Option<&Value>,
        two: Option<&Value>,
        meter: &mut Meter<'_>,
    ) -> Result<Ordering, Halt> {
        let are_users = self.path.name() == Some("userId");
        let ascending = match (one, two) {
            (Some(one), Some(two)) => compare_values(one, two, are_users, meter)?.unwrap_or(Ordering::Equal),
            (one, two) => one.is_some().cmp(&two.is_some()),
        };
        Ok(if self.descending { ascending.reverse() } else { ascending })
    }
}

/// The pieces between commas; spaces around a comma belong to it, spaces at the ends do not.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let last = text.split(',').count() - 1;
    text.split(',')
        .enumerate()
        .map(move |(i, token)| {
            let token = if i == 0 { token } else { token.trim_start() };
            if i == last { token } else { token.trim_end() }
        })
        .filter(|token| !token.is_empty())
}

/// Splits at every run of spaces. A run at an end leaves an empty piece there.
fn split_blanks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        match text.split_once(char::is_whitespace) {
            Some((piece, after)) => {
                rest = Some(after.trim_start());
                Some(piece)
            }
            None => rest.take(),
        }
    })
}

/// A stable merge sort in steps. Unlike the sorts of the standard library it accepts an order that is not
/// total: it never panics and always returns a permutation.
#[derive(Debug)]
pub struct Sorting<T> {
    keys: Vec<Key>,
    placed: Vec<(RowPlace, T)>,
    /// Sorted runs of `width` items each.
    places: Vec<usize>,
    /// Runs that were merged in pairs so far.
    merged: Vec<usize>,
    width: usize,
}

impl<T> Sorting<T> {
    /// Merges two sorted runs. True: everything is sorted.
    ///
    /// # Errors
    ///
    /// The meter halted it; then this step was not done.
    pub fn advance(&mut self, meter: &mut Meter<'_>) -> Result<bool, Halt> {
        let count = self.places.len();
        if self.width >= count {
            return Ok(true);
        }
        let begin = self.merged.len();
        let end = count.min(begin + 2 * self.width);
        let merged = self.merge(&self.places[begin..end], meter)?;
        self.merged.extend(merged);
        if end == count {
            self.places = std::mem::take(&mut self.merged);
            self.width *= 2;
        }
        Ok(self.width >= count)
    }

    /// The items, sorted if all steps are done.
    pub fn into_sorted(self) -> Vec<(RowPlace, T)> {
        let mut slots: Vec<Option<(RowPlace, T)>> = self.placed.into_iter().map(Some).collect();
        self.places.into_iter().filter_map(|place| slots[place].take()).collect()
    }

    /// Merges the first run of `pair` with the other.
    fn merge(&self, pair: &[usize], meter: &mut Meter<'_>) -> Result<Vec<usize>, Halt> {
        let (mut left, mut right) = pair.split_at(self.width.min(pair.len()));
        let mut merged = Vec::with_capacity(pair.len());
        while let ([one, left_rest @ ..], [two, right_rest @ ..]) = (left, right) {
            if self.compare(*two, *one, meter)?.is_lt() {
                merged.push(*two);
                right = right_rest;
            } else {
                merged.push(*one);
                left = left_rest;
            }
        }
        merged.extend_from_slice(left);
        merged.extend_from_slice(right);
        Ok(merged)
    }

    fn compare(&self, one: usize, two: usize, meter: &mut Meter<'_>) -> Result<Ordering, Halt> {
        let pairs = self.placed[one].0.0.iter().zip(&self.placed[two].0.0);
        for (key, (one, two)) in self.keys.iter().zip(pairs) {
            meter.charge(COMPARE_UNITS)?;
            let order = key.compare(one.as_ref(), two.as_ref(), meter)?;
            if order.is_ne() {
                return Ok(order);
            }
        }
        Ok(Ordering::Equal)
    }
}

/// The cost of comparing two values, apart from their bytes.
const COMPARE_UNITS: u64 = 5;

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
