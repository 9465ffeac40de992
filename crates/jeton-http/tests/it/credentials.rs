//! Reports of leaked credentials.

use crate::answer::Answer;
use crate::app::{TestApp, grant, identity, service, user};
use jeton_core::Actor;
use jeton_service::{AuditRequest, Limits, MAX_REPORTED, Rate};
use jeton_testkit::Canaries;
use regex_automata::hybrid::dfa::DFA;
use regex_automata::hybrid::regex::Regex;
use serde_json::{Value, json};

async fn report(app: &TestApp, credentials: &[&str]) -> Answer {
    app.post("/credentials/revoke").json(&json!({"credentials": credentials})).send().await
}

async fn auth(app: &TestApp, key: &str, secret: &str) -> u16 {
    app.get(&format!("/auth/{key}")).bearer(secret).status().await
}

#[tokio::test]
async fn whatever_is_reported_is_refused_from_the_answer_on() {
    let app = TestApp::new().await;
    app.create_app("shop").await;
    let read = app.issue(grant(user("7"), "read")).await;
    let of_shop = app.issue_in("shop", identity(user("8"))).await;
    let kept = app.issue(grant(user("7"), "read")).await;
    let manager = app.issue(service(user("1"), "jeton:manage")).await;
    for (key, secret) in [("demo", &read.secret), ("shop", &of_shop.secret)] {
        assert_eq!(auth(&app, key, secret).await, 200);
    }
    let spaced = format!(" {} ", of_shop.secret);
    let answer = report(&app, &[&read.secret, &spaced, &manager.secret, &app.operator, "garbage"]).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (202, 0));
    for (key, secret) in [("demo", &read.secret), ("shop", &of_shop.secret)] {
        assert_eq!(auth(&app, key, secret).await, 401);
    }
    assert_eq!(auth(&app, "demo", &kept.secret).await, 200);
    assert_eq!(app.get("/AccessToken/demo").bearer(&manager.secret).status().await, 401);
    assert!(app.service.operators().await.unwrap().is_empty());
    let (entries, _) = app.service.audit(AuditRequest::default(), None, 4).await.unwrap();
    assert_eq!(entries.len(), 4);
    assert!(entries.iter().all(|entry| entry.by.actor == Actor::Reporter), "{entries:?}");
    // A second report finds nothing left to do, and says the same.
    assert_eq!(report(&app, &[&read.secret]).await.status, 202);
}

#[tokio::test]
async fn what_is_no_report_is_refused_and_repeated_nowhere() {
    let app = TestApp::new().await;
    let held = app.issue(grant(user("7"), "read")).await;
    let canaries = Canaries::new([&held.secret]);
    let many = vec![held.secret.clone(); MAX_REPORTED + 1];
    for (body, status) in [
        (json!({"credentials": []}), 422),
        (json!({"credentials": many}), 422),
        (json!({"credentials": held.secret}), 400),
        (json!({"credentials": [held.secret, 7]}), 400),
        (json!({"credentials": [held.secret], "reason": held.secret}), 400),
        (json!([held.secret]), 400),
        (Value::Null, 400),
    ] {
        let answer = app.post("/credentials/revoke").json(&body).send().await;
        assert_eq!(answer.status, status, "{}", answer.text());
        assert_eq!(canaries.in_text(&answer.body), []);
    }
    let form = app.post("/credentials/revoke").body("text/plain", held.secret.clone());
    assert_eq!(form.status().await, 415);
    assert_eq!(app.get("/credentials/revoke").status().await, 405);
    assert_eq!(app.get("/credentials").status().await, 404);
    assert_eq!(auth(&app, "demo", &held.secret).await, 200);
}

#[tokio::test]
async fn nobody_guesses_tokens_away() {
    // Who follows the changes knows all secrets that were imported, and asks for nothing but them.
    let app = TestApp::following().await;
    let asked = || app.store.calls() - app.service.cache_stats().polls;
    let before = asked();
    let guesses: Vec<String> = (0..MAX_REPORTED).map(|number| format!("{number:064x}")).collect();
    let guesses: Vec<&str> = guesses.iter().map(String::as_str).collect();
    assert_eq!(report(&app, &guesses).await.status, 202);
    assert_eq!(asked(), before, "arithmetic knows that nobody minted those");
}

#[tokio::test]
async fn one_address_reports_only_so_many() {
    let mut app = TestApp::new().await;
    let limits = Limits { leak_reports: Rate::per_minute(3), ..*app.service.limits() };
    app.service = app.service.clone().with_limits(limits);
    let held = app.issue(grant(user("7"), "read")).await;
    assert_eq!(report(&app, &["a", "b", "c"]).await.status, 202);
    let answer = report(&app, &[&held.secret]).await;
    assert_eq!((answer.status.as_u16(), answer.header("retry-after").is_some()), (429, true));
    assert_eq!(auth(&app, "demo", &held.secret).await, 200);
    // A report that is larger than the allowance is taken if nothing is owed, and owed then.
    app.clock.advance_millis(61_000);
    assert_eq!(report(&app, &[&held.secret, "a", "b", "c", "d"]).await.status, 202);
    assert_eq!(auth(&app, "demo", &held.secret).await, 401);
}

/// Tokens with a prefix look like nothing else, to the pattern that `docs/leaks.md` gives to scanners.
#[tokio::test]
async fn scanners_find_tokens_and_nothing_else() {
    let rule = include_str!("../../../../deploy/secret-scanning/gitleaks.toml");
    let pattern = rule.split("'''").nth(1).unwrap();
    assert!(include_str!("../../../../docs/leaks.md").contains(pattern));
    let config = DFA::config().unicode_word_boundary(true);
    let pattern = Regex::builder().dfa(config).build(pattern).unwrap();
    let found = |text: &str| {
        let mut cache = pattern.create_cache();
        let found = pattern.find_iter(&mut cache, text).map(|found| text[found.range()].to_owned());
        found.collect::<Vec<_>>()
    };
    let mut text = String::new();
    for number in 0..20_000_u32 {
        // Other things of this kind: digests, commits, tokens of others, and what is nearly a token.
        text.push_str(&match number % 4 {
            0 => format!("{:064x}\n", u128::from(number) * 0x9e37_79b9_7f4a_7c15_f39c_c060),
            1 => format!("commit {number:040x} acme_{number:063x}\n"),
            2 => format!("\"acme_{number:065x}\" acme_F{number:063x}\n"),
            _ => format!("xacme_{number:064x} ACME_{number:064x} acme-{number:064x}\n"),
        });
    }
    assert_eq!(found(&text), [""; 0]);
    let app = TestApp::new().await;
    app.merge(json!({"token_prefix": "acme"})).await;
    for _ in 0..50 {
        let secret = app.issue(grant(user("7"), "read")).await.secret;
        for around in [format!("token={secret}"), format!("'{secret}'"), format!("x {secret}\n")] {
            assert_eq!(found(&around), [secret.as_str()]);
        }
    }
}
