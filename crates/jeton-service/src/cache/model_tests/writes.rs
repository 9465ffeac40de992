//! What histories write.

use super::changes::{self, Change, changes};
use super::{EVERYTHING, Node, SLOTS, Token, World, callers, client, scopes};
use crate::{ImportRow, Imported, Issue, Merged, OpenApp, RequestedLifetime};
use jeton_core::{Cause, Lifetime, Owner, Scopes, Secret, TokenKind, TokenSpec};
use jeton_store::Purge;
use jeton_store::write::{DeleteToken, PurgeTokens};
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
pub(super) enum Write {
    Issue {
        is_foreign: bool,
        lives_millis: Option<i64>,
    },
    Revoke,
    /// Gives another secret; the one of before is good for so long.
    Rotate {
        grace_millis: u64,
    },
    /// Makes a token from that of the next slot.
    Delegate,
    Delete,
    Change(Change),
    Settings {
        patch: usize,
    },
    RotateClientSecret,
    /// Purges dead tokens, so that their secrets can be used again.
    Purge,
    /// Imports the same secret as the last time in this slot, if it can be used again.
    ImportAgain,
    /// Deletes the app with all tokens and creates another with the same key.
    NewApp,
}

impl Write {
    /// Issues a token that does not end by itself.
    pub(super) const LASTING: Write = Write::Issue { is_foreign: false, lives_millis: None };
}

pub(super) fn writes() -> impl Strategy<Value = Write> {
    prop_oneof![
        4 => (any::<bool>(), prop::option::of(500_i64..5_000))
            .prop_map(|(is_foreign, lives_millis)| Write::Issue { is_foreign, lives_millis }),
        3 => Just(Write::Revoke),
        2 => (0_u64..3_000).prop_map(|grace_millis| Write::Rotate { grace_millis }),
        3 => Just(Write::Delegate),
        2 => Just(Write::Delete),
        12 => changes().prop_map(Write::Change),
        3 => (0..callers::PATCHES.len()).prop_map(|patch| Write::Settings { patch }),
        1 => Just(Write::RotateClientSecret),
        2 => Just(Write::Purge),
        2 => Just(Write::ImportAgain),
        1 => Just(Write::NewApp),
    ]
}

impl World {
    pub(super) async fn write(&mut self, elsewhere: bool, slot: usize, write: Write) {
        let node = if elsewhere { &self.elsewhere } else { &self.here };
        let app = node.app().await;
        let id = self.tokens[slot].as_ref().map(|token| token.id);
        match (write, id) {
            (Write::Issue { is_foreign, lives_millis }, _) => {
                self.issued += 1;
                let token = match is_foreign {
                    true => import(node, &app, self.issued, lives_millis).await.unwrap(),
                    false => issue(node, &app, slot, lives_millis).await,
                };
                self.others.extend(self.tokens[slot].replace(token).map(|token| token.secret));
            }
            (Write::Settings { patch }, _) => {
                let patch = serde_json::from_str(callers::PATCHES[patch]).unwrap();
                let merged = node.service.merge_settings(&app.key, &patch, &Cause::CLI).await.unwrap();
                assert!(matches!(merged, Merged::Done(_)));
            }
            (Write::RotateClientSecret, _) => {
                let rotated = node.service.rotate_client_secret(&app.key, None, &Cause::CLI).await.unwrap();
                self.clients.extend(rotated.map(|(id, secret)| (id, secret.expose().to_owned())));
            }
            (Write::NewApp, _) => {
                assert!(node.service.delete_app(&app.key, &Cause::CLI).await.unwrap());
                let made = node.service.create_app(&app.key, "1".parse().unwrap(), &Cause::CLI).await;
                self.clients.push(client(&made.unwrap().unwrap().1));
            }
            (Write::Purge, _) => purge(node).await,
            (Write::ImportAgain, _) => {
                // A number for each slot, which no other import uses.
                let number = 1_000_000 + slot as u64;
                if let Some(token) = import(node, &app, number, Some(700)).await {
                    self.others.extend(self.tokens[slot].replace(token).map(|token| token.secret));
                }
            }
            (Write::Delegate, _) => {
                let Some(parent) = &self.tokens[(slot + 1) % SLOTS] else { return };
                if let Some(token) = changes::delegate(&node.service, &parent.secret).await {
                    self.others.extend(self.tokens[slot].replace(token).map(|token| token.secret));
                }
            }
            (_, None) => {}
            (Write::Revoke, Some(id)) => {
                // Another history may have revoked it before.
                let _ = node.service.revoke(&app, &EVERYTHING, id, None).await.unwrap();
            }
            (Write::Rotate { grace_millis }, Some(id)) => {
                let grace = Some(std::time::Duration::from_millis(grace_millis));
                let rotated = node.service.rotate(&app, &EVERYTHING, id, None, grace).await.unwrap();
                if let Ok(rotated) = rotated {
                    let token = Token { id, secret: rotated.secret.expose().to_owned() };
                    self.others.extend(self.tokens[slot].replace(token).map(|token| token.secret));
                }
            }
            (Write::Delete, Some(id)) => {
                let (app_id, at) = (app.id, node.service.now());
                node.service.store.write(DeleteToken { app_id, id, at, by: Cause::CLI }).await.unwrap();
            }
            (Write::Change(change), Some(id)) => {
                let edit = change.edit(node.service.now());
                // The token may no longer exist.
                drop(node.service.update(&app, &EVERYTHING, id, None, &edit).await.unwrap());
            }
        }
    }
}

async fn purge(node: &Node) {
    for which in [Purge::Expired, Purge::Revoked] {
        let at = node.service.now();
        let before = at.saturating_add_millis(1);
        let purge = PurgeTokens { which, before, limit: 100, at, by: Cause::CLI };
        node.service.store.write(purge).await.unwrap();
    }
}

fn draft(spec: TokenSpec, lives_millis: Option<i64>) -> Issue {
    let lifetime = lives_millis.map_or(Lifetime::Unlimited, Lifetime::Millis);
    Issue { spec, lifetime: RequestedLifetime::Asked(lifetime) }
}

fn grant() -> TokenSpec {
    TokenSpec::new(TokenKind::Grant, owner(), scopes(&[]))
}

fn owner() -> Owner {
    Owner::Named("7".parse().unwrap())
}

/// A grant or, in the last slot, an identity.
async fn issue(node: &Node, app: &OpenApp, slot: usize, lives_millis: Option<i64>) -> Token {
    let spec = match slot + 1 == SLOTS {
        true => TokenSpec::new(TokenKind::Identity, owner(), Scopes::none()),
        false => grant(),
    };
    let issue = draft(spec, lives_millis);
    let issued = node.service.issue(app, &EVERYTHING, issue).await.unwrap().unwrap();
    Token { id: issued.token.id, secret: issued.secret.expose().to_owned() }
}

/// `None`: the app has a token with this secret, or its tombstone.
async fn import(node: &Node, app: &OpenApp, number: u64, lives_millis: Option<i64>) -> Option<Token> {
    let text = format!("a secret that somebody else has made, number {number}");
    let expires_at = lives_millis.map(|millis| node.service.now().saturating_add_millis(millis));
    let (secret, issue) = (Secret::parse(&text).unwrap(), draft(grant(), lives_millis));
    let row = ImportRow { secret: secret.into(), issue, created_at: None, expires_at, enabled: true };
    match node.service.import(app, vec![row], false, &Cause::CLI).await.unwrap()[..] {
        [Imported::Taken(id)] => Some(Token { id, secret: text }),
        [Imported::Duplicate] => None,
        ref other => panic!("{other:?}"),
    }
}
