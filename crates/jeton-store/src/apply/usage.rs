//! Writes of the use of tokens. They leave no entry in the change log, since they change no rights.

use super::{Facts, Perform, Work};
use crate::error::StoreError;
use crate::session::Session;
use crate::statements::usage::{self, MAX_USED};
use crate::write::{AddUsage, Touched};

impl Facts for AddUsage {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn weight(&self) -> usize {
        self.uses.len()
    }

    fn is_logged(&self) -> bool {
        false
    }
}

impl Perform for AddUsage {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<(), StoreError> {
        for uses in self.uses.chunks(MAX_USED) {
            work.session.run(usage::add_usage(uses)).await?;
        }
        Ok(())
    }
}
