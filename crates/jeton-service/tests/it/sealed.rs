//! Nothing of a secret is ever on the disk.

use crate::fixture::{EVERYTHING, RING_SEED, With, World, grant, label, secret, whole_list};
use futures_util::TryStreamExt;
use jeton_core::{Cause, Entropy, TokenSpec};
use jeton_service::{Edit, ImportRow, Imported, Listed, ShownSecret};
use jeton_store::SelfMadeLimit;
use jeton_store::write::InsertTokens;
use jeton_testkit::{Canaries, SeededEntropy};
use serde_json::{Value, json};
use std::pin::pin;

async fn listed(world: &World) -> Vec<Listed> {
    let listing = world.service.list(&world.demo().await, &EVERYTHING, whole_list()).await.unwrap().unwrap();
    pin!(listing.pages)
        .try_fold(Vec::new(), async |mut all, page| {
            all.extend(page);
            Ok(all)
        })
        .await
        .unwrap()
}

/// The secrets that a list shows in clear.
async fn shown(world: &World) -> Vec<String> {
    let clear = |listed: Listed| match listed.secret {
        ShownSecret::Clear(secret) => Some(secret.expose().to_owned()),
        ShownSecret::Masked(masked) => panic!("masked: {masked}"),
        ShownSecret::Gone => None,
    };
    listed(world).await.into_iter().filter_map(clear).collect()
}

async fn merge(world: &World, patch: Value) {
    let merged = world.service.merge_settings(&"demo".parse().unwrap(), &patch, &Cause::CLI).await.unwrap();
    assert!(matches!(merged, jeton_service::Merged::Done(_)), "{merged:?}");
}

/// Does everything that handles secrets and answers all of them.
async fn live(world: &World) -> Vec<String> {
    let mut secrets = Vec::new();
    for prefix in ["", "demo"] {
        merge(world, json!({"token_prefix": prefix})).await;
        for title in ["kept", "changed", "revoked"] {
            let issued = world.issue(grant("read").with(|token| token.spec.title = Some(label(title)))).await;
            let edit = Edit {
                description: jeton_core::Description::new("x".into()).ok(),
                enabled: Some(false),
                ..Edit::default()
            };
            if title != "kept" {
                world
                    .service
                    .update(&world.demo().await, &EVERYTHING, issued.token.id, None, &edit)
                    .await
                    .unwrap()
                    .unwrap();
            }
            if title == "revoked" {
                world.revoke(issued.token.id).await;
            }
            world.verdict(&issued.secret).await;
            secrets.push(issued.secret.expose().to_owned());
        }
    }
    let foreign = "a-foreign-secret-of-some-length-or-other";
    let row = ImportRow {
        secret: secret(foreign).into(),
        issue: grant(""),
        created_at: None,
        expires_at: None,
        enabled: true,
    };
    let taken = world.service.import(&world.demo().await, vec![row], false, &Cause::CLI).await.unwrap();
    assert!(matches!(taken[..], [Imported::Taken(_)]));
    secrets.push(foreign.to_owned());
    let other = world.create_app("other").await;
    let rotated = world
        .service
        .rotate_client_secret(&"demo".parse().unwrap(), None, &Cause::CLI)
        .await
        .unwrap()
        .unwrap()
        .1;
    let operator = world.service.create_operator("second", &Cause::CLI).await.unwrap().unwrap().token;
    let initial = &world.initial;
    for secret in [
        &other.admin_token,
        &other.client_secret,
        &rotated,
        &operator,
        &initial.operator_token,
        &initial.app.admin_token,
        &initial.app.client_secret,
    ] {
        secrets.push(secret.expose().to_owned());
    }
    secrets
}

fn assert_nowhere(world: &World, canaries: &Canaries) {
    let found = canaries.under(world.data()).unwrap();
    assert!(found.is_empty(), "{}", found.iter().map(|it| format!("\n{it}")).collect::<String>());
}

#[tokio::test]
async fn no_secret_is_in_any_file_whatever_was_done_with_it() {
    let world = World::new().await;
    let secrets = live(&world).await;
    assert_eq!(shown(&world).await.len(), 5, "the kept and the changed ones, and the foreign one");
    let canaries = Canaries::new(&secrets);
    let root: [u8; 32] = (&SeededEntropy::new(RING_SEED) as &dyn Entropy).bytes().unwrap();
    let root = Canaries::new([root]);
    let files: Vec<_> =
        std::fs::read_dir(world.data()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert!(
        files.iter().any(|name| name == "jeton.db-wal"),
        "the write-ahead log is searched too: {files:?}"
    );
    assert_nowhere(&world, &canaries);
    assert_nowhere(&world, &root);
    // The search does find what is there in clear.
    assert!(!Canaries::new([world.initial.app.client_id.as_bytes()]).under(world.data()).unwrap().is_empty());
    world.service.close().await;
    assert_nowhere(&world, &canaries);
    assert_nowhere(&world, &root);
}

#[tokio::test]
async fn what_may_be_shown_once_is_not_even_sealed() {
    let world = World::new().await;
    let first = world.issue(grant("read")).await;
    assert_eq!(shown(&world).await, [first.secret.expose()]);
    merge(&world, json!({"reveal": "once"})).await;
    let second = world.issue(grant("read")).await;
    assert_eq!(shown(&world).await, [""; 0]);
    let app = world.store.app_by_key(&"demo".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(app.data_key, None, "the key that opened them is gone");
    for id in [first.id, second.id] {
        assert_eq!(world.store.token(app.id, id).await.unwrap().unwrap().sealed, None);
    }
}

#[tokio::test]
async fn an_issue_that_began_under_a_destroyed_key_is_sealed_under_the_next_one() {
    let world = World::new().await;
    let before = world.demo().await;
    merge(&world, json!({"reveal": "once"})).await;
    merge(&world, json!({"reveal": "always"})).await;
    // It was under way while the settings changed: it began to seal with the key that is gone.
    let late = world.service.issue(&before, &EVERYTHING, grant("read")).await.unwrap().unwrap();
    let later = world.issue(grant("read")).await;
    assert_eq!(shown(&world).await, [late.secret.expose(), later.secret.expose()]);
    assert_eq!(world.verdict(&late.secret).await, jeton_core::Verdict::Allowed);
}

#[tokio::test]
async fn a_sealed_value_in_another_row_shows_nothing() {
    let world = World::new().await;
    world.create_app("other").await;
    let (one, two) = (world.issue(grant("read")).await, world.issue(grant("read")).await);
    let app = world.demo().await;
    let sealed = world.store.token(app.id, one.id).await.unwrap().unwrap().sealed;
    let mine = world.store.token(app.id, two.id).await.unwrap().unwrap().sealed;
    assert!(sealed.is_some() && sealed != mine);
    // The wrong row of the right app, and the right secret in the wrong app.
    let other = world.open("other").await;
    for (app_id, digest_of) in [(app.id, &two), (other.id, &one)] {
        let keys = jeton_service::Keys::derive(&world.ring);
        let forged = jeton_store::NewToken {
            digest: keys.digest(&secret(&format!("{}-forged", digest_of.secret.expose()))),
            digest_key_id: 1,
            older_digests: Vec::new(),
            is_foreign: true,
            sealed: sealed.clone(),
            created_at: world.service.now(),
            expires_at: None,
            disabled_by: None,
            spec: TokenSpec::new(
                jeton_core::TokenKind::Grant,
                jeton_core::Owner::Nobody,
                crate::fixture::global("read"),
            ),
        };
        let now = world.service.now();
        world
            .store
            .write(InsertTokens {
                app_id,
                tokens: vec![forged],
                self_made: SelfMadeLimit::NONE,
                per_user: None,
                sealed_under: None,
                at: now,
                by: Cause::CLI,
            })
            .await
            .unwrap();
    }
    assert_eq!(shown(&world).await, [one.secret.expose(), two.secret.expose()]);
    let listing = world.service.list(&other, &EVERYTHING, whole_list()).await.unwrap().unwrap();
    let rows: Vec<_> = pin!(listing.pages).try_concat().await.unwrap();
    assert!(rows.iter().all(|row| matches!(row.secret, ShownSecret::Gone)), "{rows:?}");
}

#[tokio::test]
async fn a_service_credential_is_never_sealed() {
    let world = World::new().await;
    let issue = grant("jeton:manage").with(|token| token.spec.kind = jeton_core::TokenKind::Service);
    let later = world.issue(issue).await;
    let app = world.demo().await;
    for id in [jeton_core::TokenId::new(1).unwrap(), later.id] {
        let stored = world.store.token(app.id, id).await.unwrap().unwrap();
        assert_eq!((stored.token.spec.kind, stored.sealed), (jeton_core::TokenKind::Service, None));
    }
    assert_eq!(shown(&world).await, [""; 0]);
}
