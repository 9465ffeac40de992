//! The schema of a settings document, which the description of the admin API contains.

use super::SettingsDocument;
use schemars::generate::SchemaSettings;
use std::path::Path;

/// Where it is, below the folder of the workspace.
const FILE: &str = "docs/openapi/schemas/settings.json";
/// With this variable, the test writes it.
const WRITES: &str = "JETON_WRITE_OPENAPI";

#[test]
fn the_schema_is_what_the_code_says() {
    let schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<SettingsDocument>();
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")).join(FILE);
    let is_stale = std::fs::read_to_string(&path).unwrap_or_default() != text;
    if is_stale && std::env::var_os(WRITES).is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let command = format!("{WRITES}=1 cargo test --workspace --lib schema");
    assert!(!is_stale, "{FILE} is not what the code says. Written anew by: {command}");
}
