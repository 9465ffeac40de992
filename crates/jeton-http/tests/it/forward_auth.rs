//! Forward-auth by an app's settings: demands by name, rules for the request that a gateway holds, places of
//! credentials.

use crate::app::{Ask, HOUR, TestApp, grant, lasting, names, on_ids, on_tags, scoped, user};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jeton_core::Scope;
use serde_json::{Value, json};

/// An app whose section `forward_auth` is this.
async fn app(section: Value) -> TestApp {
    let app = TestApp::following().await;
    app.merge(json!({"forward_auth": section})).await;
    app
}

/// Rules of a data API.
fn routes() -> Value {
    json!([
        {"method": "*", "path": "/v1/{db}/datastreams/{id}", "permission": "by-method", "id": "{id}"},
        {"method": "GET", "path": "/v1/{db}/tagged/{tag}", "permission": "read", "tags": ["{tag}", "{db}"]},
        {"method": "*", "path": "/ping"},
    ])
}

#[tokio::test]
async fn a_name_stands_for_what_the_settings_say() {
    let app = app(json!({"demands": {"live": {}, "read-mine": {"permission": "read", "id": "mine"}, "write": {"permission": "write"}}})).await;
    let token = app.issue(scoped(user("7"), vec![on_ids("read", &["mine"])])).await.secret;
    for (path, status) in [
        ("/auth/demo/live", 200),
        ("/auth/demo/read-mine", 200),
        ("/auth/demo/read-mine/", 200),
        ("/auth/demo/write", 403),
        ("/auth/demo/nothing", 403),
        ("/auth/demo/READ-mine", 403),
        ("/auth/demo/read%2Dmine", 403),
        // What follows is the client's, and never a demand.
        ("/auth/demo/write/read-mine", 403),
        ("/auth/demo/write/../read-mine", 403),
        ("/auth/demo/write?permission=read&id=mine", 403),
        ("/auth/demo/read-mine?permission=write", 200),
        ("/auth/demo/read-mine/any/thing;x?a=%ff", 200),
        ("/auth/other/live", 401),
    ] {
        assert_eq!(app.get(path).bearer(&token).status().await, status, "{path}");
        assert_eq!(app.get(path).bearer("garbage").status().await, 401, "{path}");
    }
}

/// A question about a request with this method and target, as a gateway with this source asks it.
fn ask_about<'a>(app: &'a TestApp, source: &str, method: &str, target: &str) -> Ask<'a> {
    let route = "/auth/demo/route";
    match source {
        "x-original" => app.get(route).header("x-original-method", method).header("x-original-uri", target),
        "x-original-url" => {
            let url = format!("https://api.example{target}");
            app.get(route).header("x-original-method", method).header("x-original-url", url)
        }
        "x-forwarded" => {
            app.get(route).header("x-forwarded-method", method).header("x-forwarded-uri", target)
        }
        _ => app.ask(method, &format!("{route}{target}")),
    }
}

#[tokio::test]
async fn the_rule_for_the_request_says_what_is_demanded() {
    for source in ["x-original", "x-original-url", "x-forwarded", "request"] {
        let app = app(json!({"source": source, "routes": routes()})).await;
        let scopes = vec![on_ids("read,delete", &["7", "a b"]), on_tags("read", &["red", "demo"])];
        let token = app.issue(scoped(user("7"), scopes)).await.secret;
        for (method, target, status) in [
            ("GET", "/v1/demo/datastreams/7", 200),
            ("HEAD", "/v1/demo/datastreams/7?permission=write", 200),
            ("OPTIONS", "/v1/demo/datastreams/a%20b", 200),
            ("DELETE", "/v1/other/datastreams/7", 200),
            ("PUT", "/v1/demo/datastreams/7", 403),
            ("POST", "/v1/demo/datastreams/7?permission=read", 403),
            ("GET", "/v1/demo/datastreams/8", 403),
            ("GET", "/v1/demo/tagged/red", 200),
            ("GET", "/v1/other/tagged/red", 403),
            ("GET", "/ping", 200),
            ("GET", "/nothing", 403),
            ("GET", "/v1/demo/datastreams/7/", 403),
            ("GET", "//v1/demo/datastreams/7", 403),
            ("GET", "/v1/demo/datastreams//7", 403),
            ("GET", "/v1/demo/x/../datastreams/7", 403),
            ("GET", "/v1/demo/datastreams/8/../7", 403),
            ("GET", "/v1/demo/datastreams/%37", 403),
            ("GET", "/v1/demo/datastreams/%2e%2e/7", 403),
            ("GET", "/v1%2Fdemo/datastreams/7", 403),
            ("GET", "/v1/demo/datastreams/7;x", 403),
            ("GET", "/V1/demo/datastreams/7", 403),
            ("GET", "/v1/demo/datastreams/8?/../7", 403),
        ] {
            let ask = || ask_about(&app, source, method, target);
            assert_eq!(ask().bearer(&token).status().await, status, "{source}: {method} {target}");
            assert_eq!(ask().status().await, 401, "{source}: {method} {target}");
        }
    }
}

#[tokio::test]
async fn what_the_gateway_does_not_write_is_never_the_request() {
    let app = app(json!({"routes": routes()})).await;
    let token = app.issue(scoped(user("7"), vec![on_ids("read", &["7"])])).await.secret;
    let allowed = "/v1/demo/datastreams/7";
    let ask = |path: &str| app.get(path).bearer(&token);
    let original =
        |path: &str| ask(path).header("x-original-method", "GET").header("x-original-uri", "/nothing");
    let asks = [
        ("nothing", ask("/auth/demo/route")),
        (
            "another source",
            ask("/auth/demo/route").header("x-forwarded-method", "GET").header("x-forwarded-uri", allowed),
        ),
        ("the path", ask(&format!("/auth/demo/route{allowed}"))),
        ("the path beside the source", original(&format!("/auth/demo/route{allowed}"))),
        (
            "another source beside it",
            original("/auth/demo/route").header("x-forwarded-uri", allowed).header("x-original-url", allowed),
        ),
        ("a second header", original("/auth/demo/route").header("x-original-uri", allowed)),
        ("no method", ask("/auth/demo/route").header("x-original-uri", allowed)),
        (
            "an overridden method",
            ask("/auth/demo/route")
                .header("x-original-method", "PUT")
                .header("x-original-uri", allowed)
                .header("x-http-method-override", "GET"),
        ),
        ("a query", ask("/auth/demo/route?permission=read&id=7")),
    ];
    for (what, ask) in asks {
        assert_eq!(ask.status().await, 403, "{what}");
    }
    let whole = ask("/auth/demo/route").header("x-original-method", "GET").header("x-original-uri", allowed);
    assert_eq!(whole.status().await, 200);
}

#[tokio::test]
async fn credentials_stand_where_the_settings_say() {
    let places = ["bearer", "x-access-token", "x-api-key", "basic-username", "cookie:sid"];
    let basic = |token: &str| format!("Basic {}", BASE64_STANDARD.encode(format!("{token}:x-oauth-basic")));
    for place in places {
        let app = app(json!({"credentials": [place]})).await;
        let token = app.issue(grant(user("7"), "read")).await.secret;
        let presented = [
            ("authorization", format!("Bearer {token}")),
            ("x-access-token", token.clone()),
            ("x-api-key", token.clone()),
            ("authorization", basic(&token)),
            ("cookie", format!("a=b; sid={token}")),
        ];
        for (other, (name, value)) in places.iter().zip(&presented) {
            let expected = if *other == place { 200 } else { 401 };
            let ask = || app.get("/auth/demo?permission=read").header(name, value);
            assert_eq!(ask().status().await, expected, "{place}: {other}");
            assert_eq!(ask().header(name, value).status().await, 401, "{place}: {other} twice");
        }
    }
    let app = app(json!({"credentials": places})).await;
    let token = app.issue(grant(user("7"), "read")).await.secret;
    let two = app.get("/auth/demo").header("x-api-key", &token).header("cookie", format!("sid={token}"));
    assert_eq!(two.status().await, 401, "two are none");
    let one = app
        .get("/auth/demo")
        .header("x-api-key", &token)
        .header("authorization", "")
        .header("cookie", "sid=");
    assert_eq!(one.status().await, 200, "empty is absent");
}

#[tokio::test]
async fn a_token_in_the_query_of_the_request_counts_by_setting() {
    let status = async |app: &TestApp, target: String| {
        let ask = app.get("/auth/demo/live").header("x-original-method", "GET");
        ask.header("x-original-uri", target).status().await
    };
    for (query_token, expected) in [(false, 401), (true, 200)] {
        let app = app(json!({"query_token": query_token, "demands": {"live": {}}})).await;
        let token = app.issue(grant(user("7"), "read")).await.secret;
        assert_eq!(status(&app, format!("/a?access_token={token}&b=c")).await, expected);
        assert_eq!(status(&app, format!("/a?access_token={token}&access_token={token}")).await, 401);
        assert_eq!(status(&app, "/a?access_token=".to_owned()).await, 401);
        let gateways = app.get(&format!("/auth/demo?access_token={token}"));
        assert_eq!(gateways.status().await, 401, "the question's own query is the gateway's");
    }
}

#[tokio::test]
async fn preflights_are_let_through_by_setting() {
    for (preflights, expected) in [(false, 401), (true, 200)] {
        let app = app(json!({"preflights": preflights})).await;
        let ask = |method: &str| {
            let ask = app
                .get("/auth/demo/route")
                .header("x-original-method", method)
                .header("x-original-uri", "/a");
            ask.header("origin", "https://app.example").header("access-control-request-method", "GET")
        };
        let answer = ask("OPTIONS").send().await;
        assert_eq!(answer.status.as_u16(), expected);
        if preflights {
            let values = ["x-auth-app", "x-auth-user", "x-auth-token-id", "x-auth-scopes"]
                .map(|name| answer.header(name));
            assert_eq!(values, [Some("demo"), Some(""), Some(""), Some("")]);
        }
        assert_eq!(ask("GET").status().await, 401, "only OPTIONS");
        assert_eq!(ask("OPTIONS").without("origin").status().await, 401, "only of pages");
        assert_eq!(ask("OPTIONS").bearer("garbage").status().await, 401, "browsers send no credentials");
    }
}

#[tokio::test]
async fn challenges_say_what_the_settings_have() {
    let metadata = "https://api.example/.well-known/oauth-protected-resource";
    let app = app(
        json!({"realm": "api", "resource_metadata": metadata, "credentials": ["bearer", "basic-username"]}),
    )
    .await;
    let token = app.issue(grant(user("7"), "read")).await.secret;
    let challenges = async |ask: Ask<'_>| {
        let answer = ask.send().await;
        let values = answer.headers.get_all("www-authenticate").iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let bearer = format!("Bearer realm=\"api\", resource_metadata=\"{metadata}\"");
    let basic = "Basic realm=\"api\", charset=\"UTF-8\"".to_owned();
    assert_eq!(challenges(app.get("/auth/demo")).await, [bearer.clone(), basic.clone()]);
    assert_eq!(challenges(app.get("/auth/demo").bearer("garbage")).await, [bearer, basic]);
    let refused =
        format!("Bearer realm=\"api\", error=\"insufficient_scope\", resource_metadata=\"{metadata}\"");
    assert_eq!(challenges(app.get("/auth/demo?permission=write").bearer(&token)).await, [refused]);
    assert_eq!(
        challenges(app.get("/auth/nobody")).await,
        ["Bearer"],
        "callers cannot learn whether the app exists"
    );
}

#[tokio::test]
async fn an_answer_may_be_kept_by_setting_and_no_longer_than_the_token_lives() {
    let app = app(json!({"cache_seconds": 10, "credentials": ["bearer", "basic-username", "x-api-key"], "source": "x-forwarded"})).await;
    let long = app.issue(lasting(HOUR, grant(user("7"), "read"))).await.secret;
    let short = app.issue(lasting(3_500, grant(user("7"), "read"))).await.secret;
    for (token, expected) in [(&long, "public, max-age=10"), (&short, "public, max-age=3")] {
        let answer = app.get("/auth/demo").bearer(token).send().await;
        assert_eq!(answer.header("cache-control"), Some(expected));
        let vary = "authorization, x-api-key, x-forwarded-method, x-forwarded-uri";
        assert_eq!(answer.header("vary"), Some(vary));
    }
    for ask in [app.get("/auth/demo?permission=write").bearer(&long), app.get("/auth/demo").bearer("garbage")]
    {
        assert_eq!(ask.send().await.header("cache-control"), Some("no-store"));
    }
}

#[tokio::test]
async fn a_change_of_the_settings_counts_from_its_answer_on() {
    let app = app(json!({"demands": {"go": {"permission": "read"}}})).await;
    let token = app.issue(scoped(user("7"), vec![Scope::global(names("read"))])).await.secret;
    for (permission, status) in [("read", 200), ("write", 403), ("read", 200)] {
        app.merge(json!({"forward_auth": {"demands": {"go": {"permission": permission}}}})).await;
        for _ in 0..2 {
            assert_eq!(app.get("/auth/demo/go").bearer(&token).status().await, status, "{permission}");
        }
    }
    app.merge(json!({"forward_auth": null})).await;
    assert_eq!(app.get("/auth/demo/go").bearer(&token).status().await, 403);
}

/// An outage is no refusal where anything was presented; and where nothing was, it is one by whatever the
/// settings are.
#[tokio::test]
async fn without_a_store_only_those_are_refused_who_present_nothing() {
    let app = app(json!({"credentials": ["x-api-key"]})).await;
    let token = app.issue(grant(user("7"), "read")).await.secret;
    app.merge(json!({"token_prefix": "abc"})).await;
    app.store.fail_always();
    assert_eq!(app.get("/auth/demo").header("x-api-key", &token).status().await, 503);
    assert_eq!(app.get("/auth/demo").bearer(&token).status().await, 503);
    assert_eq!(app.get("/auth/demo").status().await, 401);
    assert_eq!(app.get("/auth/demo").bearer("garbage").status().await, 401);
}

/// Also where the app has to be looked up first.
#[tokio::test]
async fn garbage_is_counted_once() {
    let app = app(json!({"realm": "api"})).await;
    let counted = || (app.service.measures().verdicts.unknown.get(), app.service.cache_stats().garbage);
    for _ in 0..2 {
        let (unknown, garbage) = counted();
        assert_eq!(app.get("/auth/demo").bearer(&"0".repeat(64)).status().await, 401);
        assert_eq!(counted(), (unknown + 1, garbage + 1));
    }
}
