//! New entries of the change log, for the invalidation of caches.

use crate::change::{LogPosition, News, Seen, SeenTransactions};
use crate::decode;
use crate::engine::Engine;
use crate::error::StoreError;
use crate::record::Record;
use crate::schema::{Changes, Snapshot};
use crate::session::Session;
use crate::sql_store::SqlStore;
use crate::statements::log::{self, LogOrder};

/// At most this many entries are returned at once. For a caller that is further behind, anything may have
/// changed, which is faster to handle than reading so many entries.
const MAX_NEWS: u32 = 10_000;

impl<E: Engine> SqlStore<E> {
    /// The current position in the log, for a caller without a cache to invalidate.
    pub(crate) async fn log_position(&self) -> Result<News, StoreError> {
        let newest = self.one(log::newest_change(), |row| row.read(Changes::Sequence)).await?.unwrap_or(0);
        let seen = match E::Connection::LOG_ORDER {
            LogOrder::Sequence => Seen::UpTo(newest),
            LogOrder::Transaction => {
                let seen = self.one(log::transactions(), seen_transactions).await?;
                Seen::Transactions(seen.ok_or(StoreError::Corrupt { place: "snapshot" })?)
            }
        };
        Ok(News { position: LogPosition(seen), newest: Some(newest), changes: Some(Vec::new()) })
    }

    /// The entries after the one with this number.
    ///
    /// That entry is read again: if it is gone, the log was cut short or replaced, and the next entries say
    /// nothing about earlier ones.
    pub(crate) async fn news_after(&self, sequence: i64) -> Result<News, StoreError> {
        let mut changes = self.all(log::changes_from(sequence, MAX_NEWS), decode::change).await?;
        let is_whole = sequence == 0 || changes.first().is_some_and(|change| change.sequence == sequence);
        if !is_whole || changes.len() >= MAX_NEWS as usize {
            return Ok(News { changes: None, ..self.log_position().await? });
        }
        changes.retain(|change| change.sequence > sequence);
        let seen = changes.last().map_or(sequence, |change| change.sequence);
        Ok(News { position: LogPosition(Seen::UpTo(seen)), newest: Some(seen), changes: Some(changes) })
    }

    /// The entries by transactions that were not seen.
    pub(crate) async fn news_since(&self, seen: &SeenTransactions) -> Result<News, StoreError> {
        let statement = log::changes_since(seen, MAX_NEWS);
        let rows: Vec<(_, SeenTransactions)> =
            self.all(statement, |row| Ok((decode::change(row)?, seen_transactions(row)?))).await?;
        if rows.len() >= MAX_NEWS as usize {
            return Ok(News { changes: None, ..self.log_position().await? });
        }
        // If nothing is new, the old position describes what was seen as well as a new one.
        let mut now = seen.clone();
        for (_, of_row) in &rows {
            now.snapshot.clone_from(&of_row.snapshot);
            now.newest = now.newest.max(of_row.newest);
        }
        let newest = rows.iter().map(|(change, _)| change.sequence).max();
        let changes = rows.into_iter().map(|(change, _)| change).collect();
        Ok(News { position: LogPosition(Seen::Transactions(now)), newest, changes: Some(changes) })
    }
}

/// The snapshot of a statement, and the number of a transaction.
fn seen_transactions<R: Record>(row: &R) -> Result<SeenTransactions, StoreError> {
    let newest = row.read_as(Changes::Xid, |newest: String| newest.parse().ok())?;
    Ok(SeenTransactions { snapshot: row.read(Snapshot)?, newest })
}
