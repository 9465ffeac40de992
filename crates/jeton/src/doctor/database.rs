//! The database, whatever its engine.

use super::finding::Check;
use jeton_store::{Contents, SCHEMA_VERSION, StoreError};
use std::time::Duration;

/// From here on, asking the database takes long.
const SLOW: Duration = Duration::from_millis(100);

/// Whether the database answers. The error says why it does not.
pub(super) fn database(round_trip: Result<Duration, &str>) -> Check {
    match round_trip {
        Ok(round_trip) => {
            let millis = round_trip.as_micros() as f64 / 1e3;
            let mut check = Check::new("database", format!("answers in {millis} ms"));
            if round_trip > SLOW {
                check.warning(
                    format!("the database takes {millis} ms to answer anything: what is not in memory takes that long at least"),
                    "bring the servers nearer to their database, or find out what it is busy with",
                );
            }
            check
        }
        Err(error) => {
            let mut check = Check::new("database", "does not answer");
            check.error(
                error,
                "look whether it runs and can be reached from here, and which one the settings name: jeton config show",
            );
            check
        }
    }
}

/// Whether this program can use the database as it is. 0: it has no tables.
/// `oldest`: the oldest version whose programs can use it.
pub(super) fn schema(found: i64, oldest: i64) -> Check {
    let mut check = Check::new("schema", format!("version {found}"));
    if found > SCHEMA_VERSION && oldest <= SCHEMA_VERSION {
        check.warning(
            format!("the schema has version {found}, and this program knows {SCHEMA_VERSION}: it goes on with it, since it can"),
            "bring the upgrade to its end: use the newer version of jeton here, too",
        );
    } else if found > SCHEMA_VERSION {
        check.error(
            format!("the schema has version {found}, and this program knows {SCHEMA_VERSION}: it refuses to open the database"),
            "use the newer version of jeton here, too",
        );
    } else if found > 0 && found < SCHEMA_VERSION {
        check.warning(
            format!("the schema has version {found}, and this program needs {SCHEMA_VERSION}. What is stored was not looked at"),
            "make a backup with the older version; then the first server or command of this version brings it up to date",
        );
    }
    check
}

/// Whether there is an installation here, and what is stored can be read.
pub(super) fn installation(contents: Option<&Result<Contents, StoreError>>, has_database: bool) -> Check {
    let mut check = Check::new("installation", "initialised");
    match contents {
        None if has_database => {}
        Some(Ok(contents)) if contents.key_checks.is_some() => {}
        None | Some(Ok(_)) => {
            "not initialised".clone_into(&mut check.seen);
            check.error(
                "nothing was ever initialised here",
                "jeton init, or jeton serve; or set --data-dir or --database-url to where the data is",
            );
        }
        Some(Err(error)) => {
            "cannot be read".clone_into(&mut check.seen);
            check.error(
                format!("what is stored cannot be read: {error}"),
                "jeton check says more; restore a backup if need be",
            );
        }
    }
    check
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity::{Error, Warning};
    use super::super::finding::tests::assert_found;
    use super::*;

    #[test]
    fn a_database_answers_or_does_not() {
        assert_found(&database(Ok(Duration::from_micros(345))), &[]);
        assert_eq!(database(Ok(Duration::from_micros(345))).seen, "answers in 0.345 ms");
        assert_found(&database(Ok(Duration::from_millis(101))), &[(Warning, "takes 101 ms")]);
        assert_found(&database(Err("it is away")), &[(Error, "it is away")]);
    }

    #[test]
    fn schemas_are_older_or_newer() {
        let next = SCHEMA_VERSION + 1;
        assert_found(&schema(SCHEMA_VERSION, SCHEMA_VERSION), &[]);
        assert_found(&schema(0, 0), &[]);
        assert_found(&schema(SCHEMA_VERSION - 1, SCHEMA_VERSION - 1), &[(Warning, "was not looked at")]);
        assert_found(&schema(next, SCHEMA_VERSION), &[(Warning, "goes on with it")]);
        assert_found(&schema(next, next), &[(Error, "refuses to open")]);
    }

    #[test]
    fn an_installation_was_initialised() {
        let contents = |key_checks| {
            Ok(Contents { key_checks, needed_keys: vec![], apps: vec![], operators: vec![], nodes: vec![] })
        };
        assert_found(&installation(Some(&contents(Some(vec![]))), true), &[]);
        assert_found(&installation(Some(&contents(None)), true), &[(Error, "ever initialised")]);
        assert_found(&installation(None, false), &[(Error, "ever initialised")]);
        assert_found(&installation(None, true), &[]);
        let corrupt = Err(StoreError::Corrupt { place: "apps.key" });
        assert_found(&installation(Some(&corrupt), true), &[(Error, "apps.key")]);
    }
}
