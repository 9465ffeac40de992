//! The commands in documents, so that a test can check them against the program.

use crate::shell;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};

/// Info strings of the code blocks with shell commands.
const SHELLS: [&str; 5] = ["sh", "bash", "shell", "zsh", "console"];
/// Prefixes of a command that still run it.
const PREFIXES: [&str; 9] = ["sudo", "exec", "env", "nohup", "time", "!", "if", "then", "do"];

/// The arguments of every call of `program` in the code blocks of `markdown` that are marked as shell (`sh`,
/// `bash`, `shell`, `zsh`, `console`) or not marked at all. `program` is found by its name in any folder,
/// behind `sudo` and the like, in pipelines and in `$(...)`; it may be more than one word, such as `cargo
/// xtask`.
///
/// Where some line of a block begins with the prompt `$ `, the others are taken for output.
pub fn commands(markdown: &str, program: &str) -> Vec<Vec<String>> {
    let program: Vec<&str> = program.split_whitespace().collect();
    let scripts = shell_blocks(markdown);
    let commands = scripts.iter().flat_map(|script| shell::simple_commands(&typed(script)));
    commands.filter_map(|words| arguments(&words, &program)).collect()
}

/// What a reader types at the prompts `$ ` of the blocks marked `console`, and what the document says is
/// printed then. A command goes on in the lines that begin with `> `, which are part of it.
pub fn sessions(markdown: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for block in blocks(markdown, |kind| matches!(kind, CodeBlockKind::Fenced(info) if &**info == "console"))
    {
        for line in block.lines() {
            match (line.strip_prefix("$ "), line.strip_prefix("> "), found.last_mut()) {
                (Some(command), ..) => found.push((command.to_owned(), String::new())),
                (None, Some(more), Some((command, _))) => {
                    command.push('\n');
                    command.push_str(more);
                }
                (None, _, Some((_, printed))) => {
                    printed.push_str(line);
                    printed.push('\n');
                }
                (None, _, None) => {}
            }
        }
    }
    found
}

/// The text of every code block with shell commands.
fn shell_blocks(markdown: &str) -> Vec<String> {
    blocks(markdown, is_shell)
}

fn blocks(markdown: &str, is_wanted: impl Fn(&CodeBlockKind<'_>) -> bool) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for event in Parser::new(markdown) {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => open = is_wanted(&kind).then(String::new),
            Event::Text(text) => {
                if let Some(block) = &mut open {
                    block.push_str(&text);
                }
            }
            Event::End(TagEnd::CodeBlock) => blocks.extend(open.take()),
            _ => {}
        }
    }
    blocks
}

fn is_shell(kind: &CodeBlockKind<'_>) -> bool {
    match kind {
        CodeBlockKind::Indented => true,
        CodeBlockKind::Fenced(info) => {
            let language = info.split([' ', ',', '{']).next().unwrap_or_default();
            language.is_empty() || SHELLS.contains(&language)
        }
    }
}

/// What of a block is typed: all of it, or what stands behind its prompts, with the lines that these continue
/// on.
fn typed(block: &str) -> String {
    if !block.lines().any(|line| line.starts_with("$ ")) {
        return block.to_owned();
    }
    let mut typed = String::new();
    let mut continued = false;
    for line in block.lines() {
        let more = continued.then(|| line.strip_prefix("> ").unwrap_or(line));
        let command = line.strip_prefix("$ ").or(more);
        continued = command.is_some_and(|command| command.ends_with('\\'));
        if let Some(command) = command {
            typed.push_str(command);
            typed.push('\n');
        }
    }
    typed
}

/// What follows `program` in `words`, if that is what they run.
fn arguments(words: &[String], program: &[&str]) -> Option<Vec<String>> {
    let start =
        words.iter().position(|word| !PREFIXES.contains(&word.as_str()) && !shell::is_assignment(word))?;
    let words = &words[start..];
    let (called, arguments) = words.split_at_checked(program.len())?;
    let matches = called
        .iter()
        .zip(program)
        .enumerate()
        .all(|(i, (word, name))| word == name || (i == 0 && word.rsplit('/').next() == Some(*name)));
    matches.then(|| arguments.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(markdown: &str, program: &str) -> Vec<String> {
        commands(markdown, program).iter().map(|arguments| arguments.join(" ")).collect()
    }

    #[test]
    fn commands_in_shell_blocks_are_found() {
        let markdown = "
Run `jeton inline`, then

```sh
./target/debug/jeton init --json | jq .
TOKEN=$(jeton token create --app demo \\
    --title 'a b')  # jeton comment
sudo JETON_KEYS=x jeton serve >log 2>&1 &
```

~~~console
$ jeton app list
jeton output
$ jeton app \\
  show
~~~

    jeton indented
";
        assert_eq!(
            found(markdown, "jeton"),
            [
                "init --json",
                "token create --app demo --title a b",
                "serve",
                "app list",
                "app show",
                "indented"
            ]
        );
    }

    #[test]
    fn other_blocks_and_other_programs_are_passed_over() {
        let markdown = "
```nginx
jeton location;
```

```text
jeton init [--json]
```

```
echo jeton; not-jeton serve; cargo run; jeton
```
";
        assert_eq!(found(markdown, "jeton"), [""]);
    }

    #[test]
    fn sessions_are_commands_and_what_they_print() {
        let markdown =
            "```console\n$ a \\\n>   b\none\ntwo\n$ c\n```\n```sh\n$ d\n```\n```console\n$ e\nthree\n```";
        let session = |command: &str, printed: &str| (command.to_owned(), printed.to_owned());
        assert_eq!(
            sessions(markdown),
            [session("a \\\n  b", "one\ntwo\n"), session("c", ""), session("e", "three\n")]
        );
    }

    #[test]
    fn a_program_may_be_two_words() {
        let markdown = "```\ncargo xtask test --fast\ncargo test\ncargo\n/usr/bin/cargo xtask\n```";
        assert_eq!(found(markdown, "cargo xtask"), ["test --fast", ""]);
    }
}
