//! The archive for every Linux: the static program, and all that belongs to it, as it lies below /usr/local.

use super::files::{copy, open_folders, put, write};
use super::{Parts, copy_documents};
use crate::error::Error;
use crate::process::run_quietly;
use crate::root;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The folder in the archive, and its name without its ending.
pub(super) fn name(version: &str) -> String {
    format!("jeton-{version}-linux-{}", std::env::consts::ARCH)
}

/// Makes the archive in the folder `dist`, from a tree in `stage`.
pub(super) fn make(parts: &Parts, stage: &Path, dist: &Path) -> Result<(), Error> {
    let name = name(parts.version);
    fill(parts, &stage.join(&name))?;
    open_folders(stage)?;
    let mut pack = Command::new("tar");
    pack.args(["--create", "--sort=name", "--owner=0", "--group=0", "--numeric-owner", "--format=gnu"]);
    pack.arg(format!("--mtime=@{}", parts.epoch))
        .args(["--use-compress-program=gzip -9 --no-name", "--file"]);
    pack.arg(dist.join(format!("{name}.tar.gz"))).arg("--directory").arg(stage).arg(&name);
    run_quietly(&mut pack)
}

fn fill(parts: &Parts, folder: &Path) -> Result<(), Error> {
    put(&parts.static_program, &folder.join("bin/jeton"), 0o755)?;
    let shared = folder.join("share");
    copy(&parts.manual, &shared.join("man/man1"))?;
    for (shell, place) in [
        ("bash", "bash-completion/completions/jeton"),
        ("zsh", "zsh/site-functions/_jeton"),
        ("fish", "fish/vendor_completions.d/jeton.fish"),
    ] {
        put(&parts.completions.join(shell), &shared.join(place), 0o644)?;
    }
    copy_documents(folder, &parts.licences)?;
    // What is installed by hand goes below /usr/local.
    let unit = root().join("deploy/systemd/jeton.service");
    let text = fs::read_to_string(&unit)
        .map_err(|source| Error::Files { what: unit.display().to_string(), source })?;
    let text = text.replace("/usr/bin/jeton", "/usr/local/bin/jeton");
    write(&folder.join("deploy/systemd/jeton.service"), &text, 0o644)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::tests::parts;
    use crate::process::output;

    #[test]
    fn an_archive_has_everything_in_one_folder() {
        let folder = tempfile::tempdir().unwrap();
        let parts = parts(folder.path());
        make(&parts, &folder.path().join("stage"), folder.path()).unwrap();
        let name = name("1.2.3");
        let archive = folder.path().join(format!("{name}.tar.gz"));
        let listed = output(Command::new("tar").arg("-tvf").arg(&archive)).unwrap();
        assert!(listed.lines().all(|line| line.contains(&format!(" {name}/"))), "{listed}");
        for (mode, path) in [
            ("-rwxr-xr-x 0/0", "bin/jeton"),
            ("-rw-r--r-- 0/0", "share/man/man1/jeton.1"),
            ("-rw-r--r-- 0/0", "deploy/jeton.toml"),
            ("-rw-r--r-- 0/0", "README.md"),
            ("-rw-r--r-- 0/0", "third-party-licences.txt"),
        ] {
            let line = listed.lines().find(|line| line.ends_with(&format!(" {name}/{path}")));
            assert!(line.is_some_and(|line| line.starts_with(mode)), "{path}:\n{listed}");
        }
        let mut unpack = Command::new("tar");
        unpack.arg("-xOf").arg(&archive).arg(format!("{name}/deploy/systemd/jeton.service"));
        let unit = output(&mut unpack).unwrap();
        assert!(unit.contains("\nExecStart=/usr/local/bin/jeton serve "), "{unit}");
    }
}
