//! The table of the verification cache beside general caches.

use super::Stage;
use super::report::{Row, Section};
use super::stats::Series;
use crate::error::Error;
use crate::needs::target_folder;
use crate::process::{cargo, output, run as run_command, written};
use crate::root;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

const OTHERS: [&str; 2] = ["quick_cache", "moka"];
/// What is measured: its name, what it is, and whether more of it is better, so that it is told as a ratio.
const FIGURES: [(&str, &str, bool); 6] = [
    ("reads_one", "reads/s by one thread", true),
    ("reads_two", "reads/s by two threads", true),
    ("reads_beside_writes", "reads/s by one thread while another one writes", true),
    ("writes", "writes/s by one thread, each in the place of another", true),
    ("hit_rate", "part of the requests of a history that are answered", false),
    ("overhead_bytes", "bytes for each answer beyond the answer", false),
];

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let program = build()?;
    let mut rounds = Vec::new();
    for round in 1..=stage.rounds {
        let mut command = Command::new(&program);
        command.arg(stage.seconds.to_string());
        let said =
            output(&mut command).ok_or_else(|| Error::Missing(format!("{} failed", written(&command))))?;
        let figures: Value = serde_json::from_str(&said)
            .map_err(|_| Error::Unclear { command: written(&command), output: said })?;
        rounds.push(figures);
        println!("    round {round}");
    }
    Ok(Section {
        title: "caches",
        method: format!(
            "`benches/caches`: 50,000 answers of about 200 bytes behind `Arc`s, the same keys and the same hasher for the table of the \
             verification cache (papaya, and a queue for the clock algorithm), quick_cache 0.7 and moka 0.12, bounded by the same bytes. \
             The history: 1,000,000 requests for 500,000 tokens, by Zipf's law with exponent 0.9, with room for 50,000. {}",
            stage.length()
        ),
        rows: rows(&rounds),
    })
}

fn rows(rounds: &[Value]) -> Vec<Row> {
    let series = |cache: &str, figure: &str| {
        let mut series = Series::default();
        rounds.iter().filter_map(|round| round[cache][figure].as_f64()).for_each(|found| series.push(found));
        series
    };
    let mut rows = Vec::new();
    for (figure, what, is_speed) in FIGURES {
        let own = series("table", figure);
        for other in OTHERS.iter().filter(|_| is_speed) {
            rows.push(Row::new(format!("{what}, table / {other}"), own.ratios(&series(other, figure))));
        }
        if !is_speed {
            rows.extend(OTHERS.map(|other| Row::new(format!("{what}, {other}"), series(other, figure))));
        }
        rows.push(Row::new(format!("{what}, table"), own));
    }
    rows
}

fn build() -> Result<PathBuf, Error> {
    // The versions that ship, and what is compared with them.
    let (shipped, own) = (root().join("Cargo.lock"), root().join("benches/caches/Cargo.lock"));
    fs::copy(shipped, &own).map_err(|source| Error::Files { what: own.display().to_string(), source })?;
    let folder = target_folder().join("caches");
    let mut build = cargo(&["build", "--release", "--manifest-path", "benches/caches/Cargo.toml"]);
    build.arg("--target-dir").arg(&folder);
    println!("\n==> {}", written(&build));
    run_command(&mut build)?;
    Ok(folder.join("release/jeton-caches"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn speed_is_a_ratio_and_the_rest_stands_beside_each_other() {
        let figures = |factor: f64| {
            let names = FIGURES.map(|(name, ..)| (name.to_owned(), json!(factor)));
            Value::Object(names.into_iter().collect())
        };
        let round = json!({"table": figures(6.0), "quick_cache": figures(3.0), "moka": figures(2.0)});
        let rows = rows(&[round]);
        assert_eq!(rows.len(), 3 * FIGURES.len());
        let median = |what: &str| {
            let row = rows.iter().find(|row| row.what == what).unwrap_or_else(|| panic!("{what}"));
            row.series.summary().unwrap().median
        };
        assert_eq!(median("reads/s by one thread, table / moka"), 3.0);
        assert_eq!(median("reads/s by one thread, table"), 6.0);
        assert_eq!(median("bytes for each answer beyond the answer, quick_cache"), 3.0);
    }
}
