//! Sessions: how they begin and end, and what does not pass for one.

use super::{Person, assert_shut_out};
use crate::app::TestApp;
use axum::http::header::{HOST, ORIGIN};
use jeton_core::{Cause, Secret};
use jeton_service::OperatorAdmission;

const MINUTE: i64 = 60_000;

#[tokio::test]
async fn a_session_begins_with_a_token_and_an_id_of_its_own() {
    let app = TestApp::new().await;
    let mut person = Person::new(&app);
    assert_shut_out(&person.open("/console/apps").await);
    // Whoever makes a browser have an id knows nothing of its session.
    person.cookie = Some(format!("__Host-jeton-session={}", "5".repeat(64)));
    let answer = person.sign_in(&app.operator).await;
    assert_eq!(answer.header("location"), Some("/console/welcome?back=%2Fconsole%2F"));
    let cookie = answer.header("set-cookie").unwrap();
    let (id, flags) = cookie.split_once(';').unwrap();
    assert_eq!(flags, " Path=/; Secure; HttpOnly; SameSite=Strict");
    assert!(!id.contains("5555"), "{id}");
    assert_eq!(person.open("/console/apps").await.status, 200);
    // A second one ends the first.
    let first = person.with_cookie(person.cookie.clone());
    person.sign_in(&app.operator).await;
    assert_ne!(first.cookie, person.cookie);
    assert_shut_out(&first.open("/console/apps").await);
    assert_eq!(person.open("/console/apps").await.status, 200);
}

#[tokio::test]
async fn a_session_ends_when_it_is_idle_and_after_half_a_day() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    app.clock.advance_millis(29 * MINUTE);
    assert_eq!(person.open("/console/apps").await.status, 200);
    app.clock.advance_millis(29 * MINUTE);
    assert_eq!(person.open("/console/apps").await.status, 200, "its idle time counts anew");
    app.clock.advance_millis(30 * MINUTE);
    assert_shut_out(&person.open("/console/apps").await);
    let person = Person::signed_in(&app).await;
    for _ in 0..24 {
        app.clock.advance_millis(29 * MINUTE);
        assert_eq!(person.open("/console/apps").await.status, 200);
    }
    app.clock.advance_millis(24 * MINUTE);
    assert_shut_out(&person.open("/console/apps").await);
}

#[tokio::test]
async fn a_session_ends_with_its_operator_and_when_it_is_signed_out() {
    let app = TestApp::new().await;
    let other = app.service.create_operator("other", &Cause::CLI).await.unwrap().unwrap();
    let mut person = Person::new(&app);
    person.sign_in(other.token.expose()).await;
    assert_eq!(person.open("/console/apps").await.status, 200);
    app.service.revoke_operator(other.id, &Cause::CLI).await.unwrap();
    assert_shut_out(&person.open("/console/apps").await);
    let person = Person::signed_in(&app).await;
    let answer = person.submit_from("/console/", "/console/sign-out", &[]).await;
    assert_eq!(answer.header("location"), Some("/console/sign-in?note=out"));
    assert!(answer.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_shut_out(&person.open("/console/apps").await);
}

#[tokio::test]
async fn a_form_of_another_page_does_nothing() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let new = [("name", "mallory")];
    let path = "/console/operators";
    assert_eq!(person.submit(path, &new).await.status, 403, "without the key");
    let key = Person::signed_in(&app).await.form_key(path).await;
    assert_eq!(
        person.submit(path, &[("name", "mallory"), ("form_key", &key)]).await.status,
        403,
        "of another"
    );
    let key = person.form_key(path).await;
    let fields = [("name", "mallory"), ("form_key", &*key)];
    for site in ["cross-site", "same-site", "none"] {
        let mut request = person.form(path, &fields);
        request.headers_mut().insert("sec-fetch-site", site.parse().unwrap());
        assert_eq!(person.send(request).await.status, 403, "{site}");
    }
    for origin in [None, Some("null"), Some("http://evil.test"), Some("https://127.0.0.1:8081")] {
        let mut request = person.form(path, &fields);
        request.headers_mut().remove("sec-fetch-site");
        origin.map(|origin| request.headers_mut().insert(ORIGIN, origin.parse().unwrap()));
        assert_eq!(person.send(request).await.status, 403, "{origin:?}");
    }
    let mut request = person.form(path, &fields);
    request.headers_mut().insert(HOST, "evil.test".parse().unwrap());
    assert_eq!(person.send(request).await.status, 421);
    assert_eq!(app.service.operators().await.unwrap().len(), 1);
    let answer = person.submit(path, &fields).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, Some(path)));
    assert_eq!(app.service.operators().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_link_is_good_once_for_ten_minutes_and_from_here_alone() {
    let app = TestApp::new().await;
    let service = &app.service;
    let take = async |link: &Secret| {
        let admission = service.take_sign_in(Some(link), None).await.unwrap();
        matches!(admission, OperatorAdmission::Admitted(operator) if operator.id.get() == 1)
    };
    let link = service.offer_sign_in().unwrap();
    assert!(take(&link).await);
    assert!(!take(&link).await);
    let link = service.offer_sign_in().unwrap();
    app.clock.advance_millis(10 * MINUTE);
    assert!(!take(&link).await);
    let link = service.offer_sign_in().unwrap();
    app.clock.advance_millis(10 * MINUTE - 1);
    let stranger = Person::new(&app);
    let path = format!("/console/enter?link={}", link.expose());
    let page = stranger.open(&path).await;
    assert_eq!((page.status.as_u16(), page.text().contains(link.expose())), (200, false));
    // Whence these requests come is not known.
    assert_eq!(stranger.submit(&path, &[]).await.status, 401);
    assert!(take(&link).await, "neither has used it up");
    let links: Vec<Secret> = (0..20).map(|_| service.offer_sign_in().unwrap()).collect();
    assert!(!take(&links[3]).await && take(&links[4]).await, "sixteen are kept");
    let operator = service.operators().await.unwrap().remove(0);
    service.revoke_operator(operator.id, &Cause::CLI).await.unwrap();
    assert!(!take(&links[5]).await, "there is nobody to sign in as");
}

#[tokio::test]
async fn a_secret_is_shown_once_and_only_where_it_was_asked_for() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let path = "/console/operators";
    person.submit_from(path, path, &[("name", "<b>second</b>")]).await;
    let shown = |page: &str| page.contains("id=\"operator-token\"");
    assert!(!shown(person.open("/console/apps").await.text()));
    let page = person.open(path).await;
    assert_eq!(page.header("cache-control"), Some("no-store"));
    let page = page.text();
    assert!(shown(page) && page.contains("&#60;b&#62;second") && !page.contains("<b>second"), "{page}");
    assert!(!shown(person.open(path).await.text()));
}
