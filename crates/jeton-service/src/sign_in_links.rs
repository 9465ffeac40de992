//! Links that sign somebody in once, for whoever sits at the machine where the server was started.

use crate::{Error, OperatorAdmission, Service};
use jeton_core::{Digest, Secret};
use jeton_store::Operator;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long a link is good.
pub const SIGN_IN_LINK_LIFE: Duration = Duration::from_secs(10 * 60);
/// Most links at once: another one takes the place of the oldest.
const MOST: usize = 16;

/// The links that are good: digests of their secrets, and when each ends by the monotonic clock.
#[derive(Debug, Default)]
pub(crate) struct SignInLinks(Mutex<VecDeque<(Digest, Duration)>>);

impl SignInLinks {
    fn lock(&self) -> MutexGuard<'_, VecDeque<(Digest, Duration)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// The secret of a new link, which is good for [`SIGN_IN_LINK_LIFE`] and for signing in once. It is in the memory of
    /// this process alone.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn offer_sign_in(&self) -> Result<Secret, Error> {
        let keys = self.writing_keys()?;
        let secret = keys.mint(&*self.entropy, None)?;
        let ends_at = self.clock.monotonic().saturating_add(SIGN_IN_LINK_LIFE);
        let mut links = self.links.lock();
        if links.len() >= MOST {
            links.pop_front();
        }
        links.push_back((keys.operator_digest(&secret), ends_at));
        Ok(secret)
    }

    /// Uses a link up. Whoever has it signs in as the operator who was made first, of those that are there. A secret that is
    /// of no link counts like a wrong token.
    ///
    /// # Errors
    /// It could not be found out, and the link is used up.
    pub async fn take_sign_in(
        &self,
        presented: Option<&Secret>,
        from: Option<IpAddr>,
    ) -> Result<OperatorAdmission, Error> {
        let Some(secret) = presented else { return Ok(OperatorAdmission::Unproven) };
        self.admit_found(secret, from, self.operator_by_link(secret)).await
    }

    /// Whom a link signs in, which is used up.
    async fn operator_by_link(&self, secret: &Secret) -> Result<Option<Operator>, Error> {
        // The current key may be another one since.
        let digests: Vec<Digest> = self.keys.load().operator_digests(secret).collect();
        let now = self.clock.monotonic();
        let taken = {
            let mut links = self.links.lock();
            links.retain(|(_, ends_at)| now < *ends_at);
            let at = links.iter().position(|(known, _)| digests.contains(known));
            at.and_then(|at| links.remove(at)).is_some()
        };
        Ok(if taken { self.operators().await?.into_iter().next() } else { None })
    }
}
