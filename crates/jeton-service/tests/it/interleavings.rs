//! Every interleaving of fills, changes and questions on the cache's real versions, tried by loom.
//!
//! The file is compiled here once more, with loom's atomics in the place of the machine's.

mod sync {
    pub(super) use loom::sync::atomic::{AtomicU64, Ordering};
}

#[path = "../../src/cache/versions.rs"]
mod versions;

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Mutex};
use loom::thread;
use versions::{Stamp, Versions};

const TOKEN: u64 = 7;

/// A store that holds one token, and what is remembered of it.
struct World {
    versions: Versions,
    /// What the store says: whether the token is good.
    is_good: AtomicBool,
    kept: Mutex<Option<(Stamp, bool)>>,
}

impl World {
    fn new() -> Arc<Self> {
        let (versions, kept) = (Versions::new(2), Mutex::new(None));
        Arc::new(World { versions, is_good: AtomicBool::new(true), kept })
    }

    /// Asks the store and keeps the answer, in the order in which the service does.
    fn fill(&self) -> bool {
        let stamp = self.versions.stamp();
        let is_good = self.is_good.load(Ordering::SeqCst);
        *self.kept.lock().unwrap() = Some((stamp, is_good));
        is_good
    }

    /// Answers from what is kept, if that is current, else from the store.
    fn verify(&self) -> bool {
        let kept = *self.kept.lock().unwrap();
        match kept.filter(|(stamp, _)| self.versions.is_current(TOKEN, *stamp)) {
            Some((_, is_good)) => is_good,
            None => self.fill(),
        }
    }

    fn revoke(&self) {
        let open = self.versions.open(TOKEN);
        self.is_good.store(false, Ordering::SeqCst);
        drop(open);
    }
}

#[test]
fn a_fill_that_races_a_removal_loses() {
    loom::model(|| {
        let world = World::new();
        let filler = thread::spawn({
            let world = world.clone();
            move || world.fill()
        });
        world.revoke();
        assert!(!world.verify(), "the revocation was answered");
        filler.join().unwrap();
        assert!(!world.verify(), "also when the fill comes last");
    });
}

#[test]
fn what_another_process_revoked_is_refused_once_that_was_read() {
    loom::model(|| {
        let world = World::new();
        let filler = thread::spawn({
            let world = world.clone();
            move || world.verify()
        });
        world.is_good.store(false, Ordering::SeqCst);
        world.versions.invalidate(TOKEN);
        assert!(!world.verify());
        filler.join().unwrap();
        assert!(!world.verify());
    });
}

#[test]
fn whoever_finds_a_token_gone_never_finds_it_again() {
    loom::model(|| {
        let world = World::new();
        world.fill();
        let revoker = thread::spawn({
            let world = world.clone();
            move || world.revoke()
        });
        // Another request, which reads past the cache while the revocation is under way.
        let was_good = world.is_good.load(Ordering::SeqCst);
        assert!(was_good || !world.verify(), "before the revocation is answered, too");
        revoker.join().unwrap();
        assert!(!world.verify());
    });
}

#[test]
fn two_changes_at_once_leave_the_place_closed() {
    loom::model(|| {
        let world = World::new();
        world.fill();
        let other = thread::spawn({
            let world = world.clone();
            move || world.revoke()
        });
        world.revoke();
        assert!(!world.verify());
        other.join().unwrap();
        assert!(!world.verify());
        let stamp = world.versions.stamp();
        assert!(world.versions.is_current(TOKEN, stamp), "and what is asked then can be kept");
    });
}

#[test]
fn forgetting_everything_loses_no_race_either() {
    loom::model(|| {
        let world = World::new();
        let filler = thread::spawn({
            let world = world.clone();
            move || world.fill()
        });
        world.is_good.store(false, Ordering::SeqCst);
        world.versions.invalidate_all();
        assert!(!world.verify());
        filler.join().unwrap();
        assert!(!world.verify());
    });
}

/// Loom finds what goes wrong: a fill that takes its stamp after the question wins the race.
#[test]
#[should_panic(expected = "a late stamp")]
fn a_stamp_that_is_taken_too_late_is_found_out() {
    loom::model(|| {
        let world = World::new();
        let filler = thread::spawn({
            let world = world.clone();
            move || {
                let is_good = world.is_good.load(Ordering::SeqCst);
                *world.kept.lock().unwrap() = Some((world.versions.stamp(), is_good));
            }
        });
        world.revoke();
        filler.join().unwrap();
        assert!(!world.verify(), "a late stamp");
    });
}
