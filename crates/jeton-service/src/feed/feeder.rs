//! The one reader of the change log that feeds all readers of a feed.

use super::page::PAGE_ENTRIES;
use super::position::FeedPosition;
use super::{Feed, Projection};
use crate::apps::OpenApp;
use crate::{Error, Service};
use jeton_core::{AppId, AppKey};
use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// How soon to look again for what an open transaction of another was still in the way of, at first.
const SHORT_PAUSE: Duration = Duration::from_millis(20);
/// The same in the end, and after a failure.
const LONG_PAUSE: Duration = Duration::from_millis(250);

impl Service {
    /// Feeds the readers of a feed until `stop` completes; then they end. Nobody begins to read before and afterwards. To
    /// be run once for each feed, beside [`follow_changes`](Self::follow_changes), which tells it what is new.
    pub(crate) async fn feed<P: Projection>(&self, feed: &Feed<P>, stop: impl Future<Output = ()>) {
        let _fed = Fed::begin(feed);
        let mut feeder = Feeder { service: self, feed, position: None, pause: SHORT_PAUSE };
        let feeding = async {
            let mut is_failing = false;
            loop {
                let step = feeder.step().await;
                match &step {
                    Ok(()) if is_failing => tracing::info!("{} are fed again", P::READERS),
                    Err(error) if !is_failing => tracing::error!("{} cannot be fed: {error}", P::READERS),
                    Ok(()) | Err(_) => {}
                }
                is_failing = step.is_err();
                if is_failing {
                    tokio::time::sleep(LONG_PAUSE).await;
                }
            }
        };
        tokio::select! {
            biased;
            () = stop => {}
            () = feeding => {}
        }
    }
}

/// Tells the readers that somebody feeds them, and when nobody does any more.
struct Fed<'a, P: Projection>(&'a Feed<P>);

impl<'a, P: Projection> Fed<'a, P> {
    fn begin(feed: &'a Feed<P>) -> Self {
        feed.ring().set_fed(true);
        Fed(feed)
    }
}

impl<P: Projection> Drop for Fed<'_, P> {
    fn drop(&mut self) {
        self.0.ring().set_fed(false);
        self.0.tell();
    }
}

struct Feeder<'a, P: Projection> {
    service: &'a Service,
    feed: &'a Feed<P>,
    /// Up to where the log was read; `None`: there are no readers.
    position: Option<FeedPosition>,
    /// How soon to look again where nothing was found.
    pause: Duration,
}

impl<P: Projection> Feeder<'_, P> {
    /// Reads what is next, or waits for it.
    async fn step(&mut self) -> Result<(), Error> {
        let feed = self.feed;
        let (mut changes, mut readers) = (self.service.watch_changes(), feed.news.subscribe());
        changes.mark_unchanged();
        readers.mark_unchanged();
        let watched: Vec<(AppId, AppKey)> =
            feed.apps().iter().map(|(id, watched)| (*id, watched.key.clone())).collect();
        if watched.is_empty() {
            if self.position.take().is_some() {
                feed.ring().end_run();
            }
            // The sender is never gone: it is the service's.
            drop(readers.changed().await);
            return Ok(());
        }
        let apps = Arc::new(self.open(watched).await?);
        let Some(position) = self.position else {
            let position = self.service.log_end().await?;
            feed.ring().begin_run(position);
            feed.tell();
            self.position = Some(position);
            return Ok(());
        };
        let Some(entries) = self.service.feed_page::<P>(position, &apps, None).await? else {
            // Readers find out by themselves why.
            self.position = None;
            feed.ring().end_run();
            feed.tell();
            return Ok(());
        };
        // Their data keys are not held while nothing happens.
        drop(apps);
        if let Some(last) = entries.last() {
            self.position = Some(FeedPosition { sequence: last.sequence, ..position });
            self.pause = SHORT_PAUSE;
            let is_full = entries.len() >= PAGE_ENTRIES as usize;
            feed.ring().push(entries);
            feed.tell();
            if is_full {
                return Ok(());
            }
        }
        feed.ring().drop_old();
        if tokio::time::timeout(self.pause, changes.changed()).await.is_ok() {
            self.pause = SHORT_PAUSE;
        } else {
            self.pause = LONG_PAUSE.min(self.pause * 2);
        }
        Ok(())
    }

    /// The apps with their keys as they are now. Those that are there no more are left out: their readers end.
    async fn open(&self, watched: Vec<(AppId, AppKey)>) -> Result<HashMap<AppId, Arc<OpenApp>>, Error> {
        let mut apps = HashMap::with_capacity(watched.len());
        for (id, key) in watched {
            if let Some(app) = self.service.open_app(&key).await?.filter(|app| app.id == id) {
                apps.insert(id, app);
            }
        }
        Ok(apps)
    }
}
