//! The package for Debian and what descends from it.

use super::files::{compress, copy, open_folders, put, write};
use super::{Parts, copy_documents};
use crate::error::Error;
use crate::process::{output, run_quietly, written};
use crate::root;
use std::fs;
use std::path::Path;
use std::process::Command;

/// A file of the repository, its place on the system, and its permissions.
const FILES: [(&str, &str, u32); 6] = [
    // It may contain a password: the package's script gives it to the group that reads it.
    ("deploy/jeton.toml", "etc/jeton/jeton.toml", 0o640),
    ("deploy/systemd/jeton.service", "usr/lib/systemd/system/jeton.service", 0o644),
    ("deploy/systemd/jeton.socket", "usr/lib/systemd/system/jeton.socket", 0o644),
    ("deploy/systemd/sysusers.conf", "usr/lib/sysusers.d/jeton.conf", 0o644),
    ("deploy/systemd/tmpfiles.conf", "usr/lib/tmpfiles.d/jeton.conf", 0o644),
    ("deploy/debian/copyright", "usr/share/doc/jeton/copyright", 0o644),
];
/// What dpkg runs when the package comes and goes.
const SCRIPTS: [&str; 3] = ["postinst", "prerm", "postrm"];
/// What an administrator changes, and an upgrade leaves as it is.
const CONFFILES: &str = "/etc/jeton/jeton.toml\n";

/// The packages that the program needs for the libraries that it is linked with.
///
/// # Errors
/// They cannot be found out.
pub(super) fn dependencies(program: &Path, work: &Path) -> Result<String, Error> {
    // The tool wants to be in the source of a package.
    write(&work.join("debian/control"), "Source: jeton\n\nPackage: jeton\nArchitecture: any\n", 0o644)?;
    let mut tool = Command::new("dpkg-shlibdeps");
    tool.arg("-O").arg(program).current_dir(work);
    let printed = output(&mut tool).unwrap_or_default();
    let found = printed.lines().find_map(|line| line.strip_prefix("shlibs:Depends="));
    found
        .map(str::to_owned)
        .ok_or_else(|| Error::Unclear { command: written(&tool), output: printed.clone() })
}

/// Makes the package in the folder `dist`, from a tree in `stage`.
pub(super) fn make(parts: &Parts, depends: &str, stage: &Path, dist: &Path) -> Result<(), Error> {
    fill(parts, stage)?;
    let architecture = output(Command::new("dpkg").arg("--print-architecture"))
        .ok_or_else(|| Error::Missing("`dpkg --print-architecture` does not run.".to_owned()))?;
    let (version, architecture) = (debian_version(parts.version), architecture.trim());
    let size = kibibytes(stage)?.to_string();
    let template = root().join("deploy/debian/control");
    let control = fs::read_to_string(&template)
        .map_err(|source| Error::Files { what: template.display().to_string(), source })?;
    let control = control
        .replace("{version}", &version)
        .replace("{architecture}", architecture)
        .replace("{installed_size}", &size)
        .replace("{depends}", depends);
    let about = stage.join("DEBIAN");
    write(&about.join("control"), &control, 0o644)?;
    write(&about.join("conffiles"), CONFFILES, 0o644)?;
    for script in SCRIPTS {
        put(&root().join("deploy/debian").join(script), &about.join(script), 0o755)?;
    }
    let sum = "find etc usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum > DEBIAN/md5sums && chmod 644 DEBIAN/md5sums";
    run_quietly(Command::new("sh").args(["-ec", sum]).current_dir(stage))?;
    open_folders(stage)?;
    let mut pack = Command::new("dpkg-deb");
    pack.args(["--root-owner-group", "-Zxz", "--build"]).arg(stage);
    pack.arg(dist.join(format!("jeton_{version}_{architecture}.deb")));
    run_quietly(pack.env("SOURCE_DATE_EPOCH", &parts.epoch))
}

/// Puts every file into its place below `stage`.
fn fill(parts: &Parts, stage: &Path) -> Result<(), Error> {
    put(&parts.program, &stage.join("usr/bin/jeton"), 0o755)?;
    for (from, to, mode) in FILES {
        put(&root().join(from), &stage.join(to), mode)?;
    }
    let shared = stage.join("usr/share");
    copy(&parts.manual, &shared.join("man/man1"))?;
    compress(&shared.join("man/man1"))?;
    for (shell, place) in [
        ("bash", "bash-completion/completions/jeton"),
        ("zsh", "zsh/vendor-completions/_jeton"),
        ("fish", "fish/vendor_completions.d/jeton.fish"),
    ] {
        put(&parts.completions.join(shell), &shared.join(place), 0o644)?;
    }
    copy_documents(&shared.join("doc/jeton"), &parts.licences)
}

/// The version as Debian orders it: what leads up to a version comes before it.
fn debian_version(version: &str) -> String {
    version.replacen('-', "~", 1)
}

/// How much room a folder takes.
fn kibibytes(folder: &Path) -> Result<u64, Error> {
    let mut du = Command::new("du");
    du.args(["-sk", "--apparent-size"]).arg(folder);
    let printed = output(&mut du).unwrap_or_default();
    let size = printed.split_whitespace().next().and_then(|size| size.parse().ok());
    size.ok_or_else(|| Error::Unclear { command: written(&du), output: printed.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::tests::parts;
    use std::collections::BTreeMap;

    /// The fields that dpkg reads.
    fn fields(package: &Path) -> BTreeMap<String, String> {
        let printed = output(Command::new("dpkg-deb").arg("--field").arg(package)).expect("it is a package");
        let fields = printed.lines().filter_map(|line| line.split_once(": "));
        fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    #[test]
    fn a_package_has_everything_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let parts = parts(folder.path());
        make(&parts, "libc6 (>= 2.34)", &folder.path().join("stage"), folder.path()).unwrap();
        let architecture = output(Command::new("dpkg").arg("--print-architecture")).unwrap();
        let package = folder.path().join(format!("jeton_1.2.3_{}.deb", architecture.trim()));
        let fields = fields(&package);
        assert_eq!((fields["Package"].as_str(), fields["Version"].as_str()), ("jeton", "1.2.3"));
        assert!(fields["Depends"].starts_with("libc6 (>= 2.34), "), "{fields:?}");
        assert!(fields["Installed-Size"].parse::<u64>().unwrap() > 100);
        let listed = output(Command::new("dpkg-deb").arg("--contents").arg(&package)).unwrap();
        for (mode, path) in [
            ("-rwxr-xr-x root/root", "./usr/bin/jeton"),
            ("-rw-r----- root/root", "./etc/jeton/jeton.toml"),
            ("-rw-r--r-- root/root", "./usr/lib/systemd/system/jeton.service"),
            ("-rw-r--r-- root/root", "./usr/lib/systemd/system/jeton.socket"),
            ("-rw-r--r-- root/root", "./usr/lib/sysusers.d/jeton.conf"),
            ("-rw-r--r-- root/root", "./usr/share/man/man1/jeton.1.gz"),
            ("-rw-r--r-- root/root", "./usr/share/zsh/vendor-completions/_jeton"),
            ("-rw-r--r-- root/root", "./usr/share/doc/jeton/docs/operations.md"),
            ("-rw-r--r-- root/root", "./usr/share/doc/jeton/third-party-licences.txt"),
        ] {
            let line = listed.lines().find(|line| line.ends_with(&format!(" {path}")));
            assert!(line.is_some_and(|line| line.starts_with(mode)), "{path}:\n{listed}");
        }
        let unpacked = folder.path().join("unpacked");
        run_quietly(Command::new("dpkg-deb").arg("--raw-extract").arg(&package).arg(&unpacked)).unwrap();
        run_quietly(Command::new("md5sum").args(["--check", "DEBIAN/md5sums"]).current_dir(&unpacked))
            .unwrap();
        for conffile in CONFFILES.lines() {
            assert!(unpacked.join(conffile.trim_start_matches('/')).is_file(), "{conffile}");
        }
        let control = fs::read_to_string(unpacked.join("DEBIAN/control")).unwrap();
        assert!(!control.contains(['{', '}']), "{control}");
        for script in SCRIPTS {
            run_quietly(Command::new("sh").arg("-n").arg(unpacked.join("DEBIAN").join(script))).unwrap();
        }
    }

    #[test]
    fn the_same_parts_make_the_same_package() {
        let folder = tempfile::tempdir().unwrap();
        let parts = parts(folder.path());
        let made = ["one", "other"].map(|name| {
            let dist = folder.path().join(name);
            fs::create_dir(&dist).unwrap();
            make(&parts, "libc6", &folder.path().join(format!("stage-{name}")), &dist).unwrap();
            let package = fs::read_dir(&dist).unwrap().next().unwrap().unwrap();
            fs::read(package.path()).unwrap()
        });
        assert!(made[0] == made[1], "two packages of the same files differ");
    }

    #[test]
    fn what_leads_up_to_a_version_comes_before_it() {
        assert_eq!(debian_version("1.2.3"), "1.2.3");
        assert_eq!(debian_version("1.2.3-rc.1"), "1.2.3~rc.1");
    }
}
