//! The one reader that feeds all streams.

use super::page::PAGE_ENTRIES;
use super::position::StreamPosition;
use crate::apps::OpenApp;
use crate::{Service, Unavailable};
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
    /// Feeds the change streams until `stop` completes; then they end. No stream is opened before and afterwards. To be run
    /// once for each service, beside [`follow_changes`](Self::follow_changes), which tells it what is new.
    pub async fn feed_streams(&self, stop: impl Future<Output = ()>) {
        let _fed = Fed::begin(self);
        let mut feed = Feed { service: self, position: None, pause: SHORT_PAUSE };
        let feeding = async {
            let mut is_failing = false;
            loop {
                let step = feed.step().await;
                match &step {
                    Ok(()) if is_failing => tracing::info!("change streams are fed again"),
                    Err(error) if !is_failing => tracing::error!("change streams cannot be fed: {error}"),
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

/// Tells the streams that there is a feed, and when there is none any more.
struct Fed<'a>(&'a Service);

impl<'a> Fed<'a> {
    fn begin(service: &'a Service) -> Self {
        service.streams.ring().set_fed(true);
        Fed(service)
    }
}

impl Drop for Fed<'_> {
    fn drop(&mut self) {
        self.0.streams.ring().set_fed(false);
        self.0.streams.tell();
    }
}

struct Feed<'a> {
    service: &'a Service,
    /// Up to where the log was read; `None`: nobody reads any stream.
    position: Option<StreamPosition>,
    /// How soon to look again where nothing was found.
    pause: Duration,
}

impl Feed<'_> {
    /// Reads what is next, or waits for it.
    async fn step(&mut self) -> Result<(), Unavailable> {
        let streams = &self.service.streams;
        let (mut changes, mut readers) = (self.service.watch_changes(), streams.news.subscribe());
        changes.mark_unchanged();
        readers.mark_unchanged();
        let watched: Vec<(AppId, AppKey)> =
            streams.apps().iter().map(|(id, watched)| (*id, watched.key.clone())).collect();
        if watched.is_empty() {
            if self.position.take().is_some() {
                streams.ring().end_run();
            }
            // The sender is never gone: it is the service's.
            drop(readers.changed().await);
            return Ok(());
        }
        let apps = Arc::new(self.open(watched).await?);
        let Some(position) = self.position else {
            let position = self.service.stream_end().await?;
            streams.ring().begin_run(position);
            streams.tell();
            self.position = Some(position);
            return Ok(());
        };
        let Some(entries) = self.service.stream_page(position, &apps, None).await? else {
            // Streams find out by themselves why.
            self.position = None;
            streams.ring().end_run();
            streams.tell();
            return Ok(());
        };
        // Their data keys are not held while nothing happens.
        drop(apps);
        if let Some(last) = entries.last() {
            self.position = Some(StreamPosition { sequence: last.sequence, ..position });
            self.pause = SHORT_PAUSE;
            let is_full = entries.len() >= PAGE_ENTRIES as usize;
            streams.ring().push(entries);
            streams.tell();
            if is_full {
                return Ok(());
            }
        }
        streams.ring().drop_old();
        if tokio::time::timeout(self.pause, changes.changed()).await.is_ok() {
            self.pause = SHORT_PAUSE;
        } else {
            self.pause = LONG_PAUSE.min(self.pause * 2);
        }
        Ok(())
    }

    /// The apps with their keys as they are now. Those that are there no more are left out: their streams end.
    async fn open(&self, watched: Vec<(AppId, AppKey)>) -> Result<HashMap<AppId, Arc<OpenApp>>, Unavailable> {
        let mut apps = HashMap::with_capacity(watched.len());
        for (id, key) in watched {
            if let Some(app) = self.service.open_app(&key).await?.filter(|app| app.id == id) {
                apps.insert(id, app);
            }
        }
        Ok(apps)
    }
}
