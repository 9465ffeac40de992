//! Writes that give tokens other secrets, and note that an old one was presented.

use super::tokens::DataKeys;
use super::{Facts, Perform, Work};
use crate::decode;
use crate::error::StoreError;
use crate::schema::Tokens;
use crate::session::Session;
use crate::statements::log::NewChange;
use crate::statements::rotation;
use crate::write::{ReportReuse, RotateToken, Touched, WriteLine};
use jeton_core::ChangeKind;

impl Facts for RotateToken {
    fn touches(&self) -> Touched<'_> {
        Touched { token: Some(self.id), ..Touched::default() }
    }

    fn line(&self) -> WriteLine {
        WriteLine::Changes(self.app_id)
    }
}

impl Perform for RotateToken {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<bool, StoreError> {
        let RotateToken { app_id, id, old_until, at, by, .. } = self;
        let Some(before) = work.session.row(rotation::token_to_rotate(*app_id, *id, self.expected)).await?
        else {
            return Ok(false);
        };
        if let Some(key) = &self.sealed_under
            && !work.has_data_key(&mut DataKeys::default(), *app_id, key).await?
        {
            return Ok(false);
        }
        work.session.run(rotation::retire_digest(*id, *old_until)).await?;
        work.session.run(rotation::rotate_token(self)).await?;
        work.session.run(rotation::shorten_digests(*id, *old_until)).await?;
        work.session.run(rotation::forget_old_digests(*id)).await?;
        let which = (*app_id, *id, decode::digest(&before, Tokens::Digest)?);
        work.log_token(ChangeKind::TokenRotated, which, *at, by, None);
        Ok(true)
    }
}

impl Facts for ReportReuse {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn line(&self) -> WriteLine {
        WriteLine::Changes(self.app_id)
    }
}

impl Perform for ReportReuse {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<(), StoreError> {
        let ReportReuse { app_id, id, at, by } = self;
        work.log.push(NewChange {
            at: *at,
            kind: ChangeKind::TokenReused,
            app_id: Some(*app_id),
            subject_id: Some(id.get()),
            digest: None,
            by,
            removal: None,
        });
        Ok(())
    }
}
