//! Secrets that a rotation has ended, and that somebody presents all the same: they may have leaked.
//!
//! Whoever verifies notes it in memory, and a task reports it to the change log: a guess costs no write, since only what was a secret
//! once is noted, and a token is reported once an hour.

use crate::apps::read_settings;
use crate::limiter::{Purpose, Rate};
use crate::{Error, Service};
use jeton_core::{Actor, AppId, Cause, OnReuse, TokenId};
use jeton_store::write::{ReportReuse, RevokeToken};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Most tokens that wait to be reported. Beyond that, they wait until they are presented again.
const MAX_WAITING: usize = 1_024;
/// How often a token is reported.
const REPORTS: Rate = Rate { most: 1, per: Duration::from_secs(3_600) };

/// The tokens that wait to be reported, each with where its old secret came from.
#[derive(Debug, Default)]
pub(crate) struct Reuses(Mutex<BTreeMap<(AppId, TokenId), Option<IpAddr>>>);

impl Reuses {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(AppId, TokenId), Option<IpAddr>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Service {
    /// Notes that an old secret of a token was presented, from this address if that is known.
    pub(crate) fn note_reuse(&self, app_id: AppId, id: TokenId, from: Option<IpAddr>) {
        self.measures.reused_secrets.increment();
        let account = self.limiter.of_app(Purpose::Reuses, &id.to_string());
        if self.limiter.look(account, REPORTS).is_err() {
            return;
        }
        let mut waiting = self.reuses.lock();
        if waiting.len() < MAX_WAITING {
            self.limiter.charge(account, REPORTS, 1);
            waiting.insert((app_id, id), from);
        }
    }

    /// Reports what was noted, and revokes the tokens of apps that want that.
    ///
    /// # Errors
    ///
    /// The store failed. What was not reported then waits for the next time.
    pub async fn report_reuses(&self) -> Result<(), Error> {
        let mut waiting = std::mem::take(&mut *self.reuses.lock());
        while let Some(((app_id, id), from)) = waiting.pop_first() {
            if let Err(error) = self.report_reuse(app_id, id, from).await {
                waiting.insert((app_id, id), from);
                self.reuses.lock().append(&mut waiting);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn report_reuse(&self, app_id: AppId, id: TokenId, from: Option<IpAddr>) -> Result<(), Error> {
        let Some(app) = self.store.app_by_id(app_id).await? else { return Ok(()) };
        let by = Cause::new(Actor::ReuseDetection, from);
        let at = self.now();
        tracing::warn!(app = %app.key, token_id = id.get(), "an old secret of a token was presented after its grace");
        self.store.write(ReportReuse { app_id, id, at, by: by.clone() }).await?;
        if read_settings(&app)?.common.on_reuse == OnReuse::RevokeLineage {
            self.store.write(RevokeToken { app_id, id, at, by }).await?;
        }
        Ok(())
    }

    /// The same from a task that has nobody to answer.
    pub(crate) async fn try_report_reuses(&self) {
        if let Err(error) = self.report_reuses().await {
            tracing::warn!("old secrets of tokens that were presented are not reported yet: {error}");
        }
    }
}
