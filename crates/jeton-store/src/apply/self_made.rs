//! Keeping the number and the size of an app's self-made tokens within their limit.
//!
//! An app's totals are in a row of their own. With concurrent writers that row is locked until the
//! transaction ends, always after the rows of the tokens that it counts.

use super::Work;
use super::tokens::Arrival;
use crate::error::StoreError;
use crate::model::{Inserted, NewToken, Replaced, SelfMadeLimit};
use crate::record::Record;
use crate::schema::{Count, SelfMade, Tokens};
use crate::session::Session;
use crate::statements::self_made::{self, BARE_BYTES};
use crate::write::ReplaceToken;
use jeton_core::{AppId, Cause, Owner, Timestamp, TokenKind, UserId};
use std::collections::BTreeMap;

/// How many expired tokens are removed at once if there is no room, unless more are needed: the next writes
/// then find room.
const TAKEN_BACK: u64 = 100;

/// The cause of their removal.
static RETENTION: Cause = Cause::RETENTION;

/// A number of tokens and their bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Amount {
    tokens: i64,
    bytes: i64,
}

impl Amount {
    fn of(token: &NewToken) -> Self {
        let document = token.spec.document.as_ref().map_or(0, |document| document.as_str().len());
        let sealed = token.sealed.as_ref().map_or(0, Vec::len);
        Amount { tokens: 1, bytes: bytes(document + sealed, &token.spec.owner) }
    }

    fn plus(self, other: Amount) -> Self {
        Amount { tokens: self.tokens + other.tokens, bytes: self.bytes + other.bytes }
    }

    fn is_within(self, limit: SelfMadeLimit) -> bool {
        let fits = |amount: i64, most: u64| u64::try_from(amount).unwrap_or(0) <= most;
        fits(self.tokens, limit.tokens) && fits(self.bytes, limit.bytes)
    }
}

/// The approximate size of a token with this owner and this much other data.
fn bytes(document: usize, owner: &Owner) -> i64 {
    let user = owner.shown().map(UserId::to_string).map_or(0, |user| user.len());
    BARE_BYTES + i64::try_from(document + user).unwrap_or(i64::MAX / 4)
}

/// A request for room in an app.
#[derive(Clone, Copy, Debug)]
struct Wish {
    app_id: AppId,
    amount: Amount,
    limit: SelfMadeLimit,
    at: Timestamp,
}

impl<'w, S: Session> Work<'_, 'w, S> {
    /// Inserts tokens; of the self-made ones of each app, and of those of each user that has a limit, only the first ones that fit.
    pub(super) async fn insert_bounded(
        &mut self,
        arrivals: Vec<Arrival<'w>>,
    ) -> Result<Vec<Inserted>, StoreError> {
        let mut held = self.open_accounts(&arrivals).await?;
        let mut of_users = self.tokens_of_users(&arrivals).await?;
        let refused: Vec<Option<Inserted>> = arrivals
            .iter()
            .map(|arrival| match (take_room(&mut held, arrival), of_users.take(arrival)) {
                (false, _) => Some(Inserted::NoRoom),
                (true, false) => Some(Inserted::TooManyOfUser),
                (true, true) => None,
            })
            .collect();
        let admitted = arrivals.into_iter().zip(&refused).filter(|(_, refused)| refused.is_none());
        let mut admitted: Vec<Arrival<'w>> = admitted.map(|(arrival, _)| arrival).collect();
        let inserted = self.insert_all(&mut admitted).await?;
        self.count(&admitted, &inserted).await?;
        let mut inserted = inserted.into_iter();
        let answer = |refused: Option<Inserted>| refused.or_else(|| inserted.next());
        Ok(refused.into_iter().map(answer).map(|answer| answer.unwrap_or(Inserted::NoRoom)).collect())
    }

    /// The totals of each app that gets self-made tokens, after as many expired ones were removed as needed.
    async fn open_accounts(
        &mut self,
        arrivals: &[Arrival<'w>],
    ) -> Result<BTreeMap<AppId, Amount>, StoreError> {
        let mut wishes = BTreeMap::new();
        for arrival in arrivals.iter().filter(|arrival| is_self_made(arrival)) {
            let (app_id, limit, at) = (arrival.app_id, arrival.self_made, arrival.at);
            let wish = wishes.entry(app_id).or_insert(Wish { app_id, amount: Amount::default(), limit, at });
            wish.amount = wish.amount.plus(Amount::of(arrival.token));
            wish.at = wish.at.max(at);
        }
        let mut held = BTreeMap::new();
        for (app_id, wish) in wishes {
            held.insert(app_id, self.make_room(wish).await?);
        }
        Ok(held)
    }

    /// Adds the inserted tokens to the totals.
    async fn count(&mut self, arrivals: &[Arrival<'w>], inserted: &[Inserted]) -> Result<(), StoreError> {
        let mut added: BTreeMap<AppId, Amount> = BTreeMap::new();
        for (arrival, answer) in arrivals.iter().zip(inserted) {
            if is_self_made(arrival) && matches!(answer, Inserted::Issued(_)) {
                let sum = added.entry(arrival.app_id).or_default();
                *sum = sum.plus(Amount::of(arrival.token));
            }
        }
        for (app_id, Amount { tokens, bytes }) in added {
            self.session.run(self_made::add_self_made(app_id, tokens, bytes)).await?;
        }
        Ok(())
    }

    /// Whether a token may be replaced by a self-made one: [`Replaced::Done`] means yes.
    pub(super) async fn may_replace_by_self_made(
        &mut self,
        replacement: &ReplaceToken,
    ) -> Result<Replaced, StoreError> {
        let ReplaceToken { token, expected, self_made: limit, .. } = replacement;
        let (app_id, at) = (token.app_id, token.updated_at);
        let before = self_made::token_to_replace(app_id, token.id, *expected);
        let Some(before) = self.session.row(before).await? else { return Ok(Replaced::Stale) };
        let kind: String = before.read(Tokens::Kind)?;
        let was_self_made = kind == TokenKind::SelfMade.name();
        let size: i64 = before.read(SelfMade::Bytes)?;
        let sealed: i64 = before.read(Count)?;
        let document = token.spec.document.as_ref().map_or(0, |document| document.as_str().len());
        let after = bytes(document, &token.spec.owner) + sealed;
        let amount = match was_self_made {
            true => Amount { tokens: 0, bytes: after - size },
            false => Amount { tokens: 1, bytes: after },
        };
        if amount.tokens == 0 && amount.bytes <= 0 {
            return Ok(Replaced::Done);
        }
        let held = self.make_room(Wish { app_id, amount, limit: *limit, at }).await?;
        Ok(if held.plus(amount).is_within(*limit) { Replaced::Done } else { Replaced::NoRoom })
    }

    /// The app's totals, after as many expired tokens were removed as the request needs. If there is room, no
    /// other transaction takes it before this one ends.
    async fn make_room(&mut self, wish: Wish) -> Result<Amount, StoreError> {
        let Wish { app_id, amount, limit, at } = wish;
        let mut held = self.held(app_id, false).await?;
        let least = Amount { tokens: amount.tokens.min(1), bytes: amount.bytes.min(BARE_BYTES) };
        // A request that will be refused need not wait.
        if !S::WRITES_ALONE && held.plus(least).is_within(limit) {
            held = self.lock_held(app_id).await?;
        }
        if held.plus(amount).is_within(limit) {
            return Ok(held);
        }
        let wanted = u64::try_from(amount.tokens).unwrap_or(0).max(TAKEN_BACK);
        let taken = self.session.run(self_made::take_back_self_made(app_id, at, wanted)).await?;
        if taken == 0 {
            return Ok(held);
        }
        self.log_purge(app_id, at, &RETENTION);
        // Their triggers hold the row now.
        self.held(app_id, false).await
    }

    async fn held(&mut self, app_id: AppId, is_locking: bool) -> Result<Amount, StoreError> {
        let row = self.session.row(self_made::self_made(app_id, is_locking)).await?;
        match row {
            None => Ok(Amount::default()),
            Some(row) => {
                Ok(Amount { tokens: row.read(SelfMade::Tokens)?, bytes: row.read(SelfMade::Bytes)? })
            }
        }
    }

    /// An app's totals, locked against changes by others.
    pub(super) async fn lock_held(&mut self, app_id: AppId) -> Result<Amount, StoreError> {
        if self.session.row(self_made::self_made(app_id, true)).await?.is_none() {
            self.session.run(self_made::add_self_made(app_id, 0, 0)).await?;
        }
        self.held(app_id, true).await
    }
}

fn is_self_made(arrival: &Arrival<'_>) -> bool {
    arrival.token.spec.kind == TokenKind::SelfMade
}

/// Takes the room for a token if it needs any and there is enough.
fn take_room(held: &mut BTreeMap<AppId, Amount>, arrival: &Arrival<'_>) -> bool {
    if !is_self_made(arrival) {
        return true;
    }
    let held = held.entry(arrival.app_id).or_default();
    let with_it = held.plus(Amount::of(arrival.token));
    let has_room = with_it.is_within(arrival.self_made);
    if has_room {
        *held = with_it;
    }
    has_room
}
