//! The runtime that serves everything but forward-auth's plain requests.

use crate::error::CommandError;
use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Handle, Runtime};

/// How much less than others, in steps of nice, its threads are worth: where processors are scarce, whoever asks whether a
/// token is good comes first. Matching and lists are worth less still.
const LESS_URGENT: i32 = 5;

/// A runtime of its own, which ends with this and waits for nothing.
#[derive(Debug)]
pub(super) struct Requests {
    handle: Handle,
    /// None: it is ending.
    runtime: Option<Runtime>,
}

impl Requests {
    pub(super) fn start() -> Result<Self, CommandError> {
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .thread_name("requests")
            .on_thread_start(|| {
                // Where the priority may not be changed, it stays as it is.
                let _ = setpriority_process(None, LESS_URGENT);
            })
            .build()
            .map_err(|error| CommandError::unavailable(format!("threads cannot be started: {error}")))?;
        Ok(Requests { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(super) fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Does some work here, of whoever is less urgent than forward-auth. Dropping this does not end it.
    pub(super) async fn run(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Err(error) = self.handle.spawn(work).await
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
}

impl Drop for Requests {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Dropped otherwise, it would wait, which an asynchronous task may not.
            runtime.shutdown_background();
        }
    }
}
