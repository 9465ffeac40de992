//! Secrets beside the one that a token shows.

use crate::fixture::{EVERYTHING, World, grant};
use jeton_core::{ChangeKind, Clock, InactiveReason, Secret, Timestamp, TokenId, Verdict};
use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};
use tokio::sync::oneshot;

const HOUR: i64 = 3_600_000;
const UNKNOWN: Verdict = Verdict::Inactive(InactiveReason::Unknown);
const EXPIRED: Verdict = Verdict::Inactive(InactiveReason::Expired);

/// Gives a token of `demo` the secret of a token of another app, from and until an instant.
async fn lend(world: &World, token: TokenId, from: Timestamp, until: Timestamp) -> Secret {
    world.create_app("lender").await;
    let lender = world.open("lender").await;
    let lent = world.service.issue(&lender, &EVERYTHING, grant("read")).await.unwrap().unwrap();
    let log = world.store.changes(0, 1_000).await.unwrap();
    let issued = log.iter().rfind(|change| change.kind == ChangeKind::TokenIssued).unwrap();
    let hex: String = issued.digest.unwrap().as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let (app, from, until) = (world.demo().await.id, from.as_millis(), until.as_millis());
    let sql = format!(
        "INSERT INTO token_digests (digest, app_id, token_id, digest_key_id, is_foreign, good_from, good_until) \
         VALUES (x'{hex}', {app}, {token}, 1, 0, {from}, {until})"
    );
    let url = format!("sqlite://{}", world.data().join("jeton.db").display());
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    connection.execute(AssertSqlSafe(sql)).await.unwrap();
    lent.secret
}

/// Whatever is remembered, a further secret is good from its instant on and until its other one, and ends
/// nothing else.
async fn further_secret(follows: bool) {
    let world = World::new().await;
    let (stop, stopped) = oneshot::channel();
    let following = world.service.clone();
    let task = tokio::spawn(async move {
        if follows {
            following.follow_changes(async { drop(stopped.await) }).await;
        }
    });
    let token = world.issue(grant("read")).await;
    let now = world.clock.now();
    let (from, until) = (now.saturating_add_millis(HOUR), now.saturating_add_millis(2 * HOUR));
    let further = lend(&world, token.id, from, until).await;
    for (step, expected, lets_in) in [(0, UNKNOWN, false), (1, Verdict::Allowed, true), (2, EXPIRED, false)] {
        if step > 0 {
            world.clock.advance_millis(HOUR);
        }
        for _ in 0..3 {
            settle(&world, follows).await;
            assert_eq!(world.verdict(&further).await, expected, "{step}");
            assert_eq!(world.is_admitted(&further).await, lets_in, "{step}");
            assert_eq!(world.verdict(&token.secret).await, Verdict::Allowed, "{step}");
        }
    }
    stop.send(()).ok();
    task.await.unwrap();
}

async fn settle(world: &World, follows: bool) {
    let before = world.service.cache_stats().polls;
    while follows && world.service.cache_stats().polls < before + 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_further_secret_is_good_for_its_time_where_the_store_is_asked() {
    further_secret(false).await;
}

#[tokio::test]
async fn a_further_secret_is_good_for_its_time_where_memory_answers() {
    further_secret(true).await;
}
