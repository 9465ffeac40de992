//! What an installation exports is taken by the ring that it is sealed for, and by no other; no token is there twice.

use crate::fixture::{EVERYTHING, grant, secret};
use crate::keys::{Pair, demo, is_allowed, on_each_engine};
use jeton_core::{Cause, Secret};
use jeton_service::{
    ExportError, Exported, ImportRow, ImportSecret, Imported, KeyRing, Keys, LeftOut, Merged, OpenApp,
    RequestedLifetime, Service,
};
use jeton_testkit::SeededEntropy;
use serde_json::json;

const FOREIGN: &str = "a-foreign-secret-of-some-length-or-other";

/// From now on the app keeps no secrets, and none of before.
async fn keep_nothing(pair: &Pair) {
    let merged = pair.one.merge_settings(&demo(), &json!({"reveal": "once"}), &Cause::CLI).await.unwrap();
    assert!(matches!(merged, Merged::Done(_)));
}

/// A minted and a foreign token in app demo.
async fn two_tokens(pair: &Pair) -> [Secret; 2] {
    let app = pair.demo().await;
    let minted = pair.one.issue(&app, &EVERYTHING, grant("read")).await.unwrap().unwrap();
    let row = ImportRow {
        secret: secret(FOREIGN).into(),
        issue: grant("read"),
        created_at: None,
        expires_at: None,
        enabled: true,
    };
    let taken = pair.one.import(&app, vec![row], false, &Cause::CLI).await.unwrap();
    assert!(matches!(taken[..], [Imported::Taken(_)]), "{taken:?}");
    [minted.secret, secret(FOREIGN)]
}

/// What is exported of app demo, but for the token that it begins with.
async fn exported(pair: &Pair, receiver: Option<&KeyRing>) -> Vec<Exported> {
    let receiver = receiver.map(Keys::derive);
    let page = pair.one.export(&pair.demo().await, receiver.as_ref(), None, 10).await.unwrap();
    assert_eq!((page.total, page.next), (Some(page.items.len() as u64), None));
    page.items.into_iter().skip(1).collect()
}

fn rows(exported: &[Exported]) -> Vec<ImportRow> {
    let row = |Exported { token, sealed }: &Exported| {
        Some(ImportRow {
            secret: ImportSecret::Exported(sealed.clone().ok()?),
            issue: jeton_service::Issue {
                spec: token.spec.clone(),
                lifetime: RequestedLifetime::Asked(jeton_core::Lifetime::Unlimited),
            },
            created_at: Some(token.created_at),
            expires_at: token.expires_at,
            enabled: token.is_enabled(),
        })
    };
    exported.iter().filter_map(row).collect()
}

async fn other_app(service: &Service, key: &str) -> OpenApp {
    let key = key.parse().unwrap();
    service.create_app(&key, jeton_core::UserId::from_integer(1), &Cause::CLI).await.unwrap().unwrap();
    OpenApp::clone(&service.open_app(&key).await.unwrap().unwrap())
}

async fn import(service: &Service, app: &OpenApp, exported: &[Exported]) -> Vec<Imported> {
    service.import(app, rows(exported), false, &Cause::CLI).await.unwrap()
}

fn are_taken(outcomes: &[Imported]) -> bool {
    outcomes.len() == 2 && outcomes.iter().all(|outcome| matches!(outcome, Imported::Taken(_)))
}

fn left_out(exported: &[Exported]) -> Vec<Option<LeftOut>> {
    exported.iter().map(|token| token.sealed.as_ref().err().copied()).collect()
}

#[tokio::test]
async fn another_app_takes_secrets_and_digests_once() {
    on_each_engine(true, async |pair: &Pair| {
        let secrets = two_tokens(pair).await;
        for (key, keeps) in [("first", true), ("second", false)] {
            if !keeps {
                keep_nothing(pair).await;
            }
            let exported = exported(pair, None).await;
            assert_eq!(left_out(&exported), [None, None], "{key}");
            for known in &secrets {
                let text = known.expose();
                assert!(exported.iter().flat_map(|token| &token.sealed).all(|sealed| !sealed.contains(text)));
            }
            let app = other_app(&pair.one, key).await;
            let taken = import(&pair.one, &app, &exported).await;
            assert!(are_taken(&taken), "{key}: {taken:?}");
            let again = import(&pair.other, &app, &exported).await;
            assert_eq!(again, [Imported::Duplicate; 2], "{key}");
            for known in &secrets {
                let verified = pair.one.verify(&app.key, known, &jeton_core::Demand::Active, None).await;
                assert_eq!(verified.unwrap().verdict, jeton_core::Verdict::Allowed, "{key}");
            }
            // What is revoked stays so, whatever is imported.
            let [Imported::Taken(id), _] = taken[..] else { panic!("{taken:?}") };
            pair.one.revoke(&app, &EVERYTHING, id, None).await.unwrap().unwrap();
            assert_eq!(import(&pair.one, &app, &exported).await, [Imported::Duplicate; 2], "{key}");
        }
        // Nor does the app of which it is take it again.
        let exported = exported(pair, None).await;
        assert_eq!(import(&pair.one, &pair.demo().await, &exported).await, [Imported::Duplicate; 2]);
    })
    .await;
}

#[tokio::test]
async fn another_ring_opens_what_is_sealed_for_it_alone() {
    on_each_engine(true, async |pair: &Pair| {
        two_tokens(pair).await;
        let theirs = KeyRing::generate(&SeededEntropy::new(77)).unwrap();
        let app = other_app(&pair.one, "first").await;
        let for_them = exported(pair, Some(&theirs)).await;
        assert_eq!(left_out(&for_them), [None, None]);
        let refused = import(&pair.one, &app, &for_them).await;
        assert_eq!(refused, [Imported::Unreadable(ExportError::OtherRing); 2]);
        // A copy of the ring is the same ring.
        let copy = pair.ring();
        keep_nothing(pair).await;
        assert_eq!(left_out(&exported(pair, Some(&copy)).await), [None, None]);
        let digests_alone = exported(pair, Some(&theirs)).await;
        assert_eq!(left_out(&digests_alone), [Some(LeftOut::OtherRing); 2]);
    })
    .await;
}

#[tokio::test]
async fn a_digest_is_of_use_while_all_others_can_be_compared_with_it() {
    on_each_engine(true, async |pair: &Pair| {
        keep_nothing(pair).await;
        let secrets = two_tokens(pair).await;
        let before = exported(pair, None).await;
        let app = other_app(&pair.one, "first").await;
        assert!(are_taken(&import(&pair.one, &app, &before).await));

        pair.one.add_key(&Cause::CLI).await.unwrap();
        pair.one.activate_key(2, &Cause::CLI).await.unwrap();
        let stale = import(&pair.one, &app, &before).await;
        assert_eq!(stale, [Imported::Unreadable(ExportError::OtherKey(1)); 2]);
        assert_eq!(left_out(&exported(pair, None).await), [Some(LeftOut::OlderKey); 2]);
        pair.one.rekey().await.unwrap();
        assert_eq!(left_out(&exported(pair, None).await), [Some(LeftOut::OlderKey); 2], "they began with 1");

        // One of them is used, and so the new key makes its digest.
        assert!(is_allowed(&pair.one, &secrets[0]).await);
        pair.one.rekey().await.unwrap();
        let used = exported(pair, None).await;
        assert_eq!(left_out(&used), [None, Some(LeftOut::OlderKey)]);
        // The same token is there already, by a digest that began with the old key: nobody can tell that it is the same.
        assert_eq!(import(&pair.one, &app, &used).await, [Imported::Incomparable]);
        let new = other_app(&pair.one, "second").await;
        let taken = import(&pair.one, &new, &used).await;
        assert!(matches!(taken[..], [Imported::Taken(_)]), "{taken:?}");
        assert_eq!(import(&pair.one, &new, &used).await, [Imported::Duplicate]);
    })
    .await;
}

#[tokio::test]
async fn what_a_token_made_is_left_out() {
    on_each_engine(true, async |pair: &Pair| {
        let app = pair.demo().await;
        let mut issue = grant("read");
        issue.spec.lineage = jeton_core::Lineage::new(vec![jeton_core::TokenId::new(1).unwrap()]).unwrap();
        pair.one.issue(&app, &EVERYTHING, issue).await.unwrap().unwrap();
        assert_eq!(left_out(&exported(pair, None).await), [Some(LeftOut::Delegated)]);
    })
    .await;
}
