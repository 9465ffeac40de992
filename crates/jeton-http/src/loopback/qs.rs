//! Nested query strings, as LoopBack reads them: `filter[where][userId]=1&filter[limit]=2`.
//!
//! The rules are those of the `qs` package (6.16) with the options of Express and its body parser. They are
//! not a specification but the behaviour of that package; a file of recorded answers beside the tests is the
//! authority.

mod tree;

use jeton_loopback::Value;
use percent_encoding::percent_decode_str;
use std::fmt;
use tree::{Node, index_of};

/// At most this many parameters of a query are parsed, and a form may have no more.
const MAX_PARAMETERS: usize = 1_000;
/// At most this many pairs of brackets in a name of a query are parsed. The rest is one literal name.
pub(super) const QUERY_DEPTH: usize = 5;
/// At most this many pairs of brackets in a name of a form.
pub(super) const FORM_DEPTH: usize = 32;
/// An index below this creates a list in a query, any other is the name of a member.
const QUERY_LIST_LIMIT: u64 = 1_000;
/// The same for a form with fewer parameters than this; with more, their number is the limit.
const FORM_LIST_LIMIT: u64 = 100;

/// Why a form is refused. `Display` is the message of Express's body parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FormError {
    /// More than 1,000 parameters. Express answers 413.
    TooManyParameters,
    /// A name with more than 32 pairs of brackets. Express answers 400.
    TooDeep,
}

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            FormError::TooManyParameters => "too many parameters",
            FormError::TooDeep => "The input exceeded the depth",
        })
    }
}

/// Parses a query into an object of texts, lists and objects.
///
/// Excess parameters beyond [`MAX_PARAMETERS`] are ignored, and invalid escapes stay as they are.
pub(crate) fn parse_query(query: &str) -> Value {
    let brackets = Brackets { depth: QUERY_DEPTH, list_limit: QUERY_LIST_LIMIT };
    let mut root = Node::object();
    for (name, value) in parameters(query, QUERY_LIST_LIMIT) {
        let (segments, _) = brackets.segments(&name);
        root = brackets.insert(root, &segments, value);
    }
    root.into_value()
}

/// Parses a body of type `application/x-www-form-urlencoded`, otherwise like a query.
///
/// # Errors
///
/// It exceeds a limit.
pub(crate) fn parse_form(form: &str) -> Result<Value, FormError> {
    let count = form.split('&').count();
    if count > MAX_PARAMETERS {
        return Err(FormError::TooManyParameters);
    }
    let list_limit = FORM_LIST_LIMIT.max(count as u64);
    let brackets = Brackets { depth: FORM_DEPTH, list_limit };
    let mut root = Node::object();
    for (name, value) in parameters(form, list_limit) {
        let (segments, whole) = brackets.segments(&name);
        if !whole {
            return Err(FormError::TooDeep);
        }
        root = brackets.insert(root, &segments, value);
    }
    Ok(root.into_value())
}

/// LoopBack 2's coercion of a nested value of a query: texts that look like null, a boolean or a number
/// become that, except directly in a list. A number must not have a leading zero, so `0` stays a text.
pub(crate) fn coerce(value: Value) -> Value {
    match value {
        Value::Text(text) => coerce_text(text),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, value)| (name, coerce(value))).collect())
        }
        Value::List(items) => Value::List(
            items
                .into_iter()
                .map(|item| if let Value::Text(_) = item { item } else { coerce(item) })
                .collect(),
        ),
        other => other,
    }
}

fn coerce_text(text: String) -> Value {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let number = match text.split_once('.') {
        Some((whole, fraction)) => digits(whole) && digits(fraction) && !fraction.is_empty(),
        None => digits(&text) && !text.is_empty() && !text.starts_with('0'),
    };
    match text.as_str() {
        "null" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        decimal if number => match decimal.parse() {
            Ok(integer) => Value::integer(integer),
            Err(_) => decimal.parse().map_or(Value::Text(text), Value::Number),
        },
        _ => Value::Text(text),
    }
}

/// The parameters by decoded name, repeated ones together, in ECMAScript's order of members.
fn parameters(text: &str, list_limit: u64) -> Vec<(String, Node)> {
    let text = text.replace("%5B", "[").replace("%5b", "[").replace("%5D", "]").replace("%5d", "]");
    let mut parameters: Vec<(String, Node)> = Vec::new();
    for part in text.split('&').take(MAX_PARAMETERS) {
        let (name, value) = match part.find("]=").map(|at| at + 1).or_else(|| part.find('=')) {
            Some(at) => (decode(&part[..at]), decode(&part[at + 1..])),
            None => (decode(part), String::new()),
        };
        let value = Node::Text(value);
        match parameters.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.append(value, list_limit),
            None if name.is_empty() => {}
            None => parameters.push((name, value)),
        }
    }
    parameters.sort_by_key(|(name, _)| tree::place(name));
    parameters
}

/// `decodeURIComponent` with `+` as a space; the text itself if it contains an invalid escape.
fn decode(text: &str) -> String {
    let text = text.replace('+', " ");
    let is_escape = |after: &str| matches!(after.as_bytes(), [one, two, ..] if one.is_ascii_hexdigit() && two.is_ascii_hexdigit());
    let decoded = match percent_decode_str(&text).decode_utf8() {
        Ok(decoded) if text.split('%').skip(1).all(is_escape) => Some(decoded.into_owned()),
        _ => None,
    };
    decoded.unwrap_or(text)
}

/// How brackets in names are parsed.
struct Brackets {
    depth: usize,
    list_limit: u64,
}

impl Brackets {
    /// `a[b][c]` as `a`, `[b]`, `[c]`; and whether that is the whole name, not truncated at the depth.
    fn segments(&self, name: &str) -> (Vec<String>, bool) {
        let mut open = name.find('[');
        let parent = &name[..open.unwrap_or(name.len())];
        let mut segments: Vec<String> = Vec::new();
        if !parent.is_empty() {
            segments.push(parent.to_owned());
        }
        for _ in 0..self.depth {
            let Some(from) = open else {
                return (segments, true);
            };
            let Some(length) = balanced(&name[from..]) else {
                // An unclosed bracket makes the rest one literal name.
                segments.push(format!("[{}]", &name[from..]));
                return (segments, true);
            };
            segments.push(name[from..from + length].to_owned());
            open = name[from + length..].find('[').map(|next| from + length + next);
        }
        let Some(from) = open else {
            return (segments, true);
        };
        segments.push(format!("[{}]", &name[from..]));
        (segments, false)
    }

    /// `root` with `value` at the path of the segments.
    fn insert(&self, root: Node, segments: &[String], value: Node) -> Node {
        let branch = segments.iter().rev().fold(value, |leaf, segment| self.wrap(segment, leaf));
        root.merge(branch, self.list_limit)
    }

    /// A value with only `leaf` at this segment.
    fn wrap(&self, segment: &str, leaf: Node) -> Node {
        if segment == "[]" {
            return leaf.into_list(self.list_limit);
        }
        let bare = segment.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let name = bare.unwrap_or(segment);
        match index_of(name).filter(|_| bare.is_some()) {
            Some(index) if index < self.list_limit => Node::list_with(index, leaf),
            Some(index) => Node::overflown_with(index, leaf),
            // No member with this name, which is special in JavaScript.
            None if name == "__proto__" => Node::object(),
            None => Node::object_with(name, leaf),
        }
    }
}

/// The length of the brackets at the start of `text`, up to the one that closes the first.
fn balanced(text: &str) -> Option<usize> {
    let mut level = 0_usize;
    for (at, b) in text.bytes().enumerate() {
        match b {
            b'[' => level += 1,
            b']' => level -= 1,
            _ => {}
        }
        if level == 0 {
            return Some(at + 1);
        }
    }
    None
}

#[cfg(test)]
#[path = "qs_tests.rs"]
mod tests;
