//! Applying writes within a transaction that the caller begins and commits.

mod apps;
mod budgets;
mod idempotency;
mod keys;
mod nodes;
mod operators;
mod per_user;
mod restore;
mod retention;
mod rotation;
mod self_made;
mod tokens;
mod usage;

pub(crate) use tokens::rows;

use crate::continuity::Entry;
use crate::error::StoreError;
use crate::model::Inserted;
use crate::schema::Changes;
use crate::session::Session;
use crate::statements::insertion::{MOST_KEPT_ON_SQLITE, Row};
use crate::statements::log::{MAX_WRITTEN, NewChange, insert_changes};
use crate::write::{Facts, Outcome, Writable, Write, writes};
use std::future::Future;

/// How a write is carried out.
pub(crate) trait Perform: Facts + Writable {
    /// Carries it out.
    fn perform<'w, S: Session>(
        &'w self,
        work: &mut Work<'_, 'w, S>,
    ) -> impl Future<Output = Result<Self::Answer, StoreError>> + Send;
}

/// Applies all writes and returns their outcomes in the same order. All of their tokens are inserted
/// together, and so are all of their entries in the change log: statements cost more than rows.
///
/// `rows`: the [`rows`](rows()) of all of them, in order. The writes belong to callers that wait at the same
/// time, so any order among them is valid: tokens are inserted first. `foresees`: assumes that no new token
/// is a duplicate.
///
/// `None`: one is, or, with concurrent writers, its tokens are sealed under another data key than the app's.
/// The transaction must be rolled back.
///
/// # Errors
///
/// One of the writes failed. The transaction must be rolled back.
pub(crate) async fn apply<S: Session>(
    session: &mut S,
    writes: &[&Write],
    rows: Vec<Row>,
    foresees: bool,
) -> Result<Option<Applied>, StoreError> {
    let (log, inserted) = (Vec::new(), Vec::new().into_iter());
    let mut work =
        Work { session, log, newest: None, given_out: None, foresees, is_as_foreseen: true, inserted };
    work.inserted = work.insert_tokens_of(writes, rows).await?.into_iter();
    if !work.is_as_foreseen {
        return Ok(None);
    }
    // The following writes have entries that come before those of their tokens.
    work.foresees = false;
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        outcomes.push(perform(write, &mut work).await?);
    }
    Ok(Some(Applied { newest: work.write_log().await?, outcomes }))
}

macro_rules! perform {
    ($($write:ident => $answer:ty,)*) => {
        /// Carries out any write.
        async fn perform<'w, S: Session>(
            write: &'w Write,
            work: &mut Work<'_, 'w, S>,
        ) -> Result<Outcome, StoreError> {
            Ok(match write {
                $(Write::$write(write) => Outcome::$write(write.perform(work).await?),)*
            })
        }
    };
}

writes!(perform);

/// The result of writes.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) outcomes: Vec<Outcome>,
    /// The entry in the change log with the greatest number, if there are any.
    pub(crate) newest: Option<Entry>,
}

/// The state of one transaction.
pub(crate) struct Work<'s, 'w, S> {
    session: &'s mut S,
    /// The entries for the change log, written at the end.
    log: Vec<NewChange<'w>>,
    /// The last entry that is written already.
    newest: Option<Entry>,
    /// The number of the last token, if it is known and none was inserted since.
    given_out: Option<i64>,
    /// Whether new tokens are assumed to be no duplicates, and the assumption held.
    foresees: bool,
    is_as_foreseen: bool,
    /// The outcomes for the tokens of all writes, which were inserted first, in order.
    inserted: std::vec::IntoIter<Inserted>,
}

impl<S: Session> Work<'_, '_, S> {
    /// Numbers are assigned in the order of the entries.
    async fn write_log(&mut self) -> Result<Option<Entry>, StoreError> {
        let mut newest = self.newest;
        let most = if S::NUMBERS_IN_ORDER { MOST_KEPT_ON_SQLITE } else { MAX_WRITTEN };
        for changes in self.log.chunks(most) {
            let sequence = self.session.append(insert_changes(changes), Changes::Sequence).await?;
            newest = changes.last().map(|change| Entry { sequence, at: change.at.as_millis() });
        }
        Ok(newest)
    }
}
