//! `include`: which related rows are returned with a row.

use super::MAX_NAMES;
use super::error::FilterError;
use crate::value::Value;

/// One relation to include. Whether it exists is not checked here.
#[derive(Clone, Debug, PartialEq)]
pub struct Inclusion {
    /// The name of the relation.
    pub relation: String,
    /// What to return of the related row: a filter, or null for all of it.
    pub scope: Value,
}

impl Inclusion {
    /// Parses a name, `{"relation": name, "scope": filter}`, an object from names to nested inclusions, or a
    /// list of these. Anything else is ignored.
    ///
    /// # Errors
    ///
    /// [`FilterError::TooManyNames`].
    pub fn parse(include: &Value) -> Result<Vec<Self>, FilterError> {
        let entries = match include {
            Value::List(entries) => entries.as_slice(),
            entry => std::slice::from_ref(entry),
        };
        let mut inclusions = Vec::new();
        for entry in entries {
            match entry {
                Value::Text(name) if name.is_empty() => {}
                Value::Text(name) => {
                    inclusions.push(Inclusion { relation: name.clone(), scope: Value::Null });
                }
                Value::Object(members) => inclusions.extend(Self::of_object(entry, members)),
                Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::Long(_)
                | Value::List(_)
                | Value::Date(_) => {}
            }
            if inclusions.len() > MAX_NAMES {
                return Err(FilterError::TooManyNames);
            }
        }
        Ok(inclusions)
    }

    fn of_object(entry: &Value, members: &[(String, Value)]) -> Vec<Self> {
        let named = |name| entry.member(name).filter(|relation| relation.is_truthy());
        if let Some(Value::Text(relation)) = named("rel").or_else(|| named("relation")) {
            let scope = entry.member("scope").cloned().unwrap_or(Value::Null);
            return vec![Inclusion { relation: relation.clone(), scope }];
        }
        let nested = |include: &Value| Value::Object(vec![("include".to_owned(), include.clone())]);
        members
            .iter()
            .map(|(name, include)| Inclusion { relation: name.clone(), scope: nested(include) })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn object(members: &[(&str, Value)]) -> Value {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    }

    #[test]
    fn forms_that_are_read() {
        let user = |scope| vec![Inclusion { relation: "user".to_owned(), scope }];
        assert_eq!(Inclusion::parse(&text("user")), Ok(user(Value::Null)));
        assert_eq!(Inclusion::parse(&Value::List(vec![text("user")])), Ok(user(Value::Null)));
        let scope = object(&[("fields", text("id"))]);
        let long = object(&[("relation", text("user")), ("scope", scope.clone())]);
        assert_eq!(Inclusion::parse(&long), Ok(user(scope)));
        let nested = object(&[("user", text("roles"))]);
        assert_eq!(Inclusion::parse(&nested), Ok(user(object(&[("include", text("roles"))]))));
        for nothing in [Value::Null, Value::Number(5.0), text(""), Value::List(vec![])] {
            assert_eq!(Inclusion::parse(&nothing), Ok(vec![]));
        }
        let many = Value::List(vec![text("user"); MAX_NAMES + 1]);
        assert_eq!(Inclusion::parse(&many), Err(FilterError::TooManyNames));
    }
}
