//! Both engines, held to the same behaviour by one suite, and what only one of them does.

#![expect(clippy::unwrap_used, reason = "what a test cannot unwrap has failed it")]

mod conformance;
mod database;
mod fixture;
mod outage;
mod pooler;
mod postgres;
mod replaced;
mod sqlite;
mod standby;
mod together;
