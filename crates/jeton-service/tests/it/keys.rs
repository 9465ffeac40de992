//! Keys that take the place of others: at no moment is a good token refused, or a bad one allowed.

use crate::backups::back_up;
use crate::fixture::{EVERYTHING, database, grant, initialise, secret, whole_list};
use futures_util::TryStreamExt;
use jeton_core::{AppKey, Cause, Demand, InactiveReason, ManualClock, Secret, Timestamp, Verdict};
use jeton_service::Progress;
use jeton_service::{
    Admission, CacheLimits, ClientCredentials, Error, ImportRow, Imported, InitialCredentials, KeyRing,
    KeyState, Keys, KeysError, OpenApp, OperatorAdmission, Service, ShownSecret, Surface, change_key_file,
    read_key_file, write_key_file,
};
use jeton_store::write::ForgetKey;
use jeton_store::{PostgresOptions, SqliteOptions, Store, open_postgres, open_sqlite};
use jeton_testkit::{Cluster, SeededEntropy};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// Longer than any test waits for anything.
const NEVER: Duration = Duration::from_secs(3_600);
const FOREIGN: &str = "a-foreign-secret-of-some-length-or-other";
const DEAD_FOREIGN: &str = "another-foreign-secret-which-was-revoked";

/// Two services on one database, with one file of the ring or a copy each, neither of which hears of the other.
pub(crate) struct Pair {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) one: Service,
    pub(crate) other: Service,
    pub(crate) clock: ManualClock,
    pub(crate) initial: InitialCredentials,
    url: Option<String>,
    pub(crate) folder: TempDir,
}

async fn open(url: Option<&str>, folder: &Path) -> Arc<dyn Store> {
    match url {
        Some(url) => open_postgres(url, PostgresOptions::default()).await.unwrap(),
        None => open_sqlite(&database(folder), SqliteOptions::default()).await.unwrap(),
    }
}

impl Pair {
    async fn new(url: Option<String>, shares_file: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = open(url.as_deref(), folder.path()).await;
        let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
        let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
        let initial = initialise(&*store, &ring, &clock, &SeededEntropy::new(2)).await.unwrap();
        let files = [folder.path().join("keys.json"), folder.path().join("copied.json")];
        for file in &files {
            write_key_file(file, &ring).unwrap();
        }
        let of_other = if shares_file { &files[0] } else { &files[1] };
        let one = serve(url.as_deref(), folder.path(), &files[0], &clock, 3).await;
        let other = serve(url.as_deref(), folder.path(), of_other, &clock, 4).await;
        Pair { store, one, other, clock, initial, url, folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("keys.json")
    }

    pub(crate) fn ring(&self) -> KeyRing {
        read_key_file(&self.file()).unwrap()
    }

    /// A service as a restarted server has it.
    pub(crate) async fn restarted(&self, seed: u64) -> Service {
        serve(self.url.as_deref(), self.folder.path(), &self.file(), &self.clock, seed).await
    }

    pub(crate) async fn demo(&self) -> OpenApp {
        OpenApp::clone(&self.one.open_app(&demo()).await.unwrap().unwrap())
    }

    pub(crate) async fn left(&self) -> u64 {
        self.one.keys_status().await.unwrap().left
    }
}

async fn serve(url: Option<&str>, folder: &Path, file: &Path, clock: &ManualClock, seed: u64) -> Service {
    let limits = CacheLimits { max_staleness: NEVER, ..CacheLimits::default() };
    let (clock, entropy) = (Arc::new(clock.clone()), Arc::new(SeededEntropy::new(seed)));
    let ring = read_key_file(file).unwrap();
    let store = open(url, folder).await;
    Service::open_with(store, &ring, clock, entropy, limits).await.unwrap().with_key_file(file)
}

pub(crate) fn demo() -> AppKey {
    "demo".parse().unwrap()
}

fn row(text: &str) -> ImportRow {
    ImportRow {
        secret: secret(text).into(),
        issue: grant("read"),
        created_at: None,
        expires_at: None,
        enabled: true,
    }
}

/// Runs a case on SQLite, and on PostgreSQL where there is one.
pub(crate) async fn on_each_engine(shares_file: bool, case: impl AsyncFn(&Pair)) {
    case(&Pair::new(None, shares_file).await).await;
    if !jeton_testkit::skips("PostgreSQL") {
        case(&Pair::new(Some(Cluster::shared().create_database()), shares_file).await).await;
    }
}

/// Secrets that are good, and such that are not.
#[derive(Default)]
pub(crate) struct Known {
    pub(crate) good: Vec<String>,
    pub(crate) bad: Vec<String>,
}

impl Known {
    /// One of every sort.
    pub(crate) async fn made(pair: &Pair) -> Self {
        let app = pair.demo().await;
        let mut known = Known::default();
        for number in 0..3 {
            let issued = pair.one.issue(&app, &EVERYTHING, grant("read")).await.unwrap().unwrap();
            let text = issued.secret.expose().to_owned();
            if number == 2 {
                pair.one.revoke(&app, &EVERYTHING, issued.token.id, None).await.unwrap().unwrap();
                known.bad.push(text);
            } else {
                known.good.push(text);
            }
        }
        for text in [FOREIGN, DEAD_FOREIGN] {
            let taken = pair.one.import(&app, vec![row(text)], false, &Cause::CLI).await.unwrap();
            let [Imported::Taken(id)] = taken[..] else { panic!("{taken:?}") };
            if text == DEAD_FOREIGN {
                pair.one.revoke(&app, &EVERYTHING, id, None).await.unwrap().unwrap();
                known.bad.push(text.to_owned());
            } else {
                known.good.push(text.to_owned());
            }
        }
        // Well formed, and never issued: whoever knows a key can make these.
        let forged = Keys::derive(&pair.ring()).mint(&SeededEntropy::new(99), None).unwrap();
        known.bad.push(forged.expose().to_owned());
        known
    }

    pub(crate) async fn issued_by(&mut self, service: &Service) {
        let app = service.open_app(&demo()).await.unwrap().unwrap();
        let issued = service.issue(&app, &EVERYTHING, grant("read")).await.unwrap().unwrap();
        self.good.push(issued.secret.expose().to_owned());
    }

    /// What a service makes of all of them, and of who else presents something.
    pub(crate) async fn hold(&self, service: &Service, initial: &InitialCredentials, when: &str) {
        for (texts, is_good) in [(&self.good, true), (&self.bad, false)] {
            for text in texts {
                assert_eq!(is_allowed(service, &secret(text)).await, is_good, "{when}: {text}");
            }
        }
        let secret = secret(initial.app.client_secret.expose());
        let client = ClientCredentials { id: initial.app.client_id.clone(), secret };
        let admitted = service.admit_client(Surface::Dotide, Some(&demo()), Some(&client), None).await;
        assert!(admitted.unwrap().is_some(), "{when}: the client");
        let operator = service.admit_operator(Some(&initial.operator_token), None).await.unwrap();
        assert!(matches!(operator, OperatorAdmission::Admitted(_)), "{when}: {operator:?}");
        let admin = service.admit(Surface::AppKey, Some(&demo()), Some(&initial.app.admin_token), None).await;
        assert!(matches!(admin.unwrap(), Admission::Admitted { .. }), "{when}: the admin token");
    }
}

pub(crate) async fn is_allowed(service: &Service, secret: &Secret) -> bool {
    service.verify(&demo(), secret, &Demand::Active, None).await.unwrap().verdict == Verdict::Allowed
}

/// The secrets that a list shows.
async fn shown(service: &Service) -> Vec<String> {
    let app = service.open_app(&demo()).await.unwrap().unwrap();
    let listing = service.list(&app, &EVERYTHING, whole_list()).await.unwrap().unwrap();
    let listed: Vec<_> = pin!(listing.pages).try_concat().await.unwrap();
    let clear = listed.iter().filter_map(|listed| match &listed.secret {
        ShownSecret::Clear(secret) => Some(secret.expose().to_owned()),
        ShownSecret::Masked(_) | ShownSecret::Gone => None,
    });
    clear.collect()
}

#[tokio::test]
async fn everything_good_stays_good_from_one_key_to_the_next() {
    on_each_engine(true, async |pair: &Pair| {
        let (one, other, initial) = (&pair.one, &pair.other, &pair.initial);
        let mut known = Known::made(pair).await;
        let both = async |known: &Known, when: &str| {
            known.hold(one, initial, when).await;
            known.hold(other, initial, when).await;
        };
        both(&known, "before").await;
        let before = shown(one).await;

        let added = one.add_key(&Cause::CLI).await.unwrap();
        assert_eq!((added.key_id, added.was_waiting), (2, false));
        both(&known, "added").await;
        other.take_keys().await.unwrap();
        one.activate_key(2, &Cause::CLI).await.unwrap();
        known.issued_by(one).await;
        known.issued_by(other).await;
        both(&known, "activated").await;
        other.take_keys().await.unwrap();
        known.issued_by(other).await;
        both(&known, "activated everywhere").await;

        let refused = one.retire_key(1, &Cause::CLI).await.unwrap_err();
        assert!(matches!(&refused, KeysError::Needed { key_id: 1, uses } if !uses.is_empty()), "{refused}");
        assert!(matches!(one.retire_key(2, &Cause::CLI).await, Err(KeysError::Current(2))));
        assert!(matches!(one.retire_key(7, &Cause::CLI).await, Err(KeysError::Unknown(7))));
        assert!(pair.left().await > 0);
        one.rekey().await.unwrap();
        assert_eq!(pair.left().await, 0);
        both(&known, "swept").await;
        assert_eq!(shown(other).await[..before.len()], before[..]);

        assert!(one.retire_key(1, &Cause::CLI).await.unwrap(), "digests begin with it");
        known.hold(one, initial, "retired").await;
        known.hold(other, initial, "retired elsewhere").await;
        other.take_keys().await.unwrap();
        both(&known, "retired everywhere").await;
        known.hold(&pair.restarted(5).await, initial, "restarted").await;
        assert_eq!(shown(other).await[..before.len()], before[..]);
        let forged = Keys::derive(&KeyRing::generate(&SeededEntropy::new(1)).unwrap());
        let forged = forged.mint(&SeededEntropy::new(7), None).unwrap();
        assert!(!one.is_minted(&forged) && !other.is_minted(&forged));
        assert!(pair.store.check(&Progress::default()).await.unwrap().faults.is_empty());
    })
    .await;
}

#[tokio::test]
async fn what_is_left_of_a_retired_key_goes_when_nothing_begins_with_it() {
    on_each_engine(true, async |pair: &Pair| {
        let (one, initial) = (&pair.one, &pair.initial);
        let app = pair.demo().await;
        let merged = one.merge_settings(&demo(), &json!({"reveal": "once"}), &Cause::CLI).await.unwrap();
        assert!(matches!(merged, jeton_service::Merged::Done(_)));
        let mut known = Known::default();
        known.issued_by(one).await;
        one.add_key(&Cause::CLI).await.unwrap();
        one.activate_key(2, &Cause::CLI).await.unwrap();
        one.rekey().await.unwrap();
        assert!(one.retire_key(1, &Cause::CLI).await.unwrap());
        let begun = one.retire_key(1, &Cause::CLI).await.unwrap_err();
        // The token, the admin token, the client secret and the operator: none of their secrets is kept.
        assert!(matches!(begun, KeysError::Begun { key_id: 1, rows: 4 | 3 }), "{begun}");
        known.hold(one, initial, "used").await;
        one.rekey().await.unwrap();
        known.hold(one, initial, "made anew").await;
        assert!(!one.retire_key(1, &Cause::CLI).await.unwrap(), "nothing begins with it any more");
        assert_eq!(pair.ring().ids().collect::<Vec<_>>(), [2]);
        known.hold(one, initial, "gone").await;
        known.hold(&pair.restarted(6).await, initial, "restarted").await;
        pair.other.take_keys().await.unwrap();
        known.hold(&pair.other, initial, "gone everywhere").await;
        assert_eq!(one.keys_status().await.unwrap().keys.len(), 1);

        // The next key has a number of its own, and everything goes on.
        one.add_key(&Cause::CLI).await.unwrap();
        one.activate_key(3, &Cause::CLI).await.unwrap();
        known.issued_by(one).await;
        one.rekey().await.unwrap();
        assert!(one.retire_key(2, &Cause::CLI).await.unwrap());
        known.hold(one, initial, "the third key").await;
        let again = one.import(&app, vec![row(&known.good[0])], false, &Cause::CLI).await.unwrap();
        assert_eq!(again, [Imported::Duplicate]);
    })
    .await;
}

#[tokio::test]
async fn a_revoked_secret_cannot_be_issued_again_under_another_key() {
    on_each_engine(true, async |pair: &Pair| {
        Known::made(pair).await;
        let app = pair.demo().await;
        let again = async || {
            let rows = vec![row(DEAD_FOREIGN), row(FOREIGN)];
            let taken = pair.one.import(&app, rows, false, &Cause::CLI).await.unwrap();
            assert_eq!(taken, [Imported::Duplicate, Imported::Duplicate]);
        };
        pair.one.add_key(&Cause::CLI).await.unwrap();
        again().await;
        pair.one.activate_key(2, &Cause::CLI).await.unwrap();
        again().await;
        pair.one.rekey().await.unwrap();
        again().await;
        pair.one.retire_key(1, &Cause::CLI).await.unwrap();
        again().await;
    })
    .await;
}

#[tokio::test]
async fn a_command_that_was_killed_is_continued() {
    on_each_engine(true, async |pair: &Pair| {
        let (initial, by) = (&pair.initial, Cause::CLI);
        let mut known = Known::made(pair).await;
        // The file has a key of which the database knows nothing.
        change_key_file(&pair.file(), |ring| {
            Ok::<_, KeysError>(ring.with_waiting_key(2, &SeededEntropy::new(9)).unwrap())
        })
        .unwrap();
        let one = pair.restarted(5).await;
        known.hold(&one, initial, "added to the file").await;
        let added = one.add_key(&by).await.unwrap();
        assert_eq!((added.key_id, added.was_waiting), (2, true));
        let one = pair.restarted(6).await;
        known.hold(&one, initial, "waiting").await;
        one.activate_key(2, &by).await.unwrap();
        one.activate_key(2, &by).await.unwrap();
        known.issued_by(&one).await;
        one.rekey().await.unwrap();
        assert_eq!(pair.left().await, 0);
        known.hold(&pair.restarted(7).await, initial, "swept").await;
    })
    .await;
}

#[tokio::test]
async fn a_retirement_that_was_killed_is_completed() {
    on_each_engine(true, async |pair: &Pair| {
        let (initial, by) = (&pair.initial, Cause::CLI);
        let known = Known::made(pair).await;
        pair.one.add_key(&by).await.unwrap();
        pair.one.activate_key(2, &by).await.unwrap();
        pair.one.rekey().await.unwrap();
        let full = pair.ring();
        assert!(pair.one.retire_key(1, &by).await.unwrap());
        // As if the file had not been replaced.
        change_key_file(&pair.file(), |_| Ok::<_, KeysError>(full)).unwrap();
        let one = pair.restarted(5).await;
        known.hold(&one, initial, "retired in the database alone").await;
        assert_eq!(one.keys_status().await.unwrap().keys[0].state, KeyState::Retired);
        assert!(matches!(one.retire_key(1, &by).await, Err(KeysError::Begun { key_id: 1, .. })));
        assert_eq!(KeyRing::parse(&pair.ring().to_text()).unwrap().ids().collect::<Vec<_>>(), [2, 1]);
        assert!(pair.ring().to_text().contains("\"retired\""));
        known.hold(&pair.restarted(6).await, initial, "completed").await;
        assert!(pair.store.write(ForgetKey { key_id: 1 }).await.unwrap() > 0);
    })
    .await;
}

#[tokio::test]
async fn a_server_that_lacks_a_key_says_that_it_does_not_know() {
    on_each_engine(false, async |pair: &Pair| {
        let (one, other, initial) = (&pair.one, &pair.other, &pair.initial);
        let mut known = Known::made(pair).await;
        one.add_key(&Cause::CLI).await.unwrap();
        one.activate_key(2, &Cause::CLI).await.unwrap();
        known.issued_by(one).await;
        let taken = other.take_keys().await;
        assert!(matches!(taken, Err(KeysError::Ring(_))), "{taken:?}");
        assert_eq!(other.keys_in_use(), (1, 1));
        known.issued_by(other).await;
        let newest = secret(&known.good[known.good.len() - 2]);
        let unknown = other.verify(&demo(), &newest, &Demand::Active, None).await;
        assert!(matches!(unknown, Err(Error::KeyMissing)), "{unknown:?}");
        assert!(
            !other.names_no_token(&newest)
                && !other.names_no_token(&secret("garbage-of-some-length-at-least-32"))
        );
        one.rekey().await.unwrap();
        for text in &known.good {
            let verified = other.verify(&demo(), &secret(text), &Demand::Active, None).await;
            let is_wrong =
                matches!(&verified, Ok(it) if it.verdict == Verdict::Inactive(InactiveReason::Unknown));
            assert!(!is_wrong, "{text}: {verified:?}");
        }
        assert!(other.admit_operator(Some(&initial.operator_token), None).await.is_err());
        // Once it is copied, all is well.
        let copied = pair.folder.path().join("copied.json");
        std::fs::copy(pair.file(), &copied).unwrap();
        other.take_keys().await.unwrap();
        known.hold(other, initial, "copied").await;
    })
    .await;
}

#[tokio::test]
async fn nothing_is_written_with_a_key_that_was_retired_elsewhere() {
    on_each_engine(false, async |pair: &Pair| {
        let (one, other) = (&pair.one, &pair.other);
        let app = pair.demo().await;
        one.add_key(&Cause::CLI).await.unwrap();
        one.activate_key(2, &Cause::CLI).await.unwrap();
        one.rekey().await.unwrap();
        one.retire_key(1, &Cause::CLI).await.unwrap();
        assert!(other.take_keys().await.is_err());
        let refused = other.issue(&app, &EVERYTHING, grant("read")).await;
        assert!(matches!(refused, Err(Error::KeyMissing)), "{refused:?}");
        assert!(matches!(other.create_operator("x", &Cause::CLI).await, Err(Error::KeyMissing)));
    })
    .await;
}

#[tokio::test]
async fn a_waiting_key_can_be_given_up() {
    on_each_engine(true, async |pair: &Pair| {
        let one = &pair.one;
        one.add_key(&Cause::CLI).await.unwrap();
        assert!(!one.retire_key(2, &Cause::CLI).await.unwrap());
        assert_eq!(pair.ring().ids().collect::<Vec<_>>(), [1]);
        assert!(matches!(one.activate_key(2, &Cause::CLI).await, Err(KeysError::Unknown(2))));
        assert_eq!(one.add_key(&Cause::CLI).await.unwrap().key_id, 3, "no number is given twice");
        one.activate_key(3, &Cause::CLI).await.unwrap();
        assert!(matches!(one.activate_key(1, &Cause::CLI).await, Err(KeysError::Older(1))));
    })
    .await;
}

#[tokio::test]
async fn a_ring_in_no_file_is_not_changed() {
    let world = crate::fixture::World::new().await;
    for refused in [
        world.service.add_key(&Cause::CLI).await.map(|_| ()),
        world.service.activate_key(1, &Cause::CLI).await,
        world.service.retire_key(1, &Cause::CLI).await.map(|_| ()),
    ] {
        assert!(matches!(refused, Err(KeysError::NoFile)), "{refused:?}");
    }
    assert_eq!(world.service.keys_status().await.unwrap().current, 1);
}

/// Backups from before, into the same database and into a new one.
#[tokio::test]
async fn a_backup_from_before_is_restored() {
    on_each_engine(true, async |pair: &Pair| {
        let (one, initial) = (&pair.one, &pair.initial);
        let known = Known::made(pair).await;
        let revoked_operator = one.create_operator("leaves", &Cause::CLI).await.unwrap().unwrap();
        let app = pair.demo().await;
        let leaves = one.issue(&app, &EVERYTHING, grant("read")).await.unwrap().unwrap();
        let backup = pair.folder.path().join("before.backup");
        back_up(one, &backup).await;
        let old_ring = pair.ring();
        one.add_key(&Cause::CLI).await.unwrap();
        one.activate_key(2, &Cause::CLI).await.unwrap();
        one.rekey().await.unwrap();
        one.revoke(&app, &EVERYTHING, leaves.token.id, None).await.unwrap().unwrap();
        assert!(one.revoke_operator(revoked_operator.id, &Cause::CLI).await.unwrap());

        // Here the ring has both keys: what was revoked since stays revoked, and nothing else is lost.
        let restored = one.restore(&backup, true, &Cause::CLI, &Progress::default()).await.unwrap();
        assert_eq!((restored.left_out, restored.kept_revoked), (0, 1), "{restored:?}");
        let one = pair.restarted(7).await;
        known.hold(&one, initial, "restored").await;
        assert!(!is_allowed(&one, &leaves.secret).await);
        let gone = one.admit_operator(Some(&revoked_operator.token), None).await.unwrap();
        assert!(matches!(gone, OperatorAdmission::Unproven), "{gone:?}");
        assert!(!shown(&one).await.is_empty());
        one.rekey().await.unwrap();
        known.hold(&one, initial, "swept again").await;
        one.retire_key(1, &Cause::CLI).await.unwrap();
        known.hold(&one, initial, "retired").await;

        // Without the old key it says so; with the old ring it is as it was.
        assert!(one.restore(&backup, true, &Cause::CLI, &Progress::default()).await.is_err());
        let elsewhere = tempfile::tempdir().unwrap();
        let store = open_sqlite(&database(elsewhere.path()), SqliteOptions::default()).await.unwrap();
        let (clock, entropy) = (pair.clock.clone(), SeededEntropy::new(8));
        Service::restore_into(
            &*store,
            &old_ring,
            &clock,
            &entropy,
            &backup,
            &Cause::CLI,
            &Progress::default(),
        )
        .await
        .unwrap();
        let old = Service::open(store, &old_ring, Arc::new(clock), Arc::new(entropy)).await.unwrap();
        known.hold(&old, initial, "restored elsewhere").await;
        assert!(is_allowed(&old, &leaves.secret).await);
    })
    .await;
}
