//! Documents agree with the workspace: their links lead somewhere, and their commands exist.

use super::Source;
use crate::{Xtask, root};
use clap::Parser as _;
use clap::error::ErrorKind;
use jeton_testkit::markdown;
use pulldown_cmark::{Event, Parser, Tag};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const MOST_LINES_OF_ARCHITECTURE: usize = 150;
/// What a path in ARCHITECTURE.md begins with.
const FOLDERS: [&str; 5] = ["crates/", "xtask/", "tests/", "docs/", ".ci/"];

/// The code map is short, and every path that it names exists as it is written there.
fn architecture(source: &Source, exists: impl Fn(&str) -> bool) -> Vec<String> {
    if source.path != ARCHITECTURE {
        return Vec::new();
    }
    let mut faults = Vec::new();
    let lines = source.text.lines().count();
    if lines > MOST_LINES_OF_ARCHITECTURE {
        faults.push(format!("{ARCHITECTURE}: {lines} lines, more than {MOST_LINES_OF_ARCHITECTURE}"));
    }
    for (event, place) in Parser::new(&source.text).into_offset_iter() {
        if let Event::Code(code) = event
            && FOLDERS.iter().any(|folder| code.starts_with(folder))
            && !exists(&code)
        {
            faults.push(format!("{ARCHITECTURE}:{}: no {code}", line(&source.text, place.start)));
        }
    }
    faults
}

/// Every link to a file of the workspace leads to one.
fn links(source: &Source, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut faults = Vec::new();
    for (event, place) in Parser::new(&source.text).into_offset_iter() {
        if let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event
            && let Some(target) = target(&source.path, &dest_url)
            && !target.is_some_and(|path| exists(&path))
        {
            let line = line(&source.text, place.start);
            faults.push(format!("{}:{line}: the link {dest_url} leads nowhere", source.path));
        }
    }
    faults
}

/// Every `cargo xtask ..` in a document is a command of this program.
fn commands(source: &Source) -> Vec<String> {
    let blocks = markdown::blocks(&source.text);
    let lines = blocks.iter().filter(|block| block.language == "sh").flat_map(|block| block.text.lines());
    let refused = lines.filter_map(|line| {
        let arguments = line.strip_prefix("cargo xtask")?.split('#').next()?.trim();
        let words = std::iter::once("xtask").chain(arguments.split_whitespace());
        let error = Xtask::try_parse_from(words).err()?;
        let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
        (!is_help).then(|| format!("{}: cargo xtask {arguments}: {:?}", source.path, error.kind()))
    });
    refused.collect()
}

/// The path in the workspace that `link` in the file `from` means; the inner `None` if it leads out of the
/// workspace, the outer one if it is no link to a file.
fn target(from: &str, link: &str) -> Option<Option<String>> {
    let path = link.split(['#', '?']).next().unwrap_or_default();
    let has_scheme = path.split('/').next().is_some_and(|first| first.contains(':'));
    if path.is_empty() || has_scheme || path.starts_with("//") {
        return None;
    }
    let folder =
        if path.starts_with('/') { "" } else { from.rsplit_once('/').map_or("", |(folder, _)| folder) };
    let mut segments = Vec::new();
    for segment in folder.split('/').chain(path.split('/')) {
        match segment {
            "" | "." => {}
            ".." => {
                if segments.pop().is_none() {
                    return Some(None);
                }
            }
            segment => segments.push(segment),
        }
    }
    Some(Some(segments.join("/")))
}

fn line(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

fn exists(path: &str) -> bool {
    root().join(path).exists()
}

fn in_documents(faults: impl Fn(&Source) -> Vec<String>) -> Vec<String> {
    super::sources().iter().filter(|source| source.is_markdown()).flat_map(faults).collect()
}

#[test]
fn the_code_map_is_true() {
    super::assert_none(&in_documents(|source| architecture(source, exists)));
}

#[test]
fn links_lead_somewhere() {
    super::assert_none(&in_documents(|source| links(source, exists)));
}

#[test]
fn tasks_that_documents_name_exist() {
    super::assert_none(&in_documents(commands));
}

#[test]
fn a_false_code_map_is_found() {
    let found = |text: &str| architecture(&Source::new(ARCHITECTURE, text), |path| path == "crates/real/");
    assert_eq!(
        found("`crates/real/` and `serve`, `GET /docs/x`\n\n`crates/gone/src`"),
        ["ARCHITECTURE.md:3: no crates/gone/src"]
    );
    assert_eq!(found(&"x\n".repeat(150)), [""; 0]);
    assert_eq!(found(&"x\n".repeat(151)), ["ARCHITECTURE.md: 151 lines, more than 150"]);
    assert_eq!(architecture(&Source::new("README.md", "`crates/gone`"), |_| false), [""; 0]);
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let found = |text: &str| {
        links(&Source::new("docs/a.md", text), |path| path == "README.md" || path == "docs/b.md")
    };
    assert_eq!(
        found(
            "[a](b.md#x) [b](../README.md) [c](/README.md) [d](#top) [e](https://example.com/x) [f](mailto:a@b)"
        ),
        [""; 0]
    );
    assert_eq!(found("x\n[a](c.md)"), ["docs/a.md:2: the link c.md leads nowhere"]);
    assert_eq!(found("![a](README.md)"), ["docs/a.md:1: the link README.md leads nowhere"]);
    assert_eq!(found("[a][b]\n\n[b]: ../../b.md"), ["docs/a.md:1: the link ../../b.md leads nowhere"]);
    assert_eq!(found("`[a](c.md)`"), [""; 0]);
}

#[test]
fn a_task_that_does_not_exist_is_found() {
    let found = |command: &str| commands(&Source::new("README.md", &format!("```sh\n{command}\n```")));
    assert_eq!(found("cargo xtask test  # all\ncargo xtask test --fast\ncargo xtask --help"), [""; 0]);
    assert_eq!(found("cargo xtask dance"), ["README.md: cargo xtask dance: InvalidSubcommand"]);
    assert_eq!(found("cargo xtask test --slow"), ["README.md: cargo xtask test --slow: UnknownArgument"]);
}
