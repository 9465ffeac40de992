//! Writes about the keys that rows were made with.

use super::{Facts, Perform, Work};
use crate::decode;
use crate::error::StoreError;
use crate::keys::KeyRetired;
use crate::record::Record;
use crate::schema::KeyChecks;
use crate::session::Session;
use crate::statements::log::NewChange;
use crate::statements::{genesis, keys};
use crate::write::{ActivateKey, AddKey, ForgetKey, ReplaceDataKey, ReplaceDigests, RetireKey, Touched};
use jeton_core::{Cause, ChangeKind, Timestamp};

impl Facts for ReplaceDigests {
    fn touches(&self) -> Touched<'_> {
        // An app is remembered with the digests of its client secrets.
        let apps = self.digests.iter().any(|new| new.place.app_id().is_some() && !new.place.is_of_token());
        Touched { apps, digests: &self.digests, ..Touched::default() }
    }

    fn weight(&self) -> usize {
        self.digests.len()
    }

    fn is_logged(&self) -> bool {
        false
    }
}

impl Perform for ReplaceDigests {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<u64, StoreError> {
        let mut replaced = 0;
        for new in &self.digests {
            replaced += work.session.run(keys::replace_digest(new, self.key_id)).await?;
        }
        Ok(replaced)
    }
}

impl Facts for ReplaceDataKey {
    fn touches(&self) -> Touched<'_> {
        Touched { apps: true, ..Touched::default() }
    }

    fn is_logged(&self) -> bool {
        false
    }

    fn wipes(&self) -> bool {
        true
    }
}

impl Perform for ReplaceDataKey {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<bool, StoreError> {
        let replace = keys::replace_data_key(self.app_id, &self.was, &self.data_key);
        Ok(work.session.run(replace).await? > 0)
    }
}

impl Facts for AddKey {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }
}

impl Perform for AddKey {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<bool, StoreError> {
        let inserted = work.session.run(genesis::insert_key_checks(std::slice::from_ref(&self.key))).await?;
        if inserted > 0 {
            work.log_key(ChangeKind::KeyAdded, self.key.key_id, self.at, &self.by);
        }
        Ok(inserted > 0)
    }
}

impl Facts for ActivateKey {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }
}

impl Perform for ActivateKey {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<(), StoreError> {
        work.log_key(ChangeKind::KeyActivated, self.key_id, self.at, &self.by);
        Ok(())
    }
}

impl Facts for RetireKey {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    /// Whoever has a key that was found out can do less with it afterwards.
    fn takes_away(&self) -> bool {
        true
    }
}

impl Perform for RetireKey {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<KeyRetired, StoreError> {
        let RetireKey { key_id, check, at, by } = self;
        let Some(row) = work.session.row(keys::retired_at(*key_id)).await? else {
            return Ok(KeyRetired::Unknown);
        };
        if row.read_as_option(KeyChecks::RetiredAt, Timestamp::from_millis)?.is_some() {
            return Ok(KeyRetired::Before);
        }
        let mut needing = counted(work.session.number(keys::needing(*key_id)).await?);
        for row in &work.session.query(keys::DATA_KEYS.to_owned()).await? {
            let uses = decode::data_key_uses(row)?;
            needing += if uses.key_id == *key_id { uses.rows } else { 0 };
        }
        if needing > 0 {
            return Ok(KeyRetired::Needed(needing));
        }
        work.session.run(keys::retire_key(*key_id, check, *at)).await?;
        work.log_key(ChangeKind::KeyRetired, *key_id, *at, by);
        Ok(KeyRetired::Done)
    }
}

impl Facts for ForgetKey {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn is_logged(&self) -> bool {
        false
    }

    fn takes_away(&self) -> bool {
        true
    }
}

impl Perform for ForgetKey {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<u64, StoreError> {
        let needing = counted(work.session.number(keys::begun_by(self.key_id)).await?);
        let row = work.session.row(keys::retired_at(self.key_id)).await?;
        let retired_at = match &row {
            Some(row) => row.read_as_option(KeyChecks::RetiredAt, Timestamp::from_millis)?,
            None => None,
        };
        if let Some(retired_at) = retired_at.filter(|_| needing == 0) {
            work.session.run(keys::retire_key(self.key_id, &[], retired_at)).await?;
        }
        Ok(needing)
    }
}

fn counted(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

impl<'w, S: Session> Work<'_, 'w, S> {
    fn log_key(&mut self, kind: ChangeKind, key_id: u32, at: Timestamp, by: &'w Cause) {
        let (app_id, subject_id) = (None, Some(i64::from(key_id)));
        self.log.push(NewChange { at, kind, app_id, subject_id, digest: None, by, removal: None });
    }
}
