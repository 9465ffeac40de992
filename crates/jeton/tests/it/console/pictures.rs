//! A picture of each page, in both languages, light and dark, wide and narrow: in `target/console/`, for people to look at.

use super::Scene;
use jeton_testkit::Browser;
use std::path::Path;

/// The pages, each with the name of its pictures.
const PAGES: [(&str, &str); 5] = [
    ("front", "/"),
    ("apps", "/apps"),
    ("app", "/apps/demo"),
    ("operators", "/operators"),
    ("confirm", "/operators/1/revoke"),
];

#[test]
fn every_page_has_its_picture() {
    if jeton_testkit::skips("a browser") {
        return;
    }
    let scene = Scene::new();
    let browser = Browser::start("en", true);
    browser.open(&scene.url("/sign-in"));
    in_both_languages(&browser, "sign-in");
    scene.sign_in(&browser);
    for (name, path) in PAGES {
        browser.open(&scene.url(path));
        in_both_languages(&browser, name);
    }
}

fn in_both_languages(browser: &Browser, name: &str) {
    for (language, other) in [("en", "中文"), ("zh", "English")] {
        for scheme in ["light", "dark"] {
            for width in [1280, 360] {
                browser.look(width, scheme);
                let wide = browser.run("return document.documentElement.scrollWidth", &serde_json::json!([]));
                assert_eq!(wide, width, "{name} in {language} is wider than its window");
                let file = format!("../../target/console/{name}-{language}-{scheme}-{width}.png");
                browser.picture(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
            }
        }
        browser.named(other).follow();
    }
}
