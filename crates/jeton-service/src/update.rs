//! Changing tokens.

use crate::issue::too_many_of_user;
use crate::open_app::OpenApp;
use crate::{Error, Refusal, Service};
use jeton_core::{
    Allowance, AllowedAddresses, Authority, AuthorityRefusal, Cause, Description, Label, Lifetime,
    Permission, Scopes, Settings, Timestamp, Token, TokenId, TokenKind, UseRates, UserId,
};
use jeton_store::write::ReplaceToken;
use jeton_store::{Replaced, StoredToken};

/// How often a change is retried when another process changed the same thing in between. Within a process,
/// changes of one thing take turns.
pub(crate) const MAX_TRIES: u32 = 128;

/// The changes of a token; `None` leaves a part as it is.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    /// Its name.
    pub title: Option<Label>,
    /// Free text for sorting.
    pub tags: Option<Label>,
    /// Free text.
    pub description: Option<Description>,
    /// Its global permissions, as an AppKey client wrote them and parsed.
    pub permissions: Option<(String, Vec<Permission>)>,
    /// All of its scopes.
    pub scopes: Option<Scopes>,
    /// The names that new scopes may contain besides those that the token holds; `None`: any.
    pub known_permissions: Option<&'static [&'static str]>,
    /// Whether it is enabled.
    pub enabled: Option<bool>,
    /// Its lifetime from now on.
    pub lifetime: Option<Lifetime>,
    /// From when it is valid; `Some(None)`: at once.
    pub not_before: Option<Option<Timestamp>>,
    /// From where it may be used; `Some(None)`: from everywhere.
    pub allowed_addresses: Option<Option<AllowedAddresses>>,
    /// How often it may be used from now on; `Some(None)`: any number of times. From which revision on is left to whoever applies it.
    pub uses: Option<Option<Allowance>>,
    /// How often in a time.
    pub rates: Option<UseRates>,
    /// What to take away.
    pub cleared: Cleared,
}

/// Which texts of a token to take away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Its name.
    pub title: bool,
    /// Free text for sorting.
    pub tags: bool,
    /// Free text.
    pub description: bool,
}

impl Edit {
    fn apply(
        &self,
        StoredToken { token: before, revision, .. }: &StoredToken,
        authority: &Authority,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Token, AuthorityRefusal> {
        let mut after = before.clone();
        // A clock that went back does not make a change look older than the token.
        after.updated_at = now.max(before.updated_at);
        let Cleared { title, tags, description } = self.cleared;
        after.spec.title = self.title.clone().or(after.spec.title.filter(|_| !title));
        after.spec.tags = self.tags.clone().or(after.spec.tags.filter(|_| !tags));
        after.spec.description = self.description.clone().or(after.spec.description.filter(|_| !description));
        if let Some(scopes) = &self.scopes {
            before.spec.kind.check_scopes(scopes)?;
            if !self.known_permissions.is_none_or(|known| are_known(scopes, known, &before.spec.scopes)) {
                return Err(AuthorityRefusal::UnknownPermission);
            }
            after.spec.scopes = scopes.clone();
        }
        if let Some((sent, names)) = &self.permissions {
            after.spec.scopes = after.scopes_with_permissions(names.clone())?;
            after.spec.permissions_as_sent = Some(sent.clone());
        }
        match self.enabled {
            Some(true) => after.disabled_by = None,
            Some(false) => after.disabled_by = Some(authority.disabler(before)),
            None => {}
        }
        if let Some(lifetime) = self.lifetime {
            after.expires_at = settings.lifetime_policy().expires_at(now, now, lifetime);
            after.return_to_loopback(now);
        }
        if let Some(allowed_addresses) = &self.allowed_addresses {
            after.spec.bounds.allowed_addresses.clone_from(allowed_addresses);
        }
        if let Some(not_before) = self.not_before {
            after.spec.bounds.not_before = not_before;
            if !after.spec.bounds.begin_before(after.expires_at) {
                return Err(AuthorityRefusal::NeverBegins);
            }
        }
        if let Some(uses) = self.uses {
            // After a restore, the revision may be an earlier one.
            let since = before.spec.limits.allowance.map_or(0, |before| before.since).max(*revision) + 1;
            after.spec.limits.allowance = uses.map(|uses| Allowance { since, ..uses });
        }
        if let Some(rates) = &self.rates {
            after.spec.limits.rates.clone_from(rates);
        }
        after.spec.kind.check_limits(&after.spec.limits)?;
        authority.may_change(before, &after)?;
        settings.policies.allow_change(authority.into(), before, &after, now)?;
        Ok(after)
    }
}

impl Service {
    /// Changes a token and returns it as it is then. `of_user`: only if the token shows this user.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn update(
        &self,
        app: &OpenApp,
        authority: &Authority,
        id: TokenId,
        of_user: Option<&UserId>,
        edit: &Edit,
    ) -> Result<Result<Token, Refusal>, Error> {
        let before = self.cache.before();
        let _lock = self.locks.lock(("token", id)).await;
        for _ in 0..MAX_TRIES {
            self.check_authority(app, authority, &before).await?;
            let stored = self.store.token(app.id, id).await?;
            let Some(stored) = stored.filter(|stored| is_there(&stored.token, authority, of_user)) else {
                return Ok(Err(Refusal::NotFound));
            };
            let settings = &app.settings.common;
            let applied = edit.apply(&stored, authority, settings, self.now()).and_then(|after| {
                // A token with more scopes than the current limits allow can still be changed otherwise.
                let keeps_scopes = after.spec.scopes == stored.token.spec.scopes;
                if keeps_scopes { Ok(()) } else { self.within_limits(&after.spec.scopes) }.map(|()| after)
            });
            let after = match applied {
                Ok(after) => after,
                Err(refused) => return Ok(Err(refused.into())),
            };
            // A token becomes self-made over LoopBack alone.
            match self.replace(app, &stored, after.clone(), &authority.cause()).await? {
                Replaced::Done => return Ok(Ok(after)),
                Replaced::TooManyOfUser => {
                    return Ok(Err(AuthorityRefusal::from(too_many_of_user(app)).into()));
                }
                Replaced::Stale | Replaced::NoRoom => {}
            }
        }
        Err(Error::Contended)
    }

    /// Replaces a token that was read before.
    pub(crate) async fn replace(
        &self,
        app: &OpenApp,
        before: &StoredToken,
        token: Token,
        by: &Cause,
    ) -> Result<Replaced, Error> {
        let takes_away = token.has_less_than(&before.token);
        let (expected, self_made, now) = (before.revision, self.limits.self_made(), self.now());
        let was_theirs = (&before.token.spec.owner, before.token.spec.kind != TokenKind::SelfMade);
        let is_theirs = (&token.spec.owner, token.spec.kind != TokenKind::SelfMade);
        let is_one_more = was_theirs != is_theirs || before.token.has_expired(now) && !token.has_expired(now);
        let per_user = app.settings.common.policies.max_tokens_per_user.filter(|_| is_one_more);
        let by = by.clone();
        Ok(self.store.write(ReplaceToken { token, expected, self_made, per_user, takes_away, by }).await?)
    }
}

/// Whether every name in `scopes` is a known one or one that is held.
fn are_known(scopes: &Scopes, known: &[&str], held: &Scopes) -> bool {
    let names = |scopes: &Scopes| {
        scopes.as_slice().iter().flat_map(|scope| scope.permissions.clone()).collect::<Vec<_>>()
    };
    let held = names(held);
    names(scopes).iter().all(|name| known.contains(&name.as_str()) || held.contains(name))
}

/// Whether the token exists for this caller in a request about this user's tokens, or about all.
pub(crate) fn is_there(token: &Token, authority: &Authority, of_user: Option<&UserId>) -> bool {
    authority.sees(token) && of_user.is_none_or(|user_id| token.spec.owner.shown() == Some(user_id))
}
