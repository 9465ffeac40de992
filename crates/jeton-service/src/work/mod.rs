//! Work whose size clients choose: it is metered, cut into slices, and done outside the runtime.
//!
//! Small work is done at once. The rest is done slice by slice on a few threads with low priority; a slice
//! waits for its turn among those of its app, and the apps take turns. So an app's work delays that of others
//! by at most one slice for each of theirs, and verification not at all. The work of an app is limited over
//! time, and work whose result is no longer wanted ends.

mod pace;
mod threads;

use crate::{Error, Limits, Service};
use jeton_core::{AppId, Halt, Meter};
use jeton_store::{Fair, Share, Turn};
use pace::Pace;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use threads::Threads;
use tokio::sync::oneshot;

/// Work of at most this many units is done at once, in the request's own task: that many nanoseconds of the
/// runtime.
const SMALL: u64 = 200_000;
/// The units of a slice, after which a thread turns to another app.
const SLICE: u64 = 2_000_000;
/// The units of the longest step, which is not cut any further: the most by which a slice can be exceeded. A
/// row is such a step.
const STEP: u64 = 32_000_000;
/// At most this many slices of an app wait for a thread.
const MAX_WAITING: usize = 256;
/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(5);

/// The app that the work is for, or none.
pub(crate) type Party = Option<AppId>;

/// Work that is done in slices.
pub(crate) trait Work: Send + 'static {
    /// Continues until it is done, which is true, or the slice is over. A step that was halted is repeated in
    /// the next slice, if there is one.
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<bool, Stop>;
}

/// Why work stops before it is done.
#[derive(Debug)]
pub(crate) enum Stop {
    /// A step exceeds its limit, or the result is no longer wanted.
    Halted,
    /// It failed.
    Unavailable(Error),
}

impl From<Halt> for Stop {
    fn from(_: Halt) -> Self {
        Stop::Halted
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Stop::Unavailable(error)
    }
}

/// A part of some work, done without interruption.
pub(crate) struct Slice<'a> {
    units: u64,
    step: u64,
    spent: u64,
    is_unwanted: &'a (dyn Fn() -> bool + 'a),
}

impl<'a> Slice<'a> {
    fn new(units: u64, step: u64, is_unwanted: &'a (dyn Fn() -> bool + 'a)) -> Self {
        Slice { units, step, spent: 0, is_unwanted }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.spent >= self.units
    }

    /// Charges a step of fixed cost. False: it does not fit this slice, but will fit another.
    pub(crate) fn takes(&mut self, units: u64) -> bool {
        // On a thread any step fits, as long as there is time left.
        let is_small = self.step <= self.units;
        let has_room = if is_small { self.spent + units <= self.units } else { !self.is_over() };
        if has_room {
            self.spent += units;
        }
        has_room
    }

    /// Does a step within its limit, and within the allowance for all of the work.
    pub(crate) fn step<T>(
        &mut self,
        allowance: &Allowance,
        step: impl FnOnce(&mut Meter<'_>) -> Result<T, Halt>,
    ) -> Result<T, Halt> {
        let room = if self.step <= self.units { self.units.saturating_sub(self.spent) } else { self.step };
        let mut meter = Meter::new(room.min(allowance.left())).while_wanted(self.is_unwanted);
        let taken = step(&mut meter);
        self.spent += meter.spent();
        if taken.is_ok() {
            allowance.spend(meter.spent());
        }
        taken
    }
}

/// What a request may still spend on matching. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Allowance(Arc<AtomicU64>);

impl Allowance {
    pub(crate) fn new(units: u64) -> Self {
        Allowance(Arc::new(AtomicU64::new(units)))
    }

    fn left(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn spend(&self, units: u64) {
        let spent = |left: u64| Some(left.saturating_sub(units));
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spent);
    }
}

/// The threads, and the turns on them.
#[derive(Debug)]
pub(crate) struct WorkPool {
    threads: Threads,
    turns: Fair<Party>,
    pace: Pace,
}

impl Default for WorkPool {
    fn default() -> Self {
        // At most half of the machine, whatever its load.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let places = (cores / 2).max(1);
        let turns = Fair::new(Share { places, each: places, waiting: MAX_WAITING });
        WorkPool { threads: Threads::new(places), turns, pace: Pace::default() }
    }
}

impl Service {
    /// A request's allowance.
    pub(crate) fn allowance(&self) -> Allowance {
        Allowance::new(self.limits.match_work)
    }

    /// Does some work of a request and returns it when done. Dropping this ends it.
    ///
    /// # Errors
    ///
    /// It exceeds the limit of a step or its allowance, too much work of the same app is waiting, or it fails
    /// by itself.
    pub(crate) async fn work<W: Work>(&self, party: Party, work: W) -> Result<W, Error> {
        self.work_pool.work(&self.limits, party, work, PATIENCE).await
    }

    /// The same for callers that can wait longer.
    pub(crate) async fn patient_work<W: Work>(
        &self,
        party: Party,
        work: W,
        patience: Duration,
    ) -> Result<W, Error> {
        self.work_pool.work(&self.limits, party, work, patience).await
    }
}

/// The error for too much work.
pub(crate) fn too_costly(limits: &Limits) -> Error {
    Error::TooCostly { request: limits.match_work / 1_000_000, row: STEP / 1_000_000 }
}

impl WorkPool {
    async fn work<W: Work>(
        self: &Arc<Self>,
        limits: &Limits,
        party: Party,
        mut work: W,
        patience: Duration,
    ) -> Result<W, Error> {
        match work.advance(&mut Slice::new(SMALL, SMALL, &|| false)) {
            Ok(true) => return Ok(work),
            Err(Stop::Unavailable(error)) => return Err(error),
            Ok(false) | Err(Stop::Halted) => {}
        }
        loop {
            let turn = tokio::time::timeout(patience, self.turn(party)).await;
            let (back, outcome) = self.slice(limits, turn.map_err(|_| Error::Busy)??, party, work).await?;
            match outcome {
                Ok(true) => return Ok(back),
                Ok(false) => work = back,
                Err(Stop::Unavailable(error)) => return Err(error),
                Err(Stop::Halted) => return Err(too_costly(limits)),
            }
        }
    }

    /// Waits until a slice of the party may be done.
    async fn turn(&self, party: Party) -> Result<Turn<Party>, Error> {
        if let Some(app_id) = party {
            self.pace.wait(app_id).await;
        }
        self.turns.turn(party).await.map_err(|_| Error::Busy)
    }

    /// Does one slice of some work on a thread.
    async fn slice<W: Work>(
        self: &Arc<Self>,
        limits: &Limits,
        turn: Turn<Party>,
        party: Party,
        mut work: W,
    ) -> Result<(W, Result<bool, Stop>), Error> {
        let (done, is_done) = oneshot::channel();
        let pool = Arc::clone(self);
        let (rate, burst) = (limits.match_work_per_second, limits.match_work);
        let task = move || {
            let is_unwanted = || {
                // However low this thread's priority, it would keep its time slice from threads that become
                // runnable meanwhile.
                std::thread::yield_now();
                done.is_closed()
            };
            if done.is_closed() {
                return;
            }
            let mut slice = Slice::new(SLICE, STEP, &is_unwanted);
            let outcome = work.advance(&mut slice);
            let spent = slice.spent;
            if let Some(app_id) = party {
                pool.pace.spend(app_id, spent, rate, burst);
            }
            // The slot is free before the result is announced.
            drop(turn);
            drop(done.send((work, outcome)));
        };
        self.threads.run(Box::new(task)).map_err(|_| Error::Busy)?;
        is_done.await.map_err(|_| Error::Failed)
    }
}

#[cfg(test)]
mod tests;
