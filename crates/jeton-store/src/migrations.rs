//! The versions of the schema.
//!
//! A migration only adds, so that programs of the version before go on beside it and can be started again: new columns have
//! defaults or may be NULL, and nothing that they read or write is removed, renamed or forbidden. What is no longer used is removed
//! by a later version, once no program that uses it can be running; that migration raises `schema_compatibility.oldest_version` to
//! the oldest version that does not use it. On PostgreSQL, an index of a table that may be large is made in a file of its own that
//! begins with [`NO_TRANSACTION`], by `CREATE INDEX CONCURRENTLY`.

use crate::error::{OpenError, StoreError};
use crate::session::Session;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

/// The table with the migrations of a database. Not sqlx's own name, which another program's database may
/// have.
pub(crate) const TABLE: &str = "jeton_migrations";

/// Which versions of programs can use the database.
const COMPATIBILITY: &str = "SELECT oldest_version FROM schema_compatibility";
/// The version that began to say so.
const COMPATIBILITY_SINCE: i64 = 22;

/// The first line of a migration that is one statement which cannot be in a transaction.
const NO_TRANSACTION: &str = "-- no-transaction";

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
    (21, "nodes", include_str!("../migrations/sqlite/0021_nodes.sql")),
    (22, "compatibility", include_str!("../migrations/sqlite/0022_compatibility.sql")),
    (23, "begun_of_app", include_str!("../migrations/sqlite/0023_begun_of_app.sql")),
    #[cfg(feature = "next-schema")]
    NEXT_SQLITE[0],
    #[cfg(feature = "next-schema")]
    NEXT_SQLITE[1],
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
    (21, "nodes", include_str!("../migrations/postgres/0021_nodes.sql")),
    (22, "compatibility", include_str!("../migrations/postgres/0022_compatibility.sql")),
    (23, "begun_of_app", include_str!("../migrations/postgres/0023_begun_of_app.sql")),
    #[cfg(feature = "next-schema")]
    NEXT_POSTGRES[0],
    #[cfg(feature = "next-schema")]
    NEXT_POSTGRES[1],
];

/// What stands for the next version, where versions beside each other are tried.
#[cfg(any(test, feature = "next-schema"))]
pub(crate) const NEXT_SQLITE: Versions = &[
    (1_000_000, "next", include_str!("../migrations/sqlite/next.sql")),
    (1_000_001, "next_index", include_str!("../migrations/sqlite/next_index.sql")),
];
#[cfg(any(test, feature = "next-schema"))]
pub(crate) const NEXT_POSTGRES: Versions = &[
    (1_000_000, "next", include_str!("../migrations/postgres/next.sql")),
    (1_000_001, "next_index", include_str!("../migrations/postgres/next_index.sql")),
];

/// The newest version of the schema that this program knows, of either engine.
pub const SCHEMA_VERSION: i64 = newest(SQLITE);
const _: () = assert!(newest(SQLITE) == newest(POSTGRES), "both engines have the same versions");

/// The newest of `versions`.
pub(crate) const fn newest(versions: Versions) -> i64 {
    match versions.last() {
        Some((version, ..)) => *version,
        None => 0,
    }
}

/// The version of a database.
pub(crate) async fn found(session: &mut impl Session) -> Result<Found, StoreError> {
    if !session.has_table(TABLE).await? {
        return Ok(Found::exactly(0));
    }
    let version = session.number(format!("SELECT coalesce(max(version), 0) FROM {TABLE}")).await?;
    if version < COMPATIBILITY_SINCE {
        return Ok(Found::exactly(version));
    }
    Ok(Found { version, oldest: session.number(COMPATIBILITY.to_owned()).await? })
}

/// The version of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// 0: there is no schema yet.
    pub(crate) version: i64,
    /// The oldest version whose programs can use it.
    pub(crate) oldest: i64,
}

impl Found {
    /// One that only programs of its own version, and newer ones, can use.
    pub(crate) fn exactly(version: i64) -> Self {
        Found { version, oldest: version }
    }

    /// Whether it must be migrated. One that is newer than the newest known version is used as it is, if it can be.
    ///
    /// # Errors
    ///
    /// It cannot be.
    pub(crate) fn is_behind(self, versions: Versions) -> Result<bool, OpenError> {
        let (Found { version, oldest }, known) = (self, newest(versions));
        if oldest.min(version) > known {
            return Err(OpenError::Newer { found: version, known });
        }
        if version > known {
            tracing::warn!(
                "the database has schema version {version}, and this program knows {known}: it goes on, since it can; upgrade it soon"
            );
        }
        Ok(version < known)
    }
}

/// Migrates the database of `connection` to the newest version.
pub(crate) async fn migrate<C: Migrate>(connection: &mut C, versions: Versions) -> Result<(), OpenError> {
    let migrations = versions.iter().map(|&(version, name, sql)| {
        let is_alone = sql.starts_with(NO_TRANSACTION);
        Migration::new(version, name.into(), MigrationType::Simple, sql.into_sql_str(), is_alone)
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

    /// What a migration does beside programs of the version before, unless it says that they cannot go on.
    #[test]
    fn migrations_only_add_or_say_otherwise() {
        let forbidden = ["drop ", "rename ", "alter column", "set not null", "truncate", "delete from"];
        for versions in [SQLITE, POSTGRES, NEXT_SQLITE, NEXT_POSTGRES] {
            for (version, name, sql) in
                versions.iter().filter(|(version, ..)| *version >= COMPATIBILITY_SINCE)
            {
                let statements: String = sql.lines().filter(|line| !line.starts_with("--")).collect();
                let sql = statements.to_lowercase();
                if sql.contains("update schema_compatibility set oldest_version") {
                    continue;
                }
                for words in forbidden {
                    assert!(!sql.contains(words), "{version} {name} has {words:?}");
                }
                let columns = sql.split(';').filter(|statement| statement.contains("add column"));
                for column in columns.filter(|column| column.contains("not null")) {
                    assert!(column.contains("default"), "{version} {name}: {column} has no default");
                }
            }
        }
    }

    /// On PostgreSQL, whoever writes to a table waits while an index of it is made, unless that is made concurrently.
    #[test]
    fn indexes_of_tables_that_are_in_use_are_made_concurrently() {
        let all = POSTGRES.iter().chain(NEXT_POSTGRES);
        for (version, name, sql) in all.filter(|(version, ..)| *version >= COMPATIBILITY_SINCE) {
            let statements: String = sql.lines().filter(|line| !line.starts_with("--")).collect();
            for statement in statements.split(';').filter(|statement| statement.contains("CREATE INDEX")) {
                let (_, table) = statement.split_once(" ON ").expect("an index is of a table");
                let table = table.trim_start().split([' ', '(']).next().unwrap_or_default();
                let is_new = sql.contains(&format!("CREATE TABLE {table} "));
                let is_concurrent = sql.starts_with(NO_TRANSACTION) && statement.contains("CONCURRENTLY");
                assert!(is_new || is_concurrent, "{version} {name}: {statement}");
            }
        }
    }

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
