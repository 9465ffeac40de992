//! The tokens above those that were found, and those that have lost the one above them.

use crate::decode;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::model::{Orphans, StoredToken};
use crate::reading::Reading;
use crate::schema::Tokens;
use crate::sql_store::SqlStore;
use crate::statements::{families, tokens};
use jeton_core::{Ancestor, AppId, TokenId};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Tokens by number, for each of their apps.
type Sought = BTreeMap<AppId, BTreeSet<TokenId>>;

impl<E: Engine> SqlStore<E> {
    /// The same tokens with those above them as they are now, read after them: what one of those loses before
    /// this is asked, it has lost here. One that is not there any more counts as revoked.
    pub(crate) async fn with_ancestors(
        &self,
        reading: Reading,
        mut found: Vec<StoredToken>,
    ) -> Result<Vec<StoredToken>, StoreError> {
        let mut sought = Sought::new();
        for stored in found.iter().filter(|stored| !stored.token.spec.lineage.ids().is_empty()) {
            sought.entry(stored.token.app_id).or_default().extend(stored.token.spec.lineage.ids());
        }
        if sought.is_empty() {
            return Ok(found);
        }
        let above = self.ancestors(reading, sought).await?;
        for stored in &mut found {
            let app_id = stored.token.app_id;
            let of = |id: &TokenId| above.get(&(app_id, *id)).cloned().unwrap_or_else(|| Ancestor::gone(*id));
            stored.token.ancestors = stored.token.spec.lineage.ids().iter().map(of).collect();
        }
        Ok(found)
    }

    async fn ancestors(
        &self,
        reading: Reading,
        sought: Sought,
    ) -> Result<HashMap<(AppId, TokenId), Ancestor>, StoreError> {
        let mut above = HashMap::new();
        for (app_id, ids) in sought {
            let ids: Vec<TokenId> = ids.into_iter().collect();
            for ids in ids.chunks(tokens::MAX_SOUGHT) {
                let read = self.listed(reading, families::ancestors(app_id, ids), decode::ancestor).await?;
                above.extend(read.into_iter().map(|ancestor| ((app_id, ancestor.id), ancestor)));
            }
        }
        Ok(above)
    }

    /// Of the next `limit` tokens that others made, behind a place in the order of their parents, those whose parent was revoked or
    /// is gone. What was made later has the larger number: so what such a token made itself comes behind it.
    pub(crate) async fn orphans_behind(
        &self,
        after: Option<(TokenId, TokenId)>,
        limit: u32,
    ) -> Result<Orphans, StoreError> {
        let made = families::delegated(after, limit);
        let made = self.all(made, |row| {
            let number = |column| decode::number(row, column, TokenId::new);
            Ok((
                decode::number(row, Tokens::AppId, AppId::new)?,
                number(Tokens::ParentId)?,
                number(Tokens::Id)?,
            ))
        });
        let made = made.await?;
        let mut sought = Sought::new();
        for (app_id, parent, _) in &made {
            sought.entry(*app_id).or_default().insert(*parent);
        }
        let parents = self.ancestors(Reading::Lookup, sought).await?;
        let mut found = BTreeSet::new();
        for (app_id, parent, id) in &made {
            let is_alive = parents.get(&(*app_id, *parent)).is_some_and(|parent| !parent.revoked);
            if !is_alive || found.contains(&(*app_id, *parent)) {
                found.insert((*app_id, *id));
            }
        }
        let next = made.last().filter(|_| made.len() >= limit as usize).map(|(_, parent, id)| (*parent, *id));
        Ok(Orphans { found: found.into_iter().collect(), next })
    }
}
