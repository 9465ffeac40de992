//! HTTP/2 as published clients speak it, on both addresses.

use crate::support::{Installation, Server, run};
use crate::tls::pair;
use rustix::process::{Signal, kill_process};
use std::process::{Command, Stdio};

/// Asks 50 questions at a time on one connection, then sends a body, and reads a list.
const ASK: &str = "
const http2 = require('http2'), fs = require('fs');
const [url, ca, token] = process.argv.slice(1);
const client = http2.connect(url, {ca: fs.readFileSync(ca)});
client.on('error', error => { throw error; });
const ask = (method, path, body) => new Promise((done, fail) => {
  const stream = client.request({':method': method, ':path': path, 'authorization': 'Bearer ' + token,
    'content-type': 'application/json'});
  let status, text = '';
  stream.on('response', headers => { status = headers[':status']; });
  stream.setEncoding('utf8').on('data', part => { text += part; }).on('error', fail);
  stream.on('end', () => done([status, text]));
  stream.end(body);
});
(async () => {
  const many = await Promise.all(Array.from({length: 50}, () => ask('GET', '/AccessToken/demo')));
  console.log(new Set(many.map(([status]) => status)), many.every(([, text]) => text === many[0][1]));
  const [made, text] = await ask('POST', '/AccessToken/demo', JSON.stringify({title: 'x'.repeat(200)}));
  console.log(made, JSON.parse(text).code);
  console.log((await ask('GET', '/AccessToken/demo'))[1].includes('xxx'), (await ask('GET', '/nowhere'))[0]);
  client.close();
})();
";

/// Leaves a request unfinished until the server says goodbye, and finishes it then.
const STAY: &str = "
const http2 = require('http2'), fs = require('fs');
const [url, ca, token] = process.argv.slice(1);
const client = http2.connect(url, {ca: fs.readFileSync(ca)});
const stream = client.request({':method': 'POST', ':path': '/AccessToken/demo',
  'authorization': 'Bearer ' + token, 'content-type': 'application/json'});
stream.write('{');
const ping = then => client.ping(error => { if (error) throw error; then(); });
client.on('connect', () => ping(() => ping(() => console.log('begun'))));
client.once('goaway', code => { console.log('goodbye', code); stream.end('}'); });
stream.on('response', headers => console.log(headers[':status']));
stream.resume().on('end', () => console.log('whole'));
";

fn served(certificate: &str, key: &str, installation: &Installation) -> Server {
    let mut command = installation.sandbox.command(&["serve", "--tls-cert", certificate, "--tls-key", key]);
    command.env("JETON_ADMIN_TLS_CERT", certificate).env("JETON_ADMIN_TLS_KEY", key);
    Server::launched(&mut command)
}

#[test]
fn curl_is_served_on_both_addresses() {
    let installation = Installation::sqlite();
    let (certificate, key) = pair(&installation.sandbox);
    let mut server = served(&certificate, &key, &installation);
    let curl = |arguments: &[&str], url: &str| {
        let mut command = Command::new("curl");
        command.args(["-sS", "--cacert", &certificate, "-o", "/dev/null"]);
        command.args(["-w", "%{http_version} %{response_code}"]).args(arguments).arg(url);
        run(&mut command, "").done().clone()
    };
    let (public, admin) =
        (format!("https://{}", server.address), format!("https://{}", server.admin_address));
    let manager = format!("Authorization: Bearer {}", installation.credential("admin_token"));
    let operator = format!("Authorization: Bearer {}", installation.credential("operator_token"));
    assert_eq!(curl(&["-H", &manager], &format!("{public}/AccessToken/demo")), "2 200");
    assert_eq!(curl(&["--http1.1", "-H", &manager], &format!("{public}/AccessToken/demo")), "1.1 200");
    assert_eq!(curl(&[], &format!("{public}/auth/demo")), "2 401");
    let body = format!(r#"{{"title":"{}"}}"#, "x".repeat(150));
    let post = ["-H", &manager, "-H", "Content-Type: application/json", "-d", &body];
    assert_eq!(curl(&post, &format!("{public}/AccessToken/demo")), "2 200");
    assert_eq!(curl(&["-H", &operator], &format!("{admin}/admin/v1/apps")), "2 200");
    assert_eq!(curl(&["-H", "Host: evil.example"], &format!("{admin}/console/sign-in")), {
        curl(&["--http1.1", "-H", "Host: evil.example"], &format!("{admin}/console/sign-in"))
            .replace("1.1 ", "2 ")
    });
    // Beyond what is read of a body: the answer comes all the same.
    let large = installation.sandbox.scratch("large.json", &"x".repeat(3_000_000));
    let post = ["-H", &manager, "-H", "Content-Type: application/json", "-d", &format!("@{large}")];
    assert_eq!(curl(&post, &format!("{public}/AccessToken/demo")), "2 413");
    // In clear there is no other protocol.
    let log = server.stop();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn node_is_served_side_by_side() {
    if jeton_testkit::skips("Node.js") {
        return;
    }
    let installation = Installation::sqlite();
    let (certificate, key) = pair(&installation.sandbox);
    let server = served(&certificate, &key, &installation);
    let mut node = Command::new("node");
    let url = format!("https://{}", server.address);
    node.args(["-e", ASK, &url, &certificate, installation.credential("admin_token")]);
    assert_eq!(run(&mut node, "").done(), "Set(1) { 200 } true\n200 200\ntrue 404\n");
}

#[test]
fn a_signal_to_stop_is_a_goodbye_and_requests_finish() {
    if jeton_testkit::skips("Node.js") {
        return;
    }
    let installation = Installation::sqlite();
    let (certificate, key) = pair(&installation.sandbox);
    let mut server = served(&certificate, &key, &installation);
    let mut node = Command::new("node");
    let url = format!("https://{}", server.address);
    node.args(["-e", STAY, &url, &certificate, installation.credential("admin_token")]);
    let mut node = node.stdout(Stdio::piped()).spawn().unwrap();
    let said = jeton_testkit::Lines::of(node.stdout.take().unwrap());
    said.wait_for("begun");
    kill_process(server.pid(), Signal::TERM).unwrap();
    assert_eq!(said.to_end().lines().last(), Some("whole"));
    assert!(node.wait().unwrap().success());
    assert_eq!(server.wait().code, Some(0));
}
