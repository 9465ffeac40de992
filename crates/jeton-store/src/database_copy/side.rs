//! What a copy asks of an engine beyond statements.

use super::error::CopyError;
use crate::copy::MAX_ARGUMENTS;
use crate::error::{OpenError, StoreError};
use crate::migrations::{self, Found, Versions};
use crate::postgres;
use crate::schema::Column;
use crate::session::Session;
use crate::shape::{Cells, PASSING, SHAPES, Shape};
use crate::sqlite;
use crate::statements::{copy as tables, self_made, totals};
use crate::unfinished::Mark;
use sea_query::Value;
use sqlx::Connection;
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnection;
use std::path::Path;

/// The number of the lock that whoever copies into a PostgreSQL database holds: "jeton-cp" in ASCII.
const COPYING: i64 = i64::from_be_bytes(*b"jeton-cp");
/// How long the lock is waited for: a connection whose process was killed lives on until its server has noticed.
const LOCK_TIME: &str = "10s";
/// PostgreSQL's code for a lock that was not to be had in time.
const NO_LOCK: &str = "55P03";

/// A connection to a database that is copied from or into.
pub(super) trait Side: Session + Sized {
    const VERSIONS: Versions;
    /// Begins to read everything as of one instant, however long that takes.
    const BEGIN_READING: &'static str;
    const BEGIN_WRITING: &'static str;

    /// How many connections others have to the database, as far as the engine knows.
    fn others(&mut self) -> impl Future<Output = Result<i64, StoreError>> + Send;

    /// Inserts rows, at least one, within a transaction.
    fn insert(
        &mut self,
        shape: &Shape,
        rows: Vec<Cells>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Does what is left once all rows are there.
    fn complete(&mut self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Closes, with everything on disk.
    fn end(self) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Inserts rows in a transaction of their own.
    async fn commit_rows(&mut self, shape: &Shape, rows: Vec<Cells>) -> Result<(), StoreError> {
        self.script(Self::BEGIN_WRITING.to_owned()).await?;
        self.insert(shape, rows).await?;
        self.script("COMMIT".to_owned()).await.map(drop)
    }

    /// Begins a copy.
    async fn write_mark(&mut self, mark: &Mark) -> Result<(), StoreError> {
        self.script(Self::BEGIN_WRITING.to_owned()).await?;
        self.script(tables::MAKE_MARK.to_owned()).await?;
        self.run(tables::write_mark(&mark.origin, &mark.state, &mark.source)).await?;
        self.script("COMMIT".to_owned()).await.map(drop)
    }
}

/// Makes sure that a target is what it is to be, whatever its schema: empty, or an unfinished copy. Changes nothing.
async fn look_at_target<S: Side>(target: &mut S, resumes: bool) -> Result<(), CopyError> {
    let found = migrations::found(target).await.map_err(CopyError::target)?.version;
    // Fails if it is newer: what a newer version has added would be left empty.
    Found::exactly(found).is_behind(S::VERSIONS).map_err(CopyError::Target)?;
    let mark = if found == 0 { None } else { Mark::read(target).await.map_err(CopyError::target)? };
    match (mark, resumes) {
        (Some(_), true) => return Ok(()),
        (Some(mark), false) => return Err(CopyError::Unfinished { source_name: mark.source }),
        (None, true) => return Err(CopyError::NothingToResume),
        (None, false) => {}
    }
    if found == 0 {
        return Ok(());
    }
    for shape in SHAPES.iter().chain(PASSING) {
        let is_there = target.has_table(shape.table.name()).await.map_err(CopyError::target)?;
        if is_there && target.row(tables::last_key(shape)).await.map_err(CopyError::target)?.is_some() {
            return Err(CopyError::NotEmpty);
        }
    }
    Ok(())
}

impl Side for SqliteConnection {
    const VERSIONS: Versions = migrations::SQLITE;
    const BEGIN_READING: &'static str = "BEGIN";
    const BEGIN_WRITING: &'static str = "BEGIN IMMEDIATE";

    async fn others(&mut self) -> Result<i64, StoreError> {
        Ok(0)
    }

    async fn insert(&mut self, shape: &Shape, mut rows: Vec<Cells>) -> Result<(), StoreError> {
        let most = MAX_ARGUMENTS / shape.fields.len();
        while !rows.is_empty() {
            let rest = rows.split_off(rows.len().min(most));
            self.run(tables::insert_rows(shape, rows)).await?;
            rows = rest;
        }
        Ok(())
    }

    async fn complete(&mut self) -> Result<(), StoreError> {
        for recount in [self_made::RECOUNT, totals::RECOUNT] {
            self.script(format!("BEGIN IMMEDIATE; {recount}; COMMIT")).await?;
        }
        Ok(())
    }

    async fn end(mut self) -> Result<(), StoreError> {
        self.script("PRAGMA wal_checkpoint(TRUNCATE)".to_owned()).await?;
        self.close().await.map_err(StoreError::unavailable)
    }
}

impl Side for PgConnection {
    const VERSIONS: Versions = migrations::POSTGRES;
    const BEGIN_READING: &'static str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
    const BEGIN_WRITING: &'static str = "BEGIN";

    async fn others(&mut self) -> Result<i64, StoreError> {
        self.number(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name = 'jeton' AND pid <> pg_backend_pid()"
                .to_owned(),
        )
        .await
    }

    async fn insert(&mut self, shape: &Shape, rows: Vec<Cells>) -> Result<(), StoreError> {
        let names: Vec<_> = shape.fields.iter().map(|field| format!("\"{}\"", field.name.name())).collect();
        let copy = format!("COPY {} ({}) FROM STDIN", shape.table.name(), names.join(", "));
        let mut copying = self.copy_in_raw(&copy).await.map_err(StoreError::unavailable)?;
        let mut text = Vec::new();
        for row in &rows {
            write_row(row, &mut text);
        }
        copying.send(text).await.map_err(StoreError::unavailable)?;
        copying.finish().await.map(drop).map_err(StoreError::unavailable)
    }

    async fn complete(&mut self) -> Result<(), StoreError> {
        self.script(format!("BEGIN; {}; COMMIT", self_made::RECOUNT)).await?;
        // So that the first queries of a server are planned for what is there.
        for shape in SHAPES {
            self.script(format!("ANALYZE {}", shape.table.name())).await?;
        }
        Ok(())
    }

    async fn end(self) -> Result<(), StoreError> {
        self.close().await.map_err(StoreError::unavailable)
    }
}

/// A row in PostgreSQL's text format of COPY (<https://www.postgresql.org/docs/current/sql-copy.html#id-1.9.55.9.2>).
fn write_row(row: &Cells, text: &mut Vec<u8>) {
    for (place, cell) in row.iter().enumerate() {
        if place > 0 {
            text.push(b'\t');
        }
        match cell {
            Value::BigInt(Some(number)) => text.extend(number.to_string().as_bytes()),
            Value::Bool(Some(is_set)) => text.push(if *is_set { b't' } else { b'f' }),
            Value::String(Some(plain)) => plain.bytes().for_each(|byte| write_byte(byte, text)),
            Value::Bytes(Some(bytes)) => {
                const DIGITS: &[u8; 16] = b"0123456789abcdef";
                text.extend(b"\\\\x");
                text.extend(
                    bytes
                        .iter()
                        .flat_map(|byte| [byte >> 4, byte & 15])
                        .map(|half| DIGITS[usize::from(half)]),
                );
            }
            // A column has one type only, and others are in none.
            _ => text.extend(b"\\N"),
        }
    }
    text.push(b'\n');
}

fn write_byte(byte: u8, text: &mut Vec<u8>) {
    let escaped = match byte {
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        plain => return text.push(plain),
    };
    text.extend([b'\\', escaped]);
}

/// Opens a database file to copy into it.
pub(super) async fn open_file(path: &Path, resumes: bool) -> Result<SqliteConnection, CopyError> {
    if path.exists() {
        let mut connection = sqlite::copied(path).await.map_err(CopyError::Target)?;
        look_at_target(&mut connection, resumes).await?;
        connection.close().await.map_err(|error| CopyError::Target(OpenError::unavailable(error)))?;
    } else if resumes {
        return Err(CopyError::NothingToResume);
    }
    let forgotten = sqlite::forget_acknowledged(path);
    forgotten.map_err(|error| CopyError::Target(OpenError::unavailable(error)))?;
    sqlite::copier(path).await.map_err(CopyError::Target)
}

/// Opens a PostgreSQL database to copy into it, alone.
pub(super) async fn open_url(url: &str, resumes: bool) -> Result<PgConnection, CopyError> {
    let mut connection = postgres::copier(url).await.map_err(CopyError::Target)?;
    let lock =
        format!("SET lock_timeout = '{LOCK_TIME}'; SELECT pg_advisory_lock({COPYING}); SET lock_timeout = 0");
    match connection.script(lock).await {
        Err(error) if error.code().as_deref() == Some(NO_LOCK) => return Err(CopyError::TargetInUse),
        locked => locked.map_err(CopyError::target)?,
    };
    look_at_target(&mut connection, resumes).await?;
    postgres::migrate(&mut connection, migrations::POSTGRES).await.map_err(CopyError::Target)?;
    Ok(connection)
}
