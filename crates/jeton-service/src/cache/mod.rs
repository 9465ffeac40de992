//! What verification remembers, so that it need not ask the store, and why that is true.
//!
//! Coherence rests on three things:
//!
//! - [`versions`]: an answer bears the stamp of the newest change before it was asked for, and is good while no later
//!   change of the same thing has left a stamp. Nobody can keep an answer too late or read it too early.
//! - [`coherent`]: every write of this process goes through a store that leaves those stamps, after the commit and before
//!   the answer, whatever use case writes and however it ends.
//! - [`follow`]: what other processes write is read from the change log. While that was not read to its end for longer
//!   than [`CacheLimits::max_staleness`], nothing is answered from memory.
//!
//! Expiry is not the cache's business: `decide` looks at the clock each time.

mod apps;
pub(crate) mod coherent;
pub(crate) mod counters;
pub(crate) mod follow;
mod foreign;
mod table;
mod tally;
mod token;
mod versions;

#[cfg(test)]
mod model_tests;

pub use counters::CacheStats;
pub use token::CachedToken;

use crate::open_app::{ForwardAuthApp, OpenApp, Place};
use apps::Apps;
use counters::Counters;
use foreign::ForeignDigests;
use jeton_core::{AppId, AppKey, Clock, Digest, Timestamp, TokenId};
use jeton_store::{Change, ChangeKind, StoredToken};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use table::{Kept, Key, Table};
use token::{Absence, Asked, GrantPool};
use versions::{Stamp, Versions};

/// What the versions are made of; the tests that try all interleavings put another in its place.
mod sync {
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};
}

/// Places for stamps of tokens. Numbers ascend, so up to this many tokens have a place each: 2 MB, of which only what is
/// used is ever touched.
const TOKEN_PLACES: usize = 1 << 18;
/// Places for stamps of digests that come into being: 256 KB.
const DIGEST_PLACES: usize = 1 << 15;
/// How long it is taken for granted that there is no such token, if nobody makes it.
const ABSENCE: Duration = Duration::from_secs(10);
/// Which part of all bytes goes to answers that there is no such token.
const ABSENT_PART: usize = 16;
/// What [`Cache::confirmed`] holds while the log is not followed.
const NEVER: u64 = u64::MAX;

/// How much is remembered, and how old it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// Most bytes that remembered tokens take. 64 MiB hold some 290,000 of them.
    pub max_bytes: usize,
    /// For how long the change log may go unread before the store is asked again: how long another process's revocation
    /// may go unnoticed at worst.
    pub max_staleness: Duration,
    /// How often the change log is read: how long another process's revocation goes unnoticed in general.
    pub poll_interval: Duration,
    /// How often it is read all the same while other processes' changes are announced: how long one may go unnoticed whose
    /// announcement was lost.
    pub announced_interval: Duration,
}

impl Default for CacheLimits {
    fn default() -> Self {
        CacheLimits {
            max_bytes: 64 << 20,
            max_staleness: Duration::from_secs(2),
            poll_interval: Duration::from_millis(20),
            announced_interval: Duration::from_millis(200),
        }
    }
}

/// What is remembered.
#[derive(Debug)]
pub(crate) struct Cache {
    limits: CacheLimits,
    clock: Arc<dyn Clock>,
    /// Changes of tokens, by number.
    tokens: Versions,
    /// Tokens that came into being, by digest.
    arrivals: Versions,
    apps: Apps,
    known: Table<CachedToken>,
    absent: Table<Absence>,
    grants: GrantPool,
    foreign: ForeignDigests,
    /// Until when everything in the change log has been read, in milliseconds of the clock that never goes backwards.
    confirmed: AtomicU64,
    counters: Counters,
}

/// What is remembered of a secret in an app.
#[derive(Clone, Debug)]
pub(crate) enum Recalled {
    /// The token, of whatever kind: not every asker may know of it.
    Known(Arc<CachedToken>),
    /// There is none.
    Absent,
}

/// Stamps for an answer, taken before the question.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    token: Stamp,
    arrival: Stamp,
    app: Stamp,
}

impl Cache {
    pub(crate) fn new(limits: CacheLimits, clock: Arc<dyn Clock>) -> Self {
        let grants = GrantPool::default();
        let absent_bytes = limits.max_bytes / ABSENT_PART;
        Cache {
            clock,
            tokens: Versions::new(TOKEN_PLACES),
            arrivals: Versions::new(DIGEST_PLACES),
            apps: Apps::new(),
            known: Table::new(limits.max_bytes - absent_bytes, grants.bytes()),
            absent: Table::new(absent_bytes, Arc::default()),
            grants,
            foreign: ForeignDigests::new(),
            confirmed: AtomicU64::new(NEVER),
            counters: Counters::default(),
            limits,
        }
    }

    /// Whether the change log was read to its end not too long ago. If not, nothing that is remembered may be used.
    pub(crate) fn is_fresh(&self) -> bool {
        self.staleness_millis()
            .is_some_and(|millis| u128::from(millis) <= self.limits.max_staleness.as_millis())
    }

    /// The same as [`is_garbage`](Self::is_garbage), of which nothing is counted.
    pub(crate) fn is_in_no_token(&self, digests: &[Digest]) -> bool {
        self.is_fresh() && digests.iter().all(|digest| !self.foreign.may_hold(digest))
    }

    /// Whether no token can have any of these digests, which are of a secret that was not minted here.
    pub(crate) fn is_garbage(&self, digests: &[Digest]) -> bool {
        let is_garbage = self.is_in_no_token(digests);
        if is_garbage {
            self.counters.garbage.increment();
        }
        is_garbage
    }

    /// The app of this place, which may be none; `None`: the store must be asked.
    pub(crate) fn place(&self, place: Place<'_>) -> Option<Option<AppId>> {
        match place {
            Place::Key(key) => self.recall_app(key),
            Place::Known(id) => self.is_fresh().then_some(id),
        }
    }

    /// The token that is remembered of the secret with these digests in this app, while what is remembered is fresh.
    pub(crate) fn recall_known(
        &self,
        app_id: AppId,
        digests: &[Digest],
        now: Timestamp,
    ) -> Option<Arc<CachedToken>> {
        let known = self.known(app_id, digests, now);
        if known.is_some() {
            self.counters.hits.increment();
        }
        known
    }

    /// Whether it is remembered that no token has any of these digests in this app, or that there is no app.
    pub(crate) fn is_known_absent(&self, app_id: Option<AppId>, digests: &[Digest]) -> bool {
        let is_absent = app_id.is_none_or(|app_id| {
            digests.iter().all(|digest| self.is_absent(&Key { app_id, digest: *digest }))
        });
        if is_absent {
            self.counters.absent_hits.increment();
        }
        is_absent
    }

    /// Counts a secret about which the store is asked.
    pub(crate) fn count_question(&self) {
        let counters = &self.counters;
        let question = if self.is_fresh() { &counters.misses } else { &counters.stale };
        question.increment();
    }

    /// The app of this key, which may be none; `None`: the store must be asked.
    pub(crate) fn recall_app(&self, key: &AppKey) -> Option<Option<AppId>> {
        self.is_fresh().then(|| self.apps.id(key)).flatten()
    }

    /// The app of this key, or the default app, opened; `None`: the store must be asked.
    pub(crate) fn recall_opened(&self, key: Option<&AppKey>) -> Option<Arc<OpenApp>> {
        self.is_fresh().then(|| self.apps.opened(key)).flatten()
    }

    /// Whether nothing that was answered after `before` can have changed since: of apps, and of this token.
    pub(crate) fn is_unchanged(&self, before: &Before, token: Option<TokenId>) -> bool {
        self.is_fresh()
            && self.apps.is_current(before.app)
            && token.is_none_or(|id| self.tokens.is_current(token_place(id), before.token))
    }

    fn known(&self, app_id: AppId, digests: &[Digest], now: Timestamp) -> Option<Arc<CachedToken>> {
        digests.iter().copied().find_map(|digest| {
            let current = |cached: &Arc<CachedToken>, asked: Asked| {
                self.is_current(cached, asked, now).then(|| {
                    cached.touch();
                    Arc::clone(cached)
                })
            };
            self.known.read(&Key { app_id, digest }, current).flatten()
        })
    }

    /// A dead token goes without a stamp of its own, and another may come in its place.
    fn is_current(&self, cached: &CachedToken, asked: Asked, now: Timestamp) -> bool {
        let is_replaced = || {
            let prefix = Key::prefix(&cached.key().digest);
            cached.is_dead(now) && !self.arrivals.is_current(prefix, asked.arrival)
        };
        self.tokens.is_current(token_place(cached.token_id()), asked.token) && !is_replaced()
    }

    fn is_absent(&self, key: &Key) -> bool {
        let absence = self.absent.read(key, |absence, ()| (absence.stamp, absence.until_millis));
        absence.is_some_and(|(stamp, until_millis)| {
            self.arrivals.is_current(Key::prefix(&key.digest), stamp) && self.millis() < until_millis
        })
    }

    /// To be called before the store is asked what is then remembered.
    pub(crate) fn before(&self) -> Before {
        Before { token: self.tokens.stamp(), arrival: self.arrivals.stamp(), app: self.apps.stamp() }
    }

    /// What gateways need to know of the app of this key, which may be none; `None`: the store must be asked.
    pub(crate) fn recall_forward_auth(&self, key: &AppKey) -> Option<ForwardAuthApp> {
        self.is_fresh().then(|| self.apps.forward_auth(key)).flatten()
    }

    /// Remembers which app has this key.
    pub(crate) fn keep_app(&self, before: Before, key: &AppKey, app: ForwardAuthApp) {
        self.apps.keep(before.app, key, app);
    }

    /// Remembers the app of this key, or the default app, as it was opened. While nobody would be told that it has
    /// changed, its data key has no business here.
    pub(crate) fn keep_opened(&self, before: Before, key: Option<&AppKey>, app: &Arc<OpenApp>) {
        if self.is_fresh() {
            self.apps.keep_opened(before.app, key, app);
        }
    }

    /// Remembers what the store answered about a secret with these digests in an app, and what it is good for.
    pub(crate) fn keep(
        &self,
        before: Before,
        app_id: AppId,
        digests: &[Digest],
        found: Option<&StoredToken>,
    ) -> Recalled {
        for digest in
            digests.iter().filter(|digest| found.is_none_or(|stored| stored.credential.digest != **digest))
        {
            let until_millis = self.millis().saturating_add(millis_of(ABSENCE));
            let key = Key { app_id, digest: *digest };
            self.absent.keep(Arc::new(Absence { key, stamp: before.arrival, until_millis }), ());
        }
        found.map_or(Recalled::Absent, |stored| Recalled::Known(self.keep_found(before, stored)))
    }

    /// Remembers a token that the store answered.
    pub(crate) fn keep_found(&self, before: Before, stored: &StoredToken) -> Arc<CachedToken> {
        let key = Key { app_id: stored.token.app_id, digest: stored.credential.digest };
        let grants = self.grants.share(&stored.token.scopes);
        let cached = Arc::new(CachedToken::new(&stored.token, key, grants));
        self.known.keep(Arc::clone(&cached), Asked { token: before.token, arrival: before.arrival });
        cached
    }

    /// Forgets what these changes, which others made, have changed.
    fn apply(&self, changes: &[Change]) {
        for change in changes {
            self.forget_what_changed(change);
        }
        self.counters.changes.add(changes.len() as u64);
    }

    fn forget_what_changed(&self, change: &Change) {
        match change.kind {
            ChangeKind::TokenIssued => match change.digest {
                Some(digest) => self.arrivals.invalidate(Key::prefix(&digest)),
                None => self.arrivals.invalidate_all(),
            },
            ChangeKind::TokenUpdated | ChangeKind::TokenRevoked | ChangeKind::TokenDeleted => {
                match change.token_id() {
                    Some(id) => self.tokens.invalidate(token_place(id)),
                    None => self.tokens.invalidate_all(),
                }
            }
            ChangeKind::AppCreated | ChangeKind::AppUpdated | ChangeKind::AppDeleted => {
                self.apps.invalidate();
            }
            ChangeKind::Restored => self.forget_all(),
            ChangeKind::TokensPurged => self.arrivals.invalidate_all(),
            // Operators are not remembered.
            ChangeKind::OperatorCreated | ChangeKind::OperatorRevoked => {}
        }
    }

    /// Forgets everything: nobody knows what has changed.
    fn forget_all(&self) {
        self.foreign.forget();
        self.tokens.invalidate_all();
        self.arrivals.invalidate_all();
        self.apps.invalidate();
        self.counters.flushes.increment();
    }

    /// Begins a replacement of everything that is stored. Once the guard is dropped, nothing from before is remembered.
    fn replace_all(&self) -> Afterwards<'_, Cache, impl Fn(&Cache)> {
        Afterwards(self, Cache::forget_all)
    }

    /// Begins a purge. Once the guard is dropped, nothing is remembered of tokens that are dead or were never there.
    fn purge(&self) -> Afterwards<'_, Cache, impl Fn(&Cache)> {
        Afterwards(self, |cache| cache.arrivals.invalidate_all())
    }

    /// Notes that everything in the change log was read that was there at this time.
    fn confirm(&self, at: Duration) {
        self.confirmed.store(millis_of(at), Ordering::Release);
    }

    /// Notes that nobody reads the change log any more.
    fn stop_trusting(&self) {
        self.confirmed.store(NEVER, Ordering::Release);
        self.apps.forget();
    }

    fn staleness_millis(&self) -> Option<u64> {
        let confirmed = self.confirmed.load(Ordering::Acquire);
        (confirmed != NEVER).then(|| self.millis().saturating_sub(confirmed))
    }

    fn millis(&self) -> u64 {
        millis_of(self.clock.monotonic())
    }

    /// What is held and was done.
    pub(crate) fn stats(&self) -> CacheStats {
        let counters = &self.counters;
        let (tokens, bytes, evicted) = self.known.size();
        let (_, absent_bytes, absent_evicted) = self.absent.size();
        CacheStats {
            hits: counters.hits.get(),
            absent_hits: counters.absent_hits.get(),
            garbage: counters.garbage.get(),
            misses: counters.misses.get(),
            stale: counters.stale.get(),
            changes: counters.changes.get(),
            flushes: counters.flushes.get(),
            polls: counters.polls.get(),
            failed_polls: counters.failed_polls.get(),
            evictions: (evicted + absent_evicted) as u64,
            tokens: tokens as u64,
            bytes: (bytes + absent_bytes) as u64,
            foreign_digests: self.foreign.len() as u64,
            staleness_millis: self.staleness_millis(),
            is_listening: counters.is_listening.load(Ordering::Relaxed),
        }
    }
}

/// What is to be forgotten when a change has ended, however it ends.
struct Afterwards<'a, T, F: Fn(&T)>(&'a T, F);

impl<T, F: Fn(&T)> Drop for Afterwards<'_, T, F> {
    fn drop(&mut self) {
        self.1(self.0);
    }
}

/// Where changes of a token leave their stamps.
fn token_place(id: TokenId) -> u64 {
    id.get().unsigned_abs()
}

fn millis_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(NEVER - 1)
}
