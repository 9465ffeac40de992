//! Secrets of every sort while their keys change: rotated ones, reported ones, and such as a restore brings back.

use crate::backups::back_up;
use crate::fixture::{EVERYTHING, grant};
use crate::keys::{Known, Pair, demo, is_allowed, on_each_engine};
use jeton_core::{Cause, ChangeKind, Demand, Digest, InactiveReason, Secret, TokenId, Verdict};
use jeton_service::Progress;
use jeton_service::{Error, Issued, KeyRing, KeyUse, Keys, KeysError, OperatorAdmission, Service};
use jeton_store::write::ReplaceDigests;
use jeton_store::{DigestPlace, NewDigest};
use serde_json::json;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
const DAY_MILLIS: i64 = 86_400_000;
const EXPIRED: Verdict = Verdict::Inactive(InactiveReason::Expired);
const REVOKED: Verdict = Verdict::Inactive(InactiveReason::Revoked);

async fn issue(pair: &Pair, service: &Service) -> Issued {
    service.issue(&pair.demo().await, &EVERYTHING, grant("read")).await.unwrap().unwrap()
}

async fn rotate(pair: &Pair, service: &Service, id: TokenId, grace: Option<Duration>) -> Secret {
    let rotated = service.rotate(&pair.demo().await, &EVERYTHING, id, None, grace).await;
    rotated.unwrap().unwrap().secret
}

async fn verdict(service: &Service, secret: &Secret) -> Verdict {
    service.verify(&demo(), secret, &Demand::Active, None).await.unwrap().verdict
}

/// A key that takes the place of the current one, in `one` alone.
async fn next_key(pair: &Pair) -> u32 {
    let key_id = pair.one.add_key(&Cause::CLI).await.unwrap().key_id;
    pair.one.activate_key(key_id, &Cause::CLI).await.unwrap();
    key_id
}

async fn reveal_once(pair: &Pair) {
    let merged = pair.one.merge_settings(&demo(), &json!({"reveal": "once"}), &Cause::CLI).await.unwrap();
    assert!(matches!(merged, jeton_service::Merged::Done(_)));
}

/// The row of a secret under the ring's last key, as it is when that secret was presented.
async fn renew_further(pair: &Pair, old_ring: &KeyRing, secret: &Secret) {
    let (was, keys) = (Keys::derive(old_ring).digest(secret), Keys::derive(&pair.ring()));
    let (key_id, place) = (keys.current_id(), DigestPlace::Further(pair.demo().await.id));
    let digest = keys.digest(secret);
    let new = NewDigest { place, was, digest, first_key_id: None, sealed: None };
    assert_eq!(pair.store.write(ReplaceDigests { key_id, digests: vec![new] }).await.unwrap(), 1);
}

#[tokio::test]
async fn the_secrets_of_a_rotated_token_stay_what_they_were() {
    on_each_engine(true, async |pair: &Pair| {
        let (one, other) = (&pair.one, &pair.other);
        let token = issue(pair, one).await;
        let id = token.token.id;
        let mut secrets = vec![token.secret];
        secrets.push(rotate(pair, one, id, Some(DAY)).await);
        let all_hold = async |secrets: &[Secret], when: &str| {
            for service in [one, other] {
                for (number, secret) in secrets.iter().enumerate() {
                    assert_eq!(verdict(service, secret).await, Verdict::Allowed, "{when}: {number}");
                }
            }
        };
        all_hold(&secrets, "before").await;
        pair.one.add_key(&Cause::CLI).await.unwrap();
        other.take_keys().await.unwrap();
        one.activate_key(2, &Cause::CLI).await.unwrap();
        secrets.push(rotate(pair, one, id, Some(DAY)).await);
        // This server still writes with the old key, to a token that the new one has made.
        secrets.push(rotate(pair, other, id, Some(DAY)).await);
        all_hold(&secrets, "rotated under two keys").await;
        other.take_keys().await.unwrap();
        let refused = one.retire_key(1, &Cause::CLI).await.unwrap_err();
        let KeysError::Needed { uses, .. } = &refused else { panic!("{refused}") };
        let further = uses.iter().find(|uses| uses.what == KeyUse::FurtherSecrets).unwrap();
        assert_eq!(further.rows, 2, "{refused}");
        one.rekey().await.unwrap();
        assert_eq!(pair.left().await, 0);
        all_hold(&secrets, "swept").await;
        one.retire_key(1, &Cause::CLI).await.unwrap();
        other.take_keys().await.unwrap();
        all_hold(&secrets, "retired").await;
        let restarted = pair.restarted(5).await;
        for secret in &secrets {
            assert_eq!(verdict(&restarted, secret).await, Verdict::Allowed);
        }

        // Their grace ends as it would have, and who presents one of them then is noticed.
        pair.clock.advance_millis(DAY_MILLIS);
        let (newest, old) = secrets.split_last().unwrap();
        for secret in old {
            assert_eq!(verdict(&restarted, secret).await, EXPIRED);
        }
        restarted.report_reuses().await.unwrap();
        let log = pair.store.changes(0, 1_000).await.unwrap();
        assert_eq!(log.iter().filter(|change| change.kind == ChangeKind::TokenReused).count(), 1);
        assert_eq!(verdict(&restarted, newest).await, Verdict::Allowed);
        assert!(pair.store.check(&Progress::default()).await.unwrap().faults.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_reported_is_revoked_whatever_key_made_it() {
    on_each_engine(true, async |pair: &Pair| {
        let one = &pair.one;
        let (kept, shown_once) = (issue(pair, one).await, issue(pair, one).await);
        let old_secret = issue(pair, one).await;
        let new_secret = rotate(pair, one, old_secret.token.id, Some(DAY)).await;
        let operator = one.create_operator("leaky", &Cause::CLI).await.unwrap().unwrap();
        reveal_once(pair).await;
        next_key(pair).await;
        one.revoke_reported(std::slice::from_ref(&kept.secret), None).await.unwrap().unwrap();
        assert_eq!(verdict(one, &kept.secret).await, REVOKED, "before the sweep");
        one.rekey().await.unwrap();
        one.retire_key(1, &Cause::CLI).await.unwrap();
        let reported: Vec<Secret> = [&shown_once.secret, &old_secret.secret, &operator.token]
            .map(|secret| Secret::parse(secret.expose()).unwrap())
            .into();
        one.revoke_reported(&reported, None).await.unwrap().unwrap();
        for secret in [&shown_once.secret, &old_secret.secret, &new_secret] {
            assert_eq!(verdict(one, secret).await, REVOKED, "after the old key is retired");
        }
        let admitted = one.admit_operator(Some(&operator.token), None).await.unwrap();
        assert!(matches!(admitted, OperatorAdmission::Unproven), "{admitted:?}");
    })
    .await;
}

#[tokio::test]
async fn a_server_that_lacks_a_key_does_not_confirm_a_report() {
    on_each_engine(false, async |pair: &Pair| {
        let (known, unknown) = (issue(pair, &pair.one).await, {
            next_key(pair).await;
            issue(pair, &pair.one).await
        });
        assert!(pair.other.take_keys().await.is_err());
        let both = [known.secret, unknown.secret];
        let answer = pair.other.revoke_reported(&both, None).await;
        assert!(matches!(answer, Err(Error::KeyMissing)), "{answer:?}");
        assert_eq!(verdict(&pair.one, &both[1]).await, Verdict::Allowed);
        pair.one.revoke_reported(&both, None).await.unwrap().unwrap();
        for secret in &both {
            assert_eq!(verdict(&pair.one, secret).await, REVOKED);
        }
    })
    .await;
}

/// A backup from before rotations, into the database in which another key has made the digests since.
#[tokio::test]
async fn a_restore_brings_no_rotated_secret_back() {
    on_each_engine(true, async |pair: &Pair| {
        let one = &pair.one;
        let known = Known::made(pair).await;
        let mut tokens = Vec::new();
        for _ in 0..6 {
            tokens.push(issue(pair, one).await);
        }
        let rotated_before = rotate(pair, one, tokens[3].token.id, Some(DAY)).await;
        let path = pair.folder.path().join("before.backup");
        back_up(one, &path).await;

        let in_grace = rotate(pair, one, tokens[1].token.id, Some(DAY)).await;
        let twice = rotate(pair, one, tokens[4].token.id, Some(DAY)).await;
        let renewed_alone = rotate(pair, one, tokens[5].token.id, Some(DAY)).await;
        reveal_once(pair).await;
        next_key(pair).await;
        one.rekey().await.unwrap();
        let at_once = rotate(pair, one, tokens[0].token.id, None).await;
        let twice = [twice, rotate(pair, one, tokens[4].token.id, None).await];
        let before = async |service: &Service, when: &str| {
            let at = |number: usize| &tokens[number].secret;
            let good =
                [&at_once, at(1), &in_grace, at(2), at(3), &rotated_before, &twice[1], at(5), &renewed_alone];
            for (number, secret) in good.into_iter().enumerate() {
                assert_eq!(verdict(service, secret).await, Verdict::Allowed, "{when}: {number}");
            }
            for secret in [at(0), at(4), &twice[0]] {
                assert_eq!(verdict(service, secret).await, EXPIRED, "{when}");
            }
            known.hold(service, &pair.initial, when).await;
        };
        before(one, "now").await;
        let restored = one.restore(&path, true, &Cause::CLI, &Progress::default()).await.unwrap();
        assert_eq!((restored.left_out, restored.unknown_tokens), (0, 0), "{restored:?}");
        let one = pair.restarted(7).await;
        before(&one, "restored").await;
        one.rekey().await.unwrap();
        one.retire_key(1, &Cause::CLI).await.unwrap();
        before(&one, "retired").await;
        assert!(pair.store.check(&Progress::default()).await.unwrap().faults.is_empty());
    })
    .await;
}

/// The old secret of a token was presented, and its new one was not yet given to the new key.
#[tokio::test]
async fn a_restore_in_the_middle_of_a_sweep_loses_no_token() {
    on_each_engine(true, async |pair: &Pair| {
        let one = &pair.one;
        let (token, old_ring) = (issue(pair, one).await, pair.ring());
        let path = pair.folder.path().join("before.backup");
        back_up(one, &path).await;
        let new = rotate(pair, one, token.token.id, Some(DAY)).await;
        next_key(pair).await;
        renew_further(pair, &old_ring, &token.secret).await;
        let restored = one.restore(&path, true, &Cause::CLI, &Progress::default()).await.unwrap();
        assert_eq!(restored.left_out, 0, "{restored:?}");
        let one = pair.restarted(7).await;
        for secret in [&token.secret, &new] {
            assert_eq!(verdict(&one, secret).await, Verdict::Allowed);
        }
        pair.clock.advance_millis(DAY_MILLIS);
        assert_eq!(verdict(&one, &token.secret).await, EXPIRED);
        assert_eq!(verdict(&one, &new).await, Verdict::Allowed);
    })
    .await;
}

/// Of a key that was added and retired after the backup, what is left is still needed.
#[tokio::test]
async fn a_restore_forgets_no_key_that_was_retired_since() {
    on_each_engine(true, async |pair: &Pair| {
        let one = &pair.one;
        reveal_once(pair).await;
        let token = issue(pair, one).await;
        let path = pair.folder.path().join("before.backup");
        back_up(one, &path).await;
        next_key(pair).await;
        let rotated = rotate(pair, one, token.token.id, None).await;
        next_key(pair).await;
        one.rekey().await.unwrap();
        assert!(one.retire_key(2, &Cause::CLI).await.unwrap(), "the new secret begins with it");
        one.restore(&path, true, &Cause::CLI, &Progress::default()).await.unwrap();
        let one = pair.restarted(7).await;
        assert!(is_allowed(&one, &rotated).await);
        assert_eq!(verdict(&one, &token.secret).await, EXPIRED);
        let begun = one.retire_key(2, &Cause::CLI).await;
        assert!(matches!(begun, Err(KeysError::Begun { key_id: 2, .. })), "{begun:?}");
        assert!(is_allowed(&pair.restarted(8).await, &rotated).await);
        assert!(pair.ring().ids().any(|id| id == 2));
    })
    .await;
}

/// Another token has the digest that a further one is to get: the sweep makes it of the digest of before.
#[tokio::test]
async fn a_digest_that_is_taken_stops_no_sweep() {
    on_each_engine(true, async |pair: &Pair| {
        let (token, old_ring) = (issue(pair, &pair.one).await, pair.ring());
        rotate(pair, &pair.one, token.token.id, Some(DAY)).await;
        next_key(pair).await;
        let keys = Keys::derive(&pair.ring());
        let app_id = pair.demo().await.id;
        let was = Keys::derive(&old_ring).digest(&token.secret);
        let replace = async |was: Digest, digest: Digest| {
            let place = DigestPlace::Further(app_id);
            let new = NewDigest { place, was, digest, first_key_id: None, sealed: None };
            pair.store.write(ReplaceDigests { key_id: 2, digests: vec![new] }).await.unwrap()
        };
        let digest = keys.digest(&token.secret);
        assert_eq!(replace(was, digest).await, 1);
        assert_eq!(replace(was, digest).await, 0, "there is none any more");
        let second = issue(pair, &pair.one).await;
        rotate(pair, &pair.one, second.token.id, Some(DAY)).await;
        assert_eq!(replace(keys.digest(&second.secret), digest).await, 0, "it is taken");
        assert!(is_allowed(&pair.one, &second.secret).await && is_allowed(&pair.one, &token.secret).await);
    })
    .await;
}
