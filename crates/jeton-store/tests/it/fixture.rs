//! Data for tests.

use crate::database::{BY, TestDatabase};
use jeton_core::{
    Actor, AppId, Digest, Owner, Permission, Scopes, Timestamp, Token, TokenId, TokenKind, TokenSpec, UserId,
};
use jeton_store::write::{ChangeApp, CreateApp, DeleteToken, InsertTokens, ReplaceToken, RevokeToken};
use jeton_store::{
    App, AppChange, AppCreated, Credential, Genesis, Initialised, Inserted, KeyCheck, NewApp, NewOperator,
    NewToken, OwnerFilter, SelfMadeLimit, Store, StoredToken, TokenFilter, View,
};
pub(crate) use jeton_testkit::With;

/// The instant `seconds` after an arbitrary one.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000).unwrap()
}

/// A digest that no other number has.
pub(crate) fn digest(number: u32) -> Digest {
    let mut bytes = [0x5a; Digest::LEN];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Digest::from_bytes(&bytes).unwrap()
}

pub(crate) fn user(text: &str) -> UserId {
    text.parse().unwrap()
}

pub(crate) fn global(names: &str) -> Scopes {
    Scopes::from_global(Permission::parse_list(names).unwrap()).unwrap()
}

/// A plain grant without an owner.
pub(crate) fn new_token(number: u32) -> NewToken {
    NewToken {
        digest: digest(number),
        digest_key_id: 1,
        older_digests: Vec::new(),
        is_foreign: false,
        sealed: Some(number.to_be_bytes().to_vec()),
        created_at: at(0),
        expires_at: None,
        disabled_by: None,
        spec: TokenSpec::new(TokenKind::Grant, Owner::Nobody, global("read")),
    }
}

pub(crate) fn new_app(key: &str) -> NewApp {
    NewApp {
        key: key.parse().unwrap(),
        client_id: format!("client-of-{key}"),
        client_secret: digest(900_000),
        client_key_id: 1,
        settings: "{}".to_owned(),
        data_key: Some(vec![7; 40]),
        created_at: at(0),
    }
}

pub(crate) fn new_operator(number: u32) -> NewOperator {
    let name = format!("operator {number}");
    NewOperator { name, digest: digest(number), digest_key_id: 1, created_at: at(0) }
}

/// The first token of an app, whose digest is 999,999.
pub(crate) fn new_admin() -> NewToken {
    new_token(999_999).with(|token| token.spec.kind = TokenKind::Service)
}

/// What the tests begin with: the app `demo`, and an operator whose digest is 999,998.
pub(crate) fn genesis() -> Genesis {
    Genesis {
        key_checks: vec![
            KeyCheck { key_id: 2, check: vec![2; 16], retired_at: None },
            KeyCheck { key_id: 1, check: vec![1; 16], retired_at: None },
        ],
        app: new_app("demo"),
        admin: new_admin(),
        operator: new_operator(999_998),
        epoch: 11,
        by: BY,
    }
}

/// The filter that lets through all tokens that the dialects see.
pub(crate) fn shared(app_id: AppId) -> TokenFilter {
    TokenFilter {
        app_id,
        kinds: TokenKind::SHARED.to_vec(),
        owner: OwnerFilter::Any,
        view: View::Whole,
        unused_since: None,
    }
}

/// Initialises with the default app.
pub(crate) async fn begin(store: &dyn Store) -> App {
    match store.write(genesis()).await.unwrap() {
        Initialised::Done(app) => app,
        Initialised::Before => panic!("a new database was initialised before"),
    }
}

pub(crate) async fn create_app(store: &dyn Store, key: &str) -> App {
    match store.write(CreateApp { app: new_app(key), admin: new_admin(), by: BY }).await.unwrap() {
        AppCreated::Created(app) => app,
        AppCreated::KeyTaken => panic!("{key} is taken"),
    }
}

/// Issues the token and returns its number.
pub(crate) async fn issue(store: &dyn Store, app_id: AppId, token: NewToken) -> TokenId {
    match store.write(inserting(app_id, vec![token], at(0))).await.unwrap()[..] {
        [Inserted::Issued(id)] => id,
        ref other => panic!("not issued: {other:?}"),
    }
}

/// The one token with this digest, revoked or not.
pub(crate) async fn find(store: &dyn Store, number: u32) -> Option<StoredToken> {
    let mut found = store.find_tokens(&[digest(number)]).await.unwrap();
    assert!(found.len() < 2, "{found:?}");
    found.pop()
}

/// What `new` is as a stored token.
pub(crate) fn stored(id: TokenId, app_id: AppId, new: &NewToken) -> StoredToken {
    StoredToken {
        token: Token {
            id,
            app_id,
            created_at: new.created_at,
            updated_at: new.created_at,
            expires_at: new.expires_at,
            disabled_by: new.disabled_by.clone(),
            revoked_at: None,
            left_loopback: false,
            ancestors: Vec::new(),
            spec: new.spec.clone(),
        },
        digest: new.digest,
        credential: Credential::lasting(new.digest),
        sealed: new.sealed.clone(),
        is_foreign: new.is_foreign,
        revision: 1,
    }
}

/// A user acting by a token.
pub(crate) fn user_actor(id: &str, token: i64) -> Actor {
    Actor::User { user_id: user(id), token_id: TokenId::new(token).unwrap() }
}

/// Begins on the database's store.
pub(crate) async fn begin_on(database: &TestDatabase) -> (&dyn Store, App) {
    (&*database.store, begin(&*database.store).await)
}

/// Tokens to be inserted.
pub(crate) fn inserting(app_id: AppId, tokens: Vec<NewToken>, at: Timestamp) -> InsertTokens {
    InsertTokens {
        app_id,
        tokens,
        self_made: SelfMadeLimit::NONE,
        per_user: None,
        sealed_under: None,
        at,
        by: BY,
    }
}

/// A token that takes the place of what it was.
pub(crate) fn replacing(token: Token, expected: i64) -> ReplaceToken {
    ReplaceToken {
        token,
        expected,
        self_made: SelfMadeLimit::NONE,
        per_user: None,
        takes_away: false,
        by: BY,
    }
}

/// A token to be revoked.
pub(crate) fn revoking(app_id: AppId, id: TokenId, at: Timestamp) -> RevokeToken {
    RevokeToken { app_id, id, at, by: BY }
}

/// A token to be removed.
pub(crate) fn deleting(app_id: AppId, id: TokenId, at: Timestamp) -> DeleteToken {
    DeleteToken { app_id, id, at, by: BY }
}

/// An app to be changed.
pub(crate) fn changing(id: AppId, expected: i64, change: AppChange, at: Timestamp) -> ChangeApp {
    ChangeApp { id, expected, change, at, by: BY }
}
