//! Creating tokens that are on disk when the answer comes.

use super::Stage;
use super::jeton::{Installation, sync_millis};
use super::report::{Budget, Row, Section};
use super::stats::Series;
use super::wrk::{Load, post_script};
use crate::error::Error;

/// Clients that create at the same time.
const CLIENTS: u32 = 64;

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let grouped = Installation::make(&stage.build, stage.folder.join("grouped"), (1, 0), 1)?;
    let single = Installation::make(&stage.build, stage.folder.join("single"), (1, 0), 1)?;
    let by_group = grouped.serve(&[])?;
    let one_by_one = single.serve(&[("JETON_SQLITE_MAX_GROUP", "1")])?;
    let script = post_script(&stage.folder.join("create.lua"), r#"{"title":"bench","permissions":"read"}"#)?;
    let load = |url: String, token: &str| {
        Load { connections: CLIENTS, script: Some(script.clone()), ..Load::get(url) }.bearer(token)
    };
    let loads = [
        load(by_group.url("/AccessToken/demo"), &grouped.admin_token),
        load(one_by_one.url("/AccessToken/demo"), &single.admin_token),
    ];
    let (mut series, mut sync) = (loads.each_ref().map(|_| Series::default()), Series::default());
    for round in 1..=stage.rounds {
        let summary = sync_millis(&stage.folder)?.summary();
        sync.push(summary.map_or(f64::NAN, |summary| summary.median));
        for (load, series) in loads.iter().zip(&mut series) {
            let outcome = load.run(stage.seconds)?;
            if outcome.refused > 0 {
                return Err(Error::Missing(format!("{} creates were refused", outcome.refused)));
            }
            series.push(outcome.requests_per_second);
        }
        println!("    round {round}");
    }
    let [by_group, one_by_one] = series;
    // Grouping gains as much as a commit costs: DESIGN asks for 15 times at 1 ms.
    let median = sync.summary().map_or(0.0, |summary| summary.median);
    let budget = Budget::AtLeast(if median >= 1.0 { 15.0 } else { 8.0 });
    Ok(Section {
        title: "create",
        method: format!(
            "`wrk -t1 -c{CLIENTS}` on `POST /AccessToken/demo`, SQLite with `synchronous=FULL`: writes that wait are committed \
             together, beside a server that commits each alone. fdatasync is of 4 KiB in the same folder. {}",
            stage.length()
        ),
        rows: vec![
            Row::new("in groups / one by one", by_group.ratios(&one_by_one)).within(budget),
            Row::new("in groups, creates/s", by_group),
            Row::new("one by one, creates/s", one_by_one),
            Row::new("fdatasync, ms", sync),
        ],
    })
}
