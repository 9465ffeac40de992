//! A token is good for no more than each of those above it.

use super::*;
use crate::decide::{
    Circumstances, Demand, InactiveReason, Standing, Verdict, decide, explain, tests as random,
};
use crate::ids::AppId;
use crate::token::{Owner, TokenKind, TokenSpec};
use proptest::prelude::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn id(number: i64) -> TokenId {
    TokenId::new(number).unwrap()
}

fn token(number: i64, permissions: &str, expires_at: Option<i64>) -> Token {
    let scopes = Scopes::from_global(Permission::parse_list(permissions).unwrap()).unwrap();
    Token {
        id: id(number),
        app_id: AppId::new(1).unwrap(),
        created_at: at(0),
        updated_at: at(0),
        expires_at: expires_at.map(at),
        disabled_by: None,
        revoked_at: None,
        left_loopback: false,
        ancestors: Vec::new(),
        spec: TokenSpec::new(TokenKind::Grant, Owner::Nobody, scopes),
    }
}

/// The child of a token.
fn below(parent: &Token, mut child: Token) -> Token {
    child.spec.lineage = parent.lineage_below(MAX_DELEGATION_DEPTH).unwrap();
    child.ancestors = parent.ancestors.iter().cloned().chain([parent.as_ancestor()]).collect();
    child
}

#[test]
fn a_lineage_is_as_deep_as_it_may_be() {
    let mut newest = token(1, "read", None);
    for depth in 1..=MAX_DELEGATION_DEPTH {
        assert!(newest.lineage_below(depth - 1).is_none() && newest.lineage_below(depth).is_some());
        newest = below(&newest, token(newest.id.get() + 1, "read", None));
        assert_eq!(newest.spec.lineage.ids().len(), depth);
        assert_eq!(newest.spec.lineage.parent(), TokenId::new(newest.id.get() - 1));
    }
    assert!(newest.lineage_below(usize::MAX).is_none());
    assert!(Lineage::new(vec![id(1); MAX_DELEGATION_DEPTH + 1]).is_none());
}

#[test]
fn no_child_reaches_further_than_all_above_it() {
    let root = token(1, "read,write,delegate", Some(100));
    let parent = below(&root, token(2, "read,write,delegate", None));
    let allowed = crate::AllowedAddresses::parse(["10.0.0.0/8"]).unwrap();
    let bound = Bounds { not_before: None, allowed_addresses: allowed };
    let mut narrowed = root.clone();
    narrowed.spec.scopes = Scopes::from_global(Permission::parse_list("read,delegate").unwrap()).unwrap();
    narrowed.spec.bounds = bound.clone();
    let of_narrowed = below(&narrowed, token(2, "read,write,delegate", None));
    let scopes = |names| Scopes::from_global(Permission::parse_list(names).unwrap()).unwrap();
    for (parent, names, bounds, expires, expected) in [
        (&parent, "read,write", &Bounds::NONE, Some(100), Ok(())),
        (&parent, "admin", &Bounds::NONE, Some(100), Err(AuthorityRefusal::NotHeld)),
        (&parent, "read", &Bounds::NONE, None, Err(AuthorityRefusal::Outlives)),
        (&parent, "read", &Bounds::NONE, Some(101), Err(AuthorityRefusal::Outlives)),
        (&of_narrowed, "read", &bound, Some(100), Ok(())),
        (&of_narrowed, "write", &bound, Some(100), Err(AuthorityRefusal::NotHeld)),
        (&of_narrowed, "read", &Bounds::NONE, Some(100), Err(AuthorityRefusal::Elsewhere)),
    ] {
        assert_eq!(
            parent.may_delegate(&scopes(names), bounds, &UseLimits::NONE, expires.map(at)),
            expected,
            "{names}"
        );
        assert_eq!(parent.ends_at(), Some(at(100)));
    }
}

#[test]
fn no_child_is_promised_more_uses() {
    let mut parent = token(1, "read,delegate", None);
    parent.spec.limits = "uses=5@1 rates=10/60".parse().unwrap();
    let scopes = Scopes::from_global(Permission::parse_list("read").unwrap()).unwrap();
    for (limits, is_within) in [
        ("", true),
        ("uses=5@1", true),
        ("uses=6@1", false),
        ("rates=10/60", true),
        ("rates=11/60", false),
        // Of another period nothing can be said. Each use is one of the parent.
        ("rates=11/61", true),
    ] {
        let may = parent.may_delegate(&scopes, &Bounds::NONE, &limits.parse().unwrap(), None);
        assert_eq!(may, if is_within { Ok(()) } else { Err(AuthorityRefusal::MoreOften) }, "{limits}");
    }
}

#[test]
fn what_is_above_a_token_can_take_everything_from_it() {
    let read = Demand::Permission { permission: "read".parse().unwrap(), resource: None };
    let verdict =
        |token: &Token, demand: &Demand, now| decide(token.standing(), demand, Circumstances::at(at(now)));
    let root = token(1, "read,delegate", None);
    let parent = below(&root, token(2, "read,delegate", None));
    let child = below(&parent, token(3, "read", None));
    assert_eq!(verdict(&child, &read, 5), Verdict::Allowed);
    let with_root = |change: &dyn Fn(&mut Ancestor)| {
        let mut child = child.clone();
        change(&mut child.ancestors[0]);
        child
    };
    for (child, reason) in [
        (with_root(&|root| root.revoked = true), InactiveReason::Revoked),
        (with_root(&|root| root.disabled = true), InactiveReason::Disabled),
        (with_root(&|root| root.expires_at = Some(at(5))), InactiveReason::Expired),
        (with_root(&|root| root.bounds.not_before = Some(at(6))), InactiveReason::NotYetValid),
        (with_root(&|root| *root = Ancestor::gone(root.id)), InactiveReason::Revoked),
    ] {
        for demand in [&Demand::Active, &read] {
            assert_eq!(verdict(&child, demand, 5), Verdict::Inactive(reason));
            let explanation = explain(child.standing(), demand, Circumstances::at(at(5)));
            assert_eq!((explanation.verdict, explanation.ancestor), (Verdict::Inactive(reason), Some(id(1))));
        }
    }
    let narrowed = with_root(&|root| root.scopes = Scopes::none());
    assert_eq!(verdict(&narrowed, &read, 5), Verdict::Refused);
    assert_eq!(verdict(&narrowed, &Demand::Active, 5), Verdict::Allowed);
    assert_eq!(explain(narrowed.standing(), &read, Circumstances::at(at(5))).ancestor, Some(id(1)));
    assert_eq!(narrowed.clone().in_effect().spec.scopes, Scopes::none());
    let ending = with_root(&|root| root.expires_at = Some(at(9)));
    assert_eq!((ending.clone().in_effect().expires_at, ending.expires_at), (Some(at(9)), None));
    assert_eq!(child.clone().in_effect(), child);
    // It is not active, rather than not allowed.
    let mut powerless = with_root(&|root| root.revoked = true);
    powerless.spec.scopes = Scopes::none();
    assert_eq!(verdict(&powerless, &read, 5), Verdict::Inactive(InactiveReason::Revoked));
}

/// Whether one is revoked and disabled, what it allows, and when it expires.
type Described = ([bool; 2], Vec<crate::Scope>, Option<i64>);

proptest! {
    #[test]
    fn a_verdict_is_that_of_the_whole_chain(
        chain in proptest::collection::vec((any::<[bool; 2]>(), random::scopes(), prop::option::of(0i64..4)), 1..4),
        demand in random::demands(),
    ) {
        let ancestor = |(number, ([revoked, disabled], scopes, expires)): (i64, &Described)| Ancestor {
            id: id(number),
            revoked: *revoked,
            disabled: *disabled,
            expires_at: expires.map(at),
            scopes: Scopes::new(scopes.clone()).unwrap(),
            bounds: Bounds::NONE,
            limits: UseLimits::NONE,
        };
        let all: Vec<Ancestor> = (1..).zip(&chain).map(ancestor).collect();
        let (own, above) = all.split_last().unwrap();
        let standing = Standing { ancestors: above, ..own.standing() };
        let circumstances = Circumstances::at(at(2));
        let alone: Vec<Verdict> =
            all.iter().map(|one| decide(one.standing(), &demand, circumstances)).collect();
        let verdict = decide(standing, &demand, circumstances);
        prop_assert_eq!(verdict == Verdict::Allowed, alone.iter().all(|one| *one == Verdict::Allowed));
        let is_inactive = |verdict: &Verdict| matches!(verdict, Verdict::Inactive(_));
        prop_assert_eq!(is_inactive(&verdict), alone.iter().any(is_inactive));
        let explanation = explain(standing, &demand, circumstances);
        prop_assert_eq!(explanation.verdict, verdict);
        let own_verdict = *alone.last().unwrap();
        let blames_above = (verdict != Verdict::Allowed && own_verdict == Verdict::Allowed)
            || (is_inactive(&verdict) && !is_inactive(&own_verdict));
        prop_assert_eq!(explanation.ancestor.is_some(), blames_above);
    }
}
