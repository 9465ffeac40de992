use super::hints::{Announcer, Loss, Patience, hear};
use super::lead::{Pace, lead};
use super::open;
use super::writer::BEGIN;
use crate::QUERY_TIME;
use crate::change::Hints;
use crate::migrations::{self, Versions};
use jeton_testkit::{Cluster, FaultyProxy};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool};
use sqlx::{AssertSqlSafe, Connection, Executor, query_scalar};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// Nothing takes this long unless it hangs.
const LONG: Duration = Duration::from_secs(120);

async fn setting(connection: &mut PgConnection, name: &str) -> String {
    let sql = format!("SHOW {name}");
    query_scalar(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap()
}

#[tokio::test]
async fn statements_have_time_limits_and_commits_wait_for_the_disk() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let url = Cluster::shared().create_database();
    let lazy = format!("{url}?options=-csynchronous_commit%3Doff");
    let pool = open::pool(&lazy, QUERY_TIME, &Arc::default()).await.unwrap();
    let mut reader = pool.acquire().await.unwrap();
    assert_eq!(setting(&mut reader, "statement_timeout").await, "2s");
    assert_eq!(setting(&mut reader, "synchronous_commit").await, "on");
    assert_eq!(setting(&mut reader, "application_name").await, "jeton");
    let mut writer = pool.begin_with(BEGIN).await.unwrap();
    assert_eq!(setting(&mut writer, "statement_timeout").await, "10s");
    assert_eq!(setting(&mut writer, "lock_timeout").await, "8s");
    assert_eq!(setting(&mut writer, "transaction_isolation").await, "read committed");
    writer.rollback().await.unwrap();

    let stricter = format!("{url}?options=-csynchronous_commit%3Dremote_apply");
    let pool = open::pool(&stricter, Duration::from_millis(1500), &Arc::default()).await.unwrap();
    let mut reader = pool.acquire().await.unwrap();
    assert_eq!(setting(&mut reader, "statement_timeout").await, "1500ms");
    assert_eq!(setting(&mut reader, "synchronous_commit").await, "remote_apply");
}

fn announcer(pool: &PgPool) -> Announcer {
    let pool = pool.clone();
    Announcer::over(move || Some(pool.clone()))
}

#[tokio::test]
async fn a_process_that_hears_itself_again_and_again_goes_on_listening() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let pool = PgPool::connect_lazy(&Cluster::shared().create_database()).unwrap();
    let database = pool.connect_options();
    let (announcer, hints) = (announcer(&pool), watch::Sender::<Hints>::default());
    let patience = Patience { silence: Duration::from_millis(1), echo: LONG };
    let mut heard = hints.subscribe();
    let heard = heard.wait_for(|hints| hints.heard >= 5);
    tokio::select! {
        Err(loss) = hear(&database, &announcer, &hints, patience) => panic!("{loss}"),
        heard = heard => assert!(heard.unwrap().is_listening),
    }
}

#[tokio::test]
async fn listening_where_nothing_comes_through_is_no_listening() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let server = Cluster::shared().address();
    let url = Cluster::shared().create_database();
    let mute = FaultyProxy::to_postgres(server);
    mute.set_mute(true);
    let url = format!("{}?sslmode=disable", url.replace(&server.to_string(), &mute.address().to_string()));
    let pool = PgPool::connect_lazy(&url).unwrap();
    let database = pool.connect_options();
    let (announcer, hints) = (announcer(&pool), watch::Sender::<Hints>::default());
    let patience = Patience { silence: LONG, echo: Duration::from_millis(100) };
    let Err(loss) = hear(&database, &announcer, &hints, patience).await;
    assert!(matches!(loss, Loss::Deaf), "{loss}");
    assert_eq!(*hints.borrow(), Hints::default());
}

/// Those who use a table while a column of it is added, and somebody holds it all the time, wait for half a second at most.
#[tokio::test]
async fn a_migration_keeps_nobody_waiting() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let url = Cluster::shared().create_database();
    let connect = async || PgConnection::connect(&url).await.unwrap();
    let (mut holder, mut reader, mut migrating) = (connect().await, connect().await, connect().await);
    open::migrate(&mut migrating, migrations::POSTGRES).await.unwrap();
    holder.execute("BEGIN; SELECT count(*) FROM tokens").await.unwrap();
    let next: Versions = [migrations::POSTGRES, migrations::NEXT_POSTGRES].concat().leak();
    let migrated = tokio::spawn(async move { open::migrate(&mut migrating, next).await });
    reader.execute("SET statement_timeout = '30s'").await.unwrap();
    let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND database = \
                 (SELECT oid FROM pg_database WHERE datname = current_database())";
    // It has tried, and lets others pass: some of them behind it, before it gives up for a while.
    while query_scalar::<_, i64>(waits).fetch_one(&mut reader).await.unwrap() == 0 {}
    for _ in 0..3 {
        reader.execute("SELECT count(*) FROM tokens").await.unwrap();
    }
    assert!(!migrated.is_finished());
    holder.execute("COMMIT").await.unwrap();
    migrated.await.unwrap().unwrap();
    let columns = "SELECT count(next_note) FROM tokens";
    assert_eq!(query_scalar::<_, i64>(columns).fetch_one(&mut reader).await.unwrap(), 0);
}

/// Waits until one of them leads, and answers which.
async fn leader(leads: &mut [watch::Receiver<bool>]) -> usize {
    loop {
        for (number, leads) in leads.iter_mut().enumerate() {
            if *leads.borrow_and_update() {
                return number;
            }
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_leads_and_when_it_ends_another_does() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let database = PgConnectOptions::from_str(&Cluster::shared().create_database()).unwrap();
    let pace = Pace { leading: Duration::from_millis(1), waiting: Duration::from_millis(1) };
    let (mut tasks, mut leads) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        let (database, sender) = (database.clone(), watch::Sender::new(false));
        leads.push(sender.subscribe());
        tasks.push(tokio::spawn(async move { lead(&database, &sender, pace).await }));
    }
    for left in (1..=3).rev() {
        let first = leader(&mut leads).await;
        let leading: Vec<bool> = leads.iter().map(|leads| *leads.borrow()).collect();
        assert_eq!(leading.iter().filter(|leads| **leads).count(), 1, "{left} left: {leading:?}");
        // Its connection is closed as when its process dies.
        tasks.remove(first).abort();
        leads.remove(first);
    }
}

#[tokio::test]
async fn a_leader_without_its_connection_leads_no_more() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let url = Cluster::shared().create_database();
    let database = PgConnectOptions::from_str(&url).unwrap().application_name("the leader");
    let pace = Pace { leading: Duration::from_millis(1), waiting: LONG };
    let leads = watch::Sender::new(false);
    let mut seen = leads.subscribe();
    let watched = async {
        seen.wait_for(|leads| *leads).await.unwrap();
        let mut other = PgConnection::connect(&url).await.unwrap();
        let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'the leader'";
        assert_eq!(query_scalar::<_, i64>(end).fetch_one(&mut other).await.unwrap(), 1);
        seen.wait_for(|leads| !leads).await.unwrap();
    };
    tokio::select! {
        () = lead(&database, &leads, pace) => {}
        () = watched => {}
    }
    assert!(!*leads.borrow());
}
