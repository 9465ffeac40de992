//! Authorization: a table over kinds of callers and tokens, and the containment of scopes as a property.

use super::*;
use crate::addresses::AllowedAddresses;
use crate::decide::{Circumstances, Standing, Verdict, decide, tests as random};
use crate::ids::AppId;
use crate::token::Owner;
use crate::token::TokenSpec;
use proptest::prelude::*;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn names(text: &str) -> Vec<Permission> {
    Permission::parse_list(text).unwrap()
}

fn user(text: &str) -> UserId {
    text.parse().unwrap()
}

fn token(id: i64, kind: TokenKind, owner: Owner, permissions: &str, expires: Option<i64>) -> Token {
    Token {
        id: TokenId::new(id).unwrap(),
        app_id: AppId::new(1).unwrap(),
        created_at: at(0),
        updated_at: at(0),
        expires_at: expires.map(at),
        disabled_by: None,
        revoked_at: None,
        left_loopback: false,
        ancestors: Vec::new(),
        spec: TokenSpec::new(kind, owner, Scopes::from_global(names(permissions)).unwrap()),
    }
}

fn named(text: &str) -> Owner {
    Owner::Named(user(text))
}

fn authority(token: &Token) -> Option<Authority> {
    let mut settings = Settings::default();
    settings.appkey.grantable = names("read");
    Authority::of(token.bearer(), None, &settings).unwrap()
}

#[test]
fn which_tokens_lend_authority() {
    use TokenKind::{Grant, Identity, SelfMade, Service};
    let cases = [
        (token(1, Service, named("1"), "jeton:manage,jeton:verify", None), "manager"),
        (token(1, Service, Owner::Nobody, "jeton:manage", None), "manager"),
        (token(1, Service, named("1"), "jeton:verify", None), "none"),
        (token(1, Identity, named("7"), "", None), "user"),
        (token(1, Identity, Owner::Nobody, "", None), "none"),
        (token(1, Grant, named("7"), "read", None), "user"),
        (token(1, Grant, Owner::StandIn(user("1")), "read", None), "none"),
        (token(1, Grant, Owner::Nobody, "read", None), "none"),
        (token(1, SelfMade, named("7"), "", None), "none"),
        // A reserved name on a token of another kind makes no manager.
        (token(1, Grant, Owner::Nobody, "jeton:manage", None), "none"),
    ];
    for (token, expected) in cases {
        let lent = match authority(&token) {
            Some(Authority::Manager { .. } | Authority::Everything(_)) => "manager",
            Some(Authority::SelfService { .. }) => "user",
            None => "none",
        };
        assert_eq!(lent, expected, "{token:?}");
    }
}

#[test]
fn whose_a_token_is() {
    let manager = authority(&token(1, TokenKind::Service, named("1"), "jeton:manage", None)).unwrap();
    let own = authority(&token(3, TokenKind::Grant, named("7"), "read", Some(100))).unwrap();
    let nameless = authority(&token(1, TokenKind::Service, Owner::Nobody, "jeton:manage", None)).unwrap();
    let everything = Authority::Everything(Cause::CLI);
    for (authority, of_no_user, of_eight) in [
        (&everything, Owner::Nobody, Ok(named("8"))),
        (&manager, Owner::StandIn(user("1")), Ok(named("8"))),
        (&nameless, Owner::Nobody, Ok(named("8"))),
        (&own, named("7"), Err(AuthorityRefusal::NotYours)),
    ] {
        assert_eq!(authority.owner(None), Ok(of_no_user));
        assert_eq!(authority.owner(Some(user("8"))), of_eight);
        assert_eq!(authority.owner(Some(user("7"))), Ok(named("7")));
    }
    assert_eq!((manager.ends_at(), own.ends_at()), (None, Some(at(100))));
}

/// For each token: whether the caller sees it, sees its secret, and may write it back unchanged.
#[test]
fn what_callers_may_do_with_tokens() {
    use TokenKind::{Grant, Identity, SelfMade, Service};
    let manager = authority(&token(1, Service, named("1"), "jeton:manage", None)).unwrap();
    let by_identity = authority(&token(2, Identity, named("7"), "", Some(100))).unwrap();
    let by_grant = authority(&token(3, Grant, named("7"), "read,write", None)).unwrap();
    let stand_in = Owner::StandIn(user("7"));
    let cases = [
        (token(9, Grant, named("7"), "read", Some(50)), [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
        (token(9, Grant, named("7"), "read", Some(100)), [[1, 1, 1], [1, 1, 1], [1, 1, 1]]),
        (token(9, Grant, named("7"), "read", Some(101)), [[1, 1, 1], [1, 0, 0], [1, 1, 1]]),
        (token(9, Grant, named("7"), "write", Some(50)), [[1, 1, 1], [1, 0, 0], [1, 1, 1]]),
        (token(9, Grant, named("7"), "admin", Some(50)), [[1, 1, 1], [1, 0, 0], [1, 0, 0]]),
        (token(9, Grant, named("7"), "read", None), [[1, 1, 1], [1, 0, 0], [1, 1, 1]]),
        (token(9, Identity, named("7"), "", Some(50)), [[1, 1, 1], [1, 0, 0], [1, 0, 0]]),
        (token(9, Grant, named("8"), "read", Some(50)), [[1, 1, 1], [0, 0, 1], [0, 0, 1]]),
        (token(9, Grant, stand_in, "read", Some(50)), [[1, 1, 1], [0, 0, 1], [0, 0, 1]]),
        (token(9, Grant, Owner::Nobody, "read", Some(50)), [[1, 1, 1], [0, 0, 1], [0, 0, 1]]),
        (token(9, SelfMade, named("7"), "", Some(50)), [[0, 0, 1], [0, 0, 0], [0, 0, 0]]),
        (token(9, Service, named("7"), "jeton:verify", None), [[0, 0, 1], [0, 0, 0], [0, 0, 0]]),
    ];
    let operator = Authority::Everything(Cause::CLI);
    for (token, expected) in cases {
        let found = [&manager, &by_identity, &by_grant].map(|caller| {
            [caller.sees(&token), caller.sees_secret(&token), caller.may_change(&token, &token).is_ok()]
                .map(i32::from)
        });
        assert_eq!(found, expected, "{token:?}");
        assert!(operator.sees(&token) && operator.may_change(&token, &token).is_ok());
    }
}

#[test]
fn no_caller_grants_what_it_does_not_hold_or_outlives_itself() {
    let scopes = |text| Scopes::from_global(names(text)).unwrap();
    let caller = authority(&token(3, TokenKind::Grant, named("7"), "read,write", Some(100))).unwrap();
    assert_eq!(caller.may_issue(&scopes("write"), &Bounds::NONE, Some(at(100))), Ok(()));
    assert_eq!(caller.may_issue(&scopes(""), &Bounds::NONE, Some(at(1))), Ok(()));
    assert_eq!(
        caller.may_issue(&scopes("write,admin"), &Bounds::NONE, Some(at(1))),
        Err(AuthorityRefusal::NotHeld)
    );
    assert_eq!(
        caller.may_issue(&scopes("write"), &Bounds::NONE, Some(at(101))),
        Err(AuthorityRefusal::Outlives)
    );
    assert_eq!(caller.may_issue(&scopes("write"), &Bounds::NONE, None), Err(AuthorityRefusal::Outlives));
    // An identity token holds nothing; it grants what the app lists.
    let identity = authority(&token(3, TokenKind::Identity, named("7"), "", None)).unwrap();
    assert_eq!(identity.may_issue(&scopes("read"), &Bounds::NONE, None), Ok(()));
    assert_eq!(identity.may_issue(&scopes("write"), &Bounds::NONE, None), Err(AuthorityRefusal::NotHeld));
}

#[test]
fn a_manager_that_ends_makes_nothing_that_outlives_it() {
    let manager = authority(&token(1, TokenKind::Service, named("1"), "jeton:manage", Some(100))).unwrap();
    assert_eq!(manager.may_issue(&Scopes::none(), &Bounds::NONE, Some(at(100))), Ok(()));
    for later in [Some(102), None] {
        assert_eq!(
            manager.may_issue(&Scopes::none(), &Bounds::NONE, later.map(at)),
            Err(AuthorityRefusal::Outlives)
        );
        // A token that outlives the caller already may be changed, and expire earlier.
        let longer = token(9, TokenKind::Grant, named("7"), "read", later);
        let sooner = Token { expires_at: Some(at(101)), ..longer.clone() };
        assert_eq!(manager.may_change(&longer, &longer), Ok(()));
        assert_eq!(manager.may_change(&longer, &sooner), Ok(()));
        let shorter = token(9, TokenKind::Grant, named("7"), "read", Some(50));
        assert_eq!(manager.may_change(&shorter, &longer), Err(AuthorityRefusal::Outlives));
    }
}

#[test]
fn where_the_app_allows_it_tokens_may_outlive_their_maker() {
    let settings = Settings { allow_outliving_tokens: true, ..Settings::default() };
    for caller in [
        token(1, TokenKind::Service, named("1"), "jeton:manage", Some(100)),
        token(2, TokenKind::Identity, named("7"), "", Some(100)),
        token(3, TokenKind::Grant, named("7"), "read", Some(100)),
    ] {
        let authority = Authority::of(caller.bearer(), None, &settings).unwrap().unwrap();
        assert_eq!(authority.ends_at(), None);
        assert_eq!(authority.may_issue(&Scopes::none(), &Bounds::NONE, None), Ok(()));
    }
}

#[test]
fn a_callers_address_goes_with_what_it_causes() {
    let address = Some([192, 0, 2, 7].into());
    for caller in [
        token(1, TokenKind::Service, named("1"), "jeton:manage", None),
        token(2, TokenKind::Identity, named("7"), "", None),
    ] {
        let authority = Authority::of(caller.bearer(), address, &Settings::default()).unwrap().unwrap();
        assert_eq!(authority.cause(), Cause::new(authority.actor(), address));
    }
    let everything = Authority::Everything(Cause::CLI);
    assert_eq!((everything.address(), everything.cause()), (None, Cause::CLI));
}

#[test]
fn who_may_let_a_token_live_longer() {
    use TokenKind::{Grant, Identity, SelfMade, Service};
    let manager = authority(&token(1, Service, named("1"), "jeton:manage", None)).unwrap();
    let by_identity = authority(&token(2, Identity, named("7"), "", Some(100))).unwrap();
    let by_grant = authority(&token(3, Grant, named("7"), "read,write", None)).unwrap();
    for (token, expected) in [
        (token(9, Grant, named("7"), "read", Some(50)), [1, 1, 1]),
        (token(9, Grant, named("7"), "read", Some(10)), [1, 0, 0]),
        (token(9, Grant, named("7"), "write", Some(50)), [1, 0, 1]),
        (token(9, Grant, named("7"), "read", None), [1, 0, 1]),
        (token(9, Grant, named("8"), "read", Some(50)), [1, 0, 0]),
        (token(9, Grant, Owner::StandIn(user("7")), "read", Some(50)), [1, 0, 0]),
        (token(9, Identity, named("7"), "", Some(50)), [1, 1, 1]),
        (token(9, Identity, named("7"), "", Some(10)), [1, 0, 0]),
        (token(9, Identity, named("8"), "", Some(50)), [1, 0, 0]),
        (token(9, Identity, Owner::Nobody, "", Some(50)), [1, 0, 0]),
        (token(9, SelfMade, named("7"), "", Some(50)), [1, 0, 0]),
    ] {
        let found =
            [&manager, &by_identity, &by_grant].map(|caller| i32::from(caller.may_prolong(&token, at(10))));
        assert_eq!(found, expected, "{token:?}");
    }
}

#[test]
fn no_user_enables_what_another_disabled() {
    let grant = token(9, TokenKind::Grant, named("7"), "read", None);
    let caller = authority(&token(3, TokenKind::Grant, named("7"), "read", None)).unwrap();
    let manager = authority(&token(1, TokenKind::Service, named("1"), "jeton:manage", None)).unwrap();
    let disabled = |by: Actor| Token { disabled_by: Some(by), ..grant.clone() };
    let own = Actor::User { user_id: user("7"), token_id: TokenId::new(44).unwrap() };
    for (by, expected) in [
        (own.clone(), Ok(())),
        (manager.actor(), Err(AuthorityRefusal::DisabledByAnother)),
        (Actor::Cli, Err(AuthorityRefusal::DisabledByAnother)),
        (Actor::Client, Err(AuthorityRefusal::DisabledByAnother)),
    ] {
        let before = disabled(by.clone());
        assert_eq!(caller.may_change(&before, &grant), expected, "{by}");
        assert_eq!(manager.may_change(&before, &grant), Ok(()));
        // Leaving it disabled does not revive it, and disabling it again gives no right to enable it.
        assert_eq!(caller.may_change(&before, &before), Ok(()));
        assert_eq!(caller.disabler(&before), by);
        assert_eq!(manager.disabler(&before), manager.actor());
    }
    assert_eq!(caller.disabler(&grant), caller.actor());
}

fn bounded(mut token: Token, not_before: Option<i64>, addresses: &[&str]) -> Token {
    let allowed_addresses = AllowedAddresses::parse(addresses.iter().copied()).unwrap();
    token.spec.bounds = Bounds { not_before: not_before.map(at), allowed_addresses };
    token
}

#[test]
fn what_a_user_makes_is_bound_to_the_addresses_of_the_users_own_token() {
    let own = |addresses: &[&str]| {
        bounded(token(9, TokenKind::Grant, named("7"), "read", Some(50)), None, addresses)
    };
    let caller = token(3, TokenKind::Grant, named("7"), "read", Some(100));
    let caller = authority(&bounded(caller, Some(5), &["10.0.0.0/8", "2001:db8::/32"])).unwrap();
    let manager = token(1, TokenKind::Service, named("1"), "jeton:manage", None);
    let manager = authority(&bounded(manager, None, &["10.0.0.0/8"])).unwrap();
    let inherited = caller.bounds(Bounds::NONE);
    assert_eq!(inherited, bounded(own(&[]), Some(5), &["10.0.0.0/8", "2001:db8::/32"]).spec.bounds);
    assert_eq!(manager.bounds(Bounds::NONE), Bounds::NONE, "a manager acts for the app");
    let scopes = Scopes::from_global(names("read")).unwrap();
    for (addresses, is_within) in [
        (&["10.0.0.0/8"][..], true),
        (&["10.1.0.0/16", "2001:db8::7"], true),
        (&[], false),
        (&["0.0.0.0/0"], false),
        (&["10.1.0.0/16", "192.0.2.1"], false),
    ] {
        let token = own(addresses);
        let expected = if is_within { Ok(()) } else { Err(AuthorityRefusal::Elsewhere) };
        assert_eq!(caller.may_issue(&scopes, &token.spec.bounds, Some(at(50))), expected, "{addresses:?}");
        assert_eq!(manager.may_issue(&scopes, &token.spec.bounds, Some(at(50))), Ok(()));
        // Neither is one read, changed or prolonged that can be used where the caller's cannot.
        assert_eq!(caller.sees_secret(&token), is_within, "{addresses:?}");
        assert_eq!(caller.may_prolong(&token, at(10)), is_within, "{addresses:?}");
        let identity = bounded(token_of_seven(), None, addresses);
        assert_eq!(caller.may_prolong(&identity, at(10)), is_within, "{addresses:?}");
        let expected = if is_within { Ok(()) } else { Err(AuthorityRefusal::BeyondCaller) };
        assert_eq!(caller.may_change(&token, &token), expected, "{addresses:?}");
        let widened = caller.may_change(&own(&["10.1.0.0/16"]), &token);
        assert_eq!(widened.is_ok(), is_within, "{addresses:?}");
    }
}

fn token_of_seven() -> Token {
    token(9, TokenKind::Identity, named("7"), "", Some(50))
}

#[test]
fn no_user_lets_a_token_begin_earlier() {
    let caller = authority(&token(3, TokenKind::Grant, named("7"), "read", None)).unwrap();
    let manager = authority(&token(1, TokenKind::Service, named("1"), "jeton:manage", None)).unwrap();
    let begins = |begin| bounded(token(9, TokenKind::Grant, named("7"), "read", None), begin, &[]);
    for (before, after, expected) in [
        (Some(5), Some(5), Ok(())),
        (Some(5), Some(6), Ok(())),
        (None, Some(6), Ok(())),
        (Some(5), Some(4), Err(AuthorityRefusal::BeginsEarlier)),
        (Some(5), None, Err(AuthorityRefusal::BeginsEarlier)),
    ] {
        assert_eq!(caller.may_change(&begins(before), &begins(after)), expected);
        assert_eq!(manager.may_change(&begins(before), &begins(after)), Ok(()));
    }
}

#[test]
fn narrower_bounds_are_less() {
    let plain = || token(9, TokenKind::Grant, named("7"), "read", None);
    let wide = bounded(plain(), Some(5), &["10.0.0.0/8"]);
    for (token, is_less) in [
        (bounded(plain(), Some(6), &["10.0.0.0/8"]), true),
        (bounded(plain(), Some(5), &["10.1.0.0/16"]), true),
        (wide.clone(), false),
        (bounded(plain(), Some(4), &["10.1.0.0/16"]), false),
        (bounded(plain(), Some(6), &["192.0.2.1"]), false),
        (bounded(plain(), Some(6), &[]), false),
    ] {
        assert_eq!(token.has_less_than(&wide), is_less, "{:?}", token.spec.bounds);
    }
    assert!(wide.has_less_than(&plain()) && !plain().has_less_than(&wide));
}

#[test]
fn permissions_never_widen_a_scoped_token() {
    let mut scoped = token(9, TokenKind::Grant, Owner::Nobody, "", None);
    let narrow = Scope { permissions: names("write"), ids: vec!["s1".into()], ..Scope::default() };
    scoped.spec.scopes = Scopes::new(vec![narrow, Scope::global(names("read,list"))]).unwrap();
    assert_eq!(scoped.scopes_with_permissions(names("write")), Err(AuthorityRefusal::WouldWiden));
    let kept = scoped.scopes_with_permissions(names("list")).unwrap();
    assert_eq!(kept.global_permissions(), [&names("list")[0]]);
    assert!(kept.any_narrow());
    let global = token(9, TokenKind::Grant, Owner::Nobody, "read", None);
    assert!(global.scopes_with_permissions(names("write,delete")).is_ok());
    assert_eq!(global.scopes_with_permissions(names("jeton:manage")), Err(AuthorityRefusal::Reserved));
    let identity = token(9, TokenKind::Identity, named("7"), "", None);
    assert_eq!(identity.scopes_with_permissions(names("read")), Err(AuthorityRefusal::IdentityToken));
    assert_eq!(identity.scopes_with_permissions(vec![]), Ok(Scopes::none()));
}

#[test]
fn each_kind_has_scopes_of_its_own_sort() {
    use TokenKind::{Grant, Identity, SelfMade, Service};
    let global = |text| Scopes::from_global(names(text)).unwrap();
    let narrow = Scope { permissions: names("jeton:verify"), ids: vec!["s1".into()], ..Scope::default() };
    let narrow = Scopes::new(vec![narrow]).unwrap();
    for (kind, scopes, expected) in [
        (Identity, global(""), Ok(())),
        (Identity, global("read"), Err(AuthorityRefusal::IdentityToken)),
        (SelfMade, global("read"), Err(AuthorityRefusal::IdentityToken)),
        (Grant, global(""), Ok(())),
        (Grant, global("read"), Ok(())),
        (Grant, global("read,jeton:verify"), Err(AuthorityRefusal::Reserved)),
        (Grant, narrow.clone(), Err(AuthorityRefusal::Reserved)),
        (Service, global("jeton:verify"), Ok(())),
        (Service, global("jeton:verify,read"), Err(AuthorityRefusal::ServiceToken)),
        (Service, global("jeton:other"), Err(AuthorityRefusal::ServiceToken)),
        (Service, global(""), Err(AuthorityRefusal::ServiceToken)),
        (Service, narrow, Err(AuthorityRefusal::ServiceToken)),
    ] {
        assert_eq!(kind.check_scopes(&scopes), expected, "{kind:?} {scopes:?}");
    }
}

proptest! {
    #[test]
    fn what_is_covered_allows_nothing_that_the_holder_may_not(
        held in random::scopes(), asked in random::scopes(), demand in random::demands(),
    ) {
        let scopes = Scopes::new(held.clone()).unwrap();
        let holding = Holding { scopes, expires_at: None, bounds: Bounds::NONE };
        let allows = |scopes| {
            let standing = Standing::lasting(scopes);
            decide(standing, &demand, Circumstances::at(at(0))) == Verdict::Allowed
        };
        let (asked_allows, held_allows) = (allows(&asked), allows(&held));
        if asked_allows && !held_allows {
            prop_assert!(!holding.covers_scopes(&Scopes::new(asked).unwrap()));
        }
        prop_assert!(holding.covers_scopes(&holding.scopes), "every holding covers itself");
    }
}
