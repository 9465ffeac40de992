//! Counts of requests.

use axum::http::StatusCode;
use jeton_core::{Counter, Histogram};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The names of the classes of status codes, by their first digit.
pub(crate) const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Upper bounds of the buckets of latencies, in microseconds.
const LATENCY_BOUNDS: &[u64] = &[
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// Counts of the requests of one route.
#[derive(Debug)]
pub(crate) struct RouteMeasures {
    pub(crate) name: &'static str,
    /// Answers by the class of their status.
    pub(crate) answers: [Counter; CLASSES.len()],
    /// Microseconds from the end of a request's head to the head of its answer.
    pub(crate) latency: Histogram,
}

impl RouteMeasures {
    pub(super) fn count(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        self.answers[class].increment();
        self.latency.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}

/// Counts of all requests, by the names of their routes. Each server gets them once, beforehand.
#[derive(Debug, Default)]
pub(crate) struct RequestMeasures(Mutex<Vec<Arc<RouteMeasures>>>);

impl RequestMeasures {
    /// The counts of these names, shared by all that ask for them.
    pub(super) fn of(&self, names: &[&'static str]) -> Arc<[Arc<RouteMeasures>]> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut of = |name: &'static str| {
            if let Some(known) = all.iter().find(|known| known.name == name) {
                return Arc::clone(known);
            }
            let latency = Histogram::new(LATENCY_BOUNDS);
            all.push(Arc::new(RouteMeasures { name, answers: Default::default(), latency }));
            Arc::clone(&all[all.len() - 1])
        };
        names.iter().map(|name| of(name)).collect()
    }

    /// All counts, in the order in which they were first asked for.
    pub(crate) fn all(&self) -> Vec<Arc<RouteMeasures>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
