//! The pages where users manage their own tokens, in a real browser.

use crate::console::{Scene, assert_content, in_both_languages, seen};
use jeton_testkit::{Browser, Canaries};
use serde_json::json;
use std::fs;

/// A server with these pages, and the token of user 7, who may grant reading.
fn scene() -> (Scene, String) {
    let scene = Scene::new();
    let settings = json!({"self_service": {"enabled": true}}).to_string();
    assert_eq!(scene.ask("PATCH", "/apps/demo/settings", Some(&settings)).status, 200);
    let body = json!({"title": "laptop", "permissions": "read", "user_id": 7}).to_string();
    let made = scene.ask("POST", "/apps/demo/tokens", Some(&body)).json();
    (scene, made["access_token"].as_str().unwrap().to_owned())
}

fn url(scene: &Scene, path: &str) -> String {
    format!("http://{}/self-service/demo{path}", scene.server().address)
}

fn sign_in(scene: &Scene, browser: &Browser, token: &str) {
    browser.open(&url(scene, ""));
    browser.find("#token").type_in(token);
    browser.named("Sign in").follow();
    assert_eq!(browser.url(), url(scene, ""), "{}", browser.text());
}

#[test]
fn a_user_manages_its_tokens_with_scripts_and_without() {
    if jeton_testkit::skips("a browser") {
        return;
    }
    let (mut scene, token) = scene();
    let mut secrets = vec![token.clone()];
    for has_scripts in [true, false] {
        let browser = Browser::start("en", has_scripts);
        sign_in(&scene, &browser, &token);
        secrets.push(manages(&scene, &browser));
        browser.named("Sign out").follow();
        assert!(browser.text().contains("You have signed out."));
        browser.open(&url(&scene, ""));
        assert_eq!(browser.title(), "Sign in · Jeton");
        assert_content(&browser, &url(&scene, ""), &["422 (Unprocessable"]);
    }
    let log = scene.installation.server.as_mut().unwrap().stop();
    assert_eq!(Canaries::new(&secrets).in_text(log), []);
}

/// Makes, changes, disables and revokes a token; answers its secret.
fn manages(scene: &Scene, browser: &Browser) -> String {
    browser.named("New token").follow();
    browser.find("#title").type_in("build <b>server</b>");
    browser.find("#permission-1").click();
    browser.find("#lifetime option[value='365']").click();
    browser.named("Create token").follow();
    assert!(browser.text().contains("expire later than the token"), "{}", browser.text());
    browser.find("#lifetime option[value='1']").click();
    browser.named("Create token").follow();
    assert!(browser.text().contains("The token build <b>server</b> was created."));
    let secret = browser.find("#access-token").text();
    let ask = |permission: &str| {
        scene.server().ask("GET", &format!("/auth/demo?permission={permission}"), &secret, None).status
    };
    assert_eq!((ask("read"), ask("write")), (200, 403));
    browser.find("#description").type_in("nightly");
    browser.named("Save").follow();
    assert_eq!(browser.find("#description").value(), "nightly");
    assert!(browser.find_all(".once").is_empty(), "once is once");
    browser.named("Disable").follow();
    assert_eq!(ask("read"), 401);
    browser.named("Enable").follow();
    assert_eq!(ask("read"), 200);
    browser.named("Revoke this token").follow();
    browser.named("Revoke").follow();
    assert_eq!((browser.url(), ask("read")), (url(scene, ""), 401));
    secret
}

#[test]
fn every_page_can_be_seen_and_used_by_everybody() {
    if jeton_testkit::skips("a browser") {
        return;
    }
    let (scene, token) = scene();
    let scopes = json!([{"permissions": ["read"], "ids": ["sensor-7"], "tags": ["building-3", "indoor"]}]);
    let body =
        json!({"title": "sensors on the roof", "scopes": scopes, "user_id": 7, "tags": "roof, weather"});
    let made = scene.ask("POST", "/apps/demo/tokens", Some(&body.to_string())).json();
    let axe = jeton_testkit::node().join("node_modules/axe-core/axe.min.js");
    let axe = fs::read_to_string(axe).expect("axe-core is there");
    let browser = Browser::start("en", true);
    browser.open(&url(&scene, "/sign-in"));
    in_both_languages(&browser, &axe, "self-sign-in");
    sign_in(&scene, &browser, &token);
    let own = format!("/tokens/{}", made["id"]);
    for (name, path) in [
        ("self-tokens", ""),
        ("self-token", &*own),
        ("self-revoke", &format!("{own}/revoke")),
        ("self-new-token", "/new-token"),
        ("self-not-found", "/nowhere"),
    ] {
        browser.open(&url(&scene, path));
        in_both_languages(&browser, &axe, name);
    }
    browser.open(&url(&scene, "/new-token"));
    browser.find("#title").type_in("ci");
    browser.named("Create token").follow();
    seen(&browser, &axe, "self-created", "en");
    assert_content(&browser, &url(&scene, ""), &["404 (Not Found)"]);
}
