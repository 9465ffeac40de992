//! Import of tokens that another system issued.

use crate::issue::{Issue, too_many_of_user};
use crate::open_app::OpenApp;
use crate::{Error, Service};
use jeton_core::{AuthorityRefusal, Cause, Lifetime, PolicyCaller, Secret, Timestamp, TokenId, earlier_end};
use jeton_store::Inserted;
use jeton_store::SelfMadeLimit;

/// A token to import. Its lifetime is not [`Issue::lifetime`] but that of the other system.
#[derive(Debug)]
pub struct ImportRow {
    /// Its secret, as its holders know it.
    pub secret: Secret,
    /// Its metadata.
    pub issue: Issue,
    /// When the other system issued it; `None`: now.
    pub created_at: Option<Timestamp>,
    /// When it expires; `None`: never. The app's longest lifetime bounds it, counted from now.
    pub expires_at: Option<Timestamp>,
    /// Whether it is enabled.
    pub enabled: bool,
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
        let now = self.now();
        let settings = &app.settings.common;
        let latest = settings.lifetime_policy().expires_at(now, now, Lifetime::Unlimited);
        let mut outcomes = Vec::with_capacity(rows.len());
        let mut drafts = Vec::new();
        for row in rows {
            if !row.secret.fits_in_header() {
                outcomes.push(Some(Imported::Unfit));
                continue;
            }
            if !allow_weak && self.is_too_weak(&row.secret) {
                outcomes.push(Some(Imported::Weak));
                continue;
            }
            let scopes = &row.issue.spec.scopes;
            let (kind, limits) = (row.issue.spec.kind, &row.issue.spec.limits);
            let fits = kind.check_scopes(scopes).and_then(|()| kind.check_limits(limits));
            let fits = fits.and_then(|()| self.within_limits(scopes));
            if let Err(refusal) = fits {
                outcomes.push(Some(Imported::Refused(refusal)));
                continue;
            }
            let expires_at = earlier_end(row.expires_at, latest);
            let (policies, prefix) = (&settings.policies, settings.token_prefix.as_ref());
            let allowed = policies
                .allow_new(PolicyCaller::Operator, scopes, expires_at, now)
                .and_then(|()| policies.allow_secret(prefix, &row.secret));
            if let Err(policy) = allowed {
                outcomes.push(Some(Imported::Refused(policy.into())));
                continue;
            }
            let times = (row.created_at.unwrap_or(now), expires_at);
            let disabled_by = (!row.enabled).then(|| by.actor.clone());
            drafts.push(self.draft(app, row.issue, row.secret, times, disabled_by)?);
            outcomes.push(None);
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
}
