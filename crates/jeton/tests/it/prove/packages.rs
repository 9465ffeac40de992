//! What `cargo xtask dist` has made, where nothing else is: the package in clean systems of Debian, from its installation to its
//! purge, and the static program in a root directory of its own. The package goes through its life twice: where no systemd runs, and the
//! service is started by the command of its unit, and where systemd starts it.

mod boot;
mod root;

use crate::support::{Run, Server, run, text};
use root::Root;
use rustix::process::geteuid;
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A user without a name.
const NOBODY: &str = "65532:65532";
const USER: &str = "jeton:jeton";
const UNIT: &str = "/usr/lib/systemd/system/jeton.service";
const WANTED: &str = "etc/systemd/system/multi-user.target.wants/jeton.service";
const SETTINGS: &str = "etc/jeton/jeton.toml";
const DATA: &str = "var/lib/jeton";

/// A folder that `cargo xtask prove packages` names.
fn named(variable: &str) -> PathBuf {
    assert!(geteuid().is_root(), "only root may change the root of a process");
    std::env::var_os(variable).unwrap_or_else(|| panic!("cargo xtask prove packages sets {variable}")).into()
}

/// The file of the release with this ending.
fn released(ending: &str) -> PathBuf {
    let files = fs::read_dir(named("JETON_TEST_DIST")).unwrap();
    let mut found =
        files.map(|entry| entry.unwrap().path()).filter(|path| path.to_str().unwrap().ends_with(ending));
    found.next().unwrap_or_else(|| panic!("there is no *{ending}"))
}

#[test]
#[ignore = "needs a release, clean systems and root: cargo xtask prove packages"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn the_package_comes_and_goes() {
    let package = released(".deb");
    for release in ["bookworm", "trixie"] {
        println!("packages: Debian {release}, {}", life(release, &package));
    }
}

/// The whole life of a package in a clean system.
fn life(release: &str, package: &Path) -> String {
    let mut root = Root::of(&named("JETON_TEST_ROOTS").join(release));
    let version = install(&root, package);
    let judged = judge(&root);

    let mut server = start(&root);
    server.says("credentials are in /var/lib/jeton/first-run.json");
    let first: Value = serde_json::from_str(&root.read(&format!("{DATA}/first-run.json"))).unwrap();
    let admin = text(&first, "admin_token");
    assert_eq!(server.ask("GET", "/AccessToken/demo", admin, None).status, 200);
    // As the service's user, a command needs no flag: it reads the settings of the machine.
    let create = ["jeton", "token", "create", "--app", "demo", "--permissions", "read", "--json"];
    let token = root.run_as(USER, &create).json();
    let token = text(&token, "access_token");
    assert_eq!(server.auth(token), 200);
    let url = format!("http://{}", server.address);
    assert_eq!(root.run_as(USER, &["jeton", "healthcheck", "--url", &url]).done(), "ready\n");

    // An upgrade beside the running server, to a package whose settings are others than those that were changed here.
    let changed = format!("{}\n# changed by the administrator\n", root.read(SETTINGS));
    fs::write(root.path(SETTINGS), &changed).unwrap();
    make_newer(&root, package);
    finished(&root.run(&["dpkg", "--force-confold", "--install", "/second.deb"]));
    assert_eq!(server.auth(token), 200, "the old program serves until the service is restarted");
    server.stop();
    root.run(&create).fails(2, "sudo -u '#");
    assert_eq!(root.read(SETTINGS), changed);
    assert_settings_are_private(&root);
    let upgraded = installed_version(&root);
    let mut server = start(&root);
    assert_eq!(server.auth(token), 200);
    server.stop();

    finished(&root.run(&["dpkg", "--remove", "jeton"]));
    assert!(!root.path("usr/bin/jeton").exists() && !root.path(&UNIT[1..]).exists());
    assert_eq!(root.read(SETTINGS), changed);
    let said = finished(&root.run(&["dpkg", "--purge", "jeton"]));
    assert!(said.contains("/var/lib/jeton are kept"), "{said}");
    assert!(!root.path("etc/jeton").exists() && root.path(WANTED).symlink_metadata().is_err());
    assert_eq!(left_of_helper(&root), [""; 0]);
    assert!(root.run(&["getent", "passwd", "jeton"]).code == Some(0), "whose the data is");

    install(&root, package);
    let mut server = start(&root);
    assert_eq!(server.auth(token), 200, "the data outlives a purge");
    server.stop();
    for file in fs::read_dir(root.path(DATA)).unwrap() {
        fs::remove_file(file.unwrap().path()).unwrap();
    }
    finished(&root.run(&["dpkg", "--purge", "jeton"]));
    assert!(!root.path(DATA).exists(), "an empty directory goes");
    boot::live(&mut root);
    format!(
        "{judged}: {version} was installed and started, upgraded to {upgraded} beside the running server, removed, purged and \
         installed again; its first token was good each time. Booted with systemd as process 1, it was also started by a client of its \
         socket, reloaded, and killed while a client waited, who was served"
    )
}

/// Installs the package, and looks at what that has made. The installed version.
fn install(root: &Root, package: &Path) -> String {
    fs::copy(package, root.path("first.deb")).unwrap();
    finished(&root.run(&["dpkg", "--install", "/first.deb"]));
    assert_settings_are_private(root);
    let data = fs::metadata(root.path(DATA)).unwrap();
    assert_eq!((data.permissions().mode() & 0o777, data.uid()), (0o700, root.id("jeton")));
    assert!((1..1_000).contains(&data.uid()), "a user of the system");
    assert!(root.path(WANTED).symlink_metadata().is_ok(), "it starts with the machine");
    let checked = root.run_as(USER, &["jeton", "config", "check", "/etc/jeton/jeton.toml"]);
    assert!(checked.done().contains("settings: 3\n"));
    for page in ["jeton", "jeton-token-create", "jeton-healthcheck"] {
        assert!(root.run(&["man", "--where", page]).done().ends_with(&format!("/{page}.1.gz\n")));
    }
    let strangers = root.run_as(NOBODY, &["jeton", "token", "list", "--app", "demo"]);
    strangers.fails(2, "/etc/jeton/jeton.toml cannot be read");
    installed_version(root)
}

#[track_caller]
fn assert_settings_are_private(root: &Root) {
    let settings = fs::metadata(root.path(SETTINGS)).unwrap();
    let expected = (0o640, 0, root.id("jeton"));
    assert_eq!((settings.permissions().mode() & 0o777, settings.uid(), settings.gid()), expected);
}

fn installed_version(root: &Root) -> String {
    root.run(&["dpkg-query", "--show", "--showformat=${Version}", "jeton"]).done()
}

/// What systemd says of the unit there.
fn judge(root: &Root) -> String {
    let version = root.run(&["systemd-analyze", "--version"]).done();
    let version = version.split_whitespace().nth(1).unwrap().to_owned();
    let socket = UNIT.replace(".service", ".socket");
    let verified = root.run(&["systemd-analyze", "verify", UNIT, &socket]);
    assert_eq!((verified.code, verified.stderr.as_str()), (Some(0), ""), "{verified:?}");
    let judged =
        root.run(&["systemd-analyze", "security", "--offline=true", "--no-pager", "--threshold=20", UNIT]);
    assert_eq!(judged.code, Some(0), "{judged:?}");
    let line = judged.stdout.lines().find_map(|line| line.split_once("exposure level for jeton.service: "));
    let exposure = line.unwrap_or_else(|| panic!("{judged:?}")).1.split_whitespace().next().unwrap();
    format!("systemd {version}, which finds no fault with the units and an exposure of {exposure}")
}

/// Starts the server by the command of its unit, as its user.
fn start(root: &Root) -> Server {
    let unit = root.read(&UNIT[1..]);
    let command = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    let words: Vec<&str> = command.split(' ').collect();
    Server::launched(&mut root.command(USER, &words))
}

/// Puts a package of a later version, with other settings, into the system.
fn make_newer(root: &Root, package: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    let raw = run(Command::new("dpkg-deb").arg("--raw-extract").arg(package).arg(&tree), "");
    raw.done();
    let edit = |path: &str, change: &dyn Fn(String) -> String| {
        let path = tree.join(path);
        let text = fs::read_to_string(&path).unwrap();
        let changed = change(text.clone());
        assert_ne!(changed, text);
        fs::write(&path, changed).unwrap();
    };
    edit("DEBIAN/control", &|text| text.replacen("\nVersion: ", "\nVersion: 99.", 1));
    edit(SETTINGS, &|text| format!("{text}\n# of a later version\n"));
    let place = root.path("second.deb");
    finished(&run(
        Command::new("dpkg-deb").args(["--root-owner-group", "--build"]).arg(&tree).arg(place),
        "",
    ));
}

/// What Debian's helper keeps of the units.
fn left_of_helper(root: &Root) -> Vec<String> {
    let folder = root.path("var/lib/systemd/deb-systemd-helper-enabled");
    let names = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("jeton")).collect()
}

/// What a program has said on its way to success.
#[track_caller]
fn finished(run: &Run) -> String {
    assert_eq!(run.code, Some(0), "{run:#?}");
    format!("{}{}", run.stdout, run.stderr)
}

#[test]
#[ignore = "needs a release and root: cargo xtask prove packages"]
#[expect(clippy::print_stdout, reason = "a proof prints its figures")]
fn the_static_program_needs_nothing() {
    let root = Root::empty();
    let unpacked = root.path("data");
    let archive = released(".tar.gz");
    finished(&run(
        Command::new("tar")
            .arg("-xf")
            .arg(&archive)
            .args(["--strip-components=2", "--wildcards"])
            .arg("--directory")
            .arg(root.path(""))
            .arg("*/bin/jeton"),
        "",
    ));
    fs::create_dir(&unpacked).unwrap();
    std::os::unix::fs::chown(&unpacked, Some(65_532), Some(65_532)).unwrap();
    assert_eq!(fs::read_dir(root.path("")).unwrap().count(), 2, "the program, and a directory for its data");

    let here = ["--data-dir", "/data"];
    let jeton = |words: &[&str]| root.run_as(NOBODY, &[&["/jeton"], words].concat());
    let mut server = Server::launched(&mut root.command(NOBODY, &[&["/jeton", "serve"], &here[..]].concat()));
    let token = jeton(&[&["token", "create", "--app", "demo", "--json"], &here[..]].concat()).json();
    let token = text(&token, "access_token");
    assert_eq!(server.auth(token), 200);
    jeton(&[&["backup", "/data/backup.db"], &here[..]].concat()).done();
    jeton(&[&["restore", "/data/backup.db", "--yes"], &here[..]].concat()).done();
    assert_eq!(server.auth(token), 200);
    // Names are found where there are any.
    let url = format!("http://jeton.test:{}", server.address.port());
    jeton(&["healthcheck", "--url", &url]).fails(4, "jeton.test");
    fs::create_dir(root.path("etc")).unwrap();
    fs::write(root.path("etc/hosts"), "127.0.0.1 jeton.test\n").unwrap();
    assert_eq!(jeton(&["healthcheck", "--url", &url]).done(), "ready\n");
    server.stop();
    let size = fs::metadata(root.path("jeton")).unwrap().len() / 1_000_000;
    println!(
        "packages: the static program ({size} MB), alone in a root directory, served, took commands, made a backup and restored it, and found \
         a name in /etc/hosts"
    );
}
