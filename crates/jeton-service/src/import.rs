//! Import of tokens that another system issued.

use crate::issue::Issue;
use crate::open_app::OpenApp;
use crate::{Error, Service};
use jeton_core::{AuthorityRefusal, Cause, Lifetime, Secret, Timestamp, TokenId};
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
    /// Its scopes do not fit its kind, or exceed a limit.
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
        let latest = app.settings.common.lifetime_policy().expires_at(now, now, Lifetime::Unlimited);
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
            let fits = row.issue.spec.kind.check_scopes(scopes).and_then(|()| self.within_limits(scopes));
            if let Err(refusal) = fits {
                outcomes.push(Some(Imported::Refused(refusal)));
                continue;
            }
            let expires_at = match (row.expires_at, latest) {
                (Some(asked), Some(latest)) => Some(asked.min(latest)),
                (one, other) => one.or(other),
            };
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
                Inserted::NoRoom | Inserted::KeyGone => None,
            })
        };
        let outcomes: Option<Vec<Imported>> = outcomes.into_iter().map(outcome).collect();
        outcomes.ok_or(Error::Unreadable("answer to an import"))
    }
}
