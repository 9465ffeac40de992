//! Reading columns, independent of the engine.

use crate::error::StoreError;
use crate::schema::Column;
use sqlx::postgres::{PgRow, Postgres};
use sqlx::sqlite::{Sqlite, SqliteRow};
use sqlx::{Decode, Row, Type};

/// The types of columns in both engines: integers, booleans, texts, bytes, and each of them optional.
pub(crate) trait Primitive:
    Type<Sqlite> + for<'r> Decode<'r, Sqlite> + Type<Postgres> + for<'r> Decode<'r, Postgres>
{
}

impl<T> Primitive for T where
    T: Type<Sqlite> + for<'r> Decode<'r, Sqlite> + Type<Postgres> + for<'r> Decode<'r, Postgres>
{
}

/// A row of an answer.
pub(crate) trait Record: Send + Sync {
    /// The value of a column; corrupt if it has another type, or is NULL where that is not allowed.
    fn read<T: Primitive>(&self, column: impl Column) -> Result<T, StoreError>;

    /// The value of a column, converted by `meaning`; corrupt if that returns `None`.
    fn read_as<T: Primitive, M>(
        &self,
        column: impl Column,
        meaning: impl FnOnce(T) -> Option<M>,
    ) -> Result<M, StoreError> {
        meaning(self.read(column)?).ok_or(StoreError::Corrupt { place: column.place() })
    }

    /// The same for a column that may be NULL.
    fn read_as_option<T: Primitive, M>(
        &self,
        column: impl Column,
        meaning: impl FnOnce(T) -> Option<M>,
    ) -> Result<Option<M>, StoreError>
    where
        Option<T>: Primitive,
    {
        self.read_as(column, |value: Option<T>| match value {
            None => Some(None),
            Some(value) => meaning(value).map(Some),
        })
    }
}

macro_rules! record {
    ($row:ty) => {
        impl Record for $row {
            fn read<T: Primitive>(&self, column: impl Column) -> Result<T, StoreError> {
                self.try_get(column.name()).map_err(|error| {
                    let place = column.place();
                    tracing::error!(place, %error, "a column cannot be read");
                    StoreError::Corrupt { place }
                })
            }
        }
    };
}

record!(SqliteRow);
record!(PgRow);
