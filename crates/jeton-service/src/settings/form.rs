//! What is wrong with the form of a settings document. No text that was sent is quoted that may be a secret which went astray.

use super::SettingsDocumentError;

/// A run of this many letters and digits may be part of a secret.
const SHORTEST_QUOTED_BY_NONE: usize = 16;

/// What a parser says, without the values that it quotes.
pub(super) fn misfit(error: &serde_json::Error) -> SettingsDocumentError {
    SettingsDocumentError::Form(without_values(&error.to_string()))
}

fn without_values(message: &str) -> String {
    let Some((what, expected)) = message.rsplit_once(", expected ") else { return without_secrets(message) };
    if what.starts_with("unknown variant ") {
        return format!("unknown variant, expected {expected}");
    }
    match what.split_once(": ") {
        Some((kind @ ("invalid type" | "invalid value"), found)) => {
            // Which sort of value it is comes before the value.
            let sort = found.split(['"', '`']).next().unwrap_or_default().trim_end();
            format!("{kind}: {sort}, expected {expected}")
        }
        _ => format!("{}, expected {expected}", without_secrets(what)),
    }
}

/// The text with an ellipsis for what may be part of a secret.
pub(super) fn without_secrets(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let run = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
        let (word, others) = rest.split_at(run);
        told.push_str(if run < SHORTEST_QUOTED_BY_NONE { word } else { "…" });
        let gap = others.find(|letter: char| letter.is_ascii_alphanumeric()).unwrap_or(others.len());
        let (between, behind) = others.split_at(gap);
        told.push_str(between);
        rest = behind;
    }
    told
}

#[cfg(test)]
mod tests {
    use crate::settings::parse_settings;
    use serde_json::json;

    #[test]
    fn what_is_wrong_is_said_and_what_was_sent_is_not() {
        let secret = "0123456789abcdef0123456789abcdef";
        for (document, expected) in [
            (json!({"reveal": secret}), "settings: unknown variant, expected `always` or `once`"),
            (json!({"reveal": ", expected x"}), "settings: unknown variant, expected `always` or `once`"),
            (json!({"default_ttl_seconds": secret}), "settings: invalid type: string, expected u32"),
            (json!({"default_ttl_seconds": -1}), "settings: invalid value: integer, expected u32"),
            (json!({"default_ttl_seconds": null}), "settings: invalid type: null, expected u32"),
        ] {
            assert_eq!(parse_settings(&document).unwrap_err().to_string(), expected);
        }
        for document in [json!({secret: 1}), json!({"forward_auth": {"demands": {secret: {"id": "x"}}}})] {
            let error = parse_settings(&document).unwrap_err().to_string();
            assert!(error.contains('…') && !error.contains("0123"), "{error}");
        }
    }
}
