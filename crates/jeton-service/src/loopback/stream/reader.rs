//! A change stream.

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

/// For how long a stream may be silent: proxies drop connections that are silent for longer.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a stream yields.
#[derive(Debug)]
pub enum StreamItem {
    /// The position from which the client wanted to resume is no longer known, so some changes are missing.
    /// The client should read the rows again; the stream goes on with changes after this position.
    Gap(FeedPosition),
    /// Changes, in order.
    Events(Vec<Arc<RowEvent>>),
    /// Nothing happened for a while. Everything up to this position was delivered.
    Heartbeat(FeedPosition),
    /// The end of the stream.
    End(StreamEnd),
}

/// Why a stream ends. In every case the client may open another and resume from its position, if it is
/// admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StreamEnd {
    /// The caller has lost its rights.
    Denied,
    /// The client did not keep up.
    Slow,
    /// Everything was replaced by a restore, or entries were removed from the log before they were delivered.
    Replaced,
    /// The server stops.
    Stopping,
    /// Its condition takes too much work for a row.
    Costly,
    /// The next changes could not be read.
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

/// The changes of an app's rows as they happen. Dropping it ends it.
#[derive(Debug)]
pub struct RowStream {
    pub(super) service: Service,
    pub(super) app: OpenApp,
    caller: LoopBackCaller,
    pub(super) condition: Arc<Condition>,
    pub(super) rights: Rights,
    /// The position after the last entry that was delivered or skipped.
    pub(super) reader: Reader<Rows>,
    /// Whether a gap has to be reported first.
    has_gap: bool,
    is_over: bool,
    quiet_since: Instant,
    _slot: Slot,
}

impl Service {
    /// Opens a stream of the changes of an app's rows from now on, or after `since`, if that is given.
    /// `caller` was admitted to it, and its rights are checked again before each event. Of existing rows,
    /// only those that match `condition` are delivered.
    ///
    /// `None`: there are as many streams as allowed.
    ///
    /// # Errors
    ///
    /// It could not be opened, for example because its condition is larger than [`MAX_STREAM_PATTERN_BYTES`].
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
        // An invalid position counts as an unknown one.
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
    /// The next item; waits until there is one. `None`: the stream has ended.
    pub async fn next(&mut self) -> Option<StreamItem> {
        if self.is_over {
            return None;
        }
        let item = match self.advance().await {
            Ok(item) => item,
            Err(Error::TooCostly { .. }) => StreamItem::End(StreamEnd::Costly),
            Err(error) => {
                // The cause is logged once, where streams are fed or the log is followed, not by each of
                // them.
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
            // After the rows were read and before any is delivered: a stream that has delivered a removal
            // delivers nothing later.
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

    /// Waits for something new. True: it was quiet for so long that a heartbeat is due.
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
