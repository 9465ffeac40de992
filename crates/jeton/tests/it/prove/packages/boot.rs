//! The same system with systemd as its first process, in a container with a network of its own: what a process that merely changes its
//! root cannot show, that the unit works with all that it forbids.

use super::root::Root;
use crate::support::run;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

/// How long all of it may take, in seconds; it takes a few.
const LONGEST: &str = "120";

/// Runs the script once the system is up, and turns it off.
const UNIT: &str = "[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/bin/bash -c 'bash -eux /check.sh > /check.out 2> /check.err; echo $? > /check.code; systemctl poweroff --force --force'
";

/// What an administrator does, and what is expected of it. `/first.deb` and `/second.deb` are there.
const SCRIPT: &str = r#"
status() { # of forward-auth
    exec 3<>/dev/tcp/127.0.0.1/8080
    printf 'GET /auth/demo HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n' "$1" >&3
    read -r -u 3 version status rest
    echo "$status"
    exec 3>&-
}
of() { systemctl show jeton --property="$1" --value; }
is() { [ "$1" = "$2" ] || { echo "$3: $1 instead of $2"; exit 1; }; }

dpkg --install /first.deb
is "$(of ActiveState) $(of Type) $(of User)" "active notify jeton" "installed"
is "$(jeton healthcheck)" ready "as root, by the settings of the machine"
token=$(runuser -u jeton -- jeton token create --app demo --permissions read --json | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
is "$(status "$token") $(status nobody)" "200 401" "asked by a gateway"

process=$(of MainPID)
systemctl reload jeton
is "$(of MainPID) $(of ActiveState)" "$process active" "reloaded"
runuser -u jeton -- jeton backup /var/lib/jeton/backup.db

systemctl stop jeton
is "$(of Result) $(of ExecMainStatus)" "success 0" "stopped"
systemctl enable --quiet --now jeton.socket
# Who comes while nobody serves is served: the socket starts the service.
is "$(status "$token")" 200 "started by a client"
systemctl kill --signal=KILL jeton
is "$(status "$token")" 200 "started again, while a client waited"

dpkg --install /second.deb
is "$(of ActiveState) $(status "$token")" "active 200" "upgraded"
[ "$(of MainPID)" != "$process" ]
dpkg --remove jeton
is "$(systemctl is-active jeton.service jeton.socket || true)" "inactive
inactive" "removed"
dpkg --purge jeton
[ ! -e /etc/jeton ] && [ -e /var/lib/jeton/keys.json ]
echo all of it
"#;

/// Has the script run in the system, and fails with what it has said.
pub(super) fn live(root: &mut Root) {
    // systemd 257 would take it for its own, and wait forever.
    root.unmount();
    fs::write(root.path("check.sh"), SCRIPT).unwrap();
    fs::write(root.path("etc/systemd/system/check.service"), UNIT).unwrap();
    let wanted = root.path("etc/systemd/system/multi-user.target.wants");
    fs::create_dir_all(&wanted).unwrap();
    symlink("/etc/systemd/system/check.service", wanted.join("check.service")).unwrap();
    let mut boot = Command::new("timeout");
    boot.args([
        "--kill-after=5",
        LONGEST,
        "systemd-nspawn",
        "--quiet",
        "--boot",
        "--register=no",
        "--keep-unit",
        "--private-network",
        "--console=pipe",
    ]);
    // Where the machine still has the older control groups, systemd 256 and newer have to be told to put up with them.
    boot.arg("--directory").arg(root.path("")).arg("SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1");
    let booted = run(&mut boot, "");
    let said = ["check.out", "check.err", "check.code"]
        .map(|name| fs::read_to_string(root.path(name)).unwrap_or_default());
    assert!(said[0].ends_with("all of it\n") && said[2] == "0\n", "{said:#?} {booted:#?}");
}
