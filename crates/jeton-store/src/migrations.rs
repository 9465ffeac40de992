//! The versions of the schema.

use crate::error::OpenError;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

/// The table with the migrations of a database. Not sqlx's own name, which another program's database may
/// have.
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
    (11, "totals", include_str!("../migrations/sqlite/0011_totals.sql")),
    (12, "client_digests", include_str!("../migrations/sqlite/0012_client_digests.sql")),
    (13, "admin", include_str!("../migrations/sqlite/0013_admin.sql")),
    (14, "addresses", include_str!("../migrations/sqlite/0014_addresses.sql")),
    (15, "searches", include_str!("../migrations/sqlite/0015_searches.sql")),
    (16, "uses", include_str!("../migrations/sqlite/0016_uses.sql")),
    (17, "keys", include_str!("../migrations/sqlite/0017_keys.sql")),
    (18, "bounds", include_str!("../migrations/sqlite/0018_bounds.sql")),
    (19, "lineage", include_str!("../migrations/sqlite/0019_lineage.sql")),
    (20, "use_limits", include_str!("../migrations/sqlite/0020_use_limits.sql")),
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
    (11, "totals", include_str!("../migrations/postgres/0011_totals.sql")),
    (12, "client_digests", include_str!("../migrations/postgres/0012_client_digests.sql")),
    (13, "admin", include_str!("../migrations/postgres/0013_admin.sql")),
    (14, "addresses", include_str!("../migrations/postgres/0014_addresses.sql")),
    (15, "searches", include_str!("../migrations/postgres/0015_searches.sql")),
    (16, "uses", include_str!("../migrations/postgres/0016_uses.sql")),
    (17, "keys", include_str!("../migrations/postgres/0017_keys.sql")),
    (18, "bounds", include_str!("../migrations/postgres/0018_bounds.sql")),
    (19, "lineage", include_str!("../migrations/postgres/0019_lineage.sql")),
    (20, "use_limits", include_str!("../migrations/postgres/0020_use_limits.sql")),
];

/// The newest of `versions`.
pub(crate) fn newest(versions: Versions) -> i64 {
    versions.last().map_or(0, |(version, ..)| *version)
}

/// Whether a database with the version `found` (0: none yet) must be migrated.
///
/// # Errors
///
/// It is newer than the newest known.
pub(crate) fn is_behind(found: i64, versions: Versions) -> Result<bool, OpenError> {
    let known = newest(versions);
    if found > known { Err(OpenError::Newer { found, known }) } else { Ok(found < known) }
}

/// Migrates the database of `connection` to the newest version.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Session;
    use crate::statements::totals::{MISCOUNTED_APPS, MISCOUNTED_USERS};
    use sqlx::{Connection, PgConnection, SqliteConnection};

    /// An app with tokens from before totals were kept. Angle brackets enclose bytes.
    const BEFORE: &str = "
        INSERT INTO apps (key, client_id, settings, created_at, updated_at, revision, is_default)
        VALUES ('demo', 'client', '{}', 0, 0, 1, true);
        INSERT INTO tokens (app_id, kind, digest, digest_key_id, is_foreign, user_id, user_is_stand_in,
            created_at, updated_at, disabled_by, revoked_at, scopes, revision, left_loopback)
        VALUES (1, 'grant', <01>, 1, false, '7', false, 0, 0, NULL, NULL, '[]', 1, false),
            (1, 'grant', <02>, 1, false, '7', true, 0, 0, 'cli', NULL, '[]', 1, false),
            (1, 'identity', <03>, 1, false, NULL, false, 0, 0, NULL, NULL, '[]', 1, true),
            (1, 'grant', <04>, 1, false, '7', false, 0, 0, NULL, 5, '[]', 1, false)";

    async fn totals_begin_with_what_is_there<S>(
        session: &mut S,
        versions: Versions,
        bytes: fn(&str) -> String,
    ) where
        S: Session + Migrate,
    {
        migrate(session, &versions[..10]).await.unwrap();
        let digests = ["01", "02", "03", "04"];
        let tokens = digests
            .iter()
            .fold(BEFORE.to_owned(), |sql, digest| sql.replace(&format!("<{digest}>"), &bytes(digest)));
        session.script(tokens).await.unwrap();
        migrate(session, versions).await.unwrap();
        for (sql, expected) in [
            ("SELECT CAST(sum(tokens) AS bigint) FROM app_totals", 3),
            ("SELECT CAST(sum(tokens) AS bigint) FROM user_totals", 2),
            (MISCOUNTED_APPS, 0),
            (MISCOUNTED_USERS, 0),
        ] {
            assert_eq!(session.number(sql.to_owned()).await.unwrap(), expected, "{sql}");
        }
    }

    #[tokio::test]
    async fn totals_begin_with_what_is_there_on_sqlite() {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        totals_begin_with_what_is_there(&mut connection, SQLITE, |digest| format!("x'{digest}'")).await;
    }

    #[tokio::test]
    async fn totals_begin_with_what_is_there_on_postgresql() {
        if jeton_testkit::skips("PostgreSQL") {
            return;
        }
        let url = jeton_testkit::Cluster::shared().create_database();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        totals_begin_with_what_is_there(&mut connection, POSTGRES, |digest| format!("'\\x{digest}'")).await;
    }
}
