//! Random histories: after each step, the answers of the cache are compared with those of the store alone.

mod callers;
mod changes;
mod keys;
mod uses;
mod writes;

use super::{CacheLimits, Recalled};
use crate::cache::follow::Follower;
use crate::open_app::{ForwardAuthApp, GateSettings};
use crate::verify::UNKNOWN;
use crate::{AppCredentials, KeyRing, OpenApp, Rate, Service, read_key_file, write_key_file};
use changes::CLIENTS;
use jeton_core::{
    AppKey, Authority, Cause, Demand, Digest, InactiveReason, ManualClock, Permission, Resource, Scope,
    Scopes, Secret, Timestamp, TokenId, Verdict,
};
use jeton_store::{SqliteOptions, open_sqlite};
use jeton_testkit::SeededEntropy;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use std::path::Path;
use std::sync::Arc;

const EVERYTHING: Authority = Authority::Everything(Cause::CLI);
/// Tokens in a history.
const SLOTS: usize = 3;
/// Room for one absent token and a few others, so that some are evicted.
const LIMITS: CacheLimits = CacheLimits { max_bytes: 2_500, ..DEFAULT };
const DEFAULT: CacheLimits = CacheLimits {
    max_bytes: 64 << 20,
    max_staleness: std::time::Duration::from_millis(2_000),
    poll_interval: std::time::Duration::from_millis(20),
    announced_interval: std::time::Duration::from_millis(20),
    serve_for: None,
};

/// A part of the cache that is disabled, to see that a history detects it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Without {
    Nothing,
    /// Writes leave no stamps.
    LocalStamps,
    /// Answers take their stamps after the query instead of before.
    EarlyStamps,
    /// The change log counts as read without being read.
    Reading,
    /// The age of the last reading makes no difference.
    Staleness,
    /// What becomes of those above a token makes no difference.
    Ancestors,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// The verdicts on tokens.
    Verdicts,
    /// The admission of callers.
    Callers,
}

#[derive(Clone, Debug)]
enum Step {
    /// In this process, or in another one on the same database.
    Write {
        elsewhere: bool,
        slot: usize,
        write: writes::Write,
    },
    /// A query that is in progress while other things happen.
    BeginFill {
        slot: usize,
    },
    EndFill,
    /// Reads what other processes wrote.
    Follow,
    Wait {
        millis: i64,
    },
    /// In this process, or in the other one.
    Keys {
        elsewhere: bool,
        step: keys::KeyStep,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => (prop::bool::weighted(0.3), 0..SLOTS, writes::writes())
            .prop_map(|(elsewhere, slot, write)| Step::Write { elsewhere, slot, write }),
        3 => (0..SLOTS).prop_map(|slot| Step::BeginFill { slot }),
        3 => Just(Step::EndFill),
        3 => Just(Step::Follow),
        2 => (1_i64..3_000).prop_map(|millis| Step::Wait { millis }),
        2 => (any::<bool>(), keys::steps()).prop_map(|(elsewhere, step)| Step::Keys { elsewhere, step }),
    ];
    let some = prop_oneof![
        8 => step.prop_map(|step| vec![step]),
        1 => (0..SLOTS, any::<bool>(), writes::writes()).prop_map(overtaken),
        1 => (0..SLOTS, any::<bool>(), writes::writes()).prop_map(dependent),
    ];
    prop::collection::vec(some, 1..20).prop_map(|parts| parts.concat())
}

/// A query whose answer arrives after what was asked about has changed. By chance alone, few histories have one.
fn overtaken((slot, elsewhere, write): (usize, bool, writes::Write)) -> Vec<Step> {
    vec![
        Step::Write { elsewhere: false, slot, write: writes::Write::LASTING },
        Step::BeginFill { slot },
        Step::Write { elsewhere, slot, write },
        Step::Follow,
        Step::EndFill,
    ]
}

/// A token that is kept while the one that made it changes.
fn dependent((slot, elsewhere, write): (usize, bool, writes::Write)) -> Vec<Step> {
    let parent = (slot + 1) % SLOTS;
    vec![
        Step::Write { elsewhere: false, slot: parent, write: writes::Write::LASTING },
        Step::Write { elsewhere: false, slot, write: writes::Write::Delegate },
        Step::BeginFill { slot },
        Step::EndFill,
        Step::Write { elsewhere, slot: parent, write },
        Step::Follow,
    ]
}

/// A process on the database.
struct Node {
    service: Service,
    follower: Follower,
}

impl Node {
    /// And the client credentials, if it is the first to open.
    async fn open(
        folder: &Path,
        clock: &ManualClock,
        seed: u64,
        without: Without,
    ) -> (Self, Option<(String, String)>) {
        let store = open_sqlite(&folder.join("jeton.db"), SqliteOptions::default()).await.unwrap();
        let file = folder.join("keys.json");
        if !file.exists() {
            write_key_file(&file, &KeyRing::generate(&SeededEntropy::new(1)).unwrap()).unwrap();
        }
        let ring = read_key_file(&file).unwrap();
        let entropy = Arc::new(SeededEntropy::new(seed));
        let key: AppKey = "demo".parse().unwrap();
        let initial = Service::initialise(&*store, &ring, clock, &*entropy, &key, "1".parse().unwrap()).await;
        let client = initial.unwrap().map(|initial| client(&initial.app));
        let limits = match without {
            Without::Staleness => CacheLimits { max_staleness: std::time::Duration::MAX, ..LIMITS },
            _ => LIMITS,
        };
        let clock = Arc::new(clock.clone());
        let opened = Service::open_with(store.clone(), &ring, clock, entropy, limits).await.unwrap();
        let mut service = opened.with_key_file(&file);
        // A history makes more failed attempts than are allowed in a minute.
        service.limits.failures = Rate::per_minute(1_000_000);
        let follower = service.follower();
        if without == Without::LocalStamps {
            service.store = store;
        }
        (Node { service, follower }, client)
    }

    async fn app(&self) -> Arc<OpenApp> {
        self.service.open_app(&"demo".parse().unwrap()).await.unwrap().unwrap()
    }
}

struct Token {
    id: TokenId,
    secret: String,
}

/// A query whose answer has arrived and is not cached yet.
struct Fill {
    before: super::Before,
    app: Option<Arc<OpenApp>>,
    app_id: Option<jeton_core::AppId>,
    digests: Vec<Digest>,
    stored: Option<jeton_store::StoredToken>,
}

struct World {
    here: Node,
    elsewhere: Node,
    /// Knows all keys, once there is more than one.
    judge: Option<Node>,
    clock: ManualClock,
    without: Without,
    tokens: [Option<Token>; SLOTS],
    /// Secrets of tokens that are gone, and one that never existed.
    others: Vec<String>,
    /// The app's client credentials, former ones included.
    clients: Vec<(String, String)>,
    asked: &'static [Asked],
    fill: Option<Fill>,
    /// Whether the other process wrote something that was not read here yet.
    has_unread: bool,
    issued: u64,
    folder: tempfile::TempDir,
}

impl World {
    async fn new(without: Without, asked: &'static [Asked]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
        let (mut here, client) = Node::open(folder.path(), &clock, 2, without).await;
        let (elsewhere, _) = Node::open(folder.path(), &clock, 3, Without::Nothing).await;
        here.follower.step().await.unwrap();
        World {
            here,
            elsewhere,
            judge: None,
            clock,
            without,
            tokens: [None, None, None],
            others: vec!["no token has ever had a secret like this".to_owned()],
            clients: client.into_iter().collect(),
            asked,
            fill: None,
            has_unread: false,
            issued: 0,
            folder,
        }
    }

    async fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Write { elsewhere, slot, write } => {
                self.has_unread |= elsewhere;
                self.write(elsewhere, slot, write).await;
            }
            Step::BeginFill { slot } => self.begin_fill(slot).await,
            Step::EndFill => self.end_fill(),
            Step::Wait { millis } => self.clock.advance_millis(millis),
            Step::Keys { elsewhere, step } => self.change_keys(elsewhere, step).await,
            Step::Follow if self.without == Without::Reading => {
                use jeton_core::Clock;
                self.here.service.cache.confirm(self.clock.monotonic(), None);
                self.has_unread = false;
            }
            Step::Follow => {
                self.here.follower.step().await.unwrap();
                self.has_unread = false;
            }
        }
        self.check().await
    }

    /// Answers agree with the store. Only what another process has just written may be missing here, as long
    /// as the change log was read recently enough.
    async fn check(&self) -> Result<(), TestCaseError> {
        let service = &self.here.service;
        let is_within_staleness = {
            let staleness = service.cache.freshness.staleness_millis();
            staleness.is_some_and(|millis| u128::from(millis) <= LIMITS.max_staleness.as_millis())
        };
        if self.has_unread && is_within_staleness {
            return Ok(());
        }
        for asked in self.asked {
            match asked {
                Asked::Verdicts => self.check_verdicts().await?,
                Asked::Callers => callers::check(self).await?,
            }
        }
        Ok(())
    }

    fn secrets(&self) -> impl Iterator<Item = &String> {
        self.tokens.iter().flatten().map(|token| &token.secret).chain(&self.others)
    }

    async fn check_verdicts(&self) -> Result<(), TestCaseError> {
        let (app, service) = ("demo".parse().unwrap(), &self.here.service);
        let judge = self.judge.as_ref().map_or(service, |judge| &judge.service);
        for secret in self.secrets().map(|text| Secret::parse(text).unwrap()) {
            for demand in [Demand::Active, demand()] {
                // Twice: the second answer may come from memory.
                for from in CLIENTS.into_iter().chain(CLIENTS) {
                    let answered = service.verify(&app, &secret, &demand, from).await.unwrap();
                    let stored = judge.explain(&app, &secret, &demand, from).await.unwrap();
                    let found = match stored.verdict {
                        // Whoever asks is not told why.
                        Verdict::Inactive(InactiveReason::Suspended) => (UNKNOWN, None),
                        verdict => (verdict, stored.token.map(|token| token.id)),
                    };
                    let id = answered.cached.map(|cached| cached.token_id());
                    prop_assert_eq!((answered.verdict, id), found);
                }
            }
        }
        Ok(())
    }

    async fn begin_fill(&mut self, slot: usize) {
        let Some(token) = &self.tokens[slot] else { return };
        let (service, secret) = (&self.here.service, Secret::parse(&token.secret).unwrap());
        let before = service.cache.before();
        let app = service.store.app_by_key(&"demo".parse().unwrap()).await.unwrap();
        let app = app.map(|app| Arc::new(service.read_app(&app).unwrap()));
        let app_id = app.as_ref().map(|app| app.id);
        let stored = match app_id {
            Some(app_id) => service.stored_in(app_id, &service.presented(&secret)).await.unwrap(),
            None => None,
        };
        let digests = service.keys.load().digests(&secret).collect();
        self.fill = Some(Fill { before, app, app_id, digests, stored });
    }

    fn end_fill(&mut self) {
        let Some(Fill { before, app, app_id, digests, mut stored }) = self.fill.take() else { return };
        if self.without == Without::Ancestors {
            let above = stored.iter_mut().flat_map(|stored| &mut stored.token.ancestors);
            above.for_each(|above| above.id = TokenId::new(jeton_core::MAX_INTEGER).unwrap());
        }
        let cache = &self.here.service.cache;
        let before = if self.without == Without::EarlyStamps { cache.before() } else { before };
        let kept = app.as_ref().map_or(ForwardAuthApp::NONE, |app| {
            if app.settings.common.suspended {
                return ForwardAuthApp::SUSPENDED;
            }
            let allowed_addresses = app.settings.common.allowed_addresses.clone();
            ForwardAuthApp::new(app.id, GateSettings { allowed_addresses, ..GateSettings::default() })
        });
        cache.keep_app(before, &"demo".parse().unwrap(), kept);
        if let Some(app) = app {
            cache.keep_opened(before, Some(&app.key), &app);
        }
        if let Some(app_id) = app_id {
            let kept: Recalled = cache.keep(before, app_id, &digests, stored.as_ref());
            drop(kept);
        }
    }
}

/// Allowed by wide scopes and not by narrow ones.
fn demand() -> Demand {
    let resource = Some(Resource { id: Some("s2".to_owned()), tags: vec![] });
    Demand::Permission { permission: "read".parse().unwrap(), resource }
}

fn scopes(ids: &[&str]) -> Scopes {
    let permissions: Vec<Permission> = vec!["read".parse().unwrap(), "delegate".parse().unwrap()];
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    Scopes::new(vec![Scope { permissions, global: ids.is_empty(), ids, tags: vec![] }]).unwrap()
}

/// The app's client credentials.
fn client(credentials: &AppCredentials) -> (String, String) {
    (credentials.client_id.clone(), credentials.client_secret.expose().to_owned())
}

fn run(steps: &[Step], without: Without, asked: &'static [Asked]) -> Result<(), TestCaseError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::new(without, asked).await;
        for step in steps {
            world.step(step).await?;
        }
        Ok(())
    })
}

proptest! {
    #![proptest_config(Config { cases: 30, ..Config::default() })]

    #[test]
    fn what_is_answered_is_what_is_stored(steps in steps()) {
        run(&steps, Without::Nothing, &[Asked::Verdicts, Asked::Callers])?;
    }
}

/// These histories detect that each part of the cache is missing.
#[test]
fn what_is_taken_out_is_found_missing() {
    let parts = [
        Without::LocalStamps,
        Without::EarlyStamps,
        Without::Reading,
        Without::Staleness,
        Without::Ancestors,
    ];
    let asked: [&[Asked]; 2] = [&[Asked::Verdicts], &[Asked::Callers]];
    for (without, asked) in parts.into_iter().flat_map(|part| asked.map(|asked| (part, asked))) {
        let config =
            Config { cases: 1_000, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
        let rng = proptest::test_runner::TestRng::deterministic_rng(config.rng_algorithm);
        let found = TestRunner::new_with_rng(config, rng).run(&steps(), |steps| run(&steps, without, asked));
        assert!(found.is_err(), "no history detects that {without:?} is missing for {asked:?}");
    }
}
