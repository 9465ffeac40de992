//! Jeton itself, as it ships: installations with as many tokens as a measurement wants, and servers on them.

use super::child::{Child, now};
use super::http::Client;
use super::stats::Series;
use super::wrk::Load;
use crate::error::Error;
use crate::needs::target_folder;
use crate::process::{cargo, output, run, written};
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// What names a PostgreSQL database to the program.
const DATABASE_URL: &str = "JETON_DATABASE_URL";

/// A build of the program and what stands beside it.
#[derive(Clone, Debug)]
pub(super) struct Build {
    /// Where cargo puts it.
    folder: PathBuf,
}

impl Build {
    /// Of this tree, as it ships, or unoptimised: quick to build, slow to run.
    ///
    /// # Errors
    /// It does not build.
    pub(super) fn of_this_tree(is_optimised: bool) -> Result<Self, Error> {
        let mut build = cargo(&["build", "--locked", "--package", "jeton", "--package", "jeton-http"]);
        build.args(["--bin", "jeton", "--example", "fill", "--example", "bare"]);
        build.args(is_optimised.then_some("--release"));
        println!("==> {}", written(&build));
        run(&mut build)?;
        let folder = target_folder().join(if is_optimised { "release" } else { "debug" });
        Ok(Build { folder })
    }

    /// One that was made elsewhere: a folder with `jeton` and `examples/fill`.
    pub(super) fn elsewhere(folder: &Path) -> Self {
        Build { folder: folder.to_owned() }
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join(name));
        // What a developer has set for it does not count here.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("JETON_"))
        {
            command.env_remove(name);
        }
        command
    }
}

/// The bare server that Jeton is measured against, and where it answers.
///
/// # Errors
/// It does not start.
pub(super) fn start_bare(build: &Build) -> Result<(Child, String), Error> {
    let child = Child::start(&mut build.program("examples/bare"))?;
    let address = child.wait_for("listening on ")?;
    Ok((child, format!("{address}/auth/demo")))
}

/// A data directory with app `demo`.
pub(super) struct Installation {
    build: Build,
    folder: PathBuf,
    /// The URL of its PostgreSQL database; `None`: its data is in SQLite.
    database: Option<String>,
    /// Some of the tokens' secrets, evenly spread over all.
    pub(super) tokens: Vec<String>,
    /// Holds `jeton:manage` and `jeton:verify`.
    pub(super) admin_token: String,
    /// That of its first operator.
    pub(super) operator_token: String,
}

impl Installation {
    /// Makes one on SQLite with `count` tokens of so many users, of which `kept` are known here.
    ///
    /// # Errors
    /// A command fails.
    pub(super) fn make(
        build: &Build,
        folder: PathBuf,
        counts: (u64, u64),
        users: u64,
    ) -> Result<Self, Error> {
        Self::make_on(None, build, folder, counts, users)
    }

    /// The same in the PostgreSQL database at a URL.
    ///
    /// # Errors
    /// A command fails.
    pub(super) fn make_on(
        database: Option<String>,
        build: &Build,
        folder: PathBuf,
        (count, kept): (u64, u64),
        users: u64,
    ) -> Result<Self, Error> {
        println!("    issuing {count} tokens");
        let mut init = build.program("jeton");
        init.args(["init", "--json", "--data-dir"]).arg(&folder);
        init.envs(database.iter().map(|url| (DATABASE_URL, url)));
        let said = said(&mut init)?;
        let credentials: Value = serde_json::from_str(&said).unwrap_or_default();
        let credential = |name: &str| credentials[name].as_str().map(str::to_owned);
        let (Some(admin_token), Some(operator_token)) =
            (credential("admin_token"), credential("operator_token"))
        else {
            return Err(Error::Unclear { command: written(&init), output: said });
        };
        if count == 0 {
            return Ok(Installation {
                build: build.clone(),
                folder,
                database,
                tokens: Vec::new(),
                admin_token,
                operator_token,
            });
        }
        let mut fill = build.program("examples/fill");
        fill.arg(&folder).args([count, kept, users].map(|number| number.to_string())).args(&database);
        let tokens = said_lines(&mut fill)?;
        Ok(Installation { build: build.clone(), folder, database, tokens, admin_token, operator_token })
    }

    /// The URL of its PostgreSQL database, if it has one.
    pub(super) fn database(&self) -> Option<&str> {
        self.database.as_deref()
    }

    /// A file of its data directory.
    pub(super) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Changes these settings of app `demo`, also of a server that runs on it.
    ///
    /// # Errors
    /// They are none.
    pub(super) fn merge(&self, settings: &Value) -> Result<(), Error> {
        let path = self.folder.join("settings.json");
        fs::write(&path, settings.to_string())
            .map_err(|source| Error::Files { what: path.display().to_string(), source })?;
        let mut merge = self.build.program("jeton");
        merge.args(["app", "settings", "demo", "--merge"]).arg(path).arg("--data-dir").arg(&self.folder);
        said(merge.envs(self.database.iter().map(|url| (DATABASE_URL, url)))).map(drop)
    }

    /// Issues a token in app `demo` that may be used so often, also with a server that runs on it.
    ///
    /// # Errors
    /// The command fails.
    pub(super) fn issue_with_rate(&self, rate: &str) -> Result<String, Error> {
        let mut create = self.build.program("jeton");
        create.args(["token", "create", "--app", "demo", "--permissions", "read", "--json", "--rate", rate]);
        create.arg("--data-dir").arg(&self.folder);
        let said = said(create.envs(self.database.iter().map(|url| (DATABASE_URL, url))))?;
        let made: Value = serde_json::from_str(&said).unwrap_or_default();
        let token = made["access_token"].as_str().map(str::to_owned);
        token.ok_or_else(|| Error::Unclear { command: written(&create), output: "no token".to_owned() })
    }

    /// Starts a server on it, with these settings in its environment.
    ///
    /// # Errors
    /// It does not start.
    pub(super) fn serve(&self, settings: &[(&str, &str)]) -> Result<Jeton, Error> {
        let mut command = self.build.program("jeton");
        command.args(["serve", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", "--data-dir"]);
        command.arg(&self.folder).envs(settings.iter().copied());
        command.envs(self.database.iter().map(|url| (DATABASE_URL, url)));
        let begun = now();
        let child = Child::start(&mut command)?;
        let address = child.wait_for(" listening on http://")?;
        let started_in = begun.elapsed();
        let admin_address = child.wait_for("admin listening on http://")?;
        let parsed = |address: String| {
            let parsed: Result<SocketAddr, _> = address.parse();
            parsed.map_err(|_| Error::Unclear { command: written(&command), output: address })
        };
        Ok(Jeton { address: parsed(address)?, admin_address: parsed(admin_address)?, child, started_in })
    }
}

fn said(command: &mut Command) -> Result<String, Error> {
    match output(command) {
        Some(said) => Ok(said),
        None => Err(Error::Missing(format!("{} failed", written(command)))),
    }
}

fn said_lines(command: &mut Command) -> Result<Vec<String>, Error> {
    Ok(said(command)?.lines().map(str::to_owned).collect())
}

/// A server. Dropping it ends it.
pub(super) struct Jeton {
    child: Child,
    pub(super) address: SocketAddr,
    /// Where operators ask.
    pub(super) admin_address: SocketAddr,
    /// From its start to its word that it listens.
    pub(super) started_in: Duration,
}

impl Jeton {
    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Forward-auth for one token.
    pub(super) fn auth(&self, token: &str) -> Load {
        Load::get(self.url("/auth/demo")).bearer(token)
    }

    /// A client of it.
    pub(super) fn client(&self) -> Client {
        Client::of(self.address)
    }

    /// Bytes of its memory that are resident.
    ///
    /// # Errors
    /// It has gone.
    pub(super) fn resident_bytes(&self) -> Result<u64, Error> {
        let path = format!("/proc/{}/status", self.child.id());
        let status =
            fs::read_to_string(&path).map_err(|source| Error::Files { what: path.clone(), source })?;
        resident(&status).ok_or(Error::Unclear { command: path, output: status })
    }

    /// # Errors
    /// It cannot be stopped.
    pub(super) fn stop(self) -> Result<(), Error> {
        self.child.stop()
    }
}

/// `VmRSS` of a process, in bytes: see proc(5).
fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Milliseconds that the disk below a folder takes to make a block of 4 KiB durable.
///
/// # Errors
/// Nothing can be written there.
pub(super) fn sync_millis(folder: &Path) -> Result<Series, Error> {
    let path = folder.join("sync");
    let failed = |source| Error::Files { what: path.display().to_string(), source };
    let mut file = fs::File::create(&path).map_err(failed)?;
    let mut figures = Series::default();
    for _ in 0..200 {
        let begun = now();
        file.write_all(&[0; 4096]).and_then(|()| file.sync_data()).map_err(failed)?;
        figures.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    fs::remove_file(&path).map_err(failed)?;
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read() {
        assert_eq!(resident("Name:\tjeton\nVmHWM:\t   30000 kB\nVmRSS:\t   20480 kB\n"), Some(20_971_520));
        assert_eq!(resident("VmRSS: many\n"), None);
        assert_eq!(resident(""), None);
    }

    #[test]
    fn making_a_block_durable_takes_some_time() {
        let folder = tempfile::tempdir().unwrap();
        let summary = sync_millis(folder.path()).unwrap().summary().unwrap();
        assert!(summary.min >= 0.0 && summary.median <= summary.max);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
