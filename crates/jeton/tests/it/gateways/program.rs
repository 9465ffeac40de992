//! Gateways, each with the file that its users get.

use crate::support::Lines;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{self, Permissions};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

const RECIPES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/gateways");

/// A kind of gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Nginx,
    Caddy,
    Envoy,
    Haproxy,
}

/// Where a gateway stands: where clients come to it, and what lies behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    front: SocketAddr,
    jeton: SocketAddr,
    api: SocketAddr,
}

/// A running gateway. Dropping it stops it.
pub(super) struct Gateway {
    child: Child,
    log: Lines,
    pub(super) front: SocketAddr,
    _folder: TempDir,
}

/// A file of a recipe, as it stands in the repository.
pub(super) fn recipe(name: &str) -> String {
    fs::read_to_string(format!("{RECIPES}/{name}")).unwrap()
}

impl Kind {
    /// Where this kind writes the request that it asks about: `forward_auth.source`.
    pub(super) fn source(self) -> &'static str {
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

    /// The command that runs one, with its files in `folder`.
    fn command(self, folder: &Path, ways: Ways) -> Command {
        match self {
            Kind::Nginx => {
                write(
                    folder,
                    "jeton.conf",
                    &ways.filled(&recipe("nginx.conf"), &[("127.0.0.1:8000", ways.front.to_string())]),
                );
                let whole = write(folder, "nginx.conf", &around_nginx(folder));
                let mut command = Command::new(jeton_testkit::nginx());
                command.args(["-e", "stderr", "-p"]).arg(folder).arg("-c").arg(whole);
                command
            }
            Kind::Caddy => {
                // The rest of the file is about sites; where Caddy's own administration listens is about the machine.
                let front = [
                    ("http://:8000", format!("http://:{}", ways.front.port())),
                    ("bind 127.0.0.1", format!("bind {}", ways.front.ip())),
                ];
                let text = format!("{{\n\tadmin off\n}}\n{}", ways.filled(&recipe("Caddyfile"), &front));
                let file = write(folder, "Caddyfile", &text);
                let mut command = Command::new(jeton_testkit::caddy());
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(file);
                command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
                command
            }
            Kind::Envoy => {
                let address = |ip: &dyn std::fmt::Display, port| format!("address: {ip}, port_value: {port}");
                let places = [(8_000, ways.front), (8_080, ways.jeton), (9_000, ways.api)];
                let places =
                    places.map(|(port, way)| (address(&"127.0.0.1", port), address(&way.ip(), way.port())));
                let file = write(folder, "envoy.yaml", &replaced(&recipe("envoy.yaml"), &places));
                let mut command = Command::new(jeton_testkit::envoy());
                command.args(["--disable-hot-restart", "--concurrency", "1", "--config-path"]).arg(file);
                command
            }
            Kind::Haproxy => {
                let script = write(folder, "jeton.lua", &recipe("jeton.lua"));
                let front = [
                    ("127.0.0.1:8000", ways.front.to_string()),
                    ("/etc/haproxy/jeton.lua", script.display().to_string()),
                ];
                let file = write(folder, "haproxy.cfg", &ways.filled(&recipe("haproxy.cfg"), &front));
                let mut command = Command::new(jeton_testkit::haproxy());
                command.args(["-db", "-f"]).arg(file);
                command
            }
        }
    }
}

impl Ways {
    /// Clients come to an address that nothing else of this machine uses.
    fn between(jeton: SocketAddr, api: SocketAddr) -> Self {
        static NEXT: AtomicU8 = AtomicU8::new(1);
        let [.., high, low] = std::process::id().to_be_bytes();
        let own = Ipv4Addr::new(127, high | 128, low, NEXT.fetch_add(1, Ordering::Relaxed));
        let front = TcpListener::bind((own, 0)).unwrap().local_addr().unwrap();
        Ways { front, jeton, api }
    }

    /// A recipe with these addresses in place of those that it tells its users to replace.
    fn filled(&self, recipe: &str, front: &[(&str, String)]) -> String {
        let behind = [("127.0.0.1:8080", self.jeton.to_string()), ("127.0.0.1:9000", self.api.to_string())];
        let places = behind.iter().chain(front).map(|(place, text)| ((*place).to_owned(), text.clone()));
        replaced(recipe, &places.collect::<Vec<_>>())
    }
}

/// A recipe with each second text in place of the first, which is there.
fn replaced(recipe: &str, places: &[(String, String)]) -> String {
    places.iter().fold(recipe.to_owned(), |text, (place, with)| {
        assert!(text.contains(place), "{place} is nowhere in {recipe}");
        text.replace(place, with)
    })
}

impl Gateway {
    pub(super) fn start(kind: Kind, jeton: SocketAddr, api: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Where root runs the tests, nginx serves as somebody else.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let ways = Ways::between(jeton, api);
        let mut command = kind.command(folder.path(), ways);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let log = Lines::of(child.stderr.take().unwrap());
        if let Some(mark) = kind.ready() {
            log.rest_of_line(mark);
        }
        while TcpStream::connect(ways.front).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "{kind:?}: {}", log.to_end());
            thread::park_timeout(Duration::from_millis(5));
        }
        Gateway { child, log, front: ways.front, _folder: folder }
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
    fs::write(&path, text).unwrap();
    path
}

/// What a distribution's own `nginx.conf` has around the recipe, for an nginx that is nobody's service.
fn around_nginx(folder: &Path) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {folder}/{what};\n"))
        .concat();
    format!(
        "daemon off;\nworker_processes 1;\npid {folder}/nginx.pid;\nerror_log stderr error;\nevents {{}}\n\
         http {{\naccess_log off;\n{temporary}include {folder}/jeton.conf;\n}}\n"
    )
}
