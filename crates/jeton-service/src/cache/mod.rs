//! The cache of verification, and why its answers are true.
//!
//! Coherence rests on three things:
//!
//! - [`versions`]: an answer bears the stamp of the newest change before the query, and is valid while no
//!   later change of the same thing has left a stamp. An answer can be neither kept too late nor read too
//!   early.
//! - [`coherent`]: every write of this process goes through a store that leaves those stamps, after the
//!   commit and before the answer, whatever use case writes and however it ends.
//! - [`follow`]: writes by other processes are read from the change log. If it was not read to its end for
//!   longer than [`CacheLimits::max_staleness`], nothing is answered from memory, unless the store cannot be
//!   reached and [`CacheLimits::serve_for`] says to go on with the tokens that are known.
//!
//! Expiry is not cached: `decide` reads the clock each time.

mod apps;
pub(crate) mod coherent;
pub(crate) mod counters;
pub(crate) mod follow;
mod foreign;
mod freshness;
mod table;
mod tally;
mod token;
mod versions;

#[cfg(test)]
mod model_tests;

pub use counters::CacheStats;
pub use token::CachedToken;

use crate::open_app::{ForwardAuthApp, OpenApp};
use crate::portions::Portions;
use apps::Apps;
use counters::Counters;
use foreign::ForeignDigests;
use freshness::Freshness;
use jeton_core::{AppId, AppKey, ChangeKind, Clock, Digest, Timestamp, TokenId};
use jeton_store::{Change, LogRead, StoredToken};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use table::{Kept, Key, Table};
use token::{Absence, Asked, GrantPool};
use tokio::sync::watch;
use versions::{Stamp, Versions};

/// What the versions are built on; the tests that try all interleavings replace it.
mod sync {
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};
}

/// Places for stamps of tokens. Numbers ascend, so up to this many tokens have a place each: 2 MB, of which
/// only the used part is ever touched.
const TOKEN_PLACES: usize = 1 << 18;
/// Places for stamps of new digests: 256 KB.
const DIGEST_PLACES: usize = 1 << 15;
/// How long the absence of a token is cached if it is not created meanwhile.
const ABSENCE: Duration = Duration::from_secs(10);
/// The share of all bytes (one in this many) for cached absences.
const ABSENT_PART: usize = 16;

/// How much is cached, and how stale it may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLimits {
    /// At most this many bytes of cached tokens. 64 MiB hold about 290,000.
    pub max_bytes: usize,
    /// How long the change log may go unread before the store is asked instead: the longest time for which a
    /// revocation by another process may go unnoticed.
    pub max_staleness: Duration,
    /// How often the change log is polled: the usual time until a revocation by another process is noticed.
    pub poll_interval: Duration,
    /// How often it is polled while other processes' changes are announced: how long a change may go
    /// unnoticed if its announcement is lost.
    pub announced_interval: Duration,
    /// While the store cannot be reached, how long after the change log was last read known tokens are still
    /// answered from memory: how long revocations by other processes may go unnoticed then. `None`: not
    /// beyond `max_staleness`.
    pub serve_for: Option<Duration>,
}

impl Default for CacheLimits {
    fn default() -> Self {
        CacheLimits {
            max_bytes: 64 << 20,
            max_staleness: Duration::from_secs(2),
            poll_interval: Duration::from_millis(20),
            announced_interval: Duration::from_millis(200),
            serve_for: None,
        }
    }
}

/// The cache.
#[derive(Debug)]
pub(crate) struct Cache {
    limits: CacheLimits,
    clock: Arc<dyn Clock>,
    /// Changes of tokens, by number.
    tokens: Versions,
    /// New tokens, by digest.
    arrivals: Versions,
    apps: Apps,
    known: Table<CachedToken>,
    absent: Table<Absence>,
    grants: GrantPool,
    portions: Portions,
    foreign: ForeignDigests,
    key_news: watch::Sender<u64>,
    freshness: Freshness,
    counters: Counters,
}

/// What is cached for a secret in an app.
#[derive(Clone, Debug)]
pub(crate) enum Recalled {
    /// The token, of any kind: not every caller may know of it.
    Known(Arc<CachedToken>),
    /// There is no token.
    Absent,
}

/// Stamps for an answer, taken before the query.
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
            portions: Portions::new(Arc::clone(&clock)),
            freshness: Freshness::new(&limits, Arc::clone(&clock)),
            clock,
            tokens: Versions::new(TOKEN_PLACES),
            arrivals: Versions::new(DIGEST_PLACES),
            apps: Apps::new(),
            known: Table::new(limits.max_bytes - absent_bytes, grants.bytes()),
            absent: Table::new(absent_bytes, Arc::default()),
            grants,
            foreign: ForeignDigests::new(),
            key_news: watch::Sender::new(0),
            counters: Counters::default(),
            limits,
        }
    }

    /// The portions of the limits of tokens.
    pub(crate) fn portions(&self) -> &Portions {
        &self.portions
    }

    /// Whether the change log was read to its end recently enough. If not, nothing may be concluded from what
    /// is not cached.
    pub(crate) fn is_fresh(&self) -> bool {
        self.freshness.is_fresh()
    }

    /// Whether what is cached may be used: it is fresh, or the store cannot be reached and this is configured to
    /// go on with what is known.
    pub(crate) fn is_usable(&self) -> bool {
        self.freshness.is_usable()
    }

    /// How old what is cached is, if it is no longer fresh and is used because the store cannot be reached.
    pub(crate) fn outdated(&self) -> Option<Duration> {
        self.freshness.outdated()
    }

    /// Counts answers from what is [outdated](Self::outdated).
    pub(crate) fn count_outdated(&self, answers: u64) {
        self.counters.outdated.add(answers);
    }

    /// The same as [`is_garbage`](Self::is_garbage), without counting.
    pub(crate) fn is_in_no_token(&self, digests: &[Digest]) -> bool {
        self.is_fresh() && digests.iter().all(|digest| !self.foreign.may_hold(digest))
    }

    /// Whether no token can have any of these digests, which belong to a secret that was not minted here.
    pub(crate) fn is_garbage(&self, digests: &[Digest]) -> bool {
        let is_garbage = self.is_in_no_token(digests);
        if is_garbage {
            self.counters.garbage.increment();
        }
        is_garbage
    }

    /// The cached token for the secret with these digests in this app. Ask first whether the cache
    /// [may be used](Self::is_usable).
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

    /// Whether it is cached that no token has any of these digests in this app, or that there is no app.
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

    /// Whether it is cached that no app has this key.
    pub(crate) fn lacks_app(&self, key: &AppKey) -> bool {
        self.is_fresh() && self.apps.lacks(key)
    }

    /// The app with this key, or the default app, opened; `None`: the store must be asked.
    pub(crate) fn recall_opened(&self, key: Option<&AppKey>) -> Option<Arc<OpenApp>> {
        self.is_usable().then(|| self.apps.opened(key)).flatten()
    }

    /// Whether nothing that was read after `before` can have changed since: apps, and this token.
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

    /// A change of a token is one of all below it, which are current only while each of those above them is: so
    /// none of them is looked for when it changes.
    ///
    /// A dead token is purged without a stamp, and another may take its place.
    fn is_current(&self, cached: &CachedToken, asked: Asked, now: Timestamp) -> bool {
        let is_replaced = || {
            let prefix = Key::prefix(&cached.key().digest);
            cached.is_dead(now) && !self.arrivals.is_current(prefix, asked.arrival)
        };
        let is_unchanged = |id: TokenId| self.tokens.is_current(token_place(id), asked.token);
        is_unchanged(cached.token_id())
            && cached.ancestors().iter().all(|above| is_unchanged(above.id))
            && !is_replaced()
    }

    fn is_absent(&self, key: &Key) -> bool {
        let absence = self.absent.read(key, |absence, ()| (absence.stamp, absence.until_millis));
        absence.is_some_and(|(stamp, until_millis)| {
            self.arrivals.is_current(Key::prefix(&key.digest), stamp) && self.millis() < until_millis
        })
    }

    /// Call this before asking the store for an answer that will be cached.
    pub(crate) fn before(&self) -> Before {
        Before { token: self.tokens.stamp(), arrival: self.arrivals.stamp(), app: self.apps.stamp() }
    }

    /// What gateways need to know of the app with this key, which may be none; `None`: the store must be
    /// asked.
    pub(crate) fn recall_forward_auth(&self, key: &AppKey) -> Option<ForwardAuthApp> {
        self.is_usable().then(|| self.apps.forward_auth(key)).flatten()
    }

    /// Caches which app has this key.
    pub(crate) fn keep_app(&self, before: Before, key: &AppKey, app: ForwardAuthApp) {
        self.apps.keep(before.app, key, app);
    }

    /// Caches the app with this key, or the default app, as it was opened. Not while the change log is not
    /// followed: its data key must not stay in memory after a change that goes unnoticed.
    pub(crate) fn keep_opened(&self, before: Before, key: Option<&AppKey>, app: &Arc<OpenApp>) {
        if self.is_fresh() {
            self.apps.keep_opened(before.app, key, app);
        }
    }

    /// Caches the store's answer for a secret with these digests in an app.
    pub(crate) fn keep(
        &self,
        before: Before,
        app_id: AppId,
        digests: &[Digest],
        found: Option<&StoredToken>,
    ) -> Recalled {
        // Where it is found, the others say nothing: a key that is changing gives it one of them soon.
        for digest in digests.iter().filter(|_| found.is_none()) {
            let until_millis = self.millis().saturating_add(millis_of(ABSENCE));
            let key = Key { app_id, digest: *digest };
            self.absent.keep(Arc::new(Absence { key, stamp: before.arrival, until_millis }), ());
        }
        found.map_or(Recalled::Absent, |stored| Recalled::Known(self.keep_found(before, stored)))
    }

    /// Caches a token that the store returned.
    pub(crate) fn keep_found(&self, before: Before, stored: &StoredToken) -> Arc<CachedToken> {
        let key = Key { app_id: stored.token.app_id, digest: stored.credential.digest };
        let grants = self.grants.share(&stored.token.spec.scopes);
        // As it is presented, it expires with the secret, unless it does so before.
        let until = stored.credential.good_until;
        let is_by_old_secret = until.is_some() && until == stored.token.expires_at;
        let portions = self.portions.of(&stored.token);
        let cached = Arc::new(CachedToken::new(&stored.token, key, grants, is_by_old_secret, portions));
        self.known.keep(Arc::clone(&cached), Asked { token: before.token, arrival: before.arrival });
        cached
    }

    /// Invalidates what these changes by other processes have changed.
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
            ChangeKind::TokenUpdated
            | ChangeKind::TokenRotated
            | ChangeKind::TokenRevoked
            | ChangeKind::TokenDeleted => match change.token_id() {
                Some(id) => self.tokens.invalidate(token_place(id)),
                None => self.tokens.invalidate_all(),
            },
            ChangeKind::AppCreated
            | ChangeKind::AppUpdated
            | ChangeKind::AppSuspended
            | ChangeKind::AppResumed
            | ChangeKind::AppDeleted => {
                self.apps.invalidate();
            }
            ChangeKind::Restored => {
                self.portions.forget_all();
                self.forget_all();
            }
            ChangeKind::TokensPurged => self.arrivals.invalidate_all(),
            ChangeKind::KeyAdded | ChangeKind::KeyRetired => self.tell_of_keys(),
            // Operators are not cached, a token whose old secret comes is as it was, and which key writes is for each server to
            // find out.
            ChangeKind::OperatorCreated
            | ChangeKind::OperatorRevoked
            | ChangeKind::TokenReused
            | ChangeKind::KeyActivated => {}
        }
    }

    /// Forgets everything, because it is unknown what has changed.
    fn forget_all(&self) {
        self.foreign.forget();
        self.tokens.invalidate_all();
        self.arrivals.invalidate_all();
        self.apps.invalidate();
        self.counters.flushes.increment();
        self.tell_of_keys();
    }

    /// Forgets what is remembered by digests that are looked for no more: what is found, or not, by others is not known yet.
    /// Call this before the keys are replaced.
    pub(crate) fn forget_for_keys(&self) {
        self.foreign.forget();
        self.arrivals.invalidate_all();
        self.apps.invalidate();
    }

    /// Reports that the database may know other keys than before.
    pub(crate) fn tell_of_keys(&self) {
        self.key_news.send_modify(|number| *number = number.wrapping_add(1));
    }

    /// Changes whenever the database may know other keys than before.
    pub(crate) fn watch_keys(&self) -> watch::Receiver<u64> {
        self.key_news.subscribe()
    }

    /// Begins a replacement of everything that is stored. Once the guard is dropped, nothing from before is
    /// valid.
    fn replace_all(&self) -> Afterwards<'_, Cache, impl Fn(&Cache)> {
        Afterwards(self, Cache::forget_all)
    }

    /// Begins a purge. Once the guard is dropped, nothing is cached about tokens that are dead or do not
    /// exist.
    fn purge(&self) -> Afterwards<'_, Cache, impl Fn(&Cache)> {
        Afterwards(self, |cache| cache.arrivals.invalidate_all())
    }

    /// Records that the change log was read to its end as of this time, and what the number of its newest entry is, if that is new.
    fn confirm(&self, at: Duration, newest: Option<i64>) {
        self.freshness.confirm(at, newest);
    }

    /// Records that the store could not be reached to read it.
    fn note_outage(&self) {
        self.freshness.note_outage();
    }

    /// Records that the change log is no longer followed.
    fn stop_trusting(&self) {
        self.freshness.end();
        self.apps.forget();
    }

    /// How far the change log was read, and how long ago.
    fn log_read(&self) -> Option<LogRead> {
        self.freshness.log_read()
    }

    fn millis(&self) -> u64 {
        millis_of(self.clock.monotonic())
    }

    /// The contents and the counts.
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
            outdated: counters.outdated.get(),
            changes: counters.changes.get(),
            flushes: counters.flushes.get(),
            polls: counters.polls.get(),
            failed_polls: counters.failed_polls.get(),
            evictions: (evicted + absent_evicted) as u64,
            tokens: tokens as u64,
            bytes: (bytes + absent_bytes) as u64,
            foreign_digests: self.foreign.len() as u64,
            log_read: self.log_read(),
            is_listening: counters.is_listening.load(Ordering::Relaxed),
        }
    }
}

/// What to invalidate when a change has ended, however it ends.
struct Afterwards<'a, T, F: Fn(&T)>(&'a T, F);

impl<T, F: Fn(&T)> Drop for Afterwards<'_, T, F> {
    fn drop(&mut self) {
        self.1(self.0);
    }
}

/// The place of a token's stamps.
fn token_place(id: TokenId) -> u64 {
    id.get().unsigned_abs()
}

fn millis_of(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX - 1)
}
