//! The cluster that tests share.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use jeton_testkit::{Canaries, Cluster, skips};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

const POSTGRES: &str = "PostgreSQL";

/// Runs `sql` in the database at `url` and returns the bare values.
fn query(url: &str, sql: &str) -> Result<String, String> {
    let output = Cluster::shared()
        .program("psql")
        .args([
            "--no-psqlrc",
            "--no-password",
            "--tuples-only",
            "--no-align",
            "--dbname",
            url,
            "--command",
            sql,
        ])
        .output()
        .expect("psql runs");
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

#[test]
fn every_database_is_new_empty_and_owned_by_its_user() {
    if skips(POSTGRES) {
        return;
    }
    let cluster = Cluster::shared();
    let (one, other) = (cluster.create_database(), cluster.create_database());
    assert_ne!(one, other);
    query(&one, "CREATE TABLE secrets (value text); INSERT INTO secrets VALUES ('here')").unwrap();
    assert_eq!(query(&one, "SELECT value FROM secrets").unwrap(), "here");
    let refused = query(&other, "SELECT value FROM secrets").unwrap_err();
    assert!(refused.contains("does not exist"), "{refused}");
}

#[test]
fn the_server_is_what_tests_count_on() {
    if skips(POSTGRES) {
        return;
    }
    let url = Cluster::shared().create_database();
    let encoding = query(&url, "SHOW server_encoding").unwrap();
    let order =
        query(&url, "SELECT string_agg(s, '' ORDER BY s) FROM unnest(ARRAY['a','B','é','Z']) s").unwrap();
    assert_eq!((encoding.as_str(), order.as_str()), ("UTF8", "BZaé"), "byte order, as in SQLite");
    let major: u32 = query(&url, "SHOW server_version_num").unwrap().parse::<u32>().unwrap() / 10_000;
    assert!(major >= 15, "{major}");
    let refused = query(&url, "CREATE ROLE intruder").unwrap_err();
    assert!(refused.contains("permission denied"), "{refused}");
}

#[test]
fn databases_can_be_made_at_the_same_time() {
    if skips(POSTGRES) {
        return;
    }
    let cluster = Cluster::shared();
    let mut urls: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| cluster.create_database())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    urls.sort();
    urls.dedup();
    assert_eq!(urls.len(), 4);
}

#[test]
fn a_dump_shows_text_and_bytes_to_the_search_for_secrets() {
    if skips(POSTGRES) {
        return;
    }
    let cluster = Cluster::shared();
    let url = cluster.create_database();
    let secret = "00112233445566778899aabbccddeeff";
    let canaries = Canaries::new([secret]);
    query(&url, "CREATE TABLE leaks (value text, bytes bytea)").unwrap();
    assert_eq!(canaries.in_text(cluster.dump(&url)), []);
    let forms = |insert: &str| {
        query(&url, &format!("TRUNCATE leaks; INSERT INTO leaks {insert}")).unwrap();
        let sightings = canaries.in_text(cluster.dump(&url));
        sightings.iter().map(|sighting| sighting.form).collect::<Vec<_>>()
    };
    assert_eq!(forms(&format!("VALUES ('x{secret}x', '')")), ["text"]);
    assert_eq!(
        forms(&format!("VALUES ('', decode('{secret}', 'hex'))")),
        ["text"],
        "bytes are dumped in hex"
    );
    assert_eq!(forms(&format!("VALUES ('', convert_to('{secret}', 'UTF8'))")), ["text in hex"]);
}

#[test]
fn a_database_is_emptied_filled_and_replaced() {
    if skips(POSTGRES) {
        return;
    }
    let cluster = Cluster::shared();
    let (url, other) = (cluster.create_database(), cluster.create_database());
    query(&url, "CREATE TABLE things (value text); INSERT INTO things VALUES ('here')").unwrap();
    let dump = cluster.dump(&url);
    cluster.empty_database(&url);
    assert!(query(&url, "SELECT value FROM things").unwrap_err().contains("does not exist"));
    cluster.fill_database(&other, &dump);
    cluster.replace_database(&url, &other);
    assert_eq!(query(&url, "SELECT value FROM things").unwrap(), "here");
    assert!(query(&other, "SELECT 1").unwrap_err().contains("does not exist"));
}

#[test]
fn a_cluster_that_is_suspended_answers_when_it_goes_on() {
    if skips(POSTGRES) {
        return;
    }
    let cluster = Cluster::own();
    let url = cluster.create_database();
    let suspended = cluster.suspend();
    let patient = std::thread::spawn({
        let url = url.clone();
        move || query(&url, "SELECT 1")
    });
    let hasty = query(&format!("{url}?connect_timeout=2"), "SELECT 1").unwrap_err();
    assert!(hasty.contains("timeout expired"), "{hasty}");
    drop(suspended);
    assert_eq!(patient.join().unwrap().unwrap(), "1");
}

/// Runs another process that starts a cluster; says where it is.
fn hold_postgres() -> (Child, PathBuf) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hold-postgres"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let directory = PathBuf::from(lines.next().unwrap());
    let url = lines.next().unwrap();
    assert_eq!(query(&url, "SELECT 'alive'").unwrap(), "alive");
    assert!(directory.join("data/postmaster.pid").is_file());
    (child, directory)
}

/// Waits until `child`'s standard error is closed: by the process and by its supervisor, which is the
/// last to go.
fn wait_for_all(child: &mut Child) {
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(stderr, "");
}

#[test]
fn a_process_that_is_killed_leaves_nothing_behind() {
    if skips(POSTGRES) {
        return;
    }
    let (mut child, directory) = hold_postgres();
    child.kill().unwrap();
    wait_for_all(&mut child);
    assert!(!child.wait().unwrap().success());
    assert!(!directory.exists(), "{} is still there", directory.display());
}

#[test]
fn a_process_that_ends_leaves_nothing_behind() {
    if skips(POSTGRES) {
        return;
    }
    let (mut child, directory) = hold_postgres();
    drop(child.stdin.take());
    wait_for_all(&mut child);
    assert!(child.wait().unwrap().success());
    assert!(!directory.exists(), "{} is still there", directory.display());
}
