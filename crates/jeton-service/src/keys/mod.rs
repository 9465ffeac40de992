//! The keys: one ring of root keys, and a separate key derived from each root for every purpose.
//!
//! A root key is never used on data. HKDF-SHA-256 (RFC 5869) expands it, with the name of the purpose as
//! `info`, into independent keys, so that knowing one of them reveals nothing about the others.

mod file;
mod ring;
mod seal;

pub use file::{KeyFileError, read_key_file, write_key_file};
pub use ring::{KeyRing, KeyRingError};
pub use seal::{DataKey, SealError};

use hkdf::Hkdf;
use jeton_core::{Digest, DigestKey, Entropy, EntropyError, MacKey, Secret, TokenPrefix};
use jeton_store::KeyCheck;
use seal::SealKey;
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// All keys derived from the ring, ready for use. `Debug` shows the numbers of the keys only.
pub struct Keys {
    current: usize,
    sets: Vec<KeySet>,
}

/// The keys derived from one root.
struct KeySet {
    id: u32,
    mac: MacKey,
    lookup: DigestKey,
    operator: DigestKey,
    client: DigestKey,
    seal: SealKey,
    check: DigestKey,
}

/// Why the ring does not fit the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyCheckError {
    /// The database was written with a key that the ring lacks.
    #[error("the database was written with key {0}, which the key ring lacks")]
    Missing(u32),
    /// The key with this number is a different one.
    #[error("key {0} of the key ring is not the key of that number with which the database was written")]
    Wrong(u32),
    /// The database was not written with the current key.
    #[error("the current key {0} of the key ring is unknown to the database")]
    Unknown(u32),
}

impl Keys {
    /// Derives the keys of every root in the ring.
    pub fn derive(ring: &KeyRing) -> Self {
        let sets: Vec<KeySet> = ring.roots().map(|(id, root)| KeySet::derive(id, root)).collect();
        let current = sets.iter().position(|set| set.id == ring.current_id()).unwrap_or_default();
        Keys { current, sets }
    }

    /// The check values by which a database recognises these keys.
    pub fn checks(&self) -> Vec<KeyCheck> {
        self.sets.iter().map(|set| KeyCheck { key_id: set.id, check: set.check_value() }).collect()
    }

    /// Checks that the database was written with these keys.
    ///
    /// # Errors
    ///
    /// The first key that does not fit.
    pub fn fit(&self, checks: &[KeyCheck]) -> Result<(), KeyCheckError> {
        self.know(checks)?;
        let current = self.current().id;
        if checks.iter().all(|check| check.key_id != current) {
            return Err(KeyCheckError::Unknown(current));
        }
        Ok(())
    }

    /// Checks that everything written with keys of these check values can be read. The ring may have newer
    /// keys.
    ///
    /// # Errors
    ///
    /// The first key that does not fit.
    pub fn know(&self, checks: &[KeyCheck]) -> Result<(), KeyCheckError> {
        for check in checks {
            let set = self.sets.iter().find(|set| set.id == check.key_id);
            let set = set.ok_or(KeyCheckError::Missing(check.key_id))?;
            if !bool::from(set.check_value().ct_eq(&check.check)) {
                return Err(KeyCheckError::Wrong(set.id));
            }
        }
        Ok(())
    }

    /// The number of the key that new data is written with.
    pub fn current_id(&self) -> u32 {
        self.current().id
    }

    /// A new secret.
    ///
    /// # Errors
    ///
    /// No randomness.
    pub fn mint(&self, entropy: &dyn Entropy, prefix: Option<&TokenPrefix>) -> Result<Secret, EntropyError> {
        let random = Zeroizing::new(entropy.bytes::<16>()?);
        Ok(Secret::mint(&self.current().mac, &random, prefix))
    }

    /// Whether the secret was minted under any key of the ring.
    pub fn minted(&self, secret: &Secret) -> bool {
        self.sets.iter().any(|set| secret.is_minted_by(&set.mac))
    }

    /// The digest under which new tokens with this secret are stored.
    pub fn digest(&self, secret: &Secret) -> Digest {
        self.current().lookup.digest(secret.expose())
    }

    /// The digests under which a token with this secret may be stored.
    pub fn digests(&self, secret: &Secret) -> impl Iterator<Item = Digest> {
        self.sets.iter().map(|set| set.lookup.digest(secret.expose()))
    }

    /// The digest under which new operators with this token are stored.
    pub fn operator_digest(&self, secret: &Secret) -> Digest {
        self.current().operator.digest(secret.expose())
    }

    /// The digests under which an operator with this token may be stored.
    pub fn operator_digests(&self, secret: &Secret) -> impl Iterator<Item = Digest> {
        self.sets.iter().map(|set| set.operator.digest(secret.expose()))
    }

    /// The digest of a new client secret.
    pub fn client_digest(&self, secret: &Secret) -> Digest {
        self.current().client.digest(secret.expose())
    }

    /// Whether `stored` is the digest of this client secret. Takes the same time wherever they differ.
    pub fn is_client_secret(&self, secret: &Secret, stored: &Digest) -> bool {
        self.sets.iter().fold(false, |found, set| found | (set.client.digest(secret.expose()) == *stored))
    }

    /// A new data key for an app, and its sealed form, which the app stores. `client_id` identifies the app.
    ///
    /// # Errors
    ///
    /// No randomness.
    pub fn new_data_key(
        &self,
        entropy: &dyn Entropy,
        client_id: &str,
    ) -> Result<(DataKey, Vec<u8>), EntropyError> {
        DataKey::generate(entropy, &self.current().seal, self.current().id, client_id)
    }

    /// Opens the data key of an app.
    ///
    /// # Errors
    /// It was not sealed by a key of this ring for this app.
    pub fn open_data_key(&self, sealed: &[u8], client_id: &str) -> Result<DataKey, SealError> {
        let key_id = DataKey::sealed_under(sealed)?;
        let set = self.sets.iter().find(|set| set.id == key_id).ok_or(SealError)?;
        DataKey::open(sealed, &set.seal, client_id)
    }

    fn current(&self) -> &KeySet {
        &self.sets[self.current]
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.sets.iter().map(|set| set.id)).finish()
    }
}

impl KeySet {
    fn derive(id: u32, root: &[u8; 32]) -> Self {
        let hkdf = Hkdf::<Sha256>::from_prk(root)
            .unwrap_or_else(|_| unreachable!("a PRK of 32 bytes is long enough"));
        let expand = |purpose: &str| {
            let mut key = Zeroizing::new([0; 32]);
            hkdf.expand(format!("jeton 1 {purpose}").as_bytes(), key.as_mut())
                .unwrap_or_else(|_| unreachable!("32 bytes are within what HKDF-SHA-256 yields"));
            key
        };
        KeySet {
            id,
            mac: MacKey::new(&expand("mac")),
            lookup: DigestKey::new(&expand("lookup")),
            operator: DigestKey::new(&expand("operator")),
            client: DigestKey::new(&expand("client")),
            seal: SealKey::new(&expand("seal")),
            check: DigestKey::new(&expand("check")),
        }
    }

    fn check_value(&self) -> Vec<u8> {
        self.check.digest("jeton key check").as_bytes()[..16].to_vec()
    }
}

#[cfg(test)]
mod tests {
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
}
