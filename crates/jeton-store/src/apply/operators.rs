//! Writes of operators.

use super::{Facts, Perform, Work};
use crate::decode;
use crate::error::StoreError;
use crate::model::NewOperator;
use crate::schema::{Column, Operators};
use crate::session::Session;
use crate::statements::log::NewChange;
use crate::statements::operators;
use crate::write::{CreateOperator, RevokeOperator, Touched};
use jeton_core::{Cause, ChangeKind, OperatorId, Timestamp};

impl Facts for CreateOperator {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }
}

impl Perform for CreateOperator {
    async fn perform<'w, S: Session>(
        &'w self,
        work: &mut Work<'_, 'w, S>,
    ) -> Result<Option<OperatorId>, StoreError> {
        if !S::WRITES_ALONE {
            work.session.script(operators::LOCK.to_owned()).await?;
        }
        if work.session.row(operators::operator_by_name(&self.operator.name)).await?.is_some() {
            return Ok(None);
        }
        work.create_operator(&self.operator, &self.by).await.map(Some)
    }
}

impl Facts for RevokeOperator {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn takes_away(&self) -> bool {
        true
    }
}

impl Perform for RevokeOperator {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<bool, StoreError> {
        let RevokeOperator { id, at, by } = self;
        let is_done = work.session.run(operators::revoke_operator(*id, *at)).await? > 0;
        if is_done {
            work.log_operator(ChangeKind::OperatorRevoked, *id, *at, by);
        }
        Ok(is_done)
    }
}

impl<'w, S: Session> Work<'_, 'w, S> {
    pub(super) async fn create_operator(
        &mut self,
        operator: &NewOperator,
        by: &'w Cause,
    ) -> Result<OperatorId, StoreError> {
        let row = self.session.row(operators::insert_operator(operator)).await?;
        let row = row.ok_or(StoreError::Corrupt { place: Operators::Table.place() })?;
        let id = decode::number(&row, Operators::Id, OperatorId::new)?;
        self.log_operator(ChangeKind::OperatorCreated, id, operator.created_at, by);
        Ok(id)
    }

    fn log_operator(&mut self, kind: ChangeKind, id: OperatorId, at: Timestamp, by: &'w Cause) {
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
