//! Writes about apps, and the first one of all.

use super::Work;
use super::tokens::Issue;
use crate::change::ChangeKind;
use crate::decode;
use crate::error::StoreError;
use crate::model::{
    App, AppChange, AppChanged, AppCreated, Genesis, Initialised, NewApp, NewToken, SelfMadeLimit,
};
use crate::schema::{Column, Genesis as GenesisRow};
use crate::session::Session;
use crate::statements::log::NewChange;
use crate::statements::{apps, genesis};
use crate::write::NewAppWithAdmin;
use jeton_core::{Actor, AppId, Timestamp};

impl<'w, S: Session> Work<'_, 'w, S> {
    pub(super) async fn initialise(&mut self, start: &'w Genesis) -> Result<Initialised, StoreError> {
        let row = self.session.row(genesis::insert_genesis(start.app.created_at, start.epoch)).await?;
        if row.is_none() {
            return Ok(Initialised::Before);
        }
        if !start.key_checks.is_empty() {
            self.session.run(genesis::insert_key_checks(&start.key_checks)).await?;
        }
        let app = self.insert_app(&start.app, &start.admin, true, &start.by).await?;
        // Apps in a database that was never initialised: somebody took rows out of it.
        let app = app.ok_or(StoreError::Corrupt { place: GenesisRow::Table.place() })?;
        self.create_operator(&start.operator, &start.by).await?;
        Ok(Initialised::Done(app))
    }

    pub(super) async fn create_app(&mut self, new: &'w NewAppWithAdmin) -> Result<AppCreated, StoreError> {
        let app = self.insert_app(&new.app, &new.admin, false, &new.by).await?;
        Ok(app.map_or(AppCreated::KeyTaken, AppCreated::Created))
    }

    /// Makes an app and its first token; `None` if its key is taken.
    async fn insert_app(
        &mut self,
        app: &'w NewApp,
        admin: &'w NewToken,
        is_default: bool,
        by: &'w Actor,
    ) -> Result<Option<App>, StoreError> {
        let Some(row) = self.session.row(apps::insert_app(app, is_default)).await? else {
            return Ok(None);
        };
        let app = decode::app(&row)?;
        let at = app.created_at;
        self.log_app(ChangeKind::AppCreated, app.id, at, by);
        let self_made = SelfMadeLimit::NONE;
        self.insert_tokens(&[Issue { app_id: app.id, token: admin, self_made, at, by }]).await?;
        Ok(Some(app))
    }

    pub(super) async fn change_app(
        &mut self,
        id: AppId,
        expected: i64,
        change: &AppChange,
        at: Timestamp,
        by: &'w Actor,
    ) -> Result<AppChanged, StoreError> {
        let row = self.session.row(apps::update_app(id, expected, change, at)).await?;
        let Some(row) = row else {
            return Ok(AppChanged::Stale);
        };
        self.log_app(ChangeKind::AppUpdated, id, at, by);
        Ok(AppChanged::Changed(decode::app(&row)?))
    }

    pub(super) async fn delete_app(
        &mut self,
        id: AppId,
        at: Timestamp,
        by: &'w Actor,
    ) -> Result<bool, StoreError> {
        let is_done = self.session.run(apps::delete_app(id, at)).await? > 0;
        if is_done {
            self.log_app(ChangeKind::AppDeleted, id, at, by);
        }
        Ok(is_done)
    }

    fn log_app(&mut self, kind: ChangeKind, id: AppId, at: Timestamp, by: &'w Actor) {
        self.log.push(NewChange {
            at,
            kind,
            app_id: Some(id),
            subject_id: None,
            digest: None,
            by,
            removal: None,
        });
    }
}
