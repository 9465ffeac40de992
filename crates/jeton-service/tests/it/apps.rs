//! Making, rotating and deleting apps.

use crate::fixture::{EVERYTHING, World, grant, identity, secret};
use jeton_core::{AppKey, Authority, Cause, ChangeKind, Digest, InactiveReason, Secret, Verdict};
use jeton_service::Progress;
use jeton_service::{ClientCredentials, ImportRow, Imported, Keys, Merged, OpenApp, Surface};
use jeton_store::write::SweepDeletedApps;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

const UNKNOWN: Verdict = Verdict::Inactive(InactiveReason::Unknown);

async fn client_secret(world: &World, key: &str) -> Digest {
    world.store.app_by_key(&key.parse().unwrap()).await.unwrap().unwrap().client_secrets[0].digest
}

#[tokio::test]
async fn a_key_is_given_out_once() {
    let world = World::new().await;
    let key = "demo".parse().unwrap();
    let before = world.store.apps().await.unwrap();
    let again = world.service.create_app(&key, "2".parse().unwrap(), &Cause::CLI).await.unwrap();
    assert!(again.is_none());
    assert_eq!(world.store.apps().await.unwrap(), before);
    world.create_app("Demo").await;
    let keys: Vec<_> = world
        .service
        .apps()
        .await
        .unwrap()
        .into_iter()
        .map(|app| (app.key.to_string(), app.is_default))
        .collect();
    assert_eq!(keys, [("demo".to_owned(), true), ("Demo".to_owned(), false)], "case matters");
    assert!(world.service.app(&"nobody".parse().unwrap()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_rotated_client_secret_replaces_the_old_one() {
    let world = World::new().await;
    let (keys, key) = (Keys::derive(&world.ring), "demo".parse().unwrap());
    let old = &world.initial.app;
    assert!(keys.is_client_secret(&old.client_secret, &client_secret(&world, "demo").await));
    let (client_id, new) =
        world.service.rotate_client_secret(&key, None, &Cause::CLI).await.unwrap().unwrap();
    assert_eq!(client_id, old.client_id);
    let stored = client_secret(&world, "demo").await;
    assert!(keys.is_client_secret(&new, &stored) && !keys.is_client_secret(&old.client_secret, &stored));
    assert_eq!(world.changes(ChangeKind::AppUpdated).await, 1);
    let nobody =
        world.service.rotate_client_secret(&"nobody".parse().unwrap(), None, &Cause::CLI).await.unwrap();
    assert!(nobody.is_none());
}

#[tokio::test]
async fn an_old_client_secret_is_good_for_its_grace_and_no_longer() {
    const HOUR: i64 = 3_600_000;
    let world = World::new().await;
    let key: AppKey = "demo".parse().unwrap();
    let first = secret(world.initial.app.client_secret.expose());
    let rotate = async |grace| {
        let grace = Some(Duration::from_millis(u64::try_from(grace).unwrap()));
        world.service.rotate_client_secret(&key, grace, &Cause::CLI).await.unwrap().unwrap().1
    };
    let second = rotate(2 * HOUR).await;
    // Callers admitted by the first one still are.
    let (held, authority) = admitted(&world, &first).await.unwrap();
    let issue = async || world.service.issue(&held, &authority, grant("read")).await.unwrap();
    world.clock.advance_millis(HOUR);
    let third = rotate(10 * HOUR).await;
    for secret in [&first, &second, &third] {
        assert!(admitted(&world, secret).await.is_some());
    }
    world.clock.advance_millis(HOUR - 1);
    assert!(admitted(&world, &first).await.is_some() && issue().await.is_ok());
    world.clock.advance_millis(1);
    assert!(admitted(&world, &first).await.is_none(), "a later grace does not prolong it");
    assert!(admitted(&world, &second).await.is_some() && admitted(&world, &third).await.is_some());

    let last = world.service.rotate_client_secret(&key, None, &Cause::CLI).await.unwrap().unwrap().1;
    for secret in [&first, &second, &third] {
        assert!(admitted(&world, secret).await.is_none());
    }
    assert!(admitted(&world, &last).await.is_some());
    let stored = world.store.app_by_key(&key).await.unwrap().unwrap();
    assert_eq!(stored.client_secrets.len(), 1, "nothing is left of the others");

    for _ in 0..5 {
        rotate(HOUR).await;
    }
    let stored = world.store.app_by_key(&key).await.unwrap().unwrap();
    assert_eq!(stored.client_secrets.len(), 4, "its own and three");
    world.service.delete_app(&key, &Cause::CLI).await.unwrap();
    assert_eq!(world.store.client_of(&key).await.unwrap(), None);
    assert_eq!(world.store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
}

/// The app and what its client may do, for this client secret of `demo`.
async fn admitted(world: &World, secret: &Secret) -> Option<(Arc<OpenApp>, Authority)> {
    let key: AppKey = "demo".parse().unwrap();
    let id = world.initial.app.client_id.clone();
    let secret = Secret::parse(secret.expose()).unwrap();
    let credentials = ClientCredentials { id, secret };
    world.service.admit_client(Surface::Dotide, Some(&key), Some(&credentials), None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn rotations_and_merges_at_once_do_not_undo_each_other() {
    let world = World::new().await;
    let key = "demo".parse().unwrap();
    let rotate = || world.service.rotate_client_secret(&key, None, &Cause::CLI);
    let patch = json!({"token_prefix": "x"});
    let merge = world.service.merge_settings(&key, &patch, &Cause::CLI);
    let (one, merged, two) = tokio::join!(rotate(), merge, rotate());
    assert!(matches!(merged.unwrap(), Merged::Done(_)));
    assert_eq!(world.demo().await.settings.common.token_prefix.unwrap().as_str(), "x");
    let (keys, stored) = (Keys::derive(&world.ring), client_secret(&world, "demo").await);
    let good = [one, two].map(|answer| keys.is_client_secret(&answer.unwrap().unwrap().1, &stored));
    assert_eq!(good.into_iter().filter(|good| *good).count(), 1, "the last one holds");
}

#[tokio::test]
async fn a_deleted_app_comes_back_empty() {
    let world = World::new().await;
    let key = "tenant".parse().unwrap();
    let old = world.create_app("tenant").await;
    let old_app = world.open("tenant").await;
    let issue = async |app| world.service.issue(app, &EVERYTHING, grant("read")).await.unwrap().unwrap();
    let token = issue(&old_app).await;
    assert_eq!(world.verdict_in("tenant", &token.secret).await, Verdict::Allowed);
    assert!(world.service.delete_app(&key, &Cause::CLI).await.unwrap());
    assert!(!world.service.delete_app(&key, &Cause::CLI).await.unwrap());
    assert_eq!(world.verdict_in("tenant", &token.secret).await, UNKNOWN);
    assert!(world.service.open_app(&key).await.unwrap().is_none());
    let digests: Vec<_> = Keys::derive(&world.ring).digests(&token.secret).collect();
    assert!(world.store.find_tokens(&digests).await.unwrap().is_empty());

    let new = world.create_app("tenant").await;
    let new_app = world.open("tenant").await;
    assert_ne!((new_app.id, &new.client_id), (old_app.id, &old.client_id));
    for secret in [&token.secret, &old.admin_token] {
        assert_eq!(world.verdict_in("tenant", secret).await, UNKNOWN);
    }
    assert_eq!(world.count(&new_app).await, 1, "its own admin token");
    let keys = Keys::derive(&world.ring);
    assert!(!keys.is_client_secret(&old.client_secret, &client_secret(&world, "tenant").await));
    assert!(issue(&new_app).await.id > token.id, "numbers are never used again");
    // The new app may take over the very secret that was good in the old one.
    let row = ImportRow {
        secret: secret(token.secret.expose()).into(),
        issue: identity(),
        created_at: None,
        expires_at: None,
        enabled: true,
    };
    let taken = world.service.import(&new_app, vec![row], false, &Cause::CLI).await.unwrap();
    assert!(matches!(taken[..], [Imported::Taken(_)]), "{taken:?}");
}

#[tokio::test]
async fn who_still_holds_a_deleted_app_reaches_nothing() {
    let world = World::new().await;
    let key = "tenant".parse().unwrap();
    world.create_app("tenant").await;
    let held = world.open("tenant").await;
    let token = world.service.issue(&held, &EVERYTHING, grant("read")).await.unwrap().unwrap();
    assert!(world.service.delete_app(&key, &Cause::CLI).await.unwrap());
    world.create_app("tenant").await;
    // Requests that were admitted before the deletion still hold the old app.
    let late = world.service.issue(&held, &EVERYTHING, grant("read")).await.unwrap().unwrap();
    for token in [&token, &late] {
        assert_eq!(world.verdict_in("tenant", &token.secret).await, UNKNOWN);
        assert!(world.service.show(&held, &EVERYTHING, token.id).await.unwrap().is_none());
        let revoked = world.service.revoke(&held, &EVERYTHING, token.id, None).await.unwrap();
        assert_eq!(revoked, Err(jeton_service::Refusal::NotFound));
    }
    assert_eq!(world.count(&held).await, 0);
    assert_eq!(world.count(&world.open("tenant").await).await, 1);
}

#[tokio::test]
async fn more_tokens_than_one_sweep_removes_are_all_removed() {
    let world = World::new().await;
    world.create_app("tenant").await;
    let app = world.open("tenant").await;
    let row = |number: usize| ImportRow {
        secret: secret(&format!("{number:040}")).into(),
        issue: grant("read"),
        created_at: None,
        expires_at: None,
        enabled: true,
    };
    world.service.import(&app, (0..1201).map(row).collect(), false, &Cause::CLI).await.unwrap();
    assert_eq!(world.count(&app).await, 1202);
    assert!(world.service.delete_app(&"tenant".parse().unwrap(), &Cause::CLI).await.unwrap());
    assert_eq!(
        world.store.write(SweepDeletedApps { limit: 1 }).await.unwrap(),
        0,
        "nothing is left to sweep"
    );
    assert_eq!(world.count(&world.demo().await).await, 1, "other apps keep theirs");
}
