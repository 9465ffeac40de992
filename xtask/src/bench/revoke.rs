//! From the answer to a revoke to the first refusal.

use super::Stage;
use super::child::now;
use super::jeton::Installation;
use super::report::{Budget, Row, Section};
use super::stats::Series;
use crate::error::Error;
use serde_json::Value;

/// Tokens revoked in each round.
const REVOKES: u32 = 200;

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let installation = Installation::make(&stage.build, stage.folder.join("revoke"), (1, 0), 1)?;
    let server = installation.serve(&[])?;
    let admin = installation.admin_token.as_str();
    let (manager, gateway) = (server.client(), server.client());
    let (mut revokes, mut refusals, mut allowed) = (Series::default(), Series::default(), Series::default());
    for round in 1..=stage.rounds {
        let (mut revoke, mut refusal, mut late) = (Series::default(), Series::default(), 0);
        for _ in 0..REVOKES {
            let (status, body) = manager.ask(
                "POST",
                "/AccessToken/demo",
                admin,
                r#"{"title":"bench","permissions":"read"}"#,
            )?;
            let body: Value = serde_json::from_str(&body).unwrap_or_default();
            let token = body["data"]["access_token"].as_str().unwrap_or_default();
            expect("create", status, 200)?;
            let check = format!(r#"{{"token":"{token}"}}"#);
            let (status, checked) = manager.ask("POST", "/verify/demo", admin, &check)?;
            expect("verify", status, 200)?;
            let checked: Value = serde_json::from_str(&checked).unwrap_or_default();
            let id = checked["token_id"].as_i64().unwrap_or_default();
            // Twice, so that the second comes from the cache.
            for _ in 0..2 {
                expect("auth", gateway.ask("GET", "/auth/demo?permission=read", token, "")?.0, 200)?;
            }
            let begun = now();
            let path = format!("/AccessToken/demo/{id}");
            expect("revoke", manager.ask("DELETE", &path, admin, "")?.0, 200)?;
            revoke.push(begun.elapsed().as_secs_f64() * 1e3);
            let answered = now();
            while gateway.ask("GET", "/auth/demo?permission=read", token, "")?.0 != 401 {
                late += 1;
            }
            refusal.push(answered.elapsed().as_secs_f64() * 1e3);
        }
        revokes.push(revoke.quantile(0.99).unwrap_or(f64::NAN));
        refusals.push(refusal.quantile(0.99).unwrap_or(f64::NAN));
        allowed.push(f64::from(late));
        println!("    round {round}");
    }
    Ok(Section {
        title: "revoke",
        method: format!(
            "A token is issued, allowed by `/auth/demo` twice and revoked over the user-token API; from the answer on, another \
             connection asks until it is refused. {} rounds of {REVOKES} tokens.",
            stage.rounds
        ),
        rows: vec![
            Row::new("requests allowed after the answer", allowed).within(Budget::AtMost(0.0)),
            Row::new("from the answer to a refusal, one request, p99 of a round, ms", refusals),
            Row::new("the revoke itself, p99 of a round, ms", revokes),
        ],
    })
}

fn expect(what: &str, found: u16, expected: u16) -> Result<(), Error> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Missing(format!("{what} was answered with {found}, not {expected}")))
}
