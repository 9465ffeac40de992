//! What is done once, however often it is asked for under one key.
//!
//! A key is claimed in the store before anything is done, and what was made is noted behind it, so that this holds over a restart
//! and for any number of servers. Only digests of keys and requests are kept, and the numbers of what was made: no secret, so that
//! none can be shown again.

use crate::{Error, Service};
use jeton_core::{Digest, OperatorId};
use jeton_store::KeyClaim;
use jeton_store::write::{ClaimKey, SettleKey};
use sha2::{Digest as _, Sha256};

/// How long a key is kept.
const KEPT_MILLIS: i64 = 86_400_000;
/// Most keys that an operator may have.
const MAX_KEYS: u64 = 10_000;

/// Whether something may be done under a key.
#[derive(Debug)]
pub enum Once {
    /// It may, now. Whoever does it says what came of it, by [`Service::end_once`].
    First(OnceKey),
    /// It was done: the number of what was made.
    Done(i64),
    /// It is being done, or nobody knows whether it was.
    Unknown,
    /// Something else was asked under this key.
    Other,
    /// The operator has used as many keys lately as it may.
    NoRoom,
}

/// A key that was claimed.
#[derive(Debug)]
pub struct OnceKey {
    operator_id: OperatorId,
    key: Digest,
}

impl Service {
    /// Claims a key for what is asked under it.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn begin_once(
        &self,
        operator_id: OperatorId,
        key: &[u8],
        request: &[&[u8]],
    ) -> Result<Once, Error> {
        let (key, request) = (sha256(&[key]), sha256(request));
        let at = self.now();
        let forget_before = at.saturating_add_millis(-KEPT_MILLIS);
        let claim = ClaimKey { operator_id, key, request, at, forget_before, most: MAX_KEYS };
        Ok(match self.store.write(claim).await? {
            KeyClaim::Claimed => Once::First(OnceKey { operator_id, key }),
            KeyClaim::Known { request: other, .. } if other != request => Once::Other,
            KeyClaim::Known { subject_id: Some(subject_id), .. } => Once::Done(subject_id),
            KeyClaim::Known { subject_id: None, .. } => Once::Unknown,
            KeyClaim::NoRoom => Once::NoRoom,
        })
    }

    /// Notes what was made under a key; `None`: nothing, so that the key can be used again.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn end_once(&self, key: &OnceKey, subject_id: Option<i64>) -> Result<(), Error> {
        let OnceKey { operator_id, key } = key;
        let settle = SettleKey { operator_id: *operator_id, key: *key, subject_id };
        Ok(self.store.write(settle).await?)
    }
}

/// Of all parts, none of which runs into the next.
fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    Digest::from_bytes(&hash.finalize()).unwrap_or_else(|| unreachable!("SHA-256 has as many bytes"))
}
