//! A whole database goes to either engine, however often the copy is interrupted.

use super::backup::fill;
use crate::database::{Location, TestDatabase};
use crate::fixture::*;
use jeton_core::{AppId, TokenId};
use jeton_store::Progress;
use jeton_store::write::AddUsage;
use jeton_store::{
    App, Change, CopiedTable, CopyError, CopyOptions, CopyPhase, CopyProgress, CopySource, DatabasePlace,
    LogState, OpenError, Order, Store, StoredToken, TokenPage, TokenUse, View,
};
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::sync::Notify;

/// So few that every table with some rows has several commits.
const FEW: usize = 3;

/// A row of each table that the store has written nothing into, and values that copies may trip over.
async fn add_oddities(database: &TestDatabase, app: &App, token: TokenId) {
    let (app, token) = (app.id, token);
    let bytes = |hex: &str| if database.is_postgres() { format!("'\\x{hex}'") } else { format!("x'{hex}'") };
    let (first, second) = (bytes(&"00ff5c0a".repeat(8)), bytes(&"5c2e5c4e".repeat(8)));
    database
        .execute(&format!(
            "UPDATE tokens SET description = 'a\\b\\N\t\r\n\\.\n', tags = '', title = '签\u{1f511}' WHERE id = {token};
             INSERT INTO token_digests (digest, app_id, token_id, digest_key_id, is_foreign, good_from, good_until)
             VALUES ({first}, {app}, {token}, 1, false, 1, 2),
                 ({second}, {app}, {token}, 1, true, NULL, NULL);
             INSERT INTO client_digests (app_id, digest, digest_key_id) VALUES ({app}, {first}, 1), ({app}, {second}, 2);
             INSERT INTO token_budgets (app_id, token_id, uses_left, uses_since, rates, levels, filled_at)
             VALUES ({app}, {token}, NULL, 1, '', '', 0);
             INSERT INTO idempotency_keys (operator_id, digest, request, subject_id, at)
             VALUES (1, {first}, {second}, NULL, 9223372036854775807), (1, {second}, {first}, -9223372036854775808, 7)"
        ))
        .await;
}

/// A database with everything that one can have, which nobody has open. With its change log.
async fn filled(database: &TestDatabase) -> (App, Vec<Change>) {
    let (store, app) = begin_on(database).await;
    fill(store, app.id).await;
    let token = find(store, 1).await.unwrap().token.id;
    add_oddities(database, &app, token).await;
    let log = database.changes_after(0).await;
    store.close().await;
    (app, log)
}

/// The same with few tokens.
async fn filled_a_little(database: &TestDatabase) -> App {
    let (store, app) = begin_on(database).await;
    store.write(inserting(app.id, (1..=10).map(new_token).collect(), at(2))).await.unwrap();
    let token = find(store, 1).await.unwrap().token.id;
    store.write(AddUsage { uses: vec![used(app.id, token)] }).await.unwrap();
    add_oddities(database, &app, token).await;
    store.close().await;
    app
}

fn used(app_id: AppId, token_id: TokenId) -> TokenUse {
    TokenUse { app_id, token_id, last_used_at: at(3), last_address: None, use_count: 4 }
}

/// Places of each engine that there is.
fn targets() -> Vec<Location> {
    let mut targets = vec![Location::sqlite()];
    if !jeton_testkit::skips("PostgreSQL") {
        targets.push(Location::empty_postgres());
    }
    targets
}

/// Another place of the same engine.
fn alike(location: &Location) -> Location {
    match location {
        Location::Sqlite(_) => Location::sqlite(),
        Location::Postgres(_) | Location::Pooled(..) | Location::Nodes(_) => Location::empty_postgres(),
    }
}

fn options(resumes: bool) -> CopyOptions {
    CopyOptions { resumes, source_name: "there".to_owned(), page_rows: FEW }
}

/// Copies until `watch` ends it, and finishes if it does not.
async fn copy(
    from: &TestDatabase,
    to: DatabasePlace,
    resumes: bool,
    mut watch: impl FnMut(CopyProgress) -> ControlFlow<()> + Send,
) -> Result<Vec<CopiedTable>, CopyError> {
    let source = CopySource::open(&from.place()).await?;
    let copied = source.copy_to(&to, &options(resumes), &mut watch).await?;
    let tables = copied.tables().to_vec();
    copied.finish(22).await?;
    Ok(tables)
}

fn on(_: CopyProgress) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

async fn tokens(store: &dyn Store, app_id: AppId) -> Vec<StoredToken> {
    let filter = jeton_store::TokenFilter { view: View::Whole, ..shared(app_id) };
    let page = TokenPage { order: Order::OldestFirst, after: None, skip: 0, limit: 10_000 };
    store.list_tokens(&filter, page).await.unwrap()
}

pub(crate) async fn everything_is_copied_to_either_engine(database: &TestDatabase) {
    let (app, log) = filled(database).await;
    for target in targets() {
        let mut seen = Vec::new();
        let source = CopySource::open(&database.place()).await.unwrap();
        assert_eq!(source.key_checks().len(), 2);
        let mut watch = |progress: CopyProgress| {
            seen.push(progress);
            ControlFlow::Continue(())
        };
        let copied = source.copy_to(&target.place(), &CopyOptions::default(), &mut watch).await.unwrap();
        let tables = copied.tables().to_vec();
        copied.finish(22).await.unwrap();

        let rows: Vec<_> = tables.iter().map(|table| (table.name, table.rows)).collect();
        let expected = [
            ("apps", 2),
            ("client_digests", 2),
            ("tokens", 2_001),
            ("token_digests", 2),
            ("token_usage", 1),
            ("token_budgets", 1),
            ("usage_totals", 1),
            ("operators", 2),
            ("changes", 2_007),
            ("idempotency_keys", 2),
            ("key_checks", 2),
        ];
        assert_eq!(rows, expected);
        let total: u64 = expected.iter().map(|(_, rows)| rows).sum();
        let last_of = |phase| seen.iter().rfind(|progress| progress.phase == phase).unwrap();
        for phase in [CopyPhase::Copying, CopyPhase::Verifying] {
            assert_eq!((last_of(phase).done, last_of(phase).total), (total, total));
        }

        let target = TestDatabase::new(target).await;
        let (here, there) = (database.reopen().await.unwrap(), Arc::clone(&target.store));
        assert_eq!(there.key_checks().await.unwrap(), here.key_checks().await.unwrap());
        assert_eq!(there.apps().await.unwrap(), here.apps().await.unwrap());
        let (copies, originals) = (tokens(&*there, app.id).await, tokens(&*here, app.id).await);
        assert!(copies == originals, "tokens differ");
        assert!(target.changes_after(0).await == log, "the change logs differ");
        assert_eq!(there.log_state(0).await.unwrap(), LogState { epoch: 22, has_gap: false });
        assert_eq!(there.check(&Progress::default()).await.unwrap().faults, [""; 0]);
        let next = issue(&*there, app.id, new_token(9_000)).await;
        assert!(next > originals.last().unwrap().token.id, "{next}");
        there.close().await;
        here.close().await;

        for resumes in [false, true] {
            let refused = copy(database, target.place(), resumes, on).await.unwrap_err();
            assert!(
                matches!(
                    (&refused, resumes),
                    (CopyError::NotEmpty, false) | (CopyError::NothingToResume, true)
                ),
                "{refused:?}"
            );
        }
        let again = target.reopen().await.unwrap();
        assert!(find(&*again, 9_000).await.is_some(), "a refused copy changed something");
        again.close().await;
    }
}

/// At each commit once, by a signal that is heard and by a death that is not.
pub(crate) async fn wherever_a_copy_ends_it_goes_on(database: &TestDatabase) {
    let app = filled_a_little(database).await;
    for (target, whole) in targets().into_iter().zip(targets()) {
        let expected = copy(database, whole.place(), false, on).await.unwrap();
        let (mut runs, mut done) = (0, 0);
        let tables = loop {
            let death = Notify::new();
            let dies = runs % 2 == 1;
            let watch = |progress: CopyProgress| {
                // What was there before is told first.
                if progress.phase == CopyPhase::Verifying || progress.done <= done {
                    return ControlFlow::Continue(());
                }
                done = progress.done;
                if dies {
                    death.notify_one();
                    return ControlFlow::Continue(());
                }
                ControlFlow::Break(())
            };
            let copied = tokio::select! {
                biased;
                () = death.notified() => Err(CopyError::Stopped),
                copied = copy(database, target.place(), runs > 0, watch) => copied,
            };
            runs += 1;
            match copied {
                Ok(tables) => break tables,
                Err(CopyError::Stopped) => {}
                Err(error) => panic!("run {runs}: {error:?}"),
            }
            assert!(runs < 1_000, "it does not get on");
        };
        assert!(runs > 10, "{runs}");
        assert_eq!(tables, expected);
        let (store, other) = (target.open().await.unwrap(), whole.open().await.unwrap());
        assert!(tokens(&*store, app.id).await == tokens(&*other, app.id).await, "tokens differ");
        assert_eq!(store.check(&Progress::default()).await.unwrap().faults, [""; 0]);
        store.close().await;
        other.close().await;
    }
}

/// Ends a copy that has begun.
async fn interrupt(from: &TestDatabase, to: &Location) {
    let watch = |progress: CopyProgress| match progress.done {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    };
    let stopped = copy(from, to.place(), false, watch).await;
    assert!(matches!(stopped, Err(CopyError::Stopped)), "{stopped:?}");
}

pub(crate) async fn an_unfinished_copy_is_nothing_else(database: &TestDatabase) {
    filled_a_little(database).await;
    let other = TestDatabase::new(database.another_location()).await;
    filled_a_little(&other).await;
    for target in targets() {
        interrupt(database, &target).await;
        let refused = target.open().await.unwrap_err();
        assert!(
            matches!(&refused, OpenError::Unfinished { source_name } if source_name == "there"),
            "{refused:?}"
        );
        let refused = CopySource::open(&target.place()).await.unwrap_err();
        assert!(matches!(refused, CopyError::Source(OpenError::Unfinished { .. })), "{refused:?}");
        let refused = copy(database, target.place(), false, on).await.unwrap_err();
        assert!(
            matches!(&refused, CopyError::Unfinished { source_name } if source_name == "there"),
            "{refused:?}"
        );
        let refused = copy(database, alike(&target).place(), true, on).await.unwrap_err();
        assert!(matches!(refused, CopyError::NothingToResume), "{refused:?}");
        other.execute("UPDATE genesis SET at = at + 1").await;
        let refused = copy(&other, target.place(), true, on).await.unwrap_err();
        assert!(
            matches!(&refused, CopyError::OtherSource { source_name } if source_name == "there"),
            "{refused:?}"
        );
        copy(database, target.place(), true, on).await.unwrap();
        target.open().await.unwrap().close().await;
    }
}

pub(crate) async fn a_source_that_changes_meanwhile_is_noticed(database: &TestDatabase) {
    let app = filled_a_little(database).await;
    let token = {
        let store = database.reopen().await.unwrap();
        let token = find(&*store, 1).await.unwrap().token.id;
        store.close().await;
        token
    };
    for (target, number) in targets().into_iter().zip(100..) {
        // A use is in no log.
        interrupt(database, &target).await;
        let store = database.reopen().await.unwrap();
        store.write(AddUsage { uses: vec![used(app.id, token)] }).await.unwrap();
        store.close().await;
        let refused = copy(database, target.place(), true, on).await.unwrap_err();
        assert!(matches!(refused, CopyError::Changed), "{refused:?}");

        let target = alike(&target);
        interrupt(database, &target).await;
        let store = database.reopen().await.unwrap();
        issue(&*store, app.id, new_token(number)).await;
        store.close().await;
        let refused = copy(database, target.place(), true, on).await.unwrap_err();
        assert!(matches!(refused, CopyError::Changed), "{refused:?}");

        // What only reading everything can tell.
        let target = alike(&target);
        interrupt(database, &target).await;
        copy_until_all_rows_are_there(database, &target).await;
        database.execute("UPDATE token_budgets SET levels = levels || ' '").await;
        target.execute("UPDATE tokens SET title = 'x' WHERE id = 1").await;
        let refused = copy(database, target.place(), true, on).await.unwrap_err();
        assert!(
            matches!(&refused, CopyError::Different(tables) if *tables == ["tokens", "token_budgets"]),
            "{refused:?}"
        );
        assert!(matches!(target.open().await, Err(OpenError::Unfinished { .. })));
    }
}

async fn copy_until_all_rows_are_there(from: &TestDatabase, to: &Location) {
    let stopped = copy(from, to.place(), true, |progress| match progress.phase {
        CopyPhase::Copying => ControlFlow::Continue(()),
        CopyPhase::Verifying => ControlFlow::Break(()),
    })
    .await;
    assert!(matches!(stopped, Err(CopyError::Stopped)), "{stopped:?}");
}

pub(crate) async fn what_cannot_be_copied_is_left_alone(database: &TestDatabase) {
    let nothing = CopySource::open(&database.another_location().place()).await.unwrap_err();
    assert!(matches!(nothing, CopyError::NoSource), "{nothing:?}");
    database.store.ping().await.unwrap();
    let empty = CopySource::open(&database.place()).await.unwrap_err();
    if database.is_postgres() {
        assert!(matches!(empty, CopyError::SourceInUse { connections: 1.. }), "{empty:?}");
    } else {
        assert!(matches!(empty, CopyError::NoSource), "{empty:?}");
    }
    filled_a_little(database).await;
    let newest = "(SELECT max(version) FROM jeton_migrations)";
    database
        .execute(&format!("UPDATE jeton_migrations SET version = version + 1 WHERE version = {newest}"))
        .await;
    let newer = CopySource::open(&database.place()).await.unwrap_err();
    assert!(matches!(newer, CopyError::Source(OpenError::Newer { .. })), "{newer:?}");
    database.execute(&format!("DELETE FROM jeton_migrations WHERE version = {newest}")).await;
    let older = CopySource::open(&database.place()).await.unwrap_err();
    assert!(matches!(older, CopyError::OlderSource { .. }), "{older:?}");
}
