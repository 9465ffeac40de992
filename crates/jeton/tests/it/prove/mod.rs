//! Proofs: what is too long for the gate, at full size. `cargo xtask prove` runs them; the gate runs the same
//! code at a small size.

mod big_list;
mod connection;
mod copy;
mod delegate;
mod disk_full;
mod events;
mod failover;
mod fleet;
mod hostile;
mod keys;
mod kill9;
mod limits;
mod nodes;
mod packages;
mod revoke;
mod rolling;
mod streams;
mod timing;

use std::time::Instant;

#[expect(clippy::disallowed_methods, reason = "how long something takes is what is measured")]
fn now() -> Instant {
    Instant::now()
}
