//! Retention: how long data is kept, and the task that removes it afterwards.

use crate::{Error, Service};
use jeton_core::{AppId, Cause, Timestamp, TokenId};
use jeton_store::Purge;
use jeton_store::write::{
    EraseRemovedSecrets, PurgeTokens, RevokeTokens, SweepDeletedApps, SweepSealed, TrimChanges,
};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Rows in one batch. Writes of requests wait for at most one batch: a few milliseconds.
const BATCH_ROWS: u32 = 500;
/// From the end of a batch to the start of the next: requests have the store to themselves most of the time.
/// A million tokens are removed in about four minutes.
const BATCH_PAUSE: Duration = Duration::from_millis(100);
/// From the end of a pass to the start of the next.
const PASS_PAUSE: Duration = Duration::from_secs(3_600);
const DAY_MILLIS: i64 = 86_400_000;
/// Days for which change streams can report the id of a row that is gone.
const REMOVED_SECRET_DAYS: u32 = 1;

/// Retention times. `None`: forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days that a token is kept after it expired and was last changed.
    pub expired_days: Option<u32>,
    /// Days that a revoked token's tombstone is kept. Those of secrets that were not minted here are kept
    /// forever: only they show, when such a secret is imported again, that it was revoked.
    pub revoked_days: Option<u32>,
    /// Days that an entry of the change log is kept.
    pub change_days: Option<u32>,
}

impl Default for Retention {
    fn default() -> Self {
        Retention { expired_days: Some(90), revoked_days: Some(90), change_days: Some(365) }
    }
}

/// Counts of retention since the service was opened.
#[derive(Debug, Default)]
pub struct RetentionCounters {
    /// Expired tokens removed.
    pub expired: AtomicU64,
    /// Tombstones of revoked tokens removed.
    pub revoked: AtomicU64,
    /// Entries of the change log removed.
    pub changes: AtomicU64,
    /// Rows of deleted apps, and sealed values of apps that keep none, that an earlier sweep left behind;
    /// sealed values of tokens that are gone.
    pub swept: AtomicU64,
    /// Completed passes.
    pub passes: AtomicU64,
    /// Failed passes.
    pub failures: AtomicU64,
}

/// One kind of data to remove.
#[derive(Clone, Copy, Debug)]
enum Job {
    Purge(Purge, Timestamp),
    Trim(Timestamp),
    EraseRemovedSecrets(Timestamp),
    DeletedApps,
    Sealed(AppId),
}

impl Service {
    /// The counts of retention.
    pub fn retention_counters(&self) -> &RetentionCounters {
        &self.retention
    }

    /// Applies `retention`, pass after pass, until `stop` completes, while this process
    /// [leads](Self::keep_leading). A failed pass is repeated an hour later; what it had removed stays removed.
    pub async fn keep(&self, retention: Retention, stop: impl Future<Output = ()>) {
        tokio::select! {
            () = stop => {}
            () = self.while_leading(|| self.pass_after_pass(retention)) => {}
        }
    }

    async fn pass_after_pass(&self, retention: Retention) {
        loop {
            if let Err(error) = self.keep_once(retention).await {
                self.retention.failures.fetch_add(1, Ordering::Relaxed);
                tracing::error!(%error, "what is no longer to be kept could not be removed");
            }
            tokio::time::sleep(PASS_PAUSE).await;
        }
    }

    /// One pass: removes everything whose time is over, batch by batch.
    ///
    /// # Errors
    ///
    /// The pass could not be completed.
    pub async fn keep_once(&self, retention: Retention) -> Result<(), Error> {
        // First: without their parent, they would not be found for what they are.
        self.revoke_orphans().await?;
        for job in self.jobs(retention).await? {
            while self.batch(job).await? >= u64::from(BATCH_ROWS) {
                tokio::time::sleep(BATCH_PAUSE).await;
            }
        }
        self.retention.passes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Revokes what revoked tokens, or such as are gone, have made. It is refused already; but lists, counts and searches go by what is
    /// known of each token alone.
    async fn revoke_orphans(&self) -> Result<(), Error> {
        let mut after = None;
        loop {
            let orphans = self.store.orphans(after, BATCH_ROWS).await?;
            let mut of_apps: BTreeMap<AppId, Vec<TokenId>> = BTreeMap::new();
            for (app_id, id) in orphans.found {
                of_apps.entry(app_id).or_default().push(id);
            }
            for (app_id, ids) in of_apps {
                let (at, by) = (self.now(), Cause::RETENTION);
                self.store.write(RevokeTokens { app_id, ids, at, by }).await?;
            }
            after = orphans.next;
            if after.is_none() {
                return Ok(());
            }
            tokio::time::sleep(BATCH_PAUSE).await;
        }
    }

    async fn jobs(&self, retention: Retention) -> Result<Vec<Job>, Error> {
        let before = |days: Option<u32>| {
            days.map(|days| self.now().saturating_add_millis(-i64::from(days) * DAY_MILLIS))
        };
        let mut jobs = vec![Job::DeletedApps];
        let apps = self.store.apps().await?;
        jobs.extend(apps.iter().filter(|app| app.data_key.is_none()).map(|app| Job::Sealed(app.id)));
        jobs.extend(before(retention.expired_days).map(|before| Job::Purge(Purge::Expired, before)));
        jobs.extend(before(retention.revoked_days).map(|before| Job::Purge(Purge::Revoked, before)));
        jobs.extend(before(Some(REMOVED_SECRET_DAYS)).map(Job::EraseRemovedSecrets));
        // Last, because it may remove entries that this pass has written, but only when they are old enough.
        jobs.extend(before(retention.change_days).map(Job::Trim));
        Ok(jobs)
    }

    /// Removes a batch and returns the number of rows.
    async fn batch(&self, job: Job) -> Result<u64, Error> {
        let (rows, counter) = match job {
            Job::Purge(which, before) => {
                let by = Cause::RETENTION;
                let rows = self
                    .store
                    .write(PurgeTokens { which, before, limit: BATCH_ROWS, at: self.now(), by })
                    .await?;
                let counter = match which {
                    Purge::Expired => &self.retention.expired,
                    Purge::Revoked => &self.retention.revoked,
                };
                (rows, counter)
            }
            Job::Trim(before) => {
                (self.store.write(TrimChanges { before, limit: BATCH_ROWS }).await?, &self.retention.changes)
            }
            Job::EraseRemovedSecrets(before) => (
                self.store.write(EraseRemovedSecrets { before, limit: BATCH_ROWS }).await?,
                &self.retention.swept,
            ),
            Job::DeletedApps => {
                (self.store.write(SweepDeletedApps { limit: BATCH_ROWS }).await?, &self.retention.swept)
            }
            Job::Sealed(id) => {
                (self.store.write(SweepSealed { id, limit: BATCH_ROWS }).await?, &self.retention.swept)
            }
        };
        counter.fetch_add(rows, Ordering::Relaxed);
        Ok(rows)
    }
}
