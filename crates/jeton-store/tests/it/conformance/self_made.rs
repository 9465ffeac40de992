use crate::database::{BY, TestDatabase};
use crate::fixture::*;
use jeton_core::{AppId, ChangeKind, Document, Owner, Timestamp, Token, TokenId, TokenKind};
use jeton_store::Progress;
use jeton_store::write::{DeleteApp, InsertTokens, PurgeTokens, ReplaceToken, SweepDeletedApps, SweepSealed};
use jeton_store::{Inserted, KeyCheck, NewToken, Purge, Replaced, Restore, SelfMadeLimit, Store};
use tokio::task::JoinSet;

/// Room for three bare tokens and some more.
const LIMIT: SelfMadeLimit = SelfMadeLimit { tokens: 3, bytes: 4_000 };

fn self_made(number: u32, expires_at: i64) -> NewToken {
    NewToken {
        expires_at: Some(at(expires_at)),
        ..new_token(number).with(|token| token.spec.kind = TokenKind::SelfMade)
    }
}

fn with_document(bytes: usize) -> Option<Document> {
    Some(Document::new("x".repeat(bytes)).unwrap())
}

async fn insert(store: &dyn Store, app: AppId, tokens: Vec<NewToken>, now: Timestamp) -> Vec<Inserted> {
    store
        .write(InsertTokens {
            self_made: LIMIT,
            per_user: None,
            sealed_under: None,
            app_id: app,
            tokens,
            at: now,
            by: BY,
        })
        .await
        .unwrap()
}

fn ids(answers: &[Inserted]) -> Vec<TokenId> {
    let id = |answer: &Inserted| match answer {
        Inserted::Issued(id) => Some(*id),
        Inserted::Duplicate | Inserted::NoRoom | Inserted::TooManyOfUser | Inserted::KeyGone => None,
    };
    answers.iter().filter_map(id).collect()
}

/// Asserts that what is counted is what is there.
async fn assert_counted(store: &dyn Store) {
    assert_eq!(store.check(&Progress::default()).await.unwrap().faults, Vec::<String>::new());
}

pub(crate) async fn they_stay_within_their_limits(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let tokens = (1..=5).map(|number| self_made(number, 100));
    let mut tokens: Vec<_> = tokens.collect();
    tokens.insert(4, new_token(9));
    tokens.insert(1, self_made(1, 100));
    let answers = insert(store, app.id, tokens, at(0)).await;
    // A duplicate may take up room, and no other kind does.
    assert_eq!(answers[1], Inserted::Duplicate);
    assert_eq!(ids(&answers).len(), 3, "{answers:?}");
    assert!(matches!(answers[5], Inserted::Issued(_)) && answers[6] == Inserted::NoRoom, "{answers:?}");
    let more = insert(store, app.id, vec![self_made(6, 100), self_made(7, 100)], at(0)).await;
    assert!(matches!(more[..], [Inserted::Issued(_), Inserted::NoRoom]), "{more:?}");
    // Another app has room of its own, and so have callers without a bound.
    let other = create_app(store, "other").await;
    assert_eq!(ids(&insert(store, other.id, vec![self_made(6, 100)], at(0)).await).len(), 1);
    assert_eq!(ids(&store.write(inserting(app.id, vec![self_made(8, 100)], at(0))).await.unwrap()).len(), 1);
    assert_counted(store).await;
    // Bytes are bounded too.
    let large = self_made(10, 100).with(|token| token.spec.document = with_document(3_000));
    let answers = insert(store, other.id, vec![large, self_made(11, 100)], at(0)).await;
    assert!(matches!(answers[..], [Inserted::NoRoom, Inserted::Issued(_)]), "{answers:?}");
    assert_counted(store).await;
}

pub(crate) async fn expired_ones_make_room(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let before = insert(store, app.id, (1..=3).map(|number| self_made(number, 10)).collect(), at(0)).await;
    let last = database.changes_after(0).await.last().unwrap().sequence;
    assert_eq!(insert(store, app.id, vec![self_made(4, 99)], at(9)).await, [Inserted::NoRoom]);
    assert_eq!(database.changes_after(last).await, [], "a refusal leaves no trace");
    let after = insert(store, app.id, (5..=9).map(|number| self_made(number, 99)).collect(), at(10)).await;
    assert_eq!(ids(&after).len(), 3, "{after:?}");
    for id in ids(&before) {
        assert_eq!(store.token(app.id, id).await.unwrap(), None);
    }
    let kinds: Vec<_> = database.changes_after(last).await.iter().map(|change| change.kind).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == ChangeKind::TokensPurged).count(), 1, "{kinds:?}");
    assert_eq!(kinds.len(), 4);
    assert_counted(store).await;
}

pub(crate) async fn whatever_becomes_of_them_is_counted(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let new: Vec<_> = (1..=7).map(|number| self_made(number, 10)).collect();
    let answers = store.write(inserting(app.id, new.clone(), at(0))).await.unwrap();
    let ids = ids(&answers);
    assert!(store.write(revoking(app.id, ids[0], at(1))).await.unwrap());
    assert_counted(store).await;
    assert!(store.write(deleting(app.id, ids[1], at(1))).await.unwrap());
    assert_counted(store).await;
    let token = |index: usize| stored(ids[index], app.id, &new[index]).token;
    let grant = token(2).with(|token| token.spec.kind = TokenKind::Grant);
    assert_eq!(store.write(replacing(grant, 1)).await.unwrap(), Replaced::Done);
    assert_counted(store).await;
    let larger = token(3).with(|token| {
        token.spec.document = with_document(77);
        token.spec.owner = Owner::Named(user("é"));
    });
    assert_eq!(store.write(replacing(larger, 1)).await.unwrap(), Replaced::Done);
    assert_counted(store).await;
    assert!(store.write(SweepSealed { id: app.id, limit: 2 }).await.unwrap() > 0);
    assert_counted(store).await;
    let purged = store
        .write(PurgeTokens { which: Purge::Expired, before: at(20), limit: 2, at: at(20), by: BY })
        .await
        .unwrap();
    assert_eq!(purged, 2);
    assert_counted(store).await;
    assert!(store.write(DeleteApp { id: app.id, at: at(30), by: BY }).await.unwrap());
    while store.write(SweepDeletedApps { limit: 2 }).await.unwrap() > 0 {
        assert_counted(store).await;
    }
}

pub(crate) async fn a_token_that_becomes_self_made_needs_room(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let id = issue(store, app.id, new_token(1)).await;
    insert(store, app.id, (2..=4).map(|number| self_made(number, 10)).collect(), at(0)).await;
    let token = |seconds| Token {
        updated_at: at(seconds),
        expires_at: Some(at(99)),
        ..stored(id, app.id, &new_token(1)).token.with(|token| token.spec.kind = TokenKind::SelfMade)
    };
    let replace = async |token: Token, expected| {
        let replacement =
            ReplaceToken { token, expected, self_made: LIMIT, per_user: None, takes_away: false, by: BY };
        store.write(replacement).await.unwrap()
    };
    assert_eq!(replace(token(5), 7).await, Replaced::Stale);
    assert_eq!(replace(token(5), 1).await, Replaced::NoRoom);
    assert_eq!(store.token(app.id, id).await.unwrap().unwrap().token.spec.kind, TokenKind::Grant);
    assert_eq!(replace(token(10), 1).await, Replaced::Done, "the others have expired");
    assert_counted(store).await;
    // It may not outgrow the limit, and may shrink where there is no room.
    let document = |bytes| token(11).with(|token| token.spec.document = with_document(bytes));
    assert_eq!(replace(document(3_480), 2).await, Replaced::Done);
    assert_eq!(replace(document(3_500), 3).await, Replaced::NoRoom);
    assert_eq!(replace(document(3_479), 3).await, Replaced::Done);
    assert_counted(store).await;
}

pub(crate) async fn many_writers_keep_to_the_limit(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    let other = database.reopen().await.unwrap();
    let limit = SelfMadeLimit { tokens: 50, bytes: u64::MAX };
    let mut tasks = JoinSet::new();
    for writer in 0..16_u32 {
        let store = if writer % 2 == 0 { database.store.clone() } else { other.clone() };
        tasks.spawn(async move {
            let mut taken = 0;
            for round in 0..6_u32 {
                let number = |index: u32| 1 + index + 9 * (round + 6 * writer);
                // What one round writes has expired in the next.
                let (now, ends) = (at(i64::from(round)), i64::from(round) + 1);
                let tokens = (0..9).map(|index| self_made(number(index), ends)).collect();
                let answers = store
                    .write(InsertTokens {
                        self_made: limit,
                        per_user: None,
                        sealed_under: None,
                        app_id: app.id,
                        tokens,
                        at: now,
                        by: BY,
                    })
                    .await
                    .unwrap();
                taken += ids(&answers).len();
                let mut filter = shared(app.id);
                filter.kinds = vec![TokenKind::SelfMade];
                let there = store.count_tokens(&filter).await.unwrap();
                assert!(there <= limit.tokens, "{there}");
            }
            taken
        });
    }
    let taken: usize = tasks.join_all().await.into_iter().sum();
    assert!(taken >= 50, "{taken}");
    assert_counted(store).await;
    other.close().await;
}

pub(crate) async fn a_restore_counts_anew(database: &TestDatabase) {
    let (store, app) = begin_on(database).await;
    insert(store, app.id, (1..=2).map(|number| self_made(number, 10)).collect(), at(0)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("backup.db");
    std::fs::write(&path, b"").unwrap();
    store.back_up(&path, &Progress::default()).await.unwrap();
    assert_eq!(
        jeton_store::check_backup(&path, &Progress::default()).await.unwrap().faults,
        Vec::<String>::new()
    );
    insert(store, app.id, vec![self_made(3, 10)], at(0)).await;
    let restore = Restore {
        path,
        key_checks: vec![KeyCheck { key_id: 1, check: vec![1; 16], retired_at: None }],
        epoch: 5,
        keeps_removed: true,
        at: at(1),
        progress: Progress::default(),
        by: BY,
    };
    store.write(restore).await.unwrap();
    assert_counted(store).await;
    let answers = insert(store, app.id, vec![self_made(4, 10), self_made(5, 10)], at(0)).await;
    assert!(matches!(answers[..], [Inserted::Issued(_), Inserted::NoRoom]), "{answers:?}");
}
