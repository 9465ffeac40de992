use crate::database::TestDatabase;
use crate::fixture::*;
use jeton_store::StoreError;

/// Where the answer says that the database is corrupt.
fn place<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> &'static str {
    match answer {
        Err(StoreError::Corrupt { place }) => place,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn tokens_that_make_no_sense_are_corrupt(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let spoilt = [
        ("kind = 'nonsense'", "tokens.kind"),
        ("digest = substr(digest, 1, 31)", "tokens.digest"),
        ("created_at = 9223372036854775807", "tokens.created_at"),
        ("updated_at = -9223372036854775807", "tokens.updated_at"),
        ("expires_at = 253402128000001", "tokens.expires_at"),
        ("disabled_by = 'root'", "tokens.disabled_by"),
        ("user_id = ''", "tokens.user_id"),
        ("user_is_stand_in = true", "tokens.user_is_stand_in"),
        ("title = title || 'x'", "tokens.title"),
        ("scopes = '{'", "tokens.scopes"),
        (r#"scopes = '[{"p":["a,b"]}]'"#, "tokens.scopes"),
    ];
    for (number, (spoil, expected)) in (1..).zip(spoilt) {
        let title = jeton_core::Label::new("t".repeat(255)).ok();
        let new = new_token(number).with(|token| token.spec.title = title);
        let id = issue(store, app.id, new).await;
        database.execute(&format!("UPDATE tokens SET {spoil} WHERE id = {id}")).await;
        assert_eq!(place(store.token(app.id, id).await), expected);
    }
    let id = issue(store, app.id, new_token(50)).await;
    database.execute(&format!("UPDATE tokens SET id = -5 WHERE id = {id}")).await;
    assert_eq!(place(store.find_tokens(&[digest(50)]).await), "tokens.id");
    assert!(store.ping().await.is_ok());
}

pub(crate) async fn other_rows_that_make_no_sense_are_corrupt(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    database.execute("UPDATE operators SET created_at = 9223372036854775807").await;
    assert_eq!(place(store.operators().await), "operators.created_at");
    database.execute("UPDATE key_checks SET key_id = key_id - 2").await;
    assert_eq!(place(store.key_checks().await), "key_checks.key_id");
    database.settle().await;
    database.execute("UPDATE changes SET actor = 'root'").await;
    assert_eq!(place(store.changes(0, 1).await), "changes.actor");
    database.execute("UPDATE changes SET actor = 'cli', address = 'localhost'").await;
    assert_eq!(place(store.changes(0, 1).await), "changes.address");
    database.execute("UPDATE changes SET kind = 'nonsense'").await;
    assert_eq!(place(store.changes(0, 1).await), "changes.kind");
    database.execute("UPDATE apps SET client_secret = NULL").await;
    assert_eq!(place(store.default_app().await), "apps.client_secret");
    database.execute("UPDATE apps SET key = ''").await;
    assert_eq!(place(store.apps().await), "apps.key");
    // What a write reads back makes it fail as a whole.
    let change = store.write(changing(app.id, 1, jeton_store::AppChange::default(), at(1))).await;
    assert_eq!(place(change), "apps.key");
}
