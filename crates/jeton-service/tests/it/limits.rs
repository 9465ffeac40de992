//! How often tokens may be used, on one server and on several.

use crate::fixture::*;
use jeton_core::{Allowance, AuthorityRefusal, Demand, InactiveReason, Secret, TokenId, UseLimits, Verdict};
use jeton_service::{
    Check, ChildDraft, DelegateRefusal, DelegatorAdmission, Edit, Introspected, Issue, Issued, Refusal,
    Service, Verified, VerifierAdmission, VerifierProof,
};
use jeton_store::{SqliteOptions, open_sqlite};
use jeton_testkit::SeededEntropy;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError};
use std::sync::Arc;
use std::time::Duration;

const EXHAUSTED: Verdict = Verdict::Inactive(InactiveReason::UsesExhausted);

fn limits(text: &str) -> UseLimits {
    text.parse().unwrap()
}

fn limited(permissions: &str, text: &str) -> Issue {
    grant(permissions).with(|issue| issue.spec.limits = limits(text))
}

fn wants(name: &str) -> Demand {
    Demand::Permission { permission: name.parse().unwrap(), resource: None }
}

async fn ask(service: &Service, secret: &Secret, demand: &Demand) -> Verified {
    service.verify(&"demo".parse().unwrap(), secret, demand, None).await.unwrap()
}

async fn verify(service: &Service, secret: &Secret, demand: &Demand) -> Verdict {
    ask(service, secret, demand).await.verdict
}

async fn is_allowed(service: &Service, secret: &Secret) -> bool {
    verify(service, secret, &Demand::Active).await == Verdict::Allowed
}

/// How often it is allowed until it is not.
async fn exhaust(service: &Service, secret: &Secret) -> u64 {
    let mut allowed = 0;
    while is_allowed(service, secret).await {
        allowed += 1;
    }
    allowed
}

/// Another server of the same database.
async fn another(world: &World, seed: u64) -> Service {
    let store = open_sqlite(&database(world.data()), SqliteOptions::default()).await.unwrap();
    let (clock, entropy) = (Arc::new(world.clock.clone()), Arc::new(SeededEntropy::new(seed)));
    Service::open(store, &world.ring, clock, entropy).await.unwrap()
}

fn uses(uses: u64) -> Edit {
    // From which revision on, the change says.
    Edit { uses: Some(Some(Allowance { uses, since: 0 })), ..Edit::default() }
}

async fn change(world: &World, id: TokenId, edit: &Edit) -> Result<(), Refusal> {
    world.service.update(&world.demo().await, &EVERYTHING, id, None, edit).await.unwrap().map(drop)
}

async fn left(service: &Service, token: &Issued) -> Option<u64> {
    let left = service.uses_left([&token.token]).await.unwrap();
    left.get(&token.token.id).copied()
}

#[tokio::test]
async fn a_token_is_used_as_often_as_it_may_be() {
    let world = World::new().await;
    let token = world.issue(limited("read", "uses=3@1")).await;
    // What is not allowed is no use; nor is being asked why.
    for _ in 0..5 {
        assert_eq!(verify(&world.service, &token.secret, &wants("write")).await, Verdict::Refused);
        let (key, demand) = ("demo".parse().unwrap(), wants("read"));
        let explained = world.service.explain(&key, &token.secret, &demand, None).await.unwrap();
        assert_eq!(explained.verdict, Verdict::Allowed);
    }
    assert_eq!(left(&world.service, &token).await, Some(3));
    for left_over in [2, 1, 0] {
        let verified = ask(&world.service, &token.secret, &wants("read")).await;
        assert_eq!(verified.verdict, Verdict::Allowed);
        assert_eq!(verified.limits.unwrap().uses_left, Some(left_over));
        assert_eq!(left(&world.service, &token).await, Some(left_over));
    }
    for _ in 0..3 {
        assert_eq!(verify(&world.service, &token.secret, &wants("read")).await, EXHAUSTED);
    }
    world.clock.advance_millis(DAY);
    assert_eq!(verify(&world.service, &token.secret, &wants("read")).await, EXHAUSTED, "for good");
    let free = world.issue(grant("read")).await;
    assert!(ask(&world.service, &free.secret, &wants("read")).await.limits.is_none());
}

#[tokio::test]
async fn a_rate_lets_uses_through_as_time_passes() {
    let world = World::new().await;
    let token = world.issue(limited("read", "rates=4/10,6/3600")).await;
    let verdict = || async { verify(&world.service, &token.secret, &wants("read")).await };
    for _ in 0..4 {
        assert_eq!(verdict().await, Verdict::Allowed);
    }
    let verified = ask(&world.service, &token.secret, &wants("read")).await;
    assert_eq!(verified.verdict, Verdict::RateLimited);
    let limits = verified.limits.unwrap();
    assert_eq!((limits.retry_after, limits.rates[0].uses), (Some(Duration::from_millis(2_500)), 0));
    world.clock.advance_millis(2_499);
    assert_eq!(verdict().await, Verdict::RateLimited);
    world.clock.advance_millis(1);
    assert_eq!(verdict().await, Verdict::Allowed);
    assert_eq!(verdict().await, Verdict::RateLimited);
    // The other rate has one left.
    world.clock.advance_millis(60_000);
    assert_eq!(verdict().await, Verdict::Allowed);
    assert_eq!(verdict().await, Verdict::RateLimited);
    let refused = verify(&world.service, &token.secret, &wants("write")).await;
    assert_eq!(refused, Verdict::Refused, "what it does not allow is refused for that");
}

#[tokio::test]
async fn servers_share_what_there_is() {
    let world = World::new().await;
    let other = another(&world, 9).await;
    let token = world.issue(limited("read", "uses=100@1")).await;
    let mut allowed = 0;
    for _ in 0..20 {
        allowed += u64::from(is_allowed(&world.service, &token.secret).await);
        allowed += u64::from(is_allowed(&other, &token.secret).await);
    }
    assert_eq!(allowed, 40);
    allowed += exhaust(&world.service, &token.secret).await;
    // The other one holds a portion still.
    let held = exhaust(&other, &token.secret).await;
    assert!(held > 0, "it had taken some");
    assert_eq!(allowed + held, 100);
    // What is held and not used is given back in time, also by a server that ends.
    change(&world, token.token.id, &uses(100)).await.unwrap();
    let (third, fourth) = (another(&world, 10).await, another(&world, 11).await);
    let mut allowed = 0;
    for service in [&third, &fourth] {
        for _ in 0..12 {
            allowed += u64::from(is_allowed(service, &token.secret).await);
        }
    }
    third.close().await;
    world.clock.advance_millis(5_000);
    fourth.give_back_lapsed().await;
    allowed += exhaust(&another(&world, 12).await, &token.secret).await;
    assert_eq!(allowed, 100);
}

#[tokio::test]
async fn what_a_token_is_given_anew_is_whole() {
    let world = World::new().await;
    let other = another(&world, 9).await;
    let token = world.issue(limited("read", "uses=50@1")).await;
    let id = token.token.id;
    for service in [&world.service, &other] {
        for _ in 0..5 {
            assert!(is_allowed(service, &token.secret).await);
        }
    }
    // Other changes leave it as it is.
    let title = Edit { title: Some(label("ci")), ..Edit::default() };
    change(&world, id, &title).await.unwrap();
    let app = world.demo().await;
    let rotated = world.service.rotate(&app, &EVERYTHING, id, None, None).await.unwrap().unwrap();
    let rates = Edit { rates: Some("1000/1".parse().unwrap()), ..Edit::default() };
    change(&world, id, &rates).await.unwrap();
    let known = left(&world.service, &token).await.unwrap();
    assert!((33..=40).contains(&known), "{known}: ten are used, and the other one holds a few");
    // What others hold of the former is void.
    change(&world, id, &uses(2)).await.unwrap();
    assert_eq!(exhaust(&other, &rotated.secret).await, 2);
    assert_eq!(exhaust(&world.service, &rotated.secret).await, 0);
    change(&world, id, &uses(2)).await.unwrap();
    assert_eq!(exhaust(&world.service, &rotated.secret).await, 2);
    let free = Edit { uses: Some(None), rates: Some("".parse().unwrap()), ..Edit::default() };
    change(&world, id, &free).await.unwrap();
    for _ in 0..100 {
        assert!(is_allowed(&world.service, &rotated.secret).await);
    }
}

#[tokio::test]
async fn only_grants_have_limits_and_only_operators_set_them() {
    let world = World::new().await;
    let app = world.demo().await;
    let refused = |refusal: AuthorityRefusal| Err(Refusal::Forbidden(refusal));
    let identity = identity().with(|issue| issue.spec.limits = limits("uses=3@1"));
    let made = world.service.issue(&app, &EVERYTHING, identity).await.unwrap();
    assert_eq!(made.map(drop), refused(AuthorityRefusal::NoLimits));
    let plain = world.issue(self::identity()).await;
    assert_eq!(change(&world, plain.token.id, &uses(3)).await, refused(AuthorityRefusal::NoLimits));
    // A token that is limited manages none.
    let token = world.issue(limited("read,write", "uses=3@1")).await;
    assert!(!world.is_admitted(&token.secret).await);
    assert!(world.is_admitted(&world.issue(grant("read,write")).await.secret).await);
    assert_eq!(exhaust(&world.service, &token.secret).await, 3, "which cost nothing");
}

async fn delegate(world: &World, parent: &Issued, draft: ChildDraft) -> Result<Issued, DelegateRefusal> {
    let key = "demo".parse().unwrap();
    let admitted = world.service.admit_delegator(Some(&key), Some(&parent.secret), None).await.unwrap();
    let DelegatorAdmission::Admitted(delegator) = admitted else { panic!("{admitted:?}") };
    world.service.delegate(&delegator, draft).await.unwrap()
}

#[tokio::test]
async fn a_use_of_a_child_is_one_of_all_above_it() {
    let world = World::new().await;
    let root = world.issue(limited("read,delegate", "uses=10@1")).await;
    let few = ChildDraft { uses: Some(4), ..ChildDraft::default() };
    let parent = delegate(&world, &root, few).await.unwrap();
    let child = delegate(&world, &parent, ChildDraft::default()).await.unwrap();
    let sibling = delegate(&world, &root, ChildDraft::default()).await.unwrap();
    for more in [
        ChildDraft { uses: Some(5), ..ChildDraft::default() },
        ChildDraft { uses: Some(11), ..ChildDraft::default() },
    ] {
        let refused = delegate(&world, &parent, more).await.map(drop);
        assert_eq!(refused, Err(DelegateRefusal::Forbidden(AuthorityRefusal::MoreOften)));
    }
    assert!(is_allowed(&world.service, &child.secret).await);
    assert!(is_allowed(&world.service, &parent.secret).await);
    assert_eq!((left(&world.service, &parent).await, left(&world.service, &root).await), (Some(2), Some(8)));
    assert_eq!(exhaust(&world.service, &child.secret).await, 2);
    assert_eq!(verify(&world.service, &parent.secret, &Demand::Active).await, EXHAUSTED);
    assert_eq!(
        exhaust(&world.service, &sibling.secret).await,
        6,
        "what is refused below costs nothing above"
    );
    assert_eq!(verify(&world.service, &root.secret, &Demand::Active).await, EXHAUSTED);
    // More for the root is more for all below it that have some themselves.
    change(&world, root.token.id, &uses(5)).await.unwrap();
    assert_eq!(verify(&world.service, &child.secret, &Demand::Active).await, EXHAUSTED);
    assert_eq!(exhaust(&world.service, &sibling.secret).await, 5);
}

#[tokio::test]
async fn each_check_of_a_batch_is_a_use() {
    let world = World::new().await;
    let (token, free) = (world.issue(limited("read", "uses=5@1")).await, world.issue(grant("read")).await);
    let check = |issued: &Issued, demand| Check {
        secret: Some(Secret::parse(issued.secret.expose()).unwrap()),
        demand,
        address: None,
        explains: true,
    };
    let proof = VerifierProof::Bearer(secret(world.initial.app.admin_token.expose()));
    let admitted =
        world.service.admit_verifier(Some(&"demo".parse().unwrap()), &proof, None, 1).await.unwrap();
    let VerifierAdmission::Admitted(app) = admitted else { panic!("{admitted:?}") };
    let mut checks: Vec<Check> = (0..8).map(|_| check(&token, wants("read"))).collect();
    checks.extend([check(&token, wants("write")), check(&free, wants("read"))]);
    let checked = world.service.verify_many(&app, &checks).await.unwrap();
    let verdicts: Vec<Verdict> = checked.iter().map(|checked| checked.verdict).collect();
    let count = |verdict| verdicts[..8].iter().filter(|one| **one == verdict).count();
    assert_eq!((count(Verdict::Allowed), count(EXHAUSTED)), (5, 3));
    assert_eq!(verdicts[8..], [Verdict::Refused, Verdict::Allowed]);
    for checked in &checked {
        assert_eq!(checked.explanation.as_ref().unwrap().verdict, checked.verdict);
    }
}

#[tokio::test]
async fn introspection_is_a_use() {
    let world = World::new().await;
    let app = world.demo().await;
    let token = world.issue(limited("read", "uses=2@1 rates=1/10")).await;
    let introspect = || async { world.service.introspect(&app, &token.secret).await.unwrap() };
    assert!(matches!(introspect().await, Introspected::Active(_)));
    assert!(matches!(introspect().await, Introspected::TooOften(limits) if limits.retry_after.is_some()));
    world.clock.advance_millis(10_000);
    assert!(matches!(introspect().await, Introspected::Active(_)));
    world.clock.advance_millis(10_000);
    assert!(matches!(introspect().await, Introspected::Inactive));
}

/// What happens to a limited token and one that it made, on one of three servers.
#[derive(Clone, Copy, Debug)]
enum Step {
    Use { server: usize, child: bool, times: u64 },
    Give { uses: u64 },
    Restart { server: usize },
    Kill { server: usize },
    Lapse { server: usize },
    Wait { millis: i64 },
    Rotate,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let server = || 0..3_usize;
    let step = prop_oneof![
        8 => (server(), any::<bool>(), 1..25_u64).prop_map(|(server, child, times)| Step::Use { server, child, times }),
        1 => (0..60_u64).prop_map(|uses| Step::Give { uses }),
        1 => server().prop_map(|server| Step::Restart { server }),
        1 => server().prop_map(|server| Step::Kill { server }),
        2 => server().prop_map(|server| Step::Lapse { server }),
        2 => (1..6_000_i64).prop_map(|millis| Step::Wait { millis }),
        1 => Just(Step::Rotate),
    ];
    prop::collection::vec(step, 1..40)
}

/// Of what a token was last given, all servers together allow no use too many, whatever happens to them; and if none is killed, none
/// is lost.
async fn no_use_too_many(steps: Vec<Step>) -> Result<(), TestCaseError> {
    let world = World::new().await;
    let given = 40;
    let token = world.issue(limited("read,delegate", &format!("uses={given}@1"))).await;
    let child = delegate(&world, &token, ChildDraft::default()).await.unwrap();
    let mut secret = Secret::parse(token.secret.expose()).unwrap();
    let mut servers = Vec::new();
    for seed in 0..3 {
        servers.push(another(&world, 20 + seed).await);
    }
    let (mut given, mut allowed, mut lost) = (given, 0, false);
    for (number, step) in steps.into_iter().enumerate() {
        let seed = 100 + number as u64;
        match step {
            Step::Use { server, child: of_child, times } => {
                let used = if of_child { &child.secret } else { &secret };
                for _ in 0..times {
                    allowed += u64::from(is_allowed(&servers[server], used).await);
                }
            }
            Step::Give { uses: new } => {
                change(&world, token.token.id, &uses(new)).await.unwrap();
                (given, allowed, lost) = (new, 0, false);
            }
            Step::Restart { server } => {
                servers[server].close().await;
                servers[server] = another(&world, seed).await;
            }
            Step::Kill { server } => {
                servers[server] = another(&world, seed).await;
                lost = true;
            }
            Step::Lapse { server } => servers[server].give_back_lapsed().await,
            Step::Wait { millis } => world.clock.advance_millis(millis),
            Step::Rotate => {
                let app = world.demo().await;
                let rotated = world.service.rotate(&app, &EVERYTHING, token.token.id, None, None).await;
                secret = Secret::parse(rotated.unwrap().unwrap().secret.expose()).unwrap();
            }
        }
        prop_assert!(allowed <= given, "{} of {}", allowed, given);
    }
    for server in &servers {
        server.close().await;
    }
    allowed += exhaust(&world.service, &secret).await;
    prop_assert!(allowed <= given && (allowed == given || lost), "{} of {}", allowed, given);
    Ok(())
}

proptest! {
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]

    #[test]
    fn servers_that_come_and_go_allow_no_use_too_many(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(no_use_too_many(steps))?;
    }
}
