//! Forward-auth beside a server that only says `ok`, and beside a look-up in Redis.

use super::jeton::start_bare;
use super::nginx::Nginx;
use super::redis::Redis;
use super::report::{Budget, Row, Section};
use super::stats::Series;
use super::wrk::{Load, cycle_script};
use super::{FEW, Stage, garbage, spread};
use crate::error::Error;

/// GETs per second that Redis is expected to answer, roughly: redis-benchmark takes a count, not a time.
const REDIS_RATE: u64 = 90_000;
/// The rate of the token that has one: more than is asked, so that nothing is refused.
const RATE: &str = "1000000/1";

pub(super) fn run(stage: &Stage) -> Result<Section, Error> {
    let (small, large) = (stage.small()?, stage.large()?);
    let (few, many) = (small.serve(&[])?, large.serve(&[])?);
    let (_bare, bare_url) = start_bare(&stage.build)?;
    let nginx = Nginx::start(&stage.folder)?;
    let redis = Redis::start(&stage.folder)?;
    let asked = usize::try_from(FEW).unwrap_or(usize::MAX);
    let token = small.tokens.first().map_or("", String::as_str);
    let script = |name: &str, tokens: &[String]| cycle_script(&stage.folder.join(name), tokens);
    let cycled = |url, script| Load { script: Some(script), ..Load::get(url) };
    let limited = small.issue_with_rate(RATE)?;
    let loads = [
        few.auth(token),
        few.auth(&limited),
        Load::get(bare_url).bearer(token),
        Load::get(format!("http://{}/auth/demo", nginx.address)).bearer(token),
        cycled(few.url("/auth/demo"), script("few.lua", &small.tokens)?),
        cycled(many.url("/auth/demo"), script("many.lua", &spread(&large.tokens, asked))?),
        cycled(few.url("/auth/demo"), script("garbage.lua", &garbage(FEW))?),
    ];
    let mut series = loads.each_ref().map(|_| Series::default());
    let mut gets = Series::default();
    // A server that refused would be quick at it. The last load is garbage, which is refused as it should be.
    for (place, load) in loads.iter().enumerate() {
        let refused = load.run(1)?.refused;
        if (refused > 0) != (place == loads.len() - 1) {
            return Err(Error::Missing(format!("{}: {refused} requests were refused", load.url)));
        }
    }
    for round in 1..=stage.rounds {
        for (load, series) in loads.iter().zip(&mut series) {
            series.push(load.run(stage.seconds)?.requests_per_second);
        }
        gets.push(redis.gets(REDIS_RATE * u64::from(stage.seconds))?);
        println!("    round {round}");
    }
    let [live, limited, bare, nginx, few, many, garbage] = series;
    Ok(Section {
        title: "verify",
        method: format!(
            "`wrk -t1 -c32` on `/auth/demo`: with one live token, the same with a rate of {RATE}, beside a bare axum server that answers `ok`, nginx with \
             `return 200`, and Redis GET by `redis-benchmark -c 32`; then with {FEW} live tokens in turn, of as many that are \
             stored and of {}, and with {FEW} texts that nobody minted. {}",
            stage.many,
            stage.length()
        ),
        rows: vec![
            Row::new("one live token / bare axum", live.ratios(&bare)).within(Budget::AtLeast(0.9)),
            Row::new("one live token / Redis GET", live.ratios(&gets)).within(Budget::AtLeast(1.0)),
            Row::new("one live token with a rate / without", limited.ratios(&live))
                .within(Budget::AtLeast(0.85)),
            Row::new(format!("{} tokens stored / {FEW} stored", stage.many), many.ratios(&few))
                .within(Budget::AtLeast(0.95)),
            Row::new("garbage / live tokens", garbage.ratios(&few)).within(Budget::AtLeast(1.0)),
            Row::new("one live token, requests/s", live),
            Row::new("one live token with a rate, requests/s", limited),
            Row::new("bare axum, requests/s", bare),
            Row::new("nginx `return 200`, requests/s", nginx),
            Row::new("Redis GET, requests/s", gets),
            Row::new(format!("{FEW} live tokens of {FEW}, requests/s"), few),
            Row::new(format!("{FEW} live tokens of {}, requests/s", stage.many), many),
            Row::new("garbage, requests/s", garbage),
        ],
    })
}
