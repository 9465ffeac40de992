//! Writes of the use of tokens. They leave no entry in the change log, since they change no rights.

use super::{Facts, Perform, Work};
use crate::audit::AppUses;
use crate::decode;
use crate::error::StoreError;
use crate::schema::TokenUsage;
use crate::session::Session;
use crate::statements::usage::{self, MAX_USED};
use crate::write::{AddUsage, Touched};
use jeton_core::{AppId, TokenId};
use std::collections::{BTreeMap, HashSet};

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
        let mut totals: BTreeMap<AppId, AppUses> = BTreeMap::new();
        for uses in self.uses.chunks(MAX_USED) {
            let mut added = HashSet::with_capacity(uses.len());
            for row in work.session.rows(usage::add_usage(uses)).await? {
                let app_id = decode::number(&row, TokenUsage::AppId, AppId::new)?;
                added.insert((app_id, decode::number(&row, TokenUsage::TokenId, TokenId::new)?));
            }
            for used in uses.iter().filter(|used| added.contains(&(used.app_id, used.token_id))) {
                let (app_id, last_used_at) = (used.app_id, used.last_used_at);
                let total = totals.entry(app_id).or_insert(AppUses { app_id, uses: 0, last_used_at });
                total.uses = total.uses.saturating_add(used.use_count);
                total.last_used_at = total.last_used_at.max(last_used_at);
            }
        }
        // Last, and in the order of the apps: whoever holds a total waits for no token, and for no total of an earlier app.
        let totals: Vec<AppUses> = totals.into_values().collect();
        for totals in totals.chunks(MAX_USED) {
            work.session.run(usage::add_to_totals(totals)).await?;
        }
        Ok(())
    }
}
