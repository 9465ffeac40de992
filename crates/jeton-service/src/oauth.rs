//! OAuth for resource servers: introspection (RFC 7662) and revocation (RFC 7009). No path names the app
//! here: the caller's credentials do.

use crate::limiter::{Purpose, TooOften};
use crate::lookup::Seeking;
use crate::open_app::OpenApp;
use crate::portions::LimitsLeft;
use crate::{ClientCredentials, Error, Service, VerifierProof};
use jeton_core::{
    Actor, Cause, Circumstances, Demand, Secret, ServicePermission, Token, TokenKind, Verdict, decide,
};
use jeton_store::StoredToken;
use jeton_store::write::RevokeToken;
use std::net::IpAddr;
use std::sync::Arc;

/// Why a caller is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthRefusal {
    /// It has not authenticated as any app.
    Unproven,
    /// Its token is live but does not have the permission.
    Powerless,
    /// Too many invalid credentials came from its address, and neither memory nor arithmetic recognises
    /// these.
    Throttled(TooOften),
}

/// Whether bounds of a bearer's token matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// It must be valid now, for a client at the bearer's address.
    WithinBounds,
    /// Wherever and whenever it is valid.
    Anywhere,
}

/// The answer to whoever introspects a token.
#[derive(Clone, Debug)]
pub enum Introspected {
    /// It is active, and this is it.
    Active(Box<Token>),
    /// It is active, but was used too often: so its limits stand.
    TooOften(Box<LimitsLeft>),
    /// It is not active, or not known.
    Inactive,
}

impl Service {
    /// The app whose tokens the caller may introspect.
    ///
    /// A token that proves it counts as used, from the address `from` if that is known.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn admit_introspector(
        &self,
        proof: &VerifierProof,
        from: Option<IpAddr>,
    ) -> Result<Result<Arc<OpenApp>, OAuthRefusal>, Error> {
        let secret = match proof {
            VerifierProof::Client(credentials) => return self.admit_oauth_client(credentials, from).await,
            VerifierProof::Bearer(secret) => secret,
        };
        let before = self.cache.before();
        let live = match self.live_tokens(secret, from, Reach::WithinBounds).await? {
            Ok(live) => live,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let permission = ServicePermission::Verify.permission();
        let demand = Demand::Permission { permission, resource: None };
        let now = self.now();
        let may_ask = |stored: &&StoredToken| {
            stored.token.spec.kind == TokenKind::Service
                && decide(stored.token.standing(), &demand, Circumstances::within_bounds(now))
                    == Verdict::Allowed
        };
        let Some(stored) = live.iter().find(may_ask) else { return Ok(Err(OAuthRefusal::Powerless)) };
        let Some(app) = self.store.app_by_id(stored.token.app_id).await? else {
            return Ok(Err(OAuthRefusal::Unproven));
        };
        self.usage.record(&self.cache.keep_found(before, stored), now, from);
        let app = self.open_found(before, Some(&app.key), &app)?;
        Ok(if app.settings.common.suspended { Err(OAuthRefusal::Unproven) } else { Ok(app) })
    }

    /// The app with these client credentials.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn admit_oauth_client(
        &self,
        credentials: &ClientCredentials,
        from: Option<IpAddr>,
    ) -> Result<Result<Arc<OpenApp>, OAuthRefusal>, Error> {
        let failures = self.failures(Purpose::Failures, from, None);
        if let Err(often) = self.may_look_up(failures, Some(&credentials.secret)) {
            return Ok(Err(OAuthRefusal::Throttled(often)));
        }
        let key = self.store.key_of_client(&credentials.id).await?;
        let app = self.client_app(key.as_ref(), Some(credentials), from, 1).await?;
        // Counted where no app is known yet as well, so that who knows a client's id has it looked up no more often than others.
        if key.is_some() && !matches!(app, Ok(Some(_))) {
            self.count_failure(failures);
        }
        Ok(match app {
            Ok(Some(app)) => Ok(app),
            Ok(None) => Err(OAuthRefusal::Unproven),
            Err(often) => Err(OAuthRefusal::Throttled(often)),
        })
    }

    /// The whole token with this secret in an app, if it is active; not for tokens that gateways may not know of. Counts as a use of it, from an unknown address: a token that may be used from some addresses
    /// only is therefore not active, since who asks could not see that it is refused elsewhere. Scopes and end are
    /// those that tokens above it leave it.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn introspect(&self, app: &OpenApp, secret: &Secret) -> Result<Introspected, Error> {
        let verified = self.verify_in(app.app_ref(), secret, &Demand::Active, None).await?;
        let cached = verified.cached;
        match (verified.verdict, verified.limits) {
            (Verdict::Allowed, _) => {}
            (Verdict::RateLimited, Some(limits)) => return Ok(Introspected::TooOften(limits)),
            _ => return Ok(Introspected::Inactive),
        }
        let stored = self.stored_as_presented(app.id, &self.presented(secret)).await;
        let stored = stored.inspect_err(|_| self.take_back(Verdict::Allowed, cached.as_deref()))?;
        // It may have been revoked since.
        let token = stored.map(|stored| stored.token).filter(|token| token.spec.kind.is_shared());
        let circumstances = self.circumstances(None, app.allowed_addresses());
        let token = token.filter(|token| self.is_live(token, circumstances)).map(Token::in_effect);
        Ok(token.map_or(Introspected::Inactive, |token| Introspected::Active(Box::new(token))))
    }

    /// Revokes the token with this secret in an app, in any state, on behalf of the app, at this address if it is
    /// known. Succeeds if there is none, or none that clients may know of.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn revoke_presented(
        &self,
        app: &OpenApp,
        secret: &Secret,
        from: Option<IpAddr>,
    ) -> Result<(), Error> {
        let presented = self.presented(secret);
        if self.is_refused_by_arithmetic(&presented, Seeking::EVERYWHERE) {
            return Ok(());
        }
        let stored = self.stored_in(app.id, &presented).await?;
        match stored.filter(|stored| stored.token.spec.kind.is_shared()) {
            Some(stored) => self.revoke_stored(&stored, Cause::new(Actor::Client, from)).await,
            None => Ok(()),
        }
    }

    /// Revokes the token that a bearer presents, in every app that has it, whenever and wherever that may be
    /// used: who has it may always end it, and would believe to have done so.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn revoke_oneself(
        &self,
        secret: &Secret,
        from: Option<IpAddr>,
    ) -> Result<Result<(), OAuthRefusal>, Error> {
        let live = match self.live_tokens(secret, from, Reach::Anywhere).await? {
            Ok(live) => live,
            // It is not active already.
            Err(OAuthRefusal::Unproven) => return Ok(Ok(())),
            Err(refusal) => return Ok(Err(refusal)),
        };
        if live.iter().any(|stored| !stored.token.spec.kind.is_shared()) {
            return Ok(Err(OAuthRefusal::Powerless));
        }
        for stored in &live {
            self.revoke_stored(stored, Cause::new(oneself(&stored.token), from)).await?;
        }
        Ok(Ok(()))
    }

    /// Whether a bearer presents a live token of any app.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn is_live_bearer(
        &self,
        secret: &Secret,
        from: Option<IpAddr>,
    ) -> Result<Result<(), OAuthRefusal>, Error> {
        Ok(self.live_tokens(secret, from, Reach::WithinBounds).await?.map(drop))
    }

    async fn revoke_stored(&self, stored: &StoredToken, by: Cause) -> Result<(), Error> {
        let (app_id, id) = (stored.token.app_id, stored.token.id);
        // It does not matter which request revoked it first.
        self.store.write(RevokeToken { app_id, id, at: self.now(), by }).await?;
        Ok(())
    }

    /// The live tokens of all apps that a bearer presents; at least one.
    async fn live_tokens(
        &self,
        secret: &Secret,
        from: Option<IpAddr>,
        reach: Reach,
    ) -> Result<Result<Vec<StoredToken>, OAuthRefusal>, Error> {
        let failures = self.failures(Purpose::Failures, from, None);
        if let Err(often) = self.may_look_up(failures, Some(secret)) {
            return Ok(Err(OAuthRefusal::Throttled(often)));
        }
        let mut live = self.stored(&self.presented(secret), Seeking::EVERYWHERE, from).await?;
        live.retain(|stored| self.is_live_within_bounds(&stored.token));
        if reach == Reach::WithinBounds {
            live = self.live_of_any_app(live, from).await?;
        }
        if live.is_empty() {
            self.count_failure(failures);
            return Ok(Err(OAuthRefusal::Unproven));
        }
        Ok(Ok(live))
    }
}

/// The bearer of a token as an actor of the change log.
pub(crate) fn oneself(token: &Token) -> Actor {
    match token.spec.owner.named() {
        Some(user_id) => Actor::User { user_id: user_id.clone(), token_id: token.id },
        None => Actor::Bearer(token.id),
    }
}
