//! Pages of the change log for a feed.

use super::position::FeedPosition;
use super::ring::{Entry, What};
use super::{Happened, Projection};
use crate::apps::OpenApp;
use crate::work::{Party, Slice, Stop, Work};
use crate::{Error, Service};
use jeton_core::{AppId, ChangeKind, TokenId};
use jeton_store::{Change, StoredToken};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// Entries that are read at once. A token has at most about 100 KiB.
pub(super) const PAGE_ENTRIES: u32 = 64;
/// How long to wait for transactions that began before the last entry was written, and how often to check.
const SETTLING_TIME: Duration = Duration::from_secs(2);
const SETTLING_PAUSE: Duration = Duration::from_millis(5);
/// How long a page may wait for its events to be created.
const PATIENCE: Duration = Duration::from_secs(60);

/// The tokens of a page of the log.
type Tokens = HashMap<(AppId, TokenId), StoredToken>;

/// The work of turning a page of the log into entries for readers.
struct Projecting<P: Projection> {
    service: Service,
    epoch: i64,
    changes: std::vec::IntoIter<Change>,
    apps: Arc<HashMap<AppId, Arc<OpenApp>>>,
    tokens: Tokens,
    entries: Vec<Entry<P::Event>>,
}

impl<P: Projection> Work for Projecting<P> {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<bool, Stop> {
        while let Some(change) = self.changes.as_slice().first() {
            let stored = change.app_id.zip(change.token_id()).and_then(|token| self.tokens.get(&token));
            let position = FeedPosition { epoch: self.epoch, sequence: change.sequence };
            let happened = Happened { position, change, stored };
            if !slice.takes(P::units(&happened)) {
                return Ok(false);
            }
            let what = self.what(&happened)?;
            self.entries.push(Entry { sequence: change.sequence, what });
            self.changes.next();
        }
        Ok(true)
    }
}

impl<P: Projection> Projecting<P> {
    /// What readers get for an entry.
    fn what(&self, happened: &Happened<'_>) -> Result<What<P::Event>, Error> {
        let app_id = happened.change.app_id.filter(|_| P::tells(happened.change.kind));
        let Some(app_id) = app_id else { return Ok(What::Nothing) };
        let Some(app) = self.apps.get(&app_id) else { return Ok(What::Unread(app_id)) };
        Ok(match P::event(&self.service, app, happened)? {
            None => What::Nothing,
            Some((event, weight)) => What::Event { app_id, event: Arc::new(event), weight },
        })
    }
}

impl Service {
    /// The end of the change log: everything that is there now comes before it, and everything later after
    /// it.
    ///
    /// # Errors
    ///
    /// The store could not be read, or another transaction has been open for too long: until it ends, nothing
    /// can be delivered in order.
    pub(super) async fn log_end(&self) -> Result<FeedPosition, Error> {
        let sequence = self.store.last_change().await?;
        let is_settled = async {
            while !self.store.is_settled(sequence).await? {
                tokio::time::sleep(SETTLING_PAUSE).await;
            }
            Ok::<_, Error>(())
        };
        tokio::time::timeout(SETTLING_TIME, is_settled).await.map_err(|_| Error::Busy)??;
        let epoch = self.store.log_state(sequence).await?.epoch;
        Ok(FeedPosition { epoch, sequence })
    }

    /// Whether nothing is missing between this position and what is read next.
    pub(super) async fn is_whole_after(&self, position: FeedPosition) -> Result<bool, Error> {
        let state = self.store.log_state(position.sequence).await?;
        Ok(state.epoch == position.epoch && !state.has_gap)
    }

    /// The next entries after a position, those of `apps` with their tokens as they are now; `None`: the next
    /// entries are gone, or everything was replaced.
    pub(super) async fn feed_page<P: Projection>(
        &self,
        after: FeedPosition,
        apps: &Arc<HashMap<AppId, Arc<OpenApp>>>,
        party: Party,
    ) -> Result<Option<Vec<Entry<P::Event>>>, Error> {
        let changes = self.store.changes(after.sequence, PAGE_ENTRIES).await?;
        let mut tokens = Tokens::new();
        for app in apps.values() {
            let written = changes.iter().filter(|change| {
                change.app_id == Some(app.id)
                    && matches!(
                        change.kind,
                        ChangeKind::TokenIssued | ChangeKind::TokenUpdated | ChangeKind::TokenRotated
                    )
            });
            let mut ids: Vec<TokenId> = written.filter_map(Change::token_id).collect();
            ids.sort_unstable();
            ids.dedup();
            let found = self.store.tokens(app.id, &ids).await?;
            tokens.extend(found.into_iter().map(|stored| ((app.id, stored.token.id), stored)));
        }
        // Checked last: tokens of other contents do not count either.
        if !self.is_whole_after(after).await? {
            return Ok(None);
        }
        let entries = Vec::with_capacity(changes.len());
        let (changes, apps) = (changes.into_iter(), Arc::clone(apps));
        let (service, epoch) = (self.clone(), after.epoch);
        let projecting = Projecting::<P> { service, epoch, changes, apps, tokens, entries };
        Ok(Some(self.patient_work(party, projecting, PATIENCE).await?.entries))
    }
}
