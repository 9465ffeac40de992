//! One stream.

use super::Slot;
use super::event::RowEvent;
use super::judge::MAX_STREAM_PATTERN_BYTES;
use super::projection::Rows;
use super::rights::Rights;
use crate::apps::OpenApp;
use crate::feed::{FeedEnd, FeedPosition, Reader};
use crate::loopback::caller::LoopBackCaller;
use crate::work::too_costly;
use crate::{Error, Service};
use jeton_loopback::Condition;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// For how long a stream may be silent: proxies take what is silent for longer for dead.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a stream tells.
#[derive(Debug)]
pub enum StreamItem {
    /// Where the client wanted to go on is no place that is known any more: what happened since is not told. The client
    /// reads the rows anew; the stream goes on with what happens from this position on.
    Gap(FeedPosition),
    /// What happened, in its order.
    Events(Vec<Arc<RowEvent>>),
    /// Nothing happened for a while. Everything up to this position was told.
    Heartbeat(FeedPosition),
    /// This was the last.
    End(StreamEnd),
}

/// Why a stream ends. In every case the client may open another and go on from its position, if it is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The caller may not read it any more.
    Denied,
    /// The client did not keep up.
    Slow,
    /// Everything was replaced by what a backup holds, or the log was cut before it was told.
    Replaced,
    /// The server stops.
    Stopping,
    /// Its condition takes too much work for a row.
    Costly,
    /// It could not be found out what comes next.
    Unavailable,
}

impl StreamEnd {
    /// A stable name for it.
    pub const fn name(self) -> &'static str {
        match self {
            StreamEnd::Denied => "denied",
            StreamEnd::Slow => "slow",
            StreamEnd::Replaced => "replaced",
            StreamEnd::Stopping => "stopping",
            StreamEnd::Costly => "costly",
            StreamEnd::Unavailable => "unavailable",
        }
    }
}

/// What happens to the rows of an app, as it happens. Dropping it is its end.
#[derive(Debug)]
pub struct RowStream {
    pub(super) service: Service,
    pub(super) app: OpenApp,
    caller: LoopBackCaller,
    pub(super) condition: Arc<Condition>,
    pub(super) rights: Rights,
    /// Behind what was told or passed over last.
    pub(super) reader: Reader<Rows>,
    /// Whether the client has to be told first that something is missing.
    has_gap: bool,
    is_over: bool,
    quiet_since: Instant,
    _slot: Slot,
}

impl Service {
    /// Opens a stream of what happens to the rows of an app from now on, or after `since`, if that is said. `caller` was let
    /// in to it and is asked before each event whether it still would be. Of rows that are there only those are told that
    /// `condition` means.
    ///
    /// `None`: there are as many streams as there may be.
    ///
    /// # Errors
    /// It could not be opened, also because its condition is larger than [`MAX_STREAM_PATTERN_BYTES`].
    pub async fn loopback_stream(
        &self,
        app: &OpenApp,
        caller: &LoopBackCaller,
        condition: Condition,
        since: Option<&str>,
    ) -> Result<Option<RowStream>, Error> {
        if condition.pattern_bytes() > MAX_STREAM_PATTERN_BYTES {
            return Err(too_costly(&self.limits));
        }
        if !self.streams.feed.is_fed() {
            return Err(Error::Busy);
        }
        let Some(slot) = self.streams.place(self.limits.streams) else { return Ok(None) };
        // What is no position is one that nobody knows.
        let position = since.and_then(|since| since.parse().ok());
        let (reader, is_known) = Reader::begin(self, app, self.streams.feed.watch(app), position).await?;
        Ok(Some(RowStream {
            service: self.clone(),
            app: app.clone(),
            caller: caller.clone(),
            condition: Arc::new(condition),
            rights: Rights::default(),
            reader,
            has_gap: since.is_some() && !is_known,
            is_over: false,
            quiet_since: Instant::now(),
            _slot: slot,
        }))
    }
}

impl RowStream {
    /// What is told next; waits until there is something. `None`: it has ended.
    pub async fn next(&mut self) -> Option<StreamItem> {
        if self.is_over {
            return None;
        }
        let item = match self.advance().await {
            Ok(item) => item,
            Err(Error::TooCostly { .. }) => StreamItem::End(StreamEnd::Costly),
            Err(error) => {
                // Where that comes from is said once, by who feeds the streams or follows the log, not by each of them.
                tracing::debug!(route = "/api/accessTokens", "a change stream ends: {error}");
                StreamItem::End(StreamEnd::Unavailable)
            }
        };
        self.quiet_since = Instant::now();
        let measures = &self.service.streams.measures;
        match &item {
            StreamItem::End(end) => {
                self.is_over = true;
                match end {
                    StreamEnd::Slow => measures.slow.increment(),
                    StreamEnd::Denied => measures.denied.increment(),
                    StreamEnd::Replaced
                    | StreamEnd::Stopping
                    | StreamEnd::Costly
                    | StreamEnd::Unavailable => {}
                }
            }
            StreamItem::Events(events) => measures.events.add(events.len() as u64),
            StreamItem::Gap(_) | StreamItem::Heartbeat(_) => {}
        }
        Some(item)
    }

    async fn advance(&mut self) -> Result<StreamItem, Error> {
        loop {
            let mut batch = match self.reader.read().await? {
                Ok(batch) => batch,
                Err(end) => return Ok(StreamItem::End(end.into())),
            };
            batch.events = self.wanted(batch.events).await?;
            // After the rows were read and before any is told: who was told of a removal gets nothing that comes later.
            if !self.rights.hold(&self.service, &self.app, &self.caller).await? {
                return Ok(StreamItem::End(StreamEnd::Denied));
            }
            if std::mem::take(&mut self.has_gap) {
                return Ok(StreamItem::Gap(self.reader.position()));
            }
            let has_moved = self.reader.pass(&batch);
            if !batch.events.is_empty() {
                return Ok(StreamItem::Events(batch.events));
            }
            if !has_moved && self.wait().await {
                return Ok(StreamItem::Heartbeat(self.reader.position()));
            }
        }
    }

    /// Waits for something new. True: it was quiet for so long that this has to be told.
    async fn wait(&mut self) -> bool {
        let beat = self.quiet_since + HEARTBEAT;
        if Instant::now() >= beat {
            return true;
        }
        let mut until = beat;
        if let Some(expire_at) = self.rights.expire_at() {
            let left = u64::try_from(expire_at.millis_since(self.service.now())).unwrap_or(0);
            until = until.min(Instant::now() + Duration::from_millis(left));
        }
        !self.reader.wait(until).await && Instant::now() >= beat
    }
}

impl From<FeedEnd> for StreamEnd {
    fn from(end: FeedEnd) -> Self {
        match end {
            FeedEnd::Slow => StreamEnd::Slow,
            FeedEnd::Replaced => StreamEnd::Replaced,
            FeedEnd::Stopping => StreamEnd::Stopping,
        }
    }
}
