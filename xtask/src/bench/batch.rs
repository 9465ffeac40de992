//! `POST /verify/{app}` with 1,000 checks at a time.

use super::report::{Budget, Row, Section};
use super::stats::Series;
use super::wrk::{Load, post_script};
use super::{FEW, Stage, garbage, spread};
use crate::error::Error;

/// Checks in a batch.
const CHECKS: usize = 1_000;
/// Batches at once: enough to keep both cores busy.
const CONNECTIONS: u32 = 4;

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let (small, large) = (stage.small()?, stage.large()?);
    let (few, many) = (small.serve(&[])?, large.serve(&[])?);
    let load = |url: String, token: &str, name: &str, tokens: &[String]| {
        let script = post_script(&stage.folder.join(name), &body(tokens))?;
        let load = Load { connections: CONNECTIONS, script: Some(script), ..Load::get(url) };
        Ok::<Load, Error>(load.bearer(token))
    };
    let url = |base: &super::jeton::Jeton| base.url("/verify/demo");
    let loads = [
        load(url(&few), &small.admin_token, "batch-few.lua", &small.tokens)?,
        load(url(&many), &large.admin_token, "batch-many.lua", &spread(&large.tokens, CHECKS))?,
        load(url(&few), &small.admin_token, "batch-garbage.lua", &garbage(FEW))?,
    ];
    let mut series = loads.each_ref().map(|_| Series::default());
    for load in &loads {
        load.run(1)?;
    }
    for round in 1..=stage.rounds {
        for (load, series) in loads.iter().zip(&mut series) {
            let outcome = load.run(stage.seconds)?;
            if outcome.refused > 0 {
                return Err(Error::Missing(format!("{} batches were refused", outcome.refused)));
            }
            series.push(outcome.requests_per_second * CHECKS as f64);
        }
        println!("    round {round}");
    }
    let [few, many, garbage] = series;
    Ok(Section {
        title: "batch",
        method: format!(
            "`wrk -t1 -c{CONNECTIONS}` on `POST /verify/demo` with {CHECKS} checks of `read` in each body. {}",
            stage.length()
        ),
        rows: vec![
            Row::new(format!("live tokens of {FEW} stored, checks/s"), few).within(Budget::AtLeast(1e6)),
            Row::new(format!("live tokens of {} stored, checks/s", stage.many), many),
            Row::new("garbage, checks/s", garbage),
        ],
    })
}

/// The body of a batch.
pub(super) fn body(tokens: &[String]) -> String {
    let check = |token: &String| format!(r#"{{"token":"{token}","permission":"read"}}"#);
    format!(r#"{{"checks":[{}]}}"#, tokens.iter().map(check).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_is_json() {
        let body: serde_json::Value = serde_json::from_str(&body(&garbage(3))).unwrap();
        assert_eq!(body["checks"].as_array().unwrap().len(), 3);
        assert_eq!(body["checks"][0]["permission"], "read");
    }
}
