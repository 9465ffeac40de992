//! What the tests of the other crates share: a PostgreSQL of their own, a way to it that can be cut and one through a pooler,
//! randomness that repeats, a search for leaked secrets, and the commands that the documents name.
//!
//! Only ever a dev-dependency. Where something is missing these functions panic, and the message says what to run:
//! a test that cannot run has failed, except in the fast run, where it says aloud that it was skipped.

#![deny(missing_docs)]

mod canary;
mod entropy;
pub mod markdown;
mod pooler;
mod postgres;
mod run;
mod shell;
mod way;

pub use canary::{Canaries, Sighting};
pub use entropy::SeededEntropy;
pub use pooler::Pooler;
pub use postgres::{Cluster, Suspended};
pub use run::{caddy, envoy, fast, haproxy, nginx, node, pgbouncer, python, say_skipped, skips};
pub use way::{Passage, Way};
