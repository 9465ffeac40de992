//! Look-up of the token with a secret, in memory or in the store. All look-ups are here.
//!
//! Surfaces differ in three things, which they pass as [`Seeking`] and by method: whether secrets that are
//! easily guessed count, whether self-made tokens do, and how much of the answer is cached. The digests of a
//! secret are computed once and used from then on.

use crate::apps::{read_allowed_addresses, read_gate};
use crate::cache::{Before, Recalled};
use crate::keys::Digests;
use crate::open_app::{ForwardAuthApp, OpenApp};
use crate::{CachedToken, Error, Service};
use jeton_core::{
    AllowedAddresses, AppId, AppKey, Circumstances, Demand, Digest, Secret, Timestamp, Token, TokenKind,
    Verdict, decide,
};
use jeton_store::{Credential, DigestPlace, StoredToken};
use std::borrow::Cow;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

/// A presented secret, and the digests under which its token may be stored.
#[derive(Debug)]
pub(crate) struct Presented<'s> {
    secret: &'s Secret,
    digests: Digests,
}

impl Presented<'_> {
    pub(crate) fn is_of(&self, stored: &StoredToken) -> bool {
        // The index found it; this comparison takes the same time wherever two digests differ.
        self.digests.contains(&stored.credential.digest)
    }

    /// The digests, for a later look-up of the same secret.
    pub(crate) fn into_digests(self) -> Digests {
        self.digests
    }
}

/// How surfaces differ.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seeking {
    /// Whether a foreign secret that is easily guessed may name a token.
    pub(crate) takes_weak: bool,
    /// Whether self-made tokens are found.
    pub(crate) finds_self_made: bool,
}

impl Seeking {
    /// Everywhere except on LoopBack.
    pub(crate) const EVERYWHERE: Self = Seeking { takes_weak: false, finds_self_made: false };
    /// On LoopBack, the only surface with weak secrets and self-made tokens.
    pub(crate) const ON_LOOPBACK: Self = Seeking { takes_weak: true, finds_self_made: true };

    pub(crate) fn finds(self, kind: TokenKind) -> bool {
        self.finds_self_made || kind != TokenKind::SelfMade
    }

    fn found(self, recalled: Recalled) -> Recalled {
        match recalled {
            Recalled::Known(cached) if !self.finds(cached.kind()) => Recalled::Absent,
            recalled => recalled,
        }
    }
}

fn is_good(credential: &Credential, now: Timestamp) -> bool {
    !credential.is_early(now) && !credential.is_over(now)
}

/// A token as the bearer of the presented secret has it: it expires with that secret, if not sooner.
fn as_presented(stored: &StoredToken) -> Cow<'_, StoredToken> {
    let Some(until) = stored.credential.good_until else { return Cow::Borrowed(stored) };
    let mut stored = stored.clone();
    stored.token.expires_at = Some(stored.token.expires_at.map_or(until, |expires_at| expires_at.min(until)));
    Cow::Owned(stored)
}

impl Service {
    /// Computes the digests of a secret.
    pub(crate) fn presented<'s>(&self, secret: &'s Secret) -> Presented<'s> {
        Presented { secret, digests: self.keys.load().digests(secret).collect() }
    }

    /// The same for a secret whose digests were computed before.
    pub(crate) fn presented_again<'s>(&self, secret: &'s Secret, digests: Digests) -> Presented<'s> {
        Presented { secret, digests }
    }

    /// The token with the secret in an app, or in none, from memory or by arithmetic; `None`: the store must be
    /// asked.
    pub(crate) fn recall(
        &self,
        app_id: Option<AppId>,
        presented: &Presented<'_>,
        seeking: Seeking,
        now: Timestamp,
    ) -> Option<Recalled> {
        if self.is_refused_as_weak(presented, seeking) {
            return Some(Recalled::Absent);
        }
        // A cached token was found by its digest, so arithmetic on the secret adds nothing.
        if let Some(app_id) = app_id.filter(|_| self.cache.is_usable())
            && let Some(cached) = self.cache.recall_known(app_id, &presented.digests, now)
        {
            return Some(seeking.found(Recalled::Known(cached)));
        }
        if self.is_garbage(presented) {
            return Some(Recalled::Absent);
        }
        let is_absent = self.cache.is_fresh() && self.cache.is_known_absent(app_id, &presented.digests);
        is_absent.then_some(Recalled::Absent)
    }

    /// The token if it is cached and live, for a client at this address. Absence is not used here, since
    /// callers only need a live token.
    pub(crate) fn recall_live(
        &self,
        app: &OpenApp,
        presented: &Presented<'_>,
        seeking: Seeking,
        from: Option<IpAddr>,
    ) -> Option<Arc<CachedToken>> {
        let circumstances = self.circumstances(from, app.allowed_addresses());
        if self.is_refused_as_weak(presented, seeking) || !self.cache.is_usable() {
            return None;
        }
        let cached = self.cache.recall_known(app.id, &presented.digests, circumstances.now)?;
        let is_live = decide(cached.standing(), &Demand::Active, circumstances) == Verdict::Allowed;
        (is_live && seeking.finds(cached.kind())).then_some(cached)
    }

    /// The token with the secret in an app, from memory if possible, else from the store, whose answer is
    /// cached.
    pub(crate) async fn look_up(
        &self,
        app_id: Option<AppId>,
        presented: &Presented<'_>,
        seeking: Seeking,
    ) -> Result<Recalled, Error> {
        match self.recall(app_id, presented, seeking, self.now()) {
            Some(recalled) => Ok(recalled),
            None => match self.look_up_anew(app_id, presented, seeking).await {
                // Since when it did not answer, memory may do.
                Err(error) => self.recall(app_id, presented, seeking, self.now()).ok_or(error),
                recalled => recalled,
            },
        }
    }

    /// The same from the store, whatever memory knows.
    pub(crate) async fn look_up_anew(
        &self,
        app_id: Option<AppId>,
        presented: &Presented<'_>,
        seeking: Seeking,
    ) -> Result<Recalled, Error> {
        self.cache.count_question();
        let before = self.cache.before();
        let Some(app_id) = app_id else { return Ok(Recalled::Absent) };
        let found = self.ask(presented).await?;
        let stored = found.into_iter().find(|stored| stored.token.app_id == app_id);
        Ok(seeking.found(self.keep_answer(before, app_id, &presented.digests, stored.as_ref())))
    }

    /// The same for many secrets in one app that memory did not know: the store is asked once.
    pub(crate) async fn look_up_many(
        &self,
        app_id: AppId,
        missed: &[Presented<'_>],
        seeking: Seeking,
    ) -> Result<Vec<Recalled>, Error> {
        let before = self.cache.before();
        missed.iter().for_each(|_| self.cache.count_question());
        let sought: Vec<Digest> = missed.iter().flat_map(|presented| &presented.digests).copied().collect();
        let found = self.store.find_tokens_of(app_id, &sought).await?;
        let mut found: HashMap<Digest, StoredToken> =
            found.into_iter().map(|stored| (stored.credential.digest, stored)).collect();
        let is_found = |found: &HashMap<Digest, StoredToken>, presented: &Presented<'_>| {
            presented.digests.iter().any(|digest| found.contains_key(digest))
        };
        let newer: Vec<Option<Presented<'_>>> = missed
            .iter()
            .map(|presented| if is_found(&found, presented) { None } else { self.newer(presented) })
            .collect();
        let sought: Vec<Digest> = newer.iter().flatten().flat_map(|newer| &newer.digests).copied().collect();
        if !sought.is_empty() {
            let more = self.store.find_tokens_of(app_id, &sought).await?;
            found.extend(more.into_iter().map(|stored| (stored.credential.digest, stored)));
        }
        let all = || missed.iter().zip(&newer).map(|(presented, newer)| newer.as_ref().unwrap_or(presented));
        for presented in all() {
            self.make_sure(is_found(&found, presented))?;
        }
        // A token that several checks are about is cached once.
        let mut kept: HashMap<Digest, Recalled> = HashMap::new();
        let recalled = all().map(|presented| {
            let digests = &presented.digests;
            let keep = || {
                let stored = digests.iter().find_map(|digest| found.get(digest));
                if let Some(stored) = stored {
                    self.note_token_use(stored, presented);
                }
                seeking.found(self.keep_answer(before, app_id, digests, stored))
            };
            match digests.first() {
                Some(first) => kept.entry(*first).or_insert_with(keep).clone(),
                None => Recalled::Absent,
            }
        });
        Ok(recalled.collect())
    }

    /// The stored tokens of all apps with the secret, which was presented `from` some address; none if arithmetic rules it out. Nothing
    /// is cached.
    pub(crate) async fn stored(
        &self,
        presented: &Presented<'_>,
        seeking: Seeking,
        from: Option<IpAddr>,
    ) -> Result<Vec<StoredToken>, Error> {
        if self.is_refused_by_arithmetic(presented, seeking) {
            return Ok(Vec::new());
        }
        self.cache.count_question();
        let (mut found, now) = (self.ask(presented).await?, self.now());
        for stored in found.iter().filter(|stored| stored.credential.is_over(now)) {
            if stored.token.revoked_at.is_none() {
                self.note_reuse(stored.token.app_id, stored.token.id, from);
            }
        }
        found.retain(|stored| seeking.finds(stored.token.spec.kind) && is_good(&stored.credential, now));
        Ok(found.into_iter().map(|stored| as_presented(&stored).into_owned()).collect())
    }

    /// The one in this app, without the arithmetic check, in the form for changing it.
    pub(crate) async fn stored_in(
        &self,
        app_id: AppId,
        presented: &Presented<'_>,
    ) -> Result<Option<StoredToken>, Error> {
        let (found, now) = (self.ask(presented).await?, self.now());
        let is_it = |stored: &StoredToken| stored.token.app_id == app_id && is_good(&stored.credential, now);
        Ok(found.into_iter().find(is_it))
    }

    /// The one in this app, without the arithmetic check, as the bearer of the secret has it.
    pub(crate) async fn stored_as_presented(
        &self,
        app_id: AppId,
        presented: &Presented<'_>,
    ) -> Result<Option<StoredToken>, Error> {
        let (found, now) = (self.ask(presented).await?, self.now());
        let found = found.into_iter().find(|stored| stored.token.app_id == app_id);
        let found = found.filter(|stored| !stored.credential.is_early(now));
        Ok(found.map(|stored| as_presented(&stored).into_owned()))
    }

    /// Caches the store's answer and returns what it means. A secret that is not valid yet names no token
    /// now, but later it will: that is not cached.
    fn keep_answer(
        &self,
        before: Before,
        app_id: AppId,
        digests: &[Digest],
        stored: Option<&StoredToken>,
    ) -> Recalled {
        if stored.is_some_and(|stored| stored.credential.is_early(self.now())) {
            return Recalled::Absent;
        }
        self.cache.keep(before, app_id, digests, stored.map(as_presented).as_deref())
    }

    /// Notes that the secret of a token is known, of which the current key can make its digest. Where the secret is kept, it is
    /// known without that.
    fn note_token_use(&self, stored: &StoredToken, presented: &Presented<'_>) {
        let (token, was) = (&stored.token, stored.credential.digest);
        let (is_shown, is_own) = (was == stored.digest, presented.digests.first() == Some(&was));
        if is_own || (is_shown && stored.sealed.is_some()) || token.revoked_at.is_some() {
            return;
        }
        let place = match is_shown {
            true => DigestPlace::Token(token.app_id, token.id),
            false => DigestPlace::Further(token.app_id),
        };
        // The keys may be others than when the secret was presented.
        let keys = self.keys.load();
        self.rekeying.note_use(&keys, place, was, || keys.digest(presented.secret));
    }

    /// Nobody knows whether a secret that is not found is bad while a key is missing here.
    pub(crate) fn make_sure(&self, is_found: bool) -> Result<(), Error> {
        match !is_found && self.keys.load().lacks_any() {
            true => Err(Error::KeyMissing),
            false => Ok(()),
        }
    }

    /// The secret with the digests of keys that came into use since it was presented, if there are any: a row may have been given
    /// to them just before the store was asked.
    fn newer<'s>(&self, presented: &Presented<'s>) -> Option<Presented<'s>> {
        let newer = self.presented(presented.secret);
        newer.digests.iter().any(|digest| !presented.digests.contains(digest)).then_some(newer)
    }

    async fn ask(&self, presented: &Presented<'_>) -> Result<Vec<StoredToken>, Error> {
        let mut found = self.store.find_tokens(&presented.digests).await?;
        found.retain(|stored| presented.is_of(stored));
        if found.is_empty()
            && let Some(newer) = self.newer(presented)
        {
            found = self.store.find_tokens(&newer.digests).await?;
            found.retain(|stored| newer.is_of(stored));
        }
        found.iter().for_each(|stored| self.note_token_use(stored, presented));
        self.make_sure(!found.is_empty())?;
        Ok(found)
    }

    /// The stored tokens of all apps with any of these secrets. Nothing is cached or noted.
    pub(crate) async fn find_all(&self, sought: &[Presented<'_>]) -> Result<Vec<StoredToken>, Error> {
        let digests_of = |sought: &[Presented<'_>]| -> Vec<Digest> {
            sought.iter().flat_map(|presented| &presented.digests).copied().collect()
        };
        let digests = digests_of(sought);
        if digests.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = self.store.find_tokens(&digests).await?;
        let newer: Vec<Presented<'_>> = sought.iter().filter_map(|presented| self.newer(presented)).collect();
        if !newer.is_empty() {
            found.extend(self.store.find_tokens(&digests_of(&newer)).await?);
        }
        Ok(found)
    }

    /// The app with this key, for looking up a token in it. None also for a secret of which arithmetic shows
    /// that it names no token: for that, no app is looked up.
    pub(crate) async fn app_for(&self, key: &AppKey, secret: &Secret) -> Result<ForwardAuthApp, Error> {
        match self.cache.recall_forward_auth(key) {
            Some(app) => Ok(app),
            None if self.names_no_token(secret) => Ok(ForwardAuthApp::NONE),
            None => self.ask_app(self.cache.before(), key).await,
        }
    }

    /// Looks up the app with this key as gateways and verifiers need it, and caches the answer.
    pub(crate) async fn ask_app(&self, before: Before, key: &AppKey) -> Result<ForwardAuthApp, Error> {
        let app = match self.store.app_by_key(key).await? {
            Some(app) => read_gate(&app)?,
            None => ForwardAuthApp::NONE,
        };
        self.cache.keep_app(before, key, app.clone());
        Ok(app)
    }

    pub(crate) fn is_refused_by_arithmetic(&self, presented: &Presented<'_>, seeking: Seeking) -> bool {
        self.is_refused_as_weak(presented, seeking) || self.is_garbage(presented)
    }

    fn is_refused_as_weak(&self, presented: &Presented<'_>, seeking: Seeking) -> bool {
        !seeking.takes_weak && self.is_too_weak(presented.secret)
    }

    /// Whether the secret was neither minted here nor imported or chosen by a client.
    fn is_garbage(&self, presented: &Presented<'_>) -> bool {
        let keys = self.keys.load();
        let is_minted = keys.minted(presented.secret) || keys.lacks_any();
        !is_minted && self.cache.is_garbage(&presented.digests)
    }

    /// Whether only LoopBack accepts the secret: it is foreign and easily guessed.
    pub(crate) fn is_too_weak(&self, secret: &Secret) -> bool {
        secret.is_weak() && !self.keys.load().minted(secret)
    }

    /// Whether the secret was minted here, by arithmetic alone. Says nothing about any token.
    pub fn is_minted(&self, secret: &Secret) -> bool {
        self.keys.load().minted(secret)
    }

    /// Whether the secret was perhaps minted here, under a key that is retired or missing by now. Says nothing about any token.
    pub fn is_perhaps_minted(&self, secret: &Secret) -> bool {
        let keys = self.keys.load();
        keys.perhaps_minted(secret) || (keys.lacks_any() && secret.looks_minted())
    }

    /// The circumstances of a use at this moment, by a client at this address, of a token of an app that allows
    /// these addresses.
    pub(crate) fn circumstances<'a>(
        &self,
        from: Option<IpAddr>,
        app_addresses: Option<&'a AllowedAddresses>,
    ) -> Circumstances<'a> {
        Circumstances { address: from, app_addresses, ..Circumstances::at(self.now()) }
    }

    /// Whether a stored token is active on any surface but LoopBack.
    pub(crate) fn is_live(&self, token: &Token, circumstances: Circumstances<'_>) -> bool {
        token.spec.kind != TokenKind::SelfMade
            && decide(token.standing(), &Demand::Active, circumstances) == Verdict::Allowed
    }

    /// The same whenever and wherever it is used.
    pub(crate) fn is_live_within_bounds(&self, token: &Token) -> bool {
        self.is_live(token, Circumstances::within_bounds(self.now()))
    }

    /// Those of stored tokens, of whatever apps, that are active on any surface but LoopBack for a client at
    /// this address.
    pub(crate) async fn live_of_any_app(
        &self,
        mut tokens: Vec<StoredToken>,
        from: Option<IpAddr>,
    ) -> Result<Vec<StoredToken>, Error> {
        let mut live = Vec::with_capacity(tokens.len());
        tokens.retain(|stored| self.is_live(&stored.token, self.circumstances(from, None)));
        for stored in tokens {
            let app = self.store.app_by_id(stored.token.app_id).await?;
            let addresses = app.as_ref().map(read_allowed_addresses).transpose()?.flatten();
            if self.is_live(&stored.token, self.circumstances(from, addresses.as_ref())) {
                live.push(stored);
            }
        }
        Ok(live)
    }
}
