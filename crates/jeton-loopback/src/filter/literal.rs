//! Values as they are quoted in messages.

use crate::value::Value;
use std::fmt::{self, Display, Formatter, Write};

/// Writes a value like `JSON.stringify`: what JSON cannot express is `null`.
pub(super) struct Literal<'a>(pub(super) &'a Value);

impl Display for Literal<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Null => f.write_str("null"),
            Value::Number(number) if !number.is_finite() => f.write_str("null"),
            Value::Bool(_) | Value::Number(_) | Value::Long(_) => f.write_str(&self.0.to_text()),
            Value::Text(text) => quote(f, text),
            Value::Date(_) => quote(f, &self.0.to_text()),
            Value::List(items) => {
                f.write_char('[')?;
                for (i, item) in items.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { "," })?;
                    Literal(item).fmt(f)?;
                }
                f.write_char(']')
            }
            Value::Object(members) => {
                f.write_char('{')?;
                for (i, (name, value)) in members.iter().enumerate() {
                    f.write_str(if i == 0 { "" } else { "," })?;
                    quote(f, name)?;
                    f.write_char(':')?;
                    Literal(value).fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quote(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            c if c < ' ' => write!(f, "\\u{:04x}", u32::from(c))?,
            c => f.write_char(c)?,
        }
    }
    f.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_like_json() {
        let value = Value::Object(vec![
            ("a\"".into(), Value::List(vec![Value::Null, Value::Bool(true), Value::Number(1e21)])),
            ("b".into(), Value::Text("\\\n\u{1}\u{e9}".into())),
            ("c".into(), Value::Number(f64::NAN)),
            ("d".into(), Value::Date(0)),
        ]);
        let expected =
            r#"{"a\"":[null,true,1e+21],"b":"\\\n\u0001é","c":null,"d":"1970-01-01T00:00:00.000Z"}"#;
        assert_eq!(Literal(&value).to_string(), expected);
    }
}
