//! Published OAuth libraries against a server with TLS, which their standard demands.

use crate::support::{Installation, Server, run, text};
use crate::tls::pair;
use std::process::Command;

const OPENID_CLIENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oauth/openid_client_check.js");
const RESOURCE_SERVER: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/oauth/resource_server_check.py");

/// A server, where it is, and the file of its certificate.
fn served(installation: &Installation) -> (Server, String, String) {
    let (certificate, key) = pair(&installation.sandbox);
    let server = Server::start(&installation.sandbox, &["--tls-cert", &certificate, "--tls-key", &key]);
    let issuer = format!("https://{}", server.address);
    (server, issuer, certificate)
}

fn token(installation: &Installation, arguments: &[&str]) -> String {
    let create = [&["token", "create", "--app", "demo"], arguments].concat();
    text(&installation.sandbox.json(&create), "access_token").to_owned()
}

#[test]
fn openid_client_finds_introspects_and_revokes() {
    if jeton_testkit::skips("Node.js") {
        return;
    }
    let installation = Installation::sqlite();
    let token = token(&installation, &["--user-id", "7", "--permissions", "read", "--expires-in-days", "1"]);
    let (_server, issuer, certificate) = served(&installation);
    let (id, secret) = (installation.credential("client_id"), installation.credential("client_secret"));
    let mut command = Command::new("node");
    command.args([OPENID_CLIENT, &issuer, id, secret, &token]);
    command.env("PACKAGES_DIR", jeton_testkit::node()).env("NODE_EXTRA_CA_CERTS", certificate);
    assert_eq!(run(&mut command, "").stdout, "passed\n");
}

#[test]
fn authlib_guards_resources() {
    if jeton_testkit::skips("Python") {
        return;
    }
    let installation = Installation::sqlite();
    let reader = token(&installation, &["--permissions", "read"]);
    let nobody = token(&installation, &["--user-id", "8"]);
    let (_server, issuer, certificate) = served(&installation);
    let (id, secret) = (installation.credential("client_id"), installation.credential("client_secret"));
    let mut command = Command::new(jeton_testkit::python());
    command.args([RESOURCE_SERVER, &issuer, &certificate, id, secret, &reader, &nobody]);
    assert_eq!(run(&mut command, "").done(), "passed\n");
}
