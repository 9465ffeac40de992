//! Replacing everything with the contents of a backup.

use super::{Facts, Perform, Work};
use crate::backup::Backup;
use crate::copy::{add, copy, count_all, pass_numbers};
use crate::decode;
use crate::error::StoreError;
use crate::model::{Restore, Restored};
use crate::progress::Progress;
use crate::record::Record;
use crate::schema::{Column, KeyChecks, Tokens, WasScopes};
use crate::scopes;
use crate::session::Session;
use crate::shape::SHAPES;
use crate::statements::log::NewChange;
use crate::statements::{copy as tables, genesis, idempotency, restore, self_made, totals};
use crate::write::Touched;
use jeton_core::{ChangeKind, TokenId};

/// Tokens whose scopes are held in memory at a time.
const SCOPES_PER_PAGE: usize = 100;

impl Facts for Restore {
    fn touches(&self) -> Touched<'_> {
        Touched { everything: true, ..Touched::default() }
    }

    /// No other write may follow in the same transaction, to be replaced with the rest.
    fn weight(&self) -> usize {
        usize::MAX
    }

    fn wipes(&self) -> bool {
        true
    }
}

impl Perform for Restore {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<Restored, StoreError> {
        let mut backup = Backup::open(&self.path).await.map_err(StoreError::unavailable)?;
        // Earlier writes of this transaction are replaced with everything else.
        work.log.clear();
        work.newest = None;
        let mut restored = Restored::default();
        if self.keeps_removed {
            work.script(restore::REMEMBER).await?;
        }
        let given_out = work.tokens_given_out().await?;
        self.progress.begin("removing rows", 0);
        work.replace(&mut backup, &mut restored, &self.progress).await?;
        work.session.run(genesis::insert_key_checks(&self.key_checks)).await?;
        work.session.run(tables::set_epoch(self.epoch)).await?;
        if self.keeps_removed {
            work.keep_refused(given_out, &mut restored).await?;
        }
        // Neither operators nor what they made need be the same under the same numbers.
        work.script(idempotency::FORGET_ALL).await?;
        work.script(self_made::RECOUNT).await?;
        if !S::COUNTS_INSERTED {
            work.script(totals::RECOUNT).await?;
        }
        let (at, by, kind) = (self.at, &self.by, ChangeKind::Restored);
        work.log.push(NewChange {
            at,
            kind,
            app_id: None,
            subject_id: None,
            digest: None,
            by,
            removal: None,
        });
        Ok(restored)
    }
}

impl<S: Session> Work<'_, '_, S> {
    pub(super) async fn tokens_given_out(&mut self) -> Result<i64, StoreError> {
        let tokens = SHAPES.iter().find(|shape| shape.table.name() == Tokens::Table.name());
        match tokens.and_then(|shape| shape.number.map(|number| (shape.table, number))) {
            Some((table, number)) => self.session.given_out(table, number).await,
            None => Ok(0),
        }
    }

    /// Empties all tables and fills them from the backup. Numbers continue above the greatest that either
    /// side has assigned, and revisions above the former ones: a reader of a former row cannot replace one of
    /// the backup.
    async fn replace(
        &mut self,
        backup: &mut Backup,
        restored: &mut Restored,
        progress: &Progress,
    ) -> Result<(), StoreError> {
        let mut revisions = Vec::with_capacity(SHAPES.len());
        for shape in SHAPES {
            let revision = shape.fields.iter().find(|field| field.name.name() == "revision");
            let greatest = match revision {
                None => None,
                Some(field) => self.session.row(tables::greatest(shape.table, field.name)).await?,
            };
            let greatest = greatest.as_ref().map(decode::count).transpose()?.unwrap_or(0);
            revisions.push(i64::try_from(greatest).unwrap_or(i64::MAX));
        }
        for shape in SHAPES.iter().rev() {
            self.session.run(tables::remove_all_rows(shape)).await?;
        }
        let total = count_all(&mut backup.connection, SHAPES).await?;
        progress.begin("restoring rows", total);
        for (shape, revision) in SHAPES.iter().zip(revisions) {
            // Check values come from the ring, which may have newer keys than the backup.
            if shape.table.name() == KeyChecks::Table.name() {
                continue;
            }
            let adapt = |cells: &mut Vec<_>| add(shape, "revision", cells, revision);
            let rows = copy(&mut backup.connection, self.session, shape, adapt, progress).await?;
            pass_numbers(&mut backup.connection, self.session, shape).await?;
            match shape.table.name() {
                "apps" => restored.apps = rows,
                "tokens" => restored.tokens = rows,
                "changes" => restored.changes = rows,
                _ => {}
            }
        }
        Ok(())
    }

    /// Readmits nothing that the database had refused, and widens nothing that it had narrowed.
    async fn keep_refused(&mut self, given_out: i64, restored: &mut Restored) -> Result<(), StoreError> {
        self.script(restore::MATCH_APPS).await?;
        self.script(restore::KEEP_ROTATED).await?;
        self.script(restore::MATCH_TOKENS).await?;
        self.script(restore::KEEP_RENEWED).await?;
        restored.left_out = self.script(&restore::leave_out_removed(given_out)).await?;
        restored.tokens -= restored.left_out;
        restored.unknown_tokens = self.counted(restore::UNKNOWN_TOKENS).await?;
        restored.unknown_apps = self.counted(restore::UNKNOWN_APPS).await?;
        self.keep_tokens(restored).await?;
        self.keep_apps(restored).await?;
        restored.kept_revoked_operators = self.script(restore::KEEP_REVOKED_OPERATORS).await?;
        self.script(restore::FORGET).await.map(drop)
    }

    /// Revoked tokens come first: nothing else about them matters, or is counted.
    async fn keep_tokens(&mut self, restored: &mut Restored) -> Result<(), StoreError> {
        restored.kept_revoked = self.script(&restore::keep_revoked()).await?;
        restored.kept_disabled = self.script(&restore::keep_disabled()).await?;
        self.script(&restore::keep_disablers()).await?;
        restored.kept_ended = self.script(&restore::keep_ended()).await?;
        restored.kept_kinds = self.script(&restore::keep_kinds()).await?;
        restored.kept_users = self.script(&restore::keep_users()).await?;
        restored.kept_off_loopback = self.script(&restore::keep_off_loopback()).await?;
        restored.kept_beginnings = self.script(&restore::keep_beginnings()).await?;
        restored.kept_addresses = self.script(&restore::keep_addresses()).await?;
        restored.kept_limits = self.script(&restore::keep_limits()).await?;
        self.script(restore::KEEP_BUDGETS).await?;
        restored.kept_narrowed = self.keep_narrowed().await?;
        self.script(restore::KEEP_TOMBSTONES).await?;
        self.script(restore::KEEP_DIGESTS).await?;
        self.script(&restore::keep_begun()).await?;
        self.script(&restore::keep_over()).await?;
        self.script(restore::KEEP_DEAD_DIGESTS).await.map(drop)
    }

    async fn keep_apps(&mut self, restored: &mut Restored) -> Result<(), StoreError> {
        restored.kept_deleted_apps = self.script(restore::KEEP_DELETED).await?;
        restored.kept_client_secrets = self.script(&restore::keep_client_secrets()).await?;
        self.script(restore::FORGET_CLIENT_DIGESTS).await?;
        self.script(restore::KEEP_CLIENT_DIGESTS).await?;
        restored.kept_settings = self.script(&restore::keep_settings()).await?;
        self.script(restore::FORGET_SEALED).await?;
        self.script(&restore::keep_data_keys()).await.map(drop)
    }

    /// Gives tokens the rights that both the backup and the former state allow, and returns how many have
    /// fewer than in the backup.
    async fn keep_narrowed(&mut self) -> Result<u64, StoreError> {
        let (mut from, mut narrowed) = (0, 0);
        loop {
            let rows = self.session.query(restore::other_scopes(from, SCOPES_PER_PAGE)).await?;
            for row in &rows {
                let id = row.read_as(Tokens::Id, TokenId::new)?;
                let scopes = row.read_as(Tokens::Scopes, |text: String| scopes::from_text(&text))?;
                let was = row.read_as(WasScopes, |text: String| scopes::from_text(&text))?;
                let common = was.intersection(&scopes);
                if common != scopes {
                    self.session.run(restore::narrow(id, scopes::to_text(&common))).await?;
                    narrowed += 1;
                }
                from = id.get() + 1;
            }
            if rows.len() < SCOPES_PER_PAGE {
                return Ok(narrowed);
            }
        }
    }

    async fn counted(&mut self, sql: &str) -> Result<u64, StoreError> {
        Ok(u64::try_from(self.session.number(sql.to_owned()).await?).unwrap_or(0))
    }

    async fn script(&mut self, sql: &str) -> Result<u64, StoreError> {
        self.session.script(sql.to_owned()).await
    }
}
