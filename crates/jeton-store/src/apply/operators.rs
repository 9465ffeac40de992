//! Writes about operators.

use super::Work;
use crate::change::ChangeKind;
use crate::decode;
use crate::error::StoreError;
use crate::model::NewOperator;
use crate::schema::{Column, Operators};
use crate::session::Session;
use crate::statements::log::NewChange;
use crate::statements::operators;
use jeton_core::{Actor, OperatorId, Timestamp};

impl<'w, S: Session> Work<'_, 'w, S> {
    pub(super) async fn create_operator(
        &mut self,
        operator: &NewOperator,
        by: &'w Actor,
    ) -> Result<OperatorId, StoreError> {
        let row = self.session.row(operators::insert_operator(operator)).await?;
        let row = row.ok_or(StoreError::Corrupt { place: Operators::Table.place() })?;
        let id = decode::number(&row, Operators::Id, OperatorId::new)?;
        self.log_operator(ChangeKind::OperatorCreated, id, operator.created_at, by);
        Ok(id)
    }

    pub(super) async fn revoke_operator(
        &mut self,
        id: OperatorId,
        at: Timestamp,
        by: &'w Actor,
    ) -> Result<bool, StoreError> {
        let is_done = self.session.run(operators::revoke_operator(id, at)).await? > 0;
        if is_done {
            self.log_operator(ChangeKind::OperatorRevoked, id, at, by);
        }
        Ok(is_done)
    }

    fn log_operator(&mut self, kind: ChangeKind, id: OperatorId, at: Timestamp, by: &'w Actor) {
        self.log.push(NewChange {
            at,
            kind,
            app_id: None,
            subject_id: Some(id.get()),
            digest: None,
            by,
            removal: None,
        });
    }
}
