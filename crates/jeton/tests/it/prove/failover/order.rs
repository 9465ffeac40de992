//! Whoever reads changes in order.

use crate::prove::events::Events;
use crate::prove::fleet::{Node, Operator};
use crate::support::{Installation, PATIENCE};
use sqlx::{Connection, PgConnection, query_as};
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::Instant;

const PAUSE: Duration = Duration::from_millis(20);

/// The numbers of the changes that a node's stream tells, up to the removal of the token with this secret. A stream that ends since
/// the database is away goes on where it ended, as clients do.
pub(super) fn read(node: &Node, installation: &Installation, last: &str) -> Vec<i64> {
    let token = installation.credential("admin_token");
    let (mut told, mut since) = (Vec::new(), None);
    loop {
        let mut events = open(node, token, since.as_deref());
        while let Some(event) = events.next() {
            let said = event.json();
            match said["type"].as_str().unwrap() {
                "end" => assert_eq!(said["reason"], "unavailable"),
                "gap" => panic!("something is missing behind {since:?}"),
                "remove" if said["target"] == last => {
                    told.push(number(&event.id.unwrap()));
                    return told;
                }
                _ => told.push(number(&event.id.unwrap())),
            }
        }
        since = events.id;
    }
}

fn open(node: &Node, token: &str, since: Option<&str>) -> Events {
    let begun = Instant::now();
    loop {
        match Events::open(node.server.address, token, since) {
            Ok(events) => return events,
            Err(503) => thread::park_timeout(PAUSE),
            Err(status) => panic!("{status}"),
        }
        assert!(begun.elapsed() < PATIENCE, "no stream can be had");
    }
}

/// The number of the entry that a position is behind.
fn number(position: &str) -> i64 {
    let (_, number) = position.split_once('-').unwrap_or_else(|| panic!("no position: {position}"));
    number.parse().unwrap()
}

/// An entry of the log: its number, its kind, and whether its token is there.
type Entry = (i64, String, bool);

/// Compares what was told, and what the audit log of each node has, with the log, and answers how many entries that has.
pub(super) fn assert_whole(
    streamed: &[Vec<i64>],
    nodes: &[Node],
    installation: &Installation,
    url: &str,
) -> usize {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let log: Vec<Entry> = runtime.block_on(async {
        let sql = "SELECT sequence, kind, EXISTS (SELECT FROM tokens WHERE id = subject_id AND revoked_at IS NULL) \
                   FROM changes ORDER BY xid, sequence";
        let mut connection = PgConnection::connect(url).await.unwrap();
        query_as(sql).fetch_all(&mut connection).await.unwrap()
    });
    let place: BTreeMap<i64, usize> =
        log.iter().enumerate().map(|(place, (number, ..))| (*number, place)).collect();
    for told in streamed {
        let places: Vec<usize> = told.iter().map(|number| place[number]).collect();
        assert!(places.is_sorted_by(|before, after| before < after), "out of order, or twice");
        // Of a token that is gone by the time that its issue is read, only that is told.
        let must_be =
            |(_, kind, is_there): &Entry| kind == "token.revoked" || kind == "token.issued" && *is_there;
        let begun = places[0];
        let missing: Vec<_> = (begun..log.len())
            .filter(|place| must_be(&log[*place]) && places.binary_search(place).is_err())
            .map(|place| &log[place])
            .collect();
        assert!(missing.is_empty(), "never told: {missing:?}");
        assert!(told.len() > log.len() / 3, "{} of {} changes were told", told.len(), log.len());
    }
    let mut numbers: Vec<i64> = place.into_keys().collect();
    numbers.reverse();
    for node in nodes {
        assert_eq!(audited(&mut Operator::of(node, installation)), numbers);
    }
    log.len()
}

/// The numbers of all entries of the audit log, the newest first.
fn audited(operator: &mut Operator) -> Vec<i64> {
    let (mut numbers, mut target) = (Vec::new(), "/admin/v1/audit?limit=1000".to_owned());
    loop {
        let page = operator.read(&target);
        numbers.extend(page["items"].as_array().unwrap().iter().map(|entry| entry["id"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(cursor) => target = format!("/admin/v1/audit?limit=1000&cursor={cursor}"),
            None => return numbers,
        }
    }
}
