//! Policies as tables, and that what a token had it may keep.

use super::*;
use crate::ids::{AppId, TokenId};
use crate::token::{Owner, TokenKind, TokenSpec};
use proptest::prelude::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000).unwrap()
}

fn scopes(names: &str) -> Scopes {
    Scopes::from_global(Permission::parse_list(names).unwrap()).unwrap()
}

fn strict() -> PolicySettings {
    PolicySettings {
        max_lifetime: MaxLifetime { operator: None, manager: Some(100), user: Some(10) },
        require_expiry: true,
        forbidden_permissions: Permission::parse_list("admin,delete").unwrap(),
        require_prefix: true,
        max_tokens_per_user: Some(3),
    }
}

fn token(names: &str, expires_at: Option<Timestamp>) -> Token {
    Token {
        id: TokenId::new(1).unwrap(),
        app_id: AppId::new(1).unwrap(),
        created_at: at(0),
        updated_at: at(0),
        expires_at,
        disabled_by: None,
        revoked_at: None,
        left_loopback: false,
        ancestors: Vec::new(),
        spec: TokenSpec::new(TokenKind::Grant, Owner::Nobody, scopes(names)),
    }
}

#[test]
fn new_tokens() {
    use PolicyCaller::{Manager, Operator, User};
    let too_long = |caller, seconds| Err(Policy::MaxLifetime(caller, seconds));
    for (caller, names, end, expected) in [
        (User, "read", Some(15), Ok(())),
        (User, "read", Some(16), too_long(User, 10)),
        (User, "read", None, too_long(User, 10)),
        (Manager, "read", Some(105), Ok(())),
        (Manager, "read", Some(106), too_long(Manager, 100)),
        (Operator, "read", Some(1_000_000), Ok(())),
        (Operator, "read", None, Err(Policy::RequireExpiry)),
        (Operator, "read,admin", Some(6), Err(Policy::ForbiddenPermission)),
        (User, "delete", Some(6), Err(Policy::ForbiddenPermission)),
        (User, "", Some(1), Ok(())),
    ] {
        let allowed = strict().allow_new(caller, &scopes(names), end.map(at), at(5));
        assert_eq!(allowed, expected, "{caller:?} {names} {end:?}");
        assert_eq!(PolicySettings::default().allow_new(caller, &scopes(names), end.map(at), at(5)), Ok(()));
    }
    assert_eq!(strict().latest(User, at(5)), Some(at(15)));
    assert_eq!(strict().latest(Operator, at(5)), None);
}

#[test]
fn a_token_keeps_what_it_had() {
    let old = token("admin,read", None);
    let change = |after: &Token| strict().allow_change(PolicyCaller::User, &old, after, at(5));
    assert_eq!(change(&old), Ok(()));
    assert_eq!(change(&token("admin", None)), Ok(()));
    assert_eq!(change(&token("admin", Some(at(1_000)))), Ok(()), "sooner than before");
    assert_eq!(change(&token("admin,delete", None)), Err(Policy::ForbiddenPermission));
    let short = token("read", Some(at(7)));
    let change = |after: &Token| strict().allow_change(PolicyCaller::User, &short, after, at(5));
    assert_eq!(change(&token("read,write", Some(at(15)))), Ok(()));
    assert_eq!(change(&token("read", Some(at(16)))), Err(Policy::MaxLifetime(PolicyCaller::User, 10)));
    assert_eq!(change(&token("read", None)), Err(Policy::MaxLifetime(PolicyCaller::User, 10)));
}

#[test]
fn secrets_begin_with_the_prefix() {
    let prefix: TokenPrefix = "acme".parse().unwrap();
    for (text, begins) in [("acme_0123", true), ("acme0123", false), ("acm_e", false), ("x_acme_", false)] {
        let secret = Secret::parse(text).unwrap();
        assert_eq!(strict().allow_secret(Some(&prefix), &secret).is_ok(), begins, "{text}");
        assert_eq!(strict().allow_secret(None, &secret), Err(Policy::RequirePrefix));
        assert_eq!(PolicySettings::default().allow_secret(None, &secret), Ok(()));
    }
}

#[test]
fn each_refusal_begins_with_the_name_of_its_policy() {
    for policy in [
        Policy::MaxLifetime(PolicyCaller::User, 10),
        Policy::RequireExpiry,
        Policy::ForbiddenPermission,
        Policy::RequirePrefix,
        Policy::MaxTokensPerUser(3),
    ] {
        assert!(policy.to_string().starts_with(&format!("{}: ", policy.name())), "{policy}");
    }
}

proptest! {
    #[test]
    fn no_change_makes_a_token_that_could_not_be_made_unless_it_was_so_before(
        before in prop::option::of(0_i64..300), after in prop::option::of(0_i64..300), now in 0_i64..100,
    ) {
        let policies = strict();
        let (old, new) = (token("read", before.map(at)), token("read", after.map(at)));
        let may_change = policies.allow_change(PolicyCaller::Manager, &old, &new, at(now)).is_ok();
        let may_make = policies.allow_new(PolicyCaller::Manager, &new.spec.scopes, new.expires_at, at(now)).is_ok();
        let is_no_later = earlier_end(old.expires_at, new.expires_at) == new.expires_at;
        prop_assert_eq!(may_change, may_make || is_no_later);
    }
}
