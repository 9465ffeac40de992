//! What an operator does in a day, with scripts and without.

use super::{Scene, assert_content};
use jeton_testkit::{Browser, Canaries, Element};

#[test]
fn an_operator_does_a_days_work_with_scripts() {
    if !jeton_testkit::skips("a browser") {
        days_work(true);
    }
}

#[test]
fn an_operator_does_a_days_work_without_scripts() {
    if !jeton_testkit::skips("a browser") {
        days_work(false);
    }
}

fn days_work(has_scripts: bool) {
    let mut scene = Scene::new();
    let browser = Browser::start("en", has_scripts);
    signs_in(&scene, &browser);
    let secrets = makes_an_app(&scene, &browser, has_scripts);
    changes_settings(&browser);
    makes_an_operator(&scene, &browser);
    looks_at_the_log(&scene, &browser);
    deletes_the_app(&scene, &browser);
    signs_out(&scene, &browser);
    // A form that was refused, and one that made no sense, are answered by such a status.
    assert_content(&browser, &scene.url(""), &["401 (Unauthorized)", "422 (Unprocessable"]);
    drop(browser);
    let operator = scene.installation.credential("operator_token").to_owned();
    let canaries = Canaries::new(secrets.iter().chain([&operator]));
    let log = scene.installation.server.as_mut().unwrap().stop();
    assert_eq!(canaries.in_text(log), []);
}

fn signs_in(scene: &Scene, browser: &Browser) {
    browser.open(&scene.url("/apps"));
    assert_eq!(browser.title(), "Sign in · Jeton");
    browser.find("#token").type_in("wrong");
    browser.named("Sign in").follow();
    assert!(browser.text().contains("This is not an operator's token."));
    browser.find("#token").type_in(scene.installation.credential("operator_token"));
    browser.named("Sign in").follow();
    assert_eq!(browser.url(), scene.url("/apps"), "it leads to what was asked for");
    assert_eq!(browser.find("tbody th").text(), "demo\nDefault");
}

/// Answers the secrets that were shown.
fn makes_an_app(scene: &Scene, browser: &Browser, has_scripts: bool) -> Vec<String> {
    browser.named("New app").follow();
    browser.find("#app_key").type_in("demo");
    browser.named("Create app").follow();
    assert!(browser.text().contains("An app with this key already exists."));
    browser.find("#app_key").fill("shop");
    browser.named("Create app").follow();
    assert_eq!(browser.url(), scene.url("/apps/shop"));
    assert!(browser.text().contains("The app shop was created."));
    assert_eq!(
        browser.find_all("button.copy").iter().filter(|copy| copy.is_shown()).count(),
        if has_scripts { 3 } else { 0 }
    );
    let shown = ["client-secret", "admin-token"].map(|id| browser.find(&format!("#{id}")).text());
    assert_eq!(scene.server().ask("GET", "/AccessToken/shop", &shown[1], None).status, 200, "it is one");
    browser.open(&scene.url("/apps/shop"));
    assert!(browser.find_all(".once").is_empty(), "once is once");
    browser.named("Replace the secret").follow();
    let rotated = browser.find("#client-secret").text();
    assert_ne!(rotated, shown[0]);
    [&shown[..], &[rotated]].concat()
}

fn changes_settings(browser: &Browser) {
    browser.named("Settings").follow();
    browser.find("[id='default_ttl_seconds']").fill("3600");
    browser.find("[id='appkey.grantable']").fill("read\nwrite");
    browser.named("Save").follow();
    assert!(browser.text().contains("The settings of shop were changed."));
    let json = browser.find("#json");
    assert!(json.value().contains("\"default_ttl_seconds\": 3600"));
    json.fill("{\"reveal\": \"twice\"}");
    browser.named("Save the JSON").follow();
    assert!(browser.find("#json-error").text().contains("unknown variant"));
    browser.find("[id='default_ttl_seconds']").fill("0");
    browser.named("Save").follow();
    assert_eq!(browser.find("[id='default_ttl_seconds-error']").text(), "This must be at least 1.");
}

fn makes_an_operator(scene: &Scene, browser: &Browser) {
    let name = "<script>alert(1)</script>&amp;";
    browser.named("Operators").follow();
    browser.find("#name").type_in(name);
    browser.named("Create operator").follow();
    assert!(browser.text().contains(&format!("The operator {name} was created.")));
    let token = browser.find("#operator-token").text();
    assert_eq!(token.len(), 64);
    browser.open(&scene.url("/operators/2/revoke"));
    browser.named("Revoke").follow();
    assert!(browser.text().contains("was revoked."));
}

fn looks_at_the_log(scene: &Scene, browser: &Browser) {
    browser.named("Audit log").follow();
    let rows = browser.find_all("tbody tr");
    assert!(rows[0].text().contains("Operator revoked"), "{}", rows[0].text());
    browser.find("#app").type_in("shop");
    browser.find("#actor").type_in("operator:1");
    browser.named("Filter").follow();
    let kinds: Vec<String> = browser.find_all("tbody .badge").iter().map(Element::text).collect();
    assert_eq!(kinds, ["App changed", "App changed", "Token issued", "App created"]);
    browser.find("#since").type_in("yesterday");
    browser.named("Filter").follow();
    assert!(browser.find("#since-error").text().contains("neither a date"));
    browser.open(&scene.url("/audit?what=token.issued&cursor=1"));
    assert!(browser.text().contains("No matching entries."));
}

fn deletes_the_app(scene: &Scene, browser: &Browser) {
    browser.open(&scene.url("/apps/shop"));
    browser.named("Delete this app").follow();
    browser.find("#typed").type_in("demo");
    browser.named("Delete this app").follow();
    browser.find("#typed").fill("shop");
    browser.named("Delete this app").follow();
    assert_eq!(browser.url(), scene.url("/apps"));
    assert_eq!(scene.ask("GET", "/apps/shop", None).status, 404);
}

fn signs_out(scene: &Scene, browser: &Browser) {
    browser.named("中文").follow();
    assert_eq!((browser.url(), browser.title()), (scene.url("/apps"), "应用 · Jeton".to_owned()));
    browser.named("退出登录").follow();
    assert!(browser.text().contains("已退出登录。"));
    browser.open(&scene.url("/apps"));
    assert_eq!(browser.title(), "登录 · Jeton");
}
