//! New entries of the change log, for the invalidation of caches.

use crate::change::{LogPosition, News, Seen};
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
                let snapshot = self.one(log::snapshot(), |row| row.read(Snapshot)).await?;
                Seen::Snapshot(snapshot.ok_or(StoreError::Corrupt { place: "snapshot" })?)
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

    /// The entries by transactions that were not over in this snapshot.
    pub(crate) async fn news_since(&self, snapshot: &str) -> Result<News, StoreError> {
        let statement = log::changes_since(snapshot, MAX_NEWS);
        let rows: Vec<(_, String)> =
            self.all(statement, |row| Ok((decode::change(row)?, row.read(Snapshot)?))).await?;
        if rows.len() >= MAX_NEWS as usize {
            return Ok(News { changes: None, ..self.log_position().await? });
        }
        // If nothing is new, the old snapshot describes what was seen as well as a new one.
        let now = rows.first().map_or(snapshot, |(_, now)| now).to_owned();
        let newest = rows.iter().map(|(change, _)| change.sequence).max();
        let changes = rows.into_iter().map(|(change, _)| change).collect();
        Ok(News { position: LogPosition(Seen::Snapshot(now)), newest, changes: Some(changes) })
    }
}
