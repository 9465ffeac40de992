//! How long a row lives: nothing that a client says lets it outlive what the app allows.

use super::super::{
    ask, assert_error, assert_unknown_elsewhere, at, created, found, id_of, open_to_all, stored, verdict,
};
use crate::app::{DAY, EVERYTHING, HOUR, TestApp, With, grant, identity, lasting, user};
use jeton_core::{InactiveReason, Lifetime, Secret, Timestamp, TokenKind, Verdict};
use jeton_service::{ImportRow, Imported, Issue, RequestedLifetime};
use serde_json::{Value, json};

const FORTNIGHT: i64 = 14 * DAY;

/// What clients say of a row's life; how long a named caller's row then lives, where nothing bounds it, and
/// how long a self-made one does. In milliseconds from now.
fn lifetimes() -> Vec<(Value, Option<i64>, i64)> {
    let both = |lifetime, millis| (lifetime, Some(millis), millis);
    vec![
        both(json!({}), FORTNIGHT),
        both(json!({"ttl": 60}), 60_000),
        both(json!({"ttl": "60"}), 60_000),
        both(json!({"ttl": 1_209_600}), FORTNIGHT),
        (json!({"ttl": 1_209_601}), Some(FORTNIGHT + 1000), FORTNIGHT),
        (json!({"ttl": 1e11, "created": "1970-01-01T00:00:00Z"}), None, FORTNIGHT),
        (json!({"ttl": 1e300}), None, FORTNIGHT),
        both(json!({"ttl": -1}), 0),
        both(json!({"ttl": "-1"}), 0),
        both(json!({"ttl": -0.5}), 0),
        both(json!({"ttl": -1e300}), 0),
        both(json!({"ttl": 0}), 0),
        both(json!({"ttl": null}), 0),
        both(json!({"ttl": "abc"}), 0),
        both(json!({"ttl": {}}), 0),
        both(json!({"ttl": "Infinity"}), 0),
        both(json!({"ttl": 60, "created": null}), 0),
        both(json!({"ttl": 60, "created": "2026-01-02T03:04:35.678Z"}), 60_000),
        both(json!({"ttl": 60, "created": "9999-01-01T00:00:00Z"}), 60_000),
        both(json!({"ttl": 60, "created": "2026-01-02T03:04:00.678Z"}), 55_000),
        both(json!({"created": "2026-01-01T03:04:05.678Z"}), FORTNIGHT - DAY),
        both(json!({"ttl": 60, "created": 0}), 0),
    ]
}

/// In how many milliseconds a row expires, if that is before the year 5000; what has expired does so at once.
async fn left(app: &TestApp, id: &str) -> Option<i64> {
    let expires_at = stored(app, id).await.unwrap().expires_at.expect("it expires");
    let left = expires_at.millis_since(app.after(0));
    (left < 3000 * 365 * DAY).then_some(left.max(0))
}

#[tokio::test]
async fn what_is_said_of_a_life_goes_so_far() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    for (lifetime, named, self_made) in lifetimes() {
        let row = created(&app, &app.admin, &lifetime).await;
        assert_eq!(left(&app, id_of(&row)).await, named, "{lifetime}");
        let is_live = verdict(&app, id_of(&row)).await == Verdict::Allowed;
        assert_eq!(is_live, named != Some(0), "{lifetime}");
        let row = created(&app, "", &lifetime).await;
        assert_eq!(left(&app, id_of(&row)).await, Some(self_made), "{lifetime}");
        // Nor does writing it later.
        for (caller, expected) in [(app.admin.as_str(), named), ("", Some(self_made))] {
            let row = created(&app, caller, &json!({"ttl": 5})).await;
            let written = ask(&app, caller, "PUT", &at(id_of(&row))).json(&lifetime).status().await;
            assert_eq!(written, 200, "{lifetime}");
            let expected = if lifetime.get("ttl").is_none() { Some(5000) } else { expected };
            if lifetime.get("created").is_none() || lifetime.get("ttl").is_some() {
                assert_eq!(left(&app, id_of(&row)).await, expected, "{lifetime}");
            }
        }
    }
}

#[tokio::test]
async fn the_longest_lifetime_of_an_app_bounds_every_row() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let settings = json!({"max_ttl_seconds": 3600, "loopback": {"allow_eternal_tokens": true}});
    app.merge(settings).await;
    for (lifetime, ..) in lifetimes().into_iter().chain([(json!({"ttl": -1}), None, 0)]) {
        for caller in [app.admin.as_str(), ""] {
            let row = created(&app, caller, &lifetime).await;
            assert!(left(&app, id_of(&row)).await.unwrap() <= HOUR, "{lifetime}");
            let row = created(&app, caller, &json!({})).await;
            ask(&app, caller, "PATCH", &at(id_of(&row))).json(&lifetime).send().await;
            assert!(left(&app, id_of(&row)).await.unwrap() <= HOUR, "{lifetime}");
        }
    }
}

#[tokio::test]
async fn eternal_rows_are_for_apps_that_allow_them_and_for_those_they_know() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    app.merge(json!({"loopback": {"allow_eternal_tokens": true}})).await;
    let proof = app.issue(identity(user("7"))).await;
    for caller in [&app.admin, &proof.secret] {
        let row = created(&app, caller, &json!({"ttl": -1, "userId": 7})).await;
        assert_eq!(stored(&app, id_of(&row)).await.unwrap().expires_at, None);
    }
    let row = created(&app, "", &json!({"ttl": -1, "userId": 7})).await;
    assert_eq!((left(&app, id_of(&row)).await, &row["ttl"]), (Some(FORTNIGHT), &json!(-1)));
    // What somebody unproven takes over loses its eternity.
    assert_eq!(ask(&app, "", "PUT", &at(&proof.secret)).json(&json!({"userId": 2})).status().await, 200);
    assert_eq!(left(&app, &proof.secret).await, Some(FORTNIGHT));
}

#[tokio::test]
async fn presenting_what_has_expired_is_refused_once_and_ends_it_here() {
    let app = TestApp::new().await;
    let expiring = [identity(user("7")), grant(user("7"), "read")];
    let mut tokens = Vec::new();
    for issue in expiring {
        tokens.push(app.issue(lasting(HOUR, issue)).await);
    }
    app.clock.advance_millis(HOUR - 1);
    assert_eq!(ask(&app, &tokens[0].secret, "POST", "").json(&json!({})).status().await, 200);
    app.clock.advance_millis(1);
    let made = found(&app).await.into_iter().find(|id| tokens.iter().all(|token| token.secret != *id));
    for token in &tokens {
        assert!(found(&app).await.contains(&token.secret), "expiry alone hides nothing");
        // Where anybody is let in, and where there is nothing at all.
        let answer = ask(&app, &token.secret, "POST", "").json(&json!({})).send().await;
        assert_eq!(assert_error(&answer, 401), "Invalid Access Token");
        assert_eq!(answer.json()["error"]["code"], "INVALID_TOKEN");
        assert!(!found(&app).await.contains(&token.secret));
        assert_error(&ask(&app, &app.admin, "GET", &at(&token.secret)).send().await, 404);
        // From now on it is as if it had never been presented.
        assert_eq!(ask(&app, &token.secret, "POST", "").json(&json!({})).status().await, 200);
        let revived = json!({"id": token.secret, "ttl": 60});
        assert_error(&ask(&app, &app.admin, "PUT", "").json(&revived).send().await, 409);
        assert_eq!(verdict(&app, &token.secret).await, Verdict::Inactive(InactiveReason::Expired));
        // Others still see that there was one.
        let listed = app.get("/AccessToken/demo").bearer(&app.admin).send().await;
        assert!(listed.text().contains(&token.secret));
    }
    // What exists here alone is gone.
    let made = made.unwrap();
    app.clock.advance_millis(FORTNIGHT);
    assert_error(&ask(&app, &made, "GET", "").send().await, 401);
    assert_eq!(stored(&app, &made).await, None);
}

/// So many self-made tokens that expire at these instants.
async fn fill(app: &TestApp, count: usize, expires_at: Timestamp) {
    let issue = || Issue {
        lifetime: RequestedLifetime::Asked(Lifetime::Unlimited),
        ..identity(user("2")).with(|token| token.spec.kind = TokenKind::SelfMade)
    };
    let row = |place: usize| ImportRow {
        secret: Secret::parse(&format!("{}-{place}", expires_at.as_millis())).unwrap().into(),
        issue: issue(),
        created_at: None,
        expires_at: Some(expires_at),
        enabled: true,
    };
    let by = EVERYTHING.cause();
    let taken =
        app.service.import(&app.open("demo").await, (0..count).map(row).collect(), true, &by).await.unwrap();
    assert!(taken.iter().all(|taken| matches!(taken, Imported::Taken(_))));
}

#[tokio::test]
async fn an_app_keeps_ten_thousand_live_self_made_rows() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let proof = app.issue(identity(user("7"))).await;
    fill(&app, 9_999, app.after(DAY)).await;
    let last = created(&app, "", &json!({"userId": 2, "ttl": 2})).await;
    for caller in ["", &proof.secret, &app.admin] {
        let row = json!({"userId": 2});
        let (answers, merges) = if caller == app.admin { (200, 200) } else { (429, 429) };
        assert_eq!(ask(&app, caller, "POST", "").json(&row).status().await, answers);
        let victim = app.issue(identity(user("8"))).await;
        assert_eq!(ask(&app, caller, "PUT", &at(&victim.secret)).json(&row).status().await, merges);
        let owner = app.token(victim.id).await.unwrap().spec.owner;
        assert_eq!(owner, user(if merges == 200 { "2" } else { "8" }));
    }
    // A proven user's own rows, and changes to what there is, are not bounded.
    created(&app, &proof.secret, &json!({"userId": 7})).await;
    assert_eq!(ask(&app, "", "PUT", &at(id_of(&last))).json(&json!({"userId": 9})).status().await, 200);
    // One expires and makes room for one.
    app.clock.advance_millis(2000);
    let next = created(&app, "", &json!({})).await;
    assert_eq!(stored(&app, id_of(&last)).await, None);
    assert_unknown_elsewhere(&app, id_of(&next)).await;
    assert_error(&ask(&app, "", "POST", "").json(&json!({})).send().await, 429);
}

/// How long a row says that it lives from now on, and how long it does, in milliseconds.
async fn shown_and_kept(app: &TestApp, row: &Value) -> (i64, i64) {
    let created = jeton_loopback::Value::Text(row["created"].as_str().unwrap().to_owned()).to_date().unwrap();
    let shown = created + 1000 * row["ttl"].as_i64().unwrap() - app.after(0).as_millis();
    (shown, left(app, id_of(row)).await.unwrap())
}

/// Whatever caller and method wrote it, a row shows the lifetime that applies, not the one that was
/// requested.
#[tokio::test]
async fn a_row_says_how_long_it_lives() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    let proof = app.issue(lasting(50 * HOUR, identity(user("7")))).await;
    app.merge(json!({"max_ttl_seconds": 3600, "loopback": {"allow_eternal_tokens": true}})).await;
    let shown = async |caller: &str, id: &str| {
        let row = ask(&app, caller, "GET", &at(id)).send().await.json();
        let counted = ask(&app, caller, "GET", &format!("/count?where[id]={id}&where[ttl]={}", row["ttl"]))
            .send()
            .await;
        assert_eq!(counted.json()["count"], 1, "conditions mean what is shown: {row}");
        row
    };
    let before = app.after(0).as_millis() - 10 * 24 * HOUR;
    for data in [
        json!({"ttl": 1_000_000}),
        json!({"ttl": 1_000_000_000}),
        json!({"ttl": -1}),
        json!({}),
        json!({"ttl": 10_000_000, "created": before}),
        json!({"ttl": 1e30}),
    ] {
        for caller in [app.admin.as_str(), &proof.secret, ""] {
            let with_user = |data: &Value| {
                let mut data = data.clone();
                data["userId"] = json!(7);
                data
            };
            let row = created(&app, caller, &with_user(&data)).await;
            let read = shown(&app.admin, id_of(&row)).await;
            assert_eq!(read, row, "the answer to the write says the same");
            assert_eq!(shown_and_kept(&app, &row).await, (HOUR, HOUR), "{data}");
            for (method, rest) in [
                ("PUT", at(id_of(&row))),
                ("PATCH", at(id_of(&row))),
                ("POST", format!("/{}/replace", id_of(&row))),
            ] {
                let short = ask(&app, &app.admin, "PUT", &at(id_of(&row)))
                    .json(&json!({"ttl": 5}))
                    .send()
                    .await
                    .json();
                assert_eq!(short["ttl"], 5);
                let written =
                    ask(&app, &app.admin, method, &rest).json(&with_user(&data)).send().await.json();
                if method != "POST" && data == json!({}) {
                    continue;
                }
                assert_eq!(shown_and_kept(&app, &written).await, (HOUR, HOUR), "{method} {data}");
                assert_eq!(shown(&app.admin, id_of(&row)).await, written);
            }
            let all = format!("/update?where[id]={}", id_of(&row));
            ask(&app, &app.admin, "POST", &all).json(&data).send().await;
            let row = shown(&app.admin, id_of(&row)).await;
            let (until, kept) = shown_and_kept(&app, &row).await;
            assert_eq!(until, kept, "{data}");
            // What was read can be sent back, and changes nothing.
            app.clock.advance_millis(2_000);
            let sent_back = ask(&app, &app.admin, "PUT", &at(id_of(&row))).json(&row).send().await.json();
            assert_eq!((sent_back, left(&app, id_of(&row)).await.unwrap()), (row, kept - 2_000));
        }
    }
}

#[tokio::test]
async fn a_row_that_nobody_vouches_for_says_so_too() {
    let app = TestApp::new().await;
    open_to_all(&app).await;
    for (data, shown) in [
        (json!({"ttl": 1_000_000_000, "userId": 7}), 1_209_600_i64),
        (json!({"ttl": 1_209_600, "userId": 7}), 1_209_600),
        (json!({"ttl": 1_220_000, "userId": 7}), 1_220_000),
        (json!({"ttl": 99_999_999_999_i64, "userId": 7}), 99_999_999_999),
    ] {
        let row = created(&app, "", &data).await;
        assert_eq!(
            (row["ttl"].as_i64(), left(&app, id_of(&row)).await),
            (Some(shown), Some(FORTNIGHT)),
            "{data}"
        );
    }
}

#[tokio::test]
async fn a_row_that_ends_before_it_says_that_it_began_is_not_eternal() {
    let app = TestApp::new().await;
    app.merge(json!({"max_ttl_seconds": 3600})).await;
    let now = app.after(0).as_millis();
    for (created_at, ttl) in [
        (now + HOUR, 0),
        (now + HOUR + 1, -2),
        (now + HOUR + 1_000, -2),
        (now + HOUR + 1_001, -2),
        (now + HOUR + 2_001, -3),
    ] {
        let row = created(&app, &app.admin, &json!({"ttl": 1_000_000, "created": created_at})).await;
        assert_eq!((row["ttl"].as_i64(), left(&app, id_of(&row)).await), (Some(ttl), Some(HOUR)));
    }
}
