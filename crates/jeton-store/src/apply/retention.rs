//! Removing what has been kept long enough.

use super::Work;
use crate::change::ChangeKind;
use crate::decode;
use crate::error::StoreError;
use crate::model::Purge;
use crate::record::Record;
use crate::schema::{Changes, Tokens};
use crate::session::Session;
use crate::statements::log::{LogOrder, NewChange};
use crate::statements::retention;
use jeton_core::{Actor, AppId, Timestamp};
use std::collections::BTreeSet;

impl<'w, S: Session> Work<'_, 'w, S> {
    pub(super) async fn purge_tokens(
        &mut self,
        which: Purge,
        before: Timestamp,
        limit: u32,
        at: Timestamp,
        by: &'w Actor,
    ) -> Result<u64, StoreError> {
        let rows = self.session.rows(retention::purge_tokens(which, before, limit)).await?;
        let apps = rows.iter().map(|row| decode::number(row, Tokens::AppId, AppId::new));
        for app_id in apps.collect::<Result<BTreeSet<_>, _>>()? {
            self.log_purge(app_id, at, by);
        }
        Ok(rows.len() as u64)
    }

    pub(super) fn log_purge(&mut self, app_id: AppId, at: Timestamp, by: &'w Actor) {
        let (kind, app_id) = (ChangeKind::TokensPurged, Some(app_id));
        self.log.push(NewChange { at, kind, app_id, subject_id: None, digest: None, by, removal: None });
    }

    pub(super) async fn erase_removed_secrets(
        &mut self,
        before: Timestamp,
        limit: u32,
    ) -> Result<u64, StoreError> {
        self.session.run(retention::erase_removed_secrets(before, limit)).await
    }

    /// Removes entries from the beginning of the log up to the first that is not old enough, whatever clock wrote what
    /// comes after that: a log without holes. The last entry always stays, so that a reader that has read everything
    /// finds its place again.
    pub(super) async fn trim_changes(
        &mut self,
        before: Timestamp,
        limit: u32,
        order: LogOrder,
    ) -> Result<u64, StoreError> {
        let rows = self.session.rows(retention::oldest_changes(u64::from(limit) + 1, order)).await?;
        let mut old = Vec::with_capacity(rows.len());
        for row in &rows[..rows.len().saturating_sub(1)] {
            if row.read_as(Changes::At, Timestamp::from_millis)? >= before {
                break;
            }
            old.push(row.read(Changes::Sequence)?);
        }
        if old.is_empty() {
            return Ok(0);
        }
        self.session.run(retention::remove_changes(&old)).await
    }
}
