//! The settings page, where something is wrong with what was entered.

use super::Person;
use crate::app::TestApp;

const PAGE: &str = "/console/apps/demo/settings";

/// What the page says to whoever sends this JSON, in a language.
async fn said(person: &Person<'_>, language: &str, json: &str) -> String {
    let page = person.open(PAGE).await;
    let (_, rest) = page.text().split_once("name=\"version\" value=\"").unwrap();
    let version = rest.split('"').next().unwrap();
    let key = person.form_key(PAGE).await;
    let mut form =
        person.form(&format!("{PAGE}/json"), &[("json", json), ("version", version), ("form_key", &key)]);
    form.headers_mut().insert("accept-language", language.parse().unwrap());
    let answer = person.send(form).await;
    assert_eq!(answer.status, 422, "{}", answer.text());
    answer.text().to_owned()
}

#[tokio::test]
async fn what_is_wrong_is_said_in_the_language_of_the_page() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let wrong = r#"{"default_ttl_seconds": 0}"#;
    assert!(
        said(&person, "en", wrong)
            .await
            .contains("Nothing was saved: default_ttl_seconds must be at least 1.")
    );
    assert!(said(&person, "zh", wrong).await.contains("没有保存：default_ttl_seconds must be at least 1"));
    let secret = "0123456789abcdef0123456789abcdef";
    let page = said(&person, "en", &format!(r#"{{"reveal": "{secret}"}}"#)).await;
    assert!(page.contains("unknown variant"), "{page}");
    assert_eq!(page.matches(secret).count(), 1, "in the field where it was entered alone");
}
