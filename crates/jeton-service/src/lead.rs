//! Work that one of the processes that share a store does for all.

use crate::Service;
use std::future::{Future, pending};

impl Service {
    /// Takes part in the choice of the process that does such work, until `stop` completes: see
    /// [`Store::lead`](jeton_store::Store::lead). Without this, it does none. Run it once for each service.
    pub async fn keep_leading(&self, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = stop => {}
            () = self.store.lead(&self.leads) => {}
        }
        self.leads.send_replace(false);
    }

    /// Whether this process does such work.
    pub fn leads(&self) -> bool {
        *self.leads.borrow()
    }

    /// Does `work`, which never completes, whenever this process leads, and drops it when it leads no more.
    pub(crate) async fn while_leading<W>(&self, work: impl Fn() -> W)
    where
        W: Future<Output = ()>,
    {
        let mut leads = self.leads.subscribe();
        loop {
            // An error means that the sender is gone, which cannot be: this service has it.
            if leads.wait_for(|leads| *leads).await.is_err() {
                pending::<()>().await;
            }
            tokio::select! {
                _ = leads.wait_for(|leads| !leads) => {}
                () = work() => {}
            }
        }
    }
}
