//! Operators, who run the service. They exist outside apps.

use crate::{Error, Service};
use jeton_core::{Actor, OperatorId, Secret};
use jeton_store::write::{CreateOperator, RevokeOperator};
use jeton_store::{NewOperator, Operator};

/// The credentials of a new operator. Shown once.
#[derive(Debug)]
pub struct OperatorCredentials {
    /// The number.
    pub id: OperatorId,
    /// The token.
    pub token: Secret,
}

impl Service {
    /// Creates an operator.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn create_operator(&self, name: &str, by: &Actor) -> Result<OperatorCredentials, Error> {
        let token = self.keys.mint(&*self.entropy, None)?;
        let digest = self.keys.operator_digest(&token);
        let operator = NewOperator { name: name.to_owned(), digest, created_at: self.now() };
        Ok(OperatorCredentials {
            id: self.store.write(CreateOperator { operator, by: by.clone() }).await?,
            token,
        })
    }

    /// All operators, in the order of creation.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn operators(&self) -> Result<Vec<Operator>, Error> {
        Ok(self.store.operators().await?)
    }

    /// Revokes an operator. `false`: there is none with this number.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn revoke_operator(&self, id: OperatorId, by: &Actor) -> Result<bool, Error> {
        Ok(self.store.write(RevokeOperator { id, at: self.now(), by: by.clone() }).await?)
    }
}
