//! A reader of a feed.

use super::position::FeedPosition;
use super::ring::{Ahead, Batch, RingPlace};
use super::{Feed, Projection, Watch};
use crate::apps::OpenApp;
use crate::{Error, Service};
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// The delay before the log is read again for entries that the feeder has not reached.
const LOG_PAUSE: Duration = Duration::from_millis(250);

/// Why reading ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeedEnd {
    /// The reader did not keep up.
    Slow,
    /// Everything was replaced by a restore, or entries were removed from the log before they were read.
    Replaced,
    /// The service stops.
    Stopping,
}

/// Reads the events of an app as they happen.
pub(crate) struct Reader<P: Projection> {
    service: Service,
    feed: Arc<Feed<P>>,
    app: OpenApp,
    news: watch::Receiver<u64>,
    /// The position after the last entry read.
    position: FeedPosition,
    /// The same in the ring; `None`: it has to be located.
    place: Option<RingPlace>,
    _watch: Watch<P>,
}

impl<P: Projection> fmt::Debug for Reader<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("position", &self.position).finish_non_exhaustive()
    }
}

impl<P: Projection> Reader<P> {
    /// Begins to read the changes of the app of `watch`: those after `since` or, if that is not given or no
    /// longer known, those from now on. Returns whether it begins after `since`.
    ///
    /// # Errors
    ///
    /// The starting position could not be determined.
    pub(crate) async fn begin(
        service: &Service,
        app: &OpenApp,
        watch: Watch<P>,
        since: Option<FeedPosition>,
    ) -> Result<(Self, bool), Error> {
        let feed = Arc::clone(&watch.feed);
        let news = feed.news.subscribe();
        let known = match since {
            Some(position) if service.is_whole_after(position).await? => Some(position),
            Some(_) | None => None,
        };
        let position = match known {
            Some(position) => position,
            None => service.log_end().await?,
        };
        let (service, app) = (service.clone(), app.clone());
        let reader = Reader { service, feed, app, news, position, place: None, _watch: watch };
        Ok((reader, known.is_some()))
    }

    /// The position after the last entry read.
    pub(crate) fn position(&self) -> FeedPosition {
        self.position
    }

    /// The next events, from the ring or from the log, perhaps none. They are returned again until they are
    /// [passed](Self::pass).
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub(crate) async fn read(&mut self) -> Result<Result<Batch<P::Event>, FeedEnd>, Error> {
        self.news.mark_unchanged();
        let place = {
            let ring = self.feed.ring();
            if !ring.is_fed() {
                return Ok(Err(FeedEnd::Stopping));
            }
            let place = self.place.or_else(|| ring.locate(self.position));
            if let Some(place) = place {
                match ring.ahead(place, self.app.id) {
                    Ahead::Over => return Ok(Err(FeedEnd::Stopping)),
                    Ahead::Gone => return Ok(Err(FeedEnd::Slow)),
                    // An entry that was not read for this app: the log has it.
                    Ahead::Entries(batch) if batch.next.is_none() && batch.last.is_none() => None,
                    Ahead::Entries(batch) => return Ok(Ok(batch)),
                    Ahead::Elsewhere => None,
                }
            } else {
                None
            }
        };
        self.place = place;
        self.read_log().await
    }

    async fn read_log(&self) -> Result<Result<Batch<P::Event>, FeedEnd>, Error> {
        let _turn = self.feed.pages.turn(self.app.id).await.map_err(|_| Error::Busy)?;
        let app = self.service.open_app(&self.app.key).await?.filter(|app| app.id == self.app.id);
        let apps: HashMap<_, _> = app.into_iter().map(|app| (app.id, app)).collect();
        let apps = Arc::new(apps);
        let page = self.service.feed_page::<P>(self.position, &apps, Some(self.app.id)).await?;
        let Some(entries) = page else { return Ok(Err(FeedEnd::Replaced)) };
        // What exceeds a batch is read again: pages hold more than a reader may take.
        let mut batch = Batch::default();
        let _taken = entries.iter().take_while(|entry| batch.take(entry, self.app.id)).count();
        Ok(Ok(batch))
    }

    /// Moves past what was read. Returns whether there was anything, delivered or not.
    pub(crate) fn pass(&mut self, batch: &Batch<P::Event>) -> bool {
        if let Some(sequence) = batch.last {
            self.position.sequence = sequence;
        }
        self.place = batch.next;
        batch.last.is_some()
    }

    /// Waits for something new, at most until then, and only briefly if a notification could be missed.
    /// Returns whether there is something.
    pub(crate) async fn wait(&mut self, until: Instant) -> bool {
        let until = match self.place {
            Some(_) => until,
            None => until.min(Instant::now() + LOG_PAUSE),
        };
        tokio::time::timeout_at(until, self.news.changed()).await.is_ok()
    }

    /// Whether its position is in the ring.
    #[cfg(test)]
    pub(crate) fn is_in_the_ring(&self) -> bool {
        self.place.is_some()
    }
}
