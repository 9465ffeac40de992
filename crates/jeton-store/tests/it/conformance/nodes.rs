use crate::database::TestDatabase;
use crate::fixture::*;
use jeton_store::write::{ForgetNode, NoteNode};
use jeton_store::{LogRead, Node, SCHEMA_VERSION};

fn node(id: i64, seconds: i64) -> Node {
    Node {
        id,
        machine: format!("machine-{id}"),
        version: "1.2.3".to_owned(),
        schema_version: SCHEMA_VERSION,
        started_at: at(seconds),
        written_at: at(seconds),
        log_read: None,
        newest_key_id: 2,
        current_key_id: 1,
        is_listening: false,
        clock_ahead_ms: None,
    }
}

fn noting(node: &Node) -> NoteNode {
    NoteNode { node: node.clone(), forget_before: at(0) }
}

pub(crate) async fn a_server_is_as_it_noted_last(database: &TestDatabase) {
    let (store, _) = begin_on(database).await;
    assert_eq!(store.nodes().await.unwrap(), []);
    let log = database.changes_after(0).await;
    let (first, second) = (node(7, 5), node(3, 6));
    store.write(noting(&second)).await.unwrap();
    store.write(noting(&first)).await.unwrap();
    assert_eq!(store.nodes().await.unwrap(), [first.clone(), second.clone()], "in the order of their starts");
    let later = Node {
        written_at: at(15),
        log_read: Some(LogRead { to: 4, unread_ms: 12 }),
        newest_key_id: 3,
        current_key_id: 3,
        is_listening: true,
        clock_ahead_ms: Some(-1_500),
        ..first
    };
    store.write(noting(&later)).await.unwrap();
    assert_eq!(store.nodes().await.unwrap(), [later, second]);
    assert!(store.write(ForgetNode { id: 7 }).await.unwrap());
    assert!(!store.write(ForgetNode { id: 7 }).await.unwrap());
    assert_eq!(store.nodes().await.unwrap().len(), 1);
    assert_eq!(database.changes_after(0).await, log, "the change log says nothing of servers");
}

pub(crate) async fn those_that_fell_silent_are_forgotten_by_others(database: &TestDatabase) {
    let (store, _) = begin_on(database).await;
    for (id, seconds) in [(1, 10), (2, 20), (3, 30)] {
        store.write(noting(&node(id, seconds))).await.unwrap();
    }
    let ids = async || store.nodes().await.unwrap().iter().map(|node| node.id).collect::<Vec<_>>();
    store.write(NoteNode { node: node(4, 40), forget_before: at(20) }).await.unwrap();
    assert_eq!(ids().await, [2, 3, 4]);
    // Whose clock is behind does not forget itself.
    store.write(NoteNode { node: node(4, 40), forget_before: at(100) }).await.unwrap();
    assert_eq!(ids().await, [4]);
}

pub(crate) async fn the_database_server_has_a_clock_and_a_file_has_none(database: &TestDatabase) {
    let times =
        [database.store.database_time().await.unwrap(), database.store.database_time().await.unwrap()];
    match times {
        [Some(before), Some(after)] => {
            assert!(database.is_postgres());
            assert!(before > at(0) && after >= before, "{before:?} {after:?}");
        }
        times => assert_eq!((times, database.is_postgres()), ([None, None], false)),
    }
}
