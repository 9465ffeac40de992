//! What a million tokens take on the disk.

use super::Stage;
use super::jeton::Installation;
use super::report::{Row, Section};
use super::stats::Series;
use crate::error::Error;
use crate::needs::postgres_program;
use crate::process::{output, written};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Each table and index of the largest ones, with its bytes.
const RELATIONS: &str = "\
    SELECT c.relname || ' ' || pg_table_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'i') AND pg_table_size(c.oid) > 1000000 \
    ORDER BY pg_table_size(c.oid) DESC";

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let (_, large) = stage.on_postgres()?;
    let on_sqlite = stage.large()?;
    // What the issue of so many has left in memory or in the log is in its place then.
    let relations = relations(large)?;
    let per_million = |bytes: u64| bytes as f64 / stage.many as f64;
    let row = |what: String, bytes: u64| {
        let mut series = Series::default();
        series.push(per_million(bytes));
        Row::new(what, series)
    };
    let total = relations.iter().map(|(_, bytes)| bytes).sum();
    let mut rows = vec![
        row("PostgreSQL, in all, MB".to_owned(), total),
        row("SQLite, jeton.db, MB".to_owned(), bytes(&on_sqlite.file("jeton.db"))?),
    ];
    rows.extend(relations.into_iter().map(|(name, bytes)| row(format!("PostgreSQL, `{name}`, MB"), bytes)));
    Ok(Section {
        title: "size",
        method: format!(
            "{} grants with a title and a scope, as they are after they were issued, and the entries of the change log that say so: \
             megabytes for each million of them. On PostgreSQL what takes a megabyte or more.",
            stage.many
        ),
        rows,
    })
}

fn bytes(path: &Path) -> Result<u64, Error> {
    let found =
        fs::metadata(path).map_err(|source| Error::Files { what: path.display().to_string(), source })?;
    Ok(found.len())
}

/// The names and bytes of tables and indexes.
fn relations(installation: &Installation) -> Result<Vec<(String, u64)>, Error> {
    let mut command = Command::new(postgres_program("psql")?);
    command.args(["--no-psqlrc", "--tuples-only", "--no-align", "--command", RELATIONS]);
    command.args(installation.database());
    let said = output(&mut command).ok_or_else(|| Error::Missing("psql failed".to_owned()))?;
    parse(&said).ok_or_else(|| Error::Unclear { command: written(&command), output: said })
}

fn parse(said: &str) -> Option<Vec<(String, u64)>> {
    let relation = |line: &str| {
        let (name, bytes) = line.split_once(' ')?;
        Some((name.to_owned(), bytes.trim().parse().ok()?))
    };
    let found: Option<Vec<_>> = said.lines().filter(|line| !line.is_empty()).map(relation).collect();
    found.filter(|found| !found.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_read() {
        let relations = [("tokens".to_owned(), 300_000_000), ("tokens_digest".to_owned(), 9_000_000)];
        assert_eq!(parse("tokens 300000000\ntokens_digest 9000000\n").unwrap(), relations);
        for said in ["", "tokens", "tokens many"] {
            assert_eq!(parse(said), None, "{said}");
        }
    }
}
