//! `serve`, over real sockets.

mod connections;
mod samples;
mod socket;
