//! The signals that a server handles, and others that end in order.

use crate::error::CommandError;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The action that a signal requests.
pub(super) enum SignalAction {
    /// SIGTERM, SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
}

/// The signals that a server handles, from the creation of this on.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub(crate) fn listen() -> Result<Self, CommandError> {
        let listen = |kind| signal(kind).map_err(|error| CommandError::unavailable(error.to_string()));
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            hang_up: listen(SignalKind::hangup())?,
        })
    }

    /// The next action.
    pub(super) async fn next(&mut self) -> SignalAction {
        tokio::select! {
            _ = self.terminate.recv() => SignalAction::Stop,
            _ = self.interrupt.recv() => SignalAction::Stop,
            _ = self.hang_up.recv() => SignalAction::Reload,
        }
    }

    /// Waits for the next signal to stop.
    pub(crate) async fn stop(&mut self) {
        while let SignalAction::Reload = self.next().await {}
    }
}
