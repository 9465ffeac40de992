//! What the program says about itself.

use crate::support::{Sandbox, program, run};
use std::io::Read;
use std::process::Stdio;

const COMMANDS: [&str; 33] = [
    "init",
    "serve",
    "app create",
    "app list",
    "app show",
    "app settings",
    "app rotate-secret",
    "app suspend",
    "app resume",
    "app delete",
    "token create",
    "token list",
    "token show",
    "token update",
    "token rotate",
    "token revoke",
    "token verify",
    "token import",
    "token export",
    "backup",
    "restore",
    "check",
    "doctor",
    "healthcheck",
    "keys status",
    "keys add",
    "keys activate",
    "keys rekey",
    "keys retire",
    "operator create",
    "operator list",
    "operator revoke",
    "config show",
];

fn help(command: &str) -> String {
    run(program().args(command.split_whitespace()).arg("--help"), "").done()
}

#[test]
fn the_whole_program() {
    insta::assert_snapshot!(help(""));
}

#[test]
fn every_command_explains_itself() {
    for command in COMMANDS {
        let help = help(command);
        assert!(help.contains(&format!("Usage: jeton {command} ")), "{help}");
        assert!(help.contains("--data-dir <DIR>"), "{help}");
    }
    assert!(help("config check").contains("Usage: jeton config check <FILE>"));
    assert!(help("completions").contains("Usage: jeton completions <SHELL>"));
    assert!(help("copy").contains("Usage: jeton copy [OPTIONS] --from <DIR|URL> --to <DIR|URL>"));
    let settings = help("app settings");
    for setting in jeton_service::APP_SETTINGS {
        assert!(settings.contains(&format!("\n  {}\n", setting.name)), "{}: {settings}", setting.name);
    }
    for name in ["app", "token", "operator", "keys"] {
        let count = COMMANDS.iter().filter(|command| command.starts_with(&format!("{name} "))).count();
        let help = help(name);
        let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
        let names = commands.take_while(|line| !line.is_empty());
        // The names are indented by two, what continues a description by more.
        let names = names.filter(|line| line.starts_with("  ") && !line.starts_with("   ")).count();
        assert_eq!(names, count + 1, "one is help itself: {help}");
    }
}

#[test]
fn a_password_in_the_environment_is_not_shown() {
    let url = "postgres://jeton:pass-word-1@localhost/jeton";
    let help = run(program().args(["init", "--help"]).env("JETON_DATABASE_URL", url), "").done();
    assert!(!help.contains("pass-word-1"), "{help}");
}

#[test]
fn what_makes_no_sense_is_exit_2_and_touches_nothing() {
    let sandbox = Sandbox::sqlite();
    for arguments in [
        &[][..],
        &["nonsense"],
        &["app"],
        &["token"],
        &["token", "create"],
        &["token", "show", "--app", "demo"],
        &["token", "show", "one", "--app", "demo"],
        &["token", "list", "--app", "demo", "--limit", "-1"],
        &["token", "create", "--app", "demo", "--expires-in-days", "soon"],
        &["token", "update", "1", "--app", "demo", "--enable", "--disable"],
        &["token", "update", "1", "--app", "demo"],
        &["token", "verify", "--app", "demo", "--id", "s1"],
        &["app", "delete", "demo"],
        &["serve", "--listen", "localhost"],
        &["init", "--unknown"],
    ] {
        sandbox.run(arguments).fails(2, "");
    }
    assert!(!sandbox.data_dir().exists());
    let version = run(program().arg("--version"), "").done();
    assert_eq!(version, format!("jeton {}\n", env!("CARGO_PKG_VERSION")));
}

/// A reader that has had enough, such as `head`, is no failure; one that never was is none either.
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let sandbox = Sandbox::sqlite();
    sandbox.init();
    for _ in 0..3 {
        sandbox.json(&["token", "create", "--app", "demo"]);
    }
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = sandbox.command(&["token", "list", "--app", "demo"]);
    let mut child = command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
    drop(command);
    reader.read_exact(&mut [0]).unwrap();
    drop(reader);
    assert_eq!(child.wait().unwrap().code(), Some(0));

    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = sandbox.command(&["token", "show", "99", "--app", "demo"]);
    let status = command.stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(1), "the exit code still says what happened");
}
