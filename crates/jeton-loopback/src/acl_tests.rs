//! Decisions and their grounds, compared with recorded ones of LoopBack 2.42.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value as Json;

/// One object a line: `entries`, the calling user (null: none), the method, whether the token is the caller's
/// own, and what LoopBack decided with `defaultPermission` DENY. User 2 has the role `admin`, 1 and 2 have
/// `staff`.
const RECORDED: &str = include_str!("../tests/data/loopback-acls.jsonl");

fn user(number: i64) -> UserId {
    UserId::from_integer(number)
}

fn entry(json: &Json) -> AclEntry {
    let text = |name: &str| json[name].as_str();
    let properties: Option<Vec<&str>> = match &json["property"] {
        Json::Null => None,
        Json::Array(names) => Some(names.iter().map(|name| name.as_str().unwrap()).collect()),
        name => Some(vec![name.as_str().unwrap()]),
    };
    AclEntry::parse(
        text("principalType").unwrap(),
        text("principalId").unwrap(),
        text("permission").unwrap(),
        text("accessType"),
        properties.as_deref(),
    )
    .unwrap()
}

fn roles() -> BTreeMap<String, Vec<UserId>> {
    BTreeMap::from([("admin".to_owned(), vec![user(2)]), ("staff".to_owned(), vec![user(1), user(2)])])
}

fn rules(entries: &Json) -> AccessRules {
    AccessRules::new(entries.as_array().unwrap().iter().map(entry).collect(), roles()).unwrap()
}

#[test]
fn recorded_decisions() {
    let mut allowed = 0;
    for line in RECORDED.lines() {
        let case: Json = serde_json::from_str(line).unwrap();
        let named = case["caller"].as_i64().map(user);
        let caller = named.as_ref().map_or(AclCaller::Anyone, AclCaller::User);
        let method = Method::from_name(case["method"].as_str().unwrap()).unwrap();
        let ground = rules(&case["entries"]).decide(caller, method, case["owns"] == Json::Bool(true));
        assert_eq!(Json::Bool(ground.is_some()), case["allowed"], "{line}");
        allowed += usize::from(ground.is_some());
    }
    assert!(allowed > 50, "only {allowed} of the recorded cases allow anything");
}

#[test]
fn by_default_everyone_may_create_and_do_nothing_else() {
    let rules = AccessRules::default();
    let (one, two) = (user(1), user(2));
    for caller in [AclCaller::Anyone, AclCaller::User(&one), AclCaller::User(&two)] {
        for method in Method::ALL {
            let expected = (method == Method::Create).then_some(Ground::Everyone);
            assert_eq!(rules.decide(caller, method, true), expected, "{caller:?} {method:?}");
        }
    }
    for method in Method::ALL {
        assert_eq!(rules.decide(AclCaller::Manager, method, false), Some(Ground::Name));
    }
}

#[test]
fn nobody_is_let_in_without_an_entry() {
    let none = AccessRules::new(vec![], BTreeMap::new()).unwrap();
    assert_eq!(none.decide(AclCaller::User(&user(1)), Method::Find, true), None);
}

#[test]
fn grounds() {
    use Ground::{Authenticated, Everyone, Name, Owner, Unauthenticated};
    let open = r#"{"principalType":"ROLE","principalId":"$everyone","permission":"ALLOW"}"#;
    let closed = r#"{"principalType":"ROLE","principalId":"$everyone","permission":"DENY"}"#;
    let create =
        r#"{"principalType":"ROLE","principalId":"$everyone","permission":"ALLOW","property":"create"}"#;
    let admin = r#"{"principalType":"ROLE","principalId":"admin","permission":"ALLOW"}"#;
    let not_admin = r#"{"principalType":"ROLE","principalId":"admin","permission":"DENY"}"#;
    let one = r#"{"principalType":"USER","principalId":"1","permission":"AUDIT","accessType":"WRITE"}"#;
    let owner = r#"{"principalType":"ROLE","principalId":"$owner","permission":"ALLOW"}"#;
    let proven = r#"{"principalType":"ROLE","principalId":"$authenticated","permission":"ALLOW"}"#;
    let unproven = r#"{"principalType":"ROLE","principalId":"$unauthenticated","permission":"ALLOW"}"#;
    // The entries, and the grounds on which no user, user 1 and user 2 may create.
    for (entries, expected) in [
        (vec![open], [Some(Everyone); 3]),
        (vec![closed, admin], [None, None, Some(Name)]),
        // The entry for everyone decides, but the administrator does not need it.
        (vec![closed, create, admin], [Some(Everyone), Some(Everyone), Some(Name)]),
        // Named only to be denied: admitted like anyone.
        (vec![create, not_admin], [Some(Everyone); 3]),
        (vec![open, proven], [Some(Everyone), Some(Authenticated), Some(Authenticated)]),
        (vec![open, unproven], [Some(Unauthenticated), Some(Everyone), Some(Everyone)]),
        (vec![proven, one], [None, Some(Name), Some(Authenticated)]),
        (vec![open, owner], [Some(Everyone), Some(Owner), Some(Owner)]),
        (vec![owner, admin], [None, Some(Owner), Some(Name)]),
    ] {
        let json = serde_json::from_str(&format!("[{}]", entries.join(","))).unwrap();
        let rules = rules(&json);
        let (one, two) = (user(1), user(2));
        let callers = [AclCaller::Anyone, AclCaller::User(&one), AclCaller::User(&two)];
        assert_eq!(callers.map(|caller| rules.decide(caller, Method::Create, true)), expected, "{entries:?}");
    }
    assert!(Name.is_by_name());
    for ground in [Owner, Authenticated, Unauthenticated, Everyone] {
        assert!(!ground.is_by_name());
    }
}

#[test]
fn whose_a_token_is_matters_only_to_entries_about_owners() {
    let json =
        r#"[{"principalType":"ROLE","principalId":"$owner","permission":"ALLOW","accessType":"READ"}]"#;
    let rules = rules(&serde_json::from_str(json).unwrap());
    assert!(rules.asks_for_owner(Method::Find) && !rules.asks_for_owner(Method::Create));
    assert!(!AccessRules::default().asks_for_owner(Method::Find));
}

#[test]
fn entries_that_are_none() {
    let parse = |kind, id, permission, access, properties: Option<&[&str]>| {
        AclEntry::parse(kind, id, permission, access, properties).unwrap_err().to_string()
    };
    assert_eq!(parse("APP", "x", "ALLOW", None, None), "principalType must be USER or ROLE, not \"APP\"");
    assert_eq!(parse("USER", "", "ALLOW", None, None), "principalId names no user");
    assert_eq!(parse("ROLE", "", "ALLOW", None, None), "principalId names no role");
    assert_eq!(parse("ROLE", "$related", "ALLOW", None, None), "principalId names no role");
    assert_eq!(
        parse("USER", "1", "allow", None, None),
        "permission must be ALLOW, DENY, ALARM, AUDIT or DEFAULT, not \"allow\""
    );
    assert_eq!(
        parse("USER", "1", "ALLOW", Some("REPLICATE"), None),
        "accessType must be READ, WRITE, EXECUTE or *, not \"REPLICATE\""
    );
    assert_eq!(
        parse("USER", "1", "DENY", None, Some(&["find", "fnd"])),
        "property must name methods of AccessToken, or be *; \"fnd\" is none"
    );
}

#[test]
fn rules_that_are_none() {
    let about_admin = || vec![AclEntry::parse("ROLE", "admin", "ALLOW", None, None).unwrap()];
    let role = |name: &str| BTreeMap::from([(name.to_owned(), vec![])]);
    assert!(AccessRules::new(about_admin(), role("admin")).is_ok());
    assert_eq!(
        AccessRules::new(about_admin(), role("staff")),
        Err(AclError::UnknownRole("admin".to_owned()))
    );
    for name in ["", "$owner"] {
        assert_eq!(AccessRules::new(vec![], role(name)), Err(AclError::RoleName(name.to_owned())));
    }
    let users = |count: i64| BTreeMap::from([("admin".to_owned(), (0..count).map(user).collect())]);
    assert!(AccessRules::new(vec![], users(1_000)).is_ok());
    assert_eq!(AccessRules::new(vec![], users(1_001)), Err(AclError::TooMany));
}

#[test]
fn names_of_methods_and_principals() {
    for method in Method::ALL {
        assert_eq!(Method::from_name(method.name()), Some(method));
    }
    assert_eq!(Method::from_name("prototype.patchAttributes"), Some(Method::UpdateAttributes));
    assert_eq!(Method::from_name("updateOrCreate"), Some(Method::Upsert));
    assert_eq!(Method::from_name("destroyAll"), None);
    let all = AclEntry::parse("USER", "1", "ALLOW", Some("*"), Some(&["find", "*"])).unwrap();
    assert_eq!((all.access_type, all.methods), (None, Methods::All));
    for (kind, id) in
        [("USER", "1"), ("ROLE", "x"), ("ROLE", "$owner"), ("ROLE", "$authenticated"), ("ROLE", "$everyone")]
    {
        assert_eq!(Principal::parse(kind, id).unwrap().names(), (kind, id.to_owned()));
    }
}

fn entries() -> impl Strategy<Value = AclEntry> {
    let principal = prop::sample::select(vec![
        ("USER", "1"),
        ("ROLE", "admin"),
        ("ROLE", "staff"),
        ("ROLE", "$owner"),
        ("ROLE", "$authenticated"),
        ("ROLE", "$unauthenticated"),
        ("ROLE", "$everyone"),
    ]);
    let access = prop::sample::select(vec![None, Some("READ"), Some("WRITE"), Some("EXECUTE")]);
    let property = prop::option::of(prop::sample::select(Method::ALL.to_vec()).prop_map(Method::name));
    (principal, prop::sample::select(AclPermission::ALL.to_vec()), access, property).prop_map(
        |((kind, id), permission, access, property)| {
            let names = property.map(|name| [name]);
            AclEntry::parse(kind, id, permission.name(), access, names.as_ref().map(|names| &names[..]))
                .unwrap()
        },
    )
}

proptest! {
    #[test]
    fn by_name_is_what_entries_with_names_alone_allow(entries in vec(entries(), 0..6), number in 1i64..4, owns: bool) {
        let user = user(number);
        let caller = AclCaller::User(&user);
        let all = AccessRules::new(entries.clone(), roles()).unwrap();
        let named = entries.into_iter().filter(|entry| entry.principal.is_name()).collect();
        let named = AccessRules::new(named, roles()).unwrap();
        for method in Method::ALL {
            let ground = all.decide(caller, method, owns);
            let alone = named.decide(caller, method, owns);
            prop_assert!(alone.is_none_or(Ground::is_by_name));
            prop_assert_eq!(ground.is_some_and(Ground::is_by_name), ground.is_some() && alone.is_some());
        }
    }

    #[test]
    fn the_order_of_entries_does_not_matter(entries in vec(entries(), 0..6), owns: bool) {
        let user = user(1);
        let mut reversed = entries.clone();
        reversed.reverse();
        let (one, two) =
            (AccessRules::new(entries, roles()).unwrap(), AccessRules::new(reversed, roles()).unwrap());
        for method in Method::ALL {
            for caller in [AclCaller::Anyone, AclCaller::User(&user)] {
                prop_assert_eq!(one.decide(caller, method, owns), two.decide(caller, method, owns));
            }
        }
    }
}
