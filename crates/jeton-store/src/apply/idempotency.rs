//! Writes about what is done once. They leave no entry in the change log: what is done leaves its own.

use super::{Facts, Perform, Work};
use crate::decode;
use crate::error::StoreError;
use crate::model::KeyClaim;
use crate::record::Record;
use crate::schema::IdempotencyKeys;
use crate::session::Session;
use crate::statements::idempotency;
use crate::write::{ClaimKey, SettleKey, Touched};

impl Facts for ClaimKey {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn is_logged(&self) -> bool {
        false
    }
}

impl Perform for ClaimKey {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<KeyClaim, StoreError> {
        let ClaimKey { operator_id, key, request, at, forget_before, most } = self;
        work.session.run(idempotency::forget_keys(*forget_before)).await?;
        if let Some(row) = work.session.row(idempotency::key_of_request(*operator_id, key)).await? {
            return known(&row);
        }
        let count = work.session.row(idempotency::count_keys(*operator_id)).await?;
        if count.as_ref().map(decode::count).transpose()? >= Some(*most) {
            return Ok(KeyClaim::NoRoom);
        }
        if work.session.row(idempotency::claim_key(*operator_id, key, request, *at)).await?.is_some() {
            return Ok(KeyClaim::Claimed);
        }
        // Somebody else was quicker, in another transaction, which is over by now.
        match work.session.row(idempotency::key_of_request(*operator_id, key)).await? {
            Some(row) => known(&row),
            None => Ok(KeyClaim::NoRoom),
        }
    }
}

fn known(row: &impl Record) -> Result<KeyClaim, StoreError> {
    Ok(KeyClaim::Known {
        request: decode::digest(row, IdempotencyKeys::Request)?,
        subject_id: row.read(IdempotencyKeys::SubjectId)?,
    })
}

impl Facts for SettleKey {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn is_logged(&self) -> bool {
        false
    }
}

impl Perform for SettleKey {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<(), StoreError> {
        let SettleKey { operator_id, key, subject_id } = self;
        let statement = match subject_id {
            Some(subject_id) => idempotency::settle_key(*operator_id, key, *subject_id),
            None => idempotency::release_key(*operator_id, key),
        };
        work.session.run(statement).await.map(drop)
    }
}
