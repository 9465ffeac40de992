//! Initialisation: the first app and the first operator, and opening an initialised store.

use crate::apps::{AppCredentials, AppDraft};
use crate::{CacheLimits, Error, KeyCheckError, KeyRing, Keys, Service};
use jeton_core::{AppKey, Cause, Clock, Entropy, EntropyError, Secret, UserId};
use jeton_store::{Genesis, Initialised, NewOperator, Store};
use std::sync::Arc;

/// The credentials of a new installation. Shown once.
#[derive(Debug)]
pub struct InitialCredentials {
    /// The first app's.
    pub app: AppCredentials,
    /// The first operator's token.
    pub operator_token: Secret,
}

/// Why the service cannot be opened over a store.
#[derive(Debug, thiserror::Error)]
pub enum OpenServiceError {
    /// The store was never initialised.
    #[error("the database was never initialised")]
    Uninitialised,
    /// It was written with other keys.
    #[error(transparent)]
    Keys(#[from] KeyCheckError),
    /// The store could not be read.
    #[error(transparent)]
    Unavailable(#[from] Error),
}

impl Service {
    /// Creates the first app, with an admin token that belongs to `admin_user`, and the first operator, all
    /// or nothing. `None`: the store is initialised already, and nothing was changed.
    ///
    /// # Errors
    ///
    /// The write failed.
    /// It could not be done.
    pub async fn initialise(
        store: &dyn Store,
        ring: &KeyRing,
        clock: &dyn Clock,
        entropy: &dyn Entropy,
        key: &AppKey,
        admin_user: UserId,
    ) -> Result<Option<InitialCredentials>, Error> {
        let keys = Keys::derive(ring);
        let now = clock.now();
        let draft = AppDraft::new(&keys, entropy, now, key, admin_user)?;
        let operator_token = keys.mint(entropy, None)?;
        let digest = keys.operator_digest(&operator_token);
        // The first app's client id is random already, and not secret.
        let epoch = i64::from_str_radix(&draft.app.client_id[..15], 16).unwrap_or_default();
        let genesis = Genesis {
            key_checks: keys.checks(),
            app: draft.app,
            admin: draft.admin,
            operator: NewOperator {
                name: "first".to_owned(),
                digest,
                digest_key_id: keys.current_id(),
                created_at: now,
            },
            epoch,
            by: Cause::CLI,
        };
        match store.write(genesis).await? {
            Initialised::Done(_) => Ok(Some(InitialCredentials { app: draft.credentials, operator_token })),
            Initialised::Before => Ok(None),
        }
    }

    /// The service over a store that was initialised with these keys.
    ///
    /// # Errors
    /// See [`OpenServiceError`].
    pub async fn open(
        store: Arc<dyn Store>,
        ring: &KeyRing,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, OpenServiceError> {
        Self::open_with(store, ring, clock, entropy, CacheLimits::default()).await
    }

    /// The same with other limits of the cache.
    ///
    /// # Errors
    ///
    /// See [`OpenServiceError`].
    pub async fn open_with(
        store: Arc<dyn Store>,
        ring: &KeyRing,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        limits: CacheLimits,
    ) -> Result<Self, OpenServiceError> {
        let checks = store.key_checks().await.map_err(Error::from)?;
        let checks = checks.ok_or(OpenServiceError::Uninitialised)?;
        let keys = Keys::settled(ring, &checks)?;
        keys.fit(&checks)?;
        Ok(Service::new(store, keys, clock, entropy, limits))
    }
}

/// A number that no earlier contents of a database had.
pub(crate) fn new_epoch(entropy: &dyn Entropy) -> Result<i64, EntropyError> {
    Ok(i64::from_be_bytes(entropy.bytes::<8>()?))
}
