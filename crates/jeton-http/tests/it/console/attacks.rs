//! What strangers and rivals try against the console, beside what is in `sessions.rs`.

use super::{Person, assert_shut_out};
use crate::app::{TestApp, With, grant, on_ids, on_tags, scoped, titled, user};
use axum::http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE};
use jeton_core::{Cause, Description};
use jeton_service::{Limits, Rate};
use jeton_testkit::Canaries;

/// Every page that an operator can open, by now with something in it.
const PAGES: [&str; 19] = [
    "/console/",
    "/console/apps",
    "/console/new-app",
    "/console/apps/demo",
    "/console/apps/demo/settings",
    "/console/apps/demo/delete",
    "/console/apps/demo/tokens",
    "/console/apps/demo/new-token",
    "/console/apps/demo/tokens/1?ask=yes&permission=write&id=sensor-7",
    "/console/apps/demo/tokens/1/edit",
    "/console/apps/demo/tokens/1/disable",
    "/console/apps/demo/tokens/1/revoke",
    "/console/apps/demo/revoke-tokens",
    "/console/apps/demo/revoke-tokens?user_id=1&count=yes",
    "/console/audit",
    "/console/operators",
    "/console/operators/1/revoke",
    "/console/nowhere",
    "/console/apps/nowhere",
];
/// Every path that a form is sent to.
const FORMS: [&str; 16] = [
    "/console/sign-out",
    "/console/new-app",
    "/console/apps/demo/rotate-secret",
    "/console/apps/demo/suspend",
    "/console/apps/demo/resume",
    "/console/apps/demo/delete",
    "/console/apps/demo/settings",
    "/console/apps/demo/settings/json",
    "/console/apps/demo/new-token",
    "/console/apps/demo/tokens/1/edit",
    "/console/apps/demo/tokens/1/disable",
    "/console/apps/demo/tokens/1/enable",
    "/console/apps/demo/tokens/1/revoke",
    "/console/apps/demo/revoke-tokens",
    "/console/operators",
    "/console/operators/1/revoke",
];
const MARKUP: &str = "\"><script>alert('x')</script><img src=x onerror=alert(1)>";

#[tokio::test]
async fn every_answer_keeps_others_out() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let stranger = person.with_cookie(None);
    for path in PAGES.iter().chain(&["/console/sign-in", "/console/enter?link=x", "/console/assets/x.css"]) {
        for answer in [person.open(path).await, stranger.open(path).await] {
            let policy = answer.header("content-security-policy").unwrap();
            for part in
                ["default-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"]
            {
                assert!(policy.contains(part) && !policy.contains("unsafe"), "{path}: {policy}");
            }
            assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
            assert_eq!(answer.header("referrer-policy"), Some("no-referrer"), "{path}");
            assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
            let page = answer.text();
            for inline in ["<style", " style=", " onclick=", " onload=", "javascript:"] {
                assert!(!page.contains(inline), "{path}: {inline}");
            }
            assert_eq!(
                page.matches("<script").count(),
                page.matches("<script src=\"/console/assets/").count()
            );
        }
    }
    let page = person.open("/console/").await;
    let style = page.text().split_once("rel=\"stylesheet\" href=\"").unwrap().1.split('"').next().unwrap();
    let style = stranger.open(style).await;
    assert_eq!(style.header("cache-control"), Some("public, max-age=31536000, immutable"));
}

#[tokio::test]
async fn strangers_see_and_do_nothing() {
    let app = TestApp::new().await;
    let stranger = Person::new(&app);
    for path in &PAGES[..PAGES.len() - 2] {
        assert_shut_out(&stranger.open(path).await);
    }
    for path in FORMS {
        assert_shut_out(&stranger.submit(path, &[("name", "mallory"), ("typed", "demo")]).await);
    }
    let person = Person::signed_in(&app).await;
    for path in FORMS {
        let answer = person.submit(path, &[("name", "mallory"), ("typed", "demo"), ("form_key", "0")]).await;
        assert_eq!(answer.status, 403, "{path}");
    }
    assert!(app.service.app(&"demo".parse().unwrap()).await.unwrap().is_some());
    assert!(app.token(1).await.unwrap().is_enabled() && app.count().await == 1);
    assert_eq!(app.service.operators().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_clients_have_stored_is_text() {
    let app = TestApp::new().await;
    let scopes = vec![on_ids("read", &[MARKUP, "b"]), on_tags("write", &[MARKUP])];
    let stored = titled(MARKUP, scoped(user(MARKUP), scopes)).with(|token| {
        token.spec.tags = token.spec.title.clone();
        token.spec.description = Description::new(MARKUP.to_owned()).ok();
    });
    let token = app.issue(stored).await;
    app.service.create_operator(MARKUP, &Cause::CLI).await.unwrap().unwrap();
    let patch = serde_json::json!({"forward_auth": {"demands": {"x": {"permission": "read", "id": MARKUP}}}});
    app.merge(patch).await;
    let person = Person::signed_in(&app).await;
    let encoded = "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let reflected = [
        format!("/console/audit?app={encoded}&token={encoded}&actor={encoded}&since={encoded}"),
        format!("/console/apps/{encoded}"),
        format!("/console/sign-in?back={encoded}&note={encoded}"),
        "/console/operators/2/revoke".to_owned(),
        format!(
            "/console/apps/demo/tokens/{}?ask=yes&permission={encoded}&id={encoded}&tags={encoded}",
            token.id
        ),
        format!("/console/apps/demo/tokens/{}/edit", token.id),
        format!("/console/apps/demo/tokens/{}/revoke", token.id),
        format!(
            "/console/apps/demo/tokens?title={encoded}&id={encoded}&user_id={encoded}&tag={encoded}&scope={encoded}"
        ),
        format!("/console/apps/demo/tokens?created_before={encoded}"),
        format!("/console/apps/demo/tokens?sort=title&title={}*", &encoded[..9]),
        format!("/console/apps/demo/revoke-tokens?count=yes&title={encoded}&scope={encoded}"),
    ];
    for path in PAGES.iter().copied().chain(reflected.iter().map(String::as_str)) {
        let answer = person.open(path).await;
        let page = answer.text();
        assert!(!page.contains("<script>") && !page.contains("<img"), "{path}");
    }
    for (path, name) in [("/console/operators", "name"), ("/console/new-app", "app_key")] {
        let answer = person.submit_from(path, path, &[(name, MARKUP), ("admin_user", MARKUP)]).await;
        assert!(!answer.text().contains("<script>"), "{path}");
    }
    let path = "/console/apps/demo/new-token";
    let names =
        ["title", "user_id", "tags", "description", "others", "expires_at", "scope.0.others", "scope.0.ids"];
    let mut fields = names.map(|name| (name, MARKUP)).to_vec();
    fields.extend([("scopes", "1"), ("scope.0.tags", MARKUP)]);
    let answer = person.submit_from(path, path, &fields).await;
    assert_eq!(answer.status, 422);
    assert!(!answer.text().contains("<script>") && !answer.text().contains("<img"), "{}", answer.text());
}

#[tokio::test]
async fn nothing_sent_becomes_a_header() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    for back in [
        "/console/\r\nSet-Cookie: a=b",
        "/console/%0d%0aSet-Cookie:%20a=b",
        "https://evil.test/",
        "//evil.test",
    ] {
        let answer = person.submit("/console/language", &[("language", "zh-CN"), ("back", back)]).await;
        assert_eq!(answer.status, 303);
        let to = answer.header("location").unwrap();
        assert!(to.starts_with("/console/") && !to.contains("evil"), "{to}");
        let cookie = answer.header("set-cookie").unwrap();
        assert!(cookie.starts_with("__Host-jeton-language=zh-CN; "), "{cookie}");
        let mut stranger = person.with_cookie(None);
        let fields = [("token", &*app.operator), ("back", back)];
        let answer = stranger.submit("/console/sign-in", &fields).await;
        let to = answer.header("location").unwrap();
        assert!(to.starts_with("/console/welcome?back=%2Fconsole%2F"), "{to}");
        stranger.cookie = answer.header("set-cookie").map(|set| set.split(';').next().unwrap().to_owned());
        let on = stranger.open(to).await;
        assert!(on.header("location").unwrap().starts_with("/console/"), "{on:?}");
    }
    let answer = person.submit("/console/language", &[("language", "zh-CN\r\nX: y")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (400, None));
}

#[tokio::test]
async fn guesses_are_counted() {
    let mut app = TestApp::new().await;
    let limits = Limits { failures: Rate::per_minute(3), ..*app.service.limits() };
    app.service = app.service.clone().with_limits(limits);
    app.is_behind_proxy = true;
    let person = Person::new(&app);
    let guess = async |token: &str| {
        let mut form = person.form("/console/sign-in", &[("token", token)]);
        form.headers_mut().insert("x-forwarded-for", "192.0.2.1".parse().unwrap());
        person.send(form).await
    };
    for _ in 0..3 {
        assert_eq!(guess("wrong").await.status, 401);
    }
    let answer = guess("wrong").await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after").is_some()), (429, true));
    assert_eq!(guess(&app.operator).await.status, 303, "what was minted here is no guess");
}

#[tokio::test]
async fn secrets_are_in_no_page_but_the_one_that_shows_them() {
    let app = TestApp::new().await;
    let held = app.issue(titled("ci", grant(user("7"), "read"))).await;
    let mut person = Person::new(&app);
    let answer = person.sign_in(&app.operator).await;
    let session = person.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    let (_, client_secret) = &app.client;
    let canaries = Canaries::new([&app.operator, &app.admin, &session, &held.secret, client_secret]);
    assert_eq!(canaries.in_text(answer.header("location").unwrap()), []);
    for path in PAGES {
        assert_eq!(canaries.in_text(&person.open(path).await.body), [], "{path}");
    }
    let wrong = person.with_cookie(None).submit("/console/sign-in", &[("token", &*held.secret)]).await;
    assert_eq!((wrong.status.as_u16(), canaries.in_text(&wrong.body)), (401, vec![]));
}

#[tokio::test]
async fn a_session_is_by_cookie_alone() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let id = person.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    let stranger = person.with_cookie(None);
    assert_shut_out(&stranger.open(&format!("/console/apps?session={id}")).await);
    let plain = person.with_cookie(Some(format!("jeton-session={id}")));
    assert_shut_out(&plain.open("/console/apps").await);
    let mut bearer = stranger.form("/console/operators", &[("name", "mallory")]);
    bearer.headers_mut().insert("authorization", format!("Bearer {}", app.operator).parse().unwrap());
    assert_shut_out(&stranger.send(bearer).await);
    // Nor does a session open the admin API.
    let ask = app.ask("GET", "/admin/v1/apps").header(COOKIE.as_str(), person.cookie.clone().unwrap());
    assert_eq!(ask.status().await, 401);
}

#[tokio::test]
async fn what_is_no_form_of_ours_is_refused() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let key = person.form_key("/console/operators").await;
    let fields = [("name", "x"), ("form_key", &*key)];
    for content_type in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        let mut form = person.form("/console/operators", &fields);
        form.headers_mut().insert(CONTENT_TYPE, content_type.parse().unwrap());
        assert_eq!(person.send(form).await.status, 415, "{content_type}");
    }
    let large = "x".repeat(200_000);
    assert_eq!(
        person.submit("/console/operators", &[("name", &large), ("form_key", &key)]).await.status,
        413
    );
    let answer = person.submit_from("/console/operators", "/console/audit", &[]).await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, Some("GET, HEAD")));
    let mut get = person.form("/console/sign-out", &[]);
    *get.method_mut() = "GET".parse().unwrap();
    assert_eq!(person.send(get).await.status, 405, "nothing is done by opening a link");
    let mut chinese = person.form("/console/apps/demo/rotate-secret", &[("form_key", &key), ("grace", "1")]);
    chinese.headers_mut().insert(ACCEPT_LANGUAGE, "zh".parse().unwrap());
    let answer = person.send(chinese).await;
    assert_eq!((answer.status.as_u16(), answer.text().contains("请求无法理解")), (400, true));
}
