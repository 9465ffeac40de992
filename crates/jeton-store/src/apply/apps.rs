//! Writes of apps, and the initialisation.

use super::tokens::Arrival;
use super::{Facts, Perform, Work};
use crate::decode;
use crate::error::StoreError;
use crate::keys::ClientKey;
use crate::model::{App, AppChanged, AppCreated, Genesis, Initialised, NewApp, NewToken, SelfMadeLimit};
use crate::schema::{Column, Genesis as GenesisRow};
use crate::session::Session;
use crate::statements::keys::client_keys;
use crate::statements::log::NewChange;
use crate::statements::tokens::new_row;
use crate::statements::{apps, genesis};
use crate::write::{ChangeApp, CreateApp, DeleteApp, Touched, WriteLine};
use jeton_core::{AppId, Cause, ChangeKind, Timestamp};
use std::collections::HashMap;
use std::slice;

impl Facts for Genesis {
    fn touches(&self) -> Touched<'_> {
        Touched { apps: true, arrivals: slice::from_ref(&self.admin), ..Touched::default() }
    }
}

impl Perform for Genesis {
    async fn perform<'w, S: Session>(
        &'w self,
        work: &mut Work<'_, 'w, S>,
    ) -> Result<Initialised, StoreError> {
        let row = work.session.row(genesis::insert_genesis(self.app.created_at, self.epoch)).await?;
        if row.is_none() {
            return Ok(Initialised::Before);
        }
        if !self.key_checks.is_empty() {
            work.session.run(genesis::insert_key_checks(&self.key_checks)).await?;
        }
        let app = work.insert_app(&self.app, &self.admin, true, &self.by).await?;
        // A database with apps that was never initialised: rows were removed from it.
        let app = app.ok_or(StoreError::Corrupt { place: GenesisRow::Table.place() })?;
        work.create_operator(&self.operator, &self.by).await?;
        Ok(Initialised::Done(app))
    }
}

impl Facts for CreateApp {
    fn touches(&self) -> Touched<'_> {
        Touched { apps: true, arrivals: slice::from_ref(&self.admin), ..Touched::default() }
    }
}

impl Perform for CreateApp {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<AppCreated, StoreError> {
        let app = work.insert_app(&self.app, &self.admin, false, &self.by).await?;
        Ok(app.map_or(AppCreated::KeyTaken, AppCreated::Created))
    }
}

impl Facts for ChangeApp {
    fn touches(&self) -> Touched<'_> {
        Touched { apps: true, ..Touched::default() }
    }

    fn line(&self) -> WriteLine {
        WriteLine::Changes(self.id)
    }

    /// Whatever is changed: its settings may take rights away, and only operators change them.
    fn takes_away(&self) -> bool {
        true
    }

    fn wipes(&self) -> bool {
        self.change.data_key.is_some() || self.change.client_secret.is_some()
    }
}

impl Perform for ChangeApp {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<AppChanged, StoreError> {
        let ChangeApp { id, expected, change, at, by } = self;
        // Those beside it keep the keys that made them.
        let mut keys = HashMap::new();
        if change.client_secret.as_ref().is_some_and(|secret| !secret.others.is_empty()) {
            for row in &work.session.rows(client_keys(*id)).await? {
                let (digest, key) = decode::client_key(row)?;
                keys.insert(digest, key);
            }
        }
        let row = work.session.row(apps::update_app(*id, *expected, change, *at)).await?;
        let Some(row) = row else {
            return Ok(AppChanged::Stale);
        };
        let mut app = decode::app(&row)?;
        if let Some(secret) = &change.client_secret {
            work.session.run(apps::forget_client_digests(*id)).await?;
            for other in &secret.others {
                let own = ClientKey { key_id: secret.key_id, first_key_id: None };
                let key = keys.get(&other.digest).copied().unwrap_or(own);
                work.session.run(apps::insert_client_digest(*id, other, key)).await?;
            }
            app.client_secrets.extend(&secret.others);
        } else {
            let others = work.session.rows(apps::client_digests(*id)).await?;
            for other in &others {
                app.client_secrets.push(decode::client_secret(other)?);
            }
        }
        let kind = match change.suspends {
            Some(true) => ChangeKind::AppSuspended,
            Some(false) => ChangeKind::AppResumed,
            None => ChangeKind::AppUpdated,
        };
        work.log_app(kind, *id, *at, by);
        Ok(AppChanged::Changed(app))
    }
}

impl Facts for DeleteApp {
    fn touches(&self) -> Touched<'_> {
        Touched { apps: true, ..Touched::default() }
    }

    fn line(&self) -> WriteLine {
        WriteLine::Changes(self.id)
    }

    fn takes_away(&self) -> bool {
        true
    }

    fn wipes(&self) -> bool {
        true
    }
}

impl Perform for DeleteApp {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<bool, StoreError> {
        let DeleteApp { id, at, by } = self;
        let is_done = work.session.run(apps::delete_app(*id, *at)).await? > 0;
        if is_done {
            work.session.run(apps::forget_client_digests(*id)).await?;
            work.log_app(ChangeKind::AppDeleted, *id, *at, by);
        }
        Ok(is_done)
    }
}

impl<'w, S: Session> Work<'_, 'w, S> {
    /// Creates an app and its first token; `None` if its key is taken.
    async fn insert_app(
        &mut self,
        app: &'w NewApp,
        admin: &'w NewToken,
        is_default: bool,
        by: &'w Cause,
    ) -> Result<Option<App>, StoreError> {
        let Some(row) = self.session.row(apps::insert_app(app, is_default)).await? else {
            return Ok(None);
        };
        let app = decode::app(&row)?;
        let at = app.created_at;
        self.log_app(ChangeKind::AppCreated, app.id, at, by);
        let self_made = SelfMadeLimit::NONE;
        let (app_id, row) = (app.id, new_row(app.id, admin));
        self.insert_tokens(vec![Arrival { app_id, token: admin, row, self_made, per_user: None, at, by }])
            .await?;
        Ok(Some(app))
    }

    fn log_app(&mut self, kind: ChangeKind, id: AppId, at: Timestamp, by: &'w Cause) {
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
