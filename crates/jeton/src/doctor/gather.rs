//! The facts about this machine that checks judge.

use super::disk::{DiskFacts, network_file_system};
use super::files::{FileFacts, FileKind};
use super::keys::RingFacts;
use super::server::DescriptorFacts;
use crate::config::{Config, Origin};
use crate::files;
use crate::installation::Installation;
use jeton_store::SqliteFacts;
use rustix::process::{Resource, getrlimit};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The files that matter, of those that are there.
pub(super) fn files(config: &Config) -> Vec<FileFacts> {
    let installation = &config.installation;
    let mut paths = vec![
        (installation.data_dir.clone(), FileKind::DataDir),
        (installation.key_path(), FileKind::Keys),
        (installation.socket_path(), FileKind::ControlSocket),
    ];
    if installation.database_url.is_none() {
        let database = installation.database_path();
        paths.extend(["", "-wal", "-shm"].map(|end| (with_end(&database, end), FileKind::Database)));
    }
    let tls = [&config.tls, &config.admin_tls].into_iter().flatten();
    paths.extend(tls.map(|(_, key)| (key.clone(), FileKind::TlsKey)));
    let effective = &config.effective;
    paths.extend(
        effective.of("database_url_file").text.iter().map(|path| (path.into(), FileKind::DatabaseUrl)),
    );
    let urls = ["database_url", "database_direct_url"].map(|name| effective.of(name));
    let with_password = urls.iter().find(|url| {
        let is_hidden = url.shown().as_str() != url.text.as_deref();
        is_hidden && matches!(url.origin, Origin::File { .. })
    });
    if let (Some(_), Some(file)) = (with_password, &effective.file) {
        paths.push((file.clone(), FileKind::Settings));
    }
    paths.into_iter().filter_map(|(path, kind)| file(path, kind)).collect()
}

fn file(path: PathBuf, kind: FileKind) -> Option<FileFacts> {
    let metadata = std::fs::metadata(&path).ok()?;
    Some(FileFacts { path, kind, mode: metadata.permissions().mode() & 0o7777, owner: metadata.uid() })
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// The file of the first credentials, if it is there.
pub(super) fn first_run(installation: &Installation) -> Option<PathBuf> {
    Some(installation.data_dir.join(files::FIRST_RUN)).filter(|path| path.symlink_metadata().is_ok())
}

/// The disk that the database is on. Opens no file of it: closing one would release the locks of who has it open in this process.
pub(super) fn disk(installation: &Installation, facts: SqliteFacts) -> DiskFacts {
    let database = installation.database_path();
    let reserved = std::fs::metadata(with_end(&database, "-reserve"));
    let space = rustix::fs::statvfs(&database).ok();
    DiskFacts {
        network: file_system(&database),
        free_bytes: space.map(|space| space.f_bavail.saturating_mul(space.f_frsize)),
        reserve_bytes: installation.sqlite_options.reserve_bytes,
        reserved_bytes: reserved.map_or(0, |metadata| metadata.len()),
        log_bytes: facts.log_bytes,
        shortfall: facts.shortfall,
    }
}

#[cfg(target_os = "linux")]
fn file_system(path: &Path) -> Option<&'static str> {
    // Its type is another one on each architecture.
    network_file_system(rustix::fs::statfs(path).ok()?.f_type as u64)
}

#[cfg(not(target_os = "linux"))]
fn file_system(_: &Path) -> Option<&'static str> {
    None
}

/// The ring, and what else holds keys.
pub(super) fn ring(installation: &Installation) -> RingFacts {
    let path = installation.key_path();
    let is_in_environment = Installation::has_keys_in_environment();
    RingFacts {
        ring: installation.keys().map_err(|error| error.message),
        place: if is_in_environment { "JETON_KEYS".to_owned() } else { path.display().to_string() },
        unused_file: Some(path).filter(|path| is_in_environment && path.exists()),
        leftovers: leftovers(&installation.data_dir),
    }
}

/// Drafts of the key file: see the service's `keys/file.rs`.
fn leftovers(data_dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(data_dir).into_iter().flatten().filter_map(Result::ok);
    let mut left: Vec<PathBuf> = entries
        .filter(|entry| {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            name.starts_with(files::KEYS) && name.ends_with(".new")
        })
        .map(|entry| entry.path())
        .collect();
    left.sort();
    left
}

/// How many files the server may open, if this is its process and the system tells; else how many this program may.
pub(super) fn descriptors(server: Option<i32>) -> DescriptorFacts {
    let limits = server.and_then(|process| std::fs::read_to_string(format!("/proc/{process}/limits")).ok());
    if let Some(limit) = limits.as_deref().and_then(hard_limit) {
        return DescriptorFacts { limit, is_of_server: true };
    }
    DescriptorFacts { limit: getrlimit(Resource::Nofile).maximum, is_of_server: false }
}

/// The hard limit on open files, as proc(5) writes it; the inner `None`: there is none.
fn hard_limit(limits: &str) -> Option<Option<u64>> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().nth(1)? {
        "unlimited" => Some(None),
        number => number.parse().ok().map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_the_system_writes_them() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max open files            1024                 524288               files     \n";
        assert_eq!(hard_limit(text), Some(Some(524_288)));
        assert_eq!(hard_limit("Max open files            1024        unlimited   files"), Some(None));
        assert_eq!(hard_limit("Max processes 1 2 processes"), None);
        assert!(!descriptors(None).is_of_server);
        assert!(descriptors(i32::try_from(std::process::id()).ok()).is_of_server);
    }

    #[test]
    fn drafts_of_the_key_file_are_found() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["keys.json", "keys.json.7.new", "other.new"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(leftovers(folder.path()), [folder.path().join("keys.json.7.new")]);
    }
}
