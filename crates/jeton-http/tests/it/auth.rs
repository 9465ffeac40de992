//! `/auth/{app}`: the verdict table, and the headers for gateways.

use crate::app::{
    Ask, DAY, EVERYTHING, HOUR, TestApp, grant, identity, lasting, names, on_ids, on_tags, scoped, service,
    stand_in, user,
};
use crate::appkey::callers::{Caller, everybody, set_enabled};
use jeton_core::{Lifetime, Owner, Scope, TokenId};
use jeton_service::Edit;
use std::fmt::Write;

const AUTH: &str = "/auth/demo";

#[tokio::test]
async fn the_answers_whole() {
    let app = TestApp::new().await;
    let scopes =
        vec![Scope::global(names("read,读 取")), on_ids("write", &["s1"]), Scope::global(names("a/b,read"))];
    let token = app.issue(scoped(user("ключ и замок"), scopes)).await;
    let nobodys = app.issue(grant(Owner::Nobody, "")).await;
    let mut all = Vec::new();
    for ask in [
        app.get(&format!("{AUTH}?permission=read")).bearer(&token.secret),
        app.get(AUTH).bearer(&nobodys.secret),
        app.get(AUTH),
        app.get(&format!("{AUTH}?permission=write")).bearer(&token.secret),
    ] {
        all.push(ask.send().await.show());
    }
    app.store.fail_always();
    all.push(app.get(AUTH).bearer(&token.secret).send().await.show());
    insta::assert_snapshot!(all.join("\n\n"), @r#"
    200 OK
    cache-control: no-store
    content-length: 0
    x-auth-app: demo
    x-auth-scopes: read,%E8%AF%BB%20%E5%8F%96,a%2Fb
    x-auth-token-id: 2
    x-auth-user: %D0%BA%D0%BB%D1%8E%D1%87%20%D0%B8%20%D0%B7%D0%B0%D0%BC%D0%BE%D0%BA



    200 OK
    cache-control: no-store
    content-length: 0
    x-auth-app: demo
    x-auth-scopes:
    x-auth-token-id: 3
    x-auth-user:



    401 Unauthorized
    cache-control: no-store
    content-length: 0
    www-authenticate: Bearer



    403 Forbidden
    cache-control: no-store
    content-length: 0
    www-authenticate: Bearer error="insufficient_scope"



    503 Service Unavailable
    cache-control: no-store
    content-length: 0
    "#);
}

#[tokio::test]
async fn every_caller_by_every_demand() {
    let (app, callers) = everybody().await;
    let demands = [
        "",
        "?permission=read",
        "?permission=write",
        "?permission=read&id=s1",
        "?permission=read&id=s2",
        "?x=1",
    ];
    let mut table = format!("{:16}", "");
    for demand in demands {
        write!(table, "  {}", if demand.is_empty() { "-" } else { demand }).unwrap();
    }
    for caller in &callers {
        write!(table, "\n{:16}", format!("{:?}", caller.caller)).unwrap();
        for demand in demands {
            let answer = caller.asks(app.get(&format!("{AUTH}{demand}"))).send().await;
            let challenge = match answer.status.as_u16() {
                200 => None,
                401 => Some("Bearer"),
                403 if demand == "?x=1" => Some(
                    "Bearer error=\"insufficient_scope\", \
                     error_description=\"there is no parameter x: there are permission, id, tag\"",
                ),
                403 => Some("Bearer error=\"insufficient_scope\""),
                other => panic!("{:?} {demand}: {other}", caller.caller),
            };
            assert_eq!(answer.header("www-authenticate"), challenge, "{:?} {demand}", caller.caller);
            assert_eq!((answer.header("cache-control"), answer.text()), (Some("no-store"), ""));
            let named = ["x-auth-app", "x-auth-token-id", "x-auth-user", "x-auth-scopes"];
            assert!(named.iter().all(|name| answer.headers.contains_key(*name) == challenge.is_none()));
            write!(table, "  {:width$}", answer.status.as_u16(), width = demand.len().max(1)).unwrap();
        }
    }
    assert_eq!(callers.len(), Caller::ALL.len());
    insta::assert_snapshot!(table, @r#"
                      -  ?permission=read  ?permission=write  ?permission=read&id=s1  ?permission=read&id=s2  ?x=1
    Manager           401               401                401                     401                     401   401
    ManagerOfNobody   401               401                401                     401                     401   401
    Verifier          401               401                401                     401                     401   401
    Identity          200               403                403                     403                     403   403
    IdentityForADay   200               403                403                     403                     403   403
    Read              200               200                403                     200                     200   403
    ReadForADay       200               200                403                     200                     200   403
    ReadWrite         200               200                200                     200                     200   403
    Narrow            200               403                403                     200                     403   403
    Empty             200               403                403                     403                     403   403
    ReadOfUser8       200               200                403                     200                     200   403
    StandIn           200               200                403                     200                     200   403
    Nobody            200               200                403                     200                     200   403
    Disabled          401               401                401                     401                     401   401
    Expired           401               401                401                     401                     401   401
    Revoked           401               401                401                     401                     401   401
    OtherApp          401               401                401                     401                     401   401
    OtherManager      401               401                401                     401                     401   401
    Garbage           401               401                401                     401                     401   401
    Basic             401               401                401                     401                     401   401
    Twice             401               401                401                     401                     401   401
    Nothing           401               401                401                     401                     401   401
    "#);
}

#[tokio::test]
async fn any_method_with_any_body() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    for method in
        ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "get", "purge", "QUERY"]
    {
        let ask = || app.ask(method, &format!("{AUTH}?permission=read")).body("image/png", "\u{0}{");
        let answer = ask().bearer(&token.secret).send().await;
        assert_eq!(answer.status.as_u16(), 200, "{method}");
        assert_eq!(answer.header("x-auth-user"), Some("7"), "{method}");
        assert_eq!(ask().send().await.status.as_u16(), 401, "{method}");
    }
}

#[tokio::test]
async fn one_credential_in_either_place() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    let (bearer, plain) = (format!("Bearer {}", token.secret), token.secret.clone());
    let get = || app.get(AUTH);
    let asks: [(&str, Ask<'_>, u16); 11] = [
        ("bearer", get().header("authorization", &bearer), 200),
        ("header", get().header("x-access-token", &plain), 200),
        (
            "header beside Basic",
            get().header("authorization", "Basic eDp5").header("x-access-token", &plain),
            200,
        ),
        ("both", get().header("authorization", &bearer).header("x-access-token", &plain), 401),
        ("bearer twice", get().header("authorization", &bearer).header("authorization", &bearer), 401),
        ("header twice", get().header("x-access-token", &plain).header("x-access-token", &plain), 401),
        ("good and bad", get().header("authorization", &bearer).header("x-access-token", "x"), 401),
        ("bad and good", get().header("authorization", "Bearer x").header("x-access-token", &plain), 401),
        ("in the query", app.get(&format!("{AUTH}?access_token={plain}")), 401),
        ("a scheme in the header", get().header("x-access-token", &bearer), 401),
        ("empty", get().header("authorization", "Bearer ").header("x-access-token", ""), 401),
    ];
    for (what, ask, status) in asks {
        assert_eq!(ask.status().await, status, "{what}");
    }
}

#[tokio::test]
async fn the_app_is_part_of_the_question() {
    let app = TestApp::new().await;
    app.create_app("other").await;
    let token = app.issue(grant(user("7"), "read")).await;
    for (path, status) in [
        ("/auth/demo", 200),
        ("/auth/demo/", 200),
        ("/auth/d%65mo", 200),
        ("/auth/other", 401),
        ("/auth/nobody", 401),
        ("/auth/Demo", 401),
        ("/auth/de%2Fmo", 401),
        ("/auth/%ff", 401),
        // A demand of that name, which the settings do not have.
        ("/auth/demo/read", 403),
        ("/auth/demo//", 403),
        ("/auth/other/read", 401),
        ("/auth", 401),
        ("/auth/", 401),
        ("/auth//", 401),
    ] {
        assert_eq!(app.get(path).bearer(&token.secret).status().await, status, "{path}");
    }
}

#[tokio::test]
async fn resources_by_id_and_by_tags() {
    let app = TestApp::new().await;
    let by_id = app.issue(scoped(user("7"), vec![on_ids("read", &["s 1", "s/2"])])).await;
    let by_tags = app.issue(scoped(user("7"), vec![on_tags("read", &["a", "b"])])).await;
    let either = Scope { ids: vec!["s".to_owned()], ..on_tags("read,write", &["a"]) };
    let by_either = app.issue(scoped(user("7"), vec![either])).await;
    let statuses = async |query: &str| {
        let mut statuses = Vec::new();
        for token in [&by_id, &by_tags, &by_either] {
            statuses.push(app.get(&format!("{AUTH}?{query}")).bearer(&token.secret).status().await);
        }
        statuses
    };
    for (query, expected) in [
        ("permission=read", [403, 403, 403]),
        ("permission=read&id=s%201", [200, 403, 403]),
        ("permission=read&id=s+1", [200, 403, 403]),
        ("id=s%2F2&permission=read", [200, 403, 403]),
        ("permission=write&id=s%2F2", [403, 403, 403]),
        ("permission=read&id=S%201", [403, 403, 403]),
        ("permission=read&tag=a", [403, 403, 200]),
        ("permission=read&tag=a&tag=b", [403, 200, 200]),
        ("permission=read&tag=b&tag=c&tag=a", [403, 200, 200]),
        ("permission=read&tag=a%2Cb", [403, 403, 403]),
        ("permission=read&tag=a&id=s%201", [200, 403, 200]),
        ("permission=write&id=s", [403, 403, 200]),
        ("permission=write&id=x&tag=b", [403, 403, 403]),
    ] {
        assert_eq!(statuses(query).await, expected, "{query}");
    }
}

#[tokio::test]
async fn a_demand_that_makes_no_sense_is_refused_to_good_tokens_and_told_to_no_others() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    for query in [
        "permission=",
        "permission",
        "permission=read&permission=read",
        "permission=read,read",
        "id=1",
        "tag=a",
        "permission=read&id=",
        "permission=read&id=1&id=1",
        "permission=read&tag=",
        "permission=read&scope=x",
        "Permission=read",
        "permission=%ff",
        "permission=read%00",
        "permission=%20read",
        "=",
        "x",
    ] {
        let path = format!("{AUTH}?{query}");
        assert_eq!(app.get(&path).bearer(&token.secret).status().await, 403, "{query}");
        assert_eq!(app.get(&path).status().await, 401, "{query}");
        assert_eq!(app.get(&path).bearer(&format!("{}x", token.secret)).status().await, 401, "{query}");
    }
    for query in ["permission=read", "permission=read&", "&&permission=read"] {
        assert_eq!(app.get(&format!("{AUTH}?{query}")).bearer(&token.secret).status().await, 200, "{query}");
    }
}

#[tokio::test]
async fn whom_the_headers_name() {
    let app = TestApp::new().await;
    for (issue, user_header, scopes) in [
        (identity(user("7")), "7", ""),
        (grant(user("a b,c/ü%"), "read"), "a%20b%2Cc%2F%C3%BC%25", "read"),
        (grant(stand_in("7"), "x"), "", "x"),
        (grant(Owner::Nobody, "a b,c"), "", "a%20b,c"),
        (scoped(user("-1"), vec![on_ids("read", &["s"])]), "-1", ""),
    ] {
        let token = app.issue(issue).await;
        let answer = app.get(AUTH).bearer(&token.secret).send().await;
        let header = |name: &str| answer.header(name).unwrap().to_owned();
        assert_eq!((header("x-auth-user"), header("x-auth-scopes")), (user_header.into(), scopes.into()));
        assert_eq!((header("x-auth-app"), header("x-auth-token-id")), ("demo".into(), token.id.to_string()));
    }
}

#[tokio::test]
async fn whatever_ends_a_token_is_felt_by_the_next_request() {
    let app = TestApp::new().await;
    let status =
        async |secret: &str| app.get(&format!("{AUTH}?permission=read")).bearer(secret).status().await;
    let issued = async || app.issue(lasting(DAY, grant(user("7"), "read"))).await;
    let update = async |id: i64, edit: Edit| {
        let id = TokenId::new(id).unwrap();
        app.service.update(&app.open("demo").await, &EVERYTHING, id, None, &edit).await.unwrap().unwrap();
    };

    let revoked = issued().await;
    assert_eq!(status(&revoked.secret).await, 200);
    app.delete(&format!("/AccessToken/demo/{}", revoked.id)).bearer(&app.admin).send().await.data();
    assert_eq!(status(&revoked.secret).await, 401);

    let disabled = issued().await;
    assert_eq!(status(&disabled.secret).await, 200);
    set_enabled(&app, disabled.id, false).await;
    assert_eq!(status(&disabled.secret).await, 401);
    set_enabled(&app, disabled.id, true).await;
    assert_eq!(status(&disabled.secret).await, 200);

    let narrowed = issued().await;
    let scopes = jeton_core::Scopes::new(vec![on_ids("read", &["s"])]).unwrap();
    update(narrowed.id, Edit { scopes: Some(scopes), ..Edit::default() }).await;
    assert_eq!(status(&narrowed.secret).await, 403);

    let shortened = issued().await;
    update(shortened.id, Edit { lifetime: Some(Lifetime::Millis(HOUR)), ..Edit::default() }).await;
    app.clock.advance_millis(HOUR - 1);
    assert_eq!(status(&shortened.secret).await, 200);
    app.clock.advance_millis(1);
    assert_eq!(status(&shortened.secret).await, 401);
}

#[tokio::test]
async fn an_outage_is_503_whichever_call_fails() {
    let app = TestApp::new().await;
    let token = app.issue(grant(user("7"), "read")).await;
    for path in [AUTH, "/auth/demo?permission=read", "/auth/demo?permission=other", "/auth/demo?x"] {
        for number in 1..=2 {
            app.store.fail_only(number);
            let answer = app.get(path).bearer(&token.secret).send().await;
            assert_eq!(answer.status.as_u16(), 503, "{path}: call {number}");
            assert_eq!(answer.header("cache-control"), Some("no-store"));
        }
        app.store.fail_only(3);
        assert!([200, 403].contains(&app.get(path).bearer(&token.secret).status().await), "{path}");
        assert_eq!(app.store.calls(), 2, "{path}");
    }
    app.store.fail_always();
    assert_eq!(
        app.get("/auth/nobody").bearer(&token.secret).status().await,
        503,
        "it could not be found out"
    );
    assert_eq!(app.get(AUTH).status().await, 401, "without a credential there is nothing to find out");
}

#[tokio::test]
async fn service_credentials_are_unknown() {
    let app = TestApp::new().await;
    let verifier = app.issue(service(user("7"), "jeton:verify,jeton:manage")).await;
    for secret in [&app.admin, &verifier.secret] {
        for query in ["", "?permission=jeton:manage", "?permission=jeton:verify", "?nonsense"] {
            assert_eq!(app.get(&format!("{AUTH}{query}")).bearer(secret).status().await, 401, "{query}");
        }
    }
}

/// Whole answers, headers included.
#[tokio::test]
async fn answers_from_memory_are_the_same() {
    let asks = async |app: &TestApp, secret: &str| {
        let mut answers = Vec::new();
        for method in ["GET", "post", "HEAD"] {
            for uri in [
                "/auth/demo",
                "/auth/demo/",
                "/auth/d%65mo?permission=read",
                "/auth/demo?permission=write",
                "/auth/demo?permission=read&tag=%ff",
                "/auth/demo/x",
                "/auth/%ff",
                "/auth/nobody",
                "/auth",
            ] {
                for secret in [secret, &format!("{secret}0"), "short"] {
                    // The second is answered from memory.
                    for _ in 0..2 {
                        let answer = app.ask(method, uri).bearer(secret).send().await;
                        answers.push(format!("{method} {uri} {}", answer.show()));
                    }
                }
            }
        }
        answers
    };
    let scopes = vec![Scope::global(names("read,读 取")), on_ids("write", &["s1"])];
    let issue = scoped(user("ключ и замок"), scopes);
    let (asking, following) = (TestApp::new().await, TestApp::following().await);
    let (one, other) = (asking.issue(issue.clone()).await, following.issue(issue).await);
    assert_eq!(one.secret, other.secret, "the same randomness");
    let (expected, answers) = (asks(&asking, &one.secret).await, asks(&following, &other.secret).await);
    for (answer, expected) in answers.iter().zip(&expected) {
        assert_eq!(answer, expected);
    }
    assert_eq!(answers.len(), expected.len());
    let (asking, following) = (asking.service.cache_stats(), following.service.cache_stats());
    assert_eq!((asking.hits, asking.garbage), (0, 0));
    assert!(following.hits > 0 && following.absent_hits > 0 && following.garbage > 0, "{following:?}");
}
