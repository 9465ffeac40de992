//! The keyed digest by which a token is found.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use subtle::ConstantTimeEq;

/// HMAC-SHA-256 of a secret under a look-up key (RFC 2104, FIPS 180-4).
///
/// It identifies a token and cannot be turned back into the secret, so stores may keep it. Comparison takes
/// the same time wherever two digests differ. `Debug` shows the first four bytes, enough to tell digests
/// apart in a log.
#[derive(Clone, Copy)]
pub struct Digest([u8; Digest::LEN]);

impl Digest {
    /// Bytes in a digest.
    pub const LEN: usize = 32;
    /// All zeros: a placeholder to compare with when there is no digest.
    pub const ZERO: Digest = Digest([0; Digest::LEN]);

    /// The digest of these bytes, as a store kept them; `None` unless there are [`LEN`](Self::LEN).
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Digest)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; Digest::LEN] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl std::hash::Hash for Digest {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.0;
        write!(f, "Digest({a:02x}{b:02x}{c:02x}{d:02x}..)")
    }
}

/// A key for digesting secrets, ready for use. `Debug` shows nothing of it.
#[derive(Clone)]
pub struct DigestKey(Hmac<Sha256>);

impl DigestKey {
    /// The key of 32 secret bytes.
    pub fn new(bytes: &[u8; 32]) -> Self {
        // An HMAC key may have any length (RFC 2104 section 3), so 32 bytes cannot be refused.
        DigestKey(
            Hmac::new_from_slice(bytes).unwrap_or_else(|_| unreachable!("HMAC takes keys of any length")),
        )
    }

    /// The digest of `text`.
    pub fn digest(&self, text: &str) -> Digest {
        let mut mac = self.0.clone();
        mac.update(text.as_bytes());
        Digest(mac.finalize().into_bytes().into())
    }

    /// The digest of a digest that another key has made, of a kind that `label` names. A key that makes these makes no digests of
    /// texts.
    pub fn digest_of_digest(&self, label: &str, digest: &Digest) -> Digest {
        let mut mac = self.0.clone();
        mac.update(&digest.0);
        mac.update(label.as_bytes());
        Digest(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_hmac_sha_256() {
        // RFC 4231 test case 2 has a key of four bytes; padded with zeros to 32 bytes it is the same HMAC
        // key.
        let mut key = [0; 32];
        key[..4].copy_from_slice(b"Jefe");
        let digest = DigestKey::new(&key).digest("what do ya want for nothing?");
        assert_eq!(digest.as_bytes()[..4], [0x5b, 0xdc, 0xc1, 0x46]);
        assert_eq!(format!("{digest:?}"), "Digest(5bdcc146..)");
    }

    #[test]
    fn digests_of_digests_differ_by_key_label_and_digest() {
        let (one, two) = (DigestKey::new(&[1; 32]), DigestKey::new(&[2; 32]));
        let inner = one.digest("x");
        let outer = two.digest_of_digest("a", &inner);
        assert_eq!(outer, two.digest_of_digest("a", &inner));
        assert_ne!(outer, two.digest_of_digest("b", &inner));
        assert_ne!(outer, one.digest_of_digest("a", &inner));
        assert_ne!(outer, two.digest_of_digest("a", &two.digest("x")));
    }

    #[test]
    fn bytes_come_back_and_other_lengths_do_not() {
        let digest = DigestKey::new(&[1; 32]).digest("x");
        assert_eq!(Digest::from_bytes(digest.as_bytes()), Some(digest));
        assert_eq!(Digest::from_bytes(&[0; 31]), None);
        assert_ne!(DigestKey::new(&[2; 32]).digest("x"), digest);
    }
}
