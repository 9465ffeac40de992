//! Documents are run: every block of commands of every page, in its order, against a fresh server, and what it shows is compared.
//!
//! A page is a script for its reader, and nothing in it may be left out or be done in between: what is not shown to be typed is
//! not typed here either. [`pattern`] says what of an answer may differ.

mod page;
mod pattern;
mod shell;
mod stage;

use page::Step;
use stage::{Stage, Start};

/// A block that is not run.
struct NotRun {
    page: &'static str,
    first_line: &'static str,
    reason: &'static str,
}

/// All blocks that are not run. Take one away where a test can run it; add none.
const NOT_RUN: &[NotRun] = &[
    NotRun { page: "README.md", first_line: "cargo xtask test", reason: "it runs this test" },
    NotRun { page: "README.zh-CN.md", first_line: "cargo xtask test", reason: "it runs this test" },
    NotRun {
        page: "docs/keys.md",
        first_line: "jeton keys add --only",
        reason: "needs a second machine; key_changes.rs does it with two servers",
    },
    NotRun {
        page: "docs/operations.md",
        first_line: "jeton serve --database-url postgres://jeton@pooler:6432/jeton --database-direct-url postgres://jeton@db:5432/jeton",
        reason: "needs two more machines, a pooler's and a database's; the store's tests run behind a pooler, too",
    },
    NotRun {
        page: "docs/operations.md",
        first_line: "systemctl stop jeton",
        reason: "needs systemd as the first process; systemd.rs reads the units",
    },
    NotRun {
        page: "docs/install.md",
        first_line: "apt install ./jeton_0.1.0_amd64.deb",
        reason: "changes the machine; prove packages does it in clean systems",
    },
    NotRun {
        page: "docs/install.md",
        first_line: "sha256sum --check --ignore-missing SHA256SUMS",
        reason: "needs what cargo xtask dist makes; prove packages has it",
    },
    NotRun {
        page: "docs/install.md",
        first_line: "cd jeton-0.1.0-linux-x86_64/deploy",
        reason: "changes the machine, and needs systemd as the first process",
    },
    NotRun {
        page: "docs/install.md",
        first_line: "podman build --format docker --tag jeton target/dist/container",
        reason: "needs an engine for containers",
    },
    NotRun {
        page: "docs/install.md",
        first_line: "jeton healthcheck",
        reason: "needs a server where the settings say, and one with a certificate; healthcheck's own tests have both",
    },
    NotRun {
        page: "docs/openapi.md",
        first_line: "npx @openapitools/openapi-generator-cli generate -g python -i docs/openapi/admin.json -o jeton-admin",
        reason: "downloads a program and one that needs Java",
    },
];

/// A test for each page, and their list.
macro_rules! pages {
    ($($test:ident: $page:literal, $start:expr $(, $need:literal)?;)*) => {
        $(
            #[test]
            fn $test() {
                $(
                    if jeton_testkit::skips($need) {
                        return;
                    }
                )?
                run($page, $start);
            }
        )*

        const PAGES: &[&str] = &[$($page),*];
    };
}

pages! {
    readme: "README.md", Start::Empty;
    readme_in_chinese: "README.zh-CN.md", Start::Empty;
    admin: "docs/admin.md", Start::Served;
    appkey: "docs/appkey.md", Start::Served;
    backup: "docs/backup.md", Start::Served;
    configuration: "docs/configuration.md", Start::Empty;
    delegation: "docs/delegation.md", Start::Served;
    dotide: "docs/dotide.md", Start::Served;
    gateways: "docs/gateways.md", Start::Served;
    import: "docs/import.md", Start::Served;
    install: "docs/install.md", Start::Served;
    keys: "docs/keys.md", Start::Served;
    leaks: "docs/leaks.md", Start::Served;
    limits: "docs/limits.md", Start::Served;
    loopback: "docs/loopback.md", Start::Served;
    metrics: "docs/metrics.md", Start::Served;
    moving: "docs/moving.md", Start::Database, "PostgreSQL";
    oauth: "docs/oauth.md", Start::Served;
    openapi: "docs/openapi.md", Start::Served;
    operations: "docs/operations.md", Start::Served;
    policies: "docs/policies.md", Start::Served;
    self_service: "docs/self-service.md", Start::Served;
    verify: "docs/verify.md", Start::Served;
    examples: "examples/README.md", Start::Empty, "Python and Node.js";
}

/// Runs a page from its first command to its last.
#[track_caller]
#[expect(clippy::print_stdout, reason = "how many blocks are run is for people to read")]
fn run(page: &'static str, start: Start) {
    let mut stage = Stage::set(start);
    let (mut all, mut run, mut left_out) = (0, 0, Vec::new());
    for step in page::steps(page) {
        match step {
            Step::Write(name, text) => stage.write(&name, &text),
            Step::Run(commands) => {
                all += 1;
                match NOT_RUN
                    .iter()
                    .find(|other| other.page == page && other.first_line == commands.first_line)
                {
                    Some(NotRun { reason, .. }) => left_out.push(reason),
                    None => {
                        stage.run(&commands);
                        run += 1;
                    }
                }
            }
        }
    }
    println!("{page}: {run} of {all} blocks of commands were run; not: {left_out:?}");
    let listed = NOT_RUN.iter().filter(|other| other.page == page).count();
    assert_eq!(
        (run, left_out.len()),
        (all - listed, listed),
        "{page}: a block that is not run is gone, or there twice"
    );
}

#[test]
fn every_page_with_commands_is_run() {
    let mut pages = PAGES.to_vec();
    pages.sort_unstable();
    assert_eq!(pages, page::with_commands());
    assert!(NOT_RUN.iter().all(|other| pages.contains(&other.page) && !other.reason.is_empty()));
    assert!(NOT_RUN.len() <= 11, "one more block is not run: have a test run it");
}
