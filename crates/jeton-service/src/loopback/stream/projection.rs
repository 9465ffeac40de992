//! From changes of tokens to events of change streams.

use super::event::{RowChange, RowEvent};
use crate::apps::OpenApp;
use crate::feed::{Happened, Projection};
use crate::loopback::read::{KINDS, is_seen};
use crate::loopback::row::row_units;
use crate::{Error, Service};
use jeton_core::ChangeKind;
use jeton_store::{Change, StoredToken};

/// The memory of an event beyond what its client stored: its members and their names.
const EVENT_BYTES: usize = 1_024;

/// Changes of tokens as changes of LoopBack's rows.
#[derive(Debug)]
pub(crate) enum Rows {}

impl Projection for Rows {
    type Event = RowEvent;

    const READERS: &'static str = "change streams";

    fn tells(kind: ChangeKind) -> bool {
        // That an old secret was presented changes no row, and is for operators alone.
        (kind.is_of_token() && kind != ChangeKind::TokenReused) || kind == ChangeKind::TokensPurged
    }

    /// Rows are unsealed and parsed.
    fn units(happened: &Happened<'_>) -> u64 {
        happened.stored.map_or(1_000, row_units)
    }

    fn event(
        service: &Service,
        app: &OpenApp,
        happened: &Happened<'_>,
    ) -> Result<Option<(RowEvent, usize)>, Error> {
        let Happened { position, change, stored } = happened;
        let became = match change.kind {
            ChangeKind::TokensPurged => Some(RowChange::Purged),
            ChangeKind::TokenRevoked | ChangeKind::TokenDeleted => removed(app, change),
            _ => stored.map(|stored| service.written(app, change.kind, stored)).transpose()?.flatten(),
        };
        let document = stored.and_then(|stored| stored.token.spec.document.as_ref());
        // Once as members, and once more as the text that is sent.
        let weight = EVENT_BYTES + 3 * document.map_or(0, |document| document.as_str().len());
        Ok(became.map(|became| (RowEvent::new(*position, became), weight)))
    }
}

impl Service {
    /// The change of an existing row.
    fn written(
        &self,
        app: &OpenApp,
        kind: ChangeKind,
        stored: &StoredToken,
    ) -> Result<Option<RowChange>, Error> {
        if !KINDS.contains(&stored.token.spec.kind) {
            return Ok(None);
        }
        let row = self.row(app, stored.clone())?;
        Ok(Some(match kind {
            // Disabling a token removes its row.
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
