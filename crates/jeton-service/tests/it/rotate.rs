//! Rotation of tokens.

use crate::fixture::{EVERYTHING, World, grant, identity};
use jeton_core::{
    Actor, AuthorityRefusal, Cause, ChangeKind, Demand, InactiveReason, Lifetime, Secret, Verdict,
};
use jeton_service::{Admission, Issue, Issued, Refusal, RequestedLifetime, ShownSecret, Surface};
use serde_json::json;
use std::net::IpAddr;
use std::time::Duration;

const EXPIRED: Verdict = Verdict::Inactive(InactiveReason::Expired);
const REVOKED: Verdict = Verdict::Inactive(InactiveReason::Revoked);
const DAY_MILLIS: i64 = 86_400_000;
const DAY: Duration = Duration::from_secs(86_400);

async fn rotate(world: &World, token: &Issued, grace: Option<Duration>) -> Issued {
    let app = world.demo().await;
    world.service.rotate(&app, &EVERYTHING, token.token.id, None, grace).await.unwrap().unwrap()
}

#[tokio::test]
async fn both_are_good_meanwhile_and_then_the_new_one_alone() {
    let world = World::new().await;
    let first = world.issue(grant("read")).await;
    assert_eq!(world.verdict(&first.secret).await, Verdict::Allowed);
    let second = rotate(&world, &first, Some(DAY)).await;
    assert_eq!((second.token.id, &second.token.spec), (first.token.id, &first.token.spec));
    assert_ne!(second.secret.expose(), first.secret.expose());
    for secret in [&first.secret, &second.secret] {
        assert_eq!(world.verdict(secret).await, Verdict::Allowed);
    }
    world.clock.advance_millis(DAY_MILLIS - 1);
    assert_eq!(world.verdict(&first.secret).await, Verdict::Allowed);
    assert!(world.is_admitted(&first.secret).await);
    world.clock.advance_millis(1);
    assert_eq!(world.verdict(&first.secret).await, EXPIRED);
    assert!(!world.is_admitted(&first.secret).await);
    assert_eq!(world.verdict(&second.secret).await, Verdict::Allowed);
    // Without grace, at once: from the answer on.
    let third = rotate(&world, &second, None).await;
    assert_eq!(world.verdict(&second.secret).await, EXPIRED);
    assert_eq!(world.verdict(&third.secret).await, Verdict::Allowed);
    world.revoke(third.token.id).await;
    for secret in [&first.secret, &second.secret, &third.secret] {
        assert_eq!(world.verdict(secret).await, REVOKED);
    }
    assert_eq!(world.changes(ChangeKind::TokenRotated).await, 2);
}

#[tokio::test]
async fn nothing_is_prolonged_or_revived() {
    let world = World::new().await;
    let lifetime = RequestedLifetime::Asked(Lifetime::Millis(1_000));
    let token = world.issue(Issue { lifetime, ..grant("read") }).await;
    let rotated = rotate(&world, &token, Some(DAY)).await;
    assert_eq!(rotated.token.expires_at, token.token.expires_at);
    world.clock.advance_millis(1_000);
    for secret in [&token.secret, &rotated.secret] {
        assert_eq!(world.verdict(secret).await, EXPIRED);
    }
    let again = rotate(&world, &token, None).await;
    assert_eq!(world.verdict(&again.secret).await, EXPIRED);
    world.revoke(token.token.id).await;
    let app = world.demo().await;
    let refused = world.service.rotate(&app, &EVERYTHING, token.token.id, None, None).await.unwrap();
    assert!(matches!(refused, Err(Refusal::NotFound)));
}

#[tokio::test]
async fn the_new_secret_is_kept_as_the_old_one_was() {
    let world = World::new().await;
    let app = world.demo().await;
    let shown = async |id| {
        let listed = world.service.show(&app, &EVERYTHING, id).await.unwrap().unwrap();
        match listed.secret {
            ShownSecret::Clear(secret) => Some(secret.expose().to_owned()),
            ShownSecret::Masked(_) | ShownSecret::Gone => None,
        }
    };
    let token = world.issue(grant("read")).await;
    let rotated = rotate(&world, &token, Some(DAY)).await;
    assert_eq!(shown(token.token.id).await.as_deref(), Some(rotated.secret.expose()));
}

#[tokio::test]
async fn users_rotate_what_they_may_issue_and_what_they_present() {
    let world = World::new().await;
    let demo = "demo".parse().unwrap();
    let admitted = async |secret: &Secret| match world
        .service
        .admit(Surface::AppKey, Some(&demo), Some(secret), None)
        .await
        .unwrap()
    {
        Admission::Admitted { app, authority } => (app, authority),
        refused => panic!("{refused:?}"),
    };
    let reader = world.issue(grant("read")).await;
    let writer = world.issue(grant("read,write")).await;
    let own = world.issue(identity()).await;
    let (app, by_reader) = admitted(&reader.secret).await;
    let refused = world.service.rotate(&app, &by_reader, writer.token.id, None, None).await.unwrap();
    assert!(matches!(refused, Err(Refusal::Forbidden(AuthorityRefusal::BeyondCaller))), "{refused:?}");
    assert_eq!(world.verdict(&writer.secret).await, Verdict::Allowed);
    let rotated = world.service.rotate(&app, &by_reader, reader.token.id, None, None).await.unwrap().unwrap();
    assert_eq!(world.verdict(&reader.secret).await, EXPIRED);
    assert_eq!(world.verdict(&rotated.secret).await, Verdict::Allowed);
    let (app, by_own) = admitted(&own.secret).await;
    assert!(world.service.rotate(&app, &by_own, own.token.id, None, None).await.unwrap().is_ok());
    let refused = world.service.rotate(&app, &by_own, writer.token.id, None, None).await.unwrap();
    assert!(matches!(refused, Err(Refusal::Forbidden(_))), "{refused:?}");
}

#[tokio::test]
async fn an_old_secret_that_is_presented_is_reported_once_and_may_kill() {
    let world = World::new().await;
    let demo = "demo".parse().unwrap();
    let from: IpAddr = "192.0.2.7".parse().unwrap();
    let token = world.issue(grant("read")).await;
    let rotated = rotate(&world, &token, Some(DAY)).await;
    let present = async || {
        world.service.verify(&demo, &token.secret, &Demand::Active, Some(from)).await.unwrap().verdict
    };
    assert_eq!(present().await, Verdict::Allowed);
    world.service.report_reuses().await.unwrap();
    assert_eq!(world.changes(ChangeKind::TokenReused).await, 0, "its grace is not over");
    world.clock.advance_millis(DAY_MILLIS);
    for _ in 0..3 {
        assert_eq!(present().await, EXPIRED);
        assert!(!world.is_admitted(&token.secret).await);
        world.service.report_reuses().await.unwrap();
    }
    let log = world.store.changes(0, 1_000).await.unwrap();
    let told: Vec<_> = log.iter().filter(|change| change.kind == ChangeKind::TokenReused).collect();
    assert_eq!(told.len(), 1, "once an hour");
    assert_eq!(told[0].token_id(), Some(token.token.id));
    assert_eq!(told[0].by, Cause::new(Actor::ReuseDetection, Some(from)));
    assert_eq!(world.verdict(&rotated.secret).await, Verdict::Allowed);

    let patch = json!({"rotation": {"on_reuse": "revoke-lineage"}});
    world.service.merge_settings(&demo, &patch, &Cause::CLI).await.unwrap();
    world.clock.advance_millis(3_600_000);
    assert_eq!(present().await, EXPIRED);
    world.service.report_reuses().await.unwrap();
    assert_eq!(world.verdict(&rotated.secret).await, REVOKED);
    assert_eq!(world.service.measures().reused_secrets.get(), 7);
}
