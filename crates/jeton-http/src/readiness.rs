//! Readiness: whether this process serves.

use jeton_service::Service;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use tokio::sync::Mutex;

/// Whether requests should be sent here, as far as the process itself knows. Clones share one state.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    phase: AtomicU8,
    /// How often the store was checked.
    asked: AtomicU64,
    /// The number of the last check, and whether it succeeded. Locked during a check.
    last: Mutex<(u64, bool)>,
}

/// The phase of a server's life cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Phase {
    /// It answers, but something that it needs is still missing.
    Starting = 0,
    /// It serves.
    Serving = 1,
    /// It is about to stop: load balancers should send requests elsewhere.
    Draining = 2,
}

impl Readiness {
    /// The readiness of a server in this phase.
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

    /// Whether the store answers. One check at a time serves all requests that arrived before it began:
    /// however many there are, they cost one look-up, and none has to be refused.
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
