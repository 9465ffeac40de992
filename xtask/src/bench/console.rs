//! The console's table of tokens, which takes as long where there are many as where there are few.

use super::http::Client;
use super::jeton::{Installation, Jeton};
use super::postgres::Postgres;
use super::report::{Budget, Row, Section};
use super::stats::Series;
use super::wrk::Load;
use super::{Stage, USERS};
use crate::error::Error;

/// Tokens of the small installation: as many as one page looks at.
const TEN_THOUSAND: u64 = 10_000;
const TABLE: &str = "/console/apps/demo/tokens";
/// What is sought: something that most tokens are, that few are, and that none is, which has to be looked for longest.
const FILTERS: [(&str, &str); 18] = [
    ("the first page", ""),
    ("the oldest first", "?sort=oldest"),
    ("by title", "?sort=title"),
    ("by end", "?sort=ending"),
    ("of a title", "?title=token%20500"),
    ("of a start of titles", "?title=token%2099*"),
    ("of a user", "?user_id=7"),
    ("of a tag", "?tag=none"),
    ("of a name in scopes", "?scope=none"),
    ("active", "?state=active"),
    ("disabled", "?state=disabled"),
    ("expired", "?state=expired"),
    ("revoked", "?state=revoked"),
    ("never used", "?unused_days=never"),
    ("unused for 90 days", "?unused_days=90"),
    ("expiring within 7 days", "?expires_within_days=7"),
    ("never expiring", "?expires_within_days=never"),
    ("made before", "?created_before=2000-01-01"),
];

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let mut rows = Vec::new();
    measure(stage, (&small(stage, "console", None)?, stage.large()?), "SQLite", &mut rows)?;
    let database = Postgres::start()?;
    let on_postgres = small(stage, "console-on-postgres", Some(database.url.clone()))?;
    measure(stage, (&on_postgres, stage.on_postgres()?.1), "PostgreSQL", &mut rows)?;
    let method = format!(
        "`wrk -t1 -c1` on the console's table of tokens, signed in: milliseconds for a page of {} tokens and of {TEN_THOUSAND}. {}",
        stage.many,
        stage.length()
    );
    Ok(Section { title: "console", method, rows })
}

/// With as many tokens of each user as the large one has.
fn small(stage: &Stage, name: &str, database: Option<String>) -> Result<Installation, Error> {
    let users = (TEN_THOUSAND * USERS / stage.many).max(1);
    Installation::make_on(database, &stage.build, stage.folder.join(name), (TEN_THOUSAND, 0), users)
}

fn measure(
    stage: &Stage,
    (small, large): (&Installation, &Installation),
    engine: &str,
    rows: &mut Vec<Row>,
) -> Result<(), Error> {
    let (few, many) = (small.serve(&[])?, large.serve(&[])?);
    let cookies = [sign_in(&few, small)?, sign_in(&many, large)?];
    for (what, query) in FILTERS {
        let mut loads = Vec::new();
        for (server, cookie) in [&few, &many].into_iter().zip(&cookies) {
            let path = format!("{TABLE}{query}");
            // What leads to where operators sign in would count as an answer.
            let status = Client::of(server.admin_address).open(&path, cookie)?;
            if status != 200 {
                return Err(Error::Missing(format!("{path} is answered with {status}")));
            }
            let url = format!("http://{}{path}", server.admin_address);
            loads.push(Load { connections: 1, headers: vec![format!("Cookie: {cookie}")], ..Load::get(url) });
        }
        let mut series = [Series::default(), Series::default()];
        for _ in 0..stage.rounds {
            for (load, series) in loads.iter().zip(&mut series) {
                series.push(1e3 / load.run(stage.seconds)?.requests_per_second);
            }
        }
        println!("    {engine}, {what}");
        let [few, many] = series;
        let ratio = format!("{engine}, {what}: of {} / of {TEN_THOUSAND}", stage.many);
        rows.push(Row::new(ratio, many.ratios(&few)).within(Budget::AtMost(1.5)));
        rows.push(Row::new(format!("{engine}, {what}, of {}, ms", stage.many), many));
    }
    Ok(())
}

/// The cookie of an operator's session.
fn sign_in(server: &Jeton, installation: &Installation) -> Result<String, Error> {
    let form = format!("token={}", installation.operator_token);
    let cookie = Client::of(server.admin_address).send_form("/console/sign-in", &form)?;
    cookie.ok_or_else(|| Error::Missing("the console lets no operator in".to_owned()))
}
