//! `cargo xtask prove NAME`: what takes too long for the gate, or more of the machine than it may.
//!
//! A proof is an ignored test, but for the fuzzers, which have a build of their own. It prints one line with its figure,
//! or fails; the gate runs the same code at a smaller size wherever it has one.

mod fuzz;

use crate::failure::Failure;
use crate::needs::{self, Needs, target_folder};
use crate::process::{cargo, run as run_command, written};
use std::process::Command;

/// Show that one guarantee holds, at full size, and print its figure
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Which; `all` is one after the other
    #[arg(value_parser = names())]
    name: String,
}

/// Where a proof is.
struct Proof {
    /// Several that follow each other may have the same one.
    name: &'static str,
    package: &'static str,
    /// The path of the ignored test in the package's tests `it`.
    test: &'static str,
    /// Whether it runs the program as it ships.
    needs_release: bool,
}

const PROOFS: &[Proof] = &[
    Proof {
        name: "big-list",
        package: "jeton",
        test: "prove::big_list::over_a_million_tokens_on_sqlite",
        needs_release: true,
    },
    Proof {
        name: "big-list",
        package: "jeton",
        test: "prove::big_list::over_a_million_tokens_on_postgresql",
        needs_release: true,
    },
    Proof {
        name: "disk-full",
        package: "jeton",
        test: "prove::disk_full::twenty_times",
        needs_release: true,
    },
    Proof {
        name: "fault",
        package: "jeton-http",
        test: "prove::fault::every_call_of_every_operation",
        needs_release: false,
    },
    Proof {
        name: "hostile",
        package: "jeton",
        test: "prove::hostile::hostile_clients_at_full_size",
        needs_release: true,
    },
    Proof {
        name: "hostile",
        package: "jeton",
        test: "prove::hostile::attacks_unnoticed_by_others_on_sqlite",
        needs_release: true,
    },
    Proof {
        name: "hostile",
        package: "jeton",
        test: "prove::hostile::attacks_unnoticed_by_others_on_postgresql",
        needs_release: true,
    },
    Proof {
        name: "hostile",
        package: "jeton",
        test: "prove::hostile::gateways_that_keep_connections_at_full_size",
        needs_release: true,
    },
    Proof {
        name: "hostile",
        package: "jeton",
        test: "prove::hostile::databases_that_go_away_within_their_times",
        needs_release: true,
    },
    Proof {
        name: "hostile",
        package: "jeton",
        test: "prove::hostile::replaced_databases_at_full_size",
        needs_release: true,
    },
    Proof {
        name: "hostile",
        package: "jeton",
        test: "prove::hostile::ten_thousand_rows_that_nobody_vouches_for",
        needs_release: true,
    },
    Proof {
        name: "hostile",
        package: "jeton",
        test: "prove::hostile::servers_that_stop_under_load_within_their_times",
        needs_release: true,
    },
    Proof { name: "kill9", package: "jeton", test: "prove::kill9::two_hundred_rounds", needs_release: true },
    Proof {
        name: "revoke",
        package: "jeton",
        test: "prove::revoke::revoked_means_refused_in_every_round",
        needs_release: true,
    },
    Proof {
        name: "streams",
        package: "jeton",
        test: "prove::streams::five_hundred_streams",
        needs_release: true,
    },
    Proof {
        name: "timing",
        package: "jeton",
        test: "prove::timing::nothing_is_told_by_the_clock",
        needs_release: true,
    },
];

/// The files that hold a proof: what the gate ignores is there and nowhere else.
#[cfg(test)]
pub(crate) fn files() -> Vec<String> {
    let file = |proof: &Proof| {
        let (module, _) = proof.test.rsplit_once("::").expect("a test is in a module");
        format!("crates/{}/tests/it/{}.rs", proof.package, module.replace("::", "/"))
    };
    PROOFS.iter().map(file).collect()
}

fn names() -> clap::builder::PossibleValuesParser {
    let mut names: Vec<_> = PROOFS.iter().map(|proof| proof.name).chain(["fuzz", "all"]).collect();
    names.dedup();
    clap::builder::PossibleValuesParser::new(names)
}

/// Runs the proof's steps up to the first that fails.
pub(crate) fn run(options: &Options) -> Result<(), Failure> {
    let needs = needs::install()?;
    for proof in PROOFS.iter().filter(|proof| options.name == proof.name || options.name == "all") {
        for mut step in steps(proof, &needs) {
            println!("\n==> {}", written(&step));
            run_command(&mut step)?;
        }
    }
    if options.name == "fuzz" || options.name == "all" {
        fuzz::run()?;
    }
    Ok(())
}

fn steps(proof: &Proof, needs: &Needs) -> Vec<Command> {
    let mut test = cargo(&["test", "--package", proof.package, "--test", "it", "--locked", "--"]);
    test.args(["--ignored", "--exact", "--nocapture", proof.test]);
    needs.tell(&mut test);
    if !proof.needs_release {
        return vec![test];
    }
    test.env("JETON_TEST_PROGRAM", target_folder().join("release/jeton"));
    vec![cargo(&["build", "--release", "--package", "jeton", "--locked"]), test]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root;
    use std::fs;

    #[test]
    fn every_proof_is_an_ignored_test() {
        for (proof, file) in PROOFS.iter().zip(files()) {
            let (_, function) = proof.test.rsplit_once("::").expect("a test is in a module");
            let text = fs::read_to_string(root().join(&file)).unwrap_or_else(|e| panic!("{file}: {e}"));
            let (attributes, _) = text.split_once(&format!("fn {function}()")).expect("the test is there");
            let last = attributes.rfind("\n\n").map_or(attributes, |end| &attributes[end..]);
            assert!(last.contains("#[ignore"), "{file}: {function} must be an ignored test");
        }
    }
}
