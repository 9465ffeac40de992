//! `cargo xtask prove NAME`: proofs that take too long for the gate, or too much of the machine.
//!
//! A proof is one or more ignored tests, but for the fuzzers, which have a build of their own. It prints
//! lines with its figures, each after its name, or fails; they go into PROOFS.md. The gate runs the same code
//! at a smaller size wherever it has one.

mod fuzz;
mod record;

use crate::dist;
use crate::error::Error;
use crate::needs::{self, Needs, target_folder};
use crate::process::{cargo, run as run_command, run_and_read, written};
use crate::release;
use clap::builder::{PossibleValue, PossibleValuesParser};
use record::Record;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Show that a guarantee holds, at full size, and write its figures to PROOFS.md
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Which guarantee
    #[arg(value_parser = values())]
    name: String,
    /// How often the whole proof is repeated
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    rounds: u32,
    /// Only print, and leave PROOFS.md as it is
    #[arg(long)]
    print: bool,
}

/// A guarantee that can be proved.
struct Guarantee {
    name: &'static str,
    /// What the proof shows, in one sentence without its full stop.
    shows: &'static str,
}

const FUZZ: &str = "fuzz";
/// It needs another build.
const ROLLING: &str = "rolling";
/// It needs a release, and systems to install it in.
const PACKAGES: &str = "packages";

const GUARANTEES: &[Guarantee] = &[
    Guarantee {
        name: "big-list",
        shows: "Lists of 1,000,000 tokens, read slowly on every API, take the memory of a page; writes and checks go on",
    },
    Guarantee {
        name: "copy",
        shows: "1,000,000 tokens go from one engine to the other and back, interrupted each time, complete and verified",
    },
    Guarantee {
        name: "delegate",
        shows: "What is taken from a token is taken from 100,000 that it made with the one answer, which takes no longer",
    },
    Guarantee {
        name: "disk-full",
        shows: "A full disk loses nothing that was acknowledged, and passes without a restart",
    },
    Guarantee {
        name: "failover",
        shows: "PostgreSQL's primary dies under load and a synchronous standby takes its place: nothing acknowledged is lost or undone",
    },
    Guarantee {
        name: "fault",
        shows: "When any single call of the store fails, the answer is an outage, never a refusal, and nothing is half done",
    },
    Guarantee {
        name: "hostile",
        shows: "Slow, greedy and guessing clients leave memory bounded and other clients served in time",
    },
    Guarantee {
        name: "keys",
        shows: "A key takes the place of another under load with 1,000,000 tokens: no request fails, and the old one is retired",
    },
    Guarantee {
        name: "kill9",
        shows: "`kill -9` during writes loses no acknowledged change and leaves none half done",
    },
    Guarantee {
        name: "limits",
        shows: "Over three servers, a token is never used once too often, and no more uses are lost than a killed server held",
    },
    Guarantee {
        name: "nodes",
        shows: "What a node revokes is refused by the others within milliseconds, and within 2 s by one that is stopped or cut off",
    },
    Guarantee {
        name: PACKAGES,
        shows: "The Debian package is installed, started, upgraded and purged in clean systems, and the static program serves alone",
    },
    Guarantee { name: "revoke", shows: "No request that is sent after the answer to a removal is allowed" },
    Guarantee {
        name: ROLLING,
        shows: "Servers are replaced by a newer version, with a newer schema, and by the older one again: no request fails",
    },
    Guarantee {
        name: "streams",
        shows: "500 change streams deliver every change in order, end when rights are lost, and use bounded memory",
    },
    Guarantee {
        name: "timing",
        shows: "A missing app, an unknown client and a wrong secret take the same time to refuse",
    },
    Guarantee {
        name: FUZZ,
        shows: "The parsers of untrusted input survive libFuzzer, a minute for each target",
    },
];

/// A test that proves a guarantee, or a part of it.
struct Proof {
    /// The guarantee's.
    name: &'static str,
    #[cfg_attr(not(test), expect(dead_code, reason = "says where its file is, which only tests read"))]
    package: &'static str,
    /// The path of the ignored test in the package's tests `it`.
    test: &'static str,
    /// Whether it runs the release build.
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
        name: "copy",
        package: "jeton",
        test: "prove::copy::a_million_tokens_go_there_and_back",
        needs_release: true,
    },
    Proof {
        name: "delegate",
        package: "jeton",
        test: "prove::delegate::a_hundred_thousand_children",
        needs_release: true,
    },
    Proof {
        name: "disk-full",
        package: "jeton",
        test: "prove::disk_full::twenty_times",
        needs_release: true,
    },
    Proof { name: "failover", package: "jeton", test: "prove::failover::ten_rounds", needs_release: true },
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
        test: "prove::hostile::multiplexed_clients_at_full_size",
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
    Proof {
        name: "keys",
        package: "jeton",
        test: "prove::keys::keys_change_under_load_with_a_million_tokens_on_sqlite",
        needs_release: true,
    },
    Proof {
        name: "keys",
        package: "jeton",
        test: "prove::keys::keys_change_under_load_with_a_million_tokens_on_postgresql",
        needs_release: true,
    },
    Proof { name: "kill9", package: "jeton", test: "prove::kill9::two_hundred_rounds", needs_release: true },
    Proof {
        name: "limits",
        package: "jeton",
        test: "prove::limits::ten_thousand_rounds",
        needs_release: true,
    },
    Proof {
        name: "nodes",
        package: "jeton",
        test: "prove::nodes::ten_thousand_revokes",
        needs_release: true,
    },
    Proof {
        name: PACKAGES,
        package: "jeton",
        test: "prove::packages::the_package_comes_and_goes",
        needs_release: false,
    },
    Proof {
        name: PACKAGES,
        package: "jeton",
        test: "prove::packages::the_static_program_needs_nothing",
        needs_release: false,
    },
    Proof {
        name: "revoke",
        package: "jeton",
        test: "prove::revoke::revoked_means_refused_in_every_round",
        needs_release: true,
    },
    Proof {
        name: ROLLING,
        package: "jeton",
        test: "prove::rolling::up_and_down_beside_a_newer_schema",
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

/// The files with proofs: tests that the gate ignores are only there.
#[cfg(test)]
pub(crate) fn files() -> Vec<String> {
    let file = |proof: &Proof| {
        let (module, _) = proof.test.rsplit_once("::").expect("a test is in a module");
        format!("crates/{}/tests/it/{}.rs", proof.package, module.replace("::", "/"))
    };
    PROOFS.iter().map(file).collect()
}

fn values() -> PossibleValuesParser {
    let named = GUARANTEES.iter().map(|guarantee| PossibleValue::new(guarantee.name).help(guarantee.shows));
    PossibleValuesParser::new(
        named.chain([PossibleValue::new("all").help("All of them, one after the other")]),
    )
}

/// Proves the named guarantees, up to the first failure. A failure leaves its section of the page unchanged.
pub(crate) fn run(options: &Options) -> Result<(), Error> {
    let needs = needs::install()?;
    let is_named = |name: &str| options.name == name || options.name == "all";
    for guarantee in GUARANTEES.iter().filter(|guarantee| is_named(guarantee.name)) {
        let mut figures = Vec::new();
        for _ in 0..options.rounds {
            figures.extend(prove(guarantee.name, &needs)?);
        }
        if !options.print {
            Record::of_today(guarantee, options.rounds, figures)?.write()?;
        }
    }
    Ok(())
}

/// Runs every test of a proof once, and returns the figures.
fn prove(name: &str, needs: &Needs) -> Result<Vec<String>, Error> {
    if name == FUZZ {
        return Ok(vec![fuzz::run()?]);
    }
    if name == PACKAGES {
        dist::run(&dist::Options {})?;
    }
    let mut found = Vec::new();
    for proof in PROOFS.iter().filter(|proof| proof.name == name) {
        if proof.needs_release {
            let mut build = release::build();
            if name == ROLLING {
                build_next()?;
            }
            println!("\n==> {}", written(&build));
            run_command(&mut build)?;
        }
        let mut test = test(proof, needs)?;
        println!("\n==> {}", written(&test));
        let printed = run_and_read(&mut test)?;
        let figures = record::figures(name, &printed);
        if figures.is_empty() {
            return Err(Error::Unclear { command: written(&test), output: printed });
        }
        found.extend(figures);
    }
    Ok(found)
}

/// Builds the program with the schema that stands for the next one, and puts it beside the other.
fn build_next() -> Result<(), Error> {
    let mut build = release::build();
    build.args(["--features", "jeton/next-schema"]);
    println!("\n==> {}", written(&build));
    run_command(&mut build)?;
    let (made, kept) = (release::program(), next_program());
    fs::copy(&made, &kept)
        .map(drop)
        .map_err(|source| Error::Files { what: kept.display().to_string(), source })
}

/// Where the program of the next version is.
fn next_program() -> PathBuf {
    target_folder().join("release/jeton-next")
}

fn test(proof: &Proof, needs: &Needs) -> Result<Command, Error> {
    // All packages, of which one has the test: as the gate has built them, with the features that their dependencies have there.
    let mut test = cargo(&["test", "--workspace", "--test", "it", "--locked", "--"]);
    test.args(["--ignored", "--exact", "--nocapture", proof.test]);
    needs.tell(&mut test);
    if proof.needs_release {
        test.env("JETON_TEST_PROGRAM", release::program());
    }
    if proof.name == ROLLING {
        test.env("JETON_TEST_NEXT_PROGRAM", next_program());
    }
    if proof.name == PACKAGES {
        test.env("JETON_TEST_DIST", dist::folder()).env("JETON_TEST_ROOTS", needs::install_roots()?);
    }
    Ok(test)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::root;

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

    #[test]
    fn every_ignored_test_of_a_proof_is_run_by_its_guarantee() {
        let mut files: Vec<_> = files();
        files.dedup();
        for file in files {
            let text = fs::read_to_string(root().join(&file)).unwrap();
            let ignored = text.split("#[ignore").skip(1).map(|rest| {
                let (_, from_name) = rest.split_once("fn ").expect("a function follows");
                from_name.split('(').next().unwrap_or_default()
            });
            for function in ignored {
                let is_run = |proof: &Proof| proof.test.ends_with(&format!("::{function}"));
                assert!(PROOFS.iter().any(is_run), "{file}: nothing runs {function}");
            }
        }
    }

    #[test]
    fn every_guarantee_has_a_proof_and_every_proof_a_guarantee() {
        let mut proved: Vec<_> = PROOFS.iter().map(|proof| proof.name).chain([FUZZ]).collect();
        proved.dedup();
        let named: Vec<_> = GUARANTEES.iter().map(|guarantee| guarantee.name).collect();
        assert_eq!(proved, named);
    }
}
