//! Counters, gauges and histograms: atomics that any thread updates and that reports read.
//!
//! The crate that knows a fact counts it, in a struct of these. Names and formats are up to whatever reports
//! them.

use crossbeam_utils::CachePadded;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// The cells over which threads spread their counts: in a single place, each thread would take the cache line
/// from the others, which costs more than much of what is counted.
const CELLS: usize = 16;

/// Numbers in a cache line.
const LINE: usize = 8;

/// The cell of this thread.
fn cell() -> usize {
    thread_local! {
        static CELL: usize = {
            static NEXT: AtomicUsize = AtomicUsize::new(0);
            NEXT.fetch_add(1, Relaxed) % CELLS
        };
    }
    CELL.with(|cell| *cell)
}

/// A counter, which only grows. Takes 2 KiB.
#[derive(Debug, Default)]
pub struct Counter([CachePadded<AtomicU64>; CELLS]);

impl Counter {
    /// Adds one.
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `count`.
    pub fn add(&self, count: u64) {
        self.0[cell()].fetch_add(count, Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.iter().map(|cell| cell.load(Relaxed)).sum()
    }
}

/// A gauge: a number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Sets the number.
    pub fn set(&self, number: u64) {
        self.0.store(number, Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// A histogram: a count for each of a few bounds, so that recording costs two atomics and memory never grows.
/// Takes 128 bytes for each bound.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// For each cell the sum, a count for each bound, one for values beyond the last bound, and padding to a
    /// full cache line.
    cells: Box<[AtomicU64]>,
    /// Numbers in a cell.
    stride: usize,
}

/// A histogram's values at one instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistogramReading {
    /// Each bound, with the number of values up to it.
    pub buckets: Vec<(u64, u64)>,
    /// The number of values.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

impl Histogram {
    /// A histogram with these bounds, in ascending order.
    pub fn new(bounds: &'static [u64]) -> Self {
        let stride = (bounds.len() + 2).next_multiple_of(LINE);
        let cells = std::iter::repeat_with(AtomicU64::default).take(CELLS * stride).collect();
        Histogram { bounds, cells, stride }
    }

    /// Records a value.
    pub fn record(&self, value: u64) {
        let place = self.bounds.partition_point(|bound| *bound < value);
        let cell = cell() * self.stride;
        self.cells[cell].fetch_add(value, Relaxed);
        self.cells[cell + 1 + place].fetch_add(1, Relaxed);
    }

    /// The recorded values. Those recorded during the call may be missing from the sum or from a count.
    pub fn read(&self) -> HistogramReading {
        let total = |number: usize| -> u64 {
            self.cells.iter().skip(number).step_by(self.stride).map(|number| number.load(Relaxed)).sum()
        };
        let mut count = 0;
        let mut buckets = Vec::with_capacity(self.bounds.len());
        for place in 0..=self.bounds.len() {
            count += total(1 + place);
            if let Some(bound) = self.bounds.get(place) {
                buckets.push((*bound, count));
            }
        }
        HistogramReading { buckets, count, sum: total(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_what_is_below_it() {
        let histogram = Histogram::new(&[10, 20]);
        for value in [0, 10, 11, 20, 21, 1_000] {
            histogram.record(value);
        }
        let reading = histogram.read();
        assert_eq!(reading, HistogramReading { buckets: vec![(10, 2), (20, 4)], count: 6, sum: 1_062 });
    }

    #[test]
    fn counts_from_many_threads_all_count() {
        let (counter, histogram) = (Counter::default(), Histogram::new(&[1]));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..1_000).for_each(|_| (counter.increment(), histogram.record(2)).0));
            }
        });
        assert_eq!((counter.get(), histogram.read().count, histogram.read().sum), (4_000, 4_000, 8_000));
    }
}
