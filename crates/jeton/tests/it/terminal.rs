//! What is special in a terminal: the first run, and a secret that is asked for.

use crate::support::{Lines, Run, Sandbox, mode, run, text};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::{Child, Command, Stdio};

/// A command in a terminal of its own. Dropping it kills it.
pub(crate) struct Session {
    child: Child,
    keyboard: File,
    pub(crate) screen: Lines,
}

impl Session {
    pub(crate) fn serve(sandbox: &Sandbox) -> Self {
        Session::start(sandbox, &["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
    }

    pub(crate) fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        Session::start_with(sandbox, arguments, &[])
    }

    /// With these variables in its environment.
    pub(crate) fn start_with(sandbox: &Sandbox, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = sandbox.command(arguments);
        command.envs(variables.iter().copied());
        Session::of(command)
    }

    /// Of any command.
    pub(crate) fn of(mut command: Command) -> Self {
        let controller = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let size = Winsize { ws_row: 50, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&controller, size).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let terminal =
            File::options().read(true).write(true).open(OsStr::from_bytes(name.to_bytes())).unwrap();
        let stream = || Stdio::from(terminal.try_clone().unwrap());
        if !command.get_envs().any(|(name, _)| name == "NO_COLOR") {
            command.env_remove("NO_COLOR");
        }
        let child =
            command.env("TERM", "xterm").stdin(stream()).stdout(stream()).stderr(stream()).spawn().unwrap();
        // The command holds copies of the terminal; while one is open, the screen does not end.
        drop((command, terminal));
        let screen = File::from(controller);
        Session { child, keyboard: screen.try_clone().unwrap(), screen: Lines::of(screen) }
    }

    /// Stops it and returns all that was on the screen.
    pub(crate) fn stop(mut self) -> String {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let screen = self.screen.to_end();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{screen}");
        screen
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Neither fails unless it has ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What the screen shows beside `name`.
fn shown(screen: &str, name: &str) -> String {
    let line = screen.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name}: {screen}")).trim().to_owned()
}

fn in_shell(line: &str) -> Run {
    run(Command::new("bash").args(["-c", line]), "")
}

#[test]
fn a_first_run_shows_what_to_keep_and_what_to_try() {
    let sandbox = Sandbox::sqlite();
    let session = Session::serve(&sandbox);
    session.screen.wait_for("admin listening on http://");
    // Each comment says what its line answers.
    let lines =
        ["# issue a token: 200 and its", "# list the tokens: 200 and what was", "# issue another and ask"]
            .map(|comment| {
                session.screen.wait_for(comment);
                format!("curl{}", session.screen.rest_of_line("curl"))
            });

    // `-w` shows the status; the lines themselves stand as they were printed.
    let with_status = |line: &str| in_shell(&line.replacen("curl ", "curl -w '\\n%{http_code}' ", 1)).done();
    let issued: Value = serde_json::from_str(&in_shell(&lines[0]).done()).unwrap();
    let token = text(&issued["data"], "access_token").to_owned();
    assert!(with_status(&lines[0]).ends_with("\n200"));

    let listed: Value = serde_json::from_str(&in_shell(&lines[1]).done()).unwrap();
    let rows = listed["data"]["data"].as_array().unwrap();
    assert_eq!(rows.iter().filter(|row| row["accessToken"] == token.as_str()).count(), 1, "{listed}");
    assert!(with_status(&lines[1]).ends_with("\n200"));

    let asked = in_shell(&lines[2]).done();
    assert!(asked.starts_with("HTTP/1.1 200 OK\r\n"), "{asked}");
    for header in ["x-auth-app: demo\r\n", "x-auth-token-id: ", "x-auth-user: ", "x-auth-scopes: read\r\n"] {
        assert!(asked.contains(header), "{header}: {asked}");
    }

    let screen = session.stop();
    assert_eq!(shown(&screen, "app "), "demo");
    assert_eq!(screen.matches(&shown(&screen, "operator token ")).count(), 1);
    let app = sandbox.json(&["app", "show", "demo"]);
    assert_eq!(text(&app, "client_id"), shown(&screen, "client id "));
    // The same is in the file, as without a terminal, so that what documents show works in both cases.
    let kept: Value =
        serde_json::from_slice(&std::fs::read(sandbox.file("first-run.json")).unwrap()).unwrap();
    assert_eq!(mode(&sandbox.file("first-run.json")), 0o600);
    for (member, name) in [
        ("client_id", "client id "),
        ("client_secret", "client secret "),
        ("admin_token", "admin token "),
        ("operator_token", "operator token "),
    ] {
        assert_eq!(text(&kept, member), shown(&screen, name));
    }
    assert!(screen.contains(sandbox.file("first-run.json").to_str().unwrap()), "{screen}");
}

#[test]
fn a_later_run_in_a_terminal_shows_no_credentials() {
    let sandbox = Sandbox::sqlite();
    let credentials = sandbox.init();
    let session = Session::serve(&sandbox);
    session.screen.wait_for("admin listening on http://");
    let screen = session.stop();
    assert!(!screen.contains("curl"), "{screen}");
    assert!(!screen.contains(text(&credentials, "admin_token")), "{screen}");
}

/// Whether what is typed at a terminal is shown, as its line discipline says.
fn echoes(session: &Session) -> bool {
    let modes = tcgetattr(&session.keyboard).unwrap().local_modes;
    modes.contains(LocalModes::ECHO | LocalModes::ISIG)
}

#[test]
fn an_interrupted_question_leaves_the_terminal_as_it_was() {
    let sandbox = Sandbox::sqlite();
    sandbox.init();
    let interrupt = |session: &mut Session| {
        kill_process(Pid::from_child(&session.child), Signal::INT).unwrap();
    };
    let end = |session: &mut Session| session.keyboard.write_all(b"\x04").unwrap();
    for (answer, code) in [(&interrupt as &dyn Fn(&mut Session), 4), (&end, 2)] {
        let mut session = Session::start(&sandbox, &["token", "verify", "--app", "demo"]);
        session.screen.wait_for("token (not shown):");
        assert!(!echoes(&session));
        answer(&mut session);
        assert_eq!(session.child.wait().unwrap().code(), Some(code));
        assert!(echoes(&session));
    }
}

#[test]
fn a_secret_is_asked_for_and_not_shown() {
    let sandbox = Sandbox::sqlite();
    sandbox.init();
    let token = sandbox.json(&["token", "create", "--app", "demo", "--permissions", "read"]);
    let token = text(&token, "access_token");
    for (typed, code, reason) in [(token, 0, "-"), ("something else", 1, "unknown")] {
        let arguments = ["token", "verify", "--app", "demo", "--permission", "read"];
        let mut session = Session::start(&sandbox, &arguments);
        session.screen.wait_for("token (not shown):");
        session.keyboard.write_all(format!("{typed}\n").as_bytes()).unwrap();
        let screen = session.screen.to_end();
        assert_eq!(session.child.wait().unwrap().code(), Some(code), "{screen}");
        assert_eq!(shown(&screen, "reason "), reason);
        assert!(!screen.contains(typed), "{screen}");
    }
}
