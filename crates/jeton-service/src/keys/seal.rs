//! Sealed values: secrets that can be shown again, encrypted and authenticated.
//!
//! XChaCha20-Poly1305 with a random nonce of 192 bits, which is safe for any number of values under one key.
//! An app's data key seals its secrets; the ring seals the data key. Destroying the data key destroys them
//! all.
//!
//! ```text
//! data key:  1  ring key id (4)  data key id (4)  nonce (24)  32 bytes and tag
//! secret:    1  data key id (4)                   nonce (24)  text and tag
//! ```
//!
//! The header, and the name of what a value belongs to, are associated data: a value moved elsewhere does not
//! open.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use jeton_core::{AppId, Digest, Entropy, EntropyError, Secret};
use std::sync::Arc;
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const NONCE_LEN: usize = 24;

/// The value was not sealed by this key for this place, or was changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value does not open")]
pub struct SealError;

/// A key of the ring that seals data keys.
#[derive(Clone)]
pub(super) struct SealKey(XChaCha20Poly1305);

impl SealKey {
    pub(super) fn new(bytes: &[u8; 32]) -> Self {
        SealKey(XChaCha20Poly1305::new(bytes.into()))
    }

    pub(super) fn cipher(&self) -> &XChaCha20Poly1305 {
        &self.0
    }
}

/// The key that seals one app's secrets. `Debug` shows its number only.
#[derive(Clone)]
pub struct DataKey {
    id: u32,
    cipher: XChaCha20Poly1305,
    sealed: Arc<[u8]>,
}

impl DataKey {
    pub(super) fn generate(
        entropy: &dyn Entropy,
        seal_key: &SealKey,
        ring_key_id: u32,
        client_id: &str,
    ) -> Result<(Self, Vec<u8>), EntropyError> {
        let key = Zeroizing::new(entropy.bytes::<32>()?);
        let id = u32::from_be_bytes(entropy.bytes()?);
        let mut head = vec![VERSION];
        head.extend(ring_key_id.to_be_bytes());
        head.extend(id.to_be_bytes());
        let sealed = seal(&seal_key.0, entropy, head, client_id.as_bytes(), key.as_ref())?;
        let cipher = XChaCha20Poly1305::new((&*key).into());
        Ok((DataKey { id, cipher, sealed: sealed.as_slice().into() }, sealed))
    }

    /// The number of the ring key that opens it.
    pub(crate) fn sealed_under(sealed: &[u8]) -> Result<u32, SealError> {
        match sealed {
            [VERSION, a, b, c, d, ..] => Ok(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => Err(SealError),
        }
    }

    pub(super) fn open(sealed: &[u8], seal_key: &SealKey, client_id: &str) -> Result<Self, SealError> {
        let opened = open(&seal_key.0, sealed, 9, client_id.as_bytes())?;
        let key: &[u8; 32] = opened.as_slice().try_into().map_err(|_| SealError)?;
        let id = sealed[5..9].try_into().map_err(|_| SealError)?;
        let cipher = XChaCha20Poly1305::new(key.into());
        Ok(DataKey { id: u32::from_be_bytes(id), cipher, sealed: sealed.into() })
    }

    /// The sealed form of a data key under another key of the ring. It stays the same key, with the same number.
    pub(super) fn reseal(
        entropy: &dyn Entropy,
        sealed: &[u8],
        old: &SealKey,
        (new, new_id): (&SealKey, u32),
        client_id: &str,
    ) -> Result<Result<Vec<u8>, SealError>, EntropyError> {
        let Ok(opened) = open(&old.0, sealed, 9, client_id.as_bytes()) else { return Ok(Err(SealError)) };
        let mut head = vec![VERSION];
        head.extend(new_id.to_be_bytes());
        head.extend(&sealed[5..9]);
        Ok(Ok(seal(&new.0, entropy, head, client_id.as_bytes(), &opened)?))
    }

    /// The number of the key, which its values carry.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// The key in the form that its app stores.
    pub(crate) fn sealed(&self) -> Arc<[u8]> {
        Arc::clone(&self.sealed)
    }

    /// Seals the secret of the token with this digest in this app.
    ///
    /// # Errors
    /// No randomness.
    pub fn seal(
        &self,
        entropy: &dyn Entropy,
        app_id: AppId,
        digest: &Digest,
        secret: &Secret,
    ) -> Result<Vec<u8>, EntropyError> {
        let mut head = vec![VERSION];
        head.extend(self.id.to_be_bytes());
        seal(&self.cipher, entropy, head, &place(app_id, digest), secret.expose().as_bytes())
    }

    /// Opens the sealed secret of the token with this digest in this app. `Ok(None)`: it was sealed by an
    /// earlier data key, which was destroyed so that it can no longer be opened.
    ///
    /// # Errors
    ///
    /// It was sealed by this key for another place, or changed.
    pub fn open_secret(
        &self,
        sealed: &[u8],
        app_id: AppId,
        digest: &Digest,
    ) -> Result<Option<Secret>, SealError> {
        match sealed {
            [VERSION, a, b, c, d, ..] if [*a, *b, *c, *d] == self.id.to_be_bytes() => {}
            [VERSION, _, _, _, _, ..] => return Ok(None),
            _ => return Err(SealError),
        }
        let opened = open(&self.cipher, sealed, 5, &place(app_id, digest))?;
        let text = std::str::from_utf8(&opened).map_err(|_| SealError)?;
        Secret::parse(text).map(Some).map_err(|_| SealError)
    }
}

impl std::fmt::Debug for DataKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DataKey({:08x}, ..)", self.id)
    }
}

fn place(app_id: AppId, digest: &Digest) -> Vec<u8> {
    let mut place = app_id.get().to_be_bytes().to_vec();
    place.extend(digest.as_bytes());
    place
}

pub(super) fn seal(
    cipher: &XChaCha20Poly1305,
    entropy: &dyn Entropy,
    head: Vec<u8>,
    place: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, EntropyError> {
    let nonce = entropy.bytes::<NONCE_LEN>()?;
    let aad = [head.as_slice(), place].concat();
    let text = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: &aad })
        .unwrap_or_else(|_| unreachable!("a message under 2^38 bytes can be encrypted"));
    Ok([head, nonce.to_vec(), text].concat())
}

pub(super) fn open(
    cipher: &XChaCha20Poly1305,
    sealed: &[u8],
    head_len: usize,
    place: &[u8],
) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (head, rest) = sealed.split_at_checked(head_len).ok_or(SealError)?;
    let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(SealError)?;
    let nonce: [u8; NONCE_LEN] = nonce.try_into().map_err(|_| SealError)?;
    let aad = [head, place].concat();
    let opened = cipher.decrypt(&XNonce::from(nonce), Payload { msg: text, aad: &aad });
    opened.map(Zeroizing::new).map_err(|_| SealError)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_core::DigestKey;
    use jeton_testkit::SeededEntropy;

    fn key(seed: u64) -> (DataKey, Vec<u8>) {
        DataKey::generate(&SeededEntropy::new(seed), &SealKey::new(&[1; 32]), 5, "client").unwrap()
    }

    fn app(id: i64) -> AppId {
        AppId::new(id).unwrap()
    }

    fn digest(text: &str) -> Digest {
        DigestKey::new(&[2; 32]).digest(text)
    }

    #[test]
    fn a_secret_opens_in_its_place_only() {
        let (key, _) = key(1);
        let secret = Secret::parse("a secret of some length").unwrap();
        let sealed = key.seal(&SeededEntropy::new(2), app(1), &digest("x"), &secret).unwrap();
        let opened = key.open_secret(&sealed, app(1), &digest("x")).unwrap().unwrap();
        assert_eq!(opened.expose(), secret.expose());
        assert_eq!(key.open_secret(&sealed, app(2), &digest("x")).err(), Some(SealError));
        assert_eq!(key.open_secret(&sealed, app(1), &digest("y")).err(), Some(SealError));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            let opened = key.open_secret(&changed, app(1), &digest("x"));
            assert!(!matches!(opened, Ok(Some(_))), "byte {at} changed");
        }
        for length in 0..sealed.len() {
            assert!(!matches!(key.open_secret(&sealed[..length], app(1), &digest("x")), Ok(Some(_))));
        }
    }

    #[test]
    fn what_an_earlier_data_key_sealed_is_gone_not_broken() {
        let secret = Secret::parse("a secret of some length").unwrap();
        let sealed = key(1).0.seal(&SeededEntropy::new(2), app(1), &digest("x"), &secret).unwrap();
        assert!(key(2).0.open_secret(&sealed, app(1), &digest("x")).unwrap().is_none());
    }

    #[test]
    fn a_data_key_opens_under_its_ring_key_for_its_app_only() {
        let (key, sealed) = key(1);
        assert_eq!(DataKey::sealed_under(&sealed), Ok(5));
        assert_eq!(DataKey::open(&sealed, &SealKey::new(&[1; 32]), "client").unwrap().id(), key.id());
        assert!(DataKey::open(&sealed, &SealKey::new(&[1; 32]), "other").is_err());
        assert!(DataKey::open(&sealed, &SealKey::new(&[3; 32]), "client").is_err());
        assert!(DataKey::open(&sealed[..20], &SealKey::new(&[1; 32]), "client").is_err());
        assert_eq!(DataKey::sealed_under(&[]), Err(SealError));
        assert!(format!("{key:?}").starts_with("DataKey("));
    }
}
