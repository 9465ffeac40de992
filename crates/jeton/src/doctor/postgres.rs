//! The PostgreSQL server, and the ways to it.

use super::finding::{Check, some_of, span};
use jeton_core::Timestamp;
use jeton_store::{CONNECTIONS_OF_SERVER, ConnectionPath, OpenTransaction, PostgresFacts};

/// The oldest version that is supported.
const OLDEST: i64 = 150_000;
/// Since when an open transaction is long.
const LONG_MILLIS: i64 = 60_000;

/// How the server keeps what it has acknowledged, and as whom it is used.
pub(super) fn server(facts: &PostgresFacts) -> Check {
    let (major, minor) = (facts.version / 10_000, facts.version % 10_000);
    let kind = if facts.is_standby { "a standby" } else { "a primary" };
    let mut check = Check::new("postgres", format!("PostgreSQL {major}.{minor}, {kind}, {}", facts.encoding));
    if facts.version < OLDEST {
        check.error(format!("PostgreSQL {major} is too old"), "upgrade it to PostgreSQL 15 or newer");
    }
    if facts.is_standby {
        check.error(
            "the database server is a standby: nothing can be written there",
            "point database_url at the primary, or promote this server if the primary is lost",
        );
    }
    if facts.encoding != "UTF8" {
        check.error(
            format!("the database is encoded in {}", facts.encoding),
            "make another one with ENCODING 'UTF8' and restore a backup into it",
        );
    }
    if facts.is_superuser {
        check.warning(
            "database_url names a superuser of the database server",
            "create a role that owns this database and nothing else, and use that",
        );
    }
    durability(facts, &mut check);
    check
}

fn durability(facts: &PostgresFacts, check: &mut Check) {
    if !facts.fsync {
        check.error(
            "fsync is off: a crash of the machine can destroy the database, and acknowledged revocations with it",
            "set fsync = on in postgresql.conf and restart PostgreSQL",
        );
    }
    if !facts.full_page_writes {
        check.warning(
            "full_page_writes is off: a crash can leave torn pages that nothing repairs, except on file systems that never tear any",
            "set full_page_writes = on in postgresql.conf and reload PostgreSQL",
        );
    }
    let names = &facts.synchronous_standby_names;
    match facts.synchronous_commit.as_str() {
        "off" => check.warning(
            "synchronous_commit is off for this role, database or URL. Servers set it on for what they write themselves, so that \
             acknowledged writes are on disk; what other programs write in this way can be lost in a crash",
            "remove the setting: ALTER ROLE ... RESET synchronous_commit, or options in database_url",
        ),
        mode @ ("local" | "remote_write") if !names.is_empty() => check.warning(
            format!(
                "synchronous_commit is {mode}: a write is acknowledged before the standbys of synchronous_standby_names have it on \
                 disk, and a failover can lose it"
            ),
            "set synchronous_commit = on, or remote_apply",
        ),
        _ => {}
    }
    if names.is_empty() {
        check.note(
            "synchronous_standby_names is empty: if the database server is lost with its disk, a standby that takes over may lack the \
             last acknowledged writes, revocations among them",
            "if there is a standby, name it in synchronous_standby_names",
        );
    }
}

/// Whether others can read or change what goes over the network.
pub(super) fn tls(facts: &PostgresFacts) -> Check {
    let way = |is_local| if is_local { "on this machine" } else { "over the network" };
    let leads = |path: &ConnectionPath| format!("{} leads {}", path.setting, way(path.is_local));
    let ways: Vec<String> = facts.paths.iter().map(leads).collect();
    let mut check = Check::new("database-tls", ways.join(", "));
    for path in facts.paths.iter().filter(|path| !path.is_local) {
        let setting = path.setting;
        let action = format!(
            "end {setting} with ?sslmode=verify-full&sslrootcert=FILE, and have the server speak TLS with a certificate of that authority"
        );
        match path.is_encrypted {
            Some(true) if path.verifies => {}
            Some(true) => check.warning(
                format!("{setting}: the connection is encrypted, but whoever takes the server's place is not noticed"),
                action,
            ),
            Some(false) => check.error(
                format!("{setting}: everything goes over the network in clear, the password of the database possibly included"),
                action,
            ),
            None => check.warning(
                format!("{setting}: the connection may be in clear, since sslmode does not demand TLS"),
                action,
            ),
        }
    }
    check
}

/// Whether the servers get the connections that they may need. `servers`: how many there are.
pub(super) fn connections(facts: &PostgresFacts, servers: usize) -> Check {
    let PostgresFacts { max_connections, connections, .. } = *facts;
    let mut check = Check::new("connections", format!("{connections} of {max_connections} in use"));
    if connections * 10 > max_connections * 9 {
        check.warning(
            format!("{connections} of the {max_connections} connections that this role can have are in use"),
            "raise max_connections, or find out who holds them: SELECT * FROM pg_stat_activity",
        );
    }
    let is_pooled = facts.paths.len() > 1;
    let needed =
        i64::try_from(servers.max(1)).unwrap_or(i64::MAX).saturating_mul(CONNECTIONS_OF_SERVER.into());
    if !is_pooled && needed > max_connections {
        check.warning(
            format!(
                "{servers} servers may need {needed} connections ({CONNECTIONS_OF_SERVER} each), and this role can have {max_connections}: \
                 requests will be answered 503"
            ),
            "raise max_connections (or the limit of the role or database), or put a pooler in front: see Several servers in docs/operations.md",
        );
    }
    check
}

/// Whether a transaction holds back those who read the change log in its order. `now`: by the clock of the server.
pub(super) fn transactions(facts: &PostgresFacts, now: Timestamp) -> Check {
    let count = facts.transactions.len();
    let mut check = Check::new("transactions", format!("open ones that write: {count}"));
    let age = |transaction: &OpenTransaction| Some(now.millis_since(transaction.began_at?));
    let is_long = |transaction: &&OpenTransaction| age(transaction).is_some_and(|age| age > LONG_MILLIS);
    let mut long: Vec<&OpenTransaction> = facts.transactions.iter().filter(is_long).collect();
    long.sort_by_key(|transaction| transaction.began_at);
    let effect =
        "while it is, change streams, the audit log and retention see nothing that was written since";
    for transaction in long {
        let OpenTransaction { user, name, .. } = transaction;
        let since = span(age(transaction).unwrap_or(0));
        match transaction.pid {
            Some(pid) => check.warning(
                format!("a transaction of {user} ({name}, pid {pid}) has been open for {since}: {effect}"),
                format!("have it end, or end it: SELECT pg_terminate_backend({pid})"),
            ),
            None => check.warning(
                format!("the prepared transaction {name} of {user} has been open for {since}: {effect}"),
                format!("as its owner: ROLLBACK PREPARED '{}', or COMMIT PREPARED", name.replace('\'', "''")),
            ),
        }
    }
    let held_back =
        facts.held_back_since.map(|since| now.millis_since(since)).filter(|age| *age > LONG_MILLIS);
    if let Some(age) = held_back.filter(|_| check.is_fine()) {
        let pids = facts.transactions.iter().filter_map(|transaction| transaction.pid);
        let pids: Vec<String> = pids.map(|pid| format!("pid {pid}")).collect();
        let who = if pids.is_empty() { "none, it has just ended".to_owned() } else { some_of(&pids) };
        check.warning(
            format!(
                "an open transaction holds back change streams, the audit log and retention: what was written {} ago is not seen \
                 there yet. Open now: {who}",
                span(age)
            ),
            "as a superuser, look for the oldest xact_start in pg_stat_activity and for pg_prepared_xacts, and end it",
        );
    }
    check
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity::{Error, Note, Warning};
    use super::super::finding::tests::assert_found;
    use super::*;
    use std::time::Duration;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000).unwrap()
    }

    fn path(is_local: bool, is_encrypted: Option<bool>, verifies: bool) -> ConnectionPath {
        let (setting, round_trip) = ("database_url", Duration::from_millis(1));
        ConnectionPath { setting, is_local, is_encrypted, verifies, round_trip }
    }

    pub(crate) fn good() -> PostgresFacts {
        PostgresFacts {
            version: 160_004,
            encoding: "UTF8".to_owned(),
            is_standby: false,
            is_superuser: false,
            synchronous_commit: "on".to_owned(),
            fsync: true,
            full_page_writes: true,
            synchronous_standby_names: "other".to_owned(),
            max_connections: 97,
            connections: 12,
            transactions: Vec::new(),
            held_back_since: None,
            clock_ahead_ms: 0,
            paths: vec![path(true, Some(false), false)],
        }
    }

    #[test]
    fn a_server_is_a_safe_place_or_not() {
        assert_eq!(server(&good()).seen, "PostgreSQL 16.4, a primary, UTF8");
        assert_found(&server(&good()), &[]);
        let found = |change: fn(&mut PostgresFacts), expected: &[_]| {
            let mut facts = good();
            change(&mut facts);
            assert_found(&server(&facts), expected);
        };
        found(|facts| facts.version = 140_013, &[(Error, "PostgreSQL 14 is too old")]);
        found(|facts| facts.is_standby = true, &[(Error, "standby")]);
        found(|facts| facts.encoding = "LATIN1".to_owned(), &[(Error, "LATIN1")]);
        found(|facts| facts.is_superuser = true, &[(Warning, "superuser")]);
        found(|facts| facts.fsync = false, &[(Error, "fsync is off")]);
        found(|facts| facts.full_page_writes = false, &[(Warning, "full_page_writes is off")]);
        found(|facts| facts.synchronous_commit = "off".to_owned(), &[(Warning, "synchronous_commit is off")]);
        found(|facts| facts.synchronous_commit = "local".to_owned(), &[(Warning, "is local")]);
        found(|facts| facts.synchronous_commit = "remote_apply".to_owned(), &[]);
        found(
            |facts| facts.synchronous_standby_names.clear(),
            &[(Note, "synchronous_standby_names is empty")],
        );
        found(
            |facts| {
                facts.synchronous_standby_names.clear();
                facts.synchronous_commit = "local".to_owned();
            },
            &[(Note, "synchronous_standby_names is empty")],
        );
    }

    #[test]
    fn a_network_is_not_trusted() {
        let found = |path: ConnectionPath, expected: &[_]| {
            assert_found(&tls(&PostgresFacts { paths: vec![path], ..good() }), expected);
        };
        found(path(true, Some(false), false), &[]);
        found(path(false, Some(true), true), &[]);
        found(path(false, Some(true), false), &[(Warning, "is encrypted, but")]);
        found(path(false, Some(false), false), &[(Error, "in clear")]);
        found(path(false, None, false), &[(Warning, "may be in clear")]);
    }

    #[test]
    fn servers_need_their_connections() {
        assert_found(&connections(&good(), 0), &[]);
        assert_found(&connections(&good(), 7), &[]);
        assert_found(&connections(&good(), 8), &[(Warning, "8 servers may need 104 connections")]);
        let pooled = PostgresFacts { paths: vec![path(true, None, false); 2], ..good() };
        assert_found(&connections(&pooled, 9), &[]);
        let full = PostgresFacts { connections: 90, ..good() };
        assert_found(&connections(&full, 1), &[(Warning, "90 of the 97")]);
    }

    #[test]
    fn long_transactions_are_named() {
        let transaction = |pid, began_at| {
            let (user, name) = ("etl".to_owned(), "it's".to_owned());
            OpenTransaction { pid, user, name, began_at }
        };
        let found = |open: Vec<OpenTransaction>, held_back_since, expected: &[_]| {
            let facts = PostgresFacts { transactions: open, held_back_since, ..good() };
            let check = transactions(&facts, at(1_000));
            assert_found(&check, expected);
            check
        };
        found(vec![transaction(Some(7), Some(at(999))), transaction(Some(8), None)], Some(at(990)), &[]);
        let old = vec![transaction(Some(7), Some(at(800))), transaction(None, Some(at(700)))];
        let check =
            found(old, Some(at(800)), &[(Warning, "for 5 min"), (Warning, "pid 7) has been open for 3 min")]);
        assert!(check.findings[0].action.contains("'it''s'"), "{check:?}");
        found(vec![transaction(Some(8), None)], Some(at(800)), &[(Warning, "pid 8")]);
        found(vec![], Some(at(800)), &[(Warning, "Open now: none")]);
    }
}
