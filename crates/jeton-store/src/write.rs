//! Writes as data, so that one place can apply them, alone or many in one transaction.

use crate::error::StoreError;
use crate::model::{
    AppChange, AppChanged, AppCreated, Genesis, Initialised, Inserted, NewApp, NewOperator, NewToken, Purge,
    Replaced, Replacement, Restore, Restored, SelfMadeLimit, TokenUse,
};
use crate::statements::log::LogOrder;
use jeton_core::{Actor, AppId, OperatorId, Timestamp, TokenId};

/// One call of a writing method of [`Store`](crate::Store).
#[derive(Debug)]
pub(crate) enum Write {
    Initialise(Box<Genesis>),
    CreateApp(Box<NewAppWithAdmin>),
    ChangeApp { id: AppId, expected: i64, change: AppChange, at: Timestamp, by: Actor },
    DeleteApp { id: AppId, at: Timestamp, by: Actor },
    SweepDeletedApps { limit: u32 },
    SweepSealed { id: AppId, limit: u32 },
    PurgeTokens { which: Purge, before: Timestamp, limit: u32, at: Timestamp, by: Actor },
    Restore(Box<Restore>),
    TrimChanges { before: Timestamp, limit: u32, order: LogOrder },
    EraseRemovedSecrets { before: Timestamp, limit: u32 },
    InsertTokens { app_id: AppId, tokens: Vec<NewToken>, self_made: SelfMadeLimit, at: Timestamp, by: Actor },
    ReplaceToken { replacement: Box<Replacement>, by: Actor },
    DeleteToken { app_id: AppId, id: TokenId, at: Timestamp, by: Actor },
    RevokeToken { app_id: AppId, id: TokenId, at: Timestamp, by: Actor },
    AddUsage { uses: Vec<TokenUse> },
    CreateOperator { operator: NewOperator, by: Actor },
    RevokeOperator { id: OperatorId, at: Timestamp, by: Actor },
}

/// An app with its first token.
#[derive(Debug)]
pub(crate) struct NewAppWithAdmin {
    pub(crate) app: NewApp,
    pub(crate) admin: NewToken,
    pub(crate) by: Actor,
}

/// Whose line a write waits in for its turn. An app's new tokens wait apart from changes of what it has: however many are
/// being made, a token is revoked or disabled without waiting for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WriteLine {
    /// What operators ask for, and upkeep, for all apps.
    Everything,
    NewTokens(AppId),
    Changes(AppId),
}

impl Write {
    /// Whose line it waits in.
    pub(crate) fn line(&self) -> WriteLine {
        match self {
            Write::InsertTokens { app_id, .. } => WriteLine::NewTokens(*app_id),
            Write::ChangeApp { id, .. } | Write::DeleteApp { id, .. } => WriteLine::Changes(*id),
            Write::ReplaceToken { replacement, .. } => WriteLine::Changes(replacement.token.app_id),
            Write::DeleteToken { app_id, .. } | Write::RevokeToken { app_id, .. } => {
                WriteLine::Changes(*app_id)
            }
            Write::Initialise(_)
            | Write::CreateApp(_)
            | Write::SweepDeletedApps { .. }
            | Write::SweepSealed { .. }
            | Write::PurgeTokens { .. }
            | Write::Restore(_)
            | Write::TrimChanges { .. }
            | Write::EraseRemovedSecrets { .. }
            | Write::AddUsage { .. }
            | Write::CreateOperator { .. }
            | Write::RevokeOperator { .. } => WriteLine::Everything,
        }
    }

    /// How many rows it is about to write, roughly: what the size of a group is counted in.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Write::InsertTokens { tokens, .. } => tokens.len(),
            Write::AddUsage { uses } => uses.len(),
            Write::SweepDeletedApps { limit }
            | Write::SweepSealed { limit, .. }
            | Write::PurgeTokens { limit, .. }
            | Write::TrimChanges { limit, .. }
            | Write::EraseRemovedSecrets { limit, .. } => *limit as usize,
            // Nobody's write comes after it in the same transaction, to be replaced with all the rest.
            Write::Restore(_) => usize::MAX,
            _ => 1,
        }
    }

    /// Whether somebody has fewer rights once it is made, and nobody more: such a write is made also where the disk is full. Of
    /// an app, whatever is changed: its settings may take rights away, and operators alone change them.
    pub(crate) fn takes_away(&self) -> bool {
        match self {
            Write::RevokeToken { .. }
            | Write::DeleteToken { .. }
            | Write::RevokeOperator { .. }
            | Write::ChangeApp { .. }
            | Write::DeleteApp { .. } => true,
            Write::ReplaceToken { replacement, .. } => replacement.takes_away,
            Write::Initialise(_)
            | Write::CreateApp(_)
            | Write::SweepDeletedApps { .. }
            | Write::SweepSealed { .. }
            | Write::PurgeTokens { .. }
            | Write::Restore(_)
            | Write::TrimChanges { .. }
            | Write::EraseRemovedSecrets { .. }
            | Write::InsertTokens { .. }
            | Write::AddUsage { .. }
            | Write::CreateOperator { .. } => false,
        }
    }

    /// Whether it leaves entries in the change log.
    pub(crate) fn is_logged(&self) -> bool {
        match self {
            Write::SweepDeletedApps { .. }
            | Write::SweepSealed { .. }
            | Write::TrimChanges { .. }
            | Write::EraseRemovedSecrets { .. }
            | Write::AddUsage { .. } => false,
            Write::Initialise(_)
            | Write::CreateApp(_)
            | Write::ChangeApp { .. }
            | Write::DeleteApp { .. }
            | Write::PurgeTokens { .. }
            | Write::Restore(_)
            | Write::InsertTokens { .. }
            | Write::ReplaceToken { .. }
            | Write::DeleteToken { .. }
            | Write::RevokeToken { .. }
            | Write::CreateOperator { .. }
            | Write::RevokeOperator { .. } => true,
        }
    }

    /// Whether it wipes keys or sealed values that must not stay readable in files.
    pub(crate) fn wipes(&self) -> bool {
        match self {
            Write::ChangeApp { change, .. } => change.data_key.is_some() || change.client_secret.is_some(),
            Write::Restore(_)
            | Write::DeleteApp { .. }
            | Write::SweepSealed { .. }
            | Write::EraseRemovedSecrets { .. }
            | Write::SweepDeletedApps { .. } => true,
            _ => false,
        }
    }
}

/// The answer to a write.
#[derive(Debug)]
pub(crate) enum Outcome {
    Initialised(Initialised),
    AppCreated(AppCreated),
    AppChanged(AppChanged),
    Inserted(Vec<Inserted>),
    Replaced(Replaced),
    OperatorCreated(OperatorId),
    /// Whether there was anything to do.
    Done(bool),
    Restored(Restored),
    /// How many rows.
    Swept(u64),
}

impl Outcome {
    /// The error for an answer that is not to the question that was asked: a mistake in this crate.
    pub(crate) fn misplaced(&self) -> StoreError {
        StoreError::unavailable(format!("a write was answered with {self:?}"))
    }
}
