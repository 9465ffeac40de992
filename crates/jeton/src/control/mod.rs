//! How what commands ask for reaches whoever does it: the server beside which they run, or themselves.
//!
//! A running server listens on a Unix socket in the data directory that nobody but its owner can open. A command hands
//! its request over and returns with the answer, so that the answer means that the server has done it: its cache knows
//! too. Where no server listens, the command opens the data itself.

mod client;
mod protocol;
mod server;

pub(crate) use client::ask;
pub(crate) use server::{ControlSocket, bind};
