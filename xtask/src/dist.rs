//! `cargo xtask dist`: what a release consists of, in `target/dist`.
//!
//! Everything is made by tools that every Debian has (`dpkg-deb`, `tar`), from files in `deploy/` that are what is installed:
//! cargo-deb would add two hundred crates to the tools of the project, to do what is one call here. The same commit makes the same
//! files: times are those of the commit.

mod container;
mod deb;
mod files;
mod licences;
mod sbom;
mod tarball;

use crate::error::Error;
use crate::needs::{self, target_folder};
use crate::process::{output, run as run_command, run_quietly, written};
use crate::{release, root};
use files::{copy, make_folder};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Make what a release consists of, in target/dist: a Debian package, an archive with a static program, what a container is
/// built from, a bill of materials, and checksums
#[derive(Debug, clap::Args)]
pub(crate) struct Options {}

/// Where the parts of a release are, before they are packed.
struct Parts {
    version: &'static str,
    /// When the commit was made, in seconds since 1970.
    epoch: String,
    /// The program for systems like this one, without symbols.
    program: PathBuf,
    /// The program for any system.
    static_program: PathBuf,
    /// A folder with the manual pages.
    manual: PathBuf,
    /// A folder with a file for each shell.
    completions: PathBuf,
    /// The licences of what the program contains.
    licences: PathBuf,
}

/// The shells that find scripts in folders of the system.
const SHELLS: [&str; 3] = ["bash", "zsh", "fish"];

/// Where a release is.
pub(crate) fn folder() -> PathBuf {
    target_folder().join("dist")
}

/// Makes all of it anew.
pub(crate) fn run(_: &Options) -> Result<(), Error> {
    needs::install_packaging()?;
    let (dist, work) = (folder(), target_folder().join("dist-work"));
    for folder in [&dist, &work] {
        if folder.exists() {
            fs::remove_dir_all(folder)
                .map_err(|source| Error::Files { what: folder.display().to_string(), source })?;
        }
        make_folder(folder)?;
    }
    let bill = sbom::Bill::of_program()?;
    let parts = parts(&work, &bill)?;
    let depends = deb::dependencies(&parts.program, &work)?;
    deb::make(&parts, &depends, &work.join("deb"), &dist)?;
    tarball::make(&parts, &work.join("tarball"), &dist)?;
    container::make(&parts, &dist.join("container"))?;
    let name = format!("jeton-{}.cdx.json", parts.version);
    files::write(&dist.join(name), &format!("{:#}\n", bill.document(&commit_time()?)), 0o644)?;
    sum(&dist)?;
    fs::remove_dir_all(&work).map_err(|source| Error::Files { what: work.display().to_string(), source })?;
    show(&dist)
}

/// Builds the programs, and has one of them write its manual and its completions.
fn parts(work: &Path, bill: &sbom::Bill) -> Result<Parts, Error> {
    let mut build = release::build();
    println!("\n==> {}", written(&build));
    run_command(&mut build)?;
    let (program, static_program) = (work.join("jeton"), work.join("jeton-static"));
    for (made, stripped) in [(release::program(), &program), (release::build_static()?, &static_program)] {
        run_quietly(Command::new("strip").arg("-o").arg(stripped).arg(made))?;
    }
    let (manual, completions) = (work.join("manual"), work.join("completions"));
    make_folder(&manual)?;
    run_quietly(Command::new(&program).arg("man").arg(&manual))?;
    for shell in SHELLS {
        let mut complete = Command::new(&program);
        complete.args(["completions", shell]);
        let script = output(&mut complete);
        let failed = || Error::Unclear { command: written(&complete), output: String::new() };
        files::write(&completions.join(shell), &script.ok_or_else(failed)?, 0o644)?;
    }
    let licences = work.join("third-party-licences.txt");
    files::write(&licences, &licences::text(bill)?, 0o644)?;
    let epoch = of_commit(&["--format=%ct"])?;
    let version = env!("CARGO_PKG_VERSION");
    Ok(Parts { version, epoch, program, static_program, manual, completions, licences })
}

/// When the commit was made, as documents write it.
fn commit_time() -> Result<String, Error> {
    of_commit(&["--format=%cd", "--date=format-local:%Y-%m-%dT%H:%M:%SZ"])
}

fn of_commit(arguments: &[&str]) -> Result<String, Error> {
    let mut git = Command::new("git");
    git.args(["log", "-1"]).args(arguments).current_dir(root()).env("TZ", "UTC");
    let printed = output(&mut git).ok_or_else(|| Error::Missing("dist needs a git checkout.".to_owned()))?;
    Ok(printed.trim().to_owned())
}

/// What a reader needs beside the program, as it is in the repository: README.md links to it.
const DOCUMENTS: [&str; 8] = [
    "README.md",
    "README.zh-CN.md",
    "CHANGELOG.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "docs",
    "deploy",
    "examples",
];

/// Copies them into a folder.
fn copy_documents(folder: &Path, licences: &Path) -> Result<(), Error> {
    for document in DOCUMENTS {
        copy(&root().join(document), &folder.join(document))?;
    }
    copy(licences, &folder.join("third-party-licences.txt"))
}

/// Writes the checksums of all files in `folder`.
fn sum(folder: &Path) -> Result<(), Error> {
    let sum = "find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum > ../SHA256SUMS && mv ../SHA256SUMS .";
    run_quietly(Command::new("sh").args(["-ec", sum]).current_dir(folder))
}

/// Prints what was made.
fn show(folder: &Path) -> Result<(), Error> {
    println!("\nin {}:", folder.display());
    run_command(Command::new("sh").args(["-c", "du -ah --apparent-size -- * | sort -k2"]).current_dir(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts of a release whose programs are none.
    pub(super) fn parts(folder: &Path) -> Parts {
        let file = |name: &str| {
            let path = folder.join("parts").join(name);
            files::write(&path, &format!("# {name}\n"), 0o600).unwrap();
            path
        };
        let parts = Parts {
            version: "1.2.3",
            epoch: "1780000000".to_owned(),
            program: file("jeton"),
            static_program: file("jeton-static"),
            manual: folder.join("parts/manual"),
            completions: folder.join("parts/completions"),
            licences: file("third-party-licences.txt"),
        };
        file("manual/jeton.1");
        for shell in SHELLS {
            file(&format!("completions/{shell}"));
        }
        parts
    }

    #[test]
    fn checksums_are_those_of_all_files() {
        let folder = tempfile::tempdir().unwrap();
        let dist = folder.path().join("dist");
        files::write(&dist.join("b/c"), "", 0o644).unwrap();
        files::write(&dist.join("a"), "abc", 0o644).unwrap();
        sum(&dist).unwrap();
        let sums = fs::read_to_string(dist.join("SHA256SUMS")).unwrap();
        // Of "abc" and of nothing (FIPS 180-2).
        assert_eq!(
            sums,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n\
             e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b/c\n"
        );
        run_quietly(Command::new("sha256sum").args(["--check", "SHA256SUMS"]).current_dir(&dist)).unwrap();
    }
}
