//! `jeton doctor`

use super::output;
use crate::config::ServeFlags;
use crate::doctor::{Check, Report, Severity, examine, silence};
use crate::error::CommandError;
use clap::Args;
use jeton_http::rfc3339;
use jeton_store::Node;
use serde_json::{Value, json};

/// Say what is wrong with the installation, and what to do about it; exit 1 if something is
///
/// Looks at the database, the servers that work on it, the keys, the files and the settings, beside a running server or without one, and
/// changes nothing. Settings that a server gets by flags are given by the same flags here. Exit 4 if the database cannot be reached.
#[derive(Args, Debug)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    flags: ServeFlags,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: DoctorArgs) -> Result<(), CommandError> {
    let report = examine(&args.flags.load()?).await;
    if args.json {
        output::write_json(&document(&report))?;
    } else {
        output::write(&text(&report))?;
    }
    let [errors, warnings, notes] = Severity::ALL.map(|severity| report.count(severity));
    let counts = format!("errors: {errors}, warnings: {warnings}, notes: {notes}");
    match () {
        () if report.is_out_of_reach => Err(CommandError::unavailable(counts)),
        () if !report.is_ok() => Err(CommandError::refused(counts)),
        () => Ok(()),
    }
}

fn document(report: &Report) -> Value {
    let findings: Vec<Value> = report
        .findings()
        .iter()
        .map(|(check, finding)| {
            json!({
                "check": check,
                "severity": finding.severity.name(),
                "found": finding.found,
                "action": finding.action,
            })
        })
        .collect();
    let check = |check: &Check| json!({"check": check.name, "ok": check.is_fine(), "seen": check.seen});
    json!({
        "ok": report.is_ok(),
        "findings": findings,
        "checks": report.checks.iter().map(check).collect::<Vec<_>>(),
        "nodes": report.nodes.iter().map(|node| describe(node, report)).collect::<Vec<_>>(),
    })
}

fn describe(node: &Node, report: &Report) -> Value {
    json!({
        "id": node.id,
        "machine": node.machine,
        "version": node.version,
        "schema_version": node.schema_version,
        "started_at": rfc3339(node.started_at),
        "written_at": rfc3339(node.written_at),
        "silent_ms": silence(node, report.looked_at).max(0),
        "log_read_to": node.log_read.map(|read| read.to),
        "log_unread_ms": node.log_read.map(|read| read.unread_ms),
        "newest_key": node.newest_key_id,
        "current_key": node.current_key_id,
        "is_listening": node.is_listening,
        "clock_ahead_ms": node.clock_ahead_ms,
    })
}

/// What is wrong first, with what to do about it; then what was looked at and is fine; then the servers.
fn text(report: &Report) -> String {
    let mut text = String::new();
    let width = report.checks.iter().map(|check| check.name.len()).max().unwrap_or(0);
    for (name, finding) in report.findings() {
        let (found, action) = (output::printable(&finding.found), output::printable(&finding.action));
        text += &format!(
            "{:7}  {name:width$}  {found}\n{:7}  {:width$}  -> {action}\n",
            finding.severity, "", ""
        );
    }
    for check in report.checks.iter().filter(|check| check.is_fine()) {
        text += &format!("{:7}  {:width$}  {}\n", "fine", check.name, output::printable(&check.seen));
    }
    for node in &report.nodes {
        let Node { id, machine, version, current_key_id, .. } = node;
        let (seconds, started) = (silence(node, report.looked_at).max(0) / 1_000, rfc3339(node.started_at));
        let read = node.log_read.map_or("nothing".to_owned(), |read| read.to.to_string());
        let machine = output::printable(machine);
        text += &format!(
            "server   {id} on {machine}: jeton {version} since {started}, wrote {seconds} s ago, read the log to {read}, key {current_key_id}\n"
        );
    }
    text
}
