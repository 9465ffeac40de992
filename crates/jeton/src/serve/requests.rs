//! The runtime that serves everything except forward-auth's simple requests.

use crate::error::CommandError;
use rustix::process::setpriority_process;
use tokio::runtime::{Builder, Handle, Runtime};

/// How much lower the priority of its threads is, in steps of nice: where processors are scarce, verification
/// comes first. Matching and lists are lower still.
const LESS_URGENT: i32 = 5;

/// A runtime of its own, which is shut down with this without waiting.
#[derive(Debug)]
pub(super) struct Requests {
    handle: Handle,
    /// `None`: it is shutting down.
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

    /// Runs work that is less urgent than forward-auth. Dropping this does not end it.
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
            // An ordinary drop would block, which is not allowed in an asynchronous task.
            runtime.shutdown_background();
        }
    }
}
