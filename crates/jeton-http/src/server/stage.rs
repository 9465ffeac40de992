//! The stage of a connection, and its deadline.

use super::limits::ServerLimits;
use super::load::{Load, Place};
use super::streams::Streams;
use futures_util::task::AtomicWaker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence};
use std::task::Context;
use std::time::Duration;
use tokio::time::Instant;

/// The time to drain what a client still sends after the last answer.
const CLOSING_TIME: Duration = Duration::from_secs(2);

/// What a connection is doing. `Head`, `Busy`, `Sending` and `Idle` follow one another in a cycle. `Busy` is
/// interrupted by `Reading` if the body does not arrive with its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Stage {
    /// Only a connection yet, or a handshake.
    New,
    /// A part of a request head has arrived.
    Head,
    /// A request is in progress: its head is complete, its answer is not.
    Busy,
    /// The answer is complete, but not all of it was passed to the system.
    Sending,
    /// The last answer was passed on, and no further request has begun.
    Idle,
    /// The head of a request is complete, and more of its body has to arrive before anything is done.
    Reading,
    /// Nothing more is answered; what the client still sends is read and dropped.
    Closing,
    /// It was closed in favour of others: no more requests are answered.
    Evicted,
}

impl Stage {
    const ALL: [Stage; 8] = [
        Stage::New,
        Stage::Head,
        Stage::Busy,
        Stage::Sending,
        Stage::Idle,
        Stage::Reading,
        Stage::Closing,
        Stage::Evicted,
    ];

    fn of(number: u8) -> Stage {
        Stage::ALL.into_iter().find(|stage| *stage as u8 == number).unwrap_or(Stage::Evicted)
    }
}

/// Why a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Overdue {
    #[error("it began no request in time")]
    New,
    #[error("its request head was not complete in time")]
    Head,
    #[error("it sent no further request")]
    Idle,
    #[error("its client does not read the answer")]
    Write,
    #[error("its client keeps sending data that is not read")]
    Closing,
}

/// One connection as its server sees it, or a stream of one (`streams.rs`). Shared by its socket, its requests
/// and the set of all connections.
///
/// The connection's own task moves it from stage to stage; only [`Connection::evict`] is called by others.
#[derive(Debug)]
pub(super) struct Connection {
    begun: Instant,
    stage: AtomicU8,
    /// Milliseconds from `begun`, plus one, to when the stage was first checked; 0: not yet. Its server
    /// checks each time that the connection has done what it can, so a short request needs the time only
    /// once.
    since: AtomicU64,
    /// Milliseconds from `begun`, plus one, to when the system last accepted a part of an answer and then no
    /// more; 0: it accepts everything.
    stalled: AtomicU64,
    /// Whether a request was answered before its body was read completely.
    has_unread_body: AtomicBool,
    /// Whether a request was ever answered.
    is_proven: AtomicBool,
    /// Whether the connection closes after the current request.
    is_stopping: AtomicBool,
    /// Whether one of its heads took room that only some connections may have.
    has_long_head: AtomicBool,
    /// The load of its server, of which its requests are a part.
    pub(super) load: Arc<Load>,
    /// What its request occupies of that.
    place: AtomicU8,
    /// Bytes received of the request's body.
    pub(super) body_bytes: AtomicUsize,
    /// Whether it speaks HTTP/2, and so says goodbye by itself.
    has_streams: AtomicBool,
    /// What waits to be asked to stop.
    stopping: AtomicWaker,
    pub(super) streams: Streams,
}

impl Connection {
    pub(super) fn new(load: Arc<Load>) -> Self {
        Connection::with(load, Streams::default())
    }

    pub(super) fn with(load: Arc<Load>, streams: Streams) -> Self {
        Connection {
            begun: Instant::now(),
            stage: AtomicU8::new(Stage::New as u8),
            // It waits from the start.
            since: AtomicU64::new(1),
            stalled: AtomicU64::new(0),
            has_unread_body: AtomicBool::new(false),
            is_proven: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
            has_long_head: AtomicBool::new(false),
            load,
            place: AtomicU8::new(Place::None as u8),
            body_bytes: AtomicUsize::new(0),
            has_streams: AtomicBool::new(false),
            stopping: AtomicWaker::new(),
            streams,
        }
    }

    pub(super) fn stage(&self) -> Stage {
        Stage::of(self.stage.load(Ordering::Acquire))
    }

    /// Preparations such as a handshake are complete.
    pub(super) fn opened(&self) {
        self.advance(Stage::New, Stage::New);
    }

    /// It speaks HTTP/2, and waits for its first request. False: it is being closed.
    pub(super) fn open_for_streams(&self) -> bool {
        self.has_streams.store(true, Ordering::Relaxed);
        self.advance(Stage::New, Stage::Idle)
    }

    /// Whether it ends by itself once it is asked to stop.
    pub(super) fn has_streams(&self) -> bool {
        self.has_streams.load(Ordering::Relaxed)
    }

    /// Bytes arrived, in the stage that is returned.
    pub(super) fn received(&self) -> Stage {
        let stage = self.stage();
        if matches!(stage, Stage::New | Stage::Idle) {
            self.advance(stage, Stage::Head);
        }
        stage
    }

    /// The current head takes room that only some connections may have.
    pub(super) fn take_long_head(&self) {
        self.has_long_head.store(true, Ordering::Relaxed);
    }

    /// Whether one of its heads ever took such room.
    pub(super) fn has_long_head(&self) -> bool {
        self.has_long_head.load(Ordering::Relaxed)
    }

    /// A request head is complete. False: the connection is being closed, and the request must not be served.
    pub(super) fn begin_request(&self) -> bool {
        loop {
            let stage = self.stage();
            if stage == Stage::Evicted {
                return false;
            }
            if self.advance(stage, Stage::Busy) {
                return true;
            }
        }
    }

    /// The request cannot continue before more of its body arrives.
    pub(super) fn begin_reading(&self) {
        if self.advance(Stage::Busy, Stage::Reading) {
            self.pause_whole();
        }
    }

    /// The request continues. False: the connection is being closed.
    pub(super) fn end_reading(&self) -> bool {
        self.stage() == Stage::Reading && self.resume_whole() && self.advance(Stage::Reading, Stage::Busy)
    }

    /// What the request occupies in its server.
    pub(super) fn place(&self) -> Place {
        Place::of(self.place.load(Ordering::Relaxed))
    }

    pub(super) fn set_place(&self, place: Place) {
        self.place.store(place as u8, Ordering::Relaxed);
        if place != Place::None {
            self.add_place();
        }
    }

    /// What it occupied, which must be released.
    pub(super) fn take_place(&self) -> Place {
        let place = Place::of(self.place.swap(Place::None as u8, Ordering::Relaxed));
        if place != Place::None {
            self.remove_place();
        }
        place
    }

    /// The answer is complete.
    pub(super) fn end_request(&self) {
        self.advance(Stage::Busy, Stage::Sending);
    }

    /// Everything was passed to the system.
    pub(super) fn flushed(&self) {
        self.stalled.store(0, Ordering::Relaxed);
        if self.stage() == Stage::Sending {
            self.is_proven.store(true, Ordering::Relaxed);
            self.advance(Stage::Sending, Stage::Idle);
        }
    }

    /// One of its streams was answered.
    pub(super) fn answered(&self) {
        self.is_proven.store(true, Ordering::Relaxed);
    }

    /// The rest of a request body is not needed.
    pub(super) fn leave_body(&self) {
        self.has_unread_body.store(true, Ordering::Relaxed);
    }

    /// Nothing more is answered, but what the client still sends is read, lest it lose the last answers. False:
    /// it is being closed.
    pub(super) fn begin_farewell(&self) -> bool {
        let stage = self.stage();
        stage != Stage::Evicted && self.advance(stage, Stage::Closing)
    }

    /// Everything was answered. True: the client may still be sending, and would not get the answer if its
    /// bytes met a closed socket.
    pub(super) fn begin_closing(&self) -> bool {
        let stage = self.stage();
        let is_sending = stage == Stage::Head || self.has_unread_body.load(Ordering::Relaxed);
        is_sending && self.advance(stage, Stage::Closing)
    }

    /// The system accepted a part of an answer.
    pub(super) fn wrote(&self) {
        self.stalled.store(0, Ordering::Relaxed);
    }

    /// The system accepts nothing more for now.
    pub(super) fn stalled(&self) {
        if self.stalled.load(Ordering::Relaxed) == 0 {
            self.stalled.store(self.millis_plus_one(), Ordering::Relaxed);
        }
    }

    /// Whether the system accepts nothing more for now.
    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Relaxed) != 0
    }

    /// Asks the connection to end after the current request.
    pub(super) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Relaxed);
        // A reader of the stage after this, and a reader of this after a change of stage: one of them sees
        // the other.
        fence(Ordering::SeqCst);
        self.stopping.wake();
    }

    /// Whether no further request is wanted; if that changes, the task is woken.
    pub(super) fn poll_stopping(&self, context: &Context<'_>) -> bool {
        self.stopping.register(context.waker());
        self.is_stopping()
    }

    /// Whether no further request is wanted.
    pub(super) fn is_stopping(&self) -> bool {
        fence(Ordering::SeqCst);
        self.is_stopping.load(Ordering::Relaxed)
    }

    /// Closes it for good if no request is in progress, or one that is still being read and has had no
    /// effect: after this returns true, none begins and none continues.
    pub(super) fn evict(&self) -> bool {
        loop {
            let stage = self.stage();
            match stage {
                Stage::Busy | Stage::Sending | Stage::Evicted => return false,
                Stage::New | Stage::Head | Stage::Idle | Stage::Reading | Stage::Closing => {
                    if self.advance(stage, Stage::Evicted) {
                        return true;
                    }
                }
            }
        }
    }

    /// Which of two connections without a request is closed first: the smaller one. Those that never sent a
    /// whole request come before those that did, and then those that have waited longest. `None`: a complete
    /// request is in progress.
    pub(super) fn standing(&self) -> Option<(bool, Instant)> {
        match self.stage() {
            Stage::Busy | Stage::Sending | Stage::Evicted => None,
            Stage::New | Stage::Head | Stage::Idle | Stage::Reading | Stage::Closing => {
                Some((self.is_proven.load(Ordering::Relaxed), self.since()))
            }
        }
    }

    /// Its deadline in this stage, and the violation after it.
    pub(super) fn deadline(&self, limits: &ServerLimits) -> Option<(Instant, Overdue)> {
        let after = |time: Duration, overdue| Some((self.since() + time, overdue));
        let stalled = self.stalled.load(Ordering::Relaxed);
        if stalled != 0 {
            return Some((self.instant(stalled) + limits.write_stall_time, Overdue::Write));
        }
        match self.stage() {
            Stage::New => after(limits.head_time, Overdue::New),
            Stage::Head => after(limits.head_time, Overdue::Head),
            Stage::Idle => after(limits.idle_time, Overdue::Idle),
            Stage::Closing => after(CLOSING_TIME, Overdue::Closing),
            // Bodies have their time limits where they are read, and an answer that cannot be written is
            // stalled.
            Stage::Busy | Stage::Sending | Stage::Reading | Stage::Evicted => None,
        }
    }

    /// False: another call was faster.
    pub(super) fn advance(&self, from: Stage, to: Stage) -> bool {
        self.since.store(0, Ordering::Relaxed);
        self.stage.compare_exchange(from as u8, to as u8, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// When the stage was first checked, which may be now.
    fn since(&self) -> Instant {
        if self.since.load(Ordering::Relaxed) == 0 {
            self.since.store(self.millis_plus_one(), Ordering::Relaxed);
        }
        self.instant(self.since.load(Ordering::Relaxed))
    }

    fn millis_plus_one(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn instant(&self, millis_plus_one: u64) -> Instant {
        self.begun + Duration::from_millis(millis_plus_one.saturating_sub(1))
    }
}
