//! `serve`, over real sockets.

mod connections;
mod fast_path;
mod limits;
mod samples;
pub(crate) mod socket;
mod tls;
