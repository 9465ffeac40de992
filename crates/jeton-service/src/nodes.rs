//! How a server tells the others, and whoever looks after them, that it is there.
//!
//! Every server keeps a row of itself in the database: who it is, how far it has read the change log, which keys it has, how far its clock is
//! from the database's. No request waits for it, and no decision depends on it.

use crate::{Error, Service};
use jeton_core::Timestamp;
use jeton_store::write::{ForgetNode, NoteNode};
use jeton_store::{Node, SCHEMA_VERSION};
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// From one note to the next, and from the first one, before which little was read and heard, to the second.
const PAUSE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Those that have not written for so long are forgotten.
const FORGET_AFTER_MILLIS: i64 = 86_400_000;
/// How long a server that stops may take to say so.
const FAREWELL: Duration = Duration::from_secs(1);
/// An answer that took longer says too little of the time: it is wrong by half of that at most.
const LONGEST_ROUND_TRIP: Duration = Duration::from_millis(500);

/// What a server says of itself that does not change.
#[derive(Clone, Debug)]
pub struct NodeIdentity {
    /// A number that no other server has.
    id: i64,
    machine: String,
    version: String,
    started_at: Timestamp,
}

impl Service {
    /// This server, as others will know it, with a number that it draws. It starts now.
    ///
    /// # Errors
    /// No randomness.
    pub fn node_identity(&self, machine: String, version: &str) -> Result<NodeIdentity, Error> {
        // Exact as a JavaScript number.
        let id = (u64::from_be_bytes(self.random()?) >> 11) as i64;
        Ok(NodeIdentity { id, machine, version: version.to_owned(), started_at: self.now() })
    }

    /// Notes this server in the database every ten seconds until `stop` completes, and removes the note then. While the database cannot be
    /// reached nothing is noted, and stopping takes a second at most.
    pub async fn keep_node(&self, identity: NodeIdentity, stop: impl Future<Output = ()>) {
        let mut stop = pin!(stop);
        let mut is_noted = true;
        let mut pause = FIRST_PAUSE;
        loop {
            let mut noting = pin!(self.note_node(&identity));
            tokio::select! {
                noted = &mut noting => {
                    if let Some(error) = noted.as_ref().err().filter(|_| is_noted) {
                        tracing::debug!("this server is not noted in the database: {error}");
                    }
                    is_noted = noted.is_ok();
                }
                () = &mut stop => {
                    // Given up, it might be written after the note was removed.
                    let end = async {
                        drop(noting.await);
                        self.forget_node(&identity).await;
                    };
                    drop(timeout(FAREWELL, end).await);
                    return;
                }
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = &mut stop => break,
            }
            pause = PAUSE;
        }
        drop(timeout(FAREWELL, self.forget_node(&identity)).await);
    }

    /// Removes the note of this server. If it stays, others remove it in a day.
    async fn forget_node(&self, identity: &NodeIdentity) {
        if let Err(error) = self.store.write(ForgetNode { id: identity.id }).await {
            tracing::debug!("the note of this server stays in the database: {error}");
        }
    }

    /// Notes this server in the database, as it is now.
    ///
    /// # Errors
    /// It could not be noted.
    pub async fn note_node(&self, identity: &NodeIdentity) -> Result<(), Error> {
        let clock_ahead_ms = self.clock_ahead().await?;
        let stats = self.cache.stats();
        let keys = self.keys.share();
        let written_at = self.now();
        let node = Node {
            id: identity.id,
            machine: identity.machine.clone(),
            version: identity.version.clone(),
            schema_version: SCHEMA_VERSION,
            started_at: identity.started_at,
            written_at,
            log_read: stats.log_read,
            newest_key_id: keys.newest_id(),
            current_key_id: keys.current_id(),
            is_listening: stats.is_listening,
            clock_ahead_ms,
        };
        let forget_before = written_at.saturating_add_millis(-FORGET_AFTER_MILLIS);
        Ok(self.store.write(NoteNode { node, forget_before }).await?)
    }

    /// By how many milliseconds the clock here is ahead of the database server's: as NTP has it, what it showed in the middle of a question
    /// less the answer. `None`: there is no such server, or it took too long to answer.
    async fn clock_ahead(&self) -> Result<Option<i64>, Error> {
        let (asked_at, begun) = (self.now(), self.monotonic());
        let time = self.store.database_time().await?;
        let round_trip = self.monotonic().saturating_sub(begun);
        let half = i64::try_from(round_trip.as_millis() / 2).unwrap_or(i64::MAX);
        let time = time.filter(|_| round_trip <= LONGEST_ROUND_TRIP);
        Ok(time.map(|time| asked_at.saturating_add_millis(half).millis_since(time)))
    }
}
