//! The load of a server: requests and bodies in progress, and whether there is room for more.

use super::body::held_of;
use super::head::HeadError;
use super::limits::ServerLimits;
use super::measures::ServerMeasures;
use super::stage::Connection;
use crate::log_throttle::LogThrottle;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One in this many connections may have a head that is longer than usual.
const LONG_HEAD_SHARE: usize = 8;

/// For each of the reserved kinds, one in this many of the common places is added.
const KEPT_SHARE: usize = 4;

/// The places that a request may take, judging by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// None needed: it takes no time, and if it were refused, the process would be restarted or traffic sent
    /// elsewhere.
    Free,
    /// The common ones.
    Common,
    /// If no common place is free, one reserved for look-ups of forward-auth.
    Gateway,
    /// If no common place is free, one reserved for requests with credentials: nothing is done here without
    /// valid ones.
    Credentials,
    /// The same if much is done without valid ones, too: a request that proves nothing must then give it up,
    /// see [`HeldPlace`].
    PerhapsNamed,
}

/// A connection may have one in this many of the places that are free, beyond the first request of it: however
/// many connections take what they can, some stay free, and what a further one finds is as much as each has.
const FREE_SHARE: usize = 2;

/// What a request in progress occupies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Place {
    #[default]
    None = 0,
    Common = 1,
    OfGateways = 2,
    OfCredentials = 3,
}

impl Place {
    pub(super) fn of(number: u8) -> Place {
        let all = [Place::None, Place::Common, Place::OfGateways, Place::OfCredentials];
        all.into_iter().find(|place| *place as u8 == number).unwrap_or_default()
    }
}

/// Requests and bodies at this moment. Every request comes through here, so it consists of counters only.
#[derive(Debug)]
pub(super) struct Load {
    requests: Places,
    gateways: Places,
    credentials: Places,
    /// Streams beyond the first of their connections.
    streams: Places,
    long_heads: Places,
    body_bytes: AtomicUsize,
    body_bytes_at_most: usize,
    refusals: LogThrottle,
    large_heads: LogThrottle,
    bad_heads: LogThrottle,
    floods: LogThrottle,
    measures: Arc<ServerMeasures>,
}

#[derive(Debug)]
struct Places {
    taken: AtomicUsize,
    at_most: usize,
}

impl Places {
    fn new(at_most: usize) -> Self {
        Places { taken: AtomicUsize::new(0), at_most }
    }

    fn take(&self) -> bool {
        let has_room = self.taken.fetch_add(1, Ordering::Relaxed) < self.at_most;
        if !has_room {
            self.give_back();
        }
        has_room
    }

    /// The same for what has some already, among the first `at_most`.
    fn take_further(&self, has: usize, at_most: usize) -> bool {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let has_room = has.saturating_mul(FREE_SHARE) < at_most.min(self.at_most).saturating_sub(taken);
        if !has_room {
            self.give_back();
        }
        has_room
    }

    fn give_back(&self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }

    fn are_mostly_taken(&self) -> bool {
        self.taken.load(Ordering::Relaxed) > self.at_most / 2
    }
}

impl Load {
    pub(super) fn new(limits: &ServerLimits, measures: Arc<ServerMeasures>) -> Self {
        let kept = limits.requests.div_ceil(KEPT_SHARE);
        Load {
            requests: Places::new(limits.requests),
            gateways: Places::new(kept),
            credentials: Places::new(kept),
            streams: Places::new(limits.further_streams()),
            long_heads: Places::new(limits.connections.div_ceil(LONG_HEAD_SHARE)),
            body_bytes: AtomicUsize::new(0),
            body_bytes_at_most: limits.bodies_bytes,
            refusals: LogThrottle::new(1),
            large_heads: LogThrottle::new(1),
            bad_heads: LogThrottle::new(1),
            floods: LogThrottle::new(1),
            measures,
        }
    }

    /// Counts bytes of a body, unless there are too many. They are released when their request ends.
    pub(super) fn hold_body(&self, bytes: usize) -> bool {
        let before = self.body_bytes.fetch_add(bytes, Ordering::Relaxed);
        let fits = bytes == 0 || before.saturating_add(bytes) <= self.body_bytes_at_most;
        if !fits {
            self.body_bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.note_refusal("bodies use all the memory that they may");
        }
        fits
    }

    /// Whether bodies use so much that slow ones have to end.
    pub(super) fn is_short_of_memory(&self) -> bool {
        self.body_bytes.load(Ordering::Relaxed) > self.body_bytes_at_most / 2
    }

    /// Whether so many connections had long heads that those which had one cannot be kept open.
    pub(super) fn are_long_heads_many(&self) -> bool {
        self.long_heads.are_mostly_taken()
    }

    /// A place for a request of a connection that has `beside` others in places. `None`: there is none. A
    /// quarter of the common ones is only for those that have no other.
    fn take(&self, claim: Claim, beside: usize) -> Option<Place> {
        let take = |places: &Places, share: usize| {
            if beside == 0 { places.take() } else { places.take_further(beside, share) }
        };
        if claim == Claim::Free {
            return Some(Place::None);
        }
        if take(&self.requests, self.requests.at_most - self.requests.at_most / 4) {
            return Some(Place::Common);
        }
        let kept = match claim {
            Claim::Free | Claim::Common => None,
            Claim::Gateway => take(&self.gateways, usize::MAX).then_some(Place::OfGateways),
            Claim::Credentials | Claim::PerhapsNamed => {
                take(&self.credentials, usize::MAX).then_some(Place::OfCredentials)
            }
        };
        if kept.is_none() {
            self.note_refusal("there are too many requests");
        }
        kept
    }

    fn give_back(&self, place: Place) {
        match place {
            Place::None => {}
            Place::Common => self.requests.give_back(),
            Place::OfGateways => self.gateways.give_back(),
            Place::OfCredentials => self.credentials.give_back(),
        }
    }

    fn note_refusal(&self, reason: &str) {
        self.measures.shed.increment();
        if let Some(kept_back) = self.refusals.pass() {
            tracing::warn!(kept_back, "a request is answered 503: {reason}");
        }
    }

    fn note_crowd(&self) {
        self.measures.shed.increment();
        if let Some(kept_back) = self.refusals.pass() {
            tracing::warn!(kept_back, "a request is refused unread: there are too many beside others");
        }
    }

    /// Records a connection over HTTP/2.
    pub(super) fn note_session(&self) {
        self.measures.http2.increment();
    }

    /// Records a connection that is ended because its client asks for too much.
    pub(super) fn note_flood(&self) {
        self.measures.flooded.increment();
        if let Some(kept_back) = self.floods.pass() {
            tracing::warn!(kept_back, "a connection is closed: its client floods it with HTTP/2 frames");
        }
    }

    fn note_long_head(&self) {
        self.measures.heads.no_room.increment();
        if let Some(kept_back) = self.large_heads.pass() {
            tracing::warn!(kept_back, "a connection is closed: too many others have long heads");
        }
    }

    /// Records a request that is refused for its head. One that is too large may be a visitor with many
    /// cookies, which a gateway then turns away; the others can be sent by anyone at any time.
    pub(super) fn note_head(&self, fault: HeadError) {
        let measures = &self.measures.heads;
        let (counter, throttle) = match fault {
            HeadError::Host => (&measures.host, &self.bad_heads),
            HeadError::Malformed => (&measures.malformed, &self.bad_heads),
            HeadError::TooLarge => (&measures.too_large, &self.large_heads),
        };
        counter.increment();
        let status = fault.status().as_u16();
        match (throttle.pass(), fault) {
            (None, _) => {}
            (Some(kept_back), HeadError::TooLarge) => {
                tracing::warn!(kept_back, "a request is answered {status}: {fault}");
            }
            (Some(kept_back), HeadError::Host | HeadError::Malformed) => {
                tracing::info!(kept_back, "a request is answered {status}: {fault}");
            }
        }
    }

    #[cfg(test)]
    pub(super) fn heads(&self) -> &super::measures::HeadMeasures {
        &self.measures.heads
    }

    #[cfg(test)]
    pub(super) fn measures(&self) -> &ServerMeasures {
        &self.measures
    }

    /// Streams beside others.
    #[cfg(test)]
    pub(super) fn further_streams(&self) -> usize {
        self.streams.taken.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn long_heads(&self) -> usize {
        self.long_heads.taken.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub(super) fn counts(&self) -> (usize, usize) {
        let all = [&self.requests, &self.gateways, &self.credentials];
        let taken = all.iter().map(|places| places.taken.load(Ordering::Relaxed)).sum();
        (taken, self.body_bytes.load(Ordering::Relaxed))
    }
}

/// Room for a long head, which its connection keeps, since buffers do not shrink. Dropping it releases it.
#[derive(Debug)]
pub(super) struct LongHead(Arc<Load>);

impl LongHead {
    /// `None`: there is none.
    pub(super) fn take(load: &Arc<Load>) -> Option<Self> {
        let has_room = load.long_heads.take();
        if !has_room {
            load.note_long_head();
        }
        has_room.then(|| LongHead(Arc::clone(load)))
    }
}

impl Drop for LongHead {
    fn drop(&mut self) {
        self.0.long_heads.give_back();
    }
}

/// Room for a stream beside others on its connection. Dropping it releases it.
#[derive(Debug)]
pub(super) struct FurtherStream(Arc<Load>);

impl FurtherStream {
    /// `None`: there is none on a connection with `open` streams.
    pub(super) fn take(load: &Arc<Load>, open: usize) -> Option<Self> {
        let has_room = load.streams.take_further(open, usize::MAX);
        if !has_room {
            load.note_crowd();
        }
        has_room.then(|| FurtherStream(Arc::clone(load)))
    }
}

impl Drop for FurtherStream {
    fn drop(&mut self) {
        self.0.streams.give_back();
    }
}

/// A request in progress. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Permit(Arc<Connection>);

impl Permit {
    /// Gives a request of a connection a place until the permit is dropped. False: there is none, and it must
    /// be refused.
    pub(super) fn take(connection: &Arc<Connection>, claim: Claim) -> (Self, bool) {
        let place = connection.load.take(claim, connection.places_beside());
        connection.set_place(place.unwrap_or_default());
        (Permit(Arc::clone(connection)), place.is_some())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Permit(connection) = self;
        let load = &connection.load;
        load.give_back(connection.take_place());
        let held = held_of(connection.body_bytes.swap(0, Ordering::Relaxed));
        if held != 0 {
            load.body_bytes.fetch_sub(held, Ordering::Relaxed);
        }
        connection.end_request();
    }
}

/// The request of a connection waits for its client: others may have its place meanwhile, and the connection
/// may be evicted.
pub(super) fn wait_for_client(connection: &Connection) {
    connection.load.give_back(connection.take_place());
    connection.begin_reading();
}

/// The request continues. Without a claim, it only needs to be answered, which needs no place. False: the
/// connection is being closed, or no place is free.
pub(super) fn go_on(connection: &Connection, claim: Option<Claim>) -> bool {
    if !connection.end_reading() {
        return false;
    }
    let beside = connection.places_beside();
    let place = claim.map_or(Some(Place::None), |claim| connection.load.take(claim, beside));
    connection.set_place(place.unwrap_or_default());
    place.is_some()
}

/// The place of a request that may prove its caller.
#[derive(Clone, Debug)]
pub(crate) struct HeldPlace(pub(super) Arc<Connection>);

impl HeldPlace {
    /// Whether it is reserved for requests that prove their caller.
    pub(crate) fn is_kept_for_named(&self) -> bool {
        self.0.place() == Place::OfCredentials
    }
}
