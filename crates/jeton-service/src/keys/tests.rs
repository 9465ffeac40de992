use super::*;
use jeton_testkit::SeededEntropy;

fn keys(seed: u64) -> Keys {
    Keys::derive(&KeyRing::generate(&SeededEntropy::new(seed)).unwrap())
}

#[test]
fn every_purpose_has_a_key_of_its_own() {
    let keys = keys(1);
    let secret = keys.mint(&SeededEntropy::new(2), None).unwrap();
    let digests = [keys.digest(&secret), keys.operator_digest(&secret), keys.client_digest(&secret)];
    assert!(digests[0] != digests[1] && digests[1] != digests[2] && digests[0] != digests[2]);
    assert!(keys.minted(&secret));
    assert!(!self::keys(9).minted(&secret));
}

#[test]
fn a_ring_fits_the_database_it_wrote_and_no_other() {
    let (one, two) = (keys(1), keys(2));
    assert_eq!(one.fit(&one.checks()), Ok(()));
    assert_eq!(one.fit(&two.checks()), Err(KeyCheckError::Wrong(1)));
    assert_eq!(one.fit(&[]), Err(KeyCheckError::Unknown(1)));
    let other = KeyCheck { key_id: 7, ..one.checks()[0].clone() };
    assert_eq!(one.fit(&[one.checks()[0].clone(), other]), Err(KeyCheckError::Missing(7)));
}

#[test]
fn what_an_older_key_wrote_is_still_good() {
    let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
    let old = Keys::derive(&ring);
    let new = Keys::derive(&ring.with_new_key(&SeededEntropy::new(2)).unwrap());
    assert_eq!((old.current_id(), new.current_id()), (1, 2));
    let secret = old.mint(&SeededEntropy::new(3), None).unwrap();
    assert!(new.minted(&secret));
    assert!(new.digests(&secret).any(|digest| digest == old.digest(&secret)));
    assert!(new.is_client_secret(&secret, &old.client_digest(&secret)));
    assert!(!new.is_client_secret(&secret, &old.digest(&secret)));
    let (key, sealed) = old.new_data_key(&SeededEntropy::new(4), "client").unwrap();
    assert_eq!(new.open_data_key(&sealed, "client").unwrap().id(), key.id());
    assert_eq!(new.fit(&old.checks()), Err(KeyCheckError::Unknown(2)));
}

#[test]
fn nothing_of_a_key_is_printed() {
    assert_eq!(format!("{:?}", keys(1)), "[1]");
}

fn secret() -> Secret {
    Secret::parse("a-foreign-secret-of-some-length-or-other").unwrap()
}

/// Rings with one more key each, all of which are there.
fn rings(count: u64) -> Vec<KeyRing> {
    let mut rings = vec![KeyRing::generate(&SeededEntropy::new(1)).unwrap()];
    for seed in 2..=count {
        rings.push(rings.last().unwrap().with_new_key(&SeededEntropy::new(seed)).unwrap());
    }
    rings
}

#[test]
fn with_one_key_there_is_one_digest_and_it_comes_first_with_others() {
    for ring in rings(4) {
        let keys = Keys::derive(&ring);
        let digests: Vec<Digest> = keys.digests(&secret()).collect();
        assert_eq!(digests[0], keys.digest(&secret()));
        let count = ring.ids().count();
        assert_eq!(digests.len(), count * (count + 1) / 2);
        let distinct: std::collections::HashSet<_> = digests.iter().collect();
        assert_eq!(distinct.len(), digests.len());
    }
}

#[test]
fn every_way_in_which_a_digest_comes_about_is_looked_for() {
    let rings = rings(4);
    // A row is written with a key, and given to later ones, of which it may miss some.
    for first in 1..=4_u32 {
        let digest = Keys::derive(&rings[first as usize - 1]).digest(&secret());
        let mut reached = vec![(first, digest)];
        for later in first..=4 {
            let keys = Keys::derive(&rings[later as usize - 1]);
            let found: Vec<Digest> = keys.digests(&secret()).collect();
            for (last, digest) in reached.clone() {
                assert!(found.contains(&digest), "{first} to {last}, by {later}");
                if let Some(renewed) = keys.renewed_lookup(&digest, last) {
                    assert!(found.contains(&renewed), "{first} to {last} to {later}");
                    reached.push((later, renewed));
                }
            }
            assert_eq!(keys.renewed_lookup(&digest, later), None, "it is made by the current one");
        }
        // What is left of the older keys is enough.
        let all = &rings[3];
        let left = [1, 2, 3].iter().fold(all.without(9, true), |ring, id| ring.without(*id, true));
        let found: Vec<Digest> = Keys::derive(&left).digests(&secret()).collect();
        for (_, digest) in reached.iter().filter(|(last, _)| *last == 4) {
            assert!(found.contains(digest));
        }
        assert_eq!(found.len(), 4);
    }
}

#[test]
fn purposes_do_not_meet_in_digests_of_digests() {
    let rings = rings(2);
    let (old, new) = (Keys::derive(&rings[0]), Keys::derive(&rings[1]));
    let digest = old.digest(&secret());
    let renewed = [
        new.renewed_lookup(&digest, 1).unwrap(),
        new.renewed_operator(&digest, 1).unwrap(),
        new.renewed_client(&digest, 1).unwrap(),
    ];
    assert!(renewed[0] != renewed[1] && renewed[1] != renewed[2] && renewed[0] != renewed[2]);
    let client = new.renewed_client(&old.client_digest(&secret()), 1).unwrap();
    assert!(new.is_client_secret(&secret(), &client) && !new.is_client_secret(&secret(), &renewed[2]));
}

#[test]
fn a_retired_key_mints_and_opens_nothing() {
    let rings = rings(2);
    let old = Keys::derive(&rings[0]);
    let minted = old.mint(&SeededEntropy::new(3), None).unwrap();
    let (_, sealed) = old.new_data_key(&SeededEntropy::new(4), "client").unwrap();
    let full = Keys::derive(&rings[1]);
    let resealed = full.resealed_data_key(&SeededEntropy::new(5), &sealed, "client").unwrap().unwrap();
    let step = full.step_check_of(1).unwrap();
    let retired = KeyCheck { key_id: 1, check: step, retired_at: Some(jeton_core::Timestamp::MIN) };
    let checks = [full.check_of(2).unwrap(), retired.clone()];
    for ring in [&rings[1], &rings[1].without(1, true)] {
        let keys = Keys::settled(ring, &checks).unwrap();
        assert_eq!(keys.fit(&checks), Ok(()));
        assert!(!keys.minted(&minted) && keys.perhaps_minted(&minted));
        assert!(keys.open_data_key(&sealed, "client").is_err());
        assert_eq!(
            keys.open_data_key(&resealed, "client").unwrap().id(),
            old.open_data_key(&sealed, "client").unwrap().id()
        );
        assert_eq!(keys.states(), [(1, KeyState::Retired), (2, KeyState::Current)]);
    }
    assert_eq!(full.resealed_data_key(&SeededEntropy::new(6), &resealed, "client").unwrap(), None);
    let without = rings[1].without(1, false);
    assert_eq!(Keys::settled(&without, &checks).err(), Some(KeyCheckError::Missing(1)));
    let forgotten = KeyCheck { check: Vec::new(), ..retired.clone() };
    for ring in [&without, &rings[1]] {
        let keys = Keys::settled(ring, &[checks[0].clone(), forgotten.clone()]).unwrap();
        assert_eq!(keys.states(), [(2, KeyState::Current)]);
    }
    let wrong = KeyCheck { check: vec![1; 16], ..retired };
    assert_eq!(Keys::settled(&without, std::slice::from_ref(&wrong)).err(), Some(KeyCheckError::Missing(1)));
    assert_eq!(Keys::settled(&rings[1], &[wrong]).err(), Some(KeyCheckError::Wrong(1)));
    assert_eq!(Keys::settled(&rings[0], &checks[1..]).err(), Some(KeyCheckError::Retired(1)));
    let stale = old.settled_again(&checks).unwrap();
    assert!(stale.is_stale() && !stale.minted(&minted) && stale.missing() == [2]);
}
