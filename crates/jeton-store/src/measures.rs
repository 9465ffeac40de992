//! The counters of a store.

use jeton_core::{Counter, Gauge, Histogram};
use std::future::Future;
use tokio::time::Instant;

/// Upper bounds of the buckets of times, in microseconds.
const TIME_BOUNDS: &[u64] = &[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];
/// Upper bounds of the buckets of sizes of groups.
const GROUP_BOUNDS: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256];

/// Counts since the store was opened.
#[derive(Debug)]
pub struct StoreMeasures {
    /// Statements that read.
    pub reads: CallMeasures,
    /// Writes, from the request until they are on disk.
    pub writes: CallMeasures,
    /// How many writes went into one commit, where writes are gathered.
    pub groups: Histogram,
    /// How often the database stopped answering, if it is another process.
    pub outages: Counter,
    /// 1 while it is not asked because it did not answer.
    pub is_cut_off: Gauge,
    /// How many writes were waiting when the writer last began a commit.
    pub waiting_writes: Gauge,
}

/// Counts of one kind of call.
#[derive(Debug)]
pub struct CallMeasures {
    /// The duration of each in microseconds, failed ones included.
    pub time: Histogram,
    /// Those that failed.
    pub failures: Counter,
}

impl Default for StoreMeasures {
    fn default() -> Self {
        let calls = || CallMeasures { time: Histogram::new(TIME_BOUNDS), failures: Counter::default() };
        StoreMeasures {
            reads: calls(),
            writes: calls(),
            groups: Histogram::new(GROUP_BOUNDS),
            outages: Counter::default(),
            is_cut_off: Gauge::default(),
            waiting_writes: Gauge::default(),
        }
    }
}

impl CallMeasures {
    /// Measures a call. One that is dropped is not counted.
    pub(crate) async fn measure<T, E>(&self, call: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let began = Instant::now();
        let result = call.await;
        self.time.record(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX));
        if result.is_err() {
            self.failures.increment();
        }
        result
    }
}
