//! The recorded first five minutes, `docs/first-five-minutes.cast` in asciinema's format
//! (<https://docs.asciinema.org/manual/asciicast/v2/>): made anew here, with what differs from run to run replaced, and compared.
//! `JETON_WRITE_RECORDING=1` writes it.

use crate::support::{Sandbox, program};
use crate::terminal::Session;
use jeton_core::Clock;
use jeton_service::SystemClock;
use jiff::{Timestamp, ToSpan};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::process::Command;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/first-five-minutes.cast");

/// What is typed, with the addresses that a first run has.
const TYPED: [&str; 8] = [
    "curl -s http://127.0.0.1:8080/AccessToken/demo -H \"Authorization: Bearer $ADMIN\" -H 'Content-Type: application/json' \
     -d '{\"title\":\"first\",\"permissions\":\"read\"}'; echo",
    "jeton token create --app demo --user-id 7 --title 'build server' --permissions read,write --expires-in-days 30",
    "jeton token list --app demo",
    "jeton token update --app demo 3 --permissions read --title 'build server (read only)'",
    "jeton token revoke --app demo 2",
    "curl -si \"http://127.0.0.1:8080/auth/demo?permission=read\" -H \"Authorization: Bearer $REVOKED\" | head -1",
    "jeton token list --app demo --state revoked",
    "jeton backup backup.db",
];

/// The instant at which the recording begins, as it is shown.
const BEGUN: &str = "2026-11-30T08:00:00Z";

/// Seconds for a key, before an answer, and after it.
const KEY: f64 = 0.04;
const ANSWER: f64 = 0.3;
const READING: f64 = 1.5;

struct Recording {
    text: String,
    at: f64,
    calmed: Calmed,
}

impl Recording {
    fn write(&mut self, after: f64, output: &str) {
        self.at += after;
        let at = (self.at * 1_000.0).round() / 1_000.0;
        self.text += &format!("{}\n", json!([at, "o", output.replace('\n', "\r\n")]));
    }

    /// A command that somebody types, and what it prints.
    fn command(&mut self, typed: &str, printed: &str) {
        self.write(READING, "$ ");
        for key in typed.chars() {
            self.write(KEY, &key.to_string());
        }
        self.write(KEY, "\n");
        let printed = self.calmed.text(printed);
        self.write(ANSWER, &printed);
    }
}

/// Replaces what differs from run to run.
struct Calmed {
    begun: Timestamp,
    addresses: Vec<(String, &'static str)>,
    secrets: HashMap<String, String>,
}

impl Calmed {
    fn text(&mut self, text: &str) -> String {
        let mut text: String = text.split_inclusive('\n').map(without_progress).collect();
        for (address, shown) in &self.addresses {
            text = text.replace(address, shown);
        }
        let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        let mut calm = String::new();
        let mut rest = text.as_str();
        while let Some(start) = rest.find(is_hex) {
            let (before, word) = rest.split_at(start);
            let length = word.find(|c| !is_hex(c)).unwrap_or(word.len());
            calm += before;
            let (word, behind) = word.split_at(length);
            calm += &if length >= 32 { self.secret(word) } else { word.to_owned() };
            rest = behind;
        }
        self.times(&(calm + rest))
    }

    /// The same for the same secret, and of the same length.
    fn secret(&mut self, secret: &str) -> String {
        let number = self.secrets.len();
        let made = || {
            let digest = Sha256::digest(format!("secret {number} of the recording"));
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()[..secret.len()].to_owned()
        };
        self.secrets.entry(secret.to_owned()).or_insert_with(made).clone()
    }

    /// Times as answers and tables have them, counted from when the recording begins, to the minute.
    fn times(&self, text: &str) -> String {
        let shape = |text: &str, shape: &str| {
            let fits =
                |(byte, shape): (u8, u8)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
            text.len() >= shape.len() && text.bytes().zip(shape.bytes()).all(fits)
        };
        let (mut calm, mut rest) = (String::new(), text);
        while let Some(c) = rest.chars().next() {
            let length = ["0000-00-00T00:00:00.000000Z", "0000-00-00T00:00:00.000Z", "0000-00-00 00:00:00"]
                .into_iter()
                .find(|form| shape(rest, form))
                .map(str::len);
            let Some(length) = length else {
                calm.push(c);
                rest = &rest[c.len_utf8()..];
                continue;
            };
            let (time, behind) = rest.split_at(length);
            let instant: Timestamp =
                format!("{}Z", time.trim_end_matches('Z').replace(' ', "T")).parse().unwrap();
            let minutes = instant.duration_since(self.begun).as_secs_f64() / 60.0;
            let shown: Timestamp = BEGUN.parse::<Timestamp>().unwrap() + (minutes.round() as i64).minutes();
            let shown = shown.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            calm += &match length {
                19 => shown.replace('T', " "),
                24 => format!("{shown}.000Z"),
                _ => format!("{shown}.000000Z"),
            };
            rest = behind;
        }
        calm
    }
}

/// A line without the bars that were drawn in it.
fn without_progress(line: &str) -> &str {
    line.rsplit_once("\u{1b}[2K").map_or(line, |(_, last)| last)
}

/// A command in a terminal, as a shell runs it.
fn run(sandbox: &Sandbox, line: &str, variables: &[(&str, &str)]) -> String {
    let folder = program().get_program().to_owned();
    let folder = std::path::PathBuf::from(folder).parent().unwrap().to_owned();
    let path = std::env::join_paths(
        std::iter::once(folder).chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    let mut command = Command::new("sh");
    command.args(["-c", line]).env("PATH", path.unwrap()).env("JETON_DATA_DIR", sandbox.data_dir());
    command.current_dir(sandbox.data_dir()).envs(variables.iter().copied());
    Session::of(command).screen.to_end()
}

fn recorded() -> String {
    let sandbox = Sandbox::sqlite();
    let begun = Timestamp::from_millisecond(SystemClock.now().as_millis()).unwrap();
    let session = Session::serve(&sandbox);
    let address = session.screen.wait_for("listening on http://");
    let admin_address = session.screen.wait_for("admin listening on http://");
    let admin = session.screen.rest_of_line("admin token ").trim().to_owned();
    let link = session.screen.wait_for("/console/enter?link=");
    let shown = session.screen.so_far();
    let addresses = vec![
        (address, "127.0.0.1:8080"),
        (admin_address, "127.0.0.1:8081"),
        (sandbox.data_dir().display().to_string(), "./jeton-data"),
        (link, "…"),
    ];
    let header =
        json!({"version": 2, "width": 120, "height": 50, "title": "The first five minutes with Jeton"});
    let calmed = Calmed { begun, addresses, secrets: HashMap::new() };
    let mut recording = Recording { text: format!("{header}\n"), at: 0.0, calmed };
    recording.command("jeton serve", &shown);
    recording.write(READING, "\u{1b}[1m# in another terminal\u{1b}[0m\n");
    let shown_admin = recording.calmed.text(&admin);
    recording.command(&format!("ADMIN={shown_admin}"), "");
    let mut revoked = String::new();
    for typed in TYPED {
        let line = recording.calmed.addresses.iter().fold(typed.to_owned(), |line, (address, shown)| {
            if *shown == "…" { line } else { line.replace(shown, address) }
        });
        let printed = run(&sandbox, &line, &[("ADMIN", &admin), ("REVOKED", &revoked)]);
        if let Some((_, rest)) = printed.split_once("\"access_token\":\"") {
            revoked = rest.split('"').next().unwrap().to_owned();
        }
        if typed.contains("$REVOKED") {
            let shown = recording.calmed.text(&revoked);
            recording.command(&format!("REVOKED={shown}"), "");
        }
        recording.command(typed, &printed);
    }
    recording.write(READING, "$ ");
    session.stop();
    recording.text
}

#[test]
fn the_first_five_minutes_are_as_they_were_recorded() {
    let recorded = recorded();
    if std::env::var_os("JETON_WRITE_RECORDING").is_some() {
        std::fs::write(FILE, &recorded).unwrap();
    }
    let kept = std::fs::read_to_string(FILE).unwrap_or_default();
    let differs = recorded.lines().zip(kept.lines()).find(|(new, old)| new != old);
    assert!(
        recorded == kept,
        "{FILE} is of another program: JETON_WRITE_RECORDING=1 writes it anew: {differs:?}"
    );
    // What people see: nothing of it failed.
    assert!(recorded.contains("HTTP/1.1 401") && recorded.contains("build server (read only)"), "{recorded}");
}
