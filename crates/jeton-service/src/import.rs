//! Import of tokens that another system issued, or another installation exported.

use crate::issue::{Draft, Issue, too_many_of_user};
use crate::keys::{ExportError, KnownSecret, WritingKeys};
use crate::open_app::OpenApp;
use crate::{Error, Service};
use jeton_core::{
    AuthorityRefusal, Cause, Lifetime, Policy, PolicyCaller, Secret, Timestamp, TokenId, earlier_end,
};
use jeton_store::Inserted;
use jeton_store::SelfMadeLimit;

/// A token to import. Its lifetime is not [`Issue::lifetime`] but that of the other system.
#[derive(Debug)]
pub struct ImportRow {
    /// Its secret, as its holders know it.
    pub secret: ImportSecret,
    /// Its metadata.
    pub issue: Issue,
    /// When the other system issued it; `None`: now.
    pub created_at: Option<Timestamp>,
    /// When it expires; `None`: never. The app's longest lifetime bounds it, counted from now.
    pub expires_at: Option<Timestamp>,
    /// Whether it is enabled.
    pub enabled: bool,
}

/// The secret of a token to import.
#[derive(Debug)]
pub enum ImportSecret {
    /// In clear.
    Clear(Secret),
    /// What an export says of it: see [`Service::export`].
    Exported(String),
}

impl From<Secret> for ImportSecret {
    fn from(secret: Secret) -> Self {
        ImportSecret::Clear(secret)
    }
}

/// The outcome for one token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Imported {
    /// It was imported with this number.
    Taken(TokenId),
    /// The app has, or had until it was revoked, a token with this secret.
    Duplicate,
    /// Its secret is short enough to guess, and that was not allowed.
    Weak,
    /// Its secret has white space at an end or a control character: no header can carry it.
    Unfit,
    /// Its scopes do not fit its kind or exceed a limit, or it goes against a policy of the app.
    Refused(AuthorityRefusal),
    /// What an export says of its secret cannot be read.
    Unreadable(ExportError),
    /// Only its digest is known, and the app has tokens with digests of other keys, one of which may be the same token.
    Incomparable,
}

/// What an import goes by.
struct Terms<'i> {
    app: &'i OpenApp,
    allow_weak: bool,
    by: &'i Cause,
    now: Timestamp,
    /// The latest end that the app allows.
    latest: Option<Timestamp>,
    keys: WritingKeys,
    /// Whether digests of the current key tell which tokens are there.
    compares_digests: bool,
}

impl Service {
    /// Imports tokens, each on its own; the outcomes are in the order of the rows. `allow_weak`: also those
    /// with secrets of fewer than 32 characters, which are valid on LoopBack alone.
    ///
    /// # Errors
    ///
    /// The write failed; none of these rows was imported.
    /// It could not be done; none of these rows was taken.
    pub async fn import(
        &self,
        app: &OpenApp,
        rows: Vec<ImportRow>,
        allow_weak: bool,
        by: &Cause,
    ) -> Result<Vec<Imported>, Error> {
        let (now, keys) = (self.now(), self.writing_keys()?);
        let is_exported = |row: &ImportRow| matches!(row.secret, ImportSecret::Exported(_));
        let compares_digests = rows.iter().any(is_exported)
            && !self.store.has_digests_of_other_keys(app.id, keys.current_id()).await?;
        let latest = app.settings.common.lifetime_policy().expires_at(now, now, Lifetime::Unlimited);
        let terms = Terms { app, allow_weak, by, now, latest, keys, compares_digests };
        let (mut outcomes, mut drafts) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows {
            outcomes.push(match self.import_draft(row, &terms)? {
                Ok(draft) => {
                    drafts.push(draft);
                    None
                }
                Err(outcome) => Some(outcome),
            });
        }
        let inserted = self.insert(app, &mut drafts, SelfMadeLimit::NONE, now, by).await?;
        let mut inserted = inserted.into_iter();
        let outcome = |decided: Option<Imported>| {
            decided.or_else(|| match inserted.next()? {
                Inserted::Issued(id) => Some(Imported::Taken(id)),
                Inserted::Duplicate => Some(Imported::Duplicate),
                Inserted::TooManyOfUser => Some(Imported::Refused(too_many_of_user(app).into())),
                Inserted::NoRoom | Inserted::KeyGone => None,
            })
        };
        let outcomes: Option<Vec<Imported>> = outcomes.into_iter().map(outcome).collect();
        outcomes.ok_or(Error::Unreadable("answer to an import"))
    }

    /// The token that a row asks for, or why it is not imported.
    fn import_draft(
        &self,
        row: ImportRow,
        terms: &Terms<'_>,
    ) -> Result<Result<Draft<KnownSecret>, Imported>, Error> {
        let Terms { app, now, keys, .. } = terms;
        let secret = match row.secret {
            ImportSecret::Clear(secret) => KnownSecret::Clear(secret),
            ImportSecret::Exported(text) => match keys.open_known(&text) {
                Ok(known) => known,
                Err(error) => return Ok(Err(Imported::Unreadable(error))),
            },
        };
        if let Err(unfit) = self.may_import(&secret, terms) {
            return Ok(Err(unfit));
        }
        let (spec, policies) = (&row.issue.spec, &app.settings.common.policies);
        let fits = spec.kind.check_scopes(&spec.scopes).and_then(|()| spec.kind.check_limits(&spec.limits));
        let expires_at = earlier_end(row.expires_at, terms.latest);
        let allowed = fits
            .and_then(|()| self.within_limits(&spec.scopes))
            .and_then(|()| Ok(policies.allow_new(PolicyCaller::Operator, &spec.scopes, expires_at, *now)?));
        if let Err(refusal) = allowed {
            return Ok(Err(Imported::Refused(refusal)));
        }
        let times = (row.created_at.unwrap_or(*now), expires_at);
        let disabled_by = (!row.enabled).then(|| terms.by.actor.clone());
        self.draft_with(app, keys.clone(), row.issue, secret, times, disabled_by).map(Ok)
    }

    /// Whether tokens with this secret may be imported.
    fn may_import(&self, secret: &KnownSecret, terms: &Terms<'_>) -> Result<(), Imported> {
        let settings = &terms.app.settings.common;
        match secret {
            KnownSecret::Clear(secret) => {
                if !secret.fits_in_header() {
                    return Err(Imported::Unfit);
                }
                if !terms.allow_weak && self.is_too_weak(secret) {
                    return Err(Imported::Weak);
                }
                let allowed = settings.policies.allow_secret(settings.token_prefix.as_ref(), secret);
                allowed.map_err(|policy| Imported::Refused(policy.into()))
            }
            KnownSecret::Digest { .. } if !terms.compares_digests => Err(Imported::Incomparable),
            // Nobody knows what the secret begins with, unless it was minted.
            KnownSecret::Digest { is_foreign: true, .. } if settings.policies.require_prefix => {
                Err(Imported::Refused(Policy::RequirePrefix.into()))
            }
            KnownSecret::Digest { .. } => Ok(()),
        }
    }
}
