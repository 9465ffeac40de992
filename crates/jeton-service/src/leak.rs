//! Reports of secrets that were found where they should not be: whoever has one may have it revoked.

use crate::limiter::{Purpose, TooOften};
use crate::lookup::{Presented, Seeking};
use crate::{Error, Service};
use jeton_core::{Actor, AppId, Cause, Secret, TokenId};
use jeton_store::write::{RevokeOperator, RevokeTokens};
use std::collections::HashMap;
use std::net::IpAddr;

/// Most secrets in one report.
pub const MAX_REPORTED: usize = 1_000;
/// How many of them are looked at before other tasks get the processor.
const CHUNK: usize = 64;

impl Service {
    /// Revokes whatever these secrets name, in every app and in whatever state: tokens and service credentials, and operators. When
    /// this returns, none of them is accepted any more. Self-made tokens and client secrets are not meant: the first prove nothing,
    /// and the second are replaced, not revoked.
    ///
    /// Whoever reports need not prove anything but that it has them. What was neither minted here nor imported is recognised by
    /// arithmetic, so that only real secrets are looked up. `from`: where the report comes from; so many secrets may come from there in
    /// a minute.
    ///
    /// # Errors
    ///
    /// A write failed: some of them may not be revoked.
    pub async fn revoke_reported(
        &self,
        secrets: &[Secret],
        from: Option<IpAddr>,
    ) -> Result<Result<(), TooOften>, Error> {
        let (account, rate) =
            (self.limiter.of_address(Purpose::LeakReports, from, ""), self.limits.leak_reports);
        if let Err(often) = self.limiter.look(account, rate) {
            self.measures.throttled.leak_reports.increment();
            return Ok(Err(often));
        }
        self.limiter.charge(account, rate, (secrets.len() as u64).clamp(1, rate.most.max(1)));
        let by = Cause::new(Actor::Reporter, from);
        for chunk in secrets.chunks(CHUNK) {
            tokio::task::yield_now().await;
            self.revoke_tokens_of(chunk, &by).await?;
            self.revoke_operators_of(chunk, &by).await?;
        }
        Ok(Ok(()))
    }

    async fn revoke_tokens_of(&self, secrets: &[Secret], by: &Cause) -> Result<(), Error> {
        let seeking = Seeking::EVERYWHERE;
        let presented = secrets.iter().map(|secret| self.presented(secret));
        let known: Vec<Presented<'_>> =
            presented.filter(|presented| !self.is_refused_by_arithmetic(presented, seeking)).collect();
        let mut found: HashMap<AppId, Vec<TokenId>> = HashMap::new();
        let all = self.find_all(&known).await?;
        let is_each_found = known.iter().all(|presented| all.iter().any(|stored| presented.is_of(stored)));
        for stored in all {
            if seeking.finds(stored.token.spec.kind) && stored.token.revoked_at.is_none() {
                found.entry(stored.token.app_id).or_default().push(stored.token.id);
            }
        }
        for (app_id, ids) in found {
            self.store.write(RevokeTokens { app_id, ids, at: self.now(), by: by.clone() }).await?;
        }
        self.make_sure(is_each_found)
    }

    async fn revoke_operators_of(&self, secrets: &[Secret], by: &Cause) -> Result<(), Error> {
        for secret in secrets {
            if let Some(operator) = self.operator_of(secret).await? {
                let revoke = RevokeOperator { id: operator.id, at: self.now(), by: by.clone() };
                self.store.write(revoke).await?;
            }
        }
        Ok(())
    }
}
