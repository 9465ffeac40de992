//! The program as people and machines run it: its command line, its server, its files.

#![expect(clippy::unwrap_used, reason = "what a test cannot unwrap has failed it")]

mod acknowledged;
mod app;
mod backup;
mod bridged;
mod client;
mod completions;
mod config;
mod console;
mod control;
mod copy;
mod database_access;
mod descriptors;
mod doctor;
mod documents;
mod dotide_client;
mod gateways;
mod healthcheck;
mod help;
mod http2;
mod init;
mod key_changes;
mod keys;
mod lifecycle;
mod load;
mod log;
mod loopback_client;
mod loopback_corpus;
mod memory;
mod oauth_clients;
mod openapi;
mod openapi_pages;
mod operator;
mod prove;
mod secrets;
mod self_service_pages;
mod serve;
mod support;
mod systemd;
mod terminal;
mod tls;
mod token;
mod token_input;
mod transfer;
mod usage;
