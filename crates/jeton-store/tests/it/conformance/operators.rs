use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_store::write::{CreateOperator, RevokeOperator};
use jeton_store::{NewOperator, Operator, StoreError};

pub(crate) async fn an_operator_is_found_until_revoked(database: &TestDatabase) {
    let (store, _) = begin_on(database).await;
    let id = store.write(CreateOperator { operator: new_operator(1), by: BY }).await.unwrap().unwrap();
    let operator = Operator { id, name: "operator 1".to_owned(), created_at: at(0) };
    assert_eq!(store.operator_by_digest(&digest(1)).await.unwrap(), Some(operator.clone()));
    assert_eq!(store.operator_by_digest(&digest(2)).await.unwrap(), None);
    let all = store.operators().await.unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1], operator);

    assert!(store.write(RevokeOperator { id, at: at(1), by: BY }).await.unwrap());
    assert_eq!(store.operator_by_digest(&digest(1)).await.unwrap(), None);
    assert_eq!(store.operators().await.unwrap(), all[..1]);
    for operator in &all {
        let found = store.operator(operator.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(operator).filter(|operator| operator.id == all[0].id));
    }
    assert_eq!(store.operator(jeton_core::OperatorId::new(99).unwrap()).await.unwrap(), None);
    assert!(!store.write(RevokeOperator { id, at: at(2), by: BY }).await.unwrap());
    let next = store.write(CreateOperator { operator: new_operator(3), by: BY }).await.unwrap();
    assert!(next > Some(id), "numbers are not used again");
}

pub(crate) async fn two_operators_do_not_share_a_token(database: &TestDatabase) {
    let (store, _) = begin_on(database).await;
    let log = database.changes_after(0).await;
    let operator = NewOperator { name: "another".to_owned(), ..new_operator(999_998) };
    let error = store.write(CreateOperator { operator, by: BY }).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    assert_eq!(store.operators().await.unwrap().len(), 1);
    assert_eq!(database.changes_after(0).await, log);
}

/// However many are made at once, one has a name.
pub(crate) async fn no_two_operators_have_one_name(database: &TestDatabase) {
    let (store, _) = begin_on(database).await;
    let make = |number| {
        let operator = NewOperator { name: "ada".to_owned(), ..new_operator(number) };
        store.write(CreateOperator { operator, by: BY })
    };
    let made = futures_util::future::try_join_all((1..=8).map(make)).await.unwrap();
    let made: Vec<_> = made.into_iter().flatten().collect();
    let [id] = made[..] else { panic!("{made:?}") };
    assert_eq!(store.operators().await.unwrap().len(), 2);
    // It is free again once its operator is gone.
    assert!(store.write(RevokeOperator { id, at: at(1), by: BY }).await.unwrap());
    let operator = NewOperator { name: "ada".to_owned(), ..new_operator(9) };
    assert!(store.write(CreateOperator { operator, by: BY }).await.unwrap().is_some());
}
