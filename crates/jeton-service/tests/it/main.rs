//! The use cases over a real store: what no request over HTTP reaches, and what happens at once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and says where")]

mod announcements;
mod apps;
mod backups;
mod cache;
mod counting;
mod credentials;
mod data_key;
mod delegate;
mod delegate_chains;
mod export;
mod fixture;
mod import;
mod initialise;
mod interleavings;
mod keys;
mod limits;
mod log_order;
mod nodes;
mod operators;
mod rekeyed;
mod retention;
mod rotate;
mod sealed;
mod settings;
mod streams;
mod update;
mod verify;
