//! The question that is asked all day, with its reasons.

use crate::fixture::{DAY, EVERYTHING, With, World, global, grant, identity, secret};
use jeton_core::{
    Demand, InactiveReason, Lack, Lifetime, Owner, Resource, Scope, Scopes, TokenKind, Verdict,
};
use jeton_service::{Edit, Issue, RequestedLifetime};

const UNKNOWN: Verdict = Verdict::Inactive(InactiveReason::Unknown);

#[tokio::test]
async fn every_reason_against_a_token() {
    let world = World::new().await;
    let lifetime = RequestedLifetime::Asked(Lifetime::Millis(DAY));
    let token = world.issue(Issue { lifetime, ..grant("read") }).await;
    assert_eq!(world.verdict(&token.secret).await, Verdict::Allowed);
    let edit = Edit { enabled: Some(false), ..Edit::default() };
    let app = world.demo().await;
    world.service.update(&app, &EVERYTHING, token.id, None, &edit).await.unwrap().unwrap();
    assert_eq!(world.verdict(&token.secret).await, Verdict::Inactive(InactiveReason::Disabled));
    world.clock.advance_millis(DAY - 1);
    assert_eq!(world.verdict(&token.secret).await, Verdict::Inactive(InactiveReason::Disabled));
    world.clock.advance_millis(1);
    assert_eq!(world.verdict(&token.secret).await, Verdict::Inactive(InactiveReason::Expired));
    world.revoke(token.id).await;
    assert_eq!(world.verdict(&token.secret).await, Verdict::Inactive(InactiveReason::Revoked));
    assert_eq!(world.verdict_in("nobody", &token.secret).await, UNKNOWN);
    assert_eq!(world.verdict(&secret("x")).await, UNKNOWN);
}

#[tokio::test]
async fn kinds_that_are_none_of_a_gateways_business() {
    let world = World::new().await;
    for (kind, permissions, expected) in [
        (TokenKind::Identity, "", Verdict::Allowed),
        (TokenKind::Grant, "", Verdict::Allowed),
        (TokenKind::SelfMade, "", UNKNOWN),
        (TokenKind::Service, "jeton:verify,jeton:manage", UNKNOWN),
    ] {
        let token = world.issue(grant(permissions).with(|token| token.spec.kind = kind)).await;
        assert_eq!(world.verdict(&token.secret).await, expected, "{kind:?}");
        let is_admitted = kind != TokenKind::SelfMade;
        assert_eq!(world.is_admitted(&token.secret).await, is_admitted, "{kind:?}");
    }
    assert_eq!(world.verdict(&world.initial.app.admin_token).await, UNKNOWN);
    assert_eq!(world.verdict(&world.initial.app.client_secret).await, UNKNOWN);
}

#[tokio::test]
async fn the_grounds_of_a_decision() {
    let world = World::new().await;
    let narrow = Scope { ids: vec!["s1".to_owned()], global: false, ..global("write").as_slice()[0].clone() };
    let scopes = Scopes::new(vec![Scope::global(vec!["read".parse().unwrap()]), narrow]).unwrap();
    let token = world.issue(grant("").with(|token| token.spec.scopes = scopes)).await;
    let ask = async |permission: &str, id: Option<&str>| {
        let resource = id.map(|id| Resource { id: Some(id.to_owned()), tags: vec![] });
        let demand = Demand::Permission { permission: permission.parse().unwrap(), resource };
        let verified =
            world.service.explain(&"demo".parse().unwrap(), &token.secret, &demand, None).await.unwrap();
        assert_eq!(verified.token.unwrap().id, token.id);
        assert_eq!(verified.verdict, verified.explanation.verdict);
        (verified.verdict, verified.explanation.matched_scope, verified.explanation.lacks)
    };
    assert_eq!(ask("read", None).await, (Verdict::Allowed, Some(0), vec![]));
    assert_eq!(ask("write", Some("s1")).await, (Verdict::Allowed, Some(1), vec![]));
    assert_eq!(ask("write", None).await, (Verdict::Refused, None, vec![Lack::Permission, Lack::Global]));
    assert_eq!(
        ask("write", Some("s2")).await,
        (Verdict::Refused, None, vec![Lack::Permission, Lack::Resource])
    );
}

#[tokio::test]
async fn self_made_tokens_are_not_there_for_any_manager() {
    let world = World::new().await;
    let issue = identity().with(|token| token.spec.kind = TokenKind::SelfMade);
    let token = world.issue(issue).await;
    let app = world.demo().await;
    let by = jeton_core::Cause::nowhere(jeton_core::Actor::Client);
    let manager = jeton_core::Authority::Manager { by, stand_in: None, ends_at: None };
    assert!(world.service.show(&app, &manager, token.id).await.unwrap().is_none());
    assert_eq!(
        world.service.revoke(&app, &manager, token.id, None).await.unwrap(),
        Err(jeton_service::Refusal::NotFound)
    );
    assert!(world.service.show(&app, &EVERYTHING, token.id).await.unwrap().is_some());
    assert_eq!(manager.owner(None), Ok(Owner::Nobody));
}
