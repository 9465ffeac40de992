//! Issuing a token.

use crate::open_app::OpenApp;
use crate::{Error, Refusal, Service};
use jeton_core::{
    Actor, AppId, Authority, AuthorityRefusal, Description, Document, Label, Lifetime, Owner, Scopes, Secret,
    Timestamp, Token, TokenId, TokenKind, earlier_end,
};
use jeton_store::SelfMadeLimit;
use jeton_store::write::InsertTokens;
use jeton_store::{Credential, Inserted, NewToken, StoredToken};
use std::ops::Deref;

/// A token to be issued.
#[derive(Clone, Debug)]
pub struct Issue {
    /// What it is for.
    pub kind: TokenKind,
    /// Whose it is.
    pub owner: Owner,
    /// How long it lives.
    pub life: TokenLife,
    /// Its name.
    pub title: Option<Label>,
    /// Free text for sorting.
    pub tags: Option<Label>,
    /// Free text.
    pub description: Option<Description>,
    /// The permissions as an AppKey client wrote them.
    pub permissions_as_sent: Option<String>,
    /// What it allows.
    pub scopes: Scopes,
    /// What a LoopBack client stores beside all that.
    pub document: Option<Document>,
}

/// How long a token is to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenLife {
    /// This long; refused if that outlives the issuer.
    Asked(Lifetime),
    /// This long because nothing was asked for; shortened to the issuer's own end.
    Default(Lifetime),
}

/// A token that was issued. The one time that its secret is shown for certain.
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

impl Service {
    /// Issues a token. When this answers, the token is on disk and good at once.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn issue(
        &self,
        app: &OpenApp,
        authority: &Authority,
        issue: Issue,
    ) -> Result<Result<Issued, Refusal>, Error> {
        let now = self.now();
        let expires_at = expiry(app, authority, issue.life, now);
        let fits = issue.kind.check_scopes(&issue.scopes).and_then(|()| self.within_limits(&issue.scopes));
        if let Err(refused) = fits.and_then(|()| authority.may_issue(&issue.scopes, expires_at)) {
            return Ok(Err(refused.into()));
        }
        let secret = self.keys.mint(&*self.entropy, app.settings.common.token_prefix.as_ref())?;
        let new = self.new_token(app, issue, &secret, (now, expires_at), None)?;
        match self
            .store
            .write(InsertTokens {
                app_id: app.id,
                tokens: vec![new.clone()],
                self_made: SelfMadeLimit::NONE,
                at: now,
                by: authority.actor(),
            })
            .await?
            .as_slice()
        {
            [Inserted::Issued(id)] => Ok(Ok(Issued { token: stored(*id, app.id, new).token, secret })),
            // Two secrets of 128 random bits were the same: the source of randomness cannot be trusted.
            _ => Err(jeton_core::EntropyError("the same secret was drawn twice".to_owned()).into()),
        }
    }

    /// Whether a token may be given these scopes.
    pub(crate) fn within_limits(&self, scopes: &Scopes) -> Result<(), AuthorityRefusal> {
        Ok(scopes.within(&self.limits.scopes)?)
    }

    pub(crate) fn new_token(
        &self,
        app: &OpenApp,
        issue: Issue,
        secret: &Secret,
        (created_at, expires_at): (Timestamp, Option<Timestamp>),
        disabled_by: Option<Actor>,
    ) -> Result<NewToken, Error> {
        let digest = self.keys.digest(secret);
        // A service credential is shown when it is made and never again.
        let data_key = app.data_key.as_ref().filter(|_| issue.kind != TokenKind::Service);
        let sealed = data_key.map(|key| key.seal(&*self.entropy, app.id, &digest, secret)).transpose()?;
        Ok(NewToken {
            digest,
            digest_key_id: self.keys.current_id(),
            is_foreign: !self.keys.minted(secret),
            sealed,
            kind: issue.kind,
            owner: issue.owner,
            created_at,
            expires_at,
            disabled_by,
            title: issue.title,
            tags: issue.tags,
            description: issue.description,
            permissions_as_sent: issue.permissions_as_sent,
            scopes: issue.scopes,
            document: issue.document,
        })
    }
}

/// A new token as the store has it.
pub(crate) fn stored(id: TokenId, app_id: AppId, new: NewToken) -> StoredToken {
    let (digest, is_foreign) = (new.digest, new.is_foreign);
    let sealed = new.sealed;
    let token = Token {
        id,
        app_id,
        kind: new.kind,
        owner: new.owner,
        created_at: new.created_at,
        updated_at: new.created_at,
        expires_at: new.expires_at,
        disabled_by: new.disabled_by,
        revoked_at: None,
        title: new.title,
        tags: new.tags,
        description: new.description,
        permissions_as_sent: new.permissions_as_sent,
        scopes: new.scopes,
        document: new.document,
        left_loopback: false,
    };
    StoredToken { token, digest, credential: Credential::lasting(digest), sealed, is_foreign, revision: 1 }
}

fn expiry(app: &OpenApp, authority: &Authority, life: TokenLife, now: Timestamp) -> Option<Timestamp> {
    let at = |lifetime| app.settings.common.lifetime_policy().expires_at(now, now, lifetime);
    match life {
        TokenLife::Asked(lifetime) => at(lifetime),
        TokenLife::Default(lifetime) => earlier_end(at(lifetime), authority.ends_at()),
    }
}
