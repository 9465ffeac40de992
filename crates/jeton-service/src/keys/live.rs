//! The keys that are in use, which take the place of others while requests are served.

use super::Keys;
use arc_swap::{ArcSwap, Guard};
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// The keys in use. Whoever needs several things of them loads them once.
#[derive(Debug)]
pub(crate) struct LiveKeys {
    keys: ArcSwap<Keys>,
    /// The numbers of former current keys, each with what counts the writes in progress with it.
    former: Mutex<Vec<(u32, Weak<()>)>>,
}

/// The keys to write with. While there is one of these, its current key is not retired.
#[derive(Clone, Debug)]
pub(crate) struct WritingKeys {
    keys: Arc<Keys>,
    _write: Arc<()>,
}

impl Deref for WritingKeys {
    type Target = Keys;

    fn deref(&self) -> &Keys {
        &self.keys
    }
}

impl LiveKeys {
    pub(crate) fn new(keys: Keys) -> Self {
        LiveKeys { keys: ArcSwap::from_pointee(keys), former: Mutex::default() }
    }

    /// The keys at this moment. Takes no lock; not to be kept for long.
    pub(crate) fn load(&self) -> Guard<Arc<Keys>> {
        self.keys.load()
    }

    /// The same, to be kept.
    pub(crate) fn share(&self) -> Arc<Keys> {
        self.keys.load_full()
    }

    /// The keys to write with, to be kept until that is written.
    pub(crate) fn write(&self) -> WritingKeys {
        loop {
            let keys = self.share();
            let write = WritingKeys { _write: Arc::clone(&keys.writes), keys };
            // If they were replaced meanwhile, whoever retires their key may not have seen this.
            if Arc::ptr_eq(&write.keys, &self.share()) {
                return write;
            }
        }
    }

    pub(crate) fn replace(&self, keys: Keys) {
        let before = self.keys.swap(Arc::new(keys));
        let mut former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        former.retain(|(_, writes)| writes.strong_count() > 0);
        former.push((before.current_id(), Arc::downgrade(&before.writes)));
    }

    /// Whether something that was begun with this key, when it was the current one, is not written yet.
    pub(crate) fn is_being_written_with(&self, key_id: u32) -> bool {
        let former = self.former.lock().unwrap_or_else(PoisonError::into_inner);
        // One is that of the keys themselves.
        former.iter().any(|(id, writes)| *id == key_id && writes.strong_count() > 1)
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeyRing;
    use super::*;
    use jeton_testkit::SeededEntropy;

    #[test]
    fn writes_with_a_former_key_are_known_until_they_are_over() {
        let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
        let live = LiveKeys::new(Keys::derive(&ring));
        let (write, read) = (live.write(), live.share());
        live.replace(Keys::derive(&ring.with_new_key(&SeededEntropy::new(2)).unwrap()));
        assert_eq!((write.current_id(), read.current_id(), live.load().current_id()), (1, 1, 2));
        assert!(live.is_being_written_with(1) && !live.is_being_written_with(2));
        let again = write.clone();
        drop(write);
        assert!(live.is_being_written_with(1));
        drop(again);
        assert!(!live.is_being_written_with(1), "who only reads does not count");
        drop(read);
        assert!(!live.is_being_written_with(1));
    }
}
