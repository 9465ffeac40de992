//! The commands of a page, in their order.

use super::pattern::{is_like, is_like_json};
use jeton_testkit::markdown::{Block, blocks};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A block of commands.
pub(super) struct Commands {
    /// Where it begins: the page and the line.
    pub(super) place: String,
    /// Its first line.
    pub(super) first_line: String,
    pub(super) exchanges: Vec<Exchange>,
}

/// What is typed, and what is shown then.
pub(super) struct Exchange {
    pub(super) typed: String,
    pub(super) shown: Shown,
}

/// What a document shows of a terminal.
#[derive(Debug)]
pub(super) enum Shown {
    Text(String),
    Json(String),
}

impl Shown {
    pub(super) fn text(&self) -> &str {
        match self {
            Shown::Text(text) | Shown::Json(text) => text,
        }
    }

    pub(super) fn with(&self, change: impl Fn(&str) -> String) -> Self {
        match self {
            Shown::Text(text) => Shown::Text(change(text)),
            Shown::Json(text) => Shown::Json(change(text)),
        }
    }

    pub(super) fn is_like(&self, printed: &str) -> bool {
        match self {
            Shown::Text(text) => is_like(printed, text),
            Shown::Json(text) => is_like_json(printed, text),
        }
    }
}

/// What is to be done with a block.
pub(super) enum Step {
    Run(Commands),
    /// A file of this name and with this text, which a block shows: its first line is a comment with its name.
    Write(String, String),
}

/// What a page asks its reader to do. A block `sh` is a script, and the block right below it is what it shows: nothing, if there
/// is none. In a block `console`, commands stand behind the prompt `$ ` and go on behind `> `, and what they show stands below
/// them. Other blocks only illustrate.
pub(super) fn steps(page: &str) -> Vec<Step> {
    let text = std::fs::read_to_string(format!("{ROOT}/{page}")).unwrap_or_else(|e| panic!("{page}: {e}"));
    let blocks = blocks(&text);
    let step = |(at, block): (usize, &Block)| match block.language.as_str() {
        "sh" | "console" => Some(Step::Run(Commands {
            place: format!("{page}:{}", block.line),
            first_line: block.text.lines().next().unwrap_or_default().to_owned(),
            exchanges: exchanges(block, blocks.get(at + 1)),
        })),
        "toml" => Some(Step::Write(file_name(&block.text)?, block.text.clone())),
        "json" | "text" | "ini" => None,
        other => panic!("{page}:{}: a block of {other:?} is none that these tests know", block.line),
    };
    blocks.iter().enumerate().filter_map(step).collect()
}

/// The name in a first line such as `# jeton.toml`. Whole paths are of other machines.
fn file_name(text: &str) -> Option<String> {
    let name = text.lines().next()?.strip_prefix("# ")?;
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)).then(|| name.to_owned())
}

fn exchanges(block: &Block, next: Option<&Block>) -> Vec<Exchange> {
    if block.language == "console" {
        return session(&block.text);
    }
    let shown = match next.filter(|next| next.is_adjacent) {
        Some(next) if next.language == "json" => Shown::Json(next.text.clone()),
        Some(next) if next.language == "text" => Shown::Text(next.text.clone()),
        Some(_) | None => Shown::Text(String::new()),
    };
    vec![Exchange { typed: block.text.clone(), shown }]
}

fn session(text: &str) -> Vec<Exchange> {
    let mut found: Vec<Exchange> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("$ "), line.strip_prefix("> "), found.last_mut()) {
            (Some(typed), ..) => {
                found.push(Exchange { typed: typed.to_owned(), shown: Shown::Text(String::new()) });
            }
            (None, Some(more), Some(Exchange { typed, .. })) => {
                typed.push('\n');
                typed.push_str(more);
            }
            (None, None, Some(Exchange { shown: Shown::Text(text), .. })) => {
                text.push_str(line);
                text.push('\n');
            }
            _ => panic!("{line:?} stands behind no prompt"),
        }
    }
    found
}

/// The pages of the repository that show commands.
pub(super) fn with_commands() -> Vec<String> {
    let listed = |folder: &str| {
        let entries = std::fs::read_dir(format!("{ROOT}/{folder}")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".md")).collect::<Vec<_>>()
    };
    let readmes = listed("").into_iter().filter(|name| name.starts_with("README"));
    let docs = ["docs", "examples"]
        .map(|folder| listed(folder).into_iter().map(move |name| format!("{folder}/{name}")));
    let mut pages: Vec<String> = readmes.chain(docs.into_iter().flatten()).collect();
    pages.retain(|page| steps(page).iter().any(|step| matches!(step, Step::Run(_))));
    pages.sort();
    pages
}

#[test]
fn a_session_is_commands_and_what_they_show() {
    let found = session("$ a \\\n>   b\none\ntwo\n$ c\n");
    let parts: Vec<_> =
        found.iter().map(|exchange| (exchange.typed.as_str(), exchange.shown.text())).collect();
    assert_eq!(parts, [("a \\\n  b", "one\ntwo\n"), ("c", "")]);
}

#[test]
fn a_script_shows_what_stands_right_below_it() {
    let shown = |markdown: &str| {
        let blocks = blocks(markdown);
        format!("{:?}", exchanges(&blocks[0], blocks.get(1))[0].shown)
    };
    assert_eq!(shown("```sh\na\n```\n\n```json\n{}\n```"), "Json(\"{}\\n\")");
    assert_eq!(shown("```sh\na\n```\n```text\nb\n```"), "Text(\"b\\n\")");
    assert_eq!(shown("```sh\na\n```\nand\n```text\nb\n```"), "Text(\"\")");
    assert_eq!(shown("```sh\na\n```\n```sh\nb\n```"), "Text(\"\")");
    assert_eq!(file_name("# jeton.toml\na = 1\n").as_deref(), Some("jeton.toml"));
    assert_eq!((file_name("# /etc/jeton.toml on each\n"), file_name("[cache]\n")), (None, None));
}
