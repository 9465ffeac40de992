//! Keeping the number of live tokens of each user within an app's limit.
//!
//! Only the tokens that prove their user count: whoever can name any user, as LoopBack's anonymous callers can, takes no
//! place of that user. Where others write at the same time, whoever needs a place of an app with a limit locks the row
//! of the app's self-made tokens, so that they take turns.

use super::Work;
use super::tokens::Arrival;
use crate::decode;
use crate::error::StoreError;
use crate::record::Record;
use crate::session::Session;
use crate::statements::per_user;
use crate::write::ReplaceToken;
use jeton_core::{AppId, Timestamp, TokenKind, TokenSpec, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// How many more tokens users may have.
#[derive(Debug, Default)]
pub(super) struct Places(BTreeMap<(AppId, String), i64>);

impl Places {
    /// Takes a place for a token if it needs one and there is one.
    pub(super) fn take(&mut self, arrival: &Arrival<'_>) -> bool {
        let Some((user_id, _)) = arrival.counted_user() else { return true };
        let left = self.0.entry((arrival.app_id, user_id.to_string())).or_default();
        *left -= 1;
        *left >= 0
    }
}

impl Arrival<'_> {
    /// The user whose tokens are limited, and the limit.
    pub(super) fn counted_user(&self) -> Option<(&UserId, u32)> {
        Some((proven_user(&self.token.spec)?, self.per_user?))
    }
}

impl<'w, S: Session> Work<'_, 'w, S> {
    /// How many more tokens each of the users may have whose tokens arrive. Nobody else takes these places before this
    /// transaction ends.
    pub(super) async fn tokens_of_users(&mut self, arrivals: &[Arrival<'w>]) -> Result<Places, StoreError> {
        let mut wanted: BTreeMap<(AppId, String), (&UserId, u32, i64, Timestamp)> = BTreeMap::new();
        for arrival in arrivals {
            if let Some((user_id, limit)) = arrival.counted_user() {
                let key = (arrival.app_id, user_id.to_string());
                let wish = wanted.entry(key).or_insert((user_id, limit, 0, arrival.at));
                wish.2 += 1;
                wish.3 = wish.3.max(arrival.at);
            }
        }
        if !S::WRITES_ALONE {
            let apps: BTreeSet<AppId> = wanted.keys().map(|(app_id, _)| *app_id).collect();
            for app_id in apps {
                self.lock_held(app_id).await?;
            }
        }
        let mut places = Places::default();
        for ((app_id, name), (user_id, limit, more, at)) in wanted {
            let left = self.places_of_user((app_id, user_id), limit, more, at).await?;
            places.0.insert((app_id, name), left);
        }
        Ok(places)
    }

    /// Whether the user of the token may have one more, if it is one more for that user.
    pub(super) async fn may_give_to_user(&mut self, replacement: &ReplaceToken) -> Result<bool, StoreError> {
        let ReplaceToken { token, per_user, .. } = replacement;
        let (Some(user_id), Some(limit)) = (proven_user(&token.spec), *per_user) else { return Ok(true) };
        if !S::WRITES_ALONE {
            self.lock_held(token.app_id).await?;
        }
        let whose = (token.app_id, user_id);
        Ok(self.places_of_user(whose, limit, 1, token.updated_at).await? >= 1)
    }

    /// How many more tokens a user may have, of which `more` are wanted. Those that have expired are looked for only if they
    /// decide it.
    async fn places_of_user(
        &mut self,
        (app_id, user_id): (AppId, &UserId),
        limit: u32,
        more: i64,
        at: Timestamp,
    ) -> Result<i64, StoreError> {
        let held = self.session.row(per_user::tokens_of_user(app_id, user_id)).await?;
        let left = i64::from(limit) - counted(held.as_ref())?;
        if left >= more {
            return Ok(left);
        }
        let expired = self.session.row(per_user::expired_of_user(app_id, user_id, at)).await?;
        Ok(left + counted(expired.as_ref())?)
    }
}

/// What was counted; without an answer, nothing.
fn counted(row: Option<&impl Record>) -> Result<i64, StoreError> {
    let count = row.map_or(Ok(0), decode::count)?;
    Ok(i64::try_from(count).unwrap_or(i64::MAX / 2))
}

/// The user that a token proves.
fn proven_user(spec: &TokenSpec) -> Option<&UserId> {
    spec.owner.named().filter(|_| spec.kind != TokenKind::SelfMade)
}
