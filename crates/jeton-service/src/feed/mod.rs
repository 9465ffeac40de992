//! Changes of apps in the order of the change log, delivered as they happen.
//!
//! One feeder reads the change log for all readers of a [`Feed`] and keeps recent entries in a ring; readers
//! take them from there, so that a change costs the store the same for one reader as for hundreds. What is
//! not in the ring (for a reader that resumes at an earlier position, or begins before the feeder has got
//! there) is read from the log, page by page. A reader holds only its position: one that does not keep up is
//! ended, and may resume later from a [`FeedPosition`].
//!
//! The [`Projection`] of a feed turns each change into an event, once for all readers.

mod feeder;
mod page;
mod position;
mod reader;
mod ring;
#[cfg(test)]
mod tests;

pub use position::{FeedPosition, FeedPositionError};

pub(crate) use reader::{FeedEnd, Reader};

use crate::apps::OpenApp;
use crate::{Error, Service};
use jeton_core::{AppId, AppKey, ChangeKind};
use jeton_store::{Change, Fair, Share, StoredToken};
use ring::Ring;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Readers that read pages of the log at once: the size of a page times this bounds their memory.
const PAGES: Share = Share { places: 4, each: 2, waiting: usize::MAX };

/// The events that readers of a feed get for changes in an app.
pub(crate) trait Projection: Send + Sync + 'static {
    /// The event. It is created once for all readers.
    type Event: fmt::Debug + Send + Sync + 'static;

    /// What log messages call the readers.
    const READERS: &'static str;

    /// Whether changes of this kind can have an event.
    fn tells(kind: ChangeKind) -> bool;

    /// The approximate cost of [`event`](Self::event) in units of work.
    fn units(happened: &Happened<'_>) -> u64;

    /// The event, and its approximate size in bytes of memory; `None`: there is none.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    fn event(
        service: &Service,
        app: &OpenApp,
        happened: &Happened<'_>,
    ) -> Result<Option<(Self::Event, usize)>, Error>;
}

/// A change in an app.
#[derive(Debug)]
pub(crate) struct Happened<'a> {
    /// The position after it, from which a reader that got it resumes.
    pub(crate) position: FeedPosition,
    /// Its entry in the log.
    pub(crate) change: &'a Change,
    /// The token that was written, as it is now; `None`: there is none, or it is gone by now, which a later
    /// entry says.
    pub(crate) stored: Option<&'a StoredToken>,
}

/// What all readers share.
pub(crate) struct Feed<P: Projection> {
    ring: Mutex<Ring<P::Event>>,
    /// Changes whenever the ring does, and when reading of an app begins.
    news: watch::Sender<u64>,
    /// The apps that are being read.
    apps: Mutex<HashMap<AppId, Watched>>,
    pages: Fair<AppId>,
}

#[derive(Debug)]
struct Watched {
    key: AppKey,
    readers: usize,
}

impl<P: Projection> Default for Feed<P> {
    fn default() -> Self {
        Feed {
            ring: Mutex::default(),
            news: watch::Sender::new(0),
            apps: Mutex::default(),
            pages: Fair::new(PAGES),
        }
    }
}

impl<P: Projection> fmt::Debug for Feed<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed").field("readers", &P::READERS).finish_non_exhaustive()
    }
}

impl<P: Projection> Feed<P> {
    /// Whether it is being fed. If not, reading cannot begin.
    pub(crate) fn is_fed(&self) -> bool {
        self.ring().is_fed()
    }

    fn ring(&self) -> MutexGuard<'_, Ring<P::Event>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apps(&self) -> MutexGuard<'_, HashMap<AppId, Watched>> {
        self.apps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self) {
        self.news.send_modify(|number| *number = number.wrapping_add(1));
    }

    /// Registers the app for reading from now on.
    pub(crate) fn watch(self: &Arc<Self>, app: &OpenApp) -> Watch<P> {
        let key = app.key.clone();
        self.apps().entry(app.id).or_insert(Watched { key, readers: 0 }).readers += 1;
        self.tell();
        Watch { feed: Arc::clone(self), app_id: app.id }
    }

    /// Begins a run at the end of the log, as the feeder would, for tests that feed by hand.
    #[cfg(test)]
    pub(crate) async fn begin_by_hand(&self, service: &Service) -> Result<FeedPosition, Error> {
        let position = service.log_end().await?;
        let mut ring = self.ring();
        ring.set_fed(true);
        ring.begin_run(position);
        Ok(position)
    }
}

/// The registration of an app for reading. Dropping it ends that.
pub(crate) struct Watch<P: Projection> {
    feed: Arc<Feed<P>>,
    app_id: AppId,
}

impl<P: Projection> fmt::Debug for Watch<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("app_id", &self.app_id).finish_non_exhaustive()
    }
}

impl<P: Projection> Drop for Watch<P> {
    fn drop(&mut self) {
        let mut apps = self.feed.apps();
        if let Some(watched) = apps.get_mut(&self.app_id) {
            watched.readers -= 1;
            if watched.readers == 0 {
                apps.remove(&self.app_id);
            }
        }
        drop(apps);
        // The feeder drops apps that are no longer read.
        self.feed.tell();
    }
}
