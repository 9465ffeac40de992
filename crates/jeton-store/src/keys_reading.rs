//! Reading which keys rows were made with.

use crate::decode;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::keys::{KeyUses, OldDigest};
use crate::reading::OPERATORS;
use crate::session::Session;
use crate::sql_store::SqlStore;
use crate::statements::keys;
use crate::statements::tokens::MAX_SOUGHT;
use jeton_core::{AppId, TokenId};

impl<E: Engine> SqlStore<E> {
    /// Of all rows, which may take longer than a statement for clients may.
    pub(crate) async fn uses_of_keys(&self) -> Result<Vec<KeyUses>, StoreError> {
        let mut snapshot = self.0.snapshot().await?;
        let rows = snapshot.query(keys::USES.to_owned()).await?;
        let mut uses: Vec<KeyUses> = rows.iter().map(decode::key_uses).collect::<Result<_, _>>()?;
        for row in snapshot.query(keys::DATA_KEYS.to_owned()).await? {
            uses.push(decode::data_key_uses(&row)?);
        }
        Ok(uses)
    }

    pub(crate) async fn has_digests_made_otherwise(
        &self,
        app_id: AppId,
        key_id: u32,
    ) -> Result<bool, StoreError> {
        let mut reader = self.0.reader(OPERATORS).await?;
        Ok(reader.number(keys::made_otherwise(app_id, key_id)).await? > 0)
    }

    pub(crate) async fn those_made_by(
        &self,
        app_id: AppId,
        key_id: u32,
        ids: &[TokenId],
    ) -> Result<Vec<TokenId>, StoreError> {
        let mut made = Vec::new();
        for ids in ids.chunks(MAX_SOUGHT) {
            made.extend(self.listed(OPERATORS, keys::made_by(app_id, key_id, ids), decode::token_id).await?);
        }
        Ok(made)
    }

    pub(crate) async fn old_digests_of_tokens(
        &self,
        key_id: u32,
        after: Option<(AppId, TokenId)>,
        limit: u32,
    ) -> Result<Vec<OldDigest>, StoreError> {
        let old = keys::old_tokens(key_id, after, limit);
        self.listed(OPERATORS, old, |row| decode::old_token(row, key_id)).await
    }

    pub(crate) async fn other_old_digests(
        &self,
        key_id: u32,
        limit: u32,
    ) -> Result<Vec<OldDigest>, StoreError> {
        let further = keys::old_further(key_id, limit);
        let mut old = self.listed(OPERATORS, further, |row| decode::old_further(row, key_id)).await?;
        let clients = keys::old_clients(key_id, limit);
        old.extend(self.listed(OPERATORS, clients, |row| decode::old_client(row, key_id)).await?);
        let clients = keys::old_client_digests(key_id, limit);
        old.extend(self.listed(OPERATORS, clients, |row| decode::old_client_digest(row, key_id)).await?);
        let operators = keys::old_operators(key_id, limit);
        old.extend(self.listed(OPERATORS, operators, |row| decode::old_operator(row, key_id)).await?);
        old.truncate(limit as usize);
        Ok(old)
    }
}
