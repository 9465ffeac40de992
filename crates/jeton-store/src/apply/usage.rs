//! Writes about the use of tokens. They leave no entry in the change log: nobody decided anything.

use super::Work;
use crate::error::StoreError;
use crate::model::TokenUse;
use crate::session::Session;
use crate::statements::usage::{self, MAX_USED};

impl<S: Session> Work<'_, '_, S> {
    pub(super) async fn add_usage(&mut self, uses: &[TokenUse]) -> Result<bool, StoreError> {
        for uses in uses.chunks(MAX_USED) {
            self.session.run(usage::add_usage(uses)).await?;
        }
        Ok(!uses.is_empty())
    }
}
