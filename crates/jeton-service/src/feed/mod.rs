//! What changes in the apps, in the order of the change log, for whoever wants to be told as it happens.
//!
//! One feeder reads the change log for all readers of a [`Feed`], and keeps what it read lately in a ring; readers take
//! it from there, so that a change costs the store the same for one reader as for hundreds. What is not in the ring (a
//! reader that goes on where an earlier one was lost, or that begins before the feeder has got there) is read from the
//! log, page by page. A reader holds nothing but its place: one that does not keep up is told so, and may go on from a
//! [`FeedPosition`] later.
//!
//! What is made of a change, once for all readers, is up to the [`Projection`] that a feed is for.

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
use jeton_core::{AppId, AppKey};
use jeton_store::{Change, ChangeKind, Fair, Share, StoredToken};
use ring::Ring;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Readers that read pages of the log at once: what each page holds bounds the memory of all.
const PAGES: Share = Share { places: 4, each: 2, waiting: usize::MAX };

/// What readers of a feed are told of a change in an app.
pub(crate) trait Projection: Send + Sync + 'static {
    /// What is told. It is made once for all readers.
    type Event: fmt::Debug + Send + Sync + 'static;

    /// What the log calls those who are fed.
    const READERS: &'static str;

    /// Whether readers can be told anything of a change of this kind.
    fn tells(kind: ChangeKind) -> bool;

    /// About how many units of work [`event`](Self::event) takes.
    fn units(happened: &Happened<'_>) -> u64;

    /// What readers are told, and about how many bytes of memory that takes; `None`: nothing.
    ///
    /// # Errors
    /// It could not be found out.
    fn event(
        service: &Service,
        app: &OpenApp,
        happened: &Happened<'_>,
    ) -> Result<Option<(Self::Event, usize)>, Error>;
}

/// A change in an app.
#[derive(Debug)]
pub(crate) struct Happened<'a> {
    /// Behind it: who has been told of it goes on from here.
    pub(crate) position: FeedPosition,
    /// Its entry of the log.
    pub(crate) change: &'a Change,
    /// The token that was written, as it is now; `None`: none was, or it is gone by now, which is told later.
    pub(crate) stored: Option<&'a StoredToken>,
}

/// What all readers share.
pub(crate) struct Feed<P: Projection> {
    ring: Mutex<Ring<P::Event>>,
    /// Changes whenever the ring does, and when somebody begins to read an app.
    news: watch::Sender<u64>,
    /// The apps that are read.
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
    /// Whether somebody feeds it. If not, nobody can begin to read.
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

    /// Has the app's changes read from now on.
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

/// That an app's changes are read. Dropping it is the end of that.
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
        // The feeder lets go of what nobody reads any more.
        self.feed.tell();
    }
}
