//! Fuzz targets: fuzzers run them on any bytes, and the gate on the inputs that fuzzers found worth keeping.
//!
//! A target panics if a property does not hold.

mod filter;
mod secret;

use crate::listeners;
use crate::server::Headers;
use crate::transport::credentials::{Presented, X_ACCESS_TOKEN, bearer_values, only};
use jeton_service::{merge_settings, parse_settings, print_settings};
use serde_json::{Value, json};

/// A property of any bytes.
pub type Target = fn(&[u8]);

/// The targets that belong to no surface.
const COMMON: [(&str, Target); 4] =
    [("secret", secret::secret), ("head", head), ("filter", filter::filter), ("settings", settings)];

/// The targets by name. Each has a folder of that name in `fuzz/corpus`.
pub fn targets() -> Vec<(&'static str, Target)> {
    let surfaces = listeners::ALL.iter().flat_map(|table| table.surfaces);
    let parsers = surfaces.flat_map(|surface| surface.parsers).copied();
    parsers.chain(COMMON).collect()
}

/// Settings that are printed and read again are the same, and a patch applied twice is as one applied once.
fn settings(input: &[u8]) {
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

/// Heads that are parsed without hyper present the same token as with it.
fn head(input: &[u8]) {
    crate::server::fuzz::head(input, |plain, headers| {
        assert_eq!(show(&bearer_or_header(plain)), show(&bearer_or_header(headers)));
    });
}

fn bearer_or_header(headers: &impl Headers) -> Presented {
    only(bearer_values(headers).chain(headers.named(&X_ACCESS_TOKEN)))
}

fn show(presented: &Presented) -> Option<&str> {
    match presented {
        Presented::Nothing => Some(""),
        Presented::Several => None,
        Presented::Token(secret) => Some(secret.expose()),
    }
}

#[cfg(test)]
mod tests {
    use super::targets;
    use std::fs;
    use std::path::Path;

    /// At most this many inputs of a target, and bytes of one; an input is kept if no other shows the same.
    const MAX_INPUTS: usize = 64;
    const MAX_BYTES: usize = 4_096;

    #[test]
    fn whatever_fuzzers_found_holds() {
        let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"));
        let mut folders: Vec<_> =
            fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        folders.sort();
        let mut names: Vec<_> = targets().iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert_eq!(folders, names);
        for (name, target) in targets() {
            let inputs: Vec<_> =
                fs::read_dir(corpus.join(name)).unwrap().map(|entry| entry.unwrap().path()).collect();
            assert!((10..=MAX_INPUTS).contains(&inputs.len()), "{name} has {} inputs", inputs.len());
            for path in inputs {
                let input = fs::read(&path).unwrap();
                assert!(input.len() <= MAX_BYTES, "{} has {} bytes", path.display(), input.len());
                let holds = std::panic::catch_unwind(|| target(&input)).is_ok();
                assert!(holds, "{} fails", path.display());
            }
        }
    }
}
