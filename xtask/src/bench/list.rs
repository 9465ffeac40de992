//! Lists, whose cost should depend on what they show and not on what there is.

use super::jeton::Installation;
use super::report::{Budget, Row, Section};
use super::stats::Series;
use super::wrk::Load;
use super::{FEW, Stage};
use crate::error::Error;

/// How much longer a list may take where there are many tokens. That of one user shows more of them there, too.
const LISTS: [(&str, &str, Option<Budget>); 2] = [
    ("the newest 20, counted", "/AccessToken/demo?take=20", Some(Budget::AtMost(2.0))),
    ("the newest 20 of one user, counted", "/AccessToken/demo?take=20&userId=7", None),
];

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let mut rows = Vec::new();
    measure(stage, (stage.small()?, stage.large()?), "SQLite", &mut rows)?;
    measure(stage, stage.on_postgres()?, "PostgreSQL", &mut rows)?;
    let method =
        format!("`wrk -t1 -c1` on the user-token API's list: milliseconds for each. {}", stage.length());
    Ok(Section { title: "list", method, rows })
}

fn measure(
    stage: &Stage,
    (small, large): (&Installation, &Installation),
    engine: &str,
    rows: &mut Vec<Row>,
) -> Result<(), Error> {
    let (few, many) = (small.serve(&[])?, large.serve(&[])?);
    for (what, path, budget) in LISTS {
        let loads = [(&few, small), (&many, large)].map(|(server, installation)| {
            Load { connections: 1, ..Load::get(server.url(path)) }.bearer(&installation.admin_token)
        });
        let mut series = [Series::default(), Series::default()];
        for round in 1..=stage.rounds {
            for (load, series) in loads.iter().zip(&mut series) {
                series.push(1e3 / load.run(stage.seconds)?.requests_per_second);
            }
            println!("    {engine}, {what}: round {round}");
        }
        let [few, many] = series;
        let ratio = format!("{engine}, {what}: of {} / of {FEW}", stage.many);
        let row = Row::new(ratio, many.ratios(&few));
        rows.push(match budget {
            Some(budget) => row.within(budget),
            None => row,
        });
        rows.push(Row::new(format!("{engine}, {what}, of {FEW}, ms"), few));
        rows.push(Row::new(format!("{engine}, {what}, of {}, ms", stage.many), many));
    }
    Ok(())
}
