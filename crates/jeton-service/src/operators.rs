//! Operators, who run the service. They exist outside apps.

use crate::limiter::{Purpose, TooOften};
use crate::{Error, Service};
use jeton_core::{Cause, Digest, Label, LabelError, OperatorId, Secret};
use jeton_store::write::{CreateOperator, RevokeOperator};
use jeton_store::{DigestPlace, NewOperator, Operator};
use std::net::IpAddr;

/// The credentials of a new operator. Shown once.
#[derive(Debug)]
pub struct OperatorCredentials {
    /// The number.
    pub id: OperatorId,
    /// The token.
    pub token: Secret,
}

/// The answer to whoever says to be an operator.
#[derive(Debug)]
pub enum OperatorAdmission {
    /// It presented nothing, or no token of an operator that is not revoked.
    Unproven,
    /// From its address came too much that was no such token.
    Throttled(TooOften),
    /// It is this one.
    Admitted(Operator),
}

/// Why a text is no name of an operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperatorNameError {
    /// It is too long or holds a NUL.
    #[error("the name {0}")]
    Text(#[from] LabelError),
    /// It is nothing, or nothing but white space.
    #[error("the name is not empty")]
    Blank,
}

/// The name of an operator.
///
/// # Errors
/// Nobody could tell it from others by that.
pub fn operator_name(text: String) -> Result<Label, OperatorNameError> {
    let name = Label::new(text)?;
    if name.as_str().trim().is_empty() { Err(OperatorNameError::Blank) } else { Ok(name) }
}

impl Service {
    /// Finds out which operator presents a token, by the store as it is now: one that was revoked is refused at once, by
    /// every server. What was not minted here is refused by arithmetic.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn admit_operator(
        &self,
        presented: Option<&Secret>,
        from: Option<IpAddr>,
    ) -> Result<OperatorAdmission, Error> {
        let Some(secret) = presented else { return Ok(OperatorAdmission::Unproven) };
        self.admit_found(secret, from, self.operator_of(secret)).await
    }

    /// Whose token a secret is.
    pub(crate) async fn operator_of(&self, secret: &Secret) -> Result<Option<Operator>, Error> {
        let keys = self.keys.share();
        if keys.perhaps_minted(secret) {
            let digests: Vec<Digest> = keys.operator_digests(secret).collect();
            // Twice if there are several: it may be given one that was asked about while another is.
            let times = if digests.len() > 1 { 2 } else { 1 };
            for digest in digests.iter().copied().cycle().take(digests.len() * times) {
                if let Some(operator) = self.store.operator_by_digest(&digest).await? {
                    self.rekeying.note_use(&keys, DigestPlace::Operator(operator.id), digest, || {
                        keys.operator_digest(secret)
                    });
                    return Ok(Some(operator));
                }
            }
        }
        match keys.lacks_any() {
            true => Err(Error::KeyMissing),
            false => Ok(None),
        }
    }

    /// Admits the operator that is found by what was presented. That is looked for only if no more failures have come from there than
    /// may, and not to find it is a failure.
    pub(crate) async fn admit_found(
        &self,
        presented: &Secret,
        from: Option<IpAddr>,
        finding: impl Future<Output = Result<Option<Operator>, Error>>,
    ) -> Result<OperatorAdmission, Error> {
        let failures = self.failures(Purpose::FailuresOfOperators, from, None);
        if let Err(often) = self.may_look_up(failures, Some(presented)) {
            return Ok(OperatorAdmission::Throttled(often));
        }
        let found = finding.await?;
        if found.is_none() {
            self.count_failure(failures);
        }
        Ok(found.map_or(OperatorAdmission::Unproven, OperatorAdmission::Admitted))
    }

    /// Creates an operator. `None`: another one has this name.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn create_operator(
        &self,
        name: &str,
        by: &Cause,
    ) -> Result<Option<OperatorCredentials>, Error> {
        let keys = self.writing_keys()?;
        let token = keys.mint(&*self.entropy, None)?;
        let (digest, digest_key_id) = (keys.operator_digest(&token), keys.current_id());
        let operator = NewOperator { name: name.to_owned(), digest, digest_key_id, created_at: self.now() };
        let made = self.store.write(CreateOperator { operator, by: by.clone() }).await?;
        Ok(made.map(|id| OperatorCredentials { id, token }))
    }

    /// All operators, in the order of creation.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn operators(&self) -> Result<Vec<Operator>, Error> {
        Ok(self.store.operators().await?)
    }

    /// The operator of this number, by the store as it is now; `None`: there is none, or it was revoked.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn operator(&self, id: OperatorId) -> Result<Option<Operator>, Error> {
        Ok(self.store.operator(id).await?)
    }

    /// Revokes an operator. `false`: there is none with this number.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn revoke_operator(&self, id: OperatorId, by: &Cause) -> Result<bool, Error> {
        Ok(self.store.write(RevokeOperator { id, at: self.now(), by: by.clone() }).await?)
    }
}
