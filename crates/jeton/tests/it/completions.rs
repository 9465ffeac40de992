//! What shells and `man` are told of the commands.

use crate::support::{program, run};
use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

const SHELLS: [&str; 5] = ["bash", "elvish", "fish", "powershell", "zsh"];

fn completions(shell: &str) -> String {
    run(program().args(["completions", shell]), "").done()
}

#[test]
fn every_shell_gets_a_script_with_all_commands() {
    for shell in SHELLS {
        let script = completions(shell);
        for name in ["healthcheck", "rotate", "--data-dir", "revoke"] {
            // Some write the flag without its dashes.
            assert!(script.contains(name.trim_start_matches('-')), "{shell}: no {name}");
        }
    }
    run(program().args(["completions", "tcsh"]), "").fails(2, "tcsh");
}

/// What bash offers behind these words.
fn offered(words: &[&str]) -> BTreeSet<String> {
    let script = format!(
        "{}\nCOMP_WORDS=({} '')\nCOMP_CWORD={}\n_jeton jeton '' {}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        completions("bash"),
        words.join(" "),
        words.len(),
        words.last().unwrap()
    );
    run(&mut Command::new("bash"), &script).done().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_and_flags() {
    let commands = offered(&["jeton"]);
    for name in ["serve", "token", "healthcheck", "completions"] {
        assert!(commands.contains(name), "{commands:?}");
    }
    let commands = offered(&["jeton", "token"]);
    assert!(commands.contains("rotate") && !commands.contains("serve"), "{commands:?}");
    assert!(offered(&["jeton", "backup"]).contains("--data-dir"));
}

/// The commands below one that has others, by what its help lists.
fn listed(words: &[String]) -> Vec<String> {
    let help = run(program().args(words).arg("--help"), "").done();
    let lines =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names =
        lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

/// The name of each command's page.
fn pages(words: &[String], found: &mut BTreeSet<String>) {
    found.insert(format!("{}.1", [&["jeton".to_owned()], words].concat().join("-")));
    for name in listed(words) {
        pages(&[words, &[name]].concat(), found);
    }
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(program().arg("man").arg(folder.path()), "").done(), "");
    let written = fs::read_dir(folder.path()).unwrap();
    let written: BTreeSet<String> =
        written.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let mut expected = BTreeSet::new();
    pages(&[], &mut expected);
    assert_eq!(written, expected);
    let serve = fs::read_to_string(folder.path().join("jeton-serve.1")).unwrap();
    assert!(serve.contains(".TH jeton-serve 1"), "{serve}");
    for text in [r"\-\-admin\-listen", "JETON_DATA_DIR", "SIGTERM"] {
        assert!(serve.contains(text), "no {text}: {serve}");
    }
    run(program().args(["man", "/nowhere"]), "").fails(4, "/nowhere: ");
}
