//! LoopBack's requests, whose cost should depend on what they show and not on what there is.

use super::jeton::Installation;
use super::peers;
use super::report::{Budget, Row, Section};
use super::stats::Series;
use super::wrk::Load;
use super::{MOST_KEPT, Stage};
use crate::error::Error;
use crate::needs;

/// Tokens in the small installation.
const FEW: u64 = 20_000;
/// Tokens of each user, in every installation.
const OF_A_USER: u64 = 20;
/// Tokens in LoopBack, which goes through all of them for each request.
const IN_LOOPBACK: u64 = 10_000;
/// How much longer a request may take with many tokens.
const MOST: f64 = 1.3;

/// What is asked, and below which model's path. `None`: by a token's id.
pub(super) const REQUESTS: [(&str, Option<&str>); 5] = [
    ("GET /:id", None),
    ("count by userId", Some("/count?where%5BuserId%5D=7")),
    ("find by userId", Some("?filter%5Bwhere%5D%5BuserId%5D=7")),
    ("find, newest first, limit 20", Some("?filter%5Border%5D=created%20DESC&filter%5Blimit%5D=20")),
    ("find, default order, limit 20", Some("?filter%5Blimit%5D=20")),
];
/// A count of everything goes through an index of everything: no budget, but a figure.
pub(super) const WHOLE: (&str, Option<&str>) = ("count of all", Some("/count"));

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let make = |name: &str, count: u64| {
        let users = (count / OF_A_USER).max(1);
        let counts = (count, count.min(MOST_KEPT));
        Installation::make(&stage.build, stage.folder.join(name), counts, users)
    };
    let (small, large) = (make("loopback-few", FEW)?, make("loopback-many", stage.many)?);
    let (few, many) = (small.serve(&[])?, large.serve(&[])?);
    let loopback = match stage.has_peers {
        true => Some(peers::loopback3(&needs::install_peers()?.node, IN_LOOPBACK)?),
        false => None,
    };
    let mut rows = Vec::new();
    for (what, below) in REQUESTS.into_iter().chain([WHOLE]) {
        let mut loads: Vec<Load> = [(&few, &small), (&many, &large)]
            .map(|(server, installation)| {
                let id = installation.tokens.first().map_or("", String::as_str);
                let below = below.map_or_else(|| format!("/{id}"), str::to_owned);
                let load = Load::get(server.url(&format!("/api/accessTokens{below}")));
                Load { connections: 1, ..load }.bearer(&installation.admin_token)
            })
            .into();
        if let Some((_, by_id)) = &loopback {
            let model = by_id.url.rsplit_once('/').map_or("", |(model, _)| model);
            let url = below.map_or_else(|| by_id.url.clone(), |below| format!("{model}{below}"));
            loads.push(Load { connections: 1, ..Load::get(url) });
        }
        let mut series = vec![Series::default(); loads.len()];
        for round in 1..=stage.rounds {
            for (load, series) in loads.iter().zip(&mut series) {
                let outcome = load.run(stage.seconds)?;
                if outcome.refused > 0 {
                    return Err(Error::Missing(format!("{} is refused", load.url)));
                }
                series.push(1e3 / outcome.requests_per_second);
            }
            println!("    {what}: round {round}");
        }
        let mut series = series.into_iter();
        let (few, many) = (series.next().unwrap_or_default(), series.next().unwrap_or_default());
        let ratio = Row::new(format!("{what}: of {} / of {FEW}", stage.many), many.ratios(&few));
        rows.push(if below == WHOLE.1 { ratio } else { ratio.within(Budget::AtMost(MOST)) });
        rows.push(Row::new(format!("{what}, of {FEW}, ms"), few));
        rows.push(Row::new(format!("{what}, of {}, ms", stage.many), many));
        rows.extend(series.map(|peer| Row::new(format!("{what}, LoopBack 3, of {IN_LOOPBACK}, ms"), peer)));
    }
    let method = format!(
        "`wrk -t1 -c1` on LoopBack's API: milliseconds for each. Every user has {OF_A_USER} tokens. With `--peers` also LoopBack 3 \
         with {IN_LOOPBACK} tokens in memory and no access rules. {}",
        stage.length()
    );
    Ok(Section { title: "loopback", method, rows })
}
