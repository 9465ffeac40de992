//! A service over a new SQLite database, with a clock that stands still and randomness that repeats.

use jeton_core::{
    Authority, Cause, ChangeKind, Demand, InactiveReason, Label, Lifetime, ManualClock, Owner, Permission,
    Scopes, Secret, Timestamp, TokenId, TokenKind, TokenSpec, Verdict,
};
use jeton_service::{
    Admission, AppCredentials, InitialCredentials, Issue, Issued, KeyRing, ListRequest, OpenApp, Order,
    RequestedLifetime, Service, Surface,
};
use jeton_store::{SqliteOptions, Store, open_sqlite};
use jeton_testkit::SeededEntropy;
pub(crate) use jeton_testkit::With;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The authority of an operator.
pub(crate) const EVERYTHING: Authority = Authority::Everything(Cause::CLI);
/// The seed of the ring of root keys.
pub(crate) const RING_SEED: u64 = 1;
pub(crate) const DAY: i64 = 86_400_000;

/// The app `demo` and what serves it.
pub(crate) struct World {
    pub(crate) service: Service,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: ManualClock,
    pub(crate) ring: KeyRing,
    pub(crate) initial: InitialCredentials,
    folder: TempDir,
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open_sqlite(&database(folder.path()), SqliteOptions::default()).await.unwrap();
        let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
        let ring = KeyRing::generate(&SeededEntropy::new(RING_SEED)).unwrap();
        let entropy = Arc::new(SeededEntropy::new(2));
        let initial = initialise(&*store, &ring, &clock, &entropy).await.unwrap();
        let service = Service::open(store.clone(), &ring, Arc::new(clock.clone()), entropy).await.unwrap();
        World { service, store, clock, ring, initial, folder }
    }

    /// Where the data lies.
    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn demo(&self) -> OpenApp {
        self.open("demo").await
    }

    pub(crate) async fn open(&self, key: &str) -> OpenApp {
        let app = self.service.open_app(&key.parse().unwrap()).await.unwrap();
        OpenApp::clone(&app.unwrap())
    }

    pub(crate) async fn create_app(&self, key: &str) -> AppCredentials {
        let made = self.service.create_app(&key.parse().unwrap(), "1".parse().unwrap(), &Cause::CLI).await;
        made.unwrap().unwrap().1
    }

    /// Issues in `demo`.
    pub(crate) async fn issue(&self, issue: Issue) -> Issued {
        self.service.issue(&self.demo().await, &EVERYTHING, issue).await.unwrap().unwrap()
    }

    pub(crate) async fn revoke(&self, id: TokenId) {
        self.service.revoke(&self.demo().await, &EVERYTHING, id, None).await.unwrap().unwrap();
    }

    /// Whether the token is good in `demo`, and for what reason not.
    pub(crate) async fn verdict(&self, secret: &Secret) -> Verdict {
        self.verdict_in("demo", secret).await
    }

    pub(crate) async fn verdict_in(&self, key: &str, secret: &Secret) -> Verdict {
        let key = key.parse().unwrap();
        let explained = self.service.explain(&key, secret, &Demand::Active, None).await.unwrap();
        let verified = self.service.verify(&key, secret, &Demand::Active, None).await.unwrap();
        assert_eq!((explained.explanation.verdict, explained.verdict), (verified.verdict, verified.verdict));
        assert_eq!(explained.token.map(|token| token.id), verified.cached.as_ref().map(|s| s.token_id()));
        let is_unknown = verified.verdict == Verdict::Inactive(InactiveReason::Unknown);
        assert_eq!(verified.cached.is_none(), is_unknown, "{verified:?}");
        verified.verdict
    }

    /// Whether the bearer is let in to `demo`'s tokens.
    pub(crate) async fn is_admitted(&self, secret: &Secret) -> bool {
        let admission = self
            .service
            .admit(Surface::AppKey, Some(&"demo".parse().unwrap()), Some(secret), None)
            .await
            .unwrap();
        matches!(admission, Admission::Admitted { .. })
    }

    /// How many entries of this kind the change log has.
    pub(crate) async fn changes(&self, kind: ChangeKind) -> usize {
        let log = self.store.changes(0, 100_000).await.unwrap();
        log.iter().filter(|change| change.kind == kind).count()
    }

    /// How many tokens an app has, of all kinds.
    pub(crate) async fn count(&self, app: &OpenApp) -> u64 {
        self.service.list(app, &EVERYTHING, whole_list()).await.unwrap().unwrap().total.unwrap()
    }
}

pub(crate) fn whole_list() -> ListRequest {
    ListRequest {
        user_id: None,
        unused_since: None,
        order: Order::OldestFirst,
        after: None,
        skip: 0,
        take: None,
        is_counted: true,
    }
}

pub(crate) fn database(folder: &Path) -> PathBuf {
    folder.join("jeton.db")
}

/// Initialises with the app `demo`; `None` if that was done before.
pub(crate) async fn initialise(
    store: &dyn Store,
    ring: &KeyRing,
    clock: &ManualClock,
    entropy: &SeededEntropy,
) -> Option<InitialCredentials> {
    let (key, user) = ("demo".parse().unwrap(), "1".parse().unwrap());
    Service::initialise(store, ring, clock, entropy, &key, user).await.unwrap()
}

/// Grants these names to user 7, for good.
pub(crate) fn grant(permissions: &str) -> Issue {
    Issue {
        lifetime: RequestedLifetime::Asked(Lifetime::Unlimited),
        spec: TokenSpec::new(TokenKind::Grant, Owner::Named("7".parse().unwrap()), global(permissions)),
    }
}

pub(crate) fn identity() -> Issue {
    grant("").with(|token| token.spec.kind = TokenKind::Identity)
}

pub(crate) fn global(permissions: &str) -> Scopes {
    Scopes::from_global(Permission::parse_list(permissions).unwrap()).unwrap()
}

pub(crate) fn label(text: &str) -> Label {
    Label::new(text.to_owned()).unwrap()
}

pub(crate) fn secret(text: &str) -> Secret {
    Secret::parse(text).unwrap()
}
