//! The one reader of the change log that serves all readers of a feed.

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

/// The first delay before reading again when another's open transaction holds entries back.
const SHORT_PAUSE: Duration = Duration::from_millis(20);
/// The longest such delay, also after a failure.
const LONG_PAUSE: Duration = Duration::from_millis(250);

impl Service {
    /// Feeds the readers of a feed until `stop` completes; then they end. Reading cannot begin before or
    /// afterwards. Run it once for each feed, alongside [`follow_changes`](Self::follow_changes), which
    /// notifies it of new entries.
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

/// Marks the feed as fed until it is dropped.
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
    /// The position up to which the log was read; `None`: there are no readers.
    position: Option<FeedPosition>,
    /// The delay before reading again if nothing was found.
    pause: Duration,
}

impl<P: Projection> Feeder<'_, P> {
    /// Reads the next entries, or waits for them.
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
            // The sender is never gone: it belongs to the service.
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
            // Readers find out the reason by themselves.
            self.position = None;
            feed.ring().end_run();
            feed.tell();
            return Ok(());
        };
        // Data keys are not held while nothing happens.
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

    /// The apps with their current data keys. Deleted ones are left out: their readers end.
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
