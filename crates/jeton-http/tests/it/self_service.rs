//! The pages where users manage their own tokens, request by request.

use crate::answer::Answer;
use crate::app::{
    Holder, TestApp, grant, identity, lasting, on_ids, scoped, service, stand_in, titled, user,
};
use crate::person::Person;
use jeton_service::{Limits, Rate};
use jeton_testkit::Canaries;
use serde_json::json;

const BASE: &str = "/self-service/demo";
const MARKUP: &str = "\"><script>alert('x')</script><img src=x onerror=alert(1)>";

async fn enabled() -> TestApp {
    let app = TestApp::new().await;
    app.merge(json!({"self_service": {"enabled": true}})).await;
    app
}

fn stranger(app: &TestApp) -> Person<'_> {
    Person::at(app, app.http(), BASE)
}

async fn signed_in<'a>(app: &'a TestApp, token: &Holder) -> Person<'a> {
    let mut person = stranger(app);
    let answer = person.sign_in(&token.secret).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    person
}

#[track_caller]
fn assert_shut_out(answer: &Answer) {
    assert_eq!(answer.status, 303, "{}", answer.text());
    let to = answer.header("location").unwrap();
    assert!(to.starts_with("/self-service/demo/sign-in?back="), "{to}");
}

async fn auth(app: &TestApp, secret: &str) -> u16 {
    app.get("/auth/demo").bearer(secret).status().await
}

fn shown_secret(page: &str) -> String {
    let (_, rest) = page.split_once("<code id=\"access-token\">").unwrap();
    rest.split('<').next().unwrap().to_owned()
}

#[tokio::test]
async fn an_app_without_these_pages_is_like_one_that_does_not_exist() {
    let app = TestApp::new().await;
    let held = app.issue(grant(user("7"), "read")).await;
    let mut answers = Vec::new();
    for key in ["demo", "nobody"] {
        let base = format!("/self-service/{key}");
        let mut person = Person::at(&app, app.http(), &base);
        let [page, sent] =
            [person.open(&format!("{base}/sign-in")).await, person.sign_in(&held.secret).await];
        assert_eq!((page.status.as_u16(), sent.status.as_u16()), (404, 404), "{key}");
        answers.push([page, sent].map(|answer| answer.text().replace(key, "KEY")));
    }
    assert_eq!(answers[0], answers[1]);
    app.merge(json!({"self_service": {"enabled": true}})).await;
    let person = signed_in(&app, &held).await;
    assert_eq!(person.open(BASE).await.status, 200);
    app.merge(json!({"self_service": null})).await;
    assert_shut_out(&person.open(BASE).await);
}

/// The same where failures are limited.
async fn guarded() -> TestApp {
    let mut app = enabled().await;
    let limits = Limits { failures: Rate::per_minute(60), ..*app.service.limits() };
    app.service = app.service.clone().with_limits(limits);
    app
}

#[tokio::test]
async fn strangers_look_up_only_so_many_apps() {
    let app = guarded().await;
    let person = stranger(&app);
    let mut statuses = Vec::new();
    for number in 0..70 {
        statuses.push(person.open(&format!("/self-service/guess-{number}/sign-in")).await.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[69]), (404, 429));
}

#[tokio::test]
async fn a_user_manages_its_own_tokens() {
    let app = enabled().await;
    let held = app.issue(titled("laptop", grant(user("7"), "read,write"))).await;
    let other = app.issue(titled("of another", grant(user("8"), "read"))).await;
    let person = signed_in(&app, &held).await;
    let page = person.open(BASE).await;
    assert!(page.text().contains("laptop") && page.text().contains("This session"), "{}", page.text());
    assert!(!page.text().contains("of another"));
    for name in ["", "/revoke"] {
        assert_eq!(person.open(&format!("{BASE}/tokens/{}{name}", other.id)).await.status, 404, "{name}");
    }
    for name in ["", "/rotate", "/disable", "/enable", "/revoke"] {
        let to = format!("{BASE}/tokens/{}{name}", other.id);
        assert_eq!(
            person.submit_from(BASE, &to, &[("title", "mine"), ("grace", "0")]).await.status,
            404,
            "{name}"
        );
    }
    let new = format!("{BASE}/new-token");
    let fields = [("title", "ci"), ("permission", "read"), ("lifetime", "7"), ("tags", "build")];
    let made = person.submit_from(&new, &new, &fields).await;
    assert_eq!(made.status, 303, "{}", made.text());
    let path = made.header("location").unwrap().to_owned();
    let page = person.open(&path).await;
    let secret = shown_secret(page.text());
    assert!(
        page.text().contains("may read everything") && page.text().contains("in 7 days"),
        "{}",
        page.text()
    );
    assert!(!person.open(&path).await.text().contains(&secret), "once is once");
    assert_eq!(app.get("/auth/demo?permission=read").bearer(&secret).status().await, 200);
    assert_eq!(app.get("/auth/demo?permission=write").bearer(&secret).status().await, 403);

    let changed = person.submit_from(&path, &path, &[("title", "build"), ("description", "nightly")]).await;
    assert_eq!(changed.status, 303, "{}", changed.text());
    let page = person.open(&path).await;
    assert!(page.text().contains("nightly") && page.text().contains("The token build was changed."));
    let id = path.rsplit('/').next().unwrap().parse().unwrap();
    assert!(app.token(id).await.unwrap().spec.tags.is_none(), "what is left empty is taken away");
    assert_eq!(person.submit_from(&path, &format!("{path}/disable"), &[]).await.status, 303);
    assert_eq!(auth(&app, &secret).await, 401);
    assert_eq!(person.submit_from(&path, &format!("{path}/enable"), &[]).await.status, 303);
    assert_eq!(auth(&app, &secret).await, 200);
    assert_eq!(person.submit_from(&path, &format!("{path}/revoke"), &[]).await.status, 303);
    assert_eq!(auth(&app, &secret).await, 401);
    assert_eq!(person.open(&path).await.status, 404);
}

#[tokio::test]
async fn nobody_gives_more_than_it_has() {
    let app = enabled().await;
    let held = app.issue(lasting(86_400_000 * 10, grant(user("7"), "read"))).await;
    let person = signed_in(&app, &held).await;
    let new = format!("{BASE}/new-token");
    let count = app.count().await;
    for (fields, says) in [
        (vec![("permission", "write"), ("lifetime", "1")], "cannot grant permissions"),
        (vec![("permission", "jeton:manage"), ("lifetime", "1")], "cannot grant permissions"),
        (vec![("permission", "read"), ("lifetime", "30")], "expire later"),
        (vec![("permission", "read"), ("lifetime", "-1")], "expire later"),
    ] {
        let answer = person.submit_from(&new, &new, &[&fields[..], &[("title", "x")]].concat()).await;
        assert_eq!(answer.status, 422, "{fields:?}");
        assert!(answer.text().contains(says), "{fields:?}: {}", answer.text());
    }
    for fields in [[("title", "x"), ("lifetime", "2")], [("title", "x"), ("permission", "a,b")]] {
        assert_eq!(person.submit_from(&new, &new, &fields).await.status, 400, "{fields:?}");
    }
    let untitled = person.submit_from(&new, &new, &[("title", " ")]).await;
    assert!(untitled.status == 422 && untitled.text().contains("Enter a title."));
    assert_eq!(app.count().await, count);
    // The default is cut to what there is.
    assert_eq!(person.submit_from(&new, &new, &[("title", "x"), ("permission", "read")]).await.status, 303);

    let wide = app.issue(scoped(user("7"), vec![on_ids("read,write", &["pump"])])).await;
    let to = format!("{BASE}/tokens/{}/disable", wide.id);
    let answer = person.submit_from(BASE, &to, &[]).await;
    assert!(answer.status == 303 || answer.text().contains("reaches further"), "{}", answer.text());
    let admin = app.issue(identity(user("7"))).await;
    let to = format!("{BASE}/tokens/{}", admin.id);
    let answer = person.submit_from(&to, &to, &[("title", "mine now")]).await;
    assert!(answer.status == 422 && answer.text().contains("reaches further"), "{}", answer.text());
}

#[tokio::test]
async fn only_proven_users_come_in() {
    let app = enabled().await;
    let elsewhere = {
        app.create_app("shop").await;
        app.issue_in("shop", grant(user("7"), "read")).await
    };
    for refused in [
        app.issue(service(user("1"), "jeton:manage")).await,
        app.issue(service(user("1"), "jeton:verify")).await,
        app.issue(grant(stand_in("7"), "read")).await,
        elsewhere,
    ] {
        let answer = stranger(&app).sign_in(&refused.secret).await;
        assert_eq!(answer.status, 401);
        assert!(answer.text().contains("not an active token of a user"), "{}", answer.text());
        assert!(answer.header("set-cookie").is_none() && !answer.text().contains(&refused.secret));
    }
    for nonsense in [&*app.operator, "wrong", "\u{0}", "~1"] {
        assert_eq!(stranger(&app).sign_in(nonsense).await.status, 401, "{nonsense}");
    }
    assert_eq!(stranger(&app).sign_in("").await.status, 422);
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_counts_in_its_app_alone() {
    let app = enabled().await;
    app.create_app("shop").await;
    let held = app.issue(grant(user("7"), "read")).await;
    let person = signed_in(&app, &held).await;
    let in_shop = person.open("/self-service/shop").await;
    assert!(in_shop.header("location").unwrap().starts_with("/self-service/shop/sign-in?back="));
    assert!(in_shop.header("set-cookie").is_none(), "the session at home goes on");
    assert_eq!(person.open(BASE).await.status, 200);
    // Nor is it one of the console.
    let console = Person::at(&app, app.admin_http(), "/console");
    let id = person.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    for cookie in [person.cookie.clone().unwrap(), format!("__Host-jeton-session={id}")] {
        let answer = console.with_cookie(Some(cookie)).open("/console/").await;
        assert!(answer.header("location").unwrap().starts_with("/console/sign-in"));
    }
    let disable = format!("{BASE}/tokens/{}/disable", held.id);
    assert_eq!(person.submit_from(BASE, &disable, &[]).await.status, 303);
    let answer = person.open(BASE).await;
    assert_shut_out(&answer);
    assert!(answer.header("location").unwrap().contains("note=over"));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn who_rotates_the_token_of_the_session_stays_in_it() {
    let app = enabled().await;
    let held = app.issue(grant(user("7"), "read")).await;
    let person = signed_in(&app, &held).await;
    let token = format!("{BASE}/tokens/{}", held.id);
    let rotate = format!("{token}/rotate");
    assert_eq!(person.submit_from(&token, &rotate, &[("grace", "5")]).await.status, 400);
    let answer = person.submit_from(&token, &rotate, &[("grace", "0")]).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some(&*token)));
    let page = person.open(&token).await;
    let secret = shown_secret(page.text());
    assert_eq!((auth(&app, &held.secret).await, auth(&app, &secret).await), (401, 200));
    assert_eq!(person.open(BASE).await.status, 200);
    let other = app.issue(grant(user("7"), "read,write")).await;
    let other = format!("{BASE}/tokens/{}", other.id);
    let answer = person.submit_from(&other, &format!("{other}/rotate"), &[("grace", "0")]).await;
    assert!(answer.status == 422 && answer.text().contains("reaches further"), "{}", answer.text());
}

#[tokio::test]
async fn forms_count_from_our_pages_alone() {
    let app = enabled().await;
    let held = app.issue(grant(user("7"), "read")).await;
    let person = signed_in(&app, &held).await;
    let token = format!("{BASE}/tokens/{}", held.id);
    let forms = ["/rotate", "/disable", "/enable", "/revoke", ""].map(|name| format!("{token}{name}"));
    let forms = forms.into_iter().chain([format!("{BASE}/new-token"), format!("{BASE}/sign-out")]);
    for path in forms {
        assert_shut_out(&stranger(&app).submit(&path, &[("title", "x")]).await);
        assert_eq!(person.submit(&path, &[("title", "x"), ("form_key", "0")]).await.status, 403, "{path}");
        let key = person.form_key(BASE).await;
        for site in ["cross-site", "same-site", "none"] {
            let mut form = person.form(&path, &[("title", "x"), ("form_key", &key)]);
            form.headers_mut().insert("sec-fetch-site", site.parse().unwrap());
            assert_eq!(person.send(form).await.status, 403, "{path} {site}");
        }
    }
    assert_eq!(person.open(BASE).await.status, 200, "nothing was done");
    let answer = person.open(BASE).await;
    let policy = answer.header("content-security-policy").unwrap();
    assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn what_was_stored_is_text_and_secrets_are_nowhere() {
    let app = enabled().await;
    let held = app.issue(titled(MARKUP, grant(user(MARKUP), "read"))).await;
    let person = signed_in(&app, &held).await;
    let session = person.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned();
    let canaries = Canaries::new([&held.secret, &session]);
    let token = format!("{BASE}/tokens/{}", held.id);
    let new = format!("{BASE}/new-token");
    let nowhere = format!("{BASE}/nowhere/%22%3E%3Cscript%3E");
    for path in [BASE, &token, &format!("{token}/revoke"), &new, &nowhere] {
        let page = person.open(path).await;
        assert!(!page.text().contains("<script>") && !page.text().contains("<img"), "{path}");
        assert_eq!(canaries.in_text(&page.body), [], "{path}");
    }
    let answer = person.submit_from(&new, &new, &[("title", MARKUP), ("lifetime", "30")]).await;
    let page = person.open(answer.header("location").unwrap()).await;
    assert!(!page.text().contains("<script>"));
}

#[tokio::test]
async fn guesses_are_throttled() {
    let app = guarded().await;
    let person = stranger(&app);
    let mut statuses = Vec::new();
    for number in 0..70 {
        let answer =
            person.submit(&format!("{BASE}/sign-in"), &[("token", &format!("guess-{number}"))]).await;
        statuses.push(answer.status.as_u16());
    }
    assert_eq!((statuses[0], statuses[69]), (401, 429));
    let held = app.issue(grant(user("7"), "read")).await;
    assert_eq!(stranger(&app).sign_in(&held.secret).await.status, 303, "what was minted here is no guess");
}
