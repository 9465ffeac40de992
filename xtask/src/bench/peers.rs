//! What others take to say whether a token is good.

use super::child::{Child, free_port};
use super::report::{Row, Section};
use super::stats::Series;
use super::wrk::Load;
use super::{FEW, Stage};
use crate::error::Error;
use crate::needs;
use crate::root;
use std::path::Path;
use std::process::Command;

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let peers = needs::install_peers()?;
    let small = stage.small()?;
    let server = small.serve(&[])?;
    let (_bao, bao) = openbao(&peers.openbao, &stage.folder)?;
    let (_loopback, loopback) = loopback3(&peers.node, FEW)?;
    let token = small.tokens.first().map_or("", String::as_str);
    let loads = [server.auth(token), bao, loopback];
    let mut series = loads.each_ref().map(|_| Series::default());
    for load in &loads {
        let outcome = load.run(1)?;
        if outcome.refused > 0 {
            return Err(Error::Missing(format!("{} refused the request", load.url)));
        }
    }
    for round in 1..=stage.rounds {
        for (load, series) in loads.iter().zip(&mut series) {
            series.push(load.run(stage.seconds)?.requests_per_second);
        }
        println!("    round {round}");
    }
    let [jeton, bao, loopback] = series;
    Ok(Section {
        title: "peers",
        method: format!(
            "`wrk -t1 -c32`, one live token: Jeton's `/auth/demo`; OpenBao's `GET /v1/auth/token/lookup-self`, in its development \
             mode, which keeps everything in memory; LoopBack 3's `GET /api/accessTokens/:id`, with {FEW} tokens in memory and no \
             access rules. {}",
            stage.length()
        ),
        rows: vec![
            Row::new("Jeton / OpenBao", jeton.ratios(&bao)),
            Row::new("Jeton / LoopBack 3", jeton.ratios(&loopback)),
            Row::new("Jeton, requests/s", jeton),
            Row::new("OpenBao, requests/s", bao),
            Row::new("LoopBack 3, requests/s", loopback),
        ],
    })
}

fn openbao(program: &Path, folder: &Path) -> Result<(Child, Load), Error> {
    let port = free_port()?;
    let mut command = Command::new(program);
    command.args(["server", "-dev", "-dev-no-store-token", "-dev-root-token-id=bench"]);
    command.arg(format!("-dev-listen-address=127.0.0.1:{port}")).current_dir(folder);
    let child = Child::start(&mut command)?;
    child.wait_for_port(port)?;
    let mut load = Load::get(format!("http://127.0.0.1:{port}/v1/auth/token/lookup-self"));
    load.headers.push("X-Vault-Token: bench".to_owned());
    Ok((child, load))
}

/// LoopBack 3 with so many tokens, 20 of each user, and a load that asks for one of them by its id.
pub(super) fn loopback3(modules: &Path, tokens: u64) -> Result<(Child, Load), Error> {
    let mut command = Command::new("node");
    command.arg(root().join("xtask/src/bench/loopback3.js")).arg(tokens.to_string());
    command.env("NODE_PATH", modules.join("node_modules")).env("NODE_ENV", "production");
    let child = Child::start(&mut command)?;
    let url = child.wait_for("listening on ")?;
    Ok((child, Load::get(url)))
}
