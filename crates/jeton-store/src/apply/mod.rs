//! Applying writes within a transaction that the caller begins and commits.

mod apps;
mod operators;
mod restore;
mod retention;
mod self_made;
mod tokens;
mod usage;

use crate::error::StoreError;
use crate::model::Inserted;
use crate::session::Session;
use crate::statements::log::{MAX_WRITTEN, NewChange, insert_changes};
use crate::write::{Outcome, Write};

/// Applies all writes and returns their outcomes in the same order. All of their tokens go in together, and all of
/// their entries of the change log: statements cost more than rows.
///
/// The writes are of callers that wait at the same time, so the order among them is free: tokens go in first.
///
/// # Errors
/// One of the writes failed. The transaction must be rolled back.
pub(crate) async fn apply<S: Session>(
    session: &mut S,
    writes: &[&Write],
) -> Result<Vec<Outcome>, StoreError> {
    let mut work = Work { session, log: Vec::new() };
    let mut inserted = work.insert_tokens_of(writes).await?.into_iter();
    let mut outcomes = Vec::with_capacity(writes.len());
    for write in writes {
        outcomes.push(work.apply(write, &mut inserted).await?);
    }
    work.write_log().await?;
    Ok(outcomes)
}

/// What is being done within one transaction.
struct Work<'s, 'w, S> {
    session: &'s mut S,
    /// The entries of the change log, written at the end.
    log: Vec<NewChange<'w>>,
}

impl<'w, S: Session> Work<'_, 'w, S> {
    /// Applies one write. What became of tokens that went in before is taken from `inserted`.
    async fn apply(
        &mut self,
        write: &'w Write,
        inserted: &mut (impl Iterator<Item = Inserted> + Send),
    ) -> Result<Outcome, StoreError> {
        Ok(match write {
            Write::Initialise(genesis) => Outcome::Initialised(self.initialise(genesis).await?),
            Write::CreateApp(new) => Outcome::AppCreated(self.create_app(new).await?),
            Write::ChangeApp { id, expected, change, at, by } => {
                Outcome::AppChanged(self.change_app(*id, *expected, change, *at, by).await?)
            }
            Write::DeleteApp { id, at, by } => Outcome::Done(self.delete_app(*id, *at, by).await?),
            Write::SweepDeletedApps { limit } => Outcome::Swept(self.sweep_deleted_apps(*limit).await?),
            Write::SweepSealed { id, limit } => Outcome::Swept(self.sweep_sealed(*id, *limit).await?),
            Write::PurgeTokens { which, before, limit, at, by } => {
                Outcome::Swept(self.purge_tokens(*which, *before, *limit, *at, by).await?)
            }
            Write::TrimChanges { before, limit, order } => {
                Outcome::Swept(self.trim_changes(*before, *limit, *order).await?)
            }
            Write::EraseRemovedSecrets { before, limit } => {
                Outcome::Swept(self.erase_removed_secrets(*before, *limit).await?)
            }
            Write::Restore(wish) => Outcome::Restored(self.restore(wish).await?),
            Write::InsertTokens { tokens, .. } => {
                Outcome::Inserted(inserted.by_ref().take(tokens.len()).collect())
            }
            Write::ReplaceToken { replacement, by } => {
                Outcome::Replaced(self.replace_token(replacement, by).await?)
            }
            Write::RevokeToken { app_id, id, at, by } => {
                Outcome::Done(self.revoke_token(*app_id, *id, *at, by).await?)
            }
            Write::DeleteToken { app_id, id, at, by } => {
                Outcome::Done(self.delete_token(*app_id, *id, *at, by).await?)
            }
            Write::AddUsage { uses } => Outcome::Done(self.add_usage(uses).await?),
            Write::CreateOperator { operator, by } => {
                Outcome::OperatorCreated(self.create_operator(operator, by).await?)
            }
            Write::RevokeOperator { id, at, by } => Outcome::Done(self.revoke_operator(*id, *at, by).await?),
        })
    }

    async fn write_log(&mut self) -> Result<(), StoreError> {
        for changes in self.log.chunks(MAX_WRITTEN) {
            self.session.run(insert_changes(changes)).await?;
        }
        Ok(())
    }
}
