//! The HTTP surface of Jeton.
//!
//! A surface is a room: one folder, and one entry in the table of its listener (`listeners.rs`). It parses
//! requests, asks the [`Service`], and writes answers in its own shape, errors included. No surface knows
//! another, the server knows none by name, and no handler sees the store.

#![deny(missing_docs)]

mod admin;
mod appkey;
mod auth;
mod browser;
mod console;
mod credentials;
mod delegate;
#[cfg(test)]
mod describe;
mod document;
mod dotide;
mod elsewhere;
mod endpoint;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzz;
mod health;
mod listeners;
mod log_throttle;
mod loopback;
mod metrics;
mod normalise;
mod oauth;
mod observe;
mod openapi;
mod overload;
mod readiness;
mod route;
mod self_service;
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

/// The site of the public listener.
pub fn public(service: Service, setup: Setup) -> Site {
    Site::new(service, setup, listeners::PUBLIC)
}

/// The site of the admin listener, for operators and machines.
pub fn admin(service: Service, setup: Setup) -> Site {
    Site::new(service, setup, listeners::ADMIN)
}
