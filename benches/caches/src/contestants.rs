//! What is compared.

use crate::table::{self, AsItIs, Kept, Key};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What the table counts for an entry beyond its own bytes.
const OVERHEAD_BYTES: usize = 80;

/// An answer about as large as a cached token.
pub(crate) struct Answer {
    pub(crate) key: Key,
    used: AtomicBool,
    _rest: [u8; 128],
}

impl Answer {
    /// What one counts for, overhead included.
    pub(crate) const BYTES: usize = size_of::<Answer>() + OVERHEAD_BYTES;

    pub(crate) fn new(key: Key) -> Self {
        Answer { key, used: AtomicBool::new(false), _rest: [0; 128] }
    }

    fn is_read(&self) -> bool {
        // As the cache does: what is set already is not written again.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
        true
    }
}

impl Kept for Answer {
    type Asked = ();

    fn key(&self) -> &Key {
        &self.key
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
    }

    fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}

/// A cache that is bounded by bytes.
pub(crate) trait Contestant: Sync {
    fn new(max_bytes: usize) -> Self;

    /// Whether an answer is there; it counts as used.
    fn read(&self, key: &Key) -> bool;

    fn keep(&self, answer: Arc<Answer>);

    fn len(&self) -> usize;

    /// Does what it has put off.
    fn settle(&self) {}
}

/// Jeton's.
pub(crate) struct Table(table::Table<Answer>);

impl Contestant for Table {
    fn new(max_bytes: usize) -> Self {
        Table(table::Table::new(max_bytes, Arc::new(AtomicUsize::new(0))))
    }

    fn read(&self, key: &Key) -> bool {
        self.0.read(key, |answer, ()| answer.is_read()).is_some()
    }

    fn keep(&self, answer: Arc<Answer>) {
        self.0.keep(answer, ());
    }

    fn len(&self) -> usize {
        self.0.size().0
    }
}

/// quick_cache, of which S3-FIFO's relative decides what goes.
pub(crate) struct Quick(quick_cache::sync::Cache<Key, Arc<Answer>, Weight, AsItIs>);

#[derive(Clone)]
pub(crate) struct Weight;

impl quick_cache::Weighter<Key, Arc<Answer>> for Weight {
    fn weight(&self, _: &Key, _: &Arc<Answer>) -> u64 {
        Answer::BYTES as u64
    }
}

impl Contestant for Quick {
    fn new(max_bytes: usize) -> Self {
        let lifecycle = quick_cache::sync::DefaultLifecycle::default();
        let (many, bytes) = (crate::HELD, max_bytes as u64);
        Quick(quick_cache::sync::Cache::with(many, bytes, Weight, AsItIs, lifecycle))
    }

    fn read(&self, key: &Key) -> bool {
        self.0.get(key).is_some_and(|answer| answer.is_read())
    }

    fn keep(&self, answer: Arc<Answer>) {
        self.0.insert(answer.key, answer);
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

/// moka, of which TinyLFU decides what goes.
pub(crate) struct Moka(moka::sync::Cache<Key, Arc<Answer>, AsItIs>);

impl Contestant for Moka {
    fn new(max_bytes: usize) -> Self {
        let builder = moka::sync::Cache::builder().max_capacity(max_bytes as u64);
        Moka(builder.weigher(|_, _| Answer::BYTES as u32).build_with_hasher(AsItIs))
    }

    fn read(&self, key: &Key) -> bool {
        self.0.get(key).is_some_and(|answer| answer.is_read())
    }

    fn keep(&self, answer: Arc<Answer>) {
        self.0.insert(answer.key, answer);
    }

    fn len(&self) -> usize {
        self.0.entry_count() as usize
    }

    fn settle(&self) {
        self.0.run_pending_tasks();
    }
}
