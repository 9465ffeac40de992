//! A PostgreSQL server for a measurement.

use super::held::Held;
use crate::error::Error;
use crate::needs;

/// A server with an empty database. Dropping it ends it.
pub(super) struct Postgres {
    pub(super) url: String,
    _held: Held,
}

impl Postgres {
    /// One that does not wait for its disk, as measurements of what is read want it.
    ///
    /// # Errors
    /// There is no PostgreSQL, or it does not start.
    pub(super) fn start() -> Result<Self, Error> {
        Self::start_with(None)
    }

    /// One whose commits are on the disk when they are answered.
    ///
    /// # Errors
    /// There is no PostgreSQL, or it does not start.
    pub(super) fn start_durable() -> Result<Self, Error> {
        Self::start_with(Some("durable"))
    }

    fn start_with(argument: Option<&str>) -> Result<Self, Error> {
        needs::install_postgres()?;
        let held = Held::start("hold-postgres", |command| {
            command.args(argument);
        })?;
        let [_, url] = &held.said;
        Ok(Postgres { url: url.clone(), _held: held })
    }
}
