//! Random histories: after each step, the answers of the cache are compared with those of the store alone.

mod callers;

use super::{CacheLimits, Recalled};
use crate::cache::follow::Follower;
use crate::open_app::ForwardAuthApp;
use crate::{
    AppCredentials, Edit, ImportRow, Imported, Issue, KeyRing, Merged, OpenApp, Rate, RequestedLifetime,
    Service,
};
use jeton_core::{
    AppKey, Authority, Cause, Demand, Digest, Lifetime, ManualClock, Owner, Permission, Resource, Scope,
    Scopes, Secret, Timestamp, TokenId, TokenKind, TokenSpec,
};
use jeton_store::write::{DeleteToken, PurgeTokens};
use jeton_store::{Purge, SqliteOptions, open_sqlite};
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
        write: Write,
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
}

#[derive(Clone, Copy, Debug)]
enum Write {
    Issue {
        is_foreign: bool,
        lives_millis: Option<i64>,
    },
    Revoke,
    Delete,
    Disable,
    Enable,
    Narrow,
    Widen,
    Shorten,
    Settings {
        patch: usize,
    },
    RotateClientSecret,
    /// Purges dead tokens, so that their secrets can be used again.
    Purge,
    /// Imports the same secret as the last time in this slot, if it can be used again.
    ImportAgain,
    /// Deletes the app with all tokens and creates another with the same key.
    NewApp,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let write = prop_oneof![
        4 => (any::<bool>(), prop::option::of(500_i64..5_000))
            .prop_map(|(is_foreign, lives_millis)| Write::Issue { is_foreign, lives_millis }),
        3 => Just(Write::Revoke),
        2 => Just(Write::Delete),
        2 => Just(Write::Disable),
        2 => Just(Write::Enable),
        2 => Just(Write::Narrow),
        1 => Just(Write::Widen),
        1 => Just(Write::Shorten),
        3 => (0..callers::PATCHES.len()).prop_map(|patch| Write::Settings { patch }),
        1 => Just(Write::RotateClientSecret),
        2 => Just(Write::Purge),
        2 => Just(Write::ImportAgain),
        1 => Just(Write::NewApp),
    ];
    let step = prop_oneof![
        8 => (prop::bool::weighted(0.3), 0..SLOTS, write)
            .prop_map(|(elsewhere, slot, write)| Step::Write { elsewhere, slot, write }),
        3 => (0..SLOTS).prop_map(|slot| Step::BeginFill { slot }),
        3 => Just(Step::EndFill),
        3 => Just(Step::Follow),
        2 => (1_i64..3_000).prop_map(|millis| Step::Wait { millis }),
    ];
    prop::collection::vec(step, 1..30)
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
        let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
        let entropy = Arc::new(SeededEntropy::new(seed));
        let key: AppKey = "demo".parse().unwrap();
        let initial = Service::initialise(&*store, &ring, clock, &*entropy, &key, "1".parse().unwrap()).await;
        let client = initial.unwrap().map(|initial| client(&initial.app));
        let limits = match without {
            Without::Staleness => CacheLimits { max_staleness: std::time::Duration::MAX, ..LIMITS },
            _ => LIMITS,
        };
        let clock = Arc::new(clock.clone());
        let mut service = Service::open_with(store.clone(), &ring, clock, entropy, limits).await.unwrap();
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
    _folder: tempfile::TempDir,
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
            clock,
            without,
            tokens: [None, None, None],
            others: vec!["no token has ever had a secret like this".to_owned()],
            clients: client.into_iter().collect(),
            asked,
            fill: None,
            has_unread: false,
            issued: 0,
            _folder: folder,
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
            Step::Follow if self.without == Without::Reading => {
                use jeton_core::Clock;
                self.here.service.cache.confirm(self.clock.monotonic());
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
            let staleness = service.cache.staleness_millis();
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
        for secret in self.secrets().map(|text| Secret::parse(text).unwrap()) {
            for demand in [Demand::Active, demand()] {
                // Twice: the second answer may come from memory.
                for _ in 0..2 {
                    let answered = service.verify(&app, &secret, &demand, None).await.unwrap();
                    let stored = service.explain(&app, &secret, &demand).await.unwrap();
                    prop_assert_eq!(answered.verdict, stored.verdict);
                    let id = answered.cached.map(|cached| cached.token_id());
                    prop_assert_eq!(id, stored.token.map(|token| token.id));
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
        let digests = service.keys.digests(&secret).collect();
        self.fill = Some(Fill { before, app, app_id, digests, stored });
    }

    fn end_fill(&mut self) {
        let Some(Fill { before, app, app_id, digests, stored }) = self.fill.take() else { return };
        let cache = &self.here.service.cache;
        let before = if self.without == Without::EarlyStamps { cache.before() } else { before };
        let kept = app_id.map_or(ForwardAuthApp::NONE, |id| ForwardAuthApp::new(id, Default::default()));
        cache.keep_app(before, &"demo".parse().unwrap(), kept);
        if let Some(app) = app {
            cache.keep_opened(before, Some(&app.key), &app);
        }
        if let Some(app_id) = app_id {
            let kept: Recalled = cache.keep(before, app_id, &digests, stored.as_ref());
            drop(kept);
        }
    }

    async fn write(&mut self, elsewhere: bool, slot: usize, write: Write) {
        let node = if elsewhere { &self.elsewhere } else { &self.here };
        let app = node.app().await;
        let id = self.tokens[slot].as_ref().map(|token| token.id);
        let edit = match (write, id) {
            (Write::Issue { is_foreign, lives_millis }, _) => {
                self.issued += 1;
                let token = match is_foreign {
                    true => import(node, &app, self.issued, lives_millis).await.unwrap(),
                    false => issue(node, &app, slot, lives_millis).await,
                };
                self.others.extend(self.tokens[slot].replace(token).map(|token| token.secret));
                return;
            }
            (Write::Settings { patch }, _) => {
                let patch = serde_json::from_str(callers::PATCHES[patch]).unwrap();
                let merged = node.service.merge_settings(&app.key, &patch, &Cause::CLI).await.unwrap();
                assert!(matches!(merged, Merged::Done(_)));
                return;
            }
            (Write::RotateClientSecret, _) => {
                let rotated = node.service.rotate_client_secret(&app.key, None, &Cause::CLI).await.unwrap();
                self.clients.extend(rotated.map(|(id, secret)| (id, secret.expose().to_owned())));
                return;
            }
            (Write::NewApp, _) => {
                assert!(node.service.delete_app(&app.key, &Cause::CLI).await.unwrap());
                let made = node.service.create_app(&app.key, "1".parse().unwrap(), &Cause::CLI).await;
                self.clients.push(client(&made.unwrap().unwrap().1));
                return;
            }
            (Write::Purge, _) => {
                for which in [Purge::Expired, Purge::Revoked] {
                    let at = node.service.now();
                    let before = at.saturating_add_millis(1);
                    let purge = PurgeTokens { which, before, limit: 100, at, by: Cause::CLI };
                    node.service.store.write(purge).await.unwrap();
                }
                return;
            }
            (Write::ImportAgain, _) => {
                // A number for each slot, which no other import uses.
                let number = 1_000_000 + slot as u64;
                if let Some(token) = import(node, &app, number, Some(700)).await {
                    self.others.extend(self.tokens[slot].replace(token).map(|token| token.secret));
                }
                return;
            }
            (_, None) => return,
            (Write::Revoke, Some(id)) => {
                // Another history may have revoked it before.
                let _ = node.service.revoke(&app, &EVERYTHING, id, None).await.unwrap();
                return;
            }
            (Write::Delete, Some(id)) => {
                let (app_id, at) = (app.id, node.service.now());
                node.service.store.write(DeleteToken { app_id, id, at, by: Cause::CLI }).await.unwrap();
                return;
            }
            (Write::Disable, _) => Edit { enabled: Some(false), ..Edit::default() },
            (Write::Enable, _) => Edit { enabled: Some(true), ..Edit::default() },
            (Write::Narrow, _) => Edit { scopes: Some(scopes(&["s1"])), ..Edit::default() },
            (Write::Widen, _) => Edit { scopes: Some(scopes(&[])), ..Edit::default() },
            (Write::Shorten, _) => Edit { lifetime: Some(Lifetime::Millis(700)), ..Edit::default() },
        };
        if let Some(id) = id {
            // The token may no longer exist.
            drop(node.service.update(&app, &EVERYTHING, id, None, &edit).await.unwrap());
        }
    }
}

/// Allowed by wide scopes and not by narrow ones.
fn demand() -> Demand {
    let resource = Some(Resource { id: Some("s2".to_owned()), tags: vec![] });
    Demand::Permission { permission: "read".parse().unwrap(), resource }
}

fn scopes(ids: &[&str]) -> Scopes {
    let permissions: Vec<Permission> = vec!["read".parse().unwrap()];
    let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    Scopes::new(vec![Scope { permissions, global: ids.is_empty(), ids, tags: vec![] }]).unwrap()
}

/// The app's client credentials.
fn client(credentials: &AppCredentials) -> (String, String) {
    (credentials.client_id.clone(), credentials.client_secret.expose().to_owned())
}

fn draft(spec: TokenSpec, lives_millis: Option<i64>) -> Issue {
    let lifetime = lives_millis.map_or(Lifetime::Unlimited, Lifetime::Millis);
    Issue { spec, lifetime: RequestedLifetime::Asked(lifetime) }
}

fn grant() -> TokenSpec {
    TokenSpec::new(TokenKind::Grant, owner(), scopes(&[]))
}

fn owner() -> Owner {
    Owner::Named("7".parse().unwrap())
}

/// A grant or, in the last slot, an identity.
async fn issue(node: &Node, app: &OpenApp, slot: usize, lives_millis: Option<i64>) -> Token {
    let spec = match slot + 1 == SLOTS {
        true => TokenSpec::new(TokenKind::Identity, owner(), Scopes::none()),
        false => grant(),
    };
    let issue = draft(spec, lives_millis);
    let issued = node.service.issue(app, &EVERYTHING, issue).await.unwrap().unwrap();
    Token { id: issued.token.id, secret: issued.secret.expose().to_owned() }
}

/// `None`: the app has a token with this secret, or its tombstone.
async fn import(node: &Node, app: &OpenApp, number: u64, lives_millis: Option<i64>) -> Option<Token> {
    let text = format!("a secret that somebody else has made, number {number}");
    let expires_at = lives_millis.map(|millis| node.service.now().saturating_add_millis(millis));
    let (secret, issue) = (Secret::parse(&text).unwrap(), draft(grant(), lives_millis));
    let row = ImportRow { secret, issue, created_at: None, expires_at, enabled: true };
    match node.service.import(app, vec![row], false, &Cause::CLI).await.unwrap()[..] {
        [Imported::Taken(id)] => Some(Token { id, secret: text }),
        [Imported::Duplicate] => None,
        ref other => panic!("{other:?}"),
    }
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
    #![proptest_config(Config { cases: 40, ..Config::default() })]

    #[test]
    fn what_is_answered_is_what_is_stored(steps in steps()) {
        run(&steps, Without::Nothing, &[Asked::Verdicts, Asked::Callers])?;
    }
}

/// These histories detect that each part of the cache is missing.
#[test]
fn what_is_taken_out_is_found_missing() {
    let parts = [Without::LocalStamps, Without::EarlyStamps, Without::Reading, Without::Staleness];
    let asked: [&[Asked]; 2] = [&[Asked::Verdicts], &[Asked::Callers]];
    for (without, asked) in parts.into_iter().flat_map(|part| asked.map(|asked| (part, asked))) {
        let config =
            Config { cases: 1_000, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
        let rng = proptest::test_runner::TestRng::deterministic_rng(config.rng_algorithm);
        let found = TestRunner::new_with_rng(config, rng).run(&steps(), |steps| run(&steps, without, asked));
        assert!(found.is_err(), "no history detects that {without:?} is missing for {asked:?}");
    }
}
