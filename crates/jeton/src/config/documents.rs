//! docs/configuration.md has the tables of all settings: of servers, and of apps.

use super::settings::{SETTINGS, Setting};
use jeton_service::{APP_SETTINGS, AppSetting};
use std::path::Path;

/// Where it is, below the folder of the workspace.
const FILE: &str = "docs/configuration.md";
/// With this variable, the test writes the tables anew.
const WRITES: &str = "JETON_WRITE_DOCS";

/// The head of a table, by which it is found, and its rows.
fn tables() -> [(&'static str, Vec<String>); 2] {
    [
        ("| name | what it can be | default | what it decides |", SETTINGS.iter().map(row).collect()),
        (
            "| name | what it can be | default | what it changes | example |",
            APP_SETTINGS.iter().map(app_row).collect(),
        ),
    ]
}

fn row(setting: &Setting) -> String {
    let (name, kind) = (setting.name, setting.kind.to_string());
    let default = setting.default.map_or("-".to_owned(), |default| format!("`{default}`"));
    let mark = if setting.reloads { " (SIGHUP)" } else { "" };
    format!("| `{name}` | {kind} | {default} | {}{mark}. |", setting.help)
}

fn app_row(setting: &AppSetting) -> String {
    let AppSetting { name, kind, help, example } = setting;
    let default = match setting.default() {
        serde_json::Value::String(text) if text.is_empty() => "-".to_owned(),
        serde_json::Value::String(text) => format!("`{text}`"),
        other => format!("`{other}`"),
    };
    format!("| `{name}` | {kind} | {default} | {help}. | `{example}` |")
}

/// The text with these rows in the table below this head.
fn with_table(text: &str, head: &str, rows: &[String]) -> String {
    let (before, rest) = text.split_once(head).unwrap_or_else(|| panic!("{FILE}: there is no table {head}"));
    let mut lines = rest.trim_start_matches('\n').split_inclusive('\n');
    let rule = lines.next().unwrap_or_default();
    let after: String = lines.skip_while(|line| line.starts_with('|')).collect();
    let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
    format!("{before}{head}\n{rule}{rows}{after}")
}

#[test]
fn the_document_has_all_settings() {
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    let expected = tables().iter().fold(text.clone(), |text, (head, rows)| with_table(&text, head, rows));
    let is_stale = text != expected;
    if is_stale && std::env::var_os(WRITES).is_some() {
        std::fs::write(&path, expected).unwrap();
    }
    let command = format!("{WRITES}=1 cargo test --workspace --bins documents");
    assert!(!is_stale, "{FILE} does not have the settings as they are. Written anew by: {command}");
}

#[test]
fn a_table_is_replaced_and_nothing_else() {
    let text = "a\n\n| x |\n|---|\n| 1 |\n| 2 |\n\nb\n| y |\n|---|\n";
    let rows = ["| 3 |".to_owned()];
    let expected = "a\n\n| x |\n|---|\n| 3 |\n\nb\n| y |\n|---|\n";
    assert_eq!(with_table(text, "| x |", &rows), expected);
    assert_eq!(with_table(expected, "| x |", &rows), expected);
}
