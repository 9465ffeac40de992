//! One fuzzer for all targets: `JETON_FUZZ_TARGET` names the one that it runs. `cargo xtask prove fuzz`
//! builds and runs it; what targets check is in `jeton_http::fuzz`, where the gate replays the corpus.

#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

static TARGET: OnceLock<jeton_http::fuzz::Target> = OnceLock::new();

fuzz_target!(
    init: {
        let name = std::env::var("JETON_FUZZ_TARGET").expect("JETON_FUZZ_TARGET names a target");
        let (_, target) = jeton_http::fuzz::targets().into_iter().find(|(known, _)| *known == name).expect("a known target");
        TARGET.set(target).expect("this runs once");
    },
    |input: &[u8]| TARGET.get().expect("it was chosen")(input)
);
