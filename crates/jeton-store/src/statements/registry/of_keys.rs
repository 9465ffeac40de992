//! Statements about keys.

use super::super::{Statement, keys};
use super::{APP, AT, OPERATOR, Runs, TOKEN, digest};
use crate::keys::{DigestPlace, NewDigest};

pub(super) fn all() -> Vec<(&'static str, Runs, Statement)> {
    use Runs::Everywhere;
    let places = [
        DigestPlace::Token(APP, TOKEN),
        DigestPlace::Further(APP),
        DigestPlace::Client(APP),
        DigestPlace::OldClient(APP),
        DigestPlace::Operator(OPERATOR),
    ];
    let new =
        |place, sealed| NewDigest { place, was: digest(), digest: digest(), first_key_id: Some(1), sealed };
    let replaced = |place| ("replace_digest", Everywhere, keys::replace_digest(&new(place, None), 2));
    let sealed = new(places[0], Some(vec![1]));
    let mut all: Vec<_> = places.into_iter().map(replaced).collect();
    all.extend([
        ("replace_digest", Everywhere, keys::replace_digest(&sealed, 2)),
        ("replace_data_key", Everywhere, keys::replace_data_key(APP, &[1], &[2])),
        ("retire_key", Everywhere, keys::retire_key(1, &[1], AT)),
        ("retired_at", Everywhere, keys::retired_at(1)),
        ("old_tokens", Everywhere, keys::old_tokens(1, Some((APP, TOKEN)), 10)),
        ("old_further", Everywhere, keys::old_further(1, 10)),
        ("old_clients", Everywhere, keys::old_clients(1, 10)),
        ("old_client_digests", Everywhere, keys::old_client_digests(1, 10)),
        ("old_operators", Everywhere, keys::old_operators(1, 10)),
        ("made_by", Everywhere, keys::made_by(APP, 1, &[TOKEN])),
        ("client_keys", Everywhere, keys::client_keys(APP)),
        ("with_digests", Everywhere, keys::with_digests(&[digest(), digest()])),
    ]);
    all
}
