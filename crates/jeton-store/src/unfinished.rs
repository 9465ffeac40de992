//! The mark of a database that a copy is being made in: while it is there, nothing but the copy opens it.

use crate::error::{OpenError, StoreError};
use crate::record::Record;
use crate::schema::{Column, CopyMark};
use crate::session::Session;
use crate::statements::copy;

/// What is known of an unfinished copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Which database it is a copy of.
    pub(crate) origin: String,
    /// The state of that.
    pub(crate) state: String,
    /// The name of that, without a password.
    pub(crate) source: String,
}

impl Mark {
    /// The mark of a database; `None`: it is no unfinished copy.
    pub(crate) async fn read(session: &mut impl Session) -> Result<Option<Self>, StoreError> {
        if !session.has_table(CopyMark::Table.name()).await? {
            return Ok(None);
        }
        let row = session.row(copy::mark()).await?;
        let row = row.ok_or(StoreError::Corrupt { place: CopyMark::Table.place() })?;
        Ok(Some(Mark {
            origin: row.read(CopyMark::Origin)?,
            state: row.read(CopyMark::State)?,
            source: row.read(CopyMark::Source)?,
        }))
    }
}

/// Makes sure that a database is not an unfinished copy.
pub(crate) async fn refuse(session: &mut impl Session) -> Result<(), OpenError> {
    match Mark::read(session).await? {
        None => Ok(()),
        Some(mark) => Err(OpenError::Unfinished { source_name: mark.source }),
    }
}
