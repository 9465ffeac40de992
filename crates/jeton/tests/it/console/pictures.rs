//! Each page in both languages, light and dark, wide and narrow: pictures in `target/console/` for people to look at, and what a
//! machine can see of it: that nothing is wider than the window, and that axe-core finds nothing that keeps anybody out.

use super::{Scene, assert_content};
use jeton_testkit::Browser;
use serde_json::{Value, json};
use std::path::Path;

/// The pages, each with the name of its pictures.
const PAGES: [(&str, &str); 21] = [
    ("front", "/"),
    ("apps", "/apps"),
    ("new-app", "/new-app"),
    ("app", "/apps/demo"),
    ("settings", "/apps/demo/settings"),
    ("suspend", "/apps/demo/suspend"),
    ("delete", "/apps/demo/delete"),
    ("tokens", "/apps/demo/tokens"),
    ("tokens-filtered", "/apps/demo/tokens?title=sensor*&unused_days=never&created_before=soon"),
    ("tokens-none", "/apps/demo/tokens?tag=nothing"),
    ("new-token", "/apps/demo/new-token"),
    ("token", "/apps/demo/tokens/9"),
    ("token-asked", "/apps/demo/tokens/9?ask=yes&permission=write&id=sensor-8&tags=floor-3"),
    ("edit-token", "/apps/demo/tokens/9/edit"),
    ("revoke-token", "/apps/demo/tokens/9/revoke"),
    ("revoke-tokens", "/apps/demo/revoke-tokens?user_id=7&count=yes"),
    ("audit", "/audit"),
    ("audit-wrong", "/audit?app=-&token=x&since=now"),
    ("operators", "/operators"),
    ("revoke-operator", "/operators/1/revoke"),
    ("not-found", "/nowhere"),
];

#[test]
fn every_page_can_be_seen_and_used_by_everybody() {
    if jeton_testkit::skips("a browser") {
        return;
    }
    let scene = Scene::new();
    stock(&scene);
    let axe =
        std::fs::read_to_string(jeton_testkit::node().join("node_modules/axe-core/axe.min.js")).unwrap();
    let browser = Browser::start("en", true);
    browser.open(&scene.url("/sign-in"));
    in_both_languages(&browser, &axe, "sign-in");
    for (language, other) in [("en", "中文"), ("zh", "English")] {
        browser.open(&scene.url("/enter?link=0"));
        seen(&browser, &axe, "enter", language);
        browser.open(&scene.url("/sign-in"));
        browser.named(other).follow();
    }
    scene.sign_in(&browser);
    for (name, path) in PAGES {
        browser.open(&scene.url(path));
        in_both_languages(&browser, &axe, name);
    }
    browser.open(&scene.url("/new-app"));
    browser.find("#app_key").type_in("-");
    browser.find("#admin_user").type_in("7");
    browser.named("Create app").follow();
    seen(&browser, &axe, "new-app-wrong", "en");
    browser.find("#app_key").fill("warehouse");
    browser.named("Create app").follow();
    seen(&browser, &axe, "app-created", "en");
    browser.open(&scene.url("/apps/demo/new-token"));
    browser.find("[id='scope.0.others']").type_in("a b");
    browser.named("Create token").follow();
    seen(&browser, &axe, "new-token-wrong", "en");
    browser.find("[id='scope.0.others']").fill(" ");
    browser.named("Create token").follow();
    seen(&browser, &axe, "token-created", "en");
    assert_content(&browser, &scene.url(""), &["404 (Not Found)", "422 (Unprocessable"]);
}

/// Apps with tokens, some of which are used.
fn stock(scene: &Scene) {
    for name in ["billing", "iot-telemetry-gateway-europe-west"] {
        assert_eq!(scene.ask("POST", "/apps", Some(&json!({"app_key": name}).to_string())).status, 201);
    }
    let mut secrets = Vec::new();
    for days in [-1, 3, 3, 30, 365] {
        let body = json!({"title": "ci", "permissions": "read", "expires_in_days": days, "user_id": 7});
        let made = scene.ask("POST", "/apps/demo/tokens", Some(&body.to_string())).json();
        secrets.push(made["access_token"].as_str().unwrap().to_owned());
    }
    for secret in &secrets {
        assert_eq!(scene.server().auth(secret), 200);
        assert_eq!(scene.server().ask("GET", "/auth/demo?permission=write", secret, None).status, 403);
    }
    let id = scene.ask("GET", "/apps/demo/tokens", None).json()["items"][0]["id"].to_string();
    scene.ask("DELETE", &format!("/apps/demo/tokens/{id}"), None);
    let scopes = json!([
        {"permissions": ["read", "write"], "ids": ["sensor-7"], "tags": ["building-3"]},
        {"permissions": ["read"], "global": true},
        {"permissions": ["delete"], "ids": (0..9).map(|number| format!("camera-{number}")).collect::<Vec<_>>()},
    ]);
    let body = json!({
        "title": "sensor-7 in building 3", "user_id": "facility-management@example.com", "tags": "iot, eu-west",
        "description": "Reports the temperature.\nAsk facility management before it is revoked.", "scopes": scopes,
    });
    let made = scene.ask("POST", "/apps/demo/tokens", Some(&body.to_string())).json();
    assert_eq!(made["id"], 9, "{made}");
    scene.ask("PATCH", "/apps/demo/tokens/4", Some(&json!({"enabled": false}).to_string()));
}

pub(crate) fn in_both_languages(browser: &Browser, axe: &str, name: &str) {
    for (language, other) in [("en", "中文"), ("zh", "English")] {
        seen(browser, axe, name, language);
        browser.named(other).follow();
    }
}

pub(crate) fn seen(browser: &Browser, axe: &str, name: &str, language: &str) {
    for (scheme, width) in [("light", 360), ("light", 1280), ("dark", 360), ("dark", 1280)] {
        browser.look(width, scheme);
        let wide = browser.run("return document.documentElement.scrollWidth", &json!([]));
        assert!(
            wide.as_u64() <= Some(width.into()),
            "{name} in {language} is {wide} wide in a window of {width}"
        );
        // Taking a picture costs more than all else: each scheme, each width and each language is seen, and not each of each.
        if matches!((scheme, width), ("light", 1280) | ("dark", 360)) {
            let file = format!("../../target/console/{name}-{language}-{scheme}-{width}.png");
            browser.picture(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
        }
        // Languages differ in their texts alone, and narrow windows in nothing that dark ones change.
        if (scheme, width) == ("light", 1280) || (language == "en" && (scheme, width) != ("dark", 360)) {
            let found = violations(browser, axe);
            assert!(found.is_empty(), "{name} in {language}, {scheme}, {width}: {found:#?}");
        }
    }
}

/// What axe-core finds wrong with the page: the rule, and the parts of the page that break it.
pub(crate) fn violations(browser: &Browser, axe: &str) -> Vec<String> {
    let is_there = browser.run("return typeof axe !== 'undefined'", &json!([]));
    if is_there != json!(true) {
        browser.run(axe, &json!([]));
    }
    let found = browser.run_async(
        "const done = arguments[arguments.length - 1];
         axe.run().then(found => done(found.violations), error => done([{id: String(error), nodes: []}]));",
        &json!([]),
    );
    let found = found.as_array().unwrap().iter();
    let parts = |nodes: &Value| {
        let nodes = nodes.as_array().unwrap().iter();
        nodes.map(|node| format!("{}: {}", node["html"], node["failureSummary"])).collect::<Vec<_>>()
    };
    found.map(|violation| format!("{}: {:#?}", violation["id"], parts(&violation["nodes"]))).collect()
}
