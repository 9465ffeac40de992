//! The keys: one ring of root keys, and a separate key derived from each root for every purpose.
//!
//! | key | what it makes | what takes its place |
//! |---|---|---|
//! | mac | minted secrets, which arithmetic recognises | new secrets have the new one's; old ones are in the filter of foreign digests |
//! | lookup, operator, client | digests of the secrets of tokens, of operators and of apps | the new one's, of the secret where it is known, else of the digest |
//! | wrap | digests of digests | the same |
//! | seal | sealed data keys of apps | they are sealed again |
//! | check | what a database recognises the root by | nothing |
//!
//! Nobody knows the secrets of most rows, only their digests. So a later key makes a digest of the digest of an earlier one, and
//! what is found by that is given the later key's own digest when its secret is presented. From a root that is retired the ring
//! keeps the keys of its digests alone, and those only while rows have digests that begin with them. They are of no use by
//! themselves: without the later key nobody can tell whether a digest is of a guessed secret.

mod export;
mod file;
mod link;
mod live;
mod ring;
mod seal;

pub use export::ExportError;
pub(crate) use export::KnownSecret;
pub use file::{KeyFileError, KeyFileStamp, change_key_file, key_file_stamp, read_key_file, write_key_file};
pub(crate) use live::{LiveKeys, WritingKeys};
pub use ring::{KeyRing, KeyRingError};
pub use seal::{DataKey, SealError};

use jeton_core::{Digest, Entropy, EntropyError, Secret, TokenPrefix};
use jeton_store::KeyCheck;
use link::{Link, Purpose, RootKeys};
use smallvec::SmallVec;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// All digests under which a secret may be stored, first the one under which it is stored from now on. There are rarely more than
/// one.
pub(crate) type Digests = SmallVec<[Digest; 2]>;

/// All keys derived from the ring, ready for use. `Debug` shows the numbers of the keys only.
pub struct Keys {
    /// By ascending number.
    links: Vec<Link>,
    current: usize,
    /// The numbers of keys that the database knows and the ring lacks.
    missing: Vec<u32>,
    /// Whether the database knows a key that was retired.
    has_retired: bool,
    /// Whether the current key is such a one: nothing may be written with it.
    is_stale: bool,
    /// Counts the writes in progress with these keys.
    writes: Arc<()>,
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
    /// The current key was retired.
    #[error("the current key {0} of the key ring was retired: copy the ring that is current to this server")]
    Retired(u32),
}

/// The state of a key of the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// It writes.
    Current,
    /// It is older, and still reads.
    Old,
    /// It is newer, and waits to be the current one.
    Waiting,
    /// It is retired, and the ring keeps what digests begin with.
    Retired,
}

impl Keys {
    /// Derives the keys of every root in the ring.
    pub fn derive(ring: &KeyRing) -> Self {
        let mut links: Vec<Link> = ring.roots().map(|(id, root)| Link::derive(id, root)).collect();
        links.extend(ring.steps().map(|(id, step)| Link::of_step(id, step)));
        links.sort_by_key(|link| link.id);
        let current = links.iter().position(|link| link.id == ring.current_id()).unwrap_or_default();
        Self::of(links, current)
    }

    fn of(links: Vec<Link>, current: usize) -> Self {
        let (has_retired, is_stale) = (false, false);
        Keys { links, current, missing: Vec::new(), has_retired, is_stale, writes: Arc::default() }
    }

    fn copied(&self) -> Self {
        Self::of(self.links.clone(), self.current)
    }

    /// The same, without what the database knows as retired.
    ///
    /// # Errors
    ///
    /// The first key that does not fit the database. It may have newer ones.
    pub fn settled(ring: &KeyRing, checks: &[KeyCheck]) -> Result<Self, KeyCheckError> {
        let mut keys = Self::derive(ring);
        keys.settle(checks)?;
        Ok(keys)
    }

    /// These keys, without what the database knows as retired, and whether or not they are all of those that it knows.
    ///
    /// # Errors
    /// A key of the ring does not fit.
    pub(crate) fn settled_again(&self, checks: &[KeyCheck]) -> Result<Self, KeyCheckError> {
        let current = self.current_id();
        let is_known = |check: &&KeyCheck| self.links.iter().any(|link| link.id == check.key_id);
        let is_stale = |check: &KeyCheck| check.key_id == current && check.retired_at.is_some();
        let known = checks.iter().filter(is_known).filter(|check| !is_stale(check));
        let known: Vec<KeyCheck> = known.cloned().collect();
        let missing = checks.iter().filter(|check| !check.check.is_empty() && !is_known(check));
        let mut keys = self.copied();
        keys.settle(&known)?;
        keys.missing = missing.map(|check| check.key_id).collect();
        keys.is_stale = checks.iter().any(is_stale);
        keys.has_retired = has_retired(checks);
        Ok(keys)
    }

    /// These keys as a database needs them that has these check values.
    ///
    /// # Errors
    /// The first key that does not fit. There may be newer ones.
    pub(crate) fn settled_for(&self, checks: &[KeyCheck]) -> Result<Self, KeyCheckError> {
        let mut keys = self.copied();
        keys.settle(checks)?;
        Ok(keys)
    }

    fn settle(&mut self, checks: &[KeyCheck]) -> Result<(), KeyCheckError> {
        let current = self.current_id();
        for check in checks.iter().filter(|check| check.retired_at.is_some()) {
            if check.key_id == current {
                return Err(KeyCheckError::Retired(current));
            }
            if check.check.is_empty() {
                self.links.retain(|link| link.id != check.key_id);
            } else if let Some(link) = self.links.iter_mut().find(|link| link.id == check.key_id) {
                link.root = None;
            }
        }
        self.current = self.links.iter().position(|link| link.id == current).unwrap_or_default();
        self.has_retired = has_retired(checks);
        self.know(checks)
    }

    /// The check values by which a database recognises the keys that are not retired.
    pub fn checks(&self) -> Vec<KeyCheck> {
        let check = |link: &Link| {
            link.check_value().map(|check| KeyCheck { key_id: link.id, check, retired_at: None })
        };
        self.links.iter().filter_map(check).collect()
    }

    /// The check value of this key, if it is there and not retired.
    pub(crate) fn check_of(&self, key_id: u32) -> Option<KeyCheck> {
        self.checks().into_iter().find(|check| check.key_id == key_id)
    }

    /// The check value of what is left of a key that is retired.
    pub(crate) fn step_check_of(&self, key_id: u32) -> Option<Vec<u8>> {
        self.links.iter().find(|link| link.id == key_id).map(Link::step_check_value)
    }

    /// Checks that the database was written with these keys.
    ///
    /// # Errors
    ///
    /// The first key that does not fit.
    pub fn fit(&self, checks: &[KeyCheck]) -> Result<(), KeyCheckError> {
        self.know(checks)?;
        let current = self.current_id();
        match checks.iter().find(|check| check.key_id == current) {
            None => Err(KeyCheckError::Unknown(current)),
            Some(check) if check.retired_at.is_some() => Err(KeyCheckError::Retired(current)),
            Some(_) => Ok(()),
        }
    }

    /// Checks that everything written with keys of these check values can be read. The ring may have newer
    /// keys.
    ///
    /// # Errors
    ///
    /// The first key that does not fit.
    pub fn know(&self, checks: &[KeyCheck]) -> Result<(), KeyCheckError> {
        for check in checks.iter().filter(|check| !check.check.is_empty()) {
            let link = self.links.iter().find(|link| link.id == check.key_id);
            let link = link.ok_or(KeyCheckError::Missing(check.key_id))?;
            let value = match check.retired_at {
                Some(_) => link.step_check_value(),
                // Of what is left of a root nobody can tell whether it was that one.
                None => link.check_value().ok_or(KeyCheckError::Missing(check.key_id))?,
            };
            if !bool::from(value.ct_eq(&check.check)) {
                return Err(KeyCheckError::Wrong(link.id));
            }
        }
        Ok(())
    }

    /// The number of the key that new data is written with.
    pub fn current_id(&self) -> u32 {
        self.links[self.current].id
    }

    /// The number of the newest key that is not retired.
    pub fn newest_id(&self) -> u32 {
        let whole = self.links.iter().rfind(|link| link.root.is_some());
        whole.map_or(self.current_id(), |link| link.id)
    }

    /// Whether no key waits to be the current one.
    pub(crate) fn is_newest(&self) -> bool {
        self.current + 1 == self.links.len()
    }

    /// The keys of the ring, and what is left of retired ones, by ascending number.
    pub fn states(&self) -> Vec<(u32, KeyState)> {
        let state = |link: &Link| match () {
            () if link.root.is_none() => KeyState::Retired,
            () if link.id == self.current_id() => KeyState::Current,
            () if link.id < self.current_id() => KeyState::Old,
            () => KeyState::Waiting,
        };
        self.links.iter().map(|link| (link.id, state(link))).collect()
    }

    /// The numbers of keys that the database knows and the ring lacks.
    pub fn missing(&self) -> &[u32] {
        &self.missing
    }

    /// Whether these have everything that others have.
    pub(crate) fn include(&self, others: &Self) -> bool {
        others.states().iter().all(|(id, state)| {
            let mut own = self.states().into_iter();
            own.any(|(own, now)| own == *id && (now == *state || now != KeyState::Retired))
        })
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

    /// Whether the secret was minted under any key of the ring that is not retired.
    pub fn minted(&self, secret: &Secret) -> bool {
        let is_retired = |place| self.is_stale && place == self.current;
        let mut links = self.links.iter().enumerate().filter(|(place, _)| !is_retired(*place));
        links.any(|(_, link)| link.root.as_ref().is_some_and(|root| secret.is_minted_by(&root.mac)))
    }

    /// Whether the current key was retired, and nothing may be written with it.
    pub(crate) fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Whether it was minted under the current key.
    pub(crate) fn minted_now(&self, secret: &Secret) -> bool {
        secret.is_minted_by(&self.current().mac)
    }

    /// Whether it was minted here as far as arithmetic can say: under a key of the ring, or perhaps under one that was retired.
    pub(crate) fn perhaps_minted(&self, secret: &Secret) -> bool {
        self.minted(secret) || (self.has_retired && secret.looks_minted())
    }

    /// Whether the ring lacks a key that the database knows: then what is not found may be there by a digest of that key, and
    /// nobody can say here that it is bad.
    pub(crate) fn lacks_any(&self) -> bool {
        !self.missing.is_empty()
    }

    /// The digest under which new tokens with this secret are stored.
    pub fn digest(&self, secret: &Secret) -> Digest {
        self.links[self.current].digest(Purpose::Lookup, secret.expose())
    }

    /// The digests under which a token with this secret may be stored, first the one under which new ones are.
    pub fn digests(&self, secret: &Secret) -> impl Iterator<Item = Digest> + use<> {
        self.all_digests(Purpose::Lookup, secret).into_iter()
    }

    /// The digest under which new operators with this token are stored.
    pub fn operator_digest(&self, secret: &Secret) -> Digest {
        self.links[self.current].digest(Purpose::Operator, secret.expose())
    }

    /// The digests under which an operator with this token may be stored, first the one under which new ones are.
    pub fn operator_digests(&self, secret: &Secret) -> impl Iterator<Item = Digest> + use<> {
        self.all_digests(Purpose::Operator, secret).into_iter()
    }

    /// The digest of a new client secret.
    pub fn client_digest(&self, secret: &Secret) -> Digest {
        self.links[self.current].digest(Purpose::Client, secret.expose())
    }

    /// The digests of a client secret, first the one that new ones have.
    pub(crate) fn client_digests(&self, secret: &Secret) -> Digests {
        self.all_digests(Purpose::Client, secret)
    }

    /// Whether `stored` is the digest of this client secret. Takes the same time wherever they differ.
    pub fn is_client_secret(&self, secret: &Secret, stored: &Digest) -> bool {
        self.client_digests(secret).iter().fold(false, |found, digest| found | (digest == stored))
    }

    /// The digests of a secret that a key of the ring has made last: each beginning with any key, and continued by all between.
    fn all_digests(&self, purpose: Purpose, secret: &Secret) -> Digests {
        let mut digests = Digests::new();
        digests.push(self.links[self.current].digest(purpose, secret.expose()));
        if self.links.len() == 1 {
            return digests;
        }
        for (first, link) in self.links.iter().enumerate() {
            let mut digest = match first == self.current {
                true => digests[0],
                false => link.digest(purpose, secret.expose()),
            };
            if first != self.current && link.root.is_some() {
                digests.push(digest);
            }
            for link in &self.links[first + 1..] {
                digest = link.wrap(purpose, &digest);
                if link.root.is_some() {
                    digests.push(digest);
                }
            }
        }
        digests
    }

    /// The digest that the current key makes of one that an older key has made last; `None`: it is no older one, or is not here.
    fn renewed(&self, purpose: Purpose, digest: &Digest, key_id: u32) -> Option<Digest> {
        let last = self.links.iter().position(|link| link.id == key_id)?;
        let later = self.links.get(last + 1..=self.current).filter(|later| !later.is_empty())?;
        Some(later.iter().fold(*digest, |digest, link| link.wrap(purpose, &digest)))
    }

    /// The same of a token's secret.
    pub(crate) fn renewed_lookup(&self, digest: &Digest, key_id: u32) -> Option<Digest> {
        self.renewed(Purpose::Lookup, digest, key_id)
    }

    /// The same of a client secret.
    pub(crate) fn renewed_client(&self, digest: &Digest, key_id: u32) -> Option<Digest> {
        self.renewed(Purpose::Client, digest, key_id)
    }

    /// The same of an operator's token.
    pub(crate) fn renewed_operator(&self, digest: &Digest, key_id: u32) -> Option<Digest> {
        self.renewed(Purpose::Operator, digest, key_id)
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
        DataKey::generate(entropy, &self.current().seal, self.current_id(), client_id)
    }

    /// Opens the data key of an app.
    ///
    /// # Errors
    /// It was not sealed by a key of this ring for this app.
    pub fn open_data_key(&self, sealed: &[u8], client_id: &str) -> Result<DataKey, SealError> {
        let key_id = DataKey::sealed_under(sealed)?;
        let link = self.links.iter().find(|link| link.id == key_id).ok_or(SealError)?;
        DataKey::open(sealed, &link.root.as_ref().ok_or(SealError)?.seal, client_id)
    }

    /// The same data key sealed by the current key; `None`: no older key has sealed it.
    ///
    /// # Errors
    /// It was not sealed by a key of this ring for this app, or there is no randomness.
    pub(crate) fn resealed_data_key(
        &self,
        entropy: &dyn Entropy,
        sealed: &[u8],
        client_id: &str,
    ) -> Result<Option<Vec<u8>>, crate::Error> {
        let unreadable = |_| crate::Error::Unreadable("data key of an app");
        let key_id = DataKey::sealed_under(sealed).map_err(unreadable)?;
        if key_id >= self.current_id() {
            return Ok(None);
        }
        let link = self.links.iter().find(|link| link.id == key_id).and_then(|link| link.root.as_ref());
        let old = link.ok_or(crate::Error::Unreadable("data key of an app"))?;
        let new = (&self.current().seal, self.current_id());
        Ok(Some(DataKey::reseal(entropy, sealed, &old.seal, new, client_id)?.map_err(unreadable)?))
    }

    fn current(&self) -> &RootKeys {
        let root = self.links[self.current].root.as_ref();
        root.unwrap_or_else(|| unreachable!("the current key is not retired"))
    }
}

fn has_retired(checks: &[KeyCheck]) -> bool {
    checks.iter().any(|check| check.retired_at.is_some())
}

/// Check values of keys that were retired, as they are to be stored again.
pub(crate) fn retired(checks: &[KeyCheck]) -> impl Iterator<Item = KeyCheck> {
    checks.iter().filter(|check| check.retired_at.is_some()).cloned()
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.links.iter().map(|link| link.id)).finish()
    }
}

#[cfg(test)]
mod tests;
