//! nginx as people set it up: it asks forward-auth about each request by `auth_request`, over connections
//! that it keeps, and passes on the length of a body that it does not send. None of its clients ever gets a
//! 500.

use crate::support::{Installation, Lines};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// Clients at a time, each on a connection of its own that stays open.
const CLIENTS: usize = 16;

/// An nginx of its own, on sockets in a folder of its own. Dropping it stops it.
struct Nginx {
    child: Child,
    log: Lines,
    folder: TempDir,
}

impl Nginx {
    fn before(jeton: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Where root runs the tests, nginx serves as somebody else.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let configuration = folder.path().join("nginx.conf");
        fs::write(&configuration, configured(folder.path(), jeton)).unwrap();
        let mut command = Command::new(jeton_testkit::nginx());
        command.args(["-e", "stderr", "-p"]).arg(folder.path()).arg("-c").arg(configuration);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Lines::of(child.stderr.take().unwrap());
        let mut nginx = Nginx { child, log, folder };
        while UnixStream::connect(nginx.front()).is_err() {
            assert!(nginx.child.try_wait().unwrap().is_none(), "{}", nginx.log.to_end());
            thread::park_timeout(Duration::from_millis(5));
        }
        nginx
    }

    /// Where clients reach it.
    fn front(&self) -> PathBuf {
        front(self.folder.path())
    }

    /// Stops it, and says what it had to complain of.
    fn stop(mut self) -> String {
        self.tell(Signal::TERM);
        let log = self.log.to_end();
        assert!(self.child.wait().unwrap().success(), "{log}");
        log
    }

    fn tell(&self, signal: Signal) {
        // Fails only if it has ended.
        let _ = kill_process(Pid::from_child(&self.child), signal);
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Its workers end with it only if it is asked.
        self.tell(Signal::TERM);
        drop(self.child.wait());
    }
}

fn front(folder: &Path) -> PathBuf {
    folder.join("front.sock")
}

/// What is asked for lies behind a second server, so that bodies are passed on there as they are to any
/// backend.
fn configured(folder: &Path, jeton: SocketAddr) -> String {
    let (front, folder) = (front(folder).display().to_string(), folder.display());
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {folder}/{what};\n"))
        .concat();
    format!(
        r#"
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 512; }}
http {{
    access_log off;
    keepalive_requests 1000000;
    {temporary}
    upstream jeton {{ server {jeton}; keepalive 16; }}
    server {{
        listen unix:{front};
        location / {{
            auth_request /_auth;
            proxy_pass http://unix:{folder}/behind.sock;
        }}
        location = /_auth {{
            internal;
            proxy_pass http://jeton/auth/demo?permission=read;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_pass_request_body off;
        }}
    }}
    server {{
        listen unix:{folder}/behind.sock;
        return 200 "served";
    }}
}}
"#
    )
}

/// What clients send besides a head, of which none is for forward-auth: nothing, some of it at once, much,
/// and some of unknown length.
const BODIES: [fn() -> String; 4] = [
    || "\r\n".to_owned(),
    || "Content-Length: 2\r\n\r\n{}".to_owned(),
    || format!("Content-Length: 12000\r\n\r\n{}", "x".repeat(12_000)),
    || "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n".to_owned(),
];

/// The callers, and the answer that each gets.
struct Client<'a> {
    stream: BufReader<UnixStream>,
    secret: &'a str,
}

impl Client<'_> {
    /// The status of the answer to request `number`: every seventh has unknown credentials.
    fn ask(&mut self, number: usize) -> (u16, u16) {
        let (secret, expected) = if number.is_multiple_of(7) { ("nobody", 401) } else { (self.secret, 200) };
        let body = BODIES[number % BODIES.len()]();
        let method = if body == "\r\n" { "GET" } else { "POST" };
        let head = format!("{method} /{number} HTTP/1.1\r\nHost: test\r\nAuthorization: Bearer {secret}\r\n");
        self.stream.get_mut().write_all((head + &body).as_bytes()).unwrap();
        let (mut head, mut line) = (String::new(), String::new());
        while self.stream.read_line(&mut line).unwrap() > 2 {
            head.push_str(&std::mem::take(&mut line));
        }
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
        self.stream.read_exact(&mut vec![0; length.parse().unwrap()]).unwrap();
        (head[9..12].parse().unwrap(), expected)
    }
}

/// So many requests through nginx. Answers a figure.
pub(super) fn behind_nginx(requests: usize) -> String {
    let mut installation = Installation::sqlite().serve();
    let token = installation.sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
    let secret = crate::support::text(&token, "access_token");
    let nginx = Nginx::before(installation.server().address);
    let next = AtomicUsize::new(0);
    let ask = || {
        let stream = UnixStream::connect(nginx.front()).unwrap();
        stream.set_read_timeout(Some(super::PROMPT)).unwrap();
        let mut client = Client { stream: BufReader::new(stream), secret };
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= requests {
                break;
            }
            let (status, expected) = client.ask(number);
            assert_eq!(status, expected, "request {number} of {requests}");
        }
    };
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(ask)).collect();
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
    assert_eq!(nginx.stop(), "", "nginx complains of nothing, not even of what it could mend");
    let log = installation.server.as_mut().unwrap().stop();
    assert!(!log.contains("panicked"), "{log}");
    format!("{requests} requests of {CLIENTS} clients behind nginx, none of them 500")
}

#[test]
fn gateways_that_keep_connections() {
    if !jeton_testkit::skips("nginx") {
        behind_nginx(1_200);
    }
}
