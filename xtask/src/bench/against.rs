//! One build of Jeton beside another, each with data of its own: what a change costs.

use super::batch::body;
use super::jeton::{Build, Installation, Jeton};
use super::postgres::Postgres;
use super::report::{Row, Section};
use super::stats::Series;
use super::wrk::{Load, cycle_script, post_script};
use super::{Stage, garbage, loopback};
use crate::error::Error;
use std::path::Path;

/// What it is called.
pub(super) const NAME: &str = "against";

/// Tokens of each installation.
const TOKENS: u64 = 20_000;
/// Of how many users.
const USERS: u64 = 1_000;
/// Those of them that are asked about, and the garbage.
const ASKED: u64 = 1_000;

/// What is created.
const CREATE: &str = r#"{"title":"bench","permissions":"read"}"#;

/// A server with data of its own.
struct Side {
    installation: Installation,
    server: Jeton,
}

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let Some(other_build) = &stage.other else {
        return Err(Error::Missing("no other build was named".to_owned()));
    };
    let (this, other) = (side(stage, &stage.build, "this")?, side(stage, other_build, "other")?);
    let (these, others) = (loads(stage, &this, "this")?, loads(stage, &other, "other")?);
    let mut rows = Vec::new();
    for ((what, this), (_, other)) in these.into_iter().zip(others) {
        rows.extend(compare(stage, &what, [this, other])?);
    }
    rows.extend(creates_on_postgres(stage, other_build)?);
    let method = format!(
        "Two builds in turn, each with {TOKENS} tokens of {USERS} users: `wrk -t1`, 32 connections for forward-auth, 4 for batches \
         of {ASKED}, 64 for creates, 1 for LoopBack. {}",
        stage.length()
    );
    Ok(Section { title: NAME, method, rows })
}

/// The loads of this build and the other.
fn compare(stage: &Stage, what: &str, [this, other]: [Load; 2]) -> Result<[Row; 3], Error> {
    let (mut mine, mut theirs) = (Series::default(), Series::default());
    this.run(1)?;
    other.run(1)?;
    for _ in 0..stage.rounds {
        mine.push(this.run(stage.seconds)?.requests_per_second);
        theirs.push(other.run(stage.seconds)?.requests_per_second);
    }
    println!("    {what}");
    Ok([
        Row::new(format!("{what}: this / other"), mine.ratios(&theirs)),
        Row::new(format!("{what}, this, requests/s"), mine),
        Row::new(format!("{what}, other, requests/s"), theirs),
    ])
}

/// Creates on PostgreSQL, each build on a cluster of its own, whose commits are on the disk when they are answered.
fn creates_on_postgres(stage: &Stage, other: &Build) -> Result<Vec<Row>, Error> {
    let clusters = [Postgres::start_durable()?, Postgres::start_durable()?];
    let make = |build: &Build, cluster: &Postgres, name: &str| {
        let folder = stage.folder.join(format!("against-{name}-on-postgres"));
        let installation = Installation::make_on(Some(cluster.url.clone()), build, folder, (0, 0), USERS)?;
        let server = installation.serve(&[])?;
        Ok::<_, Error>(Side { installation, server })
    };
    let sides = [make(&stage.build, &clusters[0], "this")?, make(other, &clusters[1], "other")?];
    let mut rows = Vec::new();
    for connections in [1, 64] {
        let script = post_script(&stage.folder.join("against-postgres.lua"), CREATE)?;
        let loads = sides.each_ref().map(|Side { installation, server }| {
            let load = Load::get(server.url("/AccessToken/demo"));
            Load { connections, script: Some(script.clone()), ..load }.bearer(&installation.admin_token)
        });
        let what = format!("AppKey, create on PostgreSQL, {connections} at a time");
        rows.extend(compare(stage, &what, loads)?);
    }
    Ok(rows)
}

fn side(stage: &Stage, build: &Build, name: &str) -> Result<Side, Error> {
    let folder = stage.folder.join(format!("against-{name}"));
    let installation = Installation::make(build, folder, (TOKENS, ASKED), USERS)?;
    let server = installation.serve(&[])?;
    Ok(Side { installation, server })
}

fn loads(stage: &Stage, side: &Side, name: &str) -> Result<Vec<(String, Load)>, Error> {
    let Side { installation: Installation { tokens, admin_token, .. }, server } = side;
    let script = |what: &str| stage.folder.join(format!("against-{name}-{what}.lua"));
    let with = |path: &str, connections: u32, script| {
        Load { connections, script: Some(script), ..Load::get(server.url(path)) }.bearer(admin_token)
    };
    let cycled =
        |what: &str, tokens: &[String]| Ok(with("/auth/demo", 32, cycle_script(&script(what), tokens)?));
    let posted = |what: &str, path: &str, connections: u32, body: &str| {
        Ok::<_, Error>(with(path, connections, post_script(Path::new(&script(what)), body)?))
    };
    let mut loads = vec![
        ("/auth, one live token".to_owned(), server.auth(tokens.first().map_or("", String::as_str))),
        ("/auth, live tokens in turn".to_owned(), cycled("live", tokens)?),
        ("/auth, garbage".to_owned(), cycled("garbage", &garbage(ASKED))?),
        ("/verify, batches".to_owned(), posted("batch", "/verify/demo", 4, &body(tokens))?),
    ];
    for (what, below) in loopback::REQUESTS.into_iter().chain([loopback::WHOLE]) {
        let id = tokens.first().map_or("", String::as_str);
        let below = below.map_or_else(|| format!("/{id}"), str::to_owned);
        let load = Load::get(server.url(&format!("/api/accessTokens{below}")));
        loads.push((format!("LoopBack, {what}"), Load { connections: 1, ..load }.bearer(admin_token)));
    }
    // The last, since it adds to what the others go through.
    loads.push(("AppKey, create".to_owned(), posted("create", "/AccessToken/demo", 64, CREATE)?));
    Ok(loads)
}
