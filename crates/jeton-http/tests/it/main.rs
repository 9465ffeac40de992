//! The HTTP surface from outside, over a real store. The path of a test is the path of what it tests.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, and says where")]

mod admin;
mod answer;
mod app;
mod appkey;
mod auth;
mod bounds;
mod console;
mod cors;
mod credentials;
mod delegate;
mod descendants;
mod dotide;
mod empty_headers;
mod encodings;
mod failing;
mod forward_auth;
mod health;
mod limits;
mod loopback;
mod method;
mod oauth;
mod observe;
mod openapi;
mod outages;
mod person;
mod policies;
/// Proofs: `cargo xtask prove` runs them and prints their figures; the gate runs the same code.
mod prove {
    mod fault;
}
mod rotation;
mod scenarios;
mod self_service;
mod server;
mod slow_clients;
mod suspended;
mod throttle;
mod users;
mod verify;
