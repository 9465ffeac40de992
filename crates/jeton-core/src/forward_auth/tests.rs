//! Tests of what a gateway's question asks for.

use super::*;
use crate::decide::Resource;

fn rule(method: &str, path: &str, permission: &str, id: Option<&str>, tags: &[&str]) -> RouteRule {
    let permission = match permission {
        "" => None,
        "by-method" => Some(RulePermission::ByMethod),
        name => Some(RulePermission::Named(name.parse().unwrap())),
    };
    let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
    RouteRule::new(method, path, permission, id, &tags).unwrap()
}

fn settings(routes: Vec<RouteRule>) -> ForwardAuthSettings {
    ForwardAuthSettings { routes, ..ForwardAuthSettings::default() }
}

fn demand(permission: &str, id: Option<&str>, tags: &[&str]) -> Option<Demand> {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    let resource = Resource::named(id.map(str::to_owned), tags);
    Some(Demand::Permission { permission: permission.parse().unwrap(), resource })
}

#[test]
fn the_first_rule_that_is_for_a_request_counts() {
    let settings = settings(vec![
        rule("*", "/v1/{db}/datastreams/{id}", "by-method", Some("{id}"), &[]),
        rule("get", "/v1/{db}/datastreams", "list", None, &["db:{db}", "all"]),
        rule("POST", "/files/{*path}", "upload", Some("{path}"), &[]),
        rule("*", "/files/public", "", None, &[]),
        rule("*", "/files/{name}", "by-method", Some("f-{name}.{name}"), &[]),
        rule("*", "/", "read", None, &[]),
        rule("*", "/a%20b/", "read", None, &[]),
    ]);
    for (method, path, expected) in [
        ("GET", "/v1/demo/datastreams/7", demand("read", Some("7"), &[])),
        ("HEAD", "/v1/demo/datastreams/7", demand("read", Some("7"), &[])),
        ("OPTIONS", "/v1/demo/datastreams/7", demand("read", Some("7"), &[])),
        ("delete", "/v1/demo/datastreams/7", demand("delete", Some("7"), &[])),
        ("PATCH", "/v1/demo/datastreams/a%20b", demand("write", Some("a b"), &[])),
        ("BREW", "/v1/demo/datastreams/7", demand("write", Some("7"), &[])),
        ("GET", "/v1/demo/datastreams", demand("list", None, &["db:demo", "all"])),
        ("HEAD", "/v1/demo/datastreams", None),
        ("GET", "/v1/demo/datastreams/", None),
        ("GET", "/v1//datastreams", None),
        ("GET", "/V1/demo/datastreams", None),
        ("GET", "/v1/demo/datastreams/7/points", None),
        ("POST", "/files/a/b/c.txt", demand("upload", Some("a/b/c.txt"), &[])),
        ("POST", "/files/", None),
        ("GET", "/files/public", Some(Demand::Active)),
        ("GET", "/files/private", demand("read", Some("f-private.private"), &[])),
        ("GET", "/files/%70ublic", None),
        ("GET", "/files/x/../public", None),
        ("GET", "/", demand("read", None, &[])),
        ("GET", "/a%20b/", demand("read", None, &[])),
        ("GET", "/a%20b", None),
        ("GET", "", None),
        ("GET", "//", None),
    ] {
        assert_eq!(settings.demand_of(method, path), expected, "{method} {path}");
    }
}

#[test]
fn rules_are_written_as_they_were_read() {
    for (method, path, id) in [
        ("*", "/v1/{db}/{id}", Some("{db}/{id}")),
        ("GET", "/a%20b/{*rest}", Some("x{rest}")),
        ("M-SEARCH", "/", None),
    ] {
        let rule = rule(method, path, "by-method", id, &["t"]);
        assert_eq!((rule.method(), rule.path().as_str(), rule.id().as_deref()), (method, path, id));
        assert_eq!(rule.tags().collect::<Vec<_>>(), ["t"]);
    }
}

#[test]
fn what_is_no_rule() {
    let read = || Some(RulePermission::Named("read".parse().unwrap()));
    let fault = |method: &str, path: &str, permission, id: Option<&str>, tags: &[&str]| {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        RouteRule::new(method, path, permission, id, &tags).unwrap_err()
    };
    for method in ["", "GET POST", "\u{e9}"] {
        assert_eq!(fault(method, "/", read(), None, &[]), RuleError::Method, "{method}");
    }
    for path in [
        "",
        "a",
        "/a//b",
        "/{}",
        "/{a b}",
        "/{a}/{a}",
        "/{*rest}/a",
        "/{*}",
        "/x{a}",
        "/{a}x",
        "/..",
        "/%2e",
        "/a?b",
        "/a;b",
        "/%41",
        "/*",
    ] {
        assert_eq!(fault("*", path, read(), None, &[]), RuleError::Path, "{path}");
    }
    assert_eq!(fault("*", &format!("/{}", "a".repeat(1_024)), read(), None, &[]), RuleError::LongPath);
    for id in ["", "{b}", "{a", "a}", "}{a", "{{a}}", "\n", &"x".repeat(256)] {
        assert_eq!(fault("*", "/{a}", read(), Some(id), &[]), RuleError::Template, "{id}");
        assert_eq!(fault("*", "/{a}", read(), None, &["x", id]), RuleError::Template, "{id}");
    }
    assert_eq!(fault("*", "/", read(), None, &["x"; 17]), RuleError::Tags);
    assert_eq!(fault("*", "/{a}", None, Some("{a}"), &[]), RuleError::PermissionMissing);
    assert_eq!(fault("*", "/{a}", None, None, &["{a}"]), RuleError::PermissionMissing);
}

#[test]
fn names_of_demands_sources_and_places() {
    for good in ["read-mine", "A.b_9", "routes", "..."] {
        assert_eq!(good.parse::<DemandName>().unwrap().as_str(), good);
    }
    for bad in ["", "route", ".", "..", "a b", "a/b", "\u{e9}", &"x".repeat(65)] {
        assert_eq!(bad.parse::<DemandName>(), Err(DemandNameError), "{bad}");
    }
    for good in ["bearer", "x-access-token", "x-api-key", "basic-username", "cookie:__Host-session"] {
        assert_eq!(good.parse::<CredentialPlace>().unwrap().to_string(), good);
    }
    for bad in ["", "Bearer", "cookie", "cookie:", "cookie:a b", "cookie:a=b", "basic"] {
        assert_eq!(bad.parse::<CredentialPlace>(), Err(CredentialPlaceError), "{bad}");
    }
    for (realm, is_one) in [
        ("api", true),
        ("My API, v2", true),
        ("", false),
        ("a\"b", false),
        ("a\\b", false),
        ("\u{e9}", false),
    ] {
        assert_eq!(realm.parse::<Realm>().is_ok(), is_one, "{realm}");
    }
}

#[test]
fn members_are_checked_by_name() {
    let refused = |change: fn(&mut ForwardAuthSettings)| {
        let mut settings = ForwardAuthSettings::default();
        change(&mut settings);
        settings.validate().err().map(|error| error.member)
    };
    assert_eq!(refused(|_| ()), None);
    assert_eq!(refused(|s| s.credentials = Vec::new()), Some("forward_auth.credentials"));
    assert_eq!(refused(|s| s.credentials.push(CredentialPlace::Bearer)), Some("forward_auth.credentials"));
    assert_eq!(
        refused(|s| s.routes = vec![rule("*", "/", "read", None, &[]); 1_001]),
        Some("forward_auth.routes")
    );
    assert_eq!(refused(|s| s.cache_seconds = 3_601), Some("forward_auth.cache_seconds"));
    for (url, is_one) in [
        ("https://api.example/.well-known/oauth-protected-resource", true),
        ("http://a", false),
        ("https://a\"b", false),
    ] {
        let settings =
            ForwardAuthSettings { resource_metadata: Some(url.to_owned()), ..ForwardAuthSettings::default() };
        assert_eq!(settings.validate().is_ok(), is_one, "{url}");
    }
}
