//! What the tests of the other crates share: a PostgreSQL of their own, proxies that fail or split, a pooler, gateways as their recipes
//! say, reproducible randomness, a search for leaked secrets, a browser, and the code blocks of documents.
//!
//! Only ever a dev-dependency. Where something is missing these functions panic, and the message says what to
//! run: a test that cannot run has failed, except in the fast run, where it says aloud that it was skipped.

#![deny(missing_docs)]

mod browser;
mod canary;
mod entropy;
pub mod gateway;
mod lines;
pub mod markdown;
mod pooler;
mod postgres;
mod proxy;
mod run;
mod split;

pub use browser::{Browser, Element, Sent};
pub use canary::{Canaries, Sighting};
pub use entropy::SeededEntropy;
pub use lines::Lines;
pub use pooler::Pooler;
pub use postgres::{Cluster, Suspended};
pub use proxy::{FaultyProxy, ProxyMode};
pub use run::{caddy, envoy, fast, haproxy, nginx, node, pgbouncer, prometheus, python, say_skipped, skips};
pub use split::SplitProxy;

/// A value as another one, but for some of it: in one expression, where the update of a struct would have to repeat what is nested.
pub trait With: Sized {
    /// The same, changed so.
    #[must_use]
    fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl<T> With for T {}
