//! What other processes write to PostgreSQL, and how it is heard of.

use crate::fixture::{EVERYTHING, grant, initialise};
use jeton_core::{Demand, ManualClock, Timestamp, Verdict};
use jeton_service::{CacheLimits, Error, Issued, KeyRing, OpenApp, Service};
use jeton_store::{PostgresOptions, open_postgres};
use jeton_testkit::{Cluster, SeededEntropy};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than any test waits for anything.
const NEVER: Duration = Duration::from_secs(3_600);
/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Two services on one database, as two processes have them, with clocks that stand still.
pub(crate) struct Pair {
    pub(crate) url: String,
    /// Follows what the other one writes.
    pub(crate) reader: Service,
    pub(crate) writer: Service,
}

impl Pair {
    pub(crate) async fn new(poll_interval: Duration) -> Self {
        Pair::read_through(poll_interval, str::to_owned).await
    }

    /// The same where the reader has another way to the database, which this makes of its URL.
    pub(crate) async fn read_through(poll_interval: Duration, way: impl FnOnce(&str) -> String) -> Self {
        let url = Cluster::shared().create_database();
        let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
        let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
        let limits = CacheLimits {
            poll_interval,
            announced_interval: NEVER,
            max_staleness: NEVER,
            ..CacheLimits::default()
        };
        initialise(
            &*open_postgres(&url, PostgresOptions::default()).await.unwrap(),
            &ring,
            &clock,
            &SeededEntropy::new(2),
        )
        .await
        .unwrap();
        let service = async |url: &str, seed: u64| {
            let (clock, entropy) = (Arc::new(clock.clone()), Arc::new(SeededEntropy::new(seed)));
            let store = open_postgres(url, PostgresOptions::default()).await.unwrap();
            Service::open_with(store, &ring, clock, entropy, limits).await.unwrap()
        };
        let (reader, writer) = (service(&way(&url), 3).await, service(&url, 4).await);
        Pair { url, reader, writer }
    }

    /// Runs a scenario while the reader follows.
    pub(crate) async fn follow(&self, scenario: impl Future<Output = ()>) {
        tokio::select! {
            () = self.reader.follow_changes(std::future::pending()) => unreachable!("it does not end"),
            ended = timeout(PATIENCE, scenario) => ended.unwrap(),
        }
    }

    async fn hears(&self, is_listening: bool) {
        while self.reader.cache_stats().is_listening != is_listening {
            tokio::task::yield_now().await;
        }
    }

    /// Whether the reader lets the token in, without asking the store.
    pub(crate) fn remembers(&self, token: &Issued) -> bool {
        let Some(app) = self.reader.forward_auth_app_from_memory(&"demo".parse().unwrap()) else {
            return false;
        };
        let verified = self.reader.verify_from_memory(app.app_ref(), &token.secret, &Demand::Active, None);
        verified.is_ok_and(|verified| verified.verdict == Verdict::Allowed)
    }

    /// A token that the writer has issued and the reader remembers.
    pub(crate) async fn remembered(&self) -> Issued {
        let app = self.app().await;
        let token = done(|| self.writer.issue(&app, &EVERYTHING, grant("read"))).await.unwrap();
        while !self.remembers(&token) {
            // Until it has read that the token came, it may still forget it.
            done(|| self.reader.verify(&app.key, &token.secret, &Demand::Active, None)).await;
        }
        token
    }

    /// The reader remembers a token until the writer has revoked it.
    pub(crate) async fn a_revoke_is_noticed(&self) -> Issued {
        let mut news = self.reader.watch_changes();
        let token = self.remembered().await;
        self.revoke(&token).await;
        while self.remembers(&token) {
            news.changed().await.unwrap();
        }
        token
    }

    pub(crate) async fn revoke(&self, token: &Issued) {
        let app = self.app().await;
        done(|| self.writer.revoke(&app, &EVERYTHING, token.token.id, None)).await.unwrap();
    }

    pub(crate) async fn app(&self) -> Arc<OpenApp> {
        let demo = "demo".parse().unwrap();
        done(|| self.writer.open_app(&demo)).await.unwrap()
    }

    /// Runs SQL as a superuser, whose connections are always accepted.
    fn run(&self, commands: &[&str]) -> String {
        let url = self.url.replace("jeton@", "postgres@");
        let mut psql = Cluster::shared().program("psql");
        psql.args(["--no-psqlrc", "--tuples-only", "--no-align", "--dbname", &url]);
        let output = psql.args(commands.iter().flat_map(|sql| ["--command", sql])).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// What was done at last: a pool that may make no more connections is out of them for a while.
pub(crate) async fn done<T, F: Future<Output = Result<T, Error>>>(attempt: impl Fn() -> F) -> T {
    loop {
        if let Ok(answer) = attempt().await {
            return answer;
        }
    }
}

/// There is no polling. If the announcements were the listener's own alone, each would take ten seconds to
/// come.
#[tokio::test]
async fn what_another_process_revokes_is_heard_of() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let pair = Pair::new(NEVER).await;
    pair.follow(async {
        pair.hears(true).await;
        for _ in 0..50 {
            pair.a_revoke_is_noticed().await;
        }
    })
    .await;
}

#[tokio::test]
async fn while_nothing_is_heard_the_log_is_looked_at_often() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let pair = Pair::new(Duration::from_millis(20)).await;
    pair.follow(async {
        pair.hears(true).await;
        pair.a_revoke_is_noticed().await;
        let limit = |most: i32| {
            format!("ALTER DATABASE {} CONNECTION LIMIT {most}", pair.url.rsplit('/').next().unwrap())
        };
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND query LIKE 'LISTEN%'";
        // It cannot come back, so that what is noticed is not heard of.
        assert_eq!(pair.run(&[&limit(0), cut]).trim(), "ALTER DATABASE\nt");
        pair.hears(false).await;
        for _ in 0..3 {
            pair.a_revoke_is_noticed().await;
        }
        assert!(!pair.reader.cache_stats().is_listening);
        pair.run(&[&limit(-1)]);
        pair.hears(true).await;
        pair.a_revoke_is_noticed().await;
    })
    .await;
}
