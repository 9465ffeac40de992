//! Issuing tokens.

use crate::keys::{DataKey, Keys, KnownSecret, WritingKeys};
use crate::open_app::OpenApp;
use crate::{Error, Refusal, Service};
use jeton_core::{
    Actor, AppId, Authority, AuthorityRefusal, Cause, Digest, Lifetime, Policy, Scopes, Secret, Timestamp,
    Token, TokenId, TokenKind, TokenSpec, earlier_end,
};
use jeton_store::SelfMadeLimit;
use jeton_store::write::InsertTokens;
use jeton_store::{Credential, Inserted, NewToken, StoredToken};
use std::ops::Deref;

/// A token to be issued.
#[derive(Clone, Debug)]
pub struct Issue {
    /// What it will be.
    pub spec: TokenSpec,
    /// Its lifetime.
    pub lifetime: RequestedLifetime,
}

/// The lifetime that a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestedLifetime {
    /// This lifetime; refused if the token would outlive its issuer.
    Asked(Lifetime),
    /// This one because the request asked for none; shortened to the issuer's own expiry.
    Default(Lifetime),
}

/// A token that was issued. The only time that its secret is certain to be shown.
#[derive(Debug)]
pub struct Issued {
    /// The token as it is stored.
    pub token: Token,
    /// Its secret.
    pub secret: Secret,
}

/// An issued token is a token.
impl Deref for Issued {
    type Target = Token;

    fn deref(&self) -> &Token {
        &self.token
    }
}

/// A token that is about to be inserted.
pub(crate) struct Draft<S = Secret> {
    pub(crate) secret: S,
    pub(crate) new: NewToken,
    /// Kept until it is inserted: the key that it is written with is not retired before.
    _keys: WritingKeys,
}

/// What is known of the secret of a token that is about to be inserted.
pub(crate) trait DraftSecret {
    /// The secret, if it is known.
    fn clear(&self) -> Option<&Secret>;

    /// By what it is found from now on.
    ///
    /// # Errors
    /// The ring lacks a key by which it may be there already.
    fn identity(&self, keys: &Keys) -> Result<Identity, Error>;
}

/// By what a secret is found.
pub(crate) struct Identity {
    digest: Digest,
    /// Digests of other keys under which it may be there already.
    older_digests: Vec<Digest>,
    is_foreign: bool,
}

impl DraftSecret for Secret {
    fn clear(&self) -> Option<&Secret> {
        Some(self)
    }

    fn identity(&self, keys: &Keys) -> Result<Identity, Error> {
        // A secret of which the current key knows nothing may be there already, by a digest of an older one.
        let is_new = keys.minted_now(self);
        if !is_new && keys.lacks_any() {
            return Err(Error::KeyMissing);
        }
        let older = keys.digests(self).skip(1).take(if is_new { 0 } else { usize::MAX });
        // Once the older keys are retired, arithmetic does not recognise theirs.
        Ok(Identity { digest: keys.digest(self), older_digests: older.collect(), is_foreign: !is_new })
    }
}

impl DraftSecret for KnownSecret {
    fn clear(&self) -> Option<&Secret> {
        match self {
            KnownSecret::Clear(secret) => Some(secret),
            KnownSecret::Digest { .. } => None,
        }
    }

    fn identity(&self, keys: &Keys) -> Result<Identity, Error> {
        match self {
            KnownSecret::Clear(secret) => secret.identity(keys),
            KnownSecret::Digest { digest, is_foreign } => {
                Ok(Identity { digest: *digest, older_digests: Vec::new(), is_foreign: *is_foreign })
            }
        }
    }
}

impl Service {
    /// Issues a token. When this returns, the token is on disk and valid.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn issue(
        &self,
        app: &OpenApp,
        authority: &Authority,
        mut issue: Issue,
    ) -> Result<Result<Issued, Refusal>, Error> {
        let now = self.now();
        let policies = &app.settings.common.policies;
        let expires_at = expiry(app, authority, issue.lifetime, now);
        issue.spec.bounds = authority.bounds(issue.spec.bounds);
        let bounds = &issue.spec.bounds;
        if !bounds.begin_before(expires_at) {
            return Ok(Err(AuthorityRefusal::NeverBegins.into()));
        }
        let fits = issue
            .spec
            .kind
            .check_scopes(&issue.spec.scopes)
            .and_then(|()| issue.spec.kind.check_limits(&issue.spec.limits))
            .and_then(|()| self.within_limits(&issue.spec.scopes));
        let may = fits
            .and_then(|()| authority.may_issue(&issue.spec.scopes, bounds, expires_at))
            .and_then(|()| Ok(policies.allow_new(authority.into(), &issue.spec.scopes, expires_at, now)?));
        if let Err(refused) = may {
            return Ok(Err(refused.into()));
        }
        let secret = self.writing_keys()?.mint(&*self.entropy, app.settings.common.token_prefix.as_ref())?;
        let mut drafts = [self.draft(app, issue, secret, (now, expires_at))?];
        let inserted = self.insert(app, &mut drafts, SelfMadeLimit::NONE, now, &authority.cause()).await?;
        let [Draft { secret, new, .. }] = drafts;
        match inserted.as_slice() {
            [Inserted::Issued(id)] => Ok(Ok(Issued { token: stored(*id, app.id, new).token, secret })),
            [Inserted::TooManyOfUser] => Ok(Err(AuthorityRefusal::from(too_many_of_user(app)).into())),
            // Two equal secrets of 128 random bits mean that the source of randomness cannot be trusted.
            _ => Err(jeton_core::EntropyError("the same secret was drawn twice".to_owned()).into()),
        }
    }

    /// Checks that a token may be given these scopes.
    pub(crate) fn within_limits(&self, scopes: &Scopes) -> Result<(), AuthorityRefusal> {
        Ok(scopes.within(&self.limits.scopes)?)
    }

    /// A token with this secret, sealed under the app's data key.
    pub(crate) fn draft(
        &self,
        app: &OpenApp,
        issue: Issue,
        secret: Secret,
        times: (Timestamp, Option<Timestamp>),
    ) -> Result<Draft, Error> {
        self.draft_with(app, self.writing_keys()?, issue, secret, times, None)
    }

    /// The same for a secret of which perhaps not all is known. It is to be found by the current one of these keys.
    pub(crate) fn draft_with<S: DraftSecret>(
        &self,
        app: &OpenApp,
        keys: WritingKeys,
        issue: Issue,
        secret: S,
        (created_at, expires_at): (Timestamp, Option<Timestamp>),
        disabled_by: Option<Actor>,
    ) -> Result<Draft<S>, Error> {
        let Identity { digest, older_digests, is_foreign } = secret.identity(&keys)?;
        let new = NewToken {
            digest,
            digest_key_id: keys.current_id(),
            older_digests,
            is_foreign,
            sealed: None,
            created_at,
            expires_at,
            disabled_by,
            spec: issue.spec,
        };
        let mut draft = Draft { secret, new, _keys: keys };
        self.seal(app.id, app.data_key.as_ref(), &mut draft)?;
        Ok(draft)
    }

    /// Inserts tokens; the answers are in their order. Tokens whose data key was destroyed meanwhile, by this
    /// server or another, are sealed again under the current one, if there is one.
    ///
    /// # Errors
    ///
    /// The write failed. If there were more than 1,024, some may have been inserted.
    pub(crate) async fn insert<S: DraftSecret>(
        &self,
        app: &OpenApp,
        drafts: &mut [Draft<S>],
        self_made: SelfMadeLimit,
        at: Timestamp,
        by: &Cause,
    ) -> Result<Vec<Inserted>, Error> {
        let mut answers = vec![Inserted::KeyGone; drafts.len()];
        let mut data_key = app.data_key.clone();
        for _ in 0..crate::update::MAX_TRIES {
            let is_left = |answer: &Inserted| *answer == Inserted::KeyGone;
            let left = drafts.iter().zip(&answers).filter(|(_, answer)| is_left(answer));
            let tokens = left.map(|(draft, _)| draft.new.clone()).collect();
            let sealed_under = data_key.as_ref().map(DataKey::sealed);
            let (app_id, per_user) = (app.id, app.settings.common.policies.max_tokens_per_user);
            let insert =
                InsertTokens { app_id, tokens, self_made, per_user, sealed_under, at, by: by.clone() };
            let inserted = self.store.write(insert).await?;
            for (answer, inserted) in answers.iter_mut().filter(|answer| is_left(answer)).zip(inserted) {
                *answer = inserted;
            }
            if !answers.iter().any(is_left) {
                return Ok(answers);
            }
            // If the app is gone, so is the caller.
            let now = self.read_by(Some(&app.key)).await?.filter(|now| now.id == app.id);
            data_key = now.ok_or(Error::Withdrawn)?.data_key.clone();
            for (draft, _) in drafts.iter_mut().zip(&answers).filter(|(_, answer)| is_left(answer)) {
                self.seal(app.id, data_key.as_ref(), draft)?;
            }
        }
        Err(Error::Contended)
    }

    fn seal<S: DraftSecret>(
        &self,
        app_id: AppId,
        data_key: Option<&DataKey>,
        draft: &mut Draft<S>,
    ) -> Result<(), Error> {
        let Draft { secret, new, .. } = draft;
        // A service credential is shown only when it is created.
        let data_key = data_key.filter(|_| new.spec.kind != TokenKind::Service);
        let seal = |(key, secret): (&DataKey, &Secret)| key.seal(&*self.entropy, app_id, &new.digest, secret);
        new.sealed = data_key.zip(secret.clear()).map(seal).transpose()?;
        Ok(())
    }
}

/// The refusal of one more token for a user that has as many as it may have.
pub(crate) fn too_many_of_user(app: &OpenApp) -> Policy {
    // Whoever lifts the limit meanwhile may be asked again.
    Policy::MaxTokensPerUser(app.settings.common.policies.max_tokens_per_user.unwrap_or(u32::MAX))
}

/// A new token as the store has it.
pub(crate) fn stored(id: TokenId, app_id: AppId, new: NewToken) -> StoredToken {
    let (digest, is_foreign) = (new.digest, new.is_foreign);
    let sealed = new.sealed;
    let token = Token {
        id,
        app_id,
        created_at: new.created_at,
        updated_at: new.created_at,
        expires_at: new.expires_at,
        disabled_by: new.disabled_by,
        revoked_at: None,
        left_loopback: false,
        // Only what tokens make has some; it adds them.
        ancestors: Vec::new(),
        spec: new.spec,
    };
    StoredToken { token, digest, credential: Credential::lasting(digest), sealed, is_foreign, revision: 1 }
}

fn expiry(
    app: &OpenApp,
    authority: &Authority,
    requested: RequestedLifetime,
    now: Timestamp,
) -> Option<Timestamp> {
    let at = |lifetime| app.settings.common.lifetime_policy().expires_at(now, now, lifetime);
    match requested {
        RequestedLifetime::Asked(lifetime) => at(lifetime),
        RequestedLifetime::Default(lifetime) => {
            let latest = app.settings.common.policies.latest(authority.into(), now);
            earlier_end(earlier_end(at(lifetime), authority.ends_at()), latest)
        }
    }
}
