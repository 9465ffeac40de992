//! Delegation: the bearer of a token makes others that depend on it.

use crate::cache::Recalled;
use crate::draft::{addresses_of, label, limits_of, scopes_of};
use crate::issue::{Draft, Issue, RequestedLifetime, stored, too_many_of_user};
use crate::limiter::{Purpose, TooOften};
use crate::lookup::Seeking;
use crate::oauth::oneself;
use crate::open_app::OpenApp;
use crate::{DraftError, Error, Issued, ScopeDraft, Service, Surface};
use jeton_core::{
    AppKey, AuthorityRefusal, Bounds, Cause, Demand, InactiveReason, Lifetime, Permission, PolicyCaller,
    Secret, Timestamp, Token, TokenId, TokenKind, TokenSpec, UseRate, Verdict, decide, earlier_end,
};
use jeton_store::{Inserted, SelfMadeLimit};
use std::net::IpAddr;
use std::sync::Arc;

/// The answer to a caller that wants to make tokens from its own.
#[derive(Clone, Debug)]
pub enum DelegatorAdmission {
    /// It presented no live token of the app, or the app does not exist.
    Unproven,
    /// Too many invalid tokens came from its address, and neither memory nor arithmetic recognises this one.
    Throttled(TooOften),
    /// Its token is live and does not hold `delegate`.
    Powerless,
    /// It may make tokens.
    Admitted(Delegator),
}

/// The bearer of a token that holds `delegate`.
#[derive(Clone, Debug)]
pub struct Delegator {
    app: Arc<OpenApp>,
    token_id: TokenId,
    /// When what it presented ends: its token, one above that, or the secret alone, which a rotation has replaced. `None`: never.
    ends_at: Option<Timestamp>,
    from: Option<IpAddr>,
}

/// A token to be made from another, as it is described.
#[derive(Clone, Debug, Default)]
pub struct ChildDraft {
    /// Its name.
    pub title: Option<String>,
    /// What it allows; `None`: what its parent allows.
    pub scopes: Option<Vec<ScopeDraft>>,
    /// How long it lives; `None`: as long as the app decides, and no longer than its parent.
    pub lifetime: Option<Lifetime>,
    /// The addresses and CIDR blocks from which it may be used; empty: those of its parent.
    pub allowed_addresses: Vec<String>,
    /// How often it may be used, within what its parent may be; `None`: as often.
    pub uses: Option<u64>,
    /// How often in a time.
    pub rates: Vec<UseRate>,
}

/// Why no token is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DelegateRefusal {
    /// The description makes no sense.
    #[error(transparent)]
    Draft(#[from] DraftError),
    /// As many tokens are above the parent as the app allows.
    #[error("there are as many tokens above yours as the app allows")]
    TooDeep,
    /// It would reach further than its parent.
    #[error(transparent)]
    Forbidden(#[from] AuthorityRefusal),
}

/// The demand that a parent must cover: only a global scope does.
fn demand() -> Demand {
    Demand::Permission { permission: Permission::delegate(), resource: None }
}

impl Service {
    /// Determines whether the bearer of a token may make others from it. `key` is `None` if the name in the
    /// request cannot be an app key.
    ///
    /// Answers from memory where possible, as coherently as [`verify`](Self::verify). A live token counts as used,
    /// from the address `from` if that is known.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn admit_delegator(
        &self,
        key: Option<&AppKey>,
        presented: Option<&Secret>,
        from: Option<IpAddr>,
    ) -> Result<DelegatorAdmission, Error> {
        let Some(secret) = presented else { return Ok(DelegatorAdmission::Unproven) };
        let failures = self.failures(Purpose::Failures, from, key);
        if let Err(often) = self.may_look_up(failures, Some(secret)) {
            return Ok(DelegatorAdmission::Throttled(often));
        }
        let unproven = || {
            self.count_failure(failures);
            Ok(DelegatorAdmission::Unproven)
        };
        let Some(key) = key else { return unproven() };
        let app = self.app_for(key, secret).await?;
        let found = self.look_up(app.id, &self.presented(secret), Seeking::EVERYWHERE).await?;
        let Recalled::Known(cached) = found else { return unproven() };
        let circumstances = self.circumstances(from, app.allowed_addresses());
        let verdict = decide(cached.standing(), &demand(), circumstances);
        if let Verdict::Inactive(reason) = verdict {
            if reason == InactiveReason::Expired && cached.is_by_ended_secret(circumstances.now) {
                self.note_reuse(cached.app_id(), cached.token_id(), from);
            }
            return unproven();
        }
        self.usage.record(&cached, circumstances.now, from);
        if verdict != Verdict::Allowed || cached.kind() != TokenKind::Grant {
            return Ok(DelegatorAdmission::Powerless);
        }
        let app = self.open_surface(Surface::Delegate, Some(key)).await?;
        let (token_id, ends_at) = (cached.token_id(), cached.expires_at());
        Ok(match app.filter(|app| app.id == cached.app_id()) {
            Some(app) => DelegatorAdmission::Admitted(Delegator { app, token_id, ends_at, from }),
            None => DelegatorAdmission::Unproven,
        })
    }

    /// Makes a token that depends on the delegator's: it is good for no more than that one is at any time, nor
    /// than those above that one are. When this returns, it is on disk and valid.
    ///
    /// # Errors
    ///
    /// The write failed, or the delegator's token is not what it was any more.
    pub async fn delegate(
        &self,
        delegator: &Delegator,
        draft: ChildDraft,
    ) -> Result<Result<Issued, DelegateRefusal>, Error> {
        let Delegator { app, token_id, ends_at, from } = delegator;
        // As it is now.
        let app = self.open_surface(Surface::Delegate, Some(&app.key)).await?.filter(|now| now.id == app.id);
        let app = app.ok_or(Error::Withdrawn)?;
        let parent = self.store.token(app.id, *token_id).await?.map(|stored| stored.token);
        let circumstances = self.circumstances(*from, app.allowed_addresses());
        let is_allowed =
            |parent: &Token| decide(parent.standing(), &demand(), circumstances) == Verdict::Allowed;
        let parent = parent.filter(is_allowed).ok_or(Error::Withdrawn)?;
        let now = circumstances.now;
        let ending = Token { expires_at: earlier_end(parent.expires_at, *ends_at), ..parent.clone() };
        let (spec, expires_at) = match self.child(&app, &ending, draft, now) {
            Ok(child) => child,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let secret = self.writing_keys()?.mint(&*self.entropy, app.settings.common.token_prefix.as_ref())?;
        let issue = Issue { spec, lifetime: RequestedLifetime::Asked(Lifetime::Unlimited) };
        let mut drafts = [self.draft(&app, issue, secret, (now, expires_at))?];
        let by = Cause::new(oneself(&parent), *from);
        // Whoever revokes the parent meanwhile need not know of its child: it depends on the parent from the start.
        let inserted = self.insert(&app, &mut drafts, SelfMadeLimit::NONE, now, &by).await?;
        let [Draft { secret, new, .. }] = drafts;
        let id = match inserted.as_slice() {
            [Inserted::Issued(id)] => id,
            [Inserted::TooManyOfUser] => {
                return Ok(Err(AuthorityRefusal::from(too_many_of_user(&app)).into()));
            }
            _ => return Err(jeton_core::EntropyError("the same secret was drawn twice".to_owned()).into()),
        };
        let mut token = stored(*id, app.id, new).token;
        token.ancestors = parent.ancestors.iter().cloned().chain([parent.as_ancestor()]).collect();
        Ok(Ok(Issued { token, secret }))
    }

    /// What the child of a token will be, and when it will expire.
    fn child(
        &self,
        app: &OpenApp,
        parent: &Token,
        draft: ChildDraft,
        now: Timestamp,
    ) -> Result<(TokenSpec, Option<Timestamp>), DelegateRefusal> {
        let policies = &app.settings.common.policies;
        let lineage = parent.lineage_below(app.settings.common.delegation_depth);
        let lineage = lineage.ok_or(DelegateRefusal::TooDeep)?;
        let scopes = match draft.scopes {
            Some(scopes) => scopes_of(None, &scopes)?,
            None => parent.effective_scopes(),
        };
        TokenKind::Grant.check_scopes(&scopes)?;
        self.within_limits(&scopes)?;
        let asked = Bounds { not_before: None, allowed_addresses: addresses_of(&draft.allowed_addresses)? };
        let bounds = asked.within(&parent.spec.bounds);
        let at = |lifetime| app.settings.common.lifetime_policy().expires_at(now, now, lifetime);
        let expires_at = match draft.lifetime {
            Some(lifetime) => at(lifetime),
            None => {
                let latest = policies.latest(PolicyCaller::User, now);
                earlier_end(earlier_end(at(app.settings.common.default_lifetime()), parent.ends_at()), latest)
            }
        };
        let limits = limits_of(draft.uses, draft.rates)?;
        parent.may_delegate(&scopes, &bounds, &limits, expires_at)?;
        policies.allow_new(PolicyCaller::User, &scopes, expires_at, now).map_err(AuthorityRefusal::from)?;
        let owner = parent.spec.owner.clone();
        let title = label("title", draft.title)?;
        let spec =
            TokenSpec { title, bounds, limits, lineage, ..TokenSpec::new(TokenKind::Grant, owner, scopes) };
        Ok((spec, expires_at))
    }
}
