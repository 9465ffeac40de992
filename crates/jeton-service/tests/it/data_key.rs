//! What is sealed while another server destroys the key of an app's secrets.

use crate::fixture::{EVERYTHING, database, grant, initialise, secret, whole_list};
use futures_util::TryStreamExt;
use jeton_core::{AppKey, Cause, ManualClock, Timestamp, TokenId};
use jeton_service::{CacheLimits, ImportRow, Imported, KeyRing, OpenApp, Service, ShownSecret};
use jeton_store::write::SweepSealed;
use jeton_store::{PostgresOptions, SqliteOptions, Store, open_postgres, open_sqlite};
use jeton_testkit::{Cluster, SeededEntropy};
use serde_json::json;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinSet;

/// Longer than any test waits for anything.
const NEVER: Duration = Duration::from_secs(3_600);

/// Two services on one database, as two processes have them, neither of which hears of the other.
struct Pair {
    store: Arc<dyn Store>,
    one: Service,
    other: Service,
    _folder: TempDir,
}

async fn open(url: Option<&str>, folder: &Path) -> Arc<dyn Store> {
    match url {
        Some(url) => open_postgres(url, PostgresOptions::default()).await.unwrap(),
        None => open_sqlite(&database(folder), SqliteOptions::default()).await.unwrap(),
    }
}

impl Pair {
    async fn new(url: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(url, folder.path()).await;
        let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
        let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
        initialise(&*store, &ring, &clock, &SeededEntropy::new(2)).await.unwrap();
        let limits = CacheLimits { max_staleness: NEVER, ..CacheLimits::default() };
        let service = async |seed: u64| {
            let (clock, entropy) = (Arc::new(clock.clone()), Arc::new(SeededEntropy::new(seed)));
            let store = open(url, folder.path()).await;
            Service::open_with(store, &ring, clock, entropy, limits).await.unwrap()
        };
        let (one, other) = (service(3).await, service(4).await);
        Pair { store, one, other, _folder: folder }
    }

    /// What one service takes for the app `demo`, whatever the other does.
    async fn demo(&self) -> OpenApp {
        OpenApp::clone(&self.one.open_app(&demo()).await.unwrap().unwrap())
    }

    /// The other server decides whether secrets are shown.
    async fn reveal(&self, how: &str) {
        let merged = self.other.merge_settings(&demo(), &json!({"reveal": how}), &Cause::CLI).await.unwrap();
        assert!(matches!(merged, jeton_service::Merged::Done(_)), "{merged:?}");
    }

    async fn is_sealed(&self, app: &OpenApp, id: TokenId) -> bool {
        self.store.token(app.id, id).await.unwrap().unwrap().sealed.is_some()
    }
}

fn demo() -> AppKey {
    "demo".parse().unwrap()
}

/// Runs a case on SQLite, and on PostgreSQL where there is one.
async fn on_each_engine(case: impl AsyncFn(&Pair)) {
    case(&Pair::new(None).await).await;
    if !jeton_testkit::skips("PostgreSQL") {
        case(&Pair::new(Some(&Cluster::shared().create_database())).await).await;
    }
}

fn row(text: &str) -> ImportRow {
    ImportRow {
        secret: secret(text).into(),
        issue: grant(""),
        created_at: None,
        expires_at: None,
        enabled: true,
    }
}

#[tokio::test]
async fn nothing_is_sealed_under_a_key_that_another_server_destroyed() {
    on_each_engine(async |pair: &Pair| {
        let before = pair.demo().await;
        pair.reveal("once").await;
        let issued = pair.one.issue(&before, &EVERYTHING, grant("read")).await.unwrap().unwrap();
        assert!(!pair.is_sealed(&before, issued.token.id).await);
        let rows = vec![row("a-foreign-secret-of-some-length-or-other")];
        let taken = pair.one.import(&before, rows, false, &Cause::CLI).await.unwrap();
        let [Imported::Taken(id)] = taken[..] else { panic!("{taken:?}") };
        assert!(!pair.is_sealed(&before, id).await);
        assert_eq!(pair.store.write(SweepSealed { id: before.id, limit: 9 }).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn what_began_under_a_destroyed_key_is_sealed_under_the_next_one() {
    on_each_engine(async |pair: &Pair| {
        let before = pair.demo().await;
        pair.reveal("once").await;
        pair.reveal("always").await;
        let issued = pair.one.issue(&before, &EVERYTHING, grant("read")).await.unwrap().unwrap();
        let now = pair.other.open_app(&demo()).await.unwrap().unwrap();
        let listing = pair.other.list(&now, &EVERYTHING, whole_list()).await.unwrap().unwrap();
        let listed: Vec<_> = pin!(listing.pages).try_concat().await.unwrap();
        let [_, late] = &listed[..] else { panic!("{listed:?}") };
        let ShownSecret::Clear(shown) = &late.secret else { panic!("{late:?}") };
        assert_eq!(shown.expose(), issued.secret.expose());
    })
    .await;
}

#[tokio::test]
async fn of_many_that_create_at_the_time_none_leaves_anything_sealed() {
    on_each_engine(async |pair: &Pair| {
        let before = pair.demo().await;
        let mut creators = JoinSet::new();
        for _ in 0..6 {
            let (service, before) = (pair.one.clone(), before.clone());
            creators.spawn(async move {
                for _ in 0..15 {
                    service.issue(&before, &EVERYTHING, grant("read")).await.unwrap().unwrap();
                }
            });
        }
        for how in ["once", "always", "once"] {
            pair.reveal(how).await;
        }
        creators.join_all().await;
        assert_eq!(pair.store.write(SweepSealed { id: before.id, limit: 9 }).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn an_app_that_is_gone_is_issued_nothing_more() {
    on_each_engine(async |pair: &Pair| {
        let before = pair.demo().await;
        pair.reveal("once").await;
        assert!(pair.other.delete_app(&demo(), &Cause::CLI).await.unwrap());
        // As if its issuer had been a moment earlier: it is unknown.
        let issued = pair.one.issue(&before, &EVERYTHING, grant("read")).await.unwrap().unwrap();
        assert!(pair.store.token(before.id, issued.token.id).await.unwrap().is_none());
    })
    .await;
}
