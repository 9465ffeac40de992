//! How far long work is.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How far some long work is, for whoever looks meanwhile. Clones are about the same work.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<State>);

#[derive(Debug, Default)]
struct State {
    what: Mutex<Option<&'static str>>,
    done: AtomicU64,
    total: AtomicU64,
}

/// What was seen of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProgressSeen {
    /// What is being done, such as "reading rows".
    pub what: &'static str,
    /// How many parts of it are done.
    pub done: u64,
    /// How many there are, as far as that was known when it began.
    pub total: u64,
}

impl Progress {
    /// Something begins that has about so many parts.
    pub fn begin(&self, what: &'static str, total: u64) {
        let mut current = self.0.what.lock().unwrap_or_else(PoisonError::into_inner);
        *current = Some(what);
        self.0.done.store(0, Ordering::Relaxed);
        self.0.total.store(total, Ordering::Relaxed);
    }

    /// So many more parts of it are done.
    pub fn add(&self, parts: u64) {
        self.0.done.fetch_add(parts, Ordering::Relaxed);
    }

    /// What is being done; `None`: nothing has begun.
    pub fn look(&self) -> Option<ProgressSeen> {
        let what = (*self.0.what.lock().unwrap_or_else(PoisonError::into_inner))?;
        let done = self.0.done.load(Ordering::Relaxed);
        Some(ProgressSeen { what, done, total: self.0.total.load(Ordering::Relaxed).max(done) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_about_the_same_work() {
        let progress = Progress::default();
        let seen = progress.clone();
        assert_eq!(seen.look(), None);
        progress.begin("reading rows", 2);
        progress.add(1);
        assert_eq!(seen.look(), Some(ProgressSeen { what: "reading rows", done: 1, total: 2 }));
        // Rows came meanwhile.
        progress.add(2);
        assert_eq!(seen.look(), Some(ProgressSeen { what: "reading rows", done: 3, total: 3 }));
        progress.begin("checking", 0);
        assert_eq!(seen.look(), Some(ProgressSeen { what: "checking", done: 0, total: 0 }));
    }
}
