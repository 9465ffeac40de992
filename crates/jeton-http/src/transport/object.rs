//! JSON objects, and nothing else in their place.

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::marker::PhantomData;

/// A `T` that must be written as an object. By itself a struct can also be parsed from an array, member by
/// member in the order of the source code, which a client that sends an array never means.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Object<T>(
    /// The parsed object.
    pub T,
);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members(PhantomData)).map(Object)
    }
}

struct Members<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Pair {
        a: u8,
        b: Option<u8>,
    }

    fn read(text: &str) -> Result<Pair, String> {
        serde_json::from_str::<Object<Pair>>(text).map(|object| object.0).map_err(|error| error.to_string())
    }

    #[test]
    fn objects_are_read_as_ever_and_arrays_are_not() {
        let pair = read(r#"{"b": 2, "a": 1}"#).unwrap();
        assert_eq!((pair.a, pair.b), (1, Some(2)));
        assert!(read(r#"{"a": 1, "c": 2}"#).unwrap_err().starts_with("unknown field `c`"));
        assert!(read(r#"{"a": 1, "a": 2}"#).unwrap_err().starts_with("duplicate field `a`"));
        assert!(serde_json::from_str::<Pair>("[1, 2]").is_ok(), "this is why");
        assert!(read("[1, 2]").unwrap_err().ends_with("expected an object at line 1 column 0"));
    }
}
