//! Reading the change log as streams tell it.

use super::event::{RowChange, RowEvent};
use super::position::StreamPosition;
use super::ring::{Entry, What};
use crate::apps::OpenApp;
use crate::loopback::read::{KINDS, is_seen};
use crate::loopback::row::row_units;
use crate::work::{Party, Slice, Stop, Work};
use crate::{Service, Unavailable};
use jeton_core::{AppId, TokenId};
use jeton_store::{Change, ChangeKind, StoredToken};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Entries that are read at once. A row has at most some 100 KiB.
pub(super) const PAGE_ENTRIES: u32 = 64;
/// How long to wait for transactions that began before the last entry was written, and how often to look.
const SETTLING_TIME: Duration = Duration::from_secs(2);
const SETTLING_PAUSE: Duration = Duration::from_millis(5);
/// What an event takes beside what its client stored: its members and their names.
const EVENT_BYTES: usize = 1_024;

/// How long a page may wait to be told.
const PATIENCE: Duration = Duration::from_secs(60);

/// The rows that a page of the log is about.
type Rows = HashMap<(AppId, TokenId), StoredToken>;

/// Making entries out of a page of the log: rows are opened and read for it.
struct Telling {
    service: Service,
    epoch: i64,
    changes: std::vec::IntoIter<Change>,
    apps: Arc<HashMap<AppId, Arc<OpenApp>>>,
    rows: Rows,
    entries: Vec<Entry>,
}

impl Work for Telling {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<bool, Stop> {
        while let Some(change) = self.changes.as_slice().first() {
            let stored = change.app_id.zip(change.token_id()).and_then(|row| self.rows.get(&row));
            if !slice.takes(stored.map_or(1_000, row_units)) {
                return Ok(false);
            }
            let what = self.service.told(self.epoch, change, &self.apps, &self.rows)?;
            self.entries.push(Entry { sequence: change.sequence, what });
            self.changes.next();
        }
        Ok(true)
    }
}

impl Service {
    /// The end of the change log: what is there now comes before it, and everything that is not there yet comes after it.
    ///
    /// # Errors
    /// It could not be found out, also because a transaction of somebody else is open for too long: until that is over,
    /// there is nothing that could be told in order.
    pub(super) async fn stream_end(&self) -> Result<StreamPosition, Unavailable> {
        let sequence = self.store.last_change().await?;
        let is_settled = async {
            while !self.store.is_settled(sequence).await? {
                tokio::time::sleep(SETTLING_PAUSE).await;
            }
            Ok::<_, Unavailable>(())
        };
        tokio::time::timeout(SETTLING_TIME, is_settled).await.map_err(|_| Unavailable::Busy)??;
        let epoch = self.store.log_state(sequence).await?.epoch;
        Ok(StreamPosition { epoch, sequence })
    }

    /// Whether nothing is missing between this position and what is read next.
    pub(super) async fn is_whole_after(&self, position: StreamPosition) -> Result<bool, Unavailable> {
        let state = self.store.log_state(position.sequence).await?;
        Ok(state.epoch == position.epoch && !state.has_gap)
    }

    /// The next entries after a position, those of `apps` with their rows as they are now; `None`: what came next is gone,
    /// or everything was replaced.
    pub(super) async fn stream_page(
        &self,
        after: StreamPosition,
        apps: &Arc<HashMap<AppId, Arc<OpenApp>>>,
        party: Party,
    ) -> Result<Option<Vec<Entry>>, Unavailable> {
        let changes = self.store.changes(after.sequence, PAGE_ENTRIES).await?;
        let mut rows = Rows::new();
        for app in apps.values() {
            let written = changes.iter().filter(|change| {
                change.app_id == Some(app.id)
                    && matches!(change.kind, ChangeKind::TokenIssued | ChangeKind::TokenUpdated)
            });
            let mut ids: Vec<TokenId> = written.filter_map(Change::token_id).collect();
            ids.sort_unstable();
            ids.dedup();
            let found = self.store.tokens(app.id, &ids).await?;
            rows.extend(found.into_iter().map(|stored| ((app.id, stored.token.id), stored)));
        }
        // Asked last: rows of another content do not count either.
        if !self.is_whole_after(after).await? {
            return Ok(None);
        }
        let entries = Vec::with_capacity(changes.len());
        let (changes, apps) = (changes.into_iter(), Arc::clone(apps));
        let telling = Telling { service: self.clone(), epoch: after.epoch, changes, apps, rows, entries };
        Ok(Some(self.patient_work(party, telling, PATIENCE).await?.entries))
    }

    /// What streams tell of an entry.
    fn told(
        &self,
        epoch: i64,
        change: &Change,
        apps: &HashMap<AppId, Arc<OpenApp>>,
        rows: &Rows,
    ) -> Result<What, Unavailable> {
        let is_of_rows = change.kind.is_of_token() || change.kind == ChangeKind::TokensPurged;
        let Some(app_id) = change.app_id.filter(|_| is_of_rows) else { return Ok(What::Nothing) };
        let Some(app) = apps.get(&app_id) else { return Ok(What::Unread(app_id)) };
        // Of a row that is gone by now, its removal comes later.
        let stored = change.token_id().and_then(|id| rows.get(&(app_id, id)));
        let happened = match change.kind {
            ChangeKind::TokensPurged => Some(RowChange::Purged),
            ChangeKind::TokenRevoked | ChangeKind::TokenDeleted => removed(app, change),
            _ => stored.map(|stored| self.written(app, change.kind, stored)).transpose()?.flatten(),
        };
        let position = StreamPosition { epoch, sequence: change.sequence };
        let document = stored.and_then(|stored| stored.token.document.as_ref());
        // As members, and once more as the text that is sent.
        let weight = EVENT_BYTES + 3 * document.map_or(0, |document| document.as_str().len());
        Ok(match happened {
            None => What::Nothing,
            Some(happened) => What::Event(app_id, Arc::new(RowEvent::new(position, happened, weight))),
        })
    }

    /// What was written into a row that is there.
    fn written(
        &self,
        app: &OpenApp,
        kind: ChangeKind,
        stored: &StoredToken,
    ) -> Result<Option<RowChange>, Unavailable> {
        if !KINDS.contains(&stored.token.kind) {
            return Ok(None);
        }
        let row = self.row(app, stored.clone())?;
        Ok(Some(match kind {
            // Who switches a token off takes its row away.
            _ if !is_seen(&stored.token, self.now()) => RowChange::Removed(row.id()),
            ChangeKind::TokenIssued => RowChange::Created(row),
            _ => RowChange::Updated(row),
        }))
    }
}

/// The row of a token that is gone, if LoopBack saw it, by its id, as long as that is kept.
fn removed(app: &OpenApp, change: &Change) -> Option<RowChange> {
    let removal = change.removal.as_ref().filter(|removal| removal.was_on_loopback)?;
    let id = change.token_id()?;
    let secret = || {
        let (key, sealed) = (app.data_key.as_ref()?, removal.sealed.as_ref()?);
        key.open_secret(sealed, app.id, &change.digest?).unwrap_or_else(|error| {
            tracing::error!(token_id = id.get(), app_id = app.id.get(), "{error}");
            None
        })
    };
    Some(RowChange::Removed(secret().map_or_else(|| format!("~{id}"), |secret| secret.expose().to_owned())))
}
