//! What a fuzzer runs on any bytes, and the gate on those that fuzzers found worth keeping.
//!
//! A target panics where something that must hold does not.

mod filter;
mod head;
mod secret;
mod settings;

use crate::{appkey, dotide, loopback};

/// What must hold for any bytes.
pub type Target = fn(&[u8]);

/// The targets by name. Each has a folder of that name in `fuzz/corpus`.
pub const TARGETS: &[(&str, Target)] = &[
    ("secret", secret::secret),
    ("head", head::head),
    ("filter", filter::filter),
    ("qs", loopback::fuzz::qs),
    ("settings", settings::settings),
    ("appkey", appkey::fuzz::appkey),
    ("dotide", dotide::fuzz::dotide),
    ("loopback", loopback::fuzz::loopback),
];

/// Fails if an error quotes what was sent: any run of 16 letters and digits may be a secret that went astray.
pub(crate) fn assert_quotes_nothing(message: &str, input: &[u8]) {
    for run in input.split(|byte| !byte.is_ascii_alphanumeric()).filter(|run| run.len() >= 16) {
        for part in run.windows(16) {
            let part = std::str::from_utf8(part).unwrap_or_else(|_| unreachable!("these are ASCII"));
            assert!(!message.contains(part), "{message:?} quotes {part:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TARGETS;
    use std::fs;
    use std::path::Path;

    /// Most inputs of a target, and most bytes of one: what is kept is what another input does not show.
    const MAX_INPUTS: usize = 64;
    const MAX_BYTES: usize = 4_096;

    #[test]
    fn whatever_fuzzers_found_holds() {
        let corpus = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus"));
        let mut folders: Vec<_> =
            fs::read_dir(corpus).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        folders.sort();
        let mut names: Vec<_> = TARGETS.iter().map(|(name, _)| *name).collect();
        names.sort_unstable();
        assert_eq!(folders, names);
        for (name, target) in TARGETS {
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
