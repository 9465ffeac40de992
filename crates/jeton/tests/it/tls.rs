//! `jeton serve` with a certificate of its own.

use crate::support::{Installation, Sandbox, Server, finish, launch, run};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Asks the address with Python's own TLS, which trusts this certificate alone.
const ASK: &str = "
import ssl, sys, urllib.request
trust = ssl.create_default_context(cafile=sys.argv[2])
request = urllib.request.Request(sys.argv[1], headers={'Authorization': 'Bearer ' + sys.argv[3]})
with urllib.request.urlopen(request, context=trust) as answer:
    print(answer.status)
";

/// A certificate for loopback and its key, in files.
pub(crate) fn pair(sandbox: &Sandbox) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let certificate = sandbox.scratch("cert.pem", &made.cert.pem());
    let key = sandbox.scratch("key.pem", &made.signing_key.serialize_pem());
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    (certificate, key)
}

#[test]
fn beyond_loopback_tls_is_enough() {
    if jeton_testkit::skips("Python") {
        return;
    }
    let installation = Installation::sqlite();
    let (certificate, key) = pair(&installation.sandbox);
    let arguments = ["--listen", "0.0.0.0:0", "--tls-cert", &certificate, "--tls-key", &key];
    let mut server = Server::start(&installation.sandbox, &arguments);
    let url = format!("https://127.0.0.1:{}/AccessToken/demo", server.address.port());
    let token = installation.credential("admin_token");
    let mut ask = Command::new(jeton_testkit::python());
    assert_eq!(run(ask.args(["-c", ASK, &url, &certificate, token]), "").done(), "200\n");
    let log = server.stop();
    assert!(log.contains(" listening on https://0.0.0.0:"), "{log}");
    assert!(log.contains(" admin listening on http://127.0.0.1:"), "{log}");
}

#[test]
fn the_admin_address_has_a_certificate_of_its_own_or_that_of_the_public_one() {
    if jeton_testkit::skips("Python") {
        return;
    }
    let installation = Installation::sqlite();
    let (certificate, key) = pair(&installation.sandbox);
    let ask = |server: &Server| {
        let url = format!("https://127.0.0.1:{}/admin/v1/apps", server.admin_address.port());
        let mut ask = Command::new(jeton_testkit::python());
        let operator = installation.credential("operator_token");
        run(ask.args(["-c", ASK, &url, &certificate, operator]), "").done().clone()
    };
    let shared = ["--admin-listen", "0.0.0.0:0", "--tls-cert", &certificate, "--tls-key", &key];
    let mut server = Server::start(&installation.sandbox, &shared);
    assert_eq!(ask(&server), "200\n");
    assert!(server.stop().contains(" admin listening on https://0.0.0.0:"));
    let mut command = installation.sandbox.command(&["serve", "--admin-listen", "127.0.0.1:0"]);
    command.env("JETON_ADMIN_TLS_CERT", &certificate).env("JETON_ADMIN_TLS_KEY", &key);
    let mut server = Server::launched(&mut command);
    assert_eq!(ask(&server), "200\n");
    let log = server.stop();
    assert!(log.contains(" listening on http://127.0.0.1:"), "{log}");
    assert!(log.contains(" admin listening on https://127.0.0.1:"), "{log}");
    let sandbox = &installation.sandbox;
    let serve = |arguments: &[&str]| finish(launch(sandbox.command(&["serve"]).args(arguments)));
    serve(&["--admin-listen", "0.0.0.0:0"]).fails(2, "admin_tls_cert");
}

#[test]
fn what_cannot_be_used_is_said_before_anything_is_made() {
    let sandbox = Sandbox::sqlite();
    let (certificate, key) = pair(&sandbox);
    let serve = |arguments: &[&str]| finish(launch(sandbox.command(&["serve"]).args(arguments)));
    serve(&["--tls-cert", &certificate]).fails(2, "--tls-key");
    serve(&["--tls-cert", &certificate, "--tls-key", &key, "--behind-proxy"]).fails(2, "--behind-proxy");
    serve(&["--tls-cert", &certificate, "--tls-key", "/nowhere/key"]).fails(3, "/nowhere/key cannot be read");
    serve(&["--tls-cert", &key, "--tls-key", &key]).fails(3, "contains no certificate");
    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    serve(&["--tls-cert", &certificate, "--tls-key", &key]).fails(3, "chmod 600");
    assert!(!sandbox.data_dir().exists());
}
