//! What systemd says and hears: readiness, and sockets that it hands over. And whether the units are in order.

use crate::support::{Installation, Server, request, run};
use rustix::process::{Signal, kill_process};
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::Command;

/// Hears what a service says to its supervisor.
struct Supervisor(UnixDatagram);

impl Supervisor {
    fn hears(&self) -> String {
        let mut bytes = [0; 4_096];
        let length = self.0.recv(&mut bytes).unwrap();
        String::from_utf8(bytes[..length].to_vec()).unwrap()
    }

    /// The next thing that is no sign of life.
    fn news(&self) -> String {
        loop {
            let notice = self.hears();
            if notice.trim() != "WATCHDOG=1" {
                return notice;
            }
        }
    }
}

#[test]
fn a_supervisor_hears_how_a_server_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let supervisor = Supervisor(UnixDatagram::bind(&path).unwrap());
    supervisor.0.set_read_timeout(Some(crate::support::PATIENCE)).unwrap();
    let installation = Installation::sqlite();
    let mut command = installation.sandbox.command(&["serve"]);
    // A watchdog that is long enough for a machine that is busy with other tests.
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "600000");
    let mut server = Server::launched(&mut command);
    assert_eq!(supervisor.news().trim(), "READY=1");
    assert_eq!(request(server.address, "GET", "/readyz", &[], None).status, 200, "ready when it says so");
    for _ in 0..3 {
        assert_eq!(supervisor.hears().trim(), "WATCHDOG=1");
    }
    kill_process(server.pid(), Signal::HUP).unwrap();
    let reloading = supervisor.news();
    assert!(reloading.contains("RELOADING=1\n") && reloading.contains("MONOTONIC_USEC="), "{reloading}");
    assert_eq!(supervisor.news().trim(), "READY=1");
    kill_process(server.pid(), Signal::TERM).unwrap();
    assert_eq!(supervisor.news().trim(), "STOPPING=1");
    assert_eq!(server.wait().code, Some(0));
}

/// A command that is started as systemd starts a service that it hands sockets to: as descriptors 3, 4, ...
fn handing(command: &Command, sockets: &[&TcpListener], names: Option<&str>) -> Command {
    // The shell's own process becomes the service, so that LISTEN_PID is right.
    let mut script = String::new();
    // From high numbers down: a socket may stand where another one has to go.
    for (sandbox, socket) in sockets.iter().enumerate() {
        script.push_str(&format!("exec {}<&{}; ", 20 + sandbox, socket.as_raw_fd()));
    }
    for place in 0..sockets.len() {
        script.push_str(&format!("exec {}<&{}; ", 3 + place, 20 + place));
    }
    script.push_str("LISTEN_PID=$$ exec \"$0\" \"$@\"");
    // Bash, since the descriptors of dash have one digit.
    let mut shell = Command::new("bash");
    shell.arg("-c").arg(script).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.env("LISTEN_FDS", sockets.len().to_string());
    if let Some(names) = names {
        shell.env("LISTEN_FDNAMES", names);
    }
    shell
}

/// A socket that a program started from here inherits.
fn socket() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::io::fcntl_setfd(&listener, rustix::io::FdFlags::empty()).unwrap();
    listener
}

#[test]
fn sockets_that_are_handed_over_are_served() {
    let installation = Installation::sqlite();
    let (one, other) = (socket(), socket());
    let addresses = (one.local_addr().unwrap(), other.local_addr().unwrap());
    let serve = installation.sandbox.command(&["serve"]);
    for (names, expected) in [
        (None, addresses),
        (Some("public:admin"), addresses),
        (Some("admin:public"), (addresses.1, addresses.0)),
    ] {
        let mut server = Server::launched(&mut handing(&serve, &[&one, &other], names));
        assert_eq!((server.address, server.admin_address), expected, "{names:?}");
        assert_eq!(request(server.address, "GET", "/auth/demo", &[], None).status, 401);
        assert_eq!(request(server.admin_address, "GET", "/metrics", &[], None).status, 200, "{names:?}");
        server.stop();
    }
    let mut server = Server::launched(&mut handing(&serve, &[&one], None));
    assert_eq!(server.address, addresses.0);
    assert_ne!(server.admin_address, addresses.1);
    server.stop();
}

#[test]
fn sockets_that_nobody_asked_for_are_refused() {
    let installation = Installation::sqlite();
    let (one, other) = (socket(), socket());
    let serve = installation.sandbox.command(&["serve"]);
    let mut twice = handing(&serve, &[&one, &other], Some("public:public"));
    run(&mut twice, "").fails(2, "2 sockets were inherited");
}

const UNITS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/systemd");

/// The units, for the program that was built.
fn units(folder: &Path) -> [String; 2] {
    let program = crate::support::program();
    let program = program.get_program().to_str().unwrap();
    ["jeton.service", "jeton.socket"].map(|name| {
        let text = std::fs::read_to_string(format!("{UNITS}/{name}")).unwrap();
        let path = folder.join(name);
        std::fs::write(&path, text.replace("/usr/bin/jeton", program)).unwrap();
        path.into_os_string().into_string().unwrap()
    })
}

#[test]
fn the_units_are_in_order_and_give_the_service_little() {
    if jeton_testkit::skips("systemd-analyze") {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let [service, socket] = units(folder.path());
    let mut verify = Command::new("systemd-analyze");
    let verified = run(verify.args(["verify", "--man=no", &service, &socket]), "");
    assert_eq!((verified.code, verified.stderr.as_str()), (Some(0), ""), "{verified:?}");
    let mut judge = Command::new("systemd-analyze");
    // In tenths: 2.0 at most.
    judge.args(["security", "--offline=true", "--no-pager", "--threshold=20", &service]);
    let judged = run(&mut judge, "");
    assert_eq!(judged.code, Some(0), "{judged:?}");
    assert!(judged.stdout.contains("Overall exposure level for jeton.service: "), "{judged:?}");
}

/// systemd 252, Debian 12's, ignores what it does not know, and then does something else than is written there.
#[test]
fn the_service_is_the_same_for_every_systemd() {
    let text = std::fs::read_to_string(format!("{UNITS}/jeton.service")).unwrap();
    let has = |line: &str| text.lines().any(|found| found == line);
    assert!(has("Type=notify") && has("ExecReload=/bin/sh -c 'kill -HUP $MAINPID'"), "{text}");
    let settings = std::fs::read_to_string(format!("{UNITS}/../jeton.toml")).unwrap();
    assert!(
        settings.contains("\ndata_dir = \"/var/lib/jeton\"\n") && has("StateDirectory=jeton"),
        "{settings}"
    );
}
