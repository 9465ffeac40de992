//! The ring of root keys and its text form.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jeton_core::{Entropy, EntropyError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const FORMAT: u32 = 1;

/// The root keys. Only the current one writes; all of them read.
///
/// `Debug` shows nothing of the keys, and their memory is wiped when the ring is dropped.
pub struct KeyRing {
    current: u32,
    roots: Vec<(u32, Zeroizing<[u8; 32]>)>,
}

/// Why a text is not a key ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// It is not the expected JSON object. The error does not say what is wrong, because that could quote a
    /// key.
    #[error("the key ring is not a JSON object with the members format, current and keys")]
    Shape,
    /// It was written by a newer version of this program.
    #[error("the key ring has a format that this program does not know: use a newer jeton")]
    Format,
    /// A key is not 32 bytes in base64url.
    #[error("a key of the key ring is not 32 bytes in base64url without padding")]
    Key,
    /// A number is zero or repeated, or no key has the current number.
    #[error("the numbers of the key ring are not distinct, or the current key is not among them")]
    Numbers,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RingText {
    format: u32,
    current: u32,
    keys: Vec<RootText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootText {
    id: u32,
    key: Zeroizing<String>,
}

impl KeyRing {
    /// A ring with one new key, number 1.
    ///
    /// # Errors
    /// No randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(KeyRing { current: 1, roots: vec![(1, Zeroizing::new(entropy.bytes()?))] })
    }

    /// This ring with one more key, which becomes the current one.
    ///
    /// # Errors
    /// No randomness.
    pub fn with_new_key(&self, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let id = self.roots.iter().map(|(id, _)| *id).max().unwrap_or(0) + 1;
        let mut roots = self.roots.clone();
        roots.push((id, Zeroizing::new(entropy.bytes()?)));
        Ok(KeyRing { current: id, roots })
    }

    /// Parses the text form.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without quoting any of it.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let ring: RingText = serde_json::from_str(text).map_err(|_| KeyRingError::Shape)?;
        if ring.format != FORMAT {
            return Err(KeyRingError::Format);
        }
        let mut roots: Vec<(u32, Zeroizing<[u8; 32]>)> = Vec::new();
        for root in &ring.keys {
            let mut key = Zeroizing::new([0; 32]);
            match BASE64_URL_SAFE_NO_PAD.decode_slice(root.key.as_bytes(), key.as_mut()) {
                Ok(32) => {}
                Ok(_) | Err(_) => return Err(KeyRingError::Key),
            }
            if root.id == 0 || roots.iter().any(|(id, _)| *id == root.id) {
                return Err(KeyRingError::Numbers);
            }
            roots.push((root.id, key));
        }
        if roots.iter().all(|(id, _)| *id != ring.current) {
            return Err(KeyRingError::Numbers);
        }
        Ok(KeyRing { current: ring.current, roots })
    }

    /// The text form: one JSON object, from which all secrets can be derived.
    pub fn to_text(&self) -> Zeroizing<String> {
        let key = |key: &[u8; 32]| Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(key));
        let keys = self.roots.iter().map(|(id, root)| RootText { id: *id, key: key(root) }).collect();
        let ring = RingText { format: FORMAT, current: self.current, keys };
        let text = serde_json::to_string_pretty(&ring);
        Zeroizing::new(text.unwrap_or_else(|_| unreachable!("numbers and texts are always JSON")) + "\n")
    }

    pub(super) fn current_id(&self) -> u32 {
        self.current
    }

    pub(super) fn roots(&self) -> impl Iterator<Item = (u32, &[u8; 32])> {
        self.roots.iter().map(|(id, root)| (*id, &**root))
    }
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyRing(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_testkit::SeededEntropy;

    fn ring() -> KeyRing {
        KeyRing::generate(&SeededEntropy::new(1)).unwrap().with_new_key(&SeededEntropy::new(2)).unwrap()
    }

    #[test]
    fn the_text_form_reads_back() {
        let (before, after) = (ring(), KeyRing::parse(&ring().to_text()).unwrap());
        assert_eq!(after.current_id(), 2);
        assert!(before.roots().eq(after.roots()));
        assert_eq!(format!("{after:?}"), "KeyRing(..)");
    }

    #[test]
    fn what_is_no_ring_is_refused_without_quoting_it() {
        let key = "A".repeat(43);
        let ring = |format: u32, current: u32, ids: &[u32], key: &str| {
            let keys: Vec<_> = ids.iter().map(|id| serde_json::json!({"id": id, "key": key})).collect();
            serde_json::json!({"format": format, "current": current, "keys": keys}).to_string()
        };
        let cases = [
            ("".to_owned(), KeyRingError::Shape),
            (format!("\"{key}\""), KeyRingError::Shape),
            (ring(2, 1, &[1], &key), KeyRingError::Format),
            (ring(1, 1, &[1], &key[1..]), KeyRingError::Key),
            (ring(1, 1, &[1], &"A".repeat(44)), KeyRingError::Key),
            (ring(1, 1, &[1, 1], &key), KeyRingError::Numbers),
            (ring(1, 0, &[0], &key), KeyRingError::Numbers),
            (ring(1, 2, &[1], &key), KeyRingError::Numbers),
        ];
        for (text, expected) in cases {
            let error = KeyRing::parse(&text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("AAAA"));
        }
        assert!(KeyRing::parse(&ring(1, 3, &[1, 3], &key)).is_ok());
    }
}
