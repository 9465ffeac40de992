//! The ring of root keys and its text form.

use super::link::{StepKeys, step_of};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jeton_core::{Entropy, EntropyError};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const FORMAT: u32 = 1;
/// That of a ring that keeps something of retired keys, which older programs do not understand.
const FORMAT_WITH_RETIRED: u32 = 2;

/// The root keys. Only the current one writes; all of them read. Beside them what is kept of retired ones: see the module above.
///
/// `Debug` shows nothing of the keys, and their memory is wiped when the ring is dropped.
pub struct KeyRing {
    current: u32,
    roots: Vec<(u32, Zeroizing<[u8; 32]>)>,
    steps: Vec<(u32, Zeroizing<StepKeys>)>,
}

/// Why a text is not a key ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRingError {
    /// It is not the expected JSON object. The error does not say what is wrong, because that could quote a
    /// key.
    #[error(
        "the key ring is not a JSON object with the members format, current and keys (and retired, in format 2)"
    )]
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    retired: Vec<StepText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RootText {
    id: u32,
    key: Zeroizing<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepText {
    id: u32,
    lookup: Zeroizing<String>,
    operator: Zeroizing<String>,
    client: Zeroizing<String>,
    wrap: Zeroizing<String>,
}

impl KeyRing {
    /// A ring with one new key, number 1.
    ///
    /// # Errors
    /// No randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        Ok(KeyRing { current: 1, roots: vec![(1, Zeroizing::new(entropy.bytes()?))], steps: Vec::new() })
    }

    /// This ring with one more key, of this number, which is not the current one yet. A number that is taken changes nothing.
    ///
    /// # Errors
    /// No randomness.
    pub fn with_waiting_key(&self, id: u32, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let mut ring = self.copied();
        if id != 0 && ring.ids().all(|taken| taken != id) {
            ring.roots.push((id, Zeroizing::new(entropy.bytes()?)));
        }
        Ok(ring)
    }

    /// This ring with another current key; `None`: it has no such key.
    pub fn with_current(&self, id: u32) -> Option<Self> {
        let has_it = self.roots.iter().any(|(root, _)| *root == id);
        has_it.then(|| KeyRing { current: id, ..self.copied() })
    }

    /// This ring without a key that is not the current one. `keeps_step`: it keeps what digests begin with.
    #[must_use]
    pub fn without(&self, id: u32, keeps_step: bool) -> Self {
        let mut ring = self.copied();
        let root = ring.roots.iter().find(|(root, _)| *root == id && id != self.current);
        if let Some(step) = root.map(|(_, root)| step_of(root)) {
            ring.roots.retain(|(root, _)| *root != id);
            ring.steps.push((id, step));
        }
        if !keeps_step {
            ring.steps.retain(|(step, _)| *step != id);
        }
        ring
    }

    fn copied(&self) -> Self {
        KeyRing { current: self.current, roots: self.roots.clone(), steps: self.steps.clone() }
    }

    /// The numbers of all keys, retired ones included.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.roots.iter().map(|(id, _)| *id).chain(self.steps.iter().map(|(id, _)| *id))
    }

    /// This ring with one more key, which becomes the current one.
    ///
    /// # Errors
    /// No randomness.
    pub fn with_new_key(&self, entropy: &dyn Entropy) -> Result<Self, EntropyError> {
        let id = self.ids().max().unwrap_or(0) + 1;
        Ok(KeyRing { current: id, ..self.with_waiting_key(id, entropy)? })
    }

    /// Parses the text form.
    ///
    /// # Errors
    ///
    /// What is wrong with it, without quoting any of it.
    pub fn parse(text: &str) -> Result<Self, KeyRingError> {
        let ring: RingText = serde_json::from_str(text).map_err(|_| KeyRingError::Shape)?;
        if ![FORMAT, FORMAT_WITH_RETIRED].contains(&ring.format) {
            return Err(KeyRingError::Format);
        }
        if ring.format == FORMAT && !ring.retired.is_empty() {
            return Err(KeyRingError::Shape);
        }
        let mut read = KeyRing { current: ring.current, roots: Vec::new(), steps: Vec::new() };
        for root in &ring.keys {
            let key = decoded(&root.key)?;
            read.claim(root.id)?;
            read.roots.push((root.id, key));
        }
        for step in &ring.retired {
            let mut keys = Zeroizing::new([[0; 32]; 4]);
            let texts = [&step.lookup, &step.operator, &step.client, &step.wrap];
            for (key, text) in keys.iter_mut().zip(texts) {
                *key = *decoded(text)?;
            }
            read.claim(step.id)?;
            read.steps.push((step.id, keys));
        }
        if read.roots.iter().all(|(id, _)| *id != ring.current) {
            return Err(KeyRingError::Numbers);
        }
        Ok(read)
    }

    /// Makes sure that a number is one, and not taken.
    fn claim(&self, id: u32) -> Result<(), KeyRingError> {
        let is_free = id != 0 && self.ids().all(|taken| taken != id);
        if is_free { Ok(()) } else { Err(KeyRingError::Numbers) }
    }

    /// The text form: one JSON object, from which all secrets can be derived.
    pub fn to_text(&self) -> Zeroizing<String> {
        let key = |key: &[u8; 32]| Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(key));
        let keys = self.roots.iter().map(|(id, root)| RootText { id: *id, key: key(root) }).collect();
        let step = |(id, step): &(u32, Zeroizing<StepKeys>)| {
            let [lookup, operator, client, wrap] = step.each_ref().map(key);
            StepText { id: *id, lookup, operator, client, wrap }
        };
        let retired: Vec<StepText> = self.steps.iter().map(step).collect();
        let format = if retired.is_empty() { FORMAT } else { FORMAT_WITH_RETIRED };
        let ring = RingText { format, current: self.current, keys, retired };
        let text = serde_json::to_string_pretty(&ring);
        Zeroizing::new(text.unwrap_or_else(|_| unreachable!("numbers and texts are always JSON")) + "\n")
    }

    /// The number of the current key.
    pub fn current_id(&self) -> u32 {
        self.current
    }

    pub(super) fn steps(&self) -> impl Iterator<Item = (u32, &StepKeys)> {
        self.steps.iter().map(|(id, step)| (*id, &**step))
    }

    pub(super) fn roots(&self) -> impl Iterator<Item = (u32, &[u8; 32])> {
        self.roots.iter().map(|(id, root)| (*id, &**root))
    }
}

fn decoded(text: &str) -> Result<Zeroizing<[u8; 32]>, KeyRingError> {
    let mut key = Zeroizing::new([0; 32]);
    match BASE64_URL_SAFE_NO_PAD.decode_slice(text.as_bytes(), key.as_mut()) {
        Ok(32) => Ok(key),
        Ok(_) | Err(_) => Err(KeyRingError::Key),
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
    fn what_is_kept_of_a_retired_key_is_no_root_and_reads_back() {
        let ring = ring();
        assert!(ring.without(2, true).roots().eq(ring.roots()), "the current key stays");
        let kept = ring.without(1, true);
        let text = kept.to_text();
        assert!(text.contains("\"format\": 2") && ring.to_text().contains("\"format\": 1"));
        let root = ring.to_text().split("\"key\": \"").nth(1).unwrap()[..43].to_owned();
        assert!(ring.to_text().contains(&root) && !text.contains(&root));
        let after = KeyRing::parse(&text).unwrap();
        assert!(kept.roots().eq(after.roots()) && kept.steps().eq(after.steps()));
        assert_eq!((after.ids().collect::<Vec<_>>(), after.current_id()), (vec![2, 1], 2));
        assert_eq!(
            KeyRing::parse(&text.replace("\"format\": 2", "\"format\": 1")).err(),
            Some(KeyRingError::Shape)
        );
        assert_eq!(after.with_current(1).map(|ring| ring.current_id()), None, "it writes no more");
        assert_eq!(after.without(1, false).ids().collect::<Vec<_>>(), [2]);
        let next = after.without(1, false).with_waiting_key(7, &SeededEntropy::new(3)).unwrap();
        assert_eq!((next.current_id(), next.ids().collect::<Vec<_>>()), (2, vec![2, 7]));
        assert_eq!(next.with_current(7).unwrap().current_id(), 7);
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
            (ring(3, 1, &[1], &key), KeyRingError::Format),
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
