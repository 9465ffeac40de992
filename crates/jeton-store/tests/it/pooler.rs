//! PostgreSQL through PgBouncer, which gives each transaction another connection.

use crate::conformance;
use crate::database::{Location, TestDatabase};
use crate::fixture::*;
use jeton_store::{Hints, PostgresOptions, open_postgres};
use tokio::sync::watch;

/// Makes a test of cases that hold for every engine.
macro_rules! through_the_pooler {
    ($($module:ident { $($case:ident,)* })*) => {
        $(mod $module {
            $(#[tokio::test]
            async fn $case() {
                if !jeton_testkit::skips("PostgreSQL") {
                    super::conformance::$module::$case(&super::TestDatabase::new(super::Location::pooled()).await).await;
                }
            })*
        })*
    };
}

through_the_pooler! {
    start {
        a_new_database_knows_nothing,
        genesis_writes_everything_once,
        of_many_at_once_one_initialises,
    }
    tokens {
        a_token_comes_back_as_it_was_issued,
        a_replaced_token_comes_back_as_it_is_now,
        duplicates_are_told_one_by_one,
        thousands_go_in_at_once,
        many_are_found_at_once,
    }
    lists {
        pages_by_skip_and_by_key_are_equal,
        filters_let_through_what_they_say,
    }
    log {
        every_write_has_its_entry,
        news_are_told_once,
        foreign_digests_are_found_by_number,
    }
    self_made {
        many_writers_keep_to_the_limit,
    }
    totals {
        they_are_what_there_is_after_any_writes,
        they_are_exact_when_many_write,
    }
    backup {
        everything_comes_back_on_either_engine,
        a_backup_under_load_is_of_one_instant,
    }
    concurrency {
        what_was_acknowledged_is_there,
        of_many_replacements_one_wins,
        a_bad_write_fails_alone,
        a_caller_that_leaves_disturbs_nobody,
        another_store_sees_what_was_acknowledged,
        after_close_everything_is_unavailable,
    }
}

#[tokio::test]
async fn it_is_no_way_to_the_database_itself() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let location = Location::pooled();
    let Location::Pooled(pooler, _) = &location else { unreachable!("it is a pooled one") };
    assert!(open_postgres(pooler.url(), PostgresOptions::default()).await.is_err());
}

#[tokio::test]
async fn announcements_are_heard_beside_it() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let database = TestDatabase::new(Location::pooled()).await;
    let (store, app) = begin_on(&database).await;
    let other = database.reopen().await.unwrap();
    let hints = watch::Sender::<Hints>::default();
    let mut heard = hints.subscribe();
    let scenario = async {
        let before = heard.wait_for(|hints| hints.is_listening).await.unwrap().heard;
        issue(&*other, app.id, new_token(1)).await;
        heard.wait_for(|hints| hints.heard > before).await.unwrap();
    };
    tokio::select! {
        () = store.listen(&hints) => unreachable!("it does not end"),
        () = scenario => {}
    }
    other.close().await;
}
