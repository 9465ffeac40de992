//! `fields`: which properties are returned.

use super::MAX_NAMES;
use super::error::FilterError;
use crate::profile::Profile;
use crate::value::Value;
use std::collections::HashMap;

/// The properties that are returned.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Fields {
    /// All properties of the row.
    #[default]
    All,
    /// Only these, with the index of each in the order in which they were requested.
    Only(HashMap<String, usize>),
}

impl Fields {
    /// Parses a name, a list of names, or an object that maps names to booleans.
    ///
    /// In an object, any true member makes it the list of the true names. If all are false, the other
    /// declared properties are returned. Empty ones, and falsy values, mean all.
    ///
    /// # Errors
    ///
    /// [`FilterError::TooManyNames`].
    pub fn parse(fields: &Value, profile: &Profile) -> Result<Self, FilterError> {
        let names: Vec<String> = match fields {
            _ if !fields.is_truthy() => return Ok(Fields::All),
            Value::Text(name) => vec![name.clone()],
            Value::List(names) => names.iter().map(Value::to_text).collect(),
            Value::Object(members) => {
                let wanted = |(name, value): &(String, Value)| value.is_truthy().then(|| name.clone());
                let included: Vec<_> = members.iter().filter_map(wanted).collect();
                match (members.is_empty(), included.is_empty()) {
                    (true, _) => Vec::new(),
                    (false, false) => included,
                    (false, true) => {
                        let unwanted = |name: &&str| members.iter().any(|(unwanted, _)| unwanted == name);
                        let left = profile.declared.iter().filter(|name| !unwanted(name));
                        return Ok(Self::only(left.map(|name| (*name).to_owned()).collect()));
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Long(_) | Value::Date(_) => {
                profile.declared.iter().map(|name| (*name).to_owned()).collect()
            }
        };
        match names.len() {
            0 => Ok(Fields::All),
            1..=MAX_NAMES => Ok(Self::only(names)),
            _ => Err(FilterError::TooManyNames),
        }
    }

    fn only(names: Vec<String>) -> Self {
        // If a name is repeated, its first index counts.
        Fields::Only(names.into_iter().enumerate().rev().map(|(place, name)| (name, place)).collect())
    }

    /// Whether the property with this name is returned.
    pub fn keeps(&self, name: &str) -> bool {
        match self {
            Fields::All => true,
            Fields::Only(names) => names.contains_key(name),
        }
    }

    /// The members to return: declared ones first, in declaration order, then the others in the order in
    /// which they were requested, or else as they come.
    pub fn select<T>(&self, members: Vec<(String, T)>, profile: &Profile) -> Vec<(String, T)> {
        let mut kept: Vec<_> = members.into_iter().filter(|(name, _)| self.keeps(name)).collect();
        kept.sort_by_cached_key(|(name, _)| {
            let declared = profile.declared.iter().position(|declared| declared == name);
            let asked = || match self {
                Fields::All => 0,
                Fields::Only(names) => names.get(name).copied().unwrap_or(0),
            };
            declared.unwrap_or_else(|| profile.declared.len() + asked())
        });
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(members: &[(&str, Value)]) -> Value {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn selected(fields: &Value) -> String {
        let members = ["zeta", "userId", "created", "alpha", "ttl", "id"].map(|name| (name.to_owned(), ()));
        let kept = Fields::parse(fields, &Profile::V2).unwrap().select(members.to_vec(), &Profile::V2);
        kept.iter().map(|(name, ())| name.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_selected() {
        use Value::{Bool, List, Null, Number};
        let all = "id ttl created userId zeta alpha";
        for fields in [Null, text(""), List(vec![]), object(&[]), Bool(false)] {
            assert_eq!(selected(&fields), all, "{fields:?}");
        }
        for (fields, expected) in [
            (text("id"), "id"),
            (List(vec![text("alpha"), text("id"), text("zeta")]), "id alpha zeta"),
            (List(vec![text("userId"), text("ttl"), text("id")]), "id ttl userId"),
            (List(vec![text("id"), text("user")]), "id"),
            (object(&[("id", Bool(true)), ("ttl", Bool(false))]), "id"),
            (object(&[("alpha", Bool(true)), ("id", Number(1.0))]), "id alpha"),
            (object(&[("ttl", Bool(false)), ("id", Number(0.0))]), "created userId"),
            (object(&[("id", text("false"))]), "id"),
            (object(&[("foo", Bool(true))]), ""),
            // Excluding an undeclared property leaves the declared ones.
            (object(&[("foo", Bool(false))]), "id ttl created userId"),
            (Bool(true), "id ttl created userId"),
        ] {
            assert_eq!(selected(&fields), expected, "{fields:?}");
        }
        let none: Vec<_> = Profile::V2.declared.iter().map(|name| (*name, Bool(false))).collect();
        assert_eq!(selected(&object(&none)), "");
    }

    #[test]
    fn names_are_bounded() {
        let names = |count| Fields::parse(&Value::List(vec![text("a"); count]), &Profile::V2);
        assert!(names(MAX_NAMES).is_ok());
        assert_eq!(names(MAX_NAMES + 1), Err(FilterError::TooManyNames));
    }
}
