//! The pages of `/docs`, in a real browser.

use crate::console::{Scene, assert_content, violations};
use jeton_testkit::Browser;
use serde_json::json;
use std::path::Path;

/// The pages, each with the name of its pictures.
const PAGES: [(&str, &str); 8] = [
    ("docs", "/docs"),
    ("docs-admin", "/docs/admin"),
    ("docs-appkey", "/docs/appkey"),
    ("docs-auth", "/docs/auth"),
    ("docs-dotide", "/docs/dotide"),
    ("docs-loopback", "/docs/loopback"),
    ("docs-oauth", "/docs/oauth"),
    ("docs-verify", "/docs/verify"),
];

#[test]
fn every_page_can_be_read_by_everybody() {
    if jeton_testkit::skips("a browser") {
        return;
    }
    let scene = Scene::new();
    let home = format!("http://{}", scene.server().admin_address);
    let axe = jeton_testkit::node().join("node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(axe).expect("axe-core is there");
    let browser = Browser::start("en", true);
    for (name, path) in PAGES {
        browser.open(&format!("{home}{path}"));
        for (scheme, width) in [("light", 360), ("dark", 1280)] {
            browser.look(width, scheme);
            let wide = browser.run("return document.documentElement.scrollWidth", &json!([]));
            assert!(wide.as_u64() <= Some(width.into()), "{name} is {wide} wide in a window of {width}");
            // The long pages are made of the same parts, and take ten seconds each.
            if ["docs", "docs-verify"].contains(&name) {
                let file = format!("../../target/console/{name}-en-{scheme}-{width}.png");
                browser.picture(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
                let found = violations(&browser, &axe);
                assert!(found.is_empty(), "{name}, {scheme}, {width}: {found:#?}");
            }
        }
    }
    assert_content(&browser, &home, &[]);
}
