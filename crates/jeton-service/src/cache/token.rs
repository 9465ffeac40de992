//! Cached tokens: the fields that decisions need, and those that gateways are sent, ready for sending.

use super::table::{Kept, Key};
use super::tally::Tally;
use super::versions::Stamp;
use crate::portions::HeldPortion;
use bytes::Bytes;
use jeton_core::{
    Ancestor, AppId, Bearer, Bounds, Scope, Scopes, Standing, Timestamp, Token, TokenId, TokenKind, UserId,
    earlier_end,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Everything except the unreserved characters of RFC 3986 section 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Room for a number and its sign, of at most 16 digits, which then needs no allocation.
const INTEGER_BYTES: usize = 24;

/// The token of a question, with the fields that the decision and a gateway need.
///
/// It is as it was when the question was answered, and is cached for the next one. It may change after that.
#[derive(Debug)]
pub struct CachedToken {
    key: Key,
    token_id: TokenId,
    expires_at: Option<Timestamp>,
    is_revoked: bool,
    is_disabled: bool,
    /// Whether it was found by a secret that a rotation has ended, or will end.
    is_by_old_secret: bool,
    kind: TokenKind,
    used: AtomicBool,
    /// Recorded use that is not written yet.
    tally: Tally,
    user: User,
    /// `None`: there are none, as for most.
    restraints: Option<Box<Restraints>>,
    grants: Arc<Grants>,
}

/// What restrains a token besides its own scopes and expiry.
#[derive(Debug)]
struct Restraints {
    bounds: Bounds,
    /// As they were when the question was answered, too.
    ancestors: Box<[Ancestor]>,
    /// What gateways are told that it allows, if there are ancestors.
    scopes_text: Option<Bytes>,
    /// The portions of its limits, and of those of its ancestors.
    portions: Box<[Arc<HeldPortion>]>,
}

static UNBOUNDED: Bounds = Bounds::NONE;

/// The owner that a token's issuer named. There are as many of these as tokens, and most users are numbers:
/// those need no allocation.
#[derive(Debug)]
enum User {
    Integer(i64),
    /// Percent-encoded (RFC 3986); empty if there is none.
    Text(Box<str>),
}

/// Scopes, and their text for gateways. Many tokens share theirs.
#[derive(Debug)]
pub(super) struct Grants {
    scopes: Scopes,
    text: Bytes,
    bytes: usize,
    pool: Arc<AtomicUsize>,
}

impl CachedToken {
    pub(super) fn new(
        token: &Token,
        key: Key,
        grants: Arc<Grants>,
        is_by_old_secret: bool,
        portions: Box<[Arc<HeldPortion>]>,
    ) -> Self {
        CachedToken {
            key,
            is_by_old_secret,
            token_id: token.id,
            expires_at: token.expires_at,
            is_revoked: token.revoked_at.is_some(),
            is_disabled: !token.is_enabled(),
            kind: token.spec.kind,
            used: AtomicBool::new(false),
            tally: Tally::default(),
            user: User::of(token),
            restraints: Restraints::of(token, portions),
            grants,
        }
    }

    /// Its number.
    pub fn token_id(&self) -> TokenId {
        self.token_id
    }

    /// When it expires, or one above it does: expired at this very instant; `None`: never.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.ancestors().iter().fold(self.expires_at, |end, above| earlier_end(end, above.expires_at))
    }

    /// What it allows.
    pub fn scopes(&self) -> &[Scope] {
        self.grants.scopes.as_slice()
    }

    /// Whether it may be used from some addresses only.
    pub fn is_bound_to_addresses(&self) -> bool {
        let has_list = |bounds: &Bounds| bounds.allowed_addresses.is_some();
        has_list(self.bounds()) || self.ancestors().iter().any(|above| has_list(&above.bounds))
    }

    fn bounds(&self) -> &Bounds {
        self.restraints.as_ref().map_or(&UNBOUNDED, |restraints| &restraints.bounds)
    }

    /// The portions of its limits, and of those of the tokens above it; empty: neither has any.
    pub(crate) fn portions(&self) -> &[Arc<HeldPortion>] {
        self.restraints.as_ref().map_or(&[], |restraints| &restraints.portions)
    }

    /// Whether its uses are limited, or those of a token above it.
    pub fn is_limited(&self) -> bool {
        !self.portions().is_empty()
    }

    /// The tokens above it.
    pub(super) fn ancestors(&self) -> &[Ancestor] {
        self.restraints.as_ref().map_or(&[], |restraints| &restraints.ancestors)
    }

    /// The owner that its issuer named. A stand-in is not proven and therefore left out.
    pub fn user_id(&self) -> Option<UserId> {
        match &self.user {
            User::Integer(number) => Some(UserId::from_integer(*number)),
            User::Text(text) => percent_decode(text.as_bytes()).decode_utf8().ok()?.parse().ok(),
        }
    }

    /// Its number in digits.
    pub fn token_id_text(&self) -> SmallVec<[u8; INTEGER_BYTES]> {
        integer_text(self.token_id.get())
    }

    /// The owner that its issuer named, percent-encoded (RFC 3986); empty if there is none.
    pub fn user_text(&self) -> SmallVec<[u8; INTEGER_BYTES]> {
        match &self.user {
            User::Integer(number) => integer_text(*number),
            User::Text(text) => SmallVec::from_slice(text.as_bytes()),
        }
    }

    /// The permissions that its global scopes grant, as far as those above it do, each percent-encoded (RFC 3986),
    /// separated by commas.
    pub fn scopes_text(&self) -> &Bytes {
        let restrained = self.restraints.as_ref().and_then(|restraints| restraints.scopes_text.as_ref());
        restrained.unwrap_or(&self.grants.text)
    }

    /// Whether it, or a token above it, was revoked or has expired: dead tokens are purged eventually, without a change that names
    /// them.
    pub(super) fn is_dead(&self, now: Timestamp) -> bool {
        self.is_revoked
            || self.expires_at.is_some_and(|expires_at| now >= expires_at)
            || self.ancestors().iter().any(|above| above.is_dead(now))
    }

    /// Whether it was found by a secret that a rotation has ended by this instant.
    pub(crate) fn is_by_ended_secret(&self, now: Timestamp) -> bool {
        self.is_by_old_secret && self.expires_at.is_some_and(|expires_at| now >= expires_at)
    }

    pub(crate) fn kind(&self) -> TokenKind {
        self.kind
    }

    /// The app of the token.
    pub(crate) fn app_id(&self) -> AppId {
        self.key.app_id
    }

    /// Marks it as used, for eviction.
    pub(super) fn touch(&self) {
        // Writing the same value again would take the cache line from other threads.
        if !self.used.load(Ordering::Relaxed) {
            self.used.store(true, Ordering::Relaxed);
        }
    }

    /// Recorded use that is not written yet.
    pub(crate) fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The fields that determine its bearer's authority.
    pub(crate) fn bearer(&self) -> Bearer<'_> {
        Bearer {
            token_id: self.token_id,
            kind: self.kind,
            user_id: self.user_id(),
            scopes: &self.grants.scopes,
            expires_at: self.expires_at,
            bounds: self.bounds(),
            is_restrained: !self.ancestors().is_empty() || self.is_limited(),
        }
    }

    pub(crate) fn standing(&self) -> Standing<'_> {
        Standing {
            revoked: self.is_revoked,
            disabled: self.is_disabled,
            expires_at: self.expires_at,
            scopes: self.scopes(),
            bounds: self.restraints.as_ref().and_then(|restraints| restraints.bounds.some()),
            ancestors: self.ancestors(),
        }
    }
}

#[cfg(test)]
impl CachedToken {
    /// A minimal one, for tests.
    pub(crate) fn bare(token_id: TokenId) -> Arc<Self> {
        let app_id = AppId::new(1).unwrap();
        Arc::new(CachedToken {
            key: Key { app_id, digest: jeton_core::Digest::from_bytes(&[0; 32]).unwrap() },
            token_id,
            expires_at: None,
            is_revoked: false,
            is_disabled: false,
            is_by_old_secret: false,
            kind: TokenKind::Grant,
            used: AtomicBool::new(false),
            tally: Tally::default(),
            user: User::Text(Box::default()),
            restraints: None,
            grants: GrantPool::default().share(&Scopes::default()),
        })
    }
}

impl Restraints {
    fn of(token: &Token, portions: Box<[Arc<HeldPortion>]>) -> Option<Box<Self>> {
        let (bounds, ancestors) = (&token.spec.bounds, &token.ancestors);
        if bounds.is_none() && ancestors.is_empty() && portions.is_empty() {
            return None;
        }
        let scopes_text = (!ancestors.is_empty()).then(|| text_of(&token.effective_scopes()));
        let (bounds, ancestors) = (bounds.clone(), ancestors.clone().into());
        Some(Box::new(Restraints { bounds, ancestors, scopes_text, portions }))
    }

    /// Their memory in bytes, with what the allocator adds.
    fn bytes(&self) -> usize {
        let above = |above: &Ancestor| {
            let scopes = above.scopes.as_slice().iter().map(scope_bytes).sum::<usize>();
            size_of::<Ancestor>() + scopes + above.bounds.bytes()
        };
        let ancestors = self.ancestors.iter().map(above).sum::<usize>();
        let text = self.scopes_text.as_ref().map_or(0, Bytes::len);
        let portions = self.portions.len() * (size_of::<Arc<HeldPortion>>() + HeldPortion::BYTES);
        size_of::<Restraints>() + 4 * size_of::<usize>() + self.bounds.bytes() + ancestors + text + portions
    }
}

impl User {
    fn of(token: &Token) -> Self {
        let Some(user_id) = token.spec.owner.named() else { return User::Text(Box::default()) };
        match user_id.as_integer() {
            Some(number) => User::Integer(number),
            None => User::Text(utf8_percent_encode(&user_id.to_string(), ENCODED).to_string().into()),
        }
    }

    /// Its heap memory in bytes, with what the allocator adds.
    fn bytes(&self) -> usize {
        match self {
            User::Text(text) if !text.is_empty() => text.len() + 2 * size_of::<usize>(),
            User::Integer(_) | User::Text(_) => 0,
        }
    }
}

fn integer_text(number: i64) -> SmallVec<[u8; INTEGER_BYTES]> {
    SmallVec::from_slice(itoa::Buffer::new().format(number).as_bytes())
}

/// The newest changes before the query that a cached token answers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    /// Of tokens.
    pub(super) token: Stamp,
    /// The newest new token, which counts once this one is dead: another may then have its secret.
    pub(super) arrival: Stamp,
}

impl Kept for CachedToken {
    type Asked = Asked;

    fn key(&self) -> &Key {
        &self.key
    }

    fn bytes(&self) -> usize {
        let restraints = self.restraints.as_ref().map_or(0, |restraints| restraints.bytes());
        size_of::<CachedToken>() + self.user.bytes() + restraints
    }

    fn take_used(&self) -> bool {
        self.used.swap(false, Ordering::Relaxed)
    }
}

/// The scopes of all cached tokens, each stored once while any token has it.
#[derive(Debug, Default)]
pub(super) struct GrantPool {
    held: Mutex<Held>,
    hasher: RandomState,
    bytes: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Held {
    by_hash: HashMap<u64, Weak<Grants>>,
    /// The number of entries at which unused ones are removed.
    sweep_at: usize,
}

/// Fewer than this are not worth a sweep.
const MIN_SWEEP: usize = 1_024;

impl GrantPool {
    /// Bytes of the scopes of all cached tokens.
    pub(super) fn bytes(&self) -> Arc<AtomicUsize> {
        Arc::clone(&self.bytes)
    }

    /// These scopes, shared with other tokens that have the same.
    pub(super) fn share(&self, scopes: &Scopes) -> Arc<Grants> {
        let hash = self.hasher.hash_one(scopes.as_slice());
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(grants) = held.by_hash.get(&hash).and_then(Weak::upgrade)
            && grants.scopes == *scopes
        {
            return grants;
        }
        let grants = Arc::new(Grants::new(scopes.clone(), self.bytes()));
        held.by_hash.insert(hash, Arc::downgrade(&grants));
        if held.by_hash.len() > held.sweep_at {
            held.by_hash.retain(|_, grants| grants.strong_count() > 0);
            held.sweep_at = MIN_SWEEP.max(2 * held.by_hash.len());
        }
        grants
    }
}

impl Grants {
    fn new(scopes: Scopes, pool: Arc<AtomicUsize>) -> Self {
        let text = text_of(&scopes);
        let bytes =
            size_of::<Grants>() + text.len() + scopes.as_slice().iter().map(scope_bytes).sum::<usize>();
        pool.fetch_add(bytes, Ordering::Relaxed);
        Grants { scopes, text, bytes, pool }
    }
}

/// The permissions that global scopes grant, for gateways.
fn text_of(scopes: &Scopes) -> Bytes {
    let mut text = String::new();
    for (number, name) in scopes.global_permissions().into_iter().enumerate() {
        if number > 0 {
            text.push(',');
        }
        text.extend(utf8_percent_encode(name.as_str(), ENCODED));
    }
    text.into()
}

/// The memory of a scope in bytes.
fn scope_bytes(scope: &Scope) -> usize {
    let name_bytes =
        |names: &[String]| names.iter().map(|name| size_of::<String>() + name.len()).sum::<usize>();
    let permissions = scope.permissions.iter().map(|name| size_of::<String>() + name.as_str().len());
    size_of::<Scope>() + permissions.sum::<usize>() + name_bytes(&scope.ids) + name_bytes(&scope.tags)
}

impl Drop for Grants {
    fn drop(&mut self) {
        self.pool.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The absence of a token with a digest in an app.
#[derive(Debug)]
pub(super) struct Absence {
    pub(super) key: Key,
    pub(super) stamp: Stamp,
    /// How long it is valid, in milliseconds of the monotonic clock.
    pub(super) until_millis: u64,
}

impl Kept for Absence {
    type Asked = ();

    fn key(&self) -> &Key {
        &self.key
    }

    fn bytes(&self) -> usize {
        size_of::<Absence>()
    }

    fn take_used(&self) -> bool {
        false
    }
}
