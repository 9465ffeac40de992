//! The versions of the schema.

use crate::error::OpenError;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

/// Where a database keeps which versions it has. Not sqlx's own name, which a database of another program may have.
pub(crate) const TABLE: &str = "jeton_migrations";

/// All versions of an engine's schema, oldest first.
pub(crate) type Versions = &'static [(i64, &'static str, &'static str)];

pub(crate) const SQLITE: Versions = &[
    (1, "start", include_str!("../migrations/sqlite/0001_start.sql")),
    (2, "loopback", include_str!("../migrations/sqlite/0002_loopback.sql")),
    (3, "retention", include_str!("../migrations/sqlite/0003_retention.sql")),
    (4, "foreign", include_str!("../migrations/sqlite/0004_foreign.sql")),
    (5, "usage", include_str!("../migrations/sqlite/0005_usage.sql")),
    (6, "removals", include_str!("../migrations/sqlite/0006_removals.sql")),
    (7, "created", include_str!("../migrations/sqlite/0007_created.sql")),
    (8, "self_made", include_str!("../migrations/sqlite/0008_self_made.sql")),
    (9, "returns", include_str!("../migrations/sqlite/0009_returns.sql")),
    (10, "digests", include_str!("../migrations/sqlite/0010_digests.sql")),
];

pub(crate) const POSTGRES: Versions = &[
    (1, "start", include_str!("../migrations/postgres/0001_start.sql")),
    (2, "loopback", include_str!("../migrations/postgres/0002_loopback.sql")),
    (3, "retention", include_str!("../migrations/postgres/0003_retention.sql")),
    (4, "foreign", include_str!("../migrations/postgres/0004_foreign.sql")),
    (5, "usage", include_str!("../migrations/postgres/0005_usage.sql")),
    (6, "removals", include_str!("../migrations/postgres/0006_removals.sql")),
    (7, "created", include_str!("../migrations/postgres/0007_created.sql")),
    (8, "self_made", include_str!("../migrations/postgres/0008_self_made.sql")),
    (9, "returns", include_str!("../migrations/postgres/0009_returns.sql")),
    (10, "digests", include_str!("../migrations/postgres/0010_digests.sql")),
];

/// The newest of `versions`.
pub(crate) fn newest(versions: Versions) -> i64 {
    versions.last().map_or(0, |(version, ..)| *version)
}

/// Whether a database that has the version `found` (0: none yet) is to be migrated.
///
/// # Errors
/// It is newer than the newest known.
pub(crate) fn is_behind(found: i64, versions: Versions) -> Result<bool, OpenError> {
    let known = newest(versions);
    if found > known { Err(OpenError::Newer { found, known }) } else { Ok(found < known) }
}

/// Brings the database behind `connection` to the newest version.
pub(crate) async fn migrate<C: Migrate>(connection: &mut C, versions: Versions) -> Result<(), OpenError> {
    let migrations = versions.iter().map(|&(version, name, sql)| {
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.dangerous_set_table_name(TABLE);
    migrator.run_direct(None, connection, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(found) => OpenError::Newer { found, known: newest(versions) },
        error => OpenError::unavailable(error),
    })
}
