//! Lists of more rows than the store gives at once: 64.

use crate::app::{EVERYTHING, TestApp, grant, titled, user};
use jeton_core::Secret;
use jeton_service::{ImportRow, Imported};
use serde_json::{Value, json};

const APP: &str = "/AccessToken/demo";

/// Puts so many tokens of user 7 into `demo`, in one write. Their titles are their numbers, from 0.
pub(crate) fn rows(count: usize) -> Vec<ImportRow> {
    let row = |number: usize| ImportRow {
        secret: Secret::parse(&format!("{number:064}")).unwrap().into(),
        issue: titled(&number.to_string(), grant(user("7"), "read")),
        created_at: None,
        expires_at: None,
        enabled: true,
    };
    (0..count).map(row).collect()
}

pub(crate) async fn fill(app: &TestApp, count: usize) {
    let actor = EVERYTHING.cause();
    let taken = app.service.import(&app.open("demo").await, rows(count), false, &actor).await.unwrap();
    assert!(taken.iter().all(|one| matches!(one, Imported::Taken(_))), "{taken:?}");
}

/// The titles of a list, as numbers.
async fn titles(app: &TestApp, query: &str) -> (Value, Vec<usize>) {
    let answer = app.get(&format!("{APP}{query}")).bearer(&app.admin).send().await;
    assert!(!answer.is_cut);
    let titles = answer.rows().iter().map(|row| row["title"].as_str().unwrap().parse().unwrap()).collect();
    (answer.data()["total"].clone(), titles)
}

#[tokio::test]
async fn every_row_comes_once_and_newest_first_across_pages() {
    let app = TestApp::new().await;
    fill(&app, 1100).await;
    let newest = |from: usize, to: usize| (from..to).rev().collect::<Vec<_>>();
    for (query, expected) in [
        ("", newest(1000, 1100)),
        ("?take=1000", newest(100, 1100)),
        ("?take=1001", newest(100, 1100)),
        ("?take=2147483647", newest(100, 1100)),
        ("?take=0", vec![]),
        ("?take=1", newest(1099, 1100)),
        ("?take=63", newest(1037, 1100)),
        ("?take=64", newest(1036, 1100)),
        ("?take=65", newest(1035, 1100)),
        ("?take=255", newest(845, 1100)),
        ("?take=256", newest(844, 1100)),
        ("?take=257", newest(843, 1100)),
        ("?take=512", newest(588, 1100)),
        ("?take=513", newest(587, 1100)),
        ("?skip=300&take=300", newest(500, 800)),
        ("?skip=1000", newest(0, 100)),
        ("?skip=1099", newest(0, 1)),
        ("?skip=1100", vec![]),
        ("?skip=2147483647&take=1000", vec![]),
        ("?skip=&take=", newest(1000, 1100)),
        ("?SKIP=1098&Take=5", newest(0, 2)),
    ] {
        let (total, titles) = titles(&app, query).await;
        assert_eq!(titles, expected, "{query}");
        assert_eq!(total, 1100, "{query}: the total is that before paging");
    }
}

#[tokio::test]
async fn exactly_full_pages_end_well() {
    let app = TestApp::new().await;
    fill(&app, 512).await;
    let answer = app.get(&format!("{APP}?take=1000")).bearer(&app.admin).send().await;
    assert_eq!(answer.rows().len(), 512);
    assert!(answer.text().ends_with(r#"}]},"error":""}"#), "{}", &answer.text()[answer.text().len() - 80..]);
    assert_eq!(answer.text().matches("}{").count(), 0);
    assert_eq!(answer.text().matches("},{").count(), 511);
}

#[tokio::test]
async fn a_list_that_fails_after_its_first_page_is_cut() {
    let app = TestApp::new().await;
    fill(&app, 150).await;
    let ask = || app.get(&format!("{APP}?take=1000")).bearer(&app.admin).send();
    // Before each further page the caller is looked at again.
    for (call, rows_before) in [(5, 64), (6, 64), (7, 64), (8, 128), (9, 128), (10, 128)] {
        app.store.fail_only(call);
        let answer = ask().await;
        assert_eq!(answer.status.as_u16(), 200);
        assert!(answer.is_cut, "call {call} failed and the body ended as if nothing had happened");
        assert!(serde_json::from_slice::<Value>(&answer.body).is_err());
        assert_eq!(answer.text().matches("\"id\":").count(), rows_before);
    }
    app.store.fail_only(11);
    let answer = ask().await;
    assert!(!answer.is_cut, "a page that is not full is the last one");
    assert_eq!((answer.rows().len(), app.store.calls()), (150, 10));
}

#[tokio::test]
async fn what_is_wrong_with_paging_is_said() {
    let app = TestApp::new().await;
    for (query, error) in [
        ("?skip=-1", "skip must be 0 to 2147483647"),
        ("?take=-1", "take must be 0 to 2147483647"),
        ("?take=2147483648", "take must be 0 to 2147483647"),
        ("?skip=9223372036854775808", "skip must be an integer"),
        ("?skip=1.0", "skip must be an integer"),
        ("?take=ten", "take must be an integer"),
        ("?take=%2B%2B1", "take must be an integer"),
        ("?skip=1&skip=2", "skip stands more than once in the query"),
        ("?take=1&TAKE=1", "take stands more than once in the query"),
        ("?userId=7&userid=7", "userId stands more than once in the query"),
        ("?skip=%ff", "the query is not UTF-8"),
    ] {
        let answer = app.get(&format!("{APP}{query}")).bearer(&app.admin).send().await;
        answer.assert_envelope(400);
        assert_eq!(answer.json()["error"], json!(error), "{query}");
    }
}
