//! Reading the change log from its end, and what there is, for operators.

use crate::audit::{AppCounts, AppUses, AuditFilter, AuditPage, BoundedCounts, Spans, WorthALook};
use crate::change::Change;
use crate::decode;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::reading::{OPERATORS, Reading};
use crate::record::Record;
use crate::schema::Changes;
use crate::session::Session;
use crate::sql_store::SqlStore;
use crate::statements::{Statement, log, stats};
use jeton_core::{AppId, Timestamp};

/// How many numbers of entries one statement looks through: some ten milliseconds.
const WINDOW: i64 = 50_000;
/// How many such statements there are for one answer at most.
const MAX_WINDOWS: u32 = 20;

impl<E: Engine> SqlStore<E> {
    /// Looks through the change log from its end, window by window, until a page is full or enough was read.
    pub(crate) async fn audit_page(
        &self,
        filter: &AuditFilter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<AuditPage, StoreError> {
        let number = |row: &_| Record::read(row, Changes::Sequence);
        let oldest: Option<i64> = self.one(log::oldest_change(), number).await?;
        let newest: Option<i64> = self.one(log::newest_change(), number).await?;
        let (Some(oldest), Some(newest)) = (oldest, newest) else {
            return Ok(AuditPage { changes: Vec::new(), next: None });
        };
        let mut high = before.unwrap_or(i64::MAX).min(newest.saturating_add(1));
        let mut changes: Vec<Change> = Vec::new();
        let windows = if filter.is_brief { 1 } else { MAX_WINDOWS };
        for _ in 0..windows {
            let left = limit.saturating_sub(u32::try_from(changes.len()).unwrap_or(u32::MAX));
            let low = high.saturating_sub(WINDOW);
            let window = log::audit(filter, (low, high), left, E::Connection::LOG_ORDER);
            let found = self.listed(OPERATORS, window, decode::change).await?;
            let is_full = found.len() >= left as usize;
            changes.extend(found);
            if is_full {
                let next = changes.last().map(|change| change.sequence).filter(|last| *last > oldest);
                return Ok(AuditPage { changes, next });
            }
            if low <= oldest {
                return Ok(AuditPage { changes, next: None });
            }
            high = low;
        }
        Ok(AuditPage { changes, next: Some(high) })
    }

    pub(crate) async fn counts(
        &self,
        after: Option<AppId>,
        limit: u32,
        now: Timestamp,
    ) -> Result<Vec<AppCounts>, StoreError> {
        let counts = stats::counts_of_apps(after.map_or(0, AppId::get), limit, now);
        self.listed(OPERATORS, counts, decode::app_counts).await
    }

    pub(crate) async fn counts_of_app(
        &self,
        app_id: AppId,
        now: Timestamp,
    ) -> Result<BoundedCounts, StoreError> {
        let counts = stats::bounded_counts(app_id, now);
        self.answered(app_id, counts, decode::bounded_counts).await
    }

    pub(crate) async fn look_at_app(&self, app_id: AppId, spans: Spans) -> Result<WorthALook, StoreError> {
        self.answered(app_id, stats::worth_a_look(app_id, spans), decode::worth_a_look).await
    }

    /// The one row of an answer about an app, which takes no longer than a page of a list.
    async fn answered<T: Send>(
        &self,
        app_id: AppId,
        statement: Statement,
        read: impl Fn(&<E::Connection as Session>::Row) -> Result<T, StoreError> + Send + Sync,
    ) -> Result<T, StoreError> {
        let answer = self.listed(Reading::Page(app_id), statement, read).await?;
        answer.into_iter().next().ok_or_else(|| StoreError::unavailable("counts were not answered"))
    }

    pub(crate) async fn uses(&self, app_id: Option<AppId>) -> Result<Vec<AppUses>, StoreError> {
        self.listed(OPERATORS, stats::uses_of_apps(app_id), decode::app_uses).await
    }
}
