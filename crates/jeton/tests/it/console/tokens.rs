//! A token's life in the console, from the link that signs in to the last of its tokens, with scripts and without.

use super::assert_content;
use crate::support::{Sandbox, request};
use crate::terminal::Session;
use jeton_testkit::{Browser, Canaries};
use std::net::SocketAddr;

#[test]
fn a_token_lives_and_dies_with_scripts() {
    if !jeton_testkit::skips("a browser") {
        a_life(true);
    }
}

#[test]
fn a_token_lives_and_dies_without_scripts() {
    if !jeton_testkit::skips("a browser") {
        a_life(false);
    }
}

/// Where everything is.
struct Place {
    public: SocketAddr,
    /// The console, with a slash at its end.
    home: String,
}

impl Place {
    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.home)
    }

    /// What forward-auth says of a token that would write on a resource.
    #[track_caller]
    fn auth(&self, token: &str, id: &str) -> u16 {
        let bearer = format!("Authorization: Bearer {token}");
        let demand = format!("/auth/shop?permission=write&id={id}");
        request(self.public, "GET", &demand, &[bearer], None).status
    }
}

fn a_life(has_scripts: bool) {
    let sandbox = Sandbox::sqlite();
    let session = Session::serve(&sandbox);
    let listened = session.screen.wait_for("listening on http://");
    let is_of_address = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | ':');
    let public: String = listened.chars().take_while(|letter| is_of_address(*letter)).collect();
    let home = session.screen.wait_for("console        ");
    let link = session.screen.wait_for("sign in        ");
    let place = Place { public: public.parse().unwrap(), home };
    let browser = Browser::start("en", has_scripts);
    browser.open(&link);
    browser.named("Sign in now").follow();
    makes_an_app(&place, &browser);
    let secret = makes_a_token(&place, &browser, has_scripts);
    finds_it(&browser);
    asks_about_it(&browser);
    switches_it_off_and_on(&place, &browser, &secret);
    edits_it(&browser);
    revokes_it(&place, &browser, &secret);
    let mut secrets = revokes_several(&place, &browser);
    browser.named("中文").follow();
    assert!(browser.text().contains("已吊销"), "{}", browser.text());
    browser.named("退出登录").follow();
    assert!(browser.text().contains("已退出登录。"));
    assert_content(&browser, &place.home, &[]);
    drop(browser);
    secrets.push(secret);
    assert_eq!(Canaries::new(&secrets).in_text(session.stop()), []);
}

fn makes_an_app(place: &Place, browser: &Browser) {
    browser.open(&place.url("new-app"));
    browser.find("#app_key").type_in("shop");
    browser.named("Create app").follow();
    browser.named("Tokens").follow();
    assert_eq!(browser.url(), place.url("apps/shop/tokens"));
}

/// Answers its secret.
fn makes_a_token(place: &Place, browser: &Browser, has_scripts: bool) -> String {
    browser.named("New token").follow();
    browser.find("#title").type_in("sensor <7>");
    browser.find("#user_id").type_in("7");
    browser.named("Add a scope").follow();
    assert_eq!(browser.find("#title").value(), "sensor <7>", "what was entered stays");
    browser.find("[name='scope.0.write']").click();
    browser.find("[id='scope.0.ids']").type_in("sensor-7");
    browser.find("[name='scope.1.read']").click();
    browser.find("[id='scope.1.tags']").type_in("floor-3\nwest");
    browser.named("Create token").follow();
    let copies = browser.find_all("button.copy").iter().filter(|copy| copy.is_shown()).count();
    assert_eq!(copies, usize::from(has_scripts));
    let secret = browser.find("#access-token").text();
    let words = browser.find_all(".words li").iter().map(jeton_testkit::Element::text).collect::<Vec<_>>();
    assert_eq!(
        words,
        ["may write what has the id sensor-7", "may read what has all of the tags floor-3 and west"]
    );
    assert_eq!((place.auth(&secret, "sensor-7"), place.auth(&secret, "sensor-8")), (200, 403));
    let masked = browser.find("#masked").text();
    assert!(secret.starts_with(&masked[..8]) && secret.ends_with(&masked[16..]), "{masked}");
    browser.open(&browser.url());
    assert!(browser.find_all("#access-token").is_empty(), "once is once");
    secret
}

fn finds_it(browser: &Browser) {
    browser.named("Tokens of shop").follow();
    browser.find("#title").type_in("sensor*");
    browser.named("Filter").follow();
    let found = browser.find("tbody th a");
    assert_eq!(found.text(), "sensor <7>");
    assert!(browser.find("tbody tr").text().contains("just now"), "its use is known");
    found.follow();
}

fn asks_about_it(browser: &Browser) {
    for (id, words) in [
        ("sensor-8", "may write what has the id sensor-7: covers neither this id nor these tags"),
        ("sensor-7", "Because the token may write what has the id sensor-7."),
    ] {
        browser.find("#permission").fill("write");
        browser.find("#id").fill(id);
        browser.named("Ask").follow();
        let verdict = browser.find("#verdict").text();
        assert!(verdict.contains(words), "{verdict}");
    }
}

fn switches_it_off_and_on(place: &Place, browser: &Browser, secret: &str) {
    browser.named("Disable").follow();
    assert_eq!(place.auth(secret, "sensor-7"), 200, "it was only asked");
    browser.named("Disable").follow();
    assert_eq!(place.auth(secret, "sensor-7"), 401);
    assert!(browser.text().contains("disabled by Operator 1"), "{}", browser.text());
    browser.named("Enable").follow();
    assert_eq!(place.auth(secret, "sensor-7"), 200);
}

fn edits_it(browser: &Browser) {
    browser.named("Edit").follow();
    browser.find("#tags").type_in("iot, eu");
    browser.find("[id='scope.1.tags']").fill(" ");
    browser.find("[name='scope.1.read']").click();
    browser.named("Save").follow();
    assert_eq!(browser.find(".words li").text(), "may write what has the id sensor-7");
    assert!(browser.text().contains("iot, eu"));
}

fn revokes_it(place: &Place, browser: &Browser, secret: &str) {
    browser.named("Revoke").follow();
    browser.named("Revoke").follow();
    assert_eq!(place.auth(secret, "sensor-7"), 401);
    assert_eq!(browser.url(), place.url("apps/shop/tokens"));
    browser.named("Audit log").follow();
    let newest = browser.find_all("tbody tr").first().unwrap().text();
    assert!(newest.contains("Token revoked") && newest.contains("Operator 1"), "{newest}");
}

/// Answers their secrets.
fn revokes_several(place: &Place, browser: &Browser) -> Vec<String> {
    let mut secrets = Vec::new();
    for _ in 0..2 {
        browser.open(&place.url("apps/shop/new-token"));
        browser.find("#title").type_in("many");
        browser.find("[name='write']").click();
        browser.named("Create token").follow();
        secrets.push(browser.find("#access-token").text());
    }
    browser.open(&place.url("apps/shop/tokens?title=many"));
    browser.named("Revoke what this finds").follow();
    assert!(browser.text().contains("Revoke 2 tokens?"), "{}", browser.text());
    browser.find("#typed").type_in("2");
    assert!(secrets.iter().all(|secret| place.auth(secret, "x") == 200), "they were only counted");
    browser.named("Revoke them").follow();
    assert!(secrets.iter().all(|secret| place.auth(secret, "x") == 401));
    assert!(browser.text().contains("2 tokens were revoked."), "{}", browser.text());
    browser.open(&place.url("apps/shop/tokens?state=revoked"));
    secrets
}
