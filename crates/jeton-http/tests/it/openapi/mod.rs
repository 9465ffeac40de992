//! What `docs/openapi` says, held against what is answered.

mod document;
mod examples;
mod pages;
mod routes;
mod schema;

pub(crate) use document::{admin_operations, assert_described, read};
