//! An installation: its data directory, its database and its keys.

use crate::error::CommandError;
use crate::files;
use jeton_core::{Clock, Entropy};
use jeton_service::{
    CacheLimits, KeyFileError, KeyRing, Limits, Service, SystemClock, SystemEntropy, read_key_file,
    write_key_file,
};
use jeton_store::{PostgresOptions, SqliteOptions, Store};
use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where a ring may be that is in no file.
const KEYS_VARIABLE: &str = "JETON_KEYS";

/// Where the data is, its limits, and the size of the cache. No `Debug`: the URL may contain a password.
#[derive(Clone)]
pub(crate) struct Installation {
    pub(crate) data_dir: PathBuf,
    pub(crate) database_url: Option<String>,
    /// The database itself, if the URL leads to a pooler.
    pub(crate) database_direct_url: Option<String>,
    pub(crate) limits: Limits,
    pub(crate) cache_limits: CacheLimits,
    pub(crate) sqlite_options: SqliteOptions,
    /// How a PostgreSQL database is used.
    pub(crate) postgres_options: PostgresOptions,
}

impl Installation {
    pub(crate) fn key_path(&self) -> PathBuf {
        self.data_dir.join(files::KEYS)
    }

    pub(crate) fn socket_path(&self) -> PathBuf {
        self.data_dir.join(files::SOCKET)
    }

    pub(crate) fn lock_path(&self) -> PathBuf {
        self.data_dir.join(files::LOCK)
    }

    pub(crate) fn database_path(&self) -> PathBuf {
        self.data_dir.join(files::DATABASE)
    }

    /// What the database is kept by.
    pub(crate) fn engine(&self) -> &'static str {
        if self.database_url.is_some() { "PostgreSQL" } else { "SQLite" }
    }

    /// Where files may be that are needed for a while.
    pub(crate) fn scratch_dir(&self) -> PathBuf {
        scratch_dir(&self.data_dir)
    }

    /// Equal for two processes whose installations use the same database. Reveals nothing about a password.
    pub(crate) fn fingerprint(&self) -> String {
        use sha2::{Digest, Sha256};
        match &self.database_url {
            None => "sqlite".to_owned(),
            Some(url) => base16ct::lower::encode_string(&Sha256::digest(url.as_bytes())),
        }
    }

    /// Creates the data directory, private to its owner, unless it exists.
    pub(crate) fn make_data_dir(&self) -> Result<(), CommandError> {
        make_data_dir(&self.data_dir)
    }

    /// Whether users other than the owner of the data directory may change its contents: they could replace
    /// the keys.
    pub(crate) fn is_writable_by_others(&self) -> bool {
        let mode = std::fs::metadata(&self.data_dir).map(|metadata| metadata.permissions().mode());
        mode.is_ok_and(|mode| mode & 0o022 != 0)
    }

    /// Refuses to work as root on the data of another user, whose server could not read what root makes there.
    pub(crate) fn refuse_as_root(&self) -> Result<(), CommandError> {
        let owner = std::fs::metadata(&self.data_dir).map_or(0, |metadata| metadata.uid());
        if owner == 0 || !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        Err(CommandError::usage(format!(
            "{} belongs to another user, who could not read what root makes there, and no server runs that would do the work: run this as its \
             user, as in sudo -u '#{owner}' jeton",
            self.data_dir.display()
        )))
    }

    /// Whether the key ring is in the environment, and in no file.
    pub(crate) fn has_keys_in_environment() -> bool {
        std::env::var_os(KEYS_VARIABLE).is_some()
    }

    /// The key ring: `JETON_KEYS`, or the file; `None` if there is neither.
    pub(crate) fn keys(&self) -> Result<Option<KeyRing>, CommandError> {
        match keys_in_environment()? {
            Some(ring) => Ok(Some(ring)),
            None => keys_in(&self.data_dir),
        }
    }

    /// A new key ring, written to the file; or the one that another process has just created.
    ///
    /// One process at a time: of two concurrent writers, one would continue with a ring that no file
    /// contains.
    pub(crate) fn make_keys(&self) -> Result<KeyRing, CommandError> {
        let locked = File::open(&self.data_dir).and_then(|folder| folder.lock().map(|()| folder));
        let _folder = locked.map_err(|error| {
            CommandError::unavailable(format!("{} cannot be locked: {error}", self.data_dir.display()))
        })?;
        if let Some(ring) = self.keys()? {
            return Ok(ring);
        }
        let ring = KeyRing::generate(&SystemEntropy)
            .map_err(|error| CommandError::unavailable(error.to_string()))?;
        write_key_file(&self.key_path(), &ring)?;
        Ok(ring)
    }

    /// Whether there is a database to open. PostgreSQL always counts, even if empty.
    pub(crate) fn has_database(&self) -> bool {
        self.database_url.is_some() || self.database_path().exists()
    }

    /// Whether nothing was ever initialised here: there are neither keys nor data.
    pub(crate) async fn is_empty(&self) -> Result<bool, CommandError> {
        if self.keys()?.is_some() {
            return Ok(false);
        }
        if self.database_url.is_none() {
            return Ok(!self.has_database());
        }
        let store = self.open_store().await?;
        let checks = store.key_checks().await.map_err(|error| CommandError::unavailable(error.to_string()));
        store.close().await;
        Ok(checks?.is_none())
    }

    /// Opens the store, and creates it if it does not exist.
    pub(crate) async fn open_store(&self) -> Result<Arc<dyn Store>, CommandError> {
        let options = self.postgres_options;
        Ok(match (&self.database_url, &self.database_direct_url) {
            (None, _) => jeton_store::open_sqlite(&self.database_path(), self.sqlite_options).await?,
            (Some(url), None) => jeton_store::open_postgres(url, options).await?,
            (Some(url), Some(direct)) => jeton_store::open_pooled_postgres(url, direct, options).await?,
        })
    }

    /// Opens an initialised installation. Missing keys or data are exit 3.
    pub(crate) async fn open_service(&self) -> Result<Service, CommandError> {
        let ring = self.keys()?;
        if !self.has_database() {
            let name = self.data_dir.display();
            return Err(CommandError::missing(match ring {
                None => format!("{name} is empty: run jeton init, or set another --data-dir"),
                Some(_) => {
                    format!("there are keys in {name}, but no database: restore it, or set --database-url")
                }
            }));
        }
        let store = self.open_store().await?;
        let Some(ring) = ring else {
            return Err(CommandError::missing(missing_keys(&*store, &self.key_path()).await?));
        };
        let service = Service::open_with(store, &ring, clock(), entropy(), self.cache_limits).await?;
        let service = service.with_limits(self.limits);
        Ok(match std::env::var_os(KEYS_VARIABLE) {
            None => service.with_key_file(&self.key_path()),
            Some(_) => service,
        })
    }
}

/// Where files may be that are needed for a while: beside the data, or elsewhere if the directory is not there, or no longer.
pub(crate) fn scratch_dir(data_dir: &Path) -> PathBuf {
    if data_dir.is_dir() { data_dir.to_owned() } else { std::env::temp_dir() }
}

/// Creates a data directory, private to its owner, unless it exists.
pub(crate) fn make_data_dir(path: &Path) -> Result<(), CommandError> {
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    let name = path.display();
    made.map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => not_a_directory(path),
        io::ErrorKind::PermissionDenied => CommandError::unavailable(format!(
            "the data directory {name} cannot be created: {error}. Create it as root and give it to the user that runs jeton, or name \
             another with --data-dir"
        )),
        _ => CommandError::unavailable(format!("the data directory {name} cannot be created: {error}")),
    })
}

/// What is to be the data directory is something else.
pub(crate) fn not_a_directory(path: &Path) -> CommandError {
    CommandError::usage(format!(
        "{} is not a directory: --data-dir names the directory of an installation",
        path.display()
    ))
}

/// The key ring that `JETON_KEYS` holds; `None` if it is not set.
pub(crate) fn keys_in_environment() -> Result<Option<KeyRing>, CommandError> {
    let Some(text) = std::env::var_os(KEYS_VARIABLE) else { return Ok(None) };
    let ring = KeyRing::parse(&text.into_string().unwrap_or_default());
    ring.map(Some).map_err(|error| CommandError::missing(format!("{KEYS_VARIABLE}: {error}")))
}

/// The key ring in the file of a data directory; `None` if there is none.
pub(crate) fn keys_in(data_dir: &Path) -> Result<Option<KeyRing>, CommandError> {
    match read_key_file(&data_dir.join(files::KEYS)) {
        Ok(ring) => Ok(Some(ring)),
        Err(KeyFileError::Missing(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

pub(crate) fn entropy() -> Arc<dyn Entropy> {
    Arc::new(SystemEntropy)
}

async fn missing_keys(store: &dyn Store, path: &Path) -> Result<String, CommandError> {
    let checks = store.key_checks().await.map_err(|error| CommandError::unavailable(error.to_string()))?;
    let path = path.display();
    Ok(match checks {
        Some(_) => {
            format!("the database needs its keys, and there is no {path}: restore it, or set JETON_KEYS")
        }
        None => "there are neither keys nor data: run jeton init".to_owned(),
    })
}
