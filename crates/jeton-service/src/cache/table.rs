//! Answers by app and digest, bounded by bytes.
//!
//! Look-ups take no lock. Inserting takes the lock of the queue and evicts what does not fit: the oldest
//! entry first, but one that was used since it was last examined goes to the end of the queue instead (the
//! clock algorithm), at most [`MAX_SPARED`] in a row, so that inserting never takes long.
//!
//! `cargo xtask bench caches` measures it beside two general caches. Of the faster of them it has between 0.86 and 1.16 of the
//! reads, as many hits, and a third of the memory beyond the answers; writing takes longer, but each write follows a query of
//! the database. And it counts once what answers share, which a weight of each entry cannot say.

use jeton_core::{AppId, Digest};
use papaya::Guard;
use std::borrow::Borrow;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// After this many insertions, retired tables of the map are freed; they are few and large.
const ENTRIES_BETWEEN_FLUSHES: usize = 1_024;
/// How many used entries are spared in a row before the next is evicted anyway.
const MAX_SPARED: usize = 64;
/// The overhead of an entry beyond its own bytes: the counts of its `Arc`, its node and slots in the map, its
/// place in the queue, and what the allocator adds to each. Measured with 50,000 to a million entries: 77 to
/// 83 bytes.
const OVERHEAD_BYTES: usize = 80;

/// The key of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) app_id: AppId,
    pub(super) digest: Digest,
}

impl Key {
    /// A prefix that identifies the digest in any app. Digests are keyed, so clients cannot choose
    /// collisions.
    pub(super) fn prefix(digest: &Digest) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *digest.as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // An odd factor separates the same digest in several apps.
        let app = self.app_id.get().unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15);
        state.write_u64(Key::prefix(&self.digest) ^ app);
    }
}

/// An answer that can be cached.
pub(super) trait Kept {
    /// What is stored about the query of an answer. It lies in the map's node, which has room for 16 bytes.
    type Asked: Copy;

    /// Its key.
    fn key(&self) -> &Key;

    /// Its size in bytes, heap memory included.
    fn bytes(&self) -> usize;

    /// Whether it was used since the last call.
    fn take_used(&self) -> bool;
}

/// The cached answers.
pub(super) struct Table<T: Kept> {
    map: papaya::HashMap<Slot<T>, (), AsItIs>,
    line: Mutex<Line<T>>,
    max_bytes: usize,
    /// Bytes that entries share, which also count.
    shared_bytes: Arc<AtomicUsize>,
    evicted: AtomicUsize,
}

struct Line<T> {
    /// All entries that take memory, including replaced ones that can no longer be found.
    waiting: VecDeque<Arc<T>>,
    bytes: usize,
}

impl<T: Kept> Table<T> {
    /// An empty table of at most `max_bytes`, `shared_bytes` included.
    pub(super) fn new(max_bytes: usize, shared_bytes: Arc<AtomicUsize>) -> Self {
        let line = Mutex::new(Line { waiting: VecDeque::new(), bytes: 0 });
        let map = papaya::HashMap::with_hasher(AsItIs);
        Table { map, line, max_bytes, shared_bytes, evicted: AtomicUsize::new(0) }
    }

    /// The result of `read` for the answer with this key.
    pub(super) fn read<R>(&self, key: &Key, read: impl FnOnce(&Arc<T>, T::Asked) -> R) -> Option<R> {
        self.map.pin().get_key_value(key).map(|(slot, ())| read(&slot.entry, slot.asked))
    }

    /// Stores an answer, replacing one with the same key, if it fits at all.
    pub(super) fn keep(&self, entry: Arc<T>, asked: T::Asked) {
        let bytes = cost(&*entry);
        if bytes > self.max_bytes {
            return;
        }
        let mut line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let map = self.map.pin();
        // The old key would stay with the new value.
        map.remove(entry.key());
        map.insert(Slot { entry: Arc::clone(&entry), asked }, ());
        line.waiting.push_back(entry);
        line.bytes += bytes;
        if line.waiting.len().is_multiple_of(ENTRIES_BETWEEN_FLUSHES) {
            self.map.guard().flush();
        }
        let mut spared = 0;
        while line.bytes + self.shared_bytes.load(Ordering::Relaxed) > self.max_bytes {
            let Some(oldest) = line.waiting.pop_front() else { break };
            if spared < MAX_SPARED && oldest.take_used() {
                line.waiting.push_back(oldest);
                spared += 1;
                continue;
            }
            spared = 0;
            line.bytes -= cost(&*oldest);
            self.evicted.fetch_add(1, Ordering::Relaxed);
            // Unless it was replaced.
            let _ = map.remove_if(oldest.key(), |slot, ()| Arc::ptr_eq(&slot.entry, &oldest));
        }
    }

    /// The number of answers, their bytes, and how many were evicted so far.
    pub(super) fn size(&self) -> (usize, usize, usize) {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = line.bytes + self.shared_bytes.load(Ordering::Relaxed);
        (self.map.len(), bytes, self.evicted.load(Ordering::Relaxed))
    }
}

impl<T: Kept> std::fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("max_bytes", &self.max_bytes).finish_non_exhaustive()
    }
}

fn cost(entry: &impl Kept) -> usize {
    entry.bytes() + OVERHEAD_BYTES
}

/// An entry that is found by its own key.
struct Slot<T: Kept> {
    entry: Arc<T>,
    asked: T::Asked,
}

impl<T: Kept> Borrow<Key> for Slot<T> {
    fn borrow(&self) -> &Key {
        self.entry.key()
    }
}

impl<T: Kept> Hash for Slot<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.entry.key().hash(state);
    }
}

impl<T: Kept> PartialEq for Slot<T> {
    fn eq(&self, other: &Self) -> bool {
        self.entry.key() == other.entry.key()
    }
}

impl<T: Kept> Eq for Slot<T> {}

/// A hasher for numbers that are already as good as random.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AsItIs;

impl BuildHasher for AsItIs {
    type Hasher = Number;

    fn build_hasher(&self) -> Number {
        Number(0)
    }
}

/// The number.
#[derive(Debug)]
pub(super) struct Number(u64);

impl Hasher for Number {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    #[derive(Debug)]
    struct Entry {
        key: Key,
        value: u32,
        bytes: usize,
        used: AtomicBool,
    }

    impl Kept for Entry {
        type Asked = ();

        fn key(&self) -> &Key {
            &self.key
        }

        fn bytes(&self) -> usize {
            self.bytes
        }

        fn take_used(&self) -> bool {
            self.used.swap(false, Ordering::Relaxed)
        }
    }

    fn key(number: u8) -> Key {
        Key { app_id: AppId::new(1).unwrap(), digest: Digest::from_bytes(&[number; 32]).unwrap() }
    }

    fn entry(number: u8, value: u32) -> Arc<Entry> {
        let bytes = 1_000 - OVERHEAD_BYTES;
        Arc::new(Entry { key: key(number), value, bytes, used: AtomicBool::new(false) })
    }

    fn table(entries: usize) -> Table<Entry> {
        Table::new(entries * 1_000, Arc::default())
    }

    fn values(table: &Table<Entry>) -> Vec<Option<u32>> {
        (0..8).map(|number| table.read(&key(number), |entry, ()| entry.value)).collect()
    }

    #[test]
    fn the_oldest_goes_first() {
        let table = table(3);
        (0..5).for_each(|number| table.keep(entry(number, 7), ()));
        assert_eq!(values(&table)[..5], [None, None, Some(7), Some(7), Some(7)]);
        assert_eq!(table.size(), (3, 3_000, 2));
    }

    #[test]
    fn what_was_used_is_spared_once() {
        let table = table(3);
        (0..3).for_each(|number| table.keep(entry(number, 7), ()));
        table.read(&key(0), |entry, ()| entry.used.store(true, Ordering::Relaxed));
        table.keep(entry(3, 7), ());
        assert_eq!(values(&table)[..4], [Some(7), None, Some(7), Some(7)]);
        table.keep(entry(4, 7), ());
        table.keep(entry(5, 7), ());
        assert_eq!(values(&table)[..6], [Some(7), None, None, None, Some(7), Some(7)], "it went to the end");
        table.keep(entry(6, 7), ());
        assert_eq!(values(&table)[..7], [None, None, None, None, Some(7), Some(7), Some(7)]);
    }

    #[test]
    fn a_new_answer_takes_the_place_of_the_old_one() {
        let table = table(3);
        table.keep(entry(1, 1), ());
        table.keep(entry(1, 2), ());
        assert_eq!(values(&table)[1], Some(2));
        assert_eq!(table.size(), (1, 2_000, 0), "both take memory");
        table.keep(entry(2, 7), ());
        table.keep(entry(3, 7), ());
        assert_eq!(values(&table)[1..4], [Some(2), Some(7), Some(7)], "the replaced one went alone");
        assert_eq!(table.size(), (3, 3_000, 1));
    }

    #[test]
    fn many_that_are_used_do_not_hold_up_the_next() {
        let table = table(200);
        for number in 0..=255 {
            let entry = entry(number, 7);
            entry.used.store(true, Ordering::Relaxed);
            table.keep(entry, ());
        }
        assert_eq!(table.size(), (200, 200_000, 56));
    }

    #[test]
    fn what_is_larger_than_everything_is_not_kept_and_shared_bytes_count() {
        let shared = Arc::new(AtomicUsize::new(0));
        let table = Table::new(3_000, Arc::clone(&shared));
        let large = Entry { key: key(9), value: 1, bytes: 3_000, used: AtomicBool::new(false) };
        table.keep(Arc::new(large), ());
        assert_eq!(table.size(), (0, 0, 0));
        (0..3).for_each(|number| table.keep(entry(number, 7), ()));
        shared.store(1_500, Ordering::Relaxed);
        table.keep(entry(3, 7), ());
        assert_eq!(values(&table)[..4], [None, None, None, Some(7)]);
        assert_eq!(table.size(), (1, 2_500, 3));
    }

    #[test]
    fn apps_do_not_meet() {
        let table = table(3);
        table.keep(entry(1, 1), ());
        let elsewhere = Key { app_id: AppId::new(2).unwrap(), ..key(1) };
        assert_eq!(table.read(&elsewhere, |entry, ()| entry.value), None);
    }
}
