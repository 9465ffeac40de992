//! Gateways, each with the file that its users get.

use crate::{Lines, caddy, envoy, haproxy, nginx};
use rustix::process::{Pid, Signal, kill_process};
use std::fmt::Display;
use std::fs::{self, Permissions};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// How many of its processes or threads serve, where that has to be said: as many as a small machine has processors.
const WORKERS: &str = "2";
/// Where nobody is, for who is not asked.
const NOBODY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9);

/// The file for HAProxy before several servers.
const BALANCER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/high-availability/haproxy.cfg");

const RECIPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/gateways");

/// A kind of gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `nginx.conf`.
    Nginx,
    /// `Caddyfile`.
    Caddy,
    /// `envoy.yaml`.
    Envoy,
    /// `haproxy.cfg`, with `jeton.lua`.
    Haproxy,
}

/// Where a gateway stands: where clients come to it, and what lies behind it.
#[derive(Clone, Copy, Debug)]
struct Ways {
    front: SocketAddr,
    /// `None`: nobody is asked.
    jeton: Option<SocketAddr>,
    api: SocketAddr,
}

/// A running gateway. Dropping it stops it, and shows what it has said if a test has failed.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    log: Lines,
    front: SocketAddr,
    _folder: TempDir,
}

/// A file of a recipe, as it stands in the repository.
///
/// # Panics
/// There is none of this name.
pub fn recipe(name: &str) -> String {
    fs::read_to_string(format!("{RECIPES}/{name}")).unwrap_or_else(|error| panic!("{name}: {error}"))
}

impl Kind {
    /// Each of them.
    pub const ALL: [Kind; 4] = [Kind::Nginx, Kind::Caddy, Kind::Envoy, Kind::Haproxy];

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Nginx => "nginx",
            Kind::Caddy => "Caddy",
            Kind::Envoy => "Envoy",
            Kind::Haproxy => "HAProxy",
        }
    }

    /// Where this kind writes the request that it asks about: `forward_auth.source`.
    pub fn source(self) -> &'static str {
        match self {
            Kind::Nginx | Kind::Haproxy => "x-original",
            Kind::Caddy => "x-forwarded",
            Kind::Envoy => "request",
        }
    }

    /// What it says once it answers; `None`: from the first connection that it accepts.
    fn ready(self) -> Option<&'static str> {
        match self {
            Kind::Nginx | Kind::Haproxy => None,
            Kind::Caddy => Some("serving initial configuration"),
            Kind::Envoy => Some("all dependencies initialized"),
        }
    }

    /// From where to where its recipe asks Jeton, and what stands there if it asks nobody.
    fn question(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Kind::Nginx => {
                ("auth_request /_jeton;", "proxy_http_version", "proxy_pass http://api;\n        ")
            }
            Kind::Caddy => ("\t\treverse_proxy 127.0.0.1:8080", "\t\treverse_proxy 127.0.0.1:9000", ""),
            Kind::Envoy => ("- name: envoy.filters.http.ext_authz", "- name: envoy.filters.http.router", ""),
            Kind::Haproxy => ("http-request lua.jeton", "http-request set-header X-Auth-App", ""),
        }
    }

    /// Its recipe's main file, with these texts in place of those that it tells its users to replace.
    fn filled(self, name: &str, ways: Ways, places: &[(&str, String)]) -> String {
        let (from, to, instead) = self.question();
        let whole = recipe(name);
        let (before, question, after) = parted(&whole, from, to);
        let text = match ways.jeton {
            Some(_) => whole.clone(),
            None => format!("{before}{instead}{after}"),
        };
        places.iter().fold(text, |text, (place, with)| {
            let is_asked = question.contains(place) && ways.jeton.is_none();
            assert!(is_asked || text.contains(place), "{place} is nowhere in {name}");
            text.replace(place, with)
        })
    }

    /// The command that runs one, with its files in `folder`.
    fn command(self, folder: &Path, ways: Ways) -> Command {
        let behind = ways.behind();
        let places = |front: &[(&'static str, String)]| [&behind[..], front].concat();
        match self {
            Kind::Nginx => {
                let front = [("127.0.0.1:8000", ways.front.to_string())];
                write(folder, "jeton.conf", &self.filled("nginx.conf", ways, &places(&front)));
                let whole = write(folder, "nginx.conf", &around_nginx(folder));
                let mut command = Command::new(nginx());
                command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(whole);
                command
            }
            Kind::Caddy => {
                // The rest of the file is about sites; where Caddy's own administration listens is about the machine.
                let front = [
                    ("http://:8000", format!("http://:{}", ways.front.port())),
                    ("bind 127.0.0.1", format!("bind {}", ways.front.ip())),
                ];
                let text =
                    format!("{{\n\tadmin off\n}}\n{}", self.filled("Caddyfile", ways, &places(&front)));
                let file = write(folder, "Caddyfile", &text);
                let mut command = Command::new(caddy());
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
                command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
                command
            }
            Kind::Envoy => {
                let address = |ip: &dyn Display, port| format!("address: {ip}, port_value: {port}");
                let jeton = ways.jeton.unwrap_or(NOBODY);
                let places = [(8_000, ways.front), (8_080, jeton), (9_000, ways.api)];
                let places =
                    places.map(|(port, way)| (address(&"127.0.0.1", port), address(&way.ip(), way.port())));
                let places = places.each_ref().map(|(place, with)| (place.as_str(), with.clone()));
                let file = write(folder, "envoy.yaml", &self.filled("envoy.yaml", ways, &places));
                let mut command = Command::new(envoy());
                command.args(["--disable-hot-restart", "--concurrency", WORKERS, "--config-path"]).arg(file);
                command
            }
            Kind::Haproxy => {
                let script = write(folder, "jeton.lua", &recipe("jeton.lua"));
                let front = [
                    ("127.0.0.1:8000", ways.front.to_string()),
                    ("/etc/haproxy/jeton.lua", script.display().to_string()),
                ];
                let file = write(folder, "haproxy.cfg", &self.filled("haproxy.cfg", ways, &places(&front)));
                let mut command = Command::new(haproxy());
                command.args(["-db", "-f"]).arg(file);
                command
            }
        }
    }
}

impl Ways {
    fn between(jeton: Option<SocketAddr>, api: SocketAddr) -> Self {
        Ways { front: own_address(), jeton, api }
    }

    /// What lies behind it, in place of what recipes name.
    fn behind(&self) -> [(&'static str, String); 2] {
        let jeton = self.jeton.unwrap_or(NOBODY);
        [("127.0.0.1:8080", jeton.to_string()), ("127.0.0.1:9000", self.api.to_string())]
    }
}

/// An address that nothing else of this machine uses.
///
/// # Panics
/// There is none.
pub fn own_address() -> SocketAddr {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let own = Ipv4Addr::new(127, high | 128, low, NEXT.fetch_add(1, Ordering::Relaxed));
    let free = TcpListener::bind((own, 0)).and_then(|listener| listener.local_addr());
    free.unwrap_or_else(|error| panic!("{own}: {error}"))
}

/// A text up to a mark, from there up to another one, and the rest.
fn parted<'a>(text: &'a str, from: &str, to: &str) -> (&'a str, &'a str, &'a str) {
    let place = |mark: &str, after: usize| {
        let found = text[after..].find(mark).map(|place| after + place);
        found.unwrap_or_else(|| panic!("{mark} is nowhere in {text}"))
    };
    let begin = place(from, 0);
    let end = place(to, begin);
    (&text[..begin], &text[begin..end], &text[end..])
}

impl Gateway {
    /// One before an API, which asks Jeton about each request as its recipe says; or nobody, where none is named.
    ///
    /// # Panics
    /// There is no such program, or it does not start.
    pub fn start(kind: Kind, jeton: Option<SocketAddr>, api: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
        // Where root runs the tests, nginx serves as somebody else.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755))
            .unwrap_or_else(|error| panic!("{}: {error}", folder.path().display()));
        let ways = Ways::between(jeton, api);
        let command = kind.command(folder.path(), ways);
        Gateway::launch(command, ways.front, kind.ready(), folder)
    }

    /// HAProxy before three servers of Jeton, as its file for high availability (`deploy/high-availability/`) says.
    ///
    /// # Panics
    /// There is no such program, or it does not start.
    pub fn before(servers: [SocketAddr; 3]) -> Self {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
        let front = own_address();
        let text = fs::read_to_string(BALANCER).unwrap_or_else(|error| panic!("{BALANCER}: {error}"));
        let places = [(8_000, front), (8_001, servers[0]), (8_002, servers[1]), (8_003, servers[2])];
        let text = places.iter().fold(text, |text, (port, with)| {
            let place = format!("127.0.0.1:{port}");
            assert!(text.contains(&place), "{place} is nowhere in {BALANCER}");
            text.replace(&place, &with.to_string())
        });
        let file = write(folder.path(), "haproxy.cfg", &text);
        let mut command = Command::new(haproxy());
        command.args(["-db", "-f"]).arg(file);
        Gateway::launch(command, front, None, folder)
    }

    fn launch(mut command: Command, front: SocketAddr, ready: Option<&str>, folder: TempDir) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let log = Lines::of(child.stderr.take().expect("standard error is piped"));
        if let Some(mark) = ready {
            log.rest_of_line(mark);
        }
        while TcpStream::connect(front).is_err() {
            assert!(matches!(child.try_wait(), Ok(None)), "{command:?}: {}", log.to_end());
            thread::park_timeout(Duration::from_millis(5));
        }
        Gateway { child, log, front, _folder: folder }
    }

    /// Where clients come to it.
    pub fn front(&self) -> SocketAddr {
        self.front
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // What nginx's first process has started ends with it only if it is asked. It fails only if it has ended.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        drop(self.child.wait());
        if thread::panicking() {
            drop(std::io::stderr().write_all(self.log.to_end().as_bytes()));
        }
    }
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    path
}

/// What a distribution's own `nginx.conf` has around the recipe, for an nginx that is nobody's service.
fn around_nginx(folder: &Path) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {folder}/{what};\n"))
        .concat();
    format!(
        "daemon off;\nworker_processes {WORKERS};\npid {folder}/nginx.pid;\nerror_log stderr error;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}include {folder}/jeton.conf;\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_without_its_question_asks_nobody_and_is_otherwise_the_same() {
        for (kind, name) in [
            (Kind::Nginx, "nginx.conf"),
            (Kind::Caddy, "Caddyfile"),
            (Kind::Envoy, "envoy.yaml"),
            (Kind::Haproxy, "haproxy.cfg"),
        ] {
            let ways = |jeton| Ways { front: NOBODY, jeton, api: NOBODY };
            let (whole, cut) = (recipe(name), kind.filled(name, ways(None), &[]));
            assert_eq!(kind.filled(name, ways(Some(NOBODY)), &[]), whole);
            let (from, to, instead) = kind.question();
            let (before, question, after) = parted(&whole, from, to);
            assert_eq!(cut, format!("{before}{instead}{after}"));
            assert!(question.lines().count() < whole.lines().count() / 2, "{name}: {question}");
        }
    }

    #[test]
    #[should_panic(expected = "elsewhere is nowhere in haproxy.cfg")]
    fn what_a_recipe_does_not_name_is_not_replaced_in_silence() {
        let ways = Ways { front: NOBODY, jeton: None, api: NOBODY };
        Kind::Haproxy.filled("haproxy.cfg", ways, &[("elsewhere", String::new())]);
    }
}
