//! Taking over what another system issued.

use crate::fixture::{DAY, With, World, global, grant, identity, label, secret};
use jeton_core::{
    Actor, AuthorityRefusal, Cause, Clock, InactiveReason, Owner, Policy, PolicyCaller, TokenKind, Verdict,
};
use jeton_service::{ImportRow, Imported, Issue};
use serde_json::json;

/// Long enough to be taken everywhere: 32 characters.
const STRONG: &str = "an-old-token-of-32-characters-xx";
/// One character less.
const WEAK: &str = "an-old-token-of-31-characters-x";

const UNKNOWN: Verdict = Verdict::Inactive(InactiveReason::Unknown);

fn row(text: &str, issue: Issue) -> ImportRow {
    ImportRow { secret: secret(text).into(), issue, created_at: None, expires_at: None, enabled: true }
}

async fn import(world: &World, rows: Vec<ImportRow>, allow_weak: bool) -> Vec<Imported> {
    world.service.import(&world.demo().await, rows, allow_weak, &Cause::CLI).await.unwrap()
}

#[tokio::test]
async fn a_foreign_secret_is_good_under_its_old_text() {
    let world = World::new().await;
    assert_eq!(STRONG.len(), 32);
    let [Imported::Taken(id)] = import(&world, vec![row(STRONG, grant("read"))], false).await[..] else {
        panic!("it was not taken")
    };
    assert_eq!(world.verdict(&secret(STRONG)).await, Verdict::Allowed);
    assert!(world.is_admitted(&secret(STRONG)).await);
    for other in [STRONG.to_uppercase(), format!("{STRONG} "), format!("x_{STRONG}"), STRONG[1..].to_owned()]
    {
        assert_eq!(world.verdict(&secret(&other)).await, UNKNOWN, "{other}");
    }
    let stored = world.store.token(world.demo().await.id, id).await.unwrap().unwrap();
    assert!(stored.is_foreign);
    world.create_app("other").await;
    assert_eq!(world.verdict_in("other", &secret(STRONG)).await, UNKNOWN);
}

#[tokio::test]
async fn what_can_be_guessed_is_taken_only_on_demand_and_good_nowhere_here() {
    let world = World::new().await;
    let characters = "ß".repeat(31);
    for weak in [WEAK, "x", &characters] {
        assert_eq!(import(&world, vec![row(weak, identity())], false).await, [Imported::Weak], "{weak}");
        assert_eq!(world.verdict(&secret(weak)).await, UNKNOWN, "{weak}");
        let taken = import(&world, vec![row(weak, identity())], true).await;
        assert!(matches!(taken[..], [Imported::Taken(_)]), "{weak}: {taken:?}");
        assert_eq!(world.verdict(&secret(weak)).await, UNKNOWN, "{weak}");
        assert!(!world.is_admitted(&secret(weak)).await, "{weak}");
    }
}

#[tokio::test]
async fn a_secret_is_taken_once_in_an_app() {
    let world = World::new().await;
    let minted = world.issue(grant("read")).await;
    let other = "another-token-of-32-characters-x";
    let rows = vec![
        row(STRONG, grant("read")),
        row(STRONG, grant("read,write")),
        row(other, grant("read")),
        row(minted.secret.expose(), grant("read,write")),
    ];
    let outcomes = import(&world, rows, false).await;
    let [Imported::Taken(first), Imported::Duplicate, Imported::Taken(_), Imported::Duplicate] = outcomes[..]
    else {
        panic!("{outcomes:?}")
    };
    // The first one won, with its own scopes; the minted one is as it was.
    let scopes =
        async |id| world.store.token(world.demo().await.id, id).await.unwrap().unwrap().token.spec.scopes;
    assert_eq!((scopes(first).await, scopes(minted.id).await), (global("read"), global("read")));
    assert_eq!(import(&world, vec![row(STRONG, identity())], true).await, [Imported::Duplicate]);
    // Another app is another matter.
    world.create_app("other").await;
    let rows = vec![row(STRONG, grant("write"))];
    let taken = world.service.import(&world.open("other").await, rows, false, &Cause::CLI).await.unwrap();
    assert!(matches!(taken[..], [Imported::Taken(_)]), "{taken:?}");
    assert_eq!(world.verdict_in("other", &secret(STRONG)).await, Verdict::Allowed);
}

#[tokio::test]
async fn what_no_header_can_carry_is_not_taken() {
    let world = World::new().await;
    let count = world.count(&world.demo().await).await;
    for text in [
        format!(" {STRONG}"),
        format!("{STRONG} "),
        format!("{STRONG}\n"),
        format!("{STRONG}\u{1b}[m"),
        " x".to_owned(),
    ] {
        assert_eq!(import(&world, vec![row(&text, identity())], true).await, [Imported::Unfit], "{text:?}");
    }
    assert_eq!(world.count(&world.demo().await).await, count);
}

#[tokio::test]
async fn a_revoked_secret_is_never_taken_again() {
    let world = World::new().await;
    let minted = world.issue(grant("read")).await;
    let [Imported::Taken(id)] = import(&world, vec![row(STRONG, grant("read"))], false).await[..] else {
        panic!("it was not taken")
    };
    world.revoke(id).await;
    world.revoke(minted.id).await;
    let count = world.count(&world.demo().await).await;
    for text in [STRONG, minted.secret.expose()] {
        assert_eq!(import(&world, vec![row(text, identity())], true).await, [Imported::Duplicate]);
        assert_eq!(world.verdict(&secret(text)).await, Verdict::Inactive(InactiveReason::Revoked));
        assert!(!world.is_admitted(&secret(text)).await);
    }
    assert_eq!(world.count(&world.demo().await).await, count);
}

#[tokio::test]
async fn scopes_go_with_their_kind() {
    let world = World::new().await;
    let of_kind = |kind, permissions: &str| grant(permissions).with(|token| token.spec.kind = kind);
    let text = |number: usize| format!("{number:032}");
    let rows = [
        (of_kind(TokenKind::Identity, "read"), Imported::Refused(AuthorityRefusal::IdentityToken)),
        (of_kind(TokenKind::SelfMade, "read"), Imported::Refused(AuthorityRefusal::IdentityToken)),
        (of_kind(TokenKind::Grant, "read,jeton:manage"), Imported::Refused(AuthorityRefusal::Reserved)),
        (of_kind(TokenKind::Service, "read"), Imported::Refused(AuthorityRefusal::ServiceToken)),
        (of_kind(TokenKind::Service, ""), Imported::Refused(AuthorityRefusal::ServiceToken)),
    ];
    let before = world.count(&world.demo().await).await;
    let (issues, mut expected): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let mut rows: Vec<_> = issues.into_iter().enumerate().map(|(i, issue)| row(&text(i), issue)).collect();
    // Those between the good ones leave the order of the answers as it is.
    rows.insert(0, row(WEAK, identity()));
    expected.insert(0, Imported::Weak);
    rows.insert(3, row(&text(90), grant("read")));
    rows.push(row(&text(90), grant("read")));
    let outcomes = import(&world, rows, false).await;
    let taken = outcomes[3];
    assert!(matches!(taken, Imported::Taken(_)), "{outcomes:?}");
    expected.insert(3, taken);
    expected.push(Imported::Duplicate);
    assert_eq!(outcomes, expected);
    assert_eq!(world.count(&world.demo().await).await, before + 1);
}

#[tokio::test]
async fn what_the_other_system_said_of_its_life_holds_within_the_apps_bound() {
    let world = World::new().await;
    let now = world.service.now();
    let at = |millis: i64| Some(now.saturating_add_millis(millis));
    world
        .service
        .merge_settings(&"demo".parse().unwrap(), &json!({"max_ttl_seconds": 86_400}), &Cause::CLI)
        .await
        .unwrap();
    for (number, (expires_at, expected)) in
        [(None, at(DAY)), (at(1), at(1)), (at(DAY), at(DAY)), (at(DAY + 1), at(DAY)), (at(-5), at(-5))]
            .into_iter()
            .enumerate()
    {
        let text = format!("{number:040}");
        let row = ImportRow { expires_at, created_at: at(-10 * DAY), ..row(&text, grant("read")) };
        let [Imported::Taken(id)] = import(&world, vec![row], false).await[..] else { panic!("{number}") };
        let token = world.store.token(world.demo().await.id, id).await.unwrap().unwrap().token;
        assert_eq!((Some(token.created_at), token.expires_at), (at(-10 * DAY), expected), "{number}");
        let is_good = world.verdict(&secret(&text)).await == Verdict::Allowed;
        assert_eq!(is_good, expected > Some(now), "{number}");
    }
}

#[tokio::test]
async fn what_was_disabled_stays_so_and_the_rest_is_kept() {
    let world = World::new().await;
    let issue = grant("read").with(|token| {
        token.spec.title = Some(label("old"));
        token.spec.tags = Some(label("a"));
    });
    let row = ImportRow { enabled: false, ..row(STRONG, issue) };
    let [Imported::Taken(id)] = import(&world, vec![row], false).await[..] else { panic!("not taken") };
    assert_eq!(world.verdict(&secret(STRONG)).await, Verdict::Inactive(InactiveReason::Disabled));
    let token = world.store.token(world.demo().await.id, id).await.unwrap().unwrap().token;
    assert_eq!(
        (token.disabled_by, token.spec.title, token.spec.tags),
        (Some(Actor::Cli), Some(label("old")), Some(label("a")))
    );
    assert_eq!(import(&world, vec![], false).await, []);
}

#[tokio::test]
async fn policies_hold_for_what_is_imported() {
    let world = World::new().await;
    let patch = json!({
        "token_prefix": "acme",
        "policies": {
            "require_prefix": true, "forbidden_permissions": ["admin"], "require_expiry": true, "max_tokens_per_user": 1,
            "max_lifetime_seconds": {"operator": 86_400},
        },
    });
    world.service.merge_settings(&"demo".parse().unwrap(), &patch, &Cause::CLI).await.unwrap();
    let named = |number: u32| format!("acme_{number:032}");
    let within = |text: &str, issue: Issue| ImportRow {
        expires_at: Some(world.clock.now().saturating_add_millis(DAY)),
        ..row(text, issue)
    };
    let of_7 = || grant("read").with(|issue| issue.spec.owner = Owner::Named("7".parse().unwrap()));
    let rows = vec![
        within(STRONG, grant("read")),
        within(&named(1), grant("admin")),
        row(&named(2), grant("read")),
        within(&named(3), of_7()),
        within(&named(4), of_7()),
        within(&named(5), grant("read").with(|issue| issue.spec.owner = Owner::Nobody)),
    ];
    let outcomes = import(&world, rows, false).await;
    let refused = |policy: Policy| Imported::Refused(AuthorityRefusal::Policy(policy));
    assert_eq!(outcomes[0], refused(Policy::RequirePrefix));
    assert_eq!(outcomes[1], refused(Policy::ForbiddenPermission));
    assert_eq!(outcomes[2], refused(Policy::MaxLifetime(PolicyCaller::Operator, 86_400)));
    assert!(matches!(outcomes[3..=5], [Imported::Taken(_), _, Imported::Taken(_)]), "{outcomes:?}");
    assert_eq!(outcomes[4], refused(Policy::MaxTokensPerUser(1)));
    assert_eq!(outcomes.len(), 6);
}
