//! What verification remembers, and what it costs the store.

use crate::counting::CountingStore;
use crate::fixture::{DAY, EVERYTHING, With, World, grant, initialise, secret};
use jeton_core::{
    AppKey, Cause, Clock, Demand, InactiveReason, Label, ManualClock, Secret, Timestamp, TokenKind, Verdict,
};
use jeton_service::{
    Admission, CacheLimits, Check, ClientCredentials, Edit, ImportRow, Imported, Issue, KeyRing,
    LoopBackCaller, OpenApp, Presentation, Service, Surface, VerifierAdmission, VerifierProof,
};
use jeton_store::{SqliteOptions, open_sqlite};
use jeton_testkit::SeededEntropy;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

const UNKNOWN: Verdict = Verdict::Inactive(InactiveReason::Unknown);

/// A service that follows its change log, over a store whose reads are counted.
struct Following {
    service: Service,
    store: Arc<CountingStore>,
    clock: ManualClock,
    stop: oneshot::Sender<()>,
    follows: JoinHandle<()>,
    folder: tempfile::TempDir,
}

impl Following {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = open_sqlite(&folder.path().join("jeton.db"), SqliteOptions::default()).await.unwrap();
        let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
        let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
        let entropy = Arc::new(SeededEntropy::new(2));
        initialise(&*sqlite, &ring, &clock, &entropy).await.unwrap();
        let store = Arc::new(CountingStore::new(sqlite));
        let service = Service::open(store.clone(), &ring, Arc::new(clock.clone()), entropy).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let following = service.clone();
        let follows = tokio::spawn(async move {
            following.follow_changes(async { drop(stopped.await) }).await;
        });
        let made = Following { service, store, clock, stop, follows, folder };
        made.has_followed().await;
        made
    }

    /// Waits until everything that was written by now has been read.
    async fn has_followed(&self) {
        let before = self.service.cache_stats().polls;
        // The reading that is under way may have begun before the last write.
        while self.service.cache_stats().polls < before + 2 {
            tokio::task::yield_now().await;
        }
    }

    async fn demo(&self) -> Arc<OpenApp> {
        self.service.open_app(&"demo".parse().unwrap()).await.unwrap().unwrap()
    }

    async fn issue(&self, issue: Issue) -> jeton_service::Issued {
        let app = self.demo().await;
        self.service.issue(&app, &EVERYTHING, issue).await.unwrap().unwrap()
    }

    async fn import(&self, texts: &[String]) {
        let app = self.demo().await;
        for texts in texts.chunks(500) {
            let row = |text: &String| ImportRow {
                secret: secret(text).into(),
                issue: grant("read"),
                created_at: None,
                expires_at: None,
                enabled: true,
            };
            let taken = self.service.import(&app, texts.iter().map(row).collect(), false, &Cause::CLI).await;
            assert!(taken.unwrap().iter().all(|imported| matches!(imported, Imported::Taken(_))));
        }
    }

    async fn verdict(&self, secret: &Secret) -> Verdict {
        self.service.verify(&"demo".parse().unwrap(), secret, &Demand::Active, None).await.unwrap().verdict
    }

    /// Stops following; the data is there until the folder is dropped.
    async fn end(self) -> tempfile::TempDir {
        self.stop.send(()).unwrap();
        self.follows.await.unwrap();
        self.folder
    }
}

#[tokio::test]
async fn a_known_token_is_asked_for_once() {
    let world = Following::new().await;
    let token = world.issue(grant("read")).await;
    world.has_followed().await;
    world.store.begin();
    for _ in 0..100 {
        assert_eq!(world.verdict(&token.secret).await, Verdict::Allowed);
    }
    assert_eq!(world.store.questions(), 2, "the app and the token");
    let stats = world.service.cache_stats();
    assert_eq!((stats.hits, stats.misses, stats.tokens), (99, 1, 1));
    world.end().await;
}

#[tokio::test]
async fn a_question_that_memory_cannot_answer_is_counted_once_however_it_is_asked() {
    let world = Following::new().await;
    let app = world.demo().await;
    let tokens = [world.issue(grant("read")).await, world.issue(grant("read")).await];
    let [first, second] = tokens.map(|issued| issued.secret);
    world.has_followed().await;
    // As forward-auth asks: first memory, and once there is room for it, the store.
    let active = Demand::Active;
    let missed = world.service.verify_from_memory(app.app_ref(), &first, &active, None).unwrap_err();
    assert_eq!(world.service.cache_stats().misses, 0, "nothing was asked yet");
    let verified = world.service.verify_missed(app.app_ref(), &first, missed, &active, None).await.unwrap();
    assert_eq!(verified.verdict, Verdict::Allowed);
    let stats = world.service.cache_stats();
    assert_eq!((stats.hits, stats.misses), (0, 1));
    assert_eq!(world.verdict(&second).await, Verdict::Allowed);
    let stats = world.service.cache_stats();
    assert_eq!((stats.hits, stats.misses), (0, 2));
    world.end().await;
}

#[tokio::test]
async fn what_can_be_guessed_is_good_on_loopback_alone_also_while_it_is_remembered() {
    let world = Following::new().await;
    let app = world.service.open_app(&"demo".parse().unwrap()).await.unwrap().unwrap();
    let weak = secret("easily-guessed");
    let row = ImportRow {
        secret: secret("easily-guessed").into(),
        issue: grant("read").with(|token| token.spec.kind = TokenKind::Identity),
        created_at: None,
        expires_at: None,
        enabled: true,
    };
    let row =
        ImportRow { issue: row.issue.with(|token| token.spec.scopes = jeton_core::Scopes::none()), ..row };
    let taken = world.service.import(&app, vec![row], true, &Cause::CLI).await.unwrap();
    assert!(matches!(taken[..], [Imported::Taken(_)]), "{taken:?}");
    world.has_followed().await;
    for _ in 0..2 {
        let presented = world.service.loopback_caller(&app, Some(&weak), None).await.unwrap();
        let is_somebody = |caller: &LoopBackCaller| matches!(caller, LoopBackCaller::Authenticated { .. });
        assert!(matches!(&presented, Presentation::Caller(caller) if is_somebody(caller)), "{presented:?}");
        assert_eq!(world.verdict(&weak).await, UNKNOWN);
        let admitted = world.service.admit(Surface::AppKey, Some(&app.key), Some(&weak), None).await;
        assert!(matches!(admitted.unwrap(), Admission::Unproven));
    }
    world.end().await;
}

#[tokio::test]
async fn a_verifier_is_known_until_it_is_narrowed_or_revoked() {
    let world = Following::new().await;
    let app = world.service.open_app(&"demo".parse().unwrap()).await.unwrap().unwrap();
    let verifier = || grant("jeton:verify").with(|token| token.spec.kind = TokenKind::Service);
    let (first, second) = (world.issue(verifier()).await, world.issue(verifier()).await);
    let grant = world.issue(grant("read")).await;
    world.has_followed().await;
    let admission = async |secret: &Secret| {
        let proof = VerifierProof::Bearer(crate::fixture::secret(secret.expose()));
        world.service.admit_verifier(Some(&app.key), &proof, None, 1).await.unwrap()
    };
    let admitted = VerifierAdmission::Admitted((&*app).into());
    world.store.begin();
    for _ in 0..100 {
        assert_eq!(admission(&first.secret).await, admitted);
        assert_eq!(admission(&second.secret).await, admitted);
        assert_eq!(admission(&grant.secret).await, VerifierAdmission::Powerless);
        assert_eq!(world.verdict(&first.secret).await, UNKNOWN, "no other token is affected");
    }
    assert_eq!(world.store.questions(), 4, "the app, and each token once");

    let edit = Edit { enabled: Some(false), ..Edit::default() };
    world.service.update(&app, &EVERYTHING, first.token.id, None, &edit).await.unwrap().unwrap();
    assert_eq!(admission(&first.secret).await, VerifierAdmission::Unproven);
    world.store.delete(app.id, second.token.id).await;
    world.has_followed().await;
    assert_eq!(admission(&second.secret).await, VerifierAdmission::Unproven);
    world.end().await;
}

#[tokio::test]
async fn a_batch_asks_once_for_what_is_not_in_memory() {
    let world = Following::new().await;
    let (known, new, gone) = (
        world.issue(grant("read")).await,
        world.issue(grant("write")).await,
        world.issue(grant("read")).await,
    );
    let app = world.service.open_app(&"demo".parse().unwrap()).await.unwrap().unwrap();
    world.store.delete(app.id, gone.token.id).await;
    world.has_followed().await;
    assert_eq!(world.verdict(&known.secret).await, Verdict::Allowed);
    let permission = "read".parse().unwrap();
    let demand = Demand::Permission { permission, resource: None };
    let secrets = [Some(&known), Some(&new), None, Some(&gone), Some(&new)];
    let checks = secrets.map(|issued| {
        let secret = issued.map(|issued| secret(issued.secret.expose()));
        Check { secret, demand: demand.clone(), address: None, explains: issued.is_none() }
    });
    let expected = [Verdict::Allowed, Verdict::Refused, UNKNOWN, UNKNOWN, Verdict::Refused];
    for questions in [1, 0] {
        world.store.begin();
        let answers = world.service.verify_many(&(&*app).into(), &checks).await.unwrap();
        assert_eq!(answers.iter().map(|answer| answer.verdict).collect::<Vec<_>>(), expected);
        let explained: Vec<bool> = answers.iter().map(|answer| answer.explanation.is_some()).collect();
        assert_eq!(explained, [false, false, true, false, false]);
        assert_eq!(world.store.questions(), questions);
    }
    let verdicts = &world.service.measures().verdicts;
    assert_eq!((verdicts.allowed.get(), verdicts.refused.get(), verdicts.unknown.get()), (3, 4, 4));

    // Answers to others hold here as they do for single checks.
    world.service.revoke(&app, &EVERYTHING, new.token.id, None).await.unwrap().unwrap();
    let answers = world.service.verify_many(&(&*app).into(), &checks).await.unwrap();
    assert_eq!(answers[4].verdict, Verdict::Inactive(InactiveReason::Revoked));
    world.end().await;
}

#[tokio::test]
async fn every_use_from_memory_is_counted_also_while_the_token_changes() {
    let world = Following::new().await;
    let token = world.issue(grant("read")).await;
    let app = world.service.open_app(&"demo".parse().unwrap()).await.unwrap().unwrap();
    for round in 1..=3 {
        for _ in 0..10 {
            assert_eq!(world.verdict(&token.secret).await, Verdict::Allowed);
            world.clock.advance_millis(1);
        }
        let edit = Edit { title: Some(Label::new(round.to_string()).unwrap()), ..Edit::default() };
        world.service.update(&app, &EVERYTHING, token.token.id, None, &edit).await.unwrap().unwrap();
    }
    let last = world.clock.now().saturating_add_millis(-1);
    let usage = world.service.usage_of(&app, &[token.token.id]).await.unwrap();
    let used = &usage[&token.token.id];
    assert_eq!((used.use_count, used.last_used_at), (30, last));
    let stats = world.service.usage_stats();
    assert_eq!((stats.recorded, stats.written, stats.dropped), (30, 30, 0));

    world.service.revoke(&app, &EVERYTHING, token.token.id, None).await.unwrap().unwrap();
    assert_eq!(world.verdict(&token.secret).await, Verdict::Inactive(InactiveReason::Revoked));
    assert_eq!(world.service.usage_stats().recorded, 30, "a dead token is not used");
    world.end().await;
}

#[tokio::test]
async fn an_end_of_time_needs_no_question() {
    let world = Following::new().await;
    let lifetime = jeton_service::RequestedLifetime::Asked(jeton_core::Lifetime::Millis(1_000));
    let token = world.issue(Issue { lifetime, ..grant("read") }).await;
    world.has_followed().await;
    assert_eq!(world.verdict(&token.secret).await, Verdict::Allowed);
    world.store.begin();
    world.clock.advance_millis(999);
    assert_eq!(world.verdict(&token.secret).await, Verdict::Allowed);
    world.clock.advance_millis(1);
    assert_eq!(world.verdict(&token.secret).await, Verdict::Inactive(InactiveReason::Expired));
    assert_eq!(world.store.questions(), 0);
    world.end().await;
}

#[tokio::test]
async fn what_is_not_there_is_asked_for_once_and_not_taken_for_granted_for_long() {
    let world = Following::new().await;
    let minted = world.issue(grant("").with(|token| token.spec.kind = TokenKind::Grant)).await;
    let app = world.service.open_app(&"demo".parse().unwrap()).await.unwrap().unwrap();
    world.store.delete(app.id, minted.token.id).await;
    world.has_followed().await;
    world.store.begin();
    for _ in 0..10 {
        assert_eq!(world.verdict(&minted.secret).await, UNKNOWN);
    }
    assert_eq!(world.store.questions(), 2);
    world.clock.advance_millis(10_000);
    world.has_followed().await;
    assert_eq!(world.verdict(&minted.secret).await, UNKNOWN);
    assert_eq!(world.store.questions(), 3, "the app is still known");
    world.end().await;
}

#[tokio::test]
async fn while_nobody_follows_the_log_the_store_is_asked() {
    let world = Following::new().await;
    let token = world.issue(grant("read")).await;
    assert_eq!(world.verdict(&token.secret).await, Verdict::Allowed);
    let (service, store) = (world.service.clone(), world.store.clone());
    let demo = world.demo().await;
    let _folder = world.end().await;
    store.begin();
    let app = "demo".parse().unwrap();
    for number in 1..=3 {
        assert!(service.verify_from_memory(demo.app_ref(), &token.secret, &Demand::Active, None).is_err());
        service.verify(&app, &token.secret, &Demand::Active, None).await.unwrap();
        assert_eq!(store.questions(), 2 * number);
    }
    assert_eq!(service.cache_stats().log_read, None);
}

/// Secrets of the right form that were never minted, others with one digit changed, and texts of no form at
/// all.
fn garbage(good: &str, number: u64) -> String {
    let text = format!("{:016x}", number.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (number << 7));
    match number % 3 {
        0 => text.repeat(4),
        1 => {
            let place = (number as usize / 3) % good.len();
            let digit = if &good[place..=place] == "0" { "1" } else { "0" };
            format!("{}{digit}{}", &good[..place], &good[place + 1..])
        }
        _ => format!("key-{text}{text}"),
    }
}

#[tokio::test]
async fn garbage_costs_no_question() {
    let world = Following::new().await;
    let (app, good) = (world.demo().await, world.issue(grant("read")).await);
    let foreign: Vec<String> =
        (0..2_000).map(|number| format!("made by another system, number {number:08}")).collect();
    for imports in [false, true] {
        if imports {
            world.import(&foreign).await;
        }
        world.has_followed().await;
        world.store.begin();
        for number in 0..50_000 {
            let garbage = secret(&garbage(good.secret.expose(), number));
            let verdict = world.service.verify_from_memory(app.app_ref(), &garbage, &Demand::Active, None);
            assert_eq!(verdict.map(|verified| verified.verdict).ok(), Some(UNKNOWN), "{number}");
        }
        assert_eq!(world.store.questions(), 0, "after an import: {imports}");
    }
    for text in foreign.iter().step_by(100) {
        assert_eq!(world.verdict(&secret(text)).await, Verdict::Allowed, "{text}");
    }
    assert_eq!(world.service.cache_stats().foreign_digests, 2_000);
    world.end().await;
}

#[tokio::test]
async fn a_minted_secret_with_another_prefix_is_another_secret() {
    let world = Following::new().await;
    let token = world.issue(grant("read")).await;
    let prefixed = secret(&format!("acme_{}", token.secret.expose()));
    assert_eq!(world.verdict(&prefixed).await, UNKNOWN);
    world.import(&[prefixed.expose().to_owned()]).await;
    assert_eq!(world.verdict(&prefixed).await, Verdict::Allowed, "good at once");
    world.end().await;
}

/// Another process that opens the database finds the foreign secrets that are there, and those that come.
#[tokio::test]
async fn foreign_secrets_are_learnt_from_the_store_and_from_the_log() {
    let world = World::new().await;
    let foreign = |number: u32| format!("made by another system, number {number:08}");
    let import = async |number: u32| {
        let app = world.demo().await;
        let (secret, issue) = (secret(&foreign(number)), grant("read"));
        let row =
            ImportRow { secret: secret.into(), issue, created_at: None, expires_at: None, enabled: true };
        world.service.import(&app, vec![row], false, &Cause::CLI).await.unwrap();
    };
    import(1).await;
    let database = crate::fixture::database(world.data());
    let store = open_sqlite(&database, SqliteOptions::default()).await.unwrap();
    let (clock, entropy) = (Arc::new(world.clock.clone()), Arc::new(SeededEntropy::new(9)));
    let limits = CacheLimits { poll_interval: Duration::from_millis(1), ..CacheLimits::default() };
    let other = Service::open_with(store, &world.ring, clock, entropy, limits).await.unwrap();
    let is_known = async |number: u32| {
        let verified =
            other.verify(&"demo".parse().unwrap(), &secret(&foreign(number)), &Demand::Active, None).await;
        verified.unwrap().verdict == Verdict::Allowed
    };
    let follow = other.follow_changes(std::future::pending());
    let asks = async {
        let mut news = other.watch_changes();
        news.changed().await.unwrap();
        assert!(is_known(1).await && !is_known(2).await);
        import(2).await;
        while !is_known(2).await {
            news.changed().await.unwrap();
        }
        world.clock.advance_millis(DAY);
        assert!(is_known(2).await, "when the log was not read for a day, the store is asked");
    };
    tokio::select! {
        () = follow => unreachable!("it does not end"),
        () = asks => {}
    }
}

/// What is dead may be purged, and then its secret may come again under another number.
#[tokio::test]
async fn a_secret_that_comes_again_after_a_purge_is_good() {
    let world = Following::new().await;
    let app = world.service.open_app(&"demo".parse().unwrap()).await.unwrap().unwrap();
    let text = "made by another system, number 00000001";
    let import = async |expires_at: Option<Timestamp>| {
        let (secret, issue) = (secret(text), grant("read"));
        let row = ImportRow { secret: secret.into(), issue, created_at: None, expires_at, enabled: true };
        world.service.import(&app, vec![row], false, &Cause::CLI).await.unwrap()
    };
    import(Some(world.service.now().saturating_add_millis(1_000))).await;
    world.has_followed().await;
    assert_eq!(world.verdict(&secret(text)).await, Verdict::Allowed);
    world.clock.advance_millis(1_000);
    assert_eq!(world.verdict(&secret(text)).await, Verdict::Inactive(InactiveReason::Expired));
    // As another process would: this one learns of it by the log.
    world.store.purge(world.service.now().saturating_add_millis(1)).await;
    world.has_followed().await;
    assert_eq!(world.verdict(&secret(text)).await, UNKNOWN);
    assert!(matches!(import(None).await[..], [Imported::Taken(_)]));
    assert_eq!(world.verdict(&secret(text)).await, Verdict::Allowed);
    world.end().await;
}

/// A caller that was admitted before is admitted again without a query, and so are its requests that need
/// none.
#[tokio::test]
async fn a_caller_is_asked_for_once() {
    let world = Following::new().await;
    let demo: AppKey = "demo".parse().unwrap();
    let identity = grant("").with(|token| token.spec.kind = TokenKind::Identity);
    let (caller, somebody) = (world.issue(grant("read")).await, world.issue(identity).await);
    let (client_id, client_secret) =
        world.service.rotate_client_secret(&demo, None, &Cause::CLI).await.unwrap().unwrap();
    let client = ClientCredentials { id: client_id, secret: client_secret };
    world.has_followed().await;
    for questions in [4, 0, 0] {
        world.store.begin();
        let admission =
            world.service.admit(Surface::AppKey, Some(&demo), Some(&caller.secret), None).await.unwrap();
        let Admission::Admitted { app, authority } = admission else { panic!("{admission:?}") };
        world.service.issue(&app, &authority, grant("read")).await.unwrap().unwrap();
        let (app, authority) = world
            .service
            .admit_client(Surface::Dotide, Some(&demo), Some(&client), None)
            .await
            .unwrap()
            .unwrap();
        world.service.issue(&app, &authority, grant("read")).await.unwrap().unwrap();
        let default = world.service.open_surface(Surface::LoopBack, None).await.unwrap().unwrap();
        let presented = world.service.loopback_caller(&default, Some(&somebody.secret), None).await.unwrap();
        assert!(matches!(presented, Presentation::Caller(LoopBackCaller::Authenticated { .. })));
        assert_eq!(world.store.questions(), questions, "two apps by their names, and two tokens");
    }
    let app = world.service.open_app(&demo).await.unwrap().unwrap();
    let usage = world.service.usage_of(&app, &[caller.id]).await.unwrap();
    assert_eq!(usage[&caller.id].use_count, 3, "from memory too");
    world.end().await;
}

/// Each failed authentication of an app queries the store, whether or not there is such an app: what is
/// remembered would tell by the time that the answer takes.
#[tokio::test]
async fn no_failure_of_a_client_is_answered_from_memory() {
    let world = Following::new().await;
    let (demo, nobody): (AppKey, AppKey) = ("demo".parse().unwrap(), "nobody".parse().unwrap());
    let (id, client_secret) =
        world.service.rotate_client_secret(&demo, None, &Cause::CLI).await.unwrap().unwrap();
    let admits = async |key: Option<&AppKey>, id: &str, text: &str| {
        let presented = ClientCredentials { id: id.to_owned(), secret: secret(text) };
        world.service.admit_client(Surface::Dotide, key, Some(&presented), None).await.unwrap().is_some()
    };
    world.has_followed().await;
    assert!(admits(Some(&demo), &id, client_secret.expose()).await);
    let wrong = "0".repeat(64);
    for _ in 0..3 {
        for (key, id, text) in [
            (Some(&demo), id.as_str(), wrong.as_str()),
            (Some(&demo), "nobody", client_secret.expose()),
            (Some(&nobody), &id, client_secret.expose()),
            (None, &id, client_secret.expose()),
        ] {
            world.store.begin();
            assert!(!admits(key, id, text).await);
            assert_eq!(world.store.questions(), 1, "{key:?} {id}");
        }
        world.store.begin();
        assert!(
            world.service.admit_client(Surface::Dotide, Some(&demo), None, None).await.unwrap().is_none()
        );
        assert_eq!(world.store.questions(), 1);
    }
    world.store.begin();
    assert!(admits(Some(&demo), &id, client_secret.expose()).await);
    assert_eq!(world.store.questions(), 0);
    world.end().await;
}
