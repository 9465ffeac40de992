//! What an export says of a token's secret: the secret if it is kept, else its digest, sealed by the current key of the ring that is
//! to read it.
//!
//! ```text
//! 2  kind (1)  ring key id (4)  nonce (24)  a secret, or 1 if it is foreign, else 0, and its digest; and tag
//! ```
//!
//! The text form is base64url without padding (RFC 4648 section 5). The version differs from that of data keys, which the same key
//! seals, so neither opens as the other.
//!
//! A digest is good for nothing but the key that made it. So it is sealed by that key, and read while that is the current one: what
//! other keys have made cannot be compared with it, and the app might have the same token twice.

use super::Keys;
use super::seal::{SealError, open, seal};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jeton_core::{Digest, Entropy, EntropyError, Secret};

const VERSION: u8 = 2;
const SECRET: u8 = 1;
const DIGEST: u8 = 2;
const HEAD_LEN: usize = 6;
/// What it belongs to.
const PLACE: &[u8] = b"export";

/// What is known of a token's secret.
#[derive(Debug)]
pub(crate) enum KnownSecret {
    /// The secret.
    Clear(Secret),
    /// What the current key of the ring makes of it.
    Digest {
        /// The digest.
        digest: Digest,
        /// Whether arithmetic does not recognise the secret.
        is_foreign: bool,
    },
}

/// Why an exported secret cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// It is no exported secret.
    #[error("sealed must be what `jeton token export` wrote there")]
    Form,
    /// It was sealed by another ring, or changed.
    #[error(
        "sealed does not open with the key ring of this installation: export with --for-keys and a copy of that ring"
    )]
    OtherRing,
    /// It is a digest of a key that is no longer, or not yet, the current one.
    #[error(
        "sealed is a digest that key {0} has made, which is not the current one of the ring: export again"
    )]
    OtherKey(u32),
}

impl Keys {
    /// Seals what is known of a secret for a ring with these keys.
    ///
    /// # Errors
    /// No randomness.
    pub(crate) fn seal_known(
        &self,
        entropy: &dyn Entropy,
        known: &KnownSecret,
    ) -> Result<String, EntropyError> {
        let (kind, plain) = match known {
            KnownSecret::Clear(secret) => (SECRET, secret.expose().as_bytes().to_vec()),
            KnownSecret::Digest { digest, is_foreign } => {
                (DIGEST, [&[u8::from(*is_foreign)], &digest.as_bytes()[..]].concat())
            }
        };
        let plain = zeroize::Zeroizing::new(plain);
        let head = [&[VERSION, kind], &self.current_id().to_be_bytes()[..]].concat();
        let sealed = seal(self.current().seal.cipher(), entropy, head, PLACE, &plain)?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what [`seal_known`](Self::seal_known) sealed for this ring.
    ///
    /// # Errors
    /// It was not, or is of no use any more.
    pub(crate) fn open_known(&self, text: &str) -> Result<KnownSecret, ExportError> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| ExportError::Form)?;
        let [VERSION, kind @ (SECRET | DIGEST), a, b, c, d, ..] = sealed[..] else {
            return Err(ExportError::Form);
        };
        let key_id = u32::from_be_bytes([a, b, c, d]);
        let link = self.links.iter().find(|link| link.id == key_id);
        let root = link.and_then(|link| link.root.as_ref()).ok_or(ExportError::OtherRing)?;
        let opened =
            open(root.seal.cipher(), &sealed, HEAD_LEN, PLACE).map_err(|SealError| ExportError::OtherRing)?;
        if kind == SECRET {
            let text = std::str::from_utf8(&opened).map_err(|_| ExportError::Form)?;
            return Secret::parse(text).map(KnownSecret::Clear).map_err(|_| ExportError::Form);
        }
        if key_id != self.current_id() {
            return Err(ExportError::OtherKey(key_id));
        }
        let (foreign, digest) = opened.split_first().ok_or(ExportError::Form)?;
        let digest = Digest::from_bytes(digest).ok_or(ExportError::Form)?;
        Ok(KnownSecret::Digest { digest, is_foreign: *foreign != 0 })
    }

    /// Whether the current key of the other ring is this ring's current key, so that its digests are of use there.
    pub(crate) fn makes_digests_for(&self, other: &Self) -> bool {
        let current = |keys: &Self| keys.check_of(keys.current_id());
        current(self).is_some_and(|own| current(other) == Some(own))
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeyRing;
    use super::*;
    use jeton_testkit::SeededEntropy;

    fn entropy(seed: u64) -> SeededEntropy {
        SeededEntropy::new(seed)
    }

    fn ring(seed: u64) -> KeyRing {
        KeyRing::generate(&entropy(seed)).unwrap()
    }

    fn secret() -> KnownSecret {
        KnownSecret::Clear(Secret::parse("a secret of some length").unwrap())
    }

    fn digest(keys: &Keys) -> KnownSecret {
        let secret = Secret::parse("another secret").unwrap();
        KnownSecret::Digest { digest: keys.digest(&secret), is_foreign: true }
    }

    #[test]
    fn what_is_sealed_opens_with_the_same_ring_only() {
        let (keys, others) = (Keys::derive(&ring(1)), Keys::derive(&ring(2)));
        let sealed = keys.seal_known(&entropy(3), &secret()).unwrap();
        assert!(!sealed.contains("secret"));
        let Ok(KnownSecret::Clear(opened)) = keys.open_known(&sealed) else { panic!("it opens") };
        assert_eq!(opened.expose(), "a secret of some length");
        assert_eq!(others.open_known(&sealed).err(), Some(ExportError::OtherRing));

        let sealed = keys.seal_known(&entropy(3), &digest(&keys)).unwrap();
        let Ok(KnownSecret::Digest { digest: opened, is_foreign: true }) = keys.open_known(&sealed) else {
            panic!("it opens");
        };
        assert_eq!(opened, keys.digest(&Secret::parse("another secret").unwrap()));
        assert_eq!(others.open_known(&sealed).err(), Some(ExportError::OtherRing));
    }

    #[test]
    fn secrets_outlive_a_change_of_keys_and_digests_do_not() {
        let (old, keys) = (ring(1), Keys::derive(&ring(1)));
        let sealed = [secret(), digest(&keys)].map(|known| keys.seal_known(&entropy(3), &known).unwrap());
        let next = Keys::derive(&old.with_new_key(&entropy(4)).unwrap());
        assert!(matches!(next.open_known(&sealed[0]), Ok(KnownSecret::Clear(_))));
        assert_eq!(next.open_known(&sealed[1]).err(), Some(ExportError::OtherKey(1)));
        let copy = KeyRing::parse(&old.to_text()).unwrap();
        assert!(keys.makes_digests_for(&Keys::derive(&copy)));
        assert!(!keys.makes_digests_for(&next) && !keys.makes_digests_for(&Keys::derive(&ring(2))));
    }

    #[test]
    fn nothing_that_was_changed_opens() {
        let keys = Keys::derive(&ring(1));
        for known in [secret(), digest(&keys)] {
            let sealed = keys.seal_known(&entropy(3), &known).unwrap();
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(&sealed).unwrap();
            for at in 0..bytes.len() {
                let mut changed = bytes.clone();
                changed[at] ^= 1;
                assert!(keys.open_known(&BASE64_URL_SAFE_NO_PAD.encode(&changed)).is_err(), "byte {at}");
                let shorter = BASE64_URL_SAFE_NO_PAD.encode(&bytes[..at]);
                assert!(keys.open_known(&shorter).is_err(), "{at} bytes");
            }
            // Neither kind opens as the other.
            let mut other = bytes.clone();
            other[1] = SECRET + DIGEST - other[1];
            let other = BASE64_URL_SAFE_NO_PAD.encode(&other);
            assert_eq!(keys.open_known(&other).err(), Some(ExportError::OtherRing));
        }
        for text in ["", "AA", "no base64!", "AgE", "AgMAAAAB"] {
            assert_eq!(keys.open_known(text).err(), Some(ExportError::Form), "{text}");
        }
    }
}
