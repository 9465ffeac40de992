//! Removing data whose retention time is over.

use super::{Facts, Perform, Work};
use crate::decode;
use crate::error::StoreError;
use crate::record::Record;
use crate::schema::{Changes, Tokens};
use crate::session::Session;
use crate::statements::log::{self, NewChange};
use crate::statements::tokens::Half;
use crate::statements::{retention, tokens};
use crate::write::{EraseRemovedSecrets, PurgeTokens, SweepDeletedApps, SweepSealed, Touched, TrimChanges};
use jeton_core::{AppId, Cause, ChangeKind, Timestamp};
use std::collections::BTreeSet;

impl Facts for PurgeTokens {
    fn touches(&self) -> Touched<'_> {
        Touched { dead: true, ..Touched::default() }
    }

    fn weight(&self) -> usize {
        self.limit as usize
    }
}

impl Perform for PurgeTokens {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<u64, StoreError> {
        let purge = retention::purge_tokens(self.which, self.before, self.limit);
        let rows = work.session.rows(purge).await?;
        let apps = rows.iter().map(|row| decode::number(row, Tokens::AppId, AppId::new));
        for app_id in apps.collect::<Result<BTreeSet<_>, _>>()? {
            work.log_purge(app_id, self.at, &self.by);
        }
        Ok(rows.len() as u64)
    }
}

impl<'w, S: Session> Work<'_, 'w, S> {
    pub(super) fn log_purge(&mut self, app_id: AppId, at: Timestamp, by: &'w Cause) {
        let (kind, app_id) = (ChangeKind::TokensPurged, Some(app_id));
        self.log.push(NewChange { at, kind, app_id, subject_id: None, digest: None, by, removal: None });
    }
}

impl Facts for EraseRemovedSecrets {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn weight(&self) -> usize {
        self.limit as usize
    }

    fn is_logged(&self) -> bool {
        false
    }

    fn wipes(&self) -> bool {
        true
    }
}

impl Perform for EraseRemovedSecrets {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<u64, StoreError> {
        work.session.run(retention::erase_removed_secrets(self.before, self.limit)).await
    }
}

impl Facts for TrimChanges {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn weight(&self) -> usize {
        self.limit as usize
    }

    fn is_logged(&self) -> bool {
        false
    }
}

impl Perform for TrimChanges {
    /// Removes entries from the start of the log up to the first that is not old enough, whatever clock wrote
    /// the later ones: the log has no holes. The last entry always stays, so that a reader that has read
    /// everything finds its position, and so does the one with the greatest number, which with concurrent
    /// writers may be another: without it the log would look older than it was.
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<u64, StoreError> {
        let oldest = retention::oldest_changes(u64::from(self.limit) + 1, S::LOG_ORDER);
        let rows = work.session.rows(oldest).await?;
        let greatest = work.session.row(log::newest_change()).await?;
        let greatest: Option<i64> = greatest.as_ref().map(|row| row.read(Changes::Sequence)).transpose()?;
        let mut old = Vec::with_capacity(rows.len());
        for row in &rows[..rows.len().saturating_sub(1)] {
            let sequence = row.read(Changes::Sequence)?;
            if row.read_as(Changes::At, Timestamp::from_millis)? >= self.before || Some(sequence) == greatest
            {
                break;
            }
            old.push(sequence);
        }
        if old.is_empty() {
            return Ok(0);
        }
        work.session.run(retention::remove_changes(&old)).await
    }
}

impl Facts for SweepDeletedApps {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn weight(&self) -> usize {
        self.limit as usize
    }

    fn is_logged(&self) -> bool {
        false
    }

    fn wipes(&self) -> bool {
        true
    }
}

impl Perform for SweepDeletedApps {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<u64, StoreError> {
        let limit = u64::from(self.limit);
        let live = work.session.run(tokens::sweep_deleted_apps(Half::Live, limit)).await?;
        let rest = limit.saturating_sub(live);
        if rest == 0 {
            return Ok(live);
        }
        Ok(live + work.session.run(tokens::sweep_deleted_apps(Half::Revoked, rest)).await?)
    }
}

impl Facts for SweepSealed {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn weight(&self) -> usize {
        self.limit as usize
    }

    fn is_logged(&self) -> bool {
        false
    }

    fn wipes(&self) -> bool {
        true
    }
}

impl Perform for SweepSealed {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<u64, StoreError> {
        work.session.run(tokens::sweep_sealed(self.id, self.limit.into())).await
    }
}
