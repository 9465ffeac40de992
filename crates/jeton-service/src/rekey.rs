//! The sweep that gives what older keys have made to the current one: digests of tokens, of client secrets and of operators, and
//! the sealed data keys of apps.
//!
//! Where a token's secret is kept, its digest is made anew from that. Nobody knows the other secrets: their digests are made of the
//! digests of before, and made anew when the secret is presented ([`Rekeying::note_use`]). Either way one statement replaces a
//! digest that is still the one of before, so that any number of servers may sweep at once, a sweep that was killed goes on where it
//! was, and every look-up finds a row by one digest or the other.

use crate::keys::{DataKey, Keys, WritingKeys};
use crate::{Error, Service};
use jeton_core::{AppId, Counter, Digest};
use jeton_store::write::{ReplaceDataKey, ReplaceDigests};
use jeton_store::{DigestPlace, NewDigest, OldDigest};
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Digests in one transaction: other writes wait for ten milliseconds at most.
const BATCH_ROWS: u32 = 100;
/// For each part of its time that a batch takes, the next one waits for so many: it leaves most of the writer to others, the more,
/// the more they ask of it.
const PAUSE_FACTOR: u32 = 2;
/// The shortest and the longest pause between batches.
const PAUSES: (Duration, Duration) = (Duration::from_millis(2), Duration::from_secs(1));
/// From the end of a sweep to the next look whether there is another ring, and at what was noted.
const LOOK_PAUSE: Duration = Duration::from_secs(1);
/// From a sweep to the next one with the same ring: another server may have written with an older key meanwhile.
const LONG_PAUSE: Duration = Duration::from_secs(60);
/// At most so many secrets that were presented wait for their digests to be made anew; others have to be presented again.
const MAX_NOTED: usize = 2_048;

/// What the sweep does, and has done since the service was opened.
#[derive(Debug, Default)]
pub struct RekeyMeasures {
    /// Digests and data keys that the sweep has given to the current key.
    pub rekeyed: Counter,
    /// Digests that the current key has made because their secrets were presented.
    pub on_use: Counter,
    /// Digests of tokens that older keys have made, as far as known.
    pub left: AtomicU64,
    /// Whether a sweep is running.
    pub is_running: AtomicBool,
    /// Sweeps that could not be completed; each is repeated.
    pub failures: Counter,
}

/// The state of the sweep.
#[derive(Debug, Default)]
pub(crate) struct Rekeying {
    pub(crate) measures: RekeyMeasures,
    /// Counts up when other keys are in use.
    pub(crate) rings: AtomicU64,
    /// Held while a ring is read and taken over, or changed.
    pub(crate) ring: tokio::sync::Mutex<()>,
    noted: Mutex<HashMap<(AppOf, Digest), Noted>>,
}

/// Of which app a digest is.
type AppOf = Option<AppId>;

/// A digest that the current key can make, since the secret was presented.
#[derive(Clone, Debug)]
struct Noted {
    key_id: u32,
    new: NewDigest,
}

impl Rekeying {
    /// Notes that a secret was presented and found by this digest, which is perhaps not the one that the current key makes of it.
    /// Needs no I/O, and never waits: a task writes it.
    pub(crate) fn note_use(
        &self,
        keys: &Keys,
        place: DigestPlace,
        was: Digest,
        digest: impl FnOnce() -> Digest,
    ) {
        let digest = digest();
        // What a newer key has made stays: other servers write with it already.
        if was == digest || !keys.is_newest() {
            return;
        }
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < MAX_NOTED {
            let new = NewDigest { place, was, digest, first_key_id: None, sealed: None };
            noted.insert((place.app_id(), was), Noted { key_id: keys.current_id(), new });
        }
    }

    /// What was noted for this key.
    fn take_noted(&self, key_id: u32) -> Vec<NewDigest> {
        let noted = std::mem::take(&mut *self.noted.lock().unwrap_or_else(PoisonError::into_inner));
        let noted = noted.into_values().filter(|noted| noted.key_id == key_id).map(|noted| noted.new);
        let mut noted: Vec<NewDigest> = noted.collect();
        // In the order of the sweep, which waits for the same rows.
        noted.sort_by_key(|new| match new.place {
            DigestPlace::Token(app_id, id) => (app_id.get(), id.get()),
            _ => (i64::MAX, 0),
        });
        noted
    }
}

/// How a sweep makes digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// From secrets, where they are kept.
    Anew,
    /// From the digests of before. For what could not be made anew, since another token has the digest: two servers have issued the
    /// same foreign secret, each by a key of its own.
    FromDigests,
}

impl Service {
    /// What the sweep does, and has done.
    pub fn rekey_measures(&self) -> &RekeyMeasures {
        &self.rekeying.measures
    }

    /// Sweeps whenever there are older keys and this process [leads](Self::keep_leading), and writes what was noted, until `stop`
    /// completes.
    pub(crate) async fn keep_rekeying(&self, stop: impl Future<Output = ()>) {
        let passes = async {
            let mut looked: Option<(u64, Duration)> = None;
            loop {
                let rings = self.rekeying.rings.load(Ordering::Relaxed);
                let is_due = looked.is_none_or(|(then, at)| {
                    then != rings || self.monotonic().saturating_sub(at) >= LONG_PAUSE
                });
                let is_new = is_due && self.leads();
                let swept = if is_new { self.rekey().await } else { self.rekey_noted().await };
                self.rekeying.measures.is_running.store(false, Ordering::Relaxed);
                match swept {
                    Ok(_) if is_new => looked = Some((rings, self.monotonic())),
                    Ok(_) => {}
                    Err(error) => {
                        self.rekeying.measures.failures.increment();
                        tracing::error!(
                            "what older keys have made could not be given to the current one: {error}"
                        );
                    }
                }
                tokio::time::sleep(LOOK_PAUSE).await;
            }
        };
        tokio::select! {
            () = stop => {}
            () = passes => {}
        }
    }

    /// Gives everything that older keys have made to the current one, as far as that is not done, and answers how much there was.
    ///
    /// # Errors
    /// It could not be completed. What is done stays done.
    pub async fn rekey(&self) -> Result<u64, Error> {
        let mut rekeyed = self.rekey_noted().await?;
        let current = self.keys.load().current_id();
        let older: Vec<u32> = {
            let states = self.keys.load().states();
            states.into_iter().map(|(id, _)| id).filter(|id| *id < current).collect()
        };
        if older.is_empty() {
            self.rekeying.measures.left.store(0, Ordering::Relaxed);
            return Ok(rekeyed);
        }
        for way in [Way::Anew, Way::FromDigests] {
            if self.count_left(current).await? == 0 {
                break;
            }
            self.rekeying.measures.is_running.store(true, Ordering::Relaxed);
            for key_id in &older {
                rekeyed += self.rekey_data_keys(*key_id).await?;
                rekeyed += self.rekey_tokens(*key_id, way).await?;
                rekeyed += self.rekey_others(*key_id).await?;
            }
        }
        Ok(rekeyed)
    }

    /// How much older keys have made, of which the digests of tokens are what takes time.
    async fn count_left(&self, current: u32) -> Result<u64, Error> {
        let uses = self.store.key_uses().await?;
        let is_left =
            |uses: &&jeton_store::KeyUses| uses.key_id < current && uses.what != jeton_store::KeyUse::Begun;
        let left = uses.iter().filter(is_left).map(|uses| uses.rows).sum();
        self.rekeying.measures.left.store(left, Ordering::Relaxed);
        Ok(left)
    }

    async fn rekey_noted(&self) -> Result<u64, Error> {
        let keys = self.writing_keys()?;
        let (key_id, mut rekeyed) = (keys.current_id(), 0);
        for digests in self.rekeying.take_noted(key_id).chunks(BATCH_ROWS as usize) {
            rekeyed += self.store.write(ReplaceDigests { key_id, digests: digests.to_vec() }).await?;
        }
        self.rekeying.measures.on_use.add(rekeyed);
        Ok(rekeyed)
    }

    async fn rekey_tokens(&self, key_id: u32, way: Way) -> Result<u64, Error> {
        let (mut after, mut rekeyed) = (None, 0);
        loop {
            let begun = self.monotonic();
            let old = self.store.old_tokens(key_id, after, BATCH_ROWS).await?;
            let Some(last) = old.last() else { return Ok(rekeyed) };
            if let DigestPlace::Token(app_id, id) = last.place {
                after = Some((app_id, id));
            }
            rekeyed += self.replace_digests(self.new_digests(old, way).await?).await?;
            self.pause(begun).await;
        }
    }

    async fn rekey_others(&self, key_id: u32) -> Result<u64, Error> {
        let mut rekeyed = 0;
        loop {
            let begun = self.monotonic();
            let old = self.store.old_digests(key_id, BATCH_ROWS).await?;
            let replaced = self.replace_digests(self.new_digests(old, Way::FromDigests).await?).await?;
            rekeyed += replaced;
            if replaced == 0 {
                return Ok(rekeyed);
            }
            self.pause(begun).await;
        }
    }

    async fn rekey_data_keys(&self, key_id: u32) -> Result<u64, Error> {
        let mut rekeyed = 0;
        for app in self.store.apps().await? {
            let keys = self.writing_keys()?;
            let Some(was) = app.data_key.filter(|sealed| DataKey::sealed_under(sealed) == Ok(key_id)) else {
                continue;
            };
            if let Some(data_key) = keys.resealed_data_key(&*self.entropy, &was, &app.client_id)? {
                let begun = self.monotonic();
                let replaced = self.store.write(ReplaceDataKey { app_id: app.id, was, data_key }).await?;
                rekeyed += u64::from(replaced);
                self.pause(begun).await;
            }
        }
        self.rekeying.measures.rekeyed.add(rekeyed);
        Ok(rekeyed)
    }

    async fn replace_digests(&self, (keys, digests): (WritingKeys, Vec<NewDigest>)) -> Result<u64, Error> {
        if digests.is_empty() {
            return Ok(0);
        }
        let replaced = self.store.write(ReplaceDigests { key_id: keys.current_id(), digests }).await?;
        let measures = &self.rekeying.measures;
        measures.rekeyed.add(replaced);
        let less = |left: u64| Some(left.saturating_sub(replaced));
        let _ = measures.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        Ok(replaced)
    }

    /// From the end of a batch, in proportion to what it took.
    async fn pause(&self, begun: Duration) {
        let took = self.monotonic().saturating_sub(begun);
        tokio::time::sleep((took * PAUSE_FACTOR).clamp(PAUSES.0, PAUSES.1)).await;
    }

    /// The digests that the current key makes.
    async fn new_digests(
        &self,
        old: Vec<OldDigest>,
        way: Way,
    ) -> Result<(WritingKeys, Vec<NewDigest>), Error> {
        let keys = self.writing_keys()?;
        let mut data_keys: HashMap<AppId, Option<DataKey>> = HashMap::new();
        let mut new = Vec::with_capacity(old.len());
        for old in old {
            let data_key = match (old.place.app_id(), &old.sealed) {
                (Some(app_id), Some(_)) => match data_keys.get(&app_id) {
                    Some(known) => known.clone(),
                    None => {
                        let found = self.data_key_of(&keys, app_id).await?;
                        data_keys.insert(app_id, found.clone());
                        found
                    }
                },
                _ => None,
            };
            new.extend(self.new_digest(&keys, data_key.as_ref(), old, way)?);
        }
        Ok((keys, new))
    }

    async fn data_key_of(&self, keys: &Keys, app_id: AppId) -> Result<Option<DataKey>, Error> {
        let app = self.store.app_by_id(app_id).await?;
        let opened = app.and_then(|app| Some(keys.open_data_key(app.data_key.as_ref()?, &app.client_id)));
        opened.transpose().map_err(|_| Error::Unreadable("data key of an app"))
    }

    /// The digest that the current key makes in the place of an older one; `None`: no older key has made it.
    fn new_digest(
        &self,
        keys: &Keys,
        data_key: Option<&DataKey>,
        old: OldDigest,
        way: Way,
    ) -> Result<Option<NewDigest>, Error> {
        let OldDigest { place, digest: was, key_id, first_key_id, sealed } = old;
        let renewed = match place {
            DigestPlace::Token(..) | DigestPlace::Further(_) => keys.renewed_lookup(&was, key_id),
            DigestPlace::Client(_) | DigestPlace::OldClient(_) => keys.renewed_client(&was, key_id),
            DigestPlace::Operator(_) => keys.renewed_operator(&was, key_id),
        };
        let Some(renewed) = renewed else { return Ok(None) };
        let unknown = |sealed| {
            let first_key_id = Some(first_key_id.unwrap_or(key_id));
            Ok(Some(NewDigest { place, was, digest: renewed, first_key_id, sealed }))
        };
        let (Some(sealed), Some(data_key), Some(app_id)) = (&sealed, data_key, place.app_id()) else {
            return unknown(sealed);
        };
        // Sealed by a data key that was destroyed, or damaged: nobody can open it, now or later.
        let Ok(Some(secret)) = data_key.open_secret(sealed, app_id, &was) else {
            return unknown(Some(sealed.clone()));
        };
        let is_its_own = keys.digests(&secret).any(|digest| digest == was);
        let (digest, first_key_id) = match way {
            Way::Anew if is_its_own => (keys.digest(&secret), None),
            Way::Anew | Way::FromDigests => (renewed, Some(first_key_id.unwrap_or(key_id))),
        };
        let sealed = Some(data_key.seal(&*self.entropy, app_id, &digest, &secret)?);
        Ok(Some(NewDigest { place, was, digest, first_key_id, sealed }))
    }
}
