//! The HTTP surface of Jeton.
//!
//! A surface is a room: one folder, and one entry in the table of its listener (`listeners.rs`). It reads requests, asks
//! the [`Service`], and writes answers in its own shape, errors included. No surface knows another, nothing that serves
//! them knows one by name, and no handler sees the store.

#![deny(missing_docs)]

mod admin;
mod appkey;
mod auth;
mod dotide;
mod elsewhere;
mod endpoint;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod health;
mod listeners;
mod log_throttle;
mod loopback;
mod metrics;
mod normalise;
mod oauth;
mod observe;
mod overload;
mod readiness;
mod route;
mod server;
mod site;
mod state;
mod transport;
mod verify;

pub use observe::{Observed, Observer, RequestLog, request_id};
pub use readiness::{Phase, Readiness};
pub use server::{HeadMeasures, Listener, ServerLimits, ServerMeasures, Tls, TlsError};
pub use site::{Site, serve};
pub use state::{PublicUrl, Setup};
pub use transport::body::BodyLimits;
pub use transport::instant::rfc3339;
pub use transport::members::{nearest, read_json, unknown as unknown_member};
pub use transport::object::Object;

use jeton_service::Service;

/// What serves clients: everything that they may see of the service.
pub fn public(service: Service, setup: Setup) -> Site {
    Site::new(service, setup, listeners::PUBLIC)
}

/// What serves operators and machines, on the admin address.
pub fn admin(service: Service, setup: Setup) -> Site {
    Site::new(service, setup, listeners::ADMIN)
}
