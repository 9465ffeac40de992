use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{Description, Label, Owner, Scope, Scopes, TokenKind};
use jeton_store::write::CreateApp;
use jeton_store::{NewApp, OwnerFilter, StoreError, TokenFilter};

pub(crate) async fn odd_texts_come_back(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let long = "x".repeat(4_096);
    let odd = [
        "",
        " ",
        "\u{1}\t\r\n",
        "😀 👩‍👩‍👧‍👦",
        "签名",
        "'; DROP TABLE tokens; --",
        "\\\"$1 ?1 %s",
        "\u{feff}\u{202e}\u{10ffff}",
        "e\u{301} is not é",
        &long,
    ];
    for (number, text) in (1..).zip(odd) {
        let label = Label::new(text.chars().take(255).collect()).ok();
        let new = new_token(number).with(|token| {
            token.spec.title = label.clone();
            token.spec.tags = label;
            token.spec.description = Some(Description::new(text.to_owned()).unwrap());
            token.spec.permissions_as_sent = Some(text.to_owned());
        });
        let id = issue(store, app.id, new.clone()).await;
        assert_eq!(find(store, number).await, Some(stored(id, app.id, &new)), "{text:?}");
    }
    for (number, text) in
        (100..).zip(["👩‍👩‍👧‍👦", "é", "e\u{301}", "' OR 1=1", "%", "007", "-0", "-9007199254740991"])
    {
        let new = new_token(number).with(|token| token.spec.owner = Owner::Named(user(text)));
        let id = issue(store, app.id, new).await;
        let filter = TokenFilter { owner: OwnerFilter::Named(user(text)), ..shared(app.id) };
        assert_eq!(store.count_tokens(&filter).await.unwrap(), 1, "{text}");
        assert_eq!(
            store.token(app.id, id).await.unwrap().unwrap().token.spec.owner,
            Owner::Named(user(text))
        );
    }
}

pub(crate) async fn a_nul_is_refused_and_nothing_is_written(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let log = database.changes_after(0).await;
    let with_nul = new_token(1).with(|token| token.spec.permissions_as_sent = Some("a\0b".to_owned()));
    let error = store.write(inserting(app.id, vec![new_token(2), with_nul], at(0))).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    let app_with_nul = NewApp { settings: "{\"a\":\"\0\"}".to_owned(), ..new_app("nul") };
    assert!(store.write(CreateApp { app: app_with_nul, admin: new_admin(), by: BY }).await.is_err());
    assert_eq!(store.count_tokens(&shared(app.id)).await.unwrap(), 0);
    assert_eq!(store.apps().await.unwrap().len(), 1);
    assert_eq!(database.changes_after(0).await, log);

    // Within scopes it is no character of the text that is stored, and comes back.
    let scope = Scope { ids: vec!["a\0b".to_owned()], ..Scope::default() };
    let new = new_token(3).with(|token| {
        token.spec.kind = TokenKind::Grant;
        token.spec.scopes = Scopes::new(vec![scope]).unwrap();
    });
    let id = issue(store, app.id, new.clone()).await;
    assert_eq!(find(store, 3).await, Some(stored(id, app.id, &new)));
}
