//! Merging parameters into a value.

use jeton_loopback::Value;
use std::collections::BTreeMap;

/// A value under construction.
#[derive(Debug)]
pub(super) enum Node {
    Text(String),
    List(List),
    Object(Object),
}

/// A list that may have holes, which close in the end.
#[derive(Debug, Default)]
pub(super) struct List {
    items: BTreeMap<u64, Node>,
    length: u64,
    /// It came from a conflict between a text and an object.
    conflict: bool,
}

/// Members in the order of first occurrence.
#[derive(Debug, Default)]
pub(super) struct Object {
    members: Vec<(String, Node)>,
    /// A list that grew beyond the limit; its largest index.
    overflow: Option<u64>,
    /// A list that came from a conflict; the last index.
    conflict: Option<u64>,
}

/// The index that a name represents, if it is the canonical form of a non-negative integer.
pub(super) fn index_of(name: &str) -> Option<u64> {
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // ECMAScript counts in doubles, and accepts only the canonical form.
    let number: f64 = name.parse().ok()?;
    (Value::Number(number).to_text() == name).then_some(number as u64)
}

/// The position of a member in ECMAScript's order: array indices first, ascending, then the others in order
/// of insertion.
pub(super) fn place(name: &str) -> u64 {
    const BEYOND_ARRAYS: u64 = u32::MAX as u64;
    index_of(name).map_or(BEYOND_ARRAYS, |index| index.min(BEYOND_ARRAYS))
}

impl Node {
    pub(super) fn object() -> Self {
        Node::Object(Object::default())
    }

    pub(super) fn object_with(name: &str, value: Node) -> Self {
        Node::Object(Object { members: vec![(name.to_owned(), value)], ..Object::default() })
    }

    /// An object in place of a list that would have that index.
    pub(super) fn overflown_with(index: u64, value: Node) -> Self {
        let members = vec![(index.to_string(), value)];
        Node::Object(Object { members, overflow: Some(index), conflict: None })
    }

    pub(super) fn list_with(index: u64, value: Node) -> Self {
        Node::List(List { items: BTreeMap::from([(index, value)]), length: index + 1, conflict: false })
    }

    /// A list with this value, or with its items.
    pub(super) fn into_list(self, limit: u64) -> Self {
        match self {
            Node::Object(object) if object.overflow.is_some() => Node::Object(object),
            Node::List(list) => list.within(limit),
            item => List::of([item]).within(limit),
        }
    }

    /// Appends the value of a repeated parameter, which is a text.
    pub(super) fn append(&mut self, value: Node, limit: u64) {
        let own = std::mem::replace(self, Node::object());
        *self = match own {
            Node::Object(mut object) => {
                object.append(value);
                Node::Object(object)
            }
            Node::List(mut list) => {
                list.push(value);
                list.within(limit)
            }
            text @ Node::Text(_) => List::of([text, value]).within(limit),
        };
    }

    /// Merges both; conflicts are resolved as in `qs`.
    pub(super) fn merge(self, source: Node, limit: u64) -> Self {
        match (self, source) {
            (target, Node::Text(text)) if text.is_empty() => target,
            (Node::Text(target), Node::Text(source)) => {
                Node::List(List::of([Node::Text(target), Node::Text(source)]))
            }
            (Node::List(mut target), source @ Node::Text(_)) => {
                target.push(source);
                target.within(limit)
            }
            (Node::Object(mut target), source @ Node::Text(_)) => {
                if target.overflow.is_some() || target.conflict.is_some() {
                    target.append(source);
                    return Node::Object(target);
                }
                Node::List(List { conflict: true, ..List::of([Node::Object(target), source]) })
            }
            (target @ Node::Text(_), Node::List(source)) => {
                let mut list = List::of([target]);
                list.length += source.length;
                list.items.extend(source.items.into_iter().map(|(index, item)| (index + 1, item)));
                list.within(limit)
            }
            (target @ Node::Text(_), Node::Object(source)) => match source.overflow {
                Some(largest) => Node::Object(source.shifted(target, largest + 1)),
                None => List::of([target, Node::Object(source)]).within(limit),
            },
            (Node::List(mut target), Node::List(source)) => {
                for (index, item) in source.items {
                    target.merge_item(index, item, limit);
                }
                target.within(limit)
            }
            (Node::List(target), Node::Object(source)) => {
                let conflict = target.conflict.then(|| target.length.saturating_sub(1));
                let mut target = target.into_object(None);
                target.conflict = conflict;
                Node::Object(target.merge_members(source.members, source.overflow, limit))
            }
            (Node::Object(target), Node::List(source)) => {
                let members = source.into_object(None).members;
                Node::Object(target.merge_members(members, None, limit))
            }
            (Node::Object(target), Node::Object(source)) => {
                Node::Object(target.merge_members(source.members, source.overflow, limit))
            }
        }
    }

    pub(super) fn into_value(self) -> Value {
        match self {
            Node::Text(text) => Value::Text(text),
            Node::List(list) => Value::List(list.items.into_values().map(Node::into_value).collect()),
            Node::Object(Object { mut members, .. }) => {
                members.sort_by_key(|(name, _)| place(name));
                Value::Object(members.into_iter().map(|(name, node)| (name, node.into_value())).collect())
            }
        }
    }
}

impl List {
    fn of<const N: usize>(items: [Node; N]) -> Self {
        List { items: (0..).zip(items).collect(), length: N as u64, conflict: false }
    }

    fn push(&mut self, item: Node) {
        self.items.insert(self.length, item);
        self.length += 1;
    }

    /// Itself, or an object if it is longer than `limit`.
    fn within(self, limit: u64) -> Node {
        if self.length <= limit {
            return Node::List(self);
        }
        let largest = self.length - 1;
        Node::Object(self.into_object(Some(largest)))
    }

    fn into_object(self, overflow: Option<u64>) -> Object {
        let members = self.items.into_iter().map(|(index, item)| (index.to_string(), item)).collect();
        Object { members, overflow, conflict: None }
    }

    /// Two structures at one index are merged; otherwise the later one is appended.
    fn merge_item(&mut self, index: u64, item: Node, limit: u64) {
        let item = match (self.items.remove(&index), item) {
            (None, item) => item,
            (Some(own @ (Node::List(_) | Node::Object(_))), item @ (Node::List(_) | Node::Object(_))) => {
                own.merge(item, limit)
            }
            (Some(own), item) => {
                self.push(item);
                own
            }
        };
        self.items.insert(index, item);
        self.length = self.length.max(index + 1);
    }
}

impl Object {
    /// Appends `value` after the largest index.
    fn append(&mut self, value: Node) {
        let last = if self.overflow.is_some() { &mut self.overflow } else { &mut self.conflict };
        let next = last.map_or(0, |last| last + 1);
        *last = Some(next);
        self.set(next.to_string(), value);
    }

    fn set(&mut self, name: String, value: Node) {
        match self.members.iter_mut().find(|(known, _)| *known == name) {
            Some((_, own)) => *own = value,
            None => self.members.push((name, value)),
        }
    }

    /// Itself with every index incremented, and `first` at 0.
    fn shifted(self, first: Node, largest: u64) -> Self {
        let mut shifted = Object { overflow: Some(largest), ..Object::default() };
        shifted.set("0".to_owned(), first);
        for (name, node) in self.members {
            // JavaScript's sum of one and a value that is not a number.
            let name = index_of(&name).map_or("NaN".to_owned(), |index| (index + 1).to_string());
            shifted.set(name, node);
        }
        shifted
    }

    fn merge_members(mut self, members: Vec<(String, Node)>, overflow: Option<u64>, limit: u64) -> Self {
        for (name, node) in members {
            let index = index_of(&name);
            match self.members.iter_mut().find(|(known, _)| *known == name) {
                Some((_, own)) => {
                    let kept = std::mem::replace(own, Node::object());
                    *own = kept.merge(node, limit);
                }
                None => self.members.push((name, node)),
            }
            if let (Some(largest), None) = (overflow, self.overflow) {
                let own = self.members.iter().filter_map(|(name, _)| index_of(name)).max();
                self.overflow = Some(own.map_or(largest, |own| own.max(largest)));
            }
            for last in [&mut self.overflow, &mut self.conflict].into_iter().flatten() {
                *last = index.map_or(*last, |index| index.max(*last));
            }
        }
        self
    }
}
