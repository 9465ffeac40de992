//! Lists, whose cost should depend on what they show and not on what there is.

use super::report::{Row, Section};
use super::stats::Series;
use super::wrk::Load;
use super::{FEW, Stage};
use crate::failure::Failure;

const LISTS: [(&str, &str); 2] = [
    ("the newest 20, counted", "/AccessToken/demo?take=20"),
    ("the newest 20 of one user, counted", "/AccessToken/demo?take=20&userId=7"),
];

pub(super) fn run(stage: &Stage) -> Result<Section, Failure> {
    let (small, large) = (stage.small()?, stage.large()?);
    let (few, many) = (small.serve(&[])?, large.serve(&[])?);
    let mut rows = Vec::new();
    for (what, path) in LISTS {
        let loads = [(&few, small), (&many, large)].map(|(server, installation)| {
            Load { connections: 1, ..Load::get(server.url(path)) }.bearer(&installation.admin_token)
        });
        let mut series = [Series::default(), Series::default()];
        for round in 1..=stage.rounds {
            for (load, series) in loads.iter().zip(&mut series) {
                series.push(1e3 / load.run(stage.seconds)?.requests_per_second);
            }
            println!("    {what}: round {round}");
        }
        let [few, many] = series;
        rows.push(Row::new(format!("{what}: of {} / of {FEW}", stage.many), many.ratios(&few)));
        rows.push(Row::new(format!("{what}, of {FEW}, ms"), few));
        rows.push(Row::new(format!("{what}, of {}, ms", stage.many), many));
    }
    let method =
        format!("`wrk -t1 -c1` on the user-token API's list: milliseconds for each. {}", stage.length());
    Ok(Section { title: "list", method, rows })
}
