//! Changing rows: merging into one, replacing one, changing all that match a condition, deleting.
//!
//! Which users and ids a client may set depends on the ground on which it was admitted. Writing a row never
//! gives anyone ownership: a row with a user that the writer does not prove is self-made, and exists for
//! LoopBack alone.

use super::caller::Writer;
use super::input::RowInput;
use super::matching::{Matcher, Matching};
use super::merge::{MergeError, Rest, Terms, merged};
use super::read::is_seen;
use super::row::LoopBackRow;
use super::search::ReadRefusal;
use crate::apps::OpenApp;
use crate::issue::too_many_of_user;
use crate::limiter::TooOften;
use crate::list::handle_id;
use crate::update::MAX_TRIES;
use crate::{Error, Service};
use futures_util::{StreamExt, TryStreamExt, future};
use jeton_core::{Policy, Secret, TokenId};
use jeton_loopback::{Condition, Filter, Method, Order, Page, Value};
use jeton_store::write::DeleteToken;
use jeton_store::{Replaced, StoredToken};
use std::pin::pin;
use std::sync::Arc;

/// Why a row was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteRefusal {
    /// There is no such row.
    #[error("there is no such row")]
    NotFound,
    /// A row has, or had until it was revoked, the same id.
    #[error("Duplicate entry for AccessToken.id")]
    Duplicate,
    /// The caller may not choose ids.
    #[error("you may not choose the id of an access token")]
    IdNotYours,
    /// The id is not valid: too long, or it looks like a handle.
    #[error("the id must have 1 to 1024 bytes and not be ~ and a number")]
    Id,
    /// The row would get another id.
    #[error("the id of an access token cannot be changed")]
    IdChanged,
    /// `created` is not a date, or not one that can be stored.
    #[error("created must be a date of the years 0 to 9999")]
    Created,
    /// `userId` is not a user id.
    #[error("userId must be an integer or a text of at most 255 characters")]
    User,
    /// The other properties are too large, or nested too deep.
    #[error("an access token keeps at most {0} bytes, nested at most 125 deep")]
    TooLarge(usize),
    /// Too many rows were written by clients that no rule names, from the writer's address or in all.
    #[error("too many access tokens are written: try again in {} s", .0.retry_seconds)]
    TooOften(TooOften),
    /// The number or the size of self-made tokens that have not expired has reached its limit.
    #[error("there are too many access tokens that nobody vouches for")]
    TooManySelfMade,
    /// It goes against a policy of the app.
    #[error(transparent)]
    Policy(#[from] Policy),
}

/// Why the rows that match a condition were not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BulkRefusal {
    /// They could not be searched.
    #[error(transparent)]
    Read(#[from] ReadRefusal),
    /// One of them cannot be written. Others may have been.
    #[error(transparent)]
    Write(#[from] WriteRefusal),
    /// One row was to be written, but several match the condition.
    #[error("There are multiple instances found.Upsert Operation will not be performed!")]
    Several,
}

/// The answer to a write.
pub(super) type Written<T> = Result<Result<T, WriteRefusal>, Error>;
/// The answer to a write of all rows that match a condition.
type BulkWritten<T> = Result<Result<T, BulkRefusal>, Error>;

/// The change, and the row that it applies to.
struct Change<'a> {
    input: &'a RowInput,
    rest: Rest,
    row: Which<'a>,
}

/// A condition, and the app of its rows.
struct Meant {
    app: Arc<OpenApp>,
    matcher: Matcher,
}

/// A row to be written.
#[derive(Clone, Copy)]
enum Which<'a> {
    /// The one with this id, or handle.
    Of(&'a str),
    /// The one with this number, as long as it matches a condition.
    Matching(TokenId, &'a Meant),
}

impl Service {
    /// Merges properties into a row and returns it as it is then.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn loopback_merge(
        &self,
        app: &OpenApp,
        writer: &Writer,
        id: &str,
        data: &Value,
    ) -> Written<LoopBackRow> {
        self.write_row(app, writer, id, data, Rest::Stays).await
    }

    /// Replaces a row and returns it as it is then. Absent properties get the values of a new row; of a token
    /// created elsewhere, what LoopBack does not know stays.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn loopback_replace(
        &self,
        app: &OpenApp,
        writer: &Writer,
        id: &str,
        data: &Value,
    ) -> Written<LoopBackRow> {
        self.write_row(app, writer, id, data, Rest::Resets).await
    }

    /// Merges properties into every row that matches a condition, and returns how many there were. An id
    /// among the properties is ignored. Each row is written on its own, and before each page of them the
    /// caller's rights are checked again.
    ///
    /// # Errors
    ///
    /// The write failed for some or all of them.
    pub async fn loopback_update_all(
        &self,
        app: &OpenApp,
        writer: &Writer,
        condition: Condition,
        data: &Value,
    ) -> BulkWritten<u64> {
        if let Err(often) = self.may_write(app, writer) {
            return Ok(Err(WriteRefusal::TooOften(often).into()));
        }
        let input = match RowInput::read(data) {
            Ok(input) => RowInput { id: None, ..input },
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let filter = in_order_of_creation(&condition, Page::default());
        let meant = self.meant(app, condition);
        let (caller, allowance) = (&writer.caller, meant.matcher.allowance.clone());
        let pages = self.find_within(app, caller, Method::UpdateAll, filter, allowance).await?;
        let mut pages = match pages {
            Ok(pages) => pin!(pages),
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let mut count = 0;
        while let Some(rows) = pages.next().await.transpose()? {
            // Concurrently, so that they share commits.
            let writes = rows.iter().map(|row| {
                let row = Which::Matching(row.token_id, &meant);
                self.change(app, writer, Change { input: &input, rest: Rest::Stays, row })
            });
            for written in future::try_join_all(writes).await? {
                match written {
                    Ok(_) => count += 1,
                    // It was removed meanwhile, or no longer matches.
                    Err(WriteRefusal::NotFound) => {}
                    Err(refusal) => return Ok(Err(refusal.into())),
                }
            }
        }
        Ok(Ok(count))
    }

    /// Merges properties into the single row that matches a condition and returns it as it is then; `None` if
    /// none matches. An id among the properties is ignored.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn loopback_merge_matching(
        &self,
        app: &OpenApp,
        writer: &Writer,
        condition: Condition,
        data: &Value,
    ) -> BulkWritten<Option<LoopBackRow>> {
        if let Err(often) = self.may_write(app, writer) {
            return Ok(Err(WriteRefusal::TooOften(often).into()));
        }
        let input = match RowInput::read(data) {
            Ok(input) => RowInput { id: None, ..input },
            Err(refusal) => return Ok(Err(refusal.into())),
        };
        let meant = self.meant(app, condition);
        for _ in 0..MAX_TRIES {
            let two = in_order_of_creation(&meant.matcher.condition, Page { skip: 0, limit: Some(2) });
            let (caller, allowance) = (&writer.caller, meant.matcher.allowance.clone());
            let rows = match self.find_within(app, caller, Method::UpsertWithWhere, two, allowance).await? {
                Ok(pages) => pages.try_concat().await?,
                Err(refusal) => return Ok(Err(refusal.into())),
            };
            let row = match rows.as_slice() {
                [] => return Ok(Ok(None)),
                [row] => Which::Matching(row.token_id, &meant),
                _ => return Ok(Err(BulkRefusal::Several)),
            };
            match self.change(app, writer, Change { input: &input, rest: Rest::Stays, row }).await? {
                Ok(row) => return Ok(Ok(Some(row))),
                // It was removed meanwhile, or no longer matches.
                Err(WriteRefusal::NotFound) => {}
                Err(refusal) => return Ok(Err(refusal.into())),
            }
        }
        Err(Error::Contended)
    }

    /// Deletes a row, and returns whether there was one. Its id can be used again.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn loopback_delete(&self, app: &OpenApp, writer: &Writer, id: &str) -> Result<bool, Error> {
        let Some(stored) = self.loopback_token(app, id).await? else { return Ok(false) };
        Ok(self
            .store
            .write(DeleteToken { app_id: app.id, id: stored.token.id, at: self.now(), by: writer.cause() })
            .await?)
    }

    async fn write_row(
        &self,
        app: &OpenApp,
        writer: &Writer,
        id: &str,
        data: &Value,
        rest: Rest,
    ) -> Written<LoopBackRow> {
        if let Err(often) = self.may_write(app, writer) {
            return Ok(Err(WriteRefusal::TooOften(often)));
        }
        let input = match RowInput::read(data) {
            Ok(input) => input,
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.change(app, writer, Change { input: &input, rest, row: Which::Of(id) }).await
    }

    async fn change(&self, app: &OpenApp, writer: &Writer, change: Change<'_>) -> Written<LoopBackRow> {
        let before = self.cache.before();
        let _lock = match change.row {
            Which::Of(id) => self.locks.lock(("row", id)).await?,
            Which::Matching(id, _) => self.locks.lock(("token", id)).await?,
        };
        for _ in 0..MAX_TRIES {
            let Some(stored) = self.stored_row(app, change.row).await? else {
                return Ok(Err(WriteRefusal::NotFound));
            };
            if let Some(other) = &change.input.id
                && !self.is_id_of(other, &stored)
            {
                return Ok(Err(WriteRefusal::IdChanged));
            }
            let writer = &self.current_writer(app, writer, &before).await?;
            let (authority, max_bytes) = (writer.authority(app)?, self.limits.document_bytes);
            let terms = Terms { app, writer, authority, now: self.now(), max_bytes };
            let after = match merged(&stored.token, change.input, change.rest, &terms) {
                Ok(after) => after,
                Err(MergeError::Refused(refusal)) => return Ok(Err(refusal)),
                Err(MergeError::Unreadable) => return Err(Error::Unreadable("document of a token")),
            };
            let policies = &app.settings.common.policies;
            if let Err(policy) = policies.allow_change(writer.kind(), &stored.token, &after, terms.now) {
                return Ok(Err(policy.into()));
            }
            self.count_written(app, writer, 1);
            match self.replace(app, &stored, after.clone(), &writer.cause()).await? {
                Replaced::Done => return Ok(Ok(self.row(app, StoredToken { token: after, ..stored })?)),
                Replaced::NoRoom => return Ok(Err(WriteRefusal::TooManySelfMade)),
                Replaced::TooManyOfUser => return Ok(Err(too_many_of_user(app).into())),
                Replaced::Stale => {}
            }
        }
        Err(Error::Contended)
    }

    fn meant(&self, app: &OpenApp, condition: Condition) -> Meant {
        let matcher = Matcher::new(Arc::new(condition), self.allowance());
        Meant { app: Arc::new(app.clone()), matcher }
    }

    async fn stored_row(&self, app: &OpenApp, row: Which<'_>) -> Result<Option<StoredToken>, Error> {
        match row {
            Which::Of(id) => self.loopback_token(app, id).await,
            Which::Matching(id, Meant { app, matcher }) => {
                let stored = self.store.token(app.id, id).await?;
                let Some(stored) = stored.filter(|stored| is_seen(&stored.token, self.now())) else {
                    return Ok(None);
                };
                let matching = Matching::run(self, app, matcher.clone(), vec![stored.clone()], 0_u64).await?;
                Ok((matching.sink == 1).then_some(stored))
            }
        }
    }

    fn is_id_of(&self, id: &str, stored: &StoredToken) -> bool {
        handle_id(id) == Some(stored.token.id)
            || Secret::parse(id).is_ok_and(|secret| self.is_secret_of(&secret, stored))
    }
}

fn in_order_of_creation(condition: &Condition, page: Page) -> Filter {
    Filter { condition: condition.clone(), order: Order::creation(), page, ..Filter::default() }
}
