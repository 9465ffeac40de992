//! How a command's request reaches its executor: a running server, or the command's own process.
//!
//! A running server listens on a Unix socket in the data directory that only its owner can open. A command
//! hands its request over and returns with the answer, so the answer means that the server has done it: its
//! cache is up to date, too. Where no server listens, the command opens the data itself.

mod client;
mod protocol;
mod server;

pub(crate) use client::{Executor, Presence, ask, greet, watched};
pub(crate) use protocol::Working;
pub(crate) use server::{ControlSocket, bind};
