//! One token, three APIs: whichever of them is asked to do something, the outcome is the same for all, and
//! for gateways.

use crate::answer::Answer;
use crate::app::{EVERYTHING, TestApp};
use jeton_core::{Scope, Secret, Token, TokenId, TokenKind};
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Api {
    LoopBack,
    AppKey,
    Dotide,
}

use Api::{AppKey, Dotide, LoopBack};

const ALL: [Api; 3] = [LoopBack, AppKey, Dotide];

/// What is asked of an API. Which permissions or ids it is about, a token's scopes say.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// A grant that may read and write everything, or what comes closest to one there.
    Issue,
    /// A row for user 2, written by another user.
    SelfMake,
    Disable,
    Enable,
    /// To reading alone.
    Narrow,
    /// To reading and deleting: more than it was issued with.
    Widen,
    /// To user 2.
    HandOver,
    Revoke,
}

use Act::{Disable, Enable, HandOver, Issue, Narrow, Revoke, SelfMake, Widen};

/// The action and its caller, its status, what a gateway gets then (for the token, reading, writing), and the
/// first letters of the APIs that list the token then.
type Step = (Act, Api, u16, [u16; 3], &'static str);

/// Plays a scenario and answers the token's secret.
async fn play(app: &TestApp, steps: &[Step]) -> String {
    let (mut secret, mut id) = (String::new(), TokenId::new(1).unwrap());
    for step @ (act, api, status, gateway, listed) in steps {
        let answer = perform(app, *act, *api, &secret, id).await;
        assert_eq!(answer.status, *status, "{step:?} of {steps:?}: {}", answer.text());
        if secret.is_empty() {
            secret = secret_in(*api, &answer);
            id = stored(app, &secret).await.unwrap().id;
        }
        for (query, expected) in ["", "?permission=read", "?permission=write"].into_iter().zip(gateway) {
            let heard = app.get(&format!("/auth/demo{query}")).bearer(&secret).status().await;
            assert_eq!(heard, *expected, "{query} after {step:?} of {steps:?}");
        }
        for api in ALL {
            let name = format!("{api:?}");
            let is_listed = list(app, api).await.contains(&secret);
            assert_eq!(is_listed, listed.contains(&name[..1]), "{api:?} after {step:?} of {steps:?}");
        }
    }
    secret
}

async fn perform(app: &TestApp, act: Act, api: Api, secret: &str, id: TokenId) -> Answer {
    let loopback = |method: &str, below: &str| app.ask(method, &format!("/api/accessTokens{below}"));
    let dotide = |method: &str, below: &str| {
        let (id, secret) = &app.client;
        app.ask(method, &format!("/v1/demo/access_tokens{below}")).basic(id, secret)
    };
    let appkey =
        |method: &str, below: &str| app.ask(method, &format!("/AccessToken/demo{below}")).bearer(&app.admin);
    let (row, number) = (format!("/{secret}"), format!("/{id}"));
    let scopes = |names: &[&str]| json!({"scopes": [{"permissions": names, "global": true}]});
    let asked = match (api, act) {
        (LoopBack, SelfMake) => loopback("POST", "").json(&json!({"userId": 2})),
        (LoopBack, act) => {
            let asked = match act {
                Issue => loopback("POST", "").json(&json!({"userId": 7})),
                HandOver => loopback("PUT", &row).json(&json!({"userId": 2})),
                Revoke => loopback("DELETE", &row),
                Narrow | Widen => loopback("PATCH", &row).json(&scopes(&["read", "delete"])),
                Disable | Enable | SelfMake => loopback("PUT", &row).json(&json!({"enabled": false})),
            };
            asked.header("x-access-token", &app.admin)
        }
        (AppKey, Issue) => {
            appkey("POST", "").json(&json!({"title": "t", "permissions": "read,write", "expireInDays": -1}))
        }
        (AppKey, Disable) => appkey("PUT", &number).json(&json!({"enable": false})),
        (AppKey, Enable) => appkey("PUT", &number).json(&json!({"enable": true})),
        (AppKey, Narrow) => appkey("PUT", &number).json(&json!({"permissions": "read"})),
        (AppKey, Widen) => appkey("PUT", &number).json(&json!({"permissions": "read,delete"})),
        (AppKey, HandOver | SelfMake) => appkey("PUT", &number).json(&json!({"userID": 2})),
        (AppKey, Revoke) => appkey("DELETE", &number),
        (Dotide, Issue) => dotide("POST", "").json(&scopes(&["read", "write"])),
        (Dotide, Narrow) => dotide("PUT", &row).json(&scopes(&["read"])),
        (Dotide, Widen) => dotide("PUT", &row).json(&scopes(&["read", "delete"])),
        (Dotide, Disable | Enable | HandOver | SelfMake) => dotide("PUT", &row).json(&json!({"user_id": 2})),
        (Dotide, Revoke) => dotide("DELETE", &row),
    };
    asked.send().await
}

fn secret_in(api: Api, answer: &Answer) -> String {
    let body = answer.json();
    let secret = match api {
        LoopBack => &body["id"],
        AppKey => &body["data"]["access_token"],
        Dotide => &body["access_token"],
    };
    secret.as_str().unwrap().to_owned()
}

/// The secrets that an API lists.
async fn list(app: &TestApp, api: Api) -> Vec<String> {
    let (id, secret) = &app.client;
    let (asked, member) = match api {
        LoopBack => (app.get("/api/accessTokens").header("x-access-token", &app.admin), "id"),
        AppKey => (app.get("/AccessToken/demo?take=1000").bearer(&app.admin), "accessToken"),
        Dotide => (app.get("/v1/demo/access_tokens").basic(id, secret), "access_token"),
    };
    let body = asked.send().await.json();
    let rows: &Value = if api == AppKey { &body["data"]["data"] } else { &body };
    rows.as_array().unwrap().iter().map(|row| row[member].as_str().unwrap().to_owned()).collect()
}

async fn stored(app: &TestApp, secret: &str) -> Option<Token> {
    let secret = Secret::parse(secret).unwrap();
    let found = app.service.find(&app.open("demo").await, &EVERYTHING, &secret).await.unwrap();
    found.map(|listed| listed.token)
}

const GOOD: [u16; 3] = [200, 200, 200];
const READS: [u16; 3] = [200, 200, 403];
const PROVES: [u16; 3] = [200, 403, 403];
const DEAD: [u16; 3] = [401, 401, 401];

/// The status of a removal that removed.
fn revoked(api: Api) -> u16 {
    if api == Dotide { 204 } else { 200 }
}

fn issued(api: Api) -> u16 {
    if api == Dotide { 201 } else { 200 }
}

#[tokio::test]
async fn a_grant_through_all_of_them() {
    for issuer in [AppKey, Dotide] {
        for narrower in [AppKey, Dotide] {
            for revoker in ALL {
                let app = TestApp::following().await;
                let steps = [
                    (Issue, issuer, issued(issuer), GOOD, "LAD"),
                    (Disable, AppKey, 200, DEAD, "AD"),
                    (HandOver, LoopBack, 404, DEAD, "AD"),
                    (Enable, AppKey, 200, GOOD, "LAD"),
                    (Widen, LoopBack, 200, GOOD, "LAD"),
                    (Disable, LoopBack, 200, GOOD, "LAD"),
                    (Narrow, narrower, 200, READS, "LAD"),
                    (Narrow, LoopBack, 200, READS, "LAD"),
                ];
                let secret = play(&app, &steps).await;
                let token = stored(&app, &secret).await.unwrap();
                let core =
                    (token.spec.kind, token.spec.scopes.as_slice(), token.is_enabled(), token.expires_at);
                let read = [Scope::global(vec!["read".parse().unwrap()])];
                assert_eq!(core, (TokenKind::Grant, &read[..], true, None), "{issuer:?} {narrower:?}");
                end(&app, &secret, token.id, revoker).await;
            }
        }
    }
}

/// Revokes a token and makes sure that it is dead everywhere, and that its secret comes back only where
/// LoopBack itself removed it, and then for LoopBack alone.
async fn end(app: &TestApp, secret: &str, id: TokenId, revoker: Api) {
    let answer = perform(app, Revoke, revoker, secret, id).await;
    assert_eq!(answer.status, revoked(revoker), "{revoker:?}");
    assert_eq!(stored(app, secret).await, None);
    for api in ALL {
        assert!(!list(app, api).await.contains(&secret.to_owned()), "{api:?}");
        let again = perform(app, Revoke, api, secret, id).await;
        if api == LoopBack {
            assert_eq!(again.json(), json!({"count": 0}));
        } else {
            assert_eq!(again.status, 404, "{api:?}");
        }
    }
    assert_eq!(app.get("/auth/demo").bearer(secret).status().await, 401);
    app.merge(json!({"loopback": {"client_ids": "anyone"}})).await;
    let again = app.post("/api/accessTokens").json(&json!({"id": secret, "userId": 7})).status().await;
    assert_eq!(again, if revoker == LoopBack { 200 } else { 409 }, "{revoker:?}");
    assert_eq!(app.get("/auth/demo").bearer(secret).status().await, 401);
}

#[tokio::test]
async fn an_identity_through_all_of_them() {
    for revoker in ALL {
        let app = TestApp::following().await;
        let steps = [
            (Issue, LoopBack, 200, PROVES, "LAD"),
            (Narrow, AppKey, 403, PROVES, "LAD"),
            (Widen, AppKey, 403, PROVES, "LAD"),
            (Narrow, Dotide, 422, PROVES, "LAD"),
            (Widen, Dotide, 422, PROVES, "LAD"),
            (Widen, LoopBack, 200, PROVES, "LAD"),
            (Disable, AppKey, 200, DEAD, "AD"),
            (Enable, AppKey, 200, PROVES, "LAD"),
        ];
        let secret = play(&app, &steps).await;
        let token = stored(&app, &secret).await.unwrap();
        assert_eq!((token.spec.kind, &token.spec.owner), (TokenKind::Identity, &crate::app::user("7")));
        end(&app, &secret, token.id, revoker).await;
    }
}

#[tokio::test]
async fn what_is_self_made_is_there_for_one_of_them_alone() {
    let app = TestApp::following().await;
    let steps = [
        (SelfMake, LoopBack, 200, DEAD, "L"),
        (HandOver, LoopBack, 200, DEAD, "L"),
        (Disable, AppKey, 404, DEAD, "L"),
        (Narrow, AppKey, 404, DEAD, "L"),
        (Narrow, Dotide, 404, DEAD, "L"),
        (Revoke, AppKey, 404, DEAD, "L"),
        (Revoke, Dotide, 404, DEAD, "L"),
        (Revoke, LoopBack, 200, DEAD, ""),
    ];
    play(&app, &steps).await;
}

#[tokio::test]
async fn a_grant_is_handed_to_nobody() {
    for issuer in [AppKey, Dotide] {
        let app = TestApp::following().await;
        let steps = [
            (Issue, issuer, issued(issuer), GOOD, "LAD"),
            (HandOver, LoopBack, 200, GOOD, "LAD"),
            (HandOver, AppKey, 400, GOOD, "LAD"),
            (HandOver, Dotide, 400, GOOD, "LAD"),
        ];
        let secret = play(&app, &steps).await;
        let answer = app.get("/auth/demo").bearer(&secret).send().await;
        assert_eq!(answer.header("x-auth-user"), Some(""));
        app.get("/AccessToken/demo").bearer(&secret).send().await.assert_envelope(403);
        assert_eq!(stored(&app, &secret).await.unwrap().spec.owner.named(), None);
    }
}

#[tokio::test]
async fn scopes_for_single_resources_are_never_widened() {
    let app = TestApp::following().await;
    let (client_id, client_secret) = app.client.clone();
    let scopes = json!([{"permissions": ["read", "write"], "global": false, "ids": ["s1"], "tags": []}]);
    let made = app.post("/v1/demo/access_tokens").basic(&client_id, &client_secret);
    let made = made.json(&json!({"scopes": scopes})).send().await;
    let secret = secret_in(Dotide, &made);
    let token = stored(&app, &secret).await.unwrap();
    for (act, api, status) in [
        (Narrow, AppKey, 403),
        (Widen, AppKey, 403),
        (Widen, LoopBack, 200),
        (HandOver, LoopBack, 200),
        (Disable, AppKey, 200),
        (Enable, AppKey, 200),
    ] {
        assert_eq!(perform(&app, act, api, &secret, token.id).await.status, status, "{act:?} by {api:?}");
        assert_eq!(stored(&app, &secret).await.unwrap().spec.scopes, token.spec.scopes, "{act:?} by {api:?}");
        let heard =
            async |query: &str| app.get(&format!("/auth/demo?{query}")).bearer(&secret).status().await;
        let expected = if matches!(act, Disable) { [401; 4] } else { [403, 200, 200, 403] };
        let queries =
            ["permission=read", "permission=read&id=s1", "permission=write&id=s1", "permission=write&id=s2"];
        for (query, expected) in queries.into_iter().zip(expected) {
            assert_eq!(heard(query).await, expected, "{query} after {act:?} by {api:?}");
        }
        let shown = app.get(&format!("/v1/demo/access_tokens/{secret}")).basic(&client_id, &client_secret);
        assert_eq!(shown.send().await.json()["scopes"], scopes);
    }
}
