//! Settings: what was read is printed so that it is read again as the same, and a patch twice is a patch once.

use jeton_service::{merge_settings, parse_settings, print_settings};
use serde_json::{Value, json};

pub(super) fn settings(input: &[u8]) {
    let Ok(document) = serde_json::from_slice::<Value>(input) else { return };
    if let Ok(settings) = parse_settings(&document) {
        let printed = print_settings(&settings);
        let again = parse_settings(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
        assert_eq!(again, settings);
        assert_eq!(print_settings(&again), printed);
    }
    if let Ok((merged, settings)) = merge_settings(&json!({}), &document) {
        assert_eq!(parse_settings(&merged).ok(), Some(settings.clone()));
        let twice = merge_settings(&merged, &document).unwrap_or_else(|error| panic!("{error}: {merged}"));
        assert_eq!(twice, (merged.clone(), settings));
        let undone = merge_settings(&merged, &json!({"reveal": null, "loopback": null, "appkey": null}));
        assert!(undone.is_ok(), "members go back to their defaults");
    }
}
