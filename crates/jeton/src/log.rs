//! The log: lines on standard error.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging. `JETON_LOG` says how much (`error`, `warn`, `info`, `debug`; default `info`).
///
/// Libraries are held to warnings: what they say at `debug` may name values that are secrets.
pub(crate) fn start() {
    let level = std::env::var("JETON_LOG").unwrap_or_default();
    let level = match level.as_str() {
        "error" | "warn" | "info" | "debug" => level.as_str(),
        _ => "info",
    };
    let filter = EnvFilter::new(format!(
        "error,jeton={level},jeton_http={level},jeton_service={level},jeton_store={level}"
    ));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // That a line could not be written has nowhere to be said: by default, trying to would panic.
        .log_internal_errors(false)
        .init();
}
