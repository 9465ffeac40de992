//! `serve`, over real sockets.

mod connections;
mod fast_path;
mod http2;
mod limits;
mod samples;
pub(crate) mod socket;
mod tls;
