//! Telling other processes that the change log has something new, and hearing it from them.
//!
//! Announcements are hints: they are sent after the commit, one at a time, however many writes there were. `NOTIFY` in
//! the writing transaction would make all commits wait for each other. What is lost with a process or a connection in
//! between is found by looking.

use crate::cadence::Cadence;
use crate::change::Hints;
use sqlx::Executor;
use sqlx::postgres::{PgConnectOptions, PgListener, PgPool, PgPoolOptions};
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

const CHANNEL: &str = "jeton_changes";
const ANNOUNCE: &str = "NOTIFY jeton_changes";

/// How many announcements are made in a while, so that a few together are heard of at once and many cost little.
const ANNOUNCEMENTS: (usize, Duration) = (4, Duration::from_millis(20));
/// How long an announcement may take, the last one, when the store is closed, included.
const FAREWELL: Duration = Duration::from_secs(1);
/// How long after a lost connection another is made, and after one through which nothing is heard: a pooler that gives each
/// transaction another connection takes `LISTEN` and means nothing by it, which will not have changed a moment later.
const AFTER_LOSS: Duration = Duration::from_secs(1);
const AFTER_DEAFNESS: Duration = Duration::from_secs(60);

/// How long nothing may be heard.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// Before this process announces something itself, to find out whether it still hears.
    pub(super) silence: Duration,
    /// After that.
    pub(super) echo: Duration,
}

const PATIENCE: Patience = Patience { silence: Duration::from_secs(10), echo: Duration::from_secs(5) };

/// Announces what this process has written, soon after it is committed.
#[derive(Debug)]
pub(super) struct Announcer(Mutex<Option<Announcing>>);

#[derive(Debug)]
struct Announcing {
    /// Has room for one: what is wanted again before it is done is done once.
    wanted: mpsc::Sender<()>,
    task: JoinHandle<()>,
}

impl Announcer {
    /// Announces on the connections that there are at the time.
    pub(super) fn over(pools: impl Fn() -> Option<PgPool> + Send + 'static) -> Self {
        let (wanted, wishes) = mpsc::channel(1);
        Announcer(Mutex::new(Some(Announcing { wanted, task: tokio::spawn(announce(pools, wishes)) })))
    }

    /// Returns at once.
    pub(super) fn announce(&self) {
        if let Some(announcing) = &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // Full: it is wanted already.
            let _ = announcing.wanted.try_send(());
        }
    }

    /// Makes the last announcement, if one is wanted.
    pub(super) async fn close(&self) {
        let announcing = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Announcing { wanted, mut task }) = announcing else { return };
        drop(wanted);
        if timeout(FAREWELL, &mut task).await.is_err() {
            task.abort();
        }
    }
}

async fn announce(pools: impl Fn() -> Option<PgPool>, mut wishes: mpsc::Receiver<()>) {
    let mut cadence = Cadence::new(ANNOUNCEMENTS.0, ANNOUNCEMENTS.1);
    while wishes.recv().await.is_some() {
        cadence.wait().await;
        let Some(pool) = pools() else { return };
        match timeout(FAREWELL, pool.execute(ANNOUNCE)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!("changes were not announced: {error}"),
            Err(_) => tracing::debug!("changes were not announced in time"),
        }
    }
}

/// Why nothing is heard.
#[derive(Debug, thiserror::Error)]
pub(super) enum Loss {
    #[error(transparent)]
    Connection(#[from] sqlx::Error),
    #[error("the connection was closed")]
    Closed,
    #[error("the database takes LISTEN and sends nothing, as through a pooler of transactions")]
    Deaf,
}

/// Tells `hints` of what is announced, for ever, and whether anything would be heard.
pub(super) async fn listen(database: &PgConnectOptions, announcer: &Announcer, hints: &watch::Sender<Hints>) {
    let mut is_known = false;
    loop {
        let Err(loss) = hear(database, announcer, hints, PATIENCE).await;
        let was_listening = hints.send_if_modified(|hints| std::mem::take(&mut hints.is_listening));
        if was_listening || !is_known {
            tracing::warn!("changes of other processes are not heard of and have to be looked for: {loss}");
        }
        is_known = true;
        sleep(if matches!(loss, Loss::Deaf) { AFTER_DEAFNESS } else { AFTER_LOSS }).await;
    }
}

/// Listens until nothing is heard any more. That something would be is believed when something was.
pub(super) async fn hear(
    database: &PgConnectOptions,
    announcer: &Announcer,
    hints: &watch::Sender<Hints>,
    patience: Patience,
) -> Result<Infallible, Loss> {
    let own = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
    let mut listener = PgListener::connect_with(&own.connect_lazy_with(database.clone())).await?;
    listener.eager_reconnect(false);
    listener.listen(CHANNEL).await?;
    announcer.announce();
    let mut is_asked = true;
    loop {
        let bound = if is_asked { patience.echo } else { patience.silence };
        match timeout(bound, listener.try_recv()).await {
            Ok(heard) => {
                heard?.ok_or(Loss::Closed)?;
                is_asked = false;
                hints.send_modify(|hints| {
                    if !hints.is_listening {
                        tracing::info!("changes of other processes are heard of");
                    }
                    *hints = Hints { is_listening: true, heard: hints.heard.wrapping_add(1) };
                });
            }
            Err(_) if is_asked => return Err(Loss::Deaf),
            Err(_) => {
                announcer.announce();
                is_asked = true;
            }
        }
    }
}
