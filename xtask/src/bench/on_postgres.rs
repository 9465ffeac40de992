//! What Jeton makes of a PostgreSQL, beside `pgbench` doing the same single-row work on the same cluster.

use super::jeton::Installation;
use super::postgres::Postgres;
use super::report::{Budget, Row, Section};
use super::stats::Series;
use super::wrk::{Load, cycle_script, post_script};
use super::{Stage, USERS};
use crate::error::Error;
use crate::needs::postgres_program;
use crate::process::{output, written};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Connections of `pgbench`: as many as a server of Jeton has in its pool.
const CONNECTIONS: &str = "10";
/// Clients of Jeton that create at the same time.
const CLIENTS: u32 = 64;
/// Tokens that are presented in turn, of which a cache of [`SMALL_CACHE`] holds one in seventy.
const TOKENS: u64 = 20_000;
const SMALL_CACHE: &str = "65536";

/// A token, its entry of the change log, and the commit.
const CREATE: &str = "\
BEGIN;
INSERT INTO tokens (app_id, kind, digest, digest_key_id, is_foreign, user_is_stand_in, created_at, updated_at, scopes, revision, title)
VALUES (1, 'grant', sha256(random()::text::bytea), 1, false, false, 0, 0, '[]', 1, 'bench');
INSERT INTO changes (at, kind, app_id, subject_id, actor) VALUES (0, 'token_issued', 1, 1, 'pgbench');
COMMIT;
";

/// One token by its key.
const READ: &str = "\
\\set id random(1, :tokens)
SELECT * FROM tokens WHERE app_id = 1 AND id = :id;
";

/// What was asked how often in a second.
struct Found {
    creates: [Series; 2],
    reads: [Series; 2],
    cached: [Series; 2],
}

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let cluster = Postgres::start_durable()?;
    let database = Some(cluster.url.clone());
    let installation = Installation::make_on(
        database,
        &stage.build,
        stage.folder.join("on-postgres"),
        (TOKENS, TOKENS),
        USERS,
    )?;
    let (server, cold) =
        (installation.serve(&[])?, installation.serve(&[("JETON_CACHE_BYTES", SMALL_CACHE)])?);
    let small = stage.small()?;
    let on_sqlite = small.serve(&[])?;
    let body = r#"{"title":"bench","permissions":"read"}"#;
    let create = Load {
        connections: CLIENTS,
        script: Some(post_script(&stage.folder.join("create-on-postgres.lua"), body)?),
        ..Load::get(server.url("/AccessToken/demo"))
    };
    let create = create.bearer(&installation.admin_token);
    let script = cycle_script(&stage.folder.join("cold.lua"), &installation.tokens)?;
    let read = Load { script: Some(script), ..Load::get(cold.url("/auth/demo")) };
    let first = |tokens: &[String]| tokens.first().cloned().unwrap_or_default();
    let cached = [server.auth(&first(&installation.tokens)), on_sqlite.auth(&first(&small.tokens))];
    let [by_pgbench, reads_by_pgbench] =
        [("create.sql", CREATE), ("read.sql", READ)].map(|(name, sql)| (stage.folder.join(name), sql));
    for (path, sql) in [&by_pgbench, &reads_by_pgbench] {
        fs::write(path, sql).map_err(|source| Error::Files { what: path.display().to_string(), source })?;
    }
    let rate = |load: &Load| -> Result<f64, Error> {
        let outcome = load.run(stage.seconds)?;
        match outcome.refused {
            0 => Ok(outcome.requests_per_second),
            refused => Err(Error::Missing(format!("{}: {refused} requests were refused", load.url))),
        }
    };
    let mut found =
        Found { creates: Default::default(), reads: Default::default(), cached: Default::default() };
    for round in 1..=stage.rounds {
        let [jeton, pgbench] = &mut found.creates;
        jeton.push(rate(&create)?);
        pgbench.push(transactions(&cluster.url, &by_pgbench.0, stage.seconds)?);
        let [jeton, pgbench] = &mut found.reads;
        jeton.push(rate(&read)?);
        pgbench.push(transactions(&cluster.url, &reads_by_pgbench.0, stage.seconds)?);
        println!("    round {round}");
    }
    // What was written has been put in order by then, so that the cluster has as little to do as a file.
    output(Command::new(postgres_program("psql")?).args([
        "--quiet",
        "--command=VACUUM ANALYZE",
        &cluster.url,
    ]))
    .ok_or_else(|| Error::Missing("psql failed".to_owned()))?;
    for round in 1..=stage.rounds {
        // In this order, what gets slower or faster meanwhile does so for both.
        let [[first, last], [before, after]] = cached.each_ref().map(|load| [load, load]);
        let (first, before, after, last) = (rate(first)?, rate(before)?, rate(after)?, rate(last)?);
        let [on_postgres, on_sqlite] = &mut found.cached;
        on_postgres.push(f64::midpoint(first, last));
        on_sqlite.push(f64::midpoint(before, after));
        println!("    cached, round {round}");
    }
    Ok(found.section(&stage.length()))
}

impl Found {
    fn section(self, length: &str) -> Section {
        let Found {
            creates: [creates, by_pgbench],
            reads: [reads, reads_by_pgbench],
            cached: [cached, on_sqlite],
        } = self;
        Section {
            title: "postgres",
            method: format!(
                "One cluster whose commits are durable. Creates: `wrk -t1 -c{CLIENTS}` on `POST /AccessToken/demo`, and `pgbench -M \
                 prepared -c{CONNECTIONS}` that inserts a row into the same table and its entry into the same change log, in a \
                 transaction. Cold: `wrk -t1 -c32` on `/auth/demo` with {TOKENS} tokens in turn and a cache of {SMALL_CACHE} bytes, so \
                 that each is asked for, and `pgbench` that reads a row of the same table by its key. Cached: one live token, with \
                 the data in PostgreSQL and in SQLite, afterwards: PostgreSQL, SQLite twice, and PostgreSQL again, on average. {length}"
            ),
            rows: vec![
                Row::new("creates, Jeton / pgbench", creates.ratios(&by_pgbench)),
                Row::new("cold, Jeton / pgbench", reads.ratios(&reads_by_pgbench)),
                Row::new("cached, on PostgreSQL / on SQLite", cached.ratios(&on_sqlite))
                    .within(Budget::AtLeast(0.95)),
                Row::new("creates by Jeton, /s", creates),
                Row::new("creates by pgbench, /s", by_pgbench),
                Row::new("cold requests to Jeton, /s", reads),
                Row::new("reads by pgbench, /s", reads_by_pgbench),
                Row::new("cached on PostgreSQL, requests/s", cached),
                Row::new("cached on SQLite, requests/s", on_sqlite),
            ],
        }
    }
}

/// Transactions a second of a script.
fn transactions(url: &str, script: &Path, seconds: u32) -> Result<f64, Error> {
    let mut command = Command::new(postgres_program("pgbench")?);
    command.args([
        "--no-vacuum",
        "--protocol=prepared",
        "--client",
        CONNECTIONS,
        "--time",
        &seconds.to_string(),
    ]);
    command.arg(format!("--define=tokens={TOKENS}")).arg("--file").arg(script).arg(url);
    let said = output(&mut command).ok_or_else(|| Error::Missing("pgbench failed".to_owned()))?;
    parse(&said).ok_or_else(|| Error::Unclear { command: written(&command), output: said })
}

/// Reads the rate that `pgbench` prints, if no transaction failed.
fn parse(said: &str) -> Option<f64> {
    let after = |mark: &str| said.lines().find_map(|line| line.trim().strip_prefix(mark)).map(str::trim);
    after("number of failed transactions:").filter(|failed| failed.starts_with("0 "))?;
    after("tps =")?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "pgbench (15.18)\ntransaction type: read.sql\nnumber of clients: 10\n\
        number of transactions actually processed: 40321\nnumber of failed transactions: 0 (0.000%)\n\
        latency average = 0.992 ms\ninitial connection time = 21.021 ms\ntps = 10081.318823 (without initial connection time)\n";

    #[test]
    fn the_rate_is_read_unless_some_failed() {
        assert_eq!(parse(SAID), Some(10_081.318_823));
        assert_eq!(parse(&SAID.replace(": 0 (0.000%)", ": 7 (0.017%)")), None);
        assert_eq!(parse("pgbench: error: connection failed"), None);
    }
}
