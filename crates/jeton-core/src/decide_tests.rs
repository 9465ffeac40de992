//! `decide` against a second, slower definition of the same thing, over random tokens and demands.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

pub(crate) fn permissions() -> impl Strategy<Value = Vec<Permission>> {
    vec(prop::sample::select(&["read", "write", "delete"][..]).prop_map(|n| n.parse().unwrap()), 0..3)
}

fn names(choices: &'static [&'static str]) -> impl Strategy<Value = Vec<String>> {
    vec(prop::sample::select(choices).prop_map(str::to_owned), 0..3)
}

pub(crate) fn scopes() -> impl Strategy<Value = Vec<Scope>> {
    let scope = (permissions(), prop::bool::weighted(0.3), names(&["s1", "s2"]), names(&["a", "b", "c"]))
        .prop_map(|(permissions, global, ids, tags)| Scope { permissions, global, ids, tags });
    vec(scope, 0..4)
}

pub(crate) fn demands() -> impl Strategy<Value = Demand> {
    let resource = (prop::option::of(prop::sample::select(&["s1", "s2", "s3"][..])), names(&["a", "b", "c"]))
        .prop_map(|(id, tags)| Resource { id: id.map(str::to_owned), tags });
    prop_oneof![
        1 => Just(Demand::Active),
        9 => (prop::sample::select(&["read", "write", "admin"][..]), prop::option::of(resource)).prop_map(
            |(name, resource)| Demand::Permission { permission: name.parse().unwrap(), resource }
        ),
    ]
}

fn instant(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

fn at(millis: i64) -> Circumstances<'static> {
    Circumstances::at(instant(millis))
}

fn lists() -> impl Strategy<Value = Option<AllowedAddresses>> {
    let block = prop::sample::select(&["192.0.2.0/30", "192.0.2.2", "2001:db8::/127", "2001:db8::1"][..]);
    prop::option::of(vec(block, 1..3)).prop_map(|blocks| AllowedAddresses::parse(blocks?).unwrap())
}

fn clients() -> impl Strategy<Value = Option<IpAddr>> {
    let client = prop::sample::select(
        &["192.0.2.1", "192.0.2.2", "192.0.2.4", "::ffff:192.0.2.1", "2001:db8::1", "2001:db8::2"][..],
    );
    prop::option::of(client.prop_map(|text| text.parse().unwrap()))
}

/// Which bounds refuse, in the order in which reasons are named.
fn model_of_bounds(
    bounds: Option<&Bounds>,
    circumstances: Circumstances<'_>,
) -> Option<(InactiveReason, Option<AddressList>)> {
    let begins = bounds.and_then(|bounds| bounds.not_before);
    if begins > Some(circumstances.now) {
        return Some((InactiveReason::NotYetValid, None));
    }
    let own = bounds.and_then(|bounds| bounds.allowed_addresses.clone());
    for (name, list) in [(AddressList::App, circumstances.app_addresses.cloned()), (AddressList::Token, own)]
    {
        let is_on = |address| list.as_ref().is_none_or(|list| list.allow(address));
        match circumstances.address {
            None if list.is_some() => return Some((InactiveReason::AddressUnknown, Some(name))),
            Some(address) if !is_on(address) => return Some((InactiveReason::AddressNotAllowed, Some(name))),
            _ => {}
        }
    }
    None
}

/// The definition of DESIGN in set notation, without early exits.
fn model(scopes: &[Scope], demand: &Demand) -> bool {
    let Demand::Permission { permission, resource } = demand else {
        return true;
    };
    let mut covering = 0;
    for scope in scopes {
        let listed = resource
            .as_ref()
            .and_then(|r| r.id.as_ref())
            .map_or(0, |id| scope.ids.iter().filter(|listed| *listed == id).count());
        let borne = resource.as_ref().map_or(0, |r| scope.tags.iter().filter(|t| r.tags.contains(t)).count());
        let by_tags = borne == scope.tags.len() && borne > 0;
        let holds = scope.permissions.iter().filter(|p| *p == permission).count() > 0;
        covering += usize::from(holds && (scope.global || listed > 0 || by_tags));
    }
    covering > 0
}

proptest! {
    #[test]
    fn it_agrees_with_the_definition(
        scopes in scopes(), demand in demands(), (revoked, disabled) in any::<(bool, bool)>(),
        expires in prop::option::of(0i64..10), begins in prop::option::of(0i64..10), now in 0i64..10,
        (own, app, address) in (lists(), lists(), clients()),
    ) {
        let bounds = Bounds { not_before: begins.map(instant), allowed_addresses: own };
        let expires_at = expires.map(instant);
        let standing = Standing { revoked, disabled, expires_at, scopes: &scopes, bounds: bounds.some(), ancestors: &[] };
        let circumstances = Circumstances { now: instant(now), address, app_addresses: app.as_ref(), ..at(now) };
        let out_of_bounds = model_of_bounds(bounds.some(), circumstances);
        let expected = match (revoked, expires.is_some_and(|e| e <= now), disabled, out_of_bounds) {
            (true, ..) => Verdict::Inactive(InactiveReason::Revoked),
            (_, true, ..) => Verdict::Inactive(InactiveReason::Expired),
            (_, _, true, _) => Verdict::Inactive(InactiveReason::Disabled),
            (_, _, _, Some((reason, _))) => Verdict::Inactive(reason),
            _ if model(&scopes, &demand) => Verdict::Allowed,
            _ => Verdict::Refused,
        };
        prop_assert_eq!(decide(standing, &demand, circumstances), expected);
        let explanation = explain(standing, &demand, circumstances);
        prop_assert_eq!(explanation.verdict, expected);
        let refusing = out_of_bounds.filter(|(reason, _)| expected == Verdict::Inactive(*reason));
        prop_assert_eq!(explanation.refused_by, refusing.and_then(|(_, list)| list));
    }

    #[test]
    fn the_explanation_agrees_and_accounts_for_every_scope(scopes in scopes(), demand in demands()) {
        let standing =
            Standing::lasting(&scopes);
        let verdict = decide(standing, &demand, at(0));
        let explanation = explain(standing, &demand, at(0));
        prop_assert_eq!(explanation.verdict, verdict);
        match (&demand, verdict) {
            (Demand::Active, _) => prop_assert!(explanation.lacks.is_empty()),
            (_, Verdict::Allowed) => {
                let place = explanation.matched_scope.expect("an allowed demand names its scope");
                let alone = Standing { scopes: &scopes[place..=place], ..standing };
                prop_assert_eq!(decide(alone, &demand, at(0)), Verdict::Allowed);
                let before = Standing { scopes: &scopes[..place], ..standing };
                prop_assert_eq!(decide(before, &demand, at(0)), Verdict::Refused);
            }
            _ => prop_assert_eq!(explanation.lacks.len(), scopes.len()),
        }
    }

    #[test]
    fn more_scopes_never_allow_less(scopes in scopes(), more in scopes(), demand in demands()) {
        let standing =
            |scopes| Standing::lasting(scopes);
        let all: Vec<Scope> = scopes.iter().chain(&more).cloned().collect();
        if decide(standing(&scopes), &demand, at(0)) == Verdict::Allowed {
            prop_assert_eq!(decide(standing(&all), &demand, at(0)), Verdict::Allowed);
        }
    }
}

#[test]
fn the_boundaries() {
    let read = || "read".parse::<Permission>().unwrap();
    let demand = |resource| Demand::Permission { permission: read(), resource };
    let resource = |id: Option<&str>, tags: &[&str]| {
        Some(Resource { id: id.map(str::to_owned), tags: tags.iter().map(|t| (*t).to_owned()).collect() })
    };
    let scope = |global, ids: &[&str], tags: &[&str]| Scope {
        permissions: vec![read()],
        global,
        ids: ids.iter().map(|t| (*t).to_owned()).collect(),
        tags: tags.iter().map(|t| (*t).to_owned()).collect(),
    };
    let cases = [
        // A global scope ignores ids and tags.
        (scope(true, &["s1"], &["a"]), demand(resource(Some("s9"), &[])), None),
        (scope(true, &[], &[]), demand(None), None),
        // Without a resource only a global scope covers.
        (scope(false, &["s1"], &["a"]), demand(None), Some(Lack::Global)),
        // Either selector is enough; all tags are needed.
        (scope(false, &["s1"], &["a", "b"]), demand(resource(Some("s1"), &[])), None),
        (scope(false, &["s1"], &["a", "b"]), demand(resource(Some("s2"), &["b", "a", "c"])), None),
        (scope(false, &["s1"], &["a", "b"]), demand(resource(Some("s2"), &["a"])), Some(Lack::Resource)),
        // No selectors select nothing.
        (scope(false, &[], &[]), demand(resource(Some("s1"), &["a"])), Some(Lack::Resource)),
        (scope(false, &[], &[]), demand(resource(None, &[])), Some(Lack::Resource)),
        (Scope::default(), demand(None), Some(Lack::Permission)),
    ];
    for (scope, demand, expected) in cases {
        let scopes = [scope];
        let standing = Standing::lasting(&scopes);
        let explanation = explain(standing, &demand, at(0));
        assert_eq!(explanation.lacks.first().copied(), expected, "{scopes:?} {demand:?}");
        assert_eq!(explanation.verdict == Verdict::Allowed, expected.is_none());
    }
}

#[test]
fn long_lists_of_tags_are_compared_as_short_ones_are() {
    let tags = |range: std::ops::Range<u32>| range.map(|n| format!("tag {n}")).collect::<Vec<_>>();
    for length in [1, 15, 16, 17, 1000] {
        let (borne, more) = (tags(0..length), tags(0..length + 1));
        assert!(bears_all(&borne, &borne) && bears_all(&more, &borne), "{length}");
        assert!(!bears_all(&borne, &more) && !bears_all(&[], &borne), "{length}");
    }
}
