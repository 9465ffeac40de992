//! Changes of one token by many at once.

use crate::fixture::{DAY, EVERYTHING, With, World, global, grant, label};
use jeton_core::{
    Actor, Authority, AuthorityRefusal, Cause, ChangeKind, Description, InactiveReason, Lifetime, Owner,
    Permission, TokenId, TokenKind, Verdict,
};
use jeton_service::{Edit, Error, Refusal};
use serde_json::json;

async fn update(world: &World, id: TokenId, edit: &Edit) -> jeton_core::Token {
    world.service.update(&world.demo().await, &EVERYTHING, id, None, edit).await.unwrap().unwrap()
}

/// Runs all edits at once, each on a task of its own.
async fn at_once(
    world: &World,
    id: TokenId,
    edits: Vec<Edit>,
) -> Vec<Result<Result<jeton_core::Token, Refusal>, Error>> {
    let app = world.demo().await;
    let mut tasks = tokio::task::JoinSet::new();
    for edit in edits {
        let (service, app) = (world.service.clone(), app.clone());
        tasks.spawn(async move { service.update(&app, &EVERYTHING, id, None, &edit).await });
    }
    tasks.join_all().await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_edits_of_different_parts_none_is_lost() {
    let world = World::new().await;
    let id = world.issue(grant("read")).await.id;
    for round in 1..=5 {
        world.clock.advance_millis(1000);
        let text = format!("round {round}");
        let names: Vec<Permission> = Permission::parse_list(&format!("p{round}")).unwrap();
        let edits = vec![
            Edit { title: Some(label(&text)), ..Edit::default() },
            Edit { tags: Some(label(&text)), ..Edit::default() },
            Edit { description: Description::new(text.clone()).ok(), ..Edit::default() },
            Edit { permissions: Some((format!("p{round}"), names)), ..Edit::default() },
            Edit { enabled: Some(round % 2 == 0), ..Edit::default() },
            Edit { lifetime: Some(Lifetime::Millis(round * DAY)), ..Edit::default() },
        ];
        for answer in at_once(&world, id, edits).await {
            answer.unwrap().unwrap();
        }
        let token = world.store.token(world.demo().await.id, id).await.unwrap().unwrap().token;
        assert_eq!((token.spec.title, token.spec.tags), (Some(label(&text)), Some(label(&text))));
        assert_eq!(token.spec.description.unwrap().as_str(), text);
        assert_eq!(token.spec.scopes, global(&format!("p{round}")));
        assert_eq!(token.disabled_by, (round % 2 == 1).then_some(Actor::Cli));
        assert_eq!(token.expires_at, Some(world.service.now().saturating_add_millis(round * DAY)));
    }
}

/// How often an edit is tried anew. In every round at least one of those that are left gets through.
const TRIES: usize = 32;

/// Makes so many edits at once; how many of them were answered as made.
async fn made_of(edits: usize) -> usize {
    let world = World::new().await;
    let id = world.issue(grant("read")).await.id;
    let edits = (0..edits).map(|i| Edit { title: Some(label(&format!("t{i}"))), ..Edit::default() });
    let mut titles = Vec::new();
    for answer in at_once(&world, id, edits.collect()).await {
        match answer {
            Ok(token) => titles.push(token.unwrap().spec.title),
            Err(Error::Contended) => {}
            Err(other) => panic!("{other:?}"),
        }
    }
    let stored = world.store.token(world.demo().await.id, id).await.unwrap().unwrap();
    assert!(titles.contains(&stored.token.spec.title), "the last one stands");
    assert_eq!(world.changes(ChangeKind::TokenUpdated).await, titles.len(), "as many as were answered");
    titles.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_edit_that_is_answered_was_made_and_no_other() {
    assert_eq!(made_of(TRIES).await, TRIES);
    assert!(made_of(3 * TRIES).await >= TRIES, "the others get the answer that there were too many at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_edit_brings_back_what_is_revoked_at_the_same_time() {
    let world = World::new().await;
    for _ in 0..10 {
        let issued = world.issue(grant("read")).await;
        let id = issued.token.id;
        let edits = (0..8).map(|i| Edit {
            title: Some(label(&i.to_string())),
            enabled: Some(true),
            ..Edit::default()
        });
        let app = world.demo().await;
        let revoke = world.service.revoke(&app, &EVERYTHING, id, None);
        let (edited, revoked) = tokio::join!(at_once(&world, id, edits.collect()), revoke);
        revoked.unwrap().unwrap();
        for answer in edited {
            let answer = answer.unwrap();
            assert!(matches!(answer, Ok(_) | Err(Refusal::NotFound)), "{answer:?}");
        }
        assert_eq!(world.verdict(&issued.secret).await, Verdict::Inactive(InactiveReason::Revoked));
        assert_eq!(world.store.token(world.demo().await.id, id).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_revocations_one_did_it() {
    let world = World::new().await;
    let id = world.issue(grant("read")).await.id;
    let app = world.demo().await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let (service, app) = (world.service.clone(), app.clone());
        tasks.spawn(async move { service.revoke(&app, &EVERYTHING, id, None).await.unwrap() });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1, "{answers:?}");
    assert_eq!(world.changes(ChangeKind::TokenRevoked).await, 1);
}

#[tokio::test]
async fn a_lifetime_counts_from_the_write_within_the_apps_bound() {
    let world = World::new().await;
    let id = world.issue(grant("read")).await.id;
    world.clock.advance_millis(5 * DAY);
    let live = |lifetime| Edit { lifetime: Some(lifetime), ..Edit::default() };
    let now = world.service.now();
    assert_eq!(
        update(&world, id, &live(Lifetime::days(1))).await.expires_at,
        Some(now.saturating_add_millis(DAY))
    );
    assert_eq!(update(&world, id, &live(Lifetime::Unlimited)).await.expires_at, None);
    let patch = json!({"max_ttl_seconds": 10});
    world.service.merge_settings(&"demo".parse().unwrap(), &patch, &Cause::CLI).await.unwrap();
    assert_eq!(
        update(&world, id, &live(Lifetime::Unlimited)).await.expires_at,
        Some(now.saturating_add_millis(10_000))
    );
    // An edit that says nothing of the lifetime leaves it as it is.
    world.clock.advance_millis(5_000);
    let edit = Edit { title: Some(label("x")), ..Edit::default() };
    assert_eq!(update(&world, id, &edit).await.expires_at, Some(now.saturating_add_millis(10_000)));
}

#[tokio::test]
async fn a_user_does_not_prolong_beyond_its_own_end() {
    let world = World::new().await;
    let app = world.demo().await;
    let issue = jeton_service::Issue {
        lifetime: jeton_service::RequestedLifetime::Asked(Lifetime::days(2)),
        ..grant("read")
    };
    let caller = world.issue(issue.clone()).await;
    let token = world.issue(issue).await;
    let stored = world.store.token(app.id, caller.id).await.unwrap().unwrap().token;
    let authority = Authority::of(stored.bearer(), None, &jeton_core::Settings::default()).unwrap().unwrap();
    let change =
        async |edit: Edit| world.service.update(&app, &authority, token.id, None, &edit).await.unwrap();
    let live = |lifetime| Edit { lifetime: Some(lifetime), ..Edit::default() };
    let outlives = Err(Refusal::Forbidden(AuthorityRefusal::Outlives));
    assert_eq!(change(live(Lifetime::Unlimited)).await, outlives);
    assert_eq!(change(live(Lifetime::Millis(2 * DAY + 1))).await, outlives);
    let not_held = Err(Refusal::Forbidden(AuthorityRefusal::NotHeld));
    assert_eq!(change(Edit { scopes: Some(global("read,write")), ..Edit::default() }).await, not_held);
    assert!(change(live(Lifetime::Millis(2 * DAY))).await.is_ok());
    assert!(change(live(Lifetime::Millis(0))).await.is_ok());
}

#[tokio::test]
async fn scopes_go_with_the_kind() {
    let world = World::new().await;
    let app = world.demo().await;
    let service = grant("jeton:verify").with(|token| {
        token.spec.kind = TokenKind::Service;
        token.spec.owner = Owner::Nobody;
    });
    for (issue, permissions, refused) in [
        (crate::fixture::identity(), "read", AuthorityRefusal::IdentityToken),
        (grant("read"), "jeton:manage", AuthorityRefusal::Reserved),
        (service.clone(), "read", AuthorityRefusal::ServiceToken),
        (service, "", AuthorityRefusal::ServiceToken),
    ] {
        let id = world.issue(issue).await.id;
        let before = world.store.token(app.id, id).await.unwrap();
        let edit = Edit { scopes: Some(global(permissions)), ..Edit::default() };
        let answer = world.service.update(&app, &EVERYTHING, id, None, &edit).await.unwrap();
        assert_eq!(answer, Err(Refusal::Forbidden(refused)));
        assert_eq!(world.store.token(app.id, id).await.unwrap(), before);
    }
}
