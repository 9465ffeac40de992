//! `serve`, over real sockets.

mod connections;
mod limits;
mod samples;
mod socket;
mod tls;
