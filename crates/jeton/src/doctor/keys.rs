//! The key ring, beside the database and beside those of other servers.

use super::finding::{Check, some_of};
use super::nodes::name;
use jeton_service::{KeyRing, Keys};
use jeton_store::{Contents, KeyCheck, Node};
use std::path::PathBuf;

/// Where the ring was looked for, and what is there.
pub(super) struct RingFacts {
    /// The ring; `None`: there is none. The error says why it cannot be used.
    pub(super) ring: Result<Option<KeyRing>, String>,
    /// Where it is, or would be.
    pub(super) place: String,
    /// The file beside a ring that is in the environment.
    pub(super) unused_file: Option<PathBuf>,
    /// Files that a change of the ring has left behind.
    pub(super) leftovers: Vec<PathBuf>,
}

/// Whether it can read all that is stored, and the others can.
pub(super) fn ring(facts: &RingFacts, contents: &Contents, live: &[&Node]) -> Check {
    let place = &facts.place;
    let checks = contents.key_checks.as_deref().unwrap_or_default();
    let mut check =
        Check::new("keys", format!("known to the database: {}; the ring is in {place}", checks.len()));
    match &facts.ring {
        Err(error) => check.error(error, format!("mend {place}, or put the right ring there from its copy")),
        Ok(None) => check.error(
            format!("the database needs its keys, and there is no {place}"),
            "restore the key ring from its copy, or set JETON_KEYS: without it no token can be verified",
        ),
        Ok(Some(ring)) => compare(ring, contents, checks, place, &mut check),
    }
    others(checks, live, &mut check);
    if let Some(file) = &facts.unused_file {
        check.warning(
            format!("the ring is in JETON_KEYS, and {} beside it is not used", file.display()),
            "keep one: remove the file once JETON_KEYS has all of its keys, or unset JETON_KEYS",
        );
    }
    for file in &facts.leftovers {
        check.warning(
            format!(
                "{} holds keys, and was left by a change of the ring that was interrupted",
                file.display()
            ),
            format!("rm {}", file.display()),
        );
    }
    check
}

/// What the ring lacks, or has otherwise.
fn compare(ring: &KeyRing, contents: &Contents, checks: &[KeyCheck], place: &str, check: &mut Check) {
    let is_there = |it: &&KeyCheck| ring.ids().any(|id| id == it.key_id);
    let lacking = checks.iter().filter(|it| !it.check.is_empty() && !is_there(it)).map(|it| it.key_id);
    for id in lacking {
        let copy = format!("copy the ring that has it from another server or a copy to {place}");
        if contents.needed_keys.contains(&id) {
            check.error(format!("the ring lacks key {id}, which stored data needs"), copy);
        } else {
            check.warning(format!("the ring lacks key {id}, which the database knows"), copy);
        }
    }
    let known: Vec<KeyCheck> = checks.iter().filter(is_there).cloned().collect();
    if let Err(error) = Keys::settled(ring, &known).and_then(|keys| keys.fit(&known)) {
        let action = format!(
            "put the ring of this database into {place}, or point the settings at the database of this ring"
        );
        check.error(error.to_string(), action);
    }
    if let Some(id) = ring.ids().filter(|id| *id > ring.current_id()).max() {
        check.note(
            format!("key {id} waits to be the current one"),
            format!("once all servers have it: jeton keys activate {id}"),
        );
    }
}

/// What the rings of other servers lack.
fn others(checks: &[KeyCheck], live: &[&Node], check: &mut Check) {
    let newest = checks.iter().filter(|it| it.retired_at.is_none()).map(|it| it.key_id).max().unwrap_or(0);
    let lacking: Vec<String> =
        live.iter().filter(|node| node.newest_key_id < newest).map(|node| name(node)).collect();
    if !lacking.is_empty() {
        check.error(
            format!(
                "key {newest} is missing in the ring of {}: what is not found there is answered 503",
                some_of(&lacking)
            ),
            "copy the key ring there: it is read within a second",
        );
    }
    let current = live.iter().map(|node| node.current_key_id).max().unwrap_or(0);
    let behind: Vec<String> =
        live.iter().filter(|node| node.current_key_id < current).map(|node| name(node)).collect();
    if !behind.is_empty() {
        check.warning(
            format!("an older key than {current} still writes on {}", some_of(&behind)),
            "copy the key ring there: it is read within a second",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity::{Error, Note, Warning};
    use super::super::finding::tests::assert_found;
    use super::super::nodes::tests::node;
    use super::*;
    use jeton_core::Timestamp;
    use jeton_testkit::SeededEntropy;

    fn contents(checks: Vec<KeyCheck>, needed_keys: Vec<u32>) -> Contents {
        Contents { key_checks: Some(checks), needed_keys, apps: vec![], operators: vec![], nodes: vec![] }
    }

    fn facts(ring: Option<&KeyRing>) -> RingFacts {
        let ring = Ok(ring.map(|ring| KeyRing::parse(&ring.to_text()).unwrap()));
        RingFacts { ring, place: "keys.json".to_owned(), unused_file: None, leftovers: vec![] }
    }

    fn rings() -> (KeyRing, KeyRing) {
        let entropy = SeededEntropy::new(1);
        let one = KeyRing::generate(&entropy).unwrap();
        let two = one.with_waiting_key(2, &entropy).unwrap();
        (one, two)
    }

    #[test]
    fn the_ring_has_what_the_database_knows() {
        let (one, two) = rings();
        let (checks_of_one, checks) = (Keys::derive(&one).checks(), Keys::derive(&two).checks());
        let found = |facts: RingFacts, contents: Contents, expected: &[_]| {
            assert_found(&ring(&facts, &contents, &[]), expected);
        };
        found(facts(Some(&one)), contents(checks_of_one.clone(), vec![1]), &[]);
        found(facts(Some(&two)), contents(checks.clone(), vec![1]), &[(Note, "key 2 waits")]);
        found(facts(Some(&one)), contents(checks.clone(), vec![1]), &[(Warning, "lacks key 2")]);
        found(
            facts(Some(&one)),
            contents(checks.clone(), vec![1, 2]),
            &[(Error, "lacks key 2, which stored data needs")],
        );
        found(facts(None), contents(checks_of_one.clone(), vec![1]), &[(Error, "needs its keys")]);
        let other = KeyRing::generate(&SeededEntropy::new(2)).unwrap();
        found(
            facts(Some(&other)),
            contents(checks_of_one.clone(), vec![1]),
            &[(Error, "is not the key of that number")],
        );
        let unknown = vec![KeyCheck { key_id: 1, check: vec![], retired_at: Some(Timestamp::MIN) }];
        found(facts(Some(&one)), contents(unknown, vec![]), &[(Error, "was retired")]);
        let broken = RingFacts { ring: Err("it is broken".to_owned()), ..facts(None) };
        found(broken, contents(checks_of_one.clone(), vec![1]), &[(Error, "it is broken")]);
        let twice = RingFacts { unused_file: Some("a/keys.json".into()), ..facts(Some(&one)) };
        found(twice, contents(checks_of_one.clone(), vec![1]), &[(Warning, "a/keys.json beside it")]);
        let left = RingFacts { leftovers: vec!["keys.json.7.new".into()], ..facts(Some(&one)) };
        found(left, contents(checks_of_one, vec![1]), &[(Warning, "keys.json.7.new holds keys")]);
    }

    #[test]
    fn other_servers_have_it_too() {
        let (one, two) = rings();
        let found = |ring_of: &KeyRing, nodes: &[&Node], expected: &[_]| {
            let contents = contents(Keys::derive(ring_of).checks(), vec![1]);
            assert_found(&ring(&facts(Some(ring_of)), &contents, nodes), expected);
        };
        let mut newer = node(2, 0, 0);
        newer.newest_key_id = 2;
        found(&one, &[&node(1, 0, 0)], &[]);
        found(&two, &[&newer], &[(Note, "waits")]);
        found(&two, &[&node(1, 0, 0), &newer], &[(Note, "waits"), (Error, "server 1 on m1")]);
        newer.current_key_id = 2;
        let older = Node { newest_key_id: 2, ..node(1, 0, 0) };
        found(
            &two,
            &[&older, &newer],
            &[(Note, "waits"), (Warning, "an older key than 2 still writes on server 1")],
        );
    }
}
