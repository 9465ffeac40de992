//! What a server holds in memory, and how long it takes to start.

use super::jeton::{Installation, Jeton};
use super::report::{Budget, Row, Section};
use super::stats::Series;
use super::{FEW, Stage};
use crate::error::Error;

const MEBIBYTE: f64 = 1024.0 * 1024.0;
/// Checks in a batch, by which tokens get into the cache.
const BATCH: usize = 1_000;
/// How often the first of them is verified before memory is looked at: for longer than the allocator keeps what was freed.
const SETTLING: usize = 1_000;

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let (small, large) = (stage.small()?, stage.large()?);
    let (mut idle, mut per_token) = (Series::default(), Series::default());
    let (mut starts, mut large_starts) = (Series::default(), Series::default());
    for round in 1..=stage.rounds {
        let server = small.serve(&[])?;
        starts.push(server.started_in.as_secs_f64() * 1e3);
        idle.push(server.resident_bytes()? as f64 / MEBIBYTE);
        server.stop()?;
        let server = large.serve(&[])?;
        large_starts.push(server.started_in.as_secs_f64() * 1e3);
        per_token.push(bytes_per_token(&server, large)?);
        server.stop()?;
        println!("    round {round}");
    }
    let cached = large.tokens.len();
    Ok(Section {
        title: "memory",
        method: format!(
            "Resident memory of a server that has just started; what each of {cached} tokens adds that were verified, in batches, \
             beyond the first {BATCH}; from the start of the process to its word that it listens. {} rounds.",
            stage.rounds
        ),
        rows: vec![
            Row::new(format!("idle with {FEW} tokens stored, MiB"), idle).within(Budget::AtMost(40.0)),
            Row::new("per cached token, bytes", per_token).within(Budget::AtMost(300.0)),
            Row::new(format!("start with {} tokens stored, ms", stage.many), large_starts)
                .within(Budget::AtMost(300.0)),
            Row::new(format!("start with {FEW} tokens stored, ms"), starts),
        ],
    })
}

/// Verifies all tokens that are known. Before either look at the memory, the first batch is verified again and again: what is not of any
/// token, buffers and connections, is there then, and the allocator, which keeps for a tenth of a second what was freed, has given back
/// what the look-ups took.
fn bytes_per_token(server: &Jeton, installation: &Installation) -> Result<f64, Error> {
    let client = server.client();
    let mut verify = |tokens: &[String]| {
        let body = super::batch::body(tokens);
        let (status, _) = client.ask("POST", "/verify/demo", &installation.admin_token, &body)?;
        match status {
            200 => Ok(()),
            other => Err(Error::Missing(format!("a batch was answered with {other}"))),
        }
    };
    let (first, rest) = installation.tokens.split_at(installation.tokens.len().min(BATCH));
    let settle = |verify: &mut dyn FnMut(&[String]) -> Result<(), Error>| {
        (0..SETTLING).try_for_each(|_| verify(first))
    };
    settle(&mut verify)?;
    let before = server.resident_bytes()?;
    for tokens in rest.chunks(BATCH) {
        verify(tokens)?;
    }
    settle(&mut verify)?;
    let after = server.resident_bytes()?;
    Ok(after.saturating_sub(before) as f64 / rest.len().max(1) as f64)
}
