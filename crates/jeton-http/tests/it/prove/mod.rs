//! Proofs: `cargo xtask prove` runs them and prints their figures; the gate runs the same code.

mod fault;
