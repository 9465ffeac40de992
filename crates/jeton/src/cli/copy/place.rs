//! Where data is: what `--from` and `--to` name.

use crate::config::Kind;
use crate::error::CommandError;
use crate::files;
use jeton_store::DatabasePlace;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A data directory, or a database. `Display` shows no password.
#[derive(Clone)]
pub(super) enum Place {
    Directory(PathBuf),
    /// The URL of a PostgreSQL database.
    Database(String),
    /// A URL of something else.
    Unknown,
}

impl From<String> for Place {
    fn from(text: String) -> Self {
        match Kind::DatabaseUrl.check(&text) {
            Ok(()) => Place::Database(text),
            Err(_) if text.contains("://") => Place::Unknown,
            Err(_) => Place::Directory(text.into()),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Directory(path) => path.display().fmt(f),
            Place::Database(url) => f.write_str(&Kind::DatabaseUrl.shown(url)),
            Place::Unknown => f.write_str("(hidden)"),
        }
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Place {
    /// The data directory, if it is one.
    pub(super) fn directory(&self) -> Option<&Path> {
        match self {
            Place::Directory(path) => Some(path),
            Place::Database(_) | Place::Unknown => None,
        }
    }

    pub(super) fn database(&self, flag: &str) -> Result<DatabasePlace, CommandError> {
        match self {
            Place::Directory(path) if path.as_os_str().is_empty() => Err(unclear(flag)),
            Place::Directory(path) => Ok(DatabasePlace::Sqlite(path.join(files::DATABASE))),
            Place::Database(url) => Ok(DatabasePlace::Postgres(url.clone())),
            Place::Unknown => Err(unclear(flag)),
        }
    }

    /// Keeps servers from a data directory, if it is one and is there, until the result is dropped.
    pub(super) fn lock(&self) -> Result<Option<File>, CommandError> {
        let Some(path) = self.directory() else { return Ok(None) };
        match files::lock(path) {
            Ok(Some(lock)) => Ok(Some(lock)),
            Ok(None) => Err(CommandError::refused(format!(
                "{self} is in use by a server or by another copy: stop it, and then copy"
            ))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(CommandError::unavailable(format!("{self} cannot be locked: {error}"))),
        }
    }
}

fn unclear(flag: &str) -> CommandError {
    CommandError::usage(format!(
        "{flag} is neither a data directory nor the URL of a database, which begins with postgres://"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_known_by_how_they_begin_and_show_no_password() {
        for (text, shown) in [
            ("data", "data"),
            ("/var/lib/jeton", "/var/lib/jeton"),
            ("postgres://jeton:canary@db/jeton", "postgres://jeton:(hidden)@db/jeton"),
            ("mysql://jeton:canary@db/jeton", "(hidden)"),
        ] {
            let place = Place::from(text.to_owned());
            assert_eq!((place.to_string().as_str(), format!("{place:?}").as_str()), (shown, shown));
            assert_eq!(place.directory().is_some(), !text.contains("://"), "{text}");
            assert_eq!(place.database("--from").is_err(), text.starts_with("mysql"), "{text}");
        }
        assert!(Place::from(String::new()).database("--to").is_err());
    }
}
