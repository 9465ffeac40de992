//! The documents and their pages, on the admin address.

use super::document::{ALL, NAMES};
use crate::app::TestApp;

/// What a page may load: its style, from here.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[tokio::test]
async fn each_document_is_served_as_it_is_committed() {
    let app = TestApp::new().await;
    for api in ALL.iter() {
        let answer = app.get(&format!("/openapi/{}.json", api.name)).send().await;
        assert_eq!((answer.status.as_u16(), answer.text() == api.text), (200, true), "{}", api.name);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    }
    for missing in [
        "/openapi",
        "/openapi/",
        "/openapi/other.json",
        "/openapi/admin",
        "/openapi/admin.yaml",
        "/docs/other",
    ] {
        let answer = app.get(missing).send().await;
        assert_eq!(
            (answer.status.as_u16(), answer.json()["error"].as_str()),
            (404, Some("not_found")),
            "{missing}"
        );
    }
}

#[tokio::test]
async fn the_pages_list_all_apis_and_all_operations() {
    let app = TestApp::new().await;
    for path in ["/docs", "/docs/"] {
        let index = app.get(path).send().await;
        assert_eq!(index.status, 200);
        for name in NAMES {
            assert!(index.text().contains(&format!("href=\"/docs/{name}\"")), "{name}");
            assert!(index.text().contains(&format!("href=\"/openapi/{name}.json\"")), "{name}");
        }
    }
    for api in ALL.iter() {
        let page = app.get(&format!("/docs/{}", api.name)).send().await;
        let text = page.text();
        for (path, method, operation) in api.operations() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(text.contains(&format!("<section id=\"{id}\"")), "{method} {path}");
        }
        for name in api.document["components"]["schemas"].as_object().unwrap().keys() {
            assert!(text.contains(&format!("id=\"schema-{name}\"")), "{name}");
        }
        // Every link within it leads to a place in it.
        for link in text.split("href=\"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
            assert!(text.contains(&format!("id=\"{link}\"")), "{}: #{link}", api.name);
        }
    }
}

#[tokio::test]
async fn a_page_loads_nothing_but_its_style_and_has_no_script() {
    let app = TestApp::new().await;
    let pages = NAMES.map(|name| format!("/docs/{name}"));
    for path in pages.iter().map(String::as_str).chain(["/docs"]) {
        let page = app.get(path).send().await;
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        assert_eq!(page.header("content-security-policy"), Some(POLICY));
        assert_eq!(page.header("referrer-policy"), Some("no-referrer"));
        let text = page.text();
        for loaded in ["<script", "<img", "<iframe", "<style", "javascript:"] {
            assert!(!text.contains(loaded), "{path}: {loaded}");
        }
        // What stands before an attribute's value is its name.
        for name in text.split("=\"").map(|before| before.rsplit([' ', '\n']).next().unwrap_or_default()) {
            let acts = name.starts_with("on") || ["style", "src", "srcset", "action"].contains(&name);
            assert!(!acts, "{path}: {name}");
        }
        let sources: Vec<&str> = text.split("<link ").skip(1).collect();
        assert_eq!(sources.len(), 1);
        assert!(sources[0].starts_with("rel=\"stylesheet\" href=\"/docs/style.css\""));
    }
    let style = app.get("/docs/style.css").send().await;
    assert_eq!((style.status.as_u16(), style.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert!(!style.text().contains("url(") && !style.text().contains("@import"));
}

#[tokio::test]
async fn they_need_no_credentials_and_are_not_on_the_address_of_clients() {
    let app = TestApp::new().await;
    for path in ["/docs", "/openapi/admin.json"] {
        assert_eq!(app.get(path).send_to(&TestApp::setup()).await.status, 404, "{path}");
    }
}
