//! Gateways that ask Jeton about each request, by their recipes, beside the same ones that ask nobody.

use super::Stage;
use super::garbage;
use super::held::Held;
use super::jeton::{Installation, Jeton};
use super::nginx::Nginx;
use super::report::{Row, Section};
use super::stats::Series;
use super::wrk::Load;
use crate::error::Error;
use crate::needs;
use crate::root;
use serde_json::Value;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

/// As the testkit calls them.
const GATEWAYS: [&str; 4] = ["nginx", "HAProxy", "Envoy", "Caddy"];
/// What a token that may read may read, by the recipes' settings.
const PATH: &str = "/v1/demo/datastreams/7";

/// A gateway twice: with Jeton, and without.
struct Pair {
    name: &'static str,
    loads: [Load; 2],
    series: [Series; 2],
    _running: (Jeton, [Held; 2]),
}

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let programs = needs::install_gateways()?;
    let api = Nginx::start(&stage.folder)?;
    let pair = |name| Pair::start(stage, &programs, name, api.address);
    let mut pairs = GATEWAYS.into_iter().map(pair).collect::<Result<Vec<_>, _>>()?;
    for round in 1..=stage.rounds {
        for Pair { loads, series, .. } in &mut pairs {
            for (load, series) in loads.iter().zip(series) {
                let outcome = load.run(stage.seconds)?;
                if outcome.refused > 0 {
                    let refused = outcome.refused;
                    return Err(Error::Missing(format!("{}: {refused} requests were refused", load.url)));
                }
                series.push(outcome.requests_per_second);
            }
        }
        println!("    round {round}");
    }
    let ratio = |Pair { name, series: [with, without], .. }: &Pair| {
        Row::new(format!("{name}, with Jeton / without"), with.ratios(without))
    };
    let ratios: Vec<Row> = pairs.iter().map(ratio).collect();
    let rates = pairs.into_iter().flat_map(|Pair { name, series: [with, without], .. }| {
        [("with", with), ("without", without)]
            .map(|(how, series)| Row::new(format!("{name}, {how} Jeton, requests/s"), series))
    });
    Ok(Section {
        title: "gateways",
        method: format!(
            "`wrk -t1 -c32` through each gateway to an nginx that answers `ok`, with one live token: set up by its recipe in \
             `deploy/gateways/`, which asks Jeton about each request, beside the same recipe without the part that asks. nginx and \
             Envoy have two workers, HAProxy and Caddy as many as the machine has processors. {}",
            stage.length()
        ),
        rows: ratios.into_iter().chain(rates).collect(),
    })
}

impl Pair {
    fn start(
        stage: &Stage,
        programs: &[(&'static str, PathBuf)],
        name: &'static str,
        api: SocketAddr,
    ) -> Result<Self, Error> {
        let folder = stage.folder.join(format!("behind-{name}"));
        let installation = Installation::make(&stage.build, folder, (1, 1), 1)?;
        let jeton = installation.serve(&[])?;
        let start = |jeton: Option<SocketAddr>| {
            Held::start("hold-gateway", |command| {
                command.arg(name).args([api].into_iter().chain(jeton).map(|address| address.to_string()));
                command.envs(programs.iter().map(|(variable, program)| (variable, program)));
            })
        };
        let held = [start(Some(jeton.address))?, start(None)?];
        let [_, source] = &held[0].said;
        installation.merge(&settings(source)?)?;
        let token = installation.tokens.first().map_or("", String::as_str);
        let load = |Held { said: [front, _], .. }: &Held, token: &str| {
            Load::get(format!("http://{front}{PATH}")).bearer(token)
        };
        let nobody = garbage(1).concat();
        // One that let everybody pass, or nobody, would be quick at it.
        for (held, token, passes) in
            [(&held[0], token, true), (&held[0], &nobody, false), (&held[1], &nobody, true)]
        {
            let load = load(held, token);
            if (load.run(1)?.refused == 0) != passes {
                let which = if passes { "refuses" } else { "lets pass" };
                return Err(Error::Missing(format!("{name} at {} {which} what it should not", load.url)));
            }
        }
        let loads = held.each_ref().map(|held| load(held, token));
        Ok(Pair { name, loads, series: Default::default(), _running: (jeton, held) })
    }
}

/// The recipes' settings, for a gateway that writes the request there.
fn settings(source: &str) -> Result<Value, Error> {
    let path = root().join("deploy/gateways/settings.json");
    let files = |source| Error::Files { what: path.display().to_string(), source };
    let text = fs::read_to_string(&path).map_err(files)?;
    let mut settings: Value = serde_json::from_str(&text).map_err(|error| files(error.into()))?;
    settings["forward_auth"]["source"] = source.into();
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_testkit::gateway::Kind;

    #[test]
    fn every_gateway_that_the_tests_run_is_measured() {
        let mut names = Kind::ALL.map(Kind::name);
        names.sort_unstable();
        let mut measured = GATEWAYS;
        measured.sort_unstable();
        assert_eq!(measured, names);
        for kind in Kind::ALL {
            assert_eq!(settings(kind.source()).unwrap()["forward_auth"]["source"], kind.source());
        }
    }
}
