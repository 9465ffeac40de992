//! Whether this process serves.

use jeton_service::Service;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use tokio::sync::Mutex;

/// Whether requests should be sent here, as far as the process itself knows. Clones are one and the same.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    phase: AtomicU8,
    /// How often the store was asked.
    asked: AtomicU64,
    /// Which time the last answer was of, and whether it was a good one. Whoever holds this asks.
    last: Mutex<(u64, bool)>,
}

/// Where a server is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// It answers, and something that it needs is still to come.
    Starting = 0,
    /// It serves.
    Serving = 1,
    /// It is about to stop: whoever spreads requests should spread them elsewhere.
    Draining = 2,
}

impl Readiness {
    /// That of a server in this phase.
    pub fn new(phase: Phase) -> Self {
        let (phase, asked, last) = (AtomicU8::new(phase as u8), AtomicU64::new(0), Mutex::new((0, false)));
        Readiness(Arc::new(Shared { phase, asked, last }))
    }

    /// Enters a phase.
    pub fn enter(&self, phase: Phase) {
        self.0.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// The phase that the server is in.
    pub fn phase(&self) -> Phase {
        match self.0.phase.load(Ordering::Relaxed) {
            0 => Phase::Starting,
            1 => Phase::Serving,
            _ => Phase::Draining,
        }
    }

    /// Whether the store answers. It is asked once at a time, for all who came before it was: however many ask for
    /// readiness, they cost one look-up, and none has to be refused.
    pub(crate) async fn store_answers(&self, service: &Service) -> bool {
        let Shared { asked, last, .. } = &*self.0;
        let before = asked.load(Ordering::Relaxed);
        let mut last = last.lock().await;
        let (number, answers) = *last;
        if number > before {
            return answers;
        }
        let number = asked.fetch_add(1, Ordering::Relaxed) + 1;
        let answer = service.ready().await;
        if let Err(error) = &answer {
            tracing::error!(route = "/readyz", "{error}");
        }
        *last = (number, answer.is_ok());
        answer.is_ok()
    }
}
