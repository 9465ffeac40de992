//! Operators live outside apps.

use crate::fixture::World;
use jeton_core::{Cause, ChangeKind, InactiveReason, Verdict};

#[tokio::test]
async fn made_listed_and_revoked() {
    let world = World::new().await;
    let made = world.service.create_operator("second", &Cause::CLI).await.unwrap().unwrap();
    let names = async || {
        let operators = world.service.operators().await.unwrap();
        operators.into_iter().map(|operator| operator.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["first", "second"]);
    assert!(world.service.revoke_operator(made.id, &Cause::CLI).await.unwrap());
    assert!(!world.service.revoke_operator(made.id, &Cause::CLI).await.unwrap());
    assert_eq!(names().await, ["first"]);
    assert_eq!(world.changes(ChangeKind::OperatorRevoked).await, 1);
}

#[tokio::test]
async fn their_tokens_are_no_tokens_of_an_app_and_the_reverse() {
    let world = World::new().await;
    let made = world.service.create_operator("second", &Cause::CLI).await.unwrap().unwrap();
    for token in [&made.token, &world.initial.operator_token] {
        assert_eq!(world.verdict(token).await, Verdict::Inactive(InactiveReason::Unknown));
        assert!(!world.is_admitted(token).await);
    }
    let keys = jeton_service::Keys::derive(&world.ring);
    let found = async |secret| world.store.operator_by_digest(&keys.operator_digest(secret)).await.unwrap();
    assert_eq!(found(&made.token).await.unwrap().name, "second");
    assert!(found(&world.initial.app.admin_token).await.is_none());
    assert!(found(&world.initial.app.client_secret).await.is_none());
}
