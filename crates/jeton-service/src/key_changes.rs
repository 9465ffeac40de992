//! The keys of the ring while requests are served: which there are, one more, another current one, and one less.
//!
//! What holds for any number of servers of one database:
//!
//! - A key is in the rings of all servers before one of them writes with it. So adding one and making it the current one are two
//!   steps, and between them each server has time to read its file.
//! - The database knows all keys, and says so to servers that lack one: they cannot tell what is bad, and do not say so
//!   ([`Error::KeyMissing`]).
//! - A key is retired in the database first, in one transaction with the check that no row needs it, and in the file of the ring
//!   afterwards. A server uses no key that the database knows as retired, whatever its file has.
//!
//! Each step is one write of the database or one replacement of the file, after which everything is valid, and repeating a command
//! continues one that was killed.

use crate::keys::{
    KeyFileError, KeyRing, KeyState, Keys, WritingKeys, change_key_file, key_file_stamp, read_key_file,
};
use crate::{Error, KeyCheckError, Service};
use jeton_core::{Cause, Timestamp};
use jeton_store::write::{ActivateKey, AddKey, ForgetKey, RetireKey};
use jeton_store::{KeyCheck, KeyRetired, KeyUse, KeyUses};
use std::future::Future;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How often the file of the ring is looked at.
const FILE_PAUSE: Duration = Duration::from_secs(1);
/// How often, and how long each time, writes are waited for that were begun with a key: longer than any may take.
const MOST_WAITS: u32 = 3_000;
const WAIT: Duration = Duration::from_millis(10);
/// Most keys of a ring, with what is left of retired ones: a secret has a digest for every two of them.
const MAX_KEYS: usize = 4;

/// Why the keys are not as asked.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The ring is in no file.
    #[error(
        "the key ring is in JETON_KEYS, which no program can change for others: put it into a file and unset JETON_KEYS"
    )]
    NoFile,
    /// The file cannot be used.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The ring in the file does not fit the database.
    #[error(transparent)]
    Ring(#[from] KeyCheckError),
    /// There is no such key.
    #[error("there is no key {0} in the ring")]
    Unknown(u32),
    /// It writes.
    #[error("key {0} is the current one: make another one the current one first")]
    Current(u32),
    /// There is a newer one.
    #[error("key {0} is older than the current one: only a newer one takes its place")]
    Older(u32),
    /// Rows need it.
    #[error("key {key_id} is still needed: {}", listed(.uses))]
    Needed {
        /// The key.
        key_id: u32,
        /// What for.
        uses: Vec<KeyUses>,
    },
    /// What is left of it is needed.
    #[error(
        "key {key_id} is retired, and {rows} digests begin with it: they are made anew when their secrets are presented, or \
         end with their tokens"
    )]
    Begun {
        /// The key.
        key_id: u32,
        /// How many.
        rows: u64,
    },
    /// Something that was begun with it is not written yet.
    #[error("requests in progress still write with key {0}: try again")]
    Busy(u32),
    /// There are as many as can be.
    #[error("there are {MAX_KEYS} keys with what is left of retired ones: retire one first")]
    TooMany,
    /// It could not be done.
    #[error(transparent)]
    Unavailable(#[from] Error),
}

fn listed(uses: &[KeyUses]) -> String {
    let texts = uses.iter().map(|uses| {
        let what = match uses.what {
            KeyUse::Tokens => "tokens",
            KeyUse::FurtherSecrets => "further secrets of tokens",
            KeyUse::ClientSecrets => "client secrets",
            KeyUse::Operators => "operators",
            KeyUse::DataKeys => "data keys",
            KeyUse::Begun => "digests that begin with it",
        };
        format!("{} {what}", uses.rows)
    });
    texts.collect::<Vec<_>>().join(", ")
}

/// What became of a key that was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAdded {
    /// Its number.
    pub key_id: u32,
    /// Whether an earlier command had added it, and did not make it the current one.
    pub was_waiting: bool,
}

/// The keys of an installation.
#[derive(Clone, Debug)]
pub struct KeysStatus {
    /// By ascending number.
    pub keys: Vec<KeyReport>,
    /// The number of the current one.
    pub current: u32,
    /// Those that the database knows and the ring of this server lacks.
    pub missing: Vec<u32>,
    /// How much older keys have made.
    pub left: u64,
    /// How much there is in all.
    pub total: u64,
    /// Whether this server is giving what they have made to the current one.
    pub is_rekeying: bool,
}

/// A key, and what needs it.
#[derive(Clone, Debug)]
pub struct KeyReport {
    /// Its number.
    pub id: u32,
    /// Its state.
    pub state: KeyState,
    /// When it was retired.
    pub retired_at: Option<Timestamp>,
    /// What needs it.
    pub uses: Vec<KeyUses>,
}

impl KeyReport {
    /// How many rows need it.
    pub fn rows(&self) -> u64 {
        self.uses.iter().filter(|uses| uses.what != KeyUse::Begun).map(|uses| uses.rows).sum()
    }
}

impl Service {
    /// The keys, and what needs each of them.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn keys_status(&self) -> Result<KeysStatus, Error> {
        let (checks, all) = (self.key_checks().await?, self.store.key_uses().await?);
        let keys = self.keys.share();
        let current = keys.current_id();
        let mut reports: Vec<KeyReport> = Vec::new();
        for (id, state) in keys.states() {
            let check = checks.iter().find(|check| check.key_id == id);
            let retired_at = check.and_then(|check| check.retired_at);
            reports.push(KeyReport { id, state, retired_at, uses: uses_of(&all, id) });
        }
        let rows = |is_meant: &dyn Fn(&KeyUses) -> bool| {
            let meant = all.iter().filter(|uses| uses.what != KeyUse::Begun && is_meant(uses));
            meant.map(|uses| uses.rows).sum()
        };
        Ok(KeysStatus {
            keys: reports,
            current,
            missing: keys.missing().to_vec(),
            left: rows(&|uses| uses.key_id < current),
            total: rows(&|_| true),
            is_rekeying: self.rekeying.measures.is_running.load(Ordering::Relaxed),
        })
    }

    /// Adds a key to the ring, which waits to be the current one: from the answer on, this server reads what it has written. If one
    /// is waiting, it is that.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub async fn add_key(&self, by: &Cause) -> Result<KeyAdded, KeysError> {
        let path = self.key_file.as_deref().ok_or(KeysError::NoFile)?;
        let _ring = self.rekeying.ring.lock().await;
        // Others may have changed the file since it was looked at.
        self.adopt_ring(&read_key_file(path)?).await?;
        let greatest = self.key_checks().await?.iter().map(|check| check.key_id).max().unwrap_or(0);
        let mut added = None;
        let ring = change_key_file(path, |ring| {
            let greatest = ring.ids().max().unwrap_or(0).max(greatest);
            let waiting = ring.ids().filter(|id| *id > ring.current_id()).max();
            if waiting.is_none() && ring.ids().count() >= MAX_KEYS {
                return Err(KeysError::TooMany);
            }
            let key_id = waiting.unwrap_or(greatest.saturating_add(1));
            added = Some(KeyAdded { key_id, was_waiting: waiting.is_some() });
            Ok(ring.with_waiting_key(key_id, &*self.entropy).map_err(Error::from)?)
        })?;
        let added = added.ok_or(KeysError::NoFile)?;
        self.adopt_ring(&ring).await?;
        let key = self.keys.load().check_of(added.key_id).ok_or(KeysError::Unknown(added.key_id))?;
        let add = AddKey { key, at: self.now(), by: by.clone() };
        self.store.write(add).await.map_err(Error::from)?;
        Ok(added)
    }

    /// Makes a key the current one that waits for it. Nothing is changed if it is that already.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub async fn activate_key(&self, key_id: u32, by: &Cause) -> Result<(), KeysError> {
        let path = self.key_file.as_deref().ok_or(KeysError::NoFile)?;
        let _ring = self.rekeying.ring.lock().await;
        self.adopt_ring(&read_key_file(path)?).await?;
        let checks = self.key_checks().await?;
        if !checks.iter().any(|check| check.key_id == key_id && check.retired_at.is_none()) {
            return Err(KeysError::Unknown(key_id));
        }
        let mut was = key_id;
        let ring = change_key_file(path, |ring| {
            was = ring.current_id();
            if key_id < was {
                return Err(KeysError::Older(key_id));
            }
            ring.with_current(key_id).ok_or(KeysError::Unknown(key_id))
        })?;
        self.adopt_ring(&ring).await?;
        if was != key_id {
            let activate = ActivateKey { key_id, at: self.now(), by: by.clone() };
            self.store.write(activate).await.map_err(Error::from)?;
        }
        Ok(())
    }

    /// Retires a key that no row needs, or gives up what is left of one that was retired. Answers whether anything of it is left in
    /// the ring, for digests that begin with it.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub async fn retire_key(&self, key_id: u32, by: &Cause) -> Result<bool, KeysError> {
        let path = self.key_file.as_deref().ok_or(KeysError::NoFile)?;
        let _ring = self.rekeying.ring.lock().await;
        self.adopt_ring(&read_key_file(path)?).await?;
        let keys = self.keys.share();
        if keys.current_id() == key_id {
            return Err(KeysError::Current(key_id));
        }
        self.finish_writes_with(key_id).await?;
        let was_retired = keys.states().contains(&(key_id, KeyState::Retired));
        let without = |keeps_step| change_key_file(path, |ring| Ok(ring.without(key_id, keeps_step)));
        let Some(check) = keys.step_check_of(key_id) else {
            // Retired, and nothing of it is needed: perhaps a command was killed before it said so to the file.
            return match read_key_file(path)?.ids().any(|id| id == key_id) {
                true => without(false).map(|_| false),
                false => Err(KeysError::Unknown(key_id)),
            };
        };
        let retire = RetireKey { key_id, check, at: self.now(), by: by.clone() };
        match self.store.write(retire).await.map_err(Error::from)? {
            KeyRetired::Done | KeyRetired::Before => {}
            KeyRetired::Needed(_) => {
                let uses = uses_of(&self.store.key_uses().await.map_err(Error::from)?, key_id);
                return Err(KeysError::Needed { key_id, uses });
            }
            // It was added to the file, and to nothing else.
            KeyRetired::Unknown => {
                self.adopt_ring(&without(false)?).await?;
                return Ok(false);
            }
        }
        self.settle_keys().await?;
        let rows = self.store.write(ForgetKey { key_id }).await.map_err(Error::from)?;
        self.adopt_ring(&without(rows > 0)?).await?;
        if was_retired && rows > 0 {
            return Err(KeysError::Begun { key_id, rows });
        }
        Ok(rows > 0)
    }

    /// Waits until what was begun with a key is written, or has failed.
    async fn finish_writes_with(&self, key_id: u32) -> Result<(), KeysError> {
        for _ in 0..MOST_WAITS {
            if !self.keys.is_being_written_with(key_id) {
                return Ok(());
            }
            tokio::time::sleep(WAIT).await;
        }
        Err(KeysError::Busy(key_id))
    }

    /// Takes the ring from its file, if that has changed, and what the database knows of its keys, until `stop` completes; and gives
    /// what older keys have made to the current one, if it [leads](Self::keep_leading). Run it once for each service.
    pub async fn keep_keys(&self, stop: impl Future<Output = ()>) {
        let watching = self.watch_ring();
        let rekeying = self.keep_rekeying(std::future::pending());
        tokio::select! {
            () = stop => {}
            () = watching => {}
            () = rekeying => {}
        }
    }

    async fn watch_ring(&self) {
        let mut news = self.cache.watch_keys();
        let mut seen = None;
        let mut last_error = String::new();
        loop {
            let stamp = self.key_file.as_deref().and_then(key_file_stamp);
            let is_told = news.has_changed().unwrap_or(false);
            news.mark_unchanged();
            if is_told || (stamp.is_some() && seen != stamp) || !last_error.is_empty() {
                let error = self.take_keys().await.err().map_or(String::new(), |error| error.to_string());
                if !error.is_empty() && error != last_error {
                    tracing::error!("the key ring was not taken over: {error}");
                }
                last_error = error;
                seen = stamp;
            }
            tokio::select! {
                () = tokio::time::sleep(FILE_PAUSE) => {}
                _ = news.changed() => news.mark_changed(),
            }
        }
    }

    /// Has [`keep_keys`](Self::keep_keys) take the ring from its file now.
    pub fn look_for_keys(&self) {
        self.cache.tell_of_keys();
    }

    /// Takes the ring from its file, and what the database knows of its keys. What does not fit changes nothing, except that retired
    /// keys are used no more.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub async fn take_keys(&self) -> Result<(), KeysError> {
        let _ring = self.rekeying.ring.lock().await;
        let ring = self.key_file.as_deref().map(read_key_file).transpose();
        match ring {
            Ok(Some(ring)) => self.adopt_ring(&ring).await,
            Ok(None) => self.settle_keys().await,
            Err(error) => {
                self.settle_keys().await?;
                Err(error.into())
            }
        }
    }

    /// Uses the keys of this ring from now on.
    async fn adopt_ring(&self, ring: &KeyRing) -> Result<(), KeysError> {
        let checks = self.key_checks().await?;
        match Keys::settled(ring, &checks).and_then(|keys| keys.fit(&checks).map(|()| keys)) {
            Ok(keys) => {
                self.use_keys(keys);
                Ok(())
            }
            Err(error) => {
                // What is in use goes on, as far as it can.
                self.settle(&checks)?;
                Err(error.into())
            }
        }
    }

    /// Uses the keys in use as the database knows them.
    async fn settle_keys(&self) -> Result<(), KeysError> {
        let checks = self.key_checks().await?;
        self.settle(&checks)
    }

    fn settle(&self, checks: &[KeyCheck]) -> Result<(), KeysError> {
        let keys = self.keys.share().settled_again(checks)?;
        self.use_keys(keys);
        Ok(())
    }

    fn use_keys(&self, keys: Keys) {
        let before = self.keys.share();
        let is_same = keys.states() == before.states() && keys.missing() == before.missing();
        if is_same && keys.is_stale() == before.is_stale() {
            return;
        }
        tracing::info!(
            current = keys.current_id(),
            keys = ?keys,
            missing = ?keys.missing(),
            "the key ring is another one"
        );
        if !keys.include(&before) || keys.lacks_any() {
            self.cache.forget_for_keys();
        }
        self.keys.replace(keys);
        self.rekeying.rings.fetch_add(1, Ordering::Relaxed);
    }

    /// The keys to write with, to be kept until that is written.
    ///
    /// # Errors
    /// The current one was retired: this server has an old ring.
    pub(crate) fn writing_keys(&self) -> Result<WritingKeys, Error> {
        let keys = self.keys.write();
        if keys.is_stale() { Err(Error::KeyMissing) } else { Ok(keys) }
    }

    async fn key_checks(&self) -> Result<Vec<KeyCheck>, Error> {
        Ok(self.store.key_checks().await?.unwrap_or_default())
    }

    /// The number of the current key, and how many the database knows and the ring lacks.
    pub fn keys_in_use(&self) -> (u32, usize) {
        let keys = self.keys.load();
        (keys.current_id(), keys.missing().len())
    }

    /// The file with the ring, if it is in one.
    pub fn key_file(&self) -> Option<&Path> {
        self.key_file.as_deref()
    }
}

fn uses_of(all: &[KeyUses], key_id: u32) -> Vec<KeyUses> {
    let mut summed: Vec<KeyUses> = Vec::new();
    for uses in all.iter().filter(|uses| uses.key_id == key_id) {
        match summed.iter_mut().find(|sum| sum.what == uses.what) {
            Some(sum) => sum.rows += uses.rows,
            None => summed.push(*uses),
        }
    }
    summed
}
