//! The servers of the database.

use super::finding::{Check, Severity, some_of, span};
use jeton_core::Timestamp;
use jeton_service::CacheLimits;
use jeton_store::Node;
use std::collections::BTreeSet;

/// A server that has not written for so long is silent. It writes every ten seconds.
const SILENT_MILLIS: i64 = 60_000;
/// One that has been silent for so long is most likely gone for good.
const GONE_MILLIS: i64 = 3_600_000;
/// How far clocks may be apart.
const SKEW_MILLIS: i64 = 1_000;
/// And how far nobody can work with.
const GREAT_SKEW_MILLIS: i64 = 10_000;

/// For how long a server has not written. `now`: by the clock of the database server.
pub(crate) fn silence(node: &Node, now: Timestamp) -> i64 {
    let written_at = node.written_at.saturating_add_millis(-node.clock_ahead_ms.unwrap_or(0));
    now.millis_since(written_at)
}

/// Those that have written lately.
pub(super) fn live(nodes: &[Node], now: Timestamp) -> Vec<&Node> {
    nodes.iter().filter(|node| silence(node, now) <= SILENT_MILLIS).collect()
}

/// What a server is called.
pub(super) fn name(node: &Node) -> String {
    format!("server {} on {}", node.id, node.machine)
}

/// Whether all are there, and know what the others have written. `schema`: the version that the database has. `limits`: those that these
/// settings give them.
pub(super) fn servers(nodes: &[Node], now: Timestamp, schema: i64, limits: &CacheLimits) -> Check {
    let live = live(nodes, now);
    let mut check = Check::new("servers", format!("at work on this database: {}", live.len()));
    for node in nodes {
        let silence = silence(node, now);
        if silence > SILENT_MILLIS {
            silent(node, silence, nodes, &mut check);
        }
    }
    for node in &live {
        let unread = node.log_read.map(|read| read.unread_ms);
        let bound = i64::try_from(limits.max_staleness.as_millis()).unwrap_or(i64::MAX);
        if let Some(unread) = unread.filter(|unread| *unread > bound) {
            check.warning(
                format!(
                    "{} had not read the change log to its end for {}: it answers nothing from memory until it has",
                    name(node),
                    span(unread)
                ),
                "read its log: it says why the change log cannot be followed",
            );
        }
    }
    let versions: BTreeSet<&str> = live.iter().map(|node| node.version.as_str()).collect();
    let older = live.iter().any(|node| node.schema_version < schema);
    if versions.len() > 1 || older {
        let versions: Vec<_> = versions.into_iter().collect();
        let why = if older { ", of which one is older than the schema" } else { "" };
        check.note(
            format!("the servers run different versions: {}{why}", some_of(&versions)),
            "finish the upgrade: restart the older ones with the new version",
        );
    }
    check
}

fn silent(node: &Node, silence: i64, nodes: &[Node], check: &mut Check) {
    let mut others = nodes.iter().filter(|other| other.id != node.id && other.machine == node.machine);
    let was_replaced = others.any(|other| other.started_at > node.written_at);
    let found = format!("{} has been silent for {}, and did not stop in order", name(node), span(silence));
    if was_replaced {
        let action = "nothing: another one was started on that machine since. This entry goes a day after it fell silent";
        check.note(found, action);
    } else {
        let severity = if silence > GONE_MILLIS { Severity::Note } else { Severity::Warning };
        check.add(
            severity,
            found,
            "if it still runs, look whether it is suspended or cut off from the database; if not, start it again. Of one that was \
             taken away, the entry goes a day after it fell silent",
        );
    }
}

/// Whether they hear at once what the others write, where they can.
pub(super) fn announcements(live: &[&Node]) -> Check {
    let deaf: Vec<String> = live.iter().filter(|node| !node.is_listening).map(|node| name(node)).collect();
    let mut check =
        Check::new("announcements", format!("{} of {} hear them", live.len() - deaf.len(), live.len()));
    if !deaf.is_empty() {
        check.note(
            format!("no announcements of changes are heard by {}, which has to look for them", some_of(&deaf)),
            "if it has just started, nothing; behind a pooler of transactions set database_direct_url; else read its log",
        );
    }
    check
}

/// Whether all clocks agree with that of the database server, and with each other. `own_ahead`: of this machine.
pub(super) fn clocks(live: &[&Node], own_ahead: i64) -> Check {
    let mut check =
        Check::new("clocks", format!("this machine's is ahead of the database server's by {own_ahead} ms"));
    let severity = |skew: i64| match skew {
        skew if skew > GREAT_SKEW_MILLIS => Some(Severity::Error),
        skew if skew > SKEW_MILLIS => Some(Severity::Warning),
        _ => None,
    };
    let action = "keep all clocks in step with chrony or systemd-timesyncd: tokens expire, and are logged, by the clock of each server";
    let known = live.iter().filter_map(|node| Some((name(node), node.clock_ahead_ms?)));
    let clocks: Vec<(String, i64)> =
        std::iter::once(("this machine".to_owned(), own_ahead)).chain(known).collect();
    for (whose, ahead) in &clocks {
        if let Some(severity) = severity(ahead.abs()) {
            let way = if *ahead > 0 { "ahead of" } else { "behind" };
            check.add(
                severity,
                format!("the clock of {whose} is {} {way} the database server's", span(*ahead)),
                action,
            );
        }
    }
    let by = |(_, ahead): &&(String, i64)| *ahead;
    if let (Some(first), Some(last)) = (clocks.iter().min_by_key(by), clocks.iter().max_by_key(by))
        && let Some(severity) = severity(last.1 - first.1).filter(|_| check.findings.is_empty())
    {
        let apart = span(last.1 - first.1);
        check.add(severity, format!("the clocks of {} and {} are {apart} apart", first.0, last.0), action);
    }
    check
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::finding::Severity::{Error, Note, Warning};
    use super::super::finding::tests::assert_found;
    use super::*;
    use jeton_store::LogRead;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000).unwrap()
    }

    /// One that started, and last wrote, so many seconds after an instant.
    pub(crate) fn node(id: i64, started: i64, written: i64) -> Node {
        Node {
            id,
            machine: format!("m{id}"),
            version: "1.0.0".to_owned(),
            schema_version: 21,
            started_at: at(started),
            written_at: at(written),
            log_read: Some(LogRead { to: 5, unread_ms: 20 }),
            newest_key_id: 1,
            current_key_id: 1,
            is_listening: true,
            clock_ahead_ms: Some(0),
        }
    }

    fn found(nodes: &[Node], now: i64, expected: &[(Severity, &str)]) {
        assert_found(&servers(nodes, at(now), 21, &CacheLimits::default()), expected);
    }

    #[test]
    fn silent_servers_are_told_from_those_that_were_replaced_or_are_long_gone() {
        found(&[], 0, &[]);
        found(&[node(1, 0, 40), node(2, 0, 100)], 100, &[]);
        found(
            &[node(1, 0, 40), node(2, 0, 100)],
            101,
            &[(Warning, "server 1 on m1 has been silent for 61 s")],
        );
        let again = Node { machine: "m1".to_owned(), ..node(2, 50, 100) };
        found(&[node(1, 0, 40), again], 101, &[(Note, "server 1 on m1")]);
        found(&[node(1, 0, 0)], 3_601, &[(Note, "silent for 60 min")]);
        // By the clock of the database, whatever its own shows.
        let ahead = Node { clock_ahead_ms: Some(3_600_000), ..node(1, 0, 3_600) };
        found(std::slice::from_ref(&ahead), 50, &[]);
        found(&[ahead], 70, &[(Warning, "silent for 70 s")]);
    }

    #[test]
    fn servers_follow_the_log_and_are_of_one_version() {
        let behind = Node { log_read: Some(LogRead { to: 5, unread_ms: 2_001 }), ..node(1, 0, 0) };
        found(&[behind], 1, &[(Warning, "for 2.001 s")]);
        let newer = Node { version: "1.1.0".to_owned(), ..node(2, 0, 0) };
        found(&[node(1, 0, 0), newer.clone()], 1, &[(Note, "1.0.0, 1.1.0")]);
        found(&[node(1, 0, -59), newer], 2, &[(Warning, "silent")]);
        let old = Node { schema_version: 20, ..node(1, 0, 0) };
        found(&[old], 1, &[(Note, "1.0.0, of which one is older than the schema")]);
        let deaf = Node { is_listening: false, ..node(1, 0, 0) };
        assert_found(&announcements(&[&deaf]), &[(Note, "server 1 on m1")]);
        assert_found(&announcements(&[&node(1, 0, 0)]), &[]);
    }

    #[test]
    fn clocks_agree() {
        let skewed = |ahead: i64| Node { clock_ahead_ms: Some(ahead), ..node(1, 0, 0) };
        let found = |own, ahead, expected: &[_]| assert_found(&clocks(&[&skewed(ahead)], own), expected);
        found(1_000, -0, &[]);
        found(0, 1_001, &[(Warning, "server 1 on m1 is 1.001 s ahead of")]);
        found(0, -10_001, &[(Error, "10 s behind")]);
        found(2_000, 0, &[(Warning, "this machine")]);
        found(600, -600, &[(Warning, "server 1 on m1 and this machine are 1.2 s apart")]);
        let unknown = Node { clock_ahead_ms: None, ..node(1, 0, 0) };
        assert_found(&clocks(&[&unknown], 0), &[]);
    }
}
