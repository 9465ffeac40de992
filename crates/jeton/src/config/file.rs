//! Settings in a TOML file.

use super::settings::{SETTINGS, Setting};
use jeton_http::nearest;
use std::ops::Range;
use toml::de::{DeTable, DeValue};

/// A setting in a file.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) setting: &'static Setting,
    pub(crate) text: String,
    /// Its line, counted from 1.
    pub(crate) line: usize,
}

/// The first error in a file, and its line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) line: usize,
    /// Names settings and tables of the file, and quotes no value: it may be a secret in the wrong place.
    pub(crate) message: String,
}

/// Parses a file: all of its settings, or the first error.
pub(crate) fn read(text: &str) -> Result<Vec<Entry>, Fault> {
    let table = DeTable::parse(text).map_err(|error| {
        let place = error.span().map_or(0, |span| span.start);
        Fault { line: line(text, place), message: format!("this is not TOML: {}", plain_reason(&error)) }
    })?;
    let mut entries = Vec::new();
    read_table(text, "", table.get_ref(), &mut entries)?;
    entries.sort_by_key(|entry| entry.line);
    Ok(entries)
}

/// The parser's reason, if it quotes nothing.
fn plain_reason(error: &toml::de::Error) -> &str {
    let reason = error.message();
    if reason.contains(['`', '"', '\'']) { "it cannot be read" } else { reason }
}

fn read_table(text: &str, prefix: &str, table: &DeTable<'_>, entries: &mut Vec<Entry>) -> Result<(), Fault> {
    for (key, value) in table {
        let name = format!("{prefix}{}", key.get_ref());
        let fault = |span: Range<usize>, message| Err(Fault { line: line(text, span.start), message });
        match (Setting::named(&name), value.get_ref()) {
            (Some(setting), value) => match text_of(setting, value) {
                Some(text_of) => {
                    entries.push(Entry { setting, text: text_of, line: line(text, key.span().start) });
                }
                None => return fault(key.span(), format!("{name} is {}", setting.kind)),
            },
            (None, DeValue::Table(inner)) if is_prefix(&format!("{name}.")) => {
                read_table(text, &format!("{name}."), inner, entries)?;
            }
            (None, value) => return fault(key.span(), unknown(&name, value)),
        }
    }
    Ok(())
}

fn is_prefix(prefix: &str) -> bool {
    SETTINGS.iter().any(|setting| setting.name.starts_with(prefix))
}

fn unknown(name: &str, value: &DeValue<'_>) -> String {
    if matches!(value, DeValue::Table(_)) {
        let tables =
            SETTINGS.iter().filter_map(|setting| setting.name.split_once('.')).map(|(table, _)| table);
        return match nearest(name, tables) {
            Some(near) => format!("there is no table {name}: did you mean {near}?"),
            None => format!("there is no table {name}"),
        };
    }
    match nearest(name, SETTINGS.iter().map(|setting| setting.name)) {
        Some(near) => format!("there is no setting {name}: did you mean {near}?"),
        None => format!("there is no setting {name}"),
    }
}

/// A value as text; `None` if it is of the wrong type for the setting.
fn text_of(setting: &Setting, value: &DeValue<'_>) -> Option<String> {
    use super::kind::Kind;
    let text = match (setting.kind, value) {
        (Kind::Number { .. }, DeValue::Integer(number)) => {
            u64::from_str_radix(number.as_str(), number.radix()).ok()?.to_string()
        }
        (Kind::Switch, DeValue::Boolean(is_on)) => is_on.to_string(),
        (Kind::Number { .. } | Kind::Switch, _) => return None,
        (_, DeValue::String(text)) => text.to_string(),
        _ => return None,
    };
    setting.kind.check(&text).ok().map(|()| text)
}

/// The line that contains a byte, counted from 1.
fn line(text: &str, byte: usize) -> usize {
    text.as_bytes().iter().take(byte).filter(|byte| **byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        let Fault { line, message } = read(text).unwrap_err();
        format!("{line}: {message}")
    }

    #[test]
    fn settings_stand_alone_or_in_their_tables() {
        let text = "listen = \"127.0.0.1:0\"\nlog.level = \"debug\"\n\n[limits]\nbody_bytes = 204_800\nscopes = 0x40\n";
        let entries = read(text).unwrap();
        let entries: Vec<_> =
            entries.iter().map(|entry| (entry.line, entry.setting.name, entry.text.as_str())).collect();
        assert_eq!(
            entries,
            [
                (1, "listen", "127.0.0.1:0"),
                (2, "log.level", "debug"),
                (5, "limits.body_bytes", "204800"),
                (6, "limits.scopes", "64"),
            ]
        );
        assert!(read("").unwrap().is_empty());
    }

    #[test]
    fn mistakes_are_named_with_their_line_and_what_was_perhaps_meant() {
        for (text, expected) in [
            ("\nlisen = \"x\"", "2: there is no setting lisen: did you mean listen?"),
            (
                "[limits]\n\nbody_byte = 1",
                "3: there is no setting limits.body_byte: did you mean limits.body_bytes?",
            ),
            ("[limits]\nsomething_else = 1", "2: there is no setting limits.something_else"),
            ("[limit]\nbody_bytes = 1", "1: there is no table limit: did you mean limits?"),
            ("[log]\nlevel = \"loud\"", "2: log.level is error or warn or info or debug"),
            ("[log.level]\nx = 1", "1: log.level is error or warn or info or debug"),
            ("behind_proxy = \"true\"", "1: behind_proxy is true or false"),
            (
                "limits.body_bytes = \"204800\"",
                "1: limits.body_bytes is a whole number from 1024 to 16777216",
            ),
            ("limits.scopes = 0", "1: limits.scopes is a whole number from 1 to 1024"),
        ] {
            assert_eq!(fault(text), expected, "{text}");
        }
    }

    #[test]
    fn no_value_is_quoted() {
        for text in [
            "database_url = \"mysql://u:canary@h\"",
            "database_url = canary",
            "database_urls = \"canary\"",
            "database_url = \"canary",
            "database_url = [\"canary\"]",
            "database_url = 'canary' canary",
        ] {
            assert!(!fault(text).contains("canary"), "{}", fault(text));
        }
    }
}
