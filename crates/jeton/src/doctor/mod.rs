//! What is wrong with an installation, and what to do about it: `jeton doctor`.
//!
//! It looks by itself, at the database and at this machine, and asks a server only whether it answers: so it finds out as much when the
//! server is stuck. It changes nothing. Facts are gathered first; each check is a function from facts to findings.

mod apps;
mod database;
mod disk;
mod files;
mod finding;
mod gather;
mod keys;
mod nodes;
mod postgres;
mod server;
mod settings;

pub(crate) use finding::{Check, Report, Severity};
pub(crate) use nodes::silence;

use crate::config::Config;
use crate::control::{Presence, greet};
use crate::installation::{self, Installation};
use jeton_core::Timestamp;
use jeton_store::{
    Contents, Inspection, OpenError, PostgresFacts, SqliteFacts, inspect_postgres, inspect_sqlite,
};

/// What was found of the database.
enum Looked {
    /// There is none.
    Nowhere,
    Failed(OpenError),
    Sqlite(Inspection<SqliteFacts>),
    Postgres(Inspection<PostgresFacts>),
}

/// Makes all checks that can be made.
pub(crate) async fn examine(config: &Config) -> Report {
    let installation = &config.installation;
    let (looked, presence) = tokio::join!(look(installation), greet(installation));
    let presence = presence.map_err(|error| error.message);
    let here = installation::clock().now();
    let mut report = Report {
        checks: Vec::new(),
        nodes: Vec::new(),
        looked_at: here,
        is_out_of_reach: matches!(looked, Looked::Failed(_)),
    };
    let checks = &mut report.checks;
    match looked {
        Looked::Nowhere => checks.push(database::installation(None, false)),
        Looked::Failed(error) => checks.push(database::database(Err(&error.to_string()))),
        Looked::Sqlite(inspection) => {
            common(&inspection, checks);
            let (contents, facts) = (read(inspection.contents), inspection.engine);
            if let Some(contents) = contents {
                of_contents(config, &contents, (inspection.schema_version, here), checks);
                report.nodes = contents.nodes;
            }
            checks.push(disk::disk(&gather::disk(installation, facts)));
        }
        Looked::Postgres(inspection) => {
            common(&inspection, checks);
            let (contents, facts) = (read(inspection.contents), inspection.engine);
            // By the clock of the database server.
            report.looked_at = here.saturating_add_millis(-facts.clock_ahead_ms);
            checks.extend([postgres::server(&facts), postgres::tls(&facts)]);
            checks.push(postgres::transactions(&facts, report.looked_at));
            if let Some(contents) = contents {
                of_contents(config, &contents, (inspection.schema_version, report.looked_at), checks);
                let live = nodes::live(&contents.nodes, report.looked_at);
                checks.extend([nodes::announcements(&live), nodes::clocks(&live, facts.clock_ahead_ms)]);
                checks.push(postgres::connections(&facts, live.len()));
                report.nodes = contents.nodes;
            }
        }
    }
    of_machine(config, &presence, checks);
    report
}

/// Looks at the database that the settings name.
async fn look(installation: &Installation) -> Looked {
    let clock = installation::clock();
    match &installation.database_url {
        None if !installation.has_database() => Looked::Nowhere,
        None => match inspect_sqlite(&installation.database_path(), &*clock).await {
            Ok(inspection) => Looked::Sqlite(inspection),
            Err(error) => Looked::Failed(error),
        },
        Some(url) => {
            let direct_url = installation.database_direct_url.as_deref();
            match inspect_postgres(url, direct_url, &*clock).await {
                Ok(inspection) => Looked::Postgres(inspection),
                Err(error) => Looked::Failed(error),
            }
        }
    }
}

/// What is checked of either engine.
fn common<F>(inspection: &Inspection<F>, checks: &mut Vec<Check>) {
    checks.push(database::database(Ok(inspection.round_trip)));
    checks.push(database::schema(inspection.schema_version, inspection.oldest_version));
    // Without tables there is nothing, and an older schema is not looked into.
    let has_database = inspection.schema_version > 0;
    checks.push(database::installation(inspection.contents.as_ref(), has_database));
}

/// The contents, if they could be read and are those of an installation.
fn read<E>(contents: Option<Result<Contents, E>>) -> Option<Contents> {
    contents?.ok().filter(|contents| contents.key_checks.is_some())
}

/// What is checked of what is stored, in this version of the schema. `now`: by the clock of the database server.
fn of_contents(
    config: &Config,
    contents: &Contents,
    (schema, now): (i64, Timestamp),
    checks: &mut Vec<Check>,
) {
    let live = nodes::live(&contents.nodes, now);
    checks.push(nodes::servers(&contents.nodes, now, schema, &config.installation.cache_limits));
    checks.push(keys::ring(&gather::ring(&config.installation), contents, &live));
    checks.push(apps::apps(&contents.apps));
    checks.push(apps::operators(&contents.operators, now));
}

/// What is checked of this machine, and of the server that runs on it.
fn of_machine(config: &Config, presence: &Result<Presence, String>, checks: &mut Vec<Check>) {
    let process = presence.as_ref().ok().and_then(Presence::process);
    checks.push(server::server(presence));
    checks.push(server::descriptors(&gather::descriptors(process), &config.server_limits));
    checks.push(files::permissions(&gather::files(config)));
    checks.push(files::first_run(gather::first_run(&config.installation)));
    checks.push(settings::settings(config));
}
