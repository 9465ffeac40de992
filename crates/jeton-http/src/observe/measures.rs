//! What is counted of requests.

use crate::route::Route;
use axum::http::StatusCode;
use jeton_core::{Counter, Histogram};
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
    /// Answers by the class of their status.
    pub(crate) answers: [Counter; CLASSES.len()],
    /// Microseconds from the end of a request's head to the head of its answer.
    pub(crate) latency: Histogram,
}

/// Counts of all requests.
#[derive(Debug)]
pub(crate) struct RequestMeasures([RouteMeasures; Route::ALL.len()]);

impl Default for RequestMeasures {
    fn default() -> Self {
        let route =
            |_| RouteMeasures { answers: Default::default(), latency: Histogram::new(LATENCY_BOUNDS) };
        RequestMeasures(Route::ALL.map(route))
    }
}

impl RequestMeasures {
    pub(crate) fn of(&self, route: Route) -> &RouteMeasures {
        &self.0[route as usize]
    }

    pub(super) fn count(&self, route: Route, status: StatusCode, took: Duration) {
        let measures = self.of(route);
        let class = usize::from(status.as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        measures.answers[class].increment();
        measures.latency.record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }
}
