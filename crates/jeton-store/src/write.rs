//! Writes as values, with the types of their answers.
//!
//! The macro `writes!` is the one list of them. What a write does, and the facts about it, are in `apply/`;
//! nothing else names each write, so a new one is a struct and a row of the list here, its application, its
//! statement and its caller.

pub use crate::budgets::{GiveBack, TakePortion};
pub use crate::key_writes::{ActivateKey, AddKey, ForgetKey, ReplaceDataKey, ReplaceDigests, RetireKey};
pub use crate::nodes::{ForgetNode, NoteNode};

use crate::error::StoreError;
use crate::keys::{KeyRetired, NewDigest};
use crate::model::{
    AppChange, AppChanged, AppCreated, Genesis, Initialised, Inserted, KeyClaim, NewApp, NewOperator,
    NewToken, Purge, Replaced, Restore, Restored, SelfMadeLimit, TokenUse,
};
use jeton_core::{AppId, Cause, Digest, OperatorId, Portion, Timestamp, Token, TokenId};
use std::sync::Arc;

/// Creates an app and its first token.
#[derive(Clone, Debug)]
pub struct CreateApp {
    /// The app.
    pub app: NewApp,
    /// Its first token.
    pub admin: NewToken,
    /// Who creates it.
    pub by: Cause,
}

/// Changes an app if its revision is still `expected`.
#[derive(Clone, Debug)]
pub struct ChangeApp {
    /// The app.
    pub id: AppId,
    /// The revision that it was read at.
    pub expected: i64,
    /// The changes.
    pub change: AppChange,
    /// When.
    pub at: Timestamp,
    /// Who changes it.
    pub by: Cause,
}

/// Deletes an app: once answered, neither it nor any of its tokens can be found. Its data key and its client
/// secret are wiped at once; rows are left for [`SweepDeletedApps`]. `false` if there is no such app.
#[derive(Clone, Debug)]
pub struct DeleteApp {
    /// The app.
    pub id: AppId,
    /// When.
    pub at: Timestamp,
    /// Who deletes it.
    pub by: Cause,
}

/// Removes tokens of deleted apps, and returns how many; 0 when none are left.
#[derive(Clone, Copy, Debug)]
pub struct SweepDeletedApps {
    /// At most this many.
    pub limit: u32,
}

/// Removes the sealed values of tokens of an app, and returns how many; 0 when none are left.
#[derive(Clone, Copy, Debug)]
pub struct SweepSealed {
    /// The app.
    pub id: AppId,
    /// At most this many tokens.
    pub limit: u32,
}

/// Removes tokens whose retention time is over and returns how many; 0 when none are left. Leaves one entry
/// in the change log for each app that had any.
#[derive(Clone, Debug)]
pub struct PurgeTokens {
    /// Which.
    pub which: Purge,
    /// Those that expired or were revoked before this instant.
    pub before: Timestamp,
    /// At most this many.
    pub limit: u32,
    /// When.
    pub at: Timestamp,
    /// Who removes them.
    pub by: Cause,
}

/// Removes entries from the start of the change log, up to the first that is not older than `before`, and
/// returns how many. The last entry always stays. Readers that had not read them yet notice by
/// [`log_state`](crate::Store::log_state).
#[derive(Clone, Copy, Debug)]
pub struct TrimChanges {
    /// Those that are older than this instant.
    pub before: Timestamp,
    /// At most this many.
    pub limit: u32,
}

/// Removes the sealed secrets of removed tokens from old entries of the change log, and returns from how
/// many; 0 when none are left.
#[derive(Clone, Copy, Debug)]
pub struct EraseRemovedSecrets {
    /// From those that are older than this instant.
    pub before: Timestamp,
    /// At most this many.
    pub limit: u32,
}

/// Issues tokens of an app, each on its own: the answers are in the order of the tokens. An app that was
/// deleted meanwhile accepts them, but they stay unknown.
///
/// Up to 1,024 are inserted in one transaction, all or none. More take several, one after the other, so that
/// the writes of others come in between: if one fails, those before it stay.
#[derive(Clone, Debug)]
pub struct InsertTokens {
    /// The app.
    pub app_id: AppId,
    /// The tokens.
    pub tokens: Vec<NewToken>,
    /// The limit on the app's self-made tokens, with any number of concurrent writers anywhere. If there is
    /// no room, those that have expired at `at` are removed for it, which the change log records as a purge.
    pub self_made: SelfMadeLimit,
    /// How many tokens of a user may be live afterwards, with any number of concurrent writers anywhere; `None`: any number. Counted
    /// are those that prove the user, and of those that have expired, all but the oldest 1,000.
    pub per_user: Option<u32>,
    /// The app's data key that they are sealed under, as the app has it. If it has another or none at the
    /// time of the write, none of them is inserted: [`Inserted::KeyGone`]. `None`: any key.
    pub sealed_under: Option<Arc<[u8]>>,
    /// When.
    pub at: Timestamp,
    /// Who issues them.
    pub by: Cause,
}

/// Replaces the token with this number if it is not revoked, its revision is still `expected`, and there is
/// room for it if it becomes self-made or a larger self-made one. The secret, the number and the app stay as
/// they are.
#[derive(Clone, Debug)]
pub struct ReplaceToken {
    /// The new state of the token.
    pub token: Token,
    /// The revision that it was read at.
    pub expected: i64,
    /// The limit if it becomes self-made: see [`InsertTokens`].
    pub self_made: SelfMadeLimit,
    /// The limit if its user gets one more live token by it, and `None` if not: see [`InsertTokens`].
    pub per_user: Option<u32>,
    /// Whether it has fewer rights than before and no new ones: then it is also done on a full disk.
    pub takes_away: bool,
    /// Who replaces it.
    pub by: Cause,
}

/// Gives a token another secret, if its revision is still `expected` and the app's data key is the one that it is sealed under. The
/// secret of before finds the token until an instant, and those before it at most as long; of them all, the latest 16 tell afterwards
/// whose they were. `false`: it is not as it was expected to be, and nothing is done.
#[derive(Clone, Debug)]
pub struct RotateToken {
    /// The app.
    pub app_id: AppId,
    /// The token.
    pub id: TokenId,
    /// The revision that it was read at.
    pub expected: i64,
    /// The digest of the new secret.
    pub digest: Digest,
    /// The key of that digest.
    pub digest_key_id: u32,
    /// The new secret, sealed; `None`: it is not kept.
    pub sealed: Option<Vec<u8>>,
    /// The app's data key that it is sealed under: see [`InsertTokens`].
    pub sealed_under: Option<Arc<[u8]>>,
    /// When the secret of before ends: at `at` or later.
    pub old_until: Timestamp,
    /// When.
    pub at: Timestamp,
    /// Who rotates it.
    pub by: Cause,
}

/// Notes that a secret was presented that a rotation had ended: its token stays as it is.
#[derive(Clone, Debug)]
pub struct ReportReuse {
    /// The app.
    pub app_id: AppId,
    /// The token.
    pub id: TokenId,
    /// When.
    pub at: Timestamp,
    /// Who noticed it, and from where the secret came.
    pub by: Cause,
}

/// Revokes a token: its digest stays as a tombstone, its sealed value is moved to the change log for a while.
/// `false` if there is no such token or it was revoked before.
#[derive(Clone, Debug)]
pub struct RevokeToken {
    /// The app.
    pub app_id: AppId,
    /// The token.
    pub id: TokenId,
    /// When.
    pub at: Timestamp,
    /// Who revokes it.
    pub by: Cause,
}

/// Revokes many tokens, each as [`RevokeToken`] does, and answers how many that were: those that are not there or were revoked
/// before are passed over.
#[derive(Clone, Debug)]
pub struct RevokeTokens {
    /// The app.
    pub app_id: AppId,
    /// The tokens. At most 500.
    pub ids: Vec<TokenId>,
    /// When.
    pub at: Timestamp,
    /// Who revokes them.
    pub by: Cause,
}

/// Deletes a token as LoopBack does: nothing of it is left, and its secret can be used again. `false` if
/// there is no such token or it was revoked before.
#[derive(Clone, Debug)]
pub struct DeleteToken {
    /// The app.
    pub app_id: AppId,
    /// The token.
    pub id: TokenId,
    /// When.
    pub at: Timestamp,
    /// Who removes it.
    pub by: Cause,
}

/// Adds to the recorded use of tokens, each of them named at most once. Tokens that are gone are skipped.
/// Changes no revision and leaves no entry in the change log.
#[derive(Clone, Debug)]
pub struct AddUsage {
    /// How they were used.
    pub uses: Vec<TokenUse>,
}

/// Creates an operator. `None`: another one has this name.
#[derive(Clone, Debug)]
pub struct CreateOperator {
    /// The operator.
    pub operator: NewOperator,
    /// Who creates it.
    pub by: Cause,
}

/// Revokes an operator. `false` if there is none of this number or it was revoked before.
#[derive(Clone, Debug)]
pub struct RevokeOperator {
    /// The operator.
    pub id: OperatorId,
    /// When.
    pub at: Timestamp,
    /// Who revokes it.
    pub by: Cause,
}

/// Claims the key under which an operator asks for something that is to be done once. Keys that were claimed before
/// `forget_before` are forgotten.
#[derive(Clone, Debug)]
pub struct ClaimKey {
    /// Whose key.
    pub operator_id: OperatorId,
    /// The digest of the key.
    pub key: Digest,
    /// The digest of what is asked.
    pub request: Digest,
    /// When.
    pub at: Timestamp,
    /// Keys are kept that are not older than this instant.
    pub forget_before: Timestamp,
    /// How many an operator may have.
    pub most: u64,
}

/// Notes what was made under a key that was claimed, or takes the key back.
#[derive(Clone, Debug)]
pub struct SettleKey {
    /// Whose key.
    pub operator_id: OperatorId,
    /// The digest of the key.
    pub key: Digest,
    /// The number of what was made; `None`: nothing was.
    pub subject_id: Option<i64>,
}

/// The facts about a write before it is made.
pub(crate) trait Facts {
    /// What it may change.
    fn touches(&self) -> Touched<'_>;

    /// The queue that it waits in.
    fn line(&self) -> WriteLine {
        WriteLine::Everything
    }

    /// The approximate number of rows that it writes.
    fn weight(&self) -> usize {
        1
    }

    /// Whether it reduces rights, and extends none.
    fn takes_away(&self) -> bool {
        false
    }

    /// Whether it leaves entries in the change log.
    fn is_logged(&self) -> bool {
        true
    }

    /// Whether it wipes keys or sealed values that must not stay readable in files.
    fn wipes(&self) -> bool {
        false
    }
}

/// One sort of write. What it is given goes in, and what came of it comes out.
pub trait Writable: Into<Write> {
    /// What it is answered with.
    type Answer;

    /// Takes the answer out of the outcome of this write.
    ///
    /// # Errors
    /// The outcome is of another write: a bug of the store that answered.
    fn answer(outcome: Outcome) -> Result<Self::Answer, StoreError>;
}

/// What there is of each write beside its struct.
macro_rules! declare {
    ($($write:ident => $answer:ty,)*) => {
        /// Something to be written, in one transaction.
        #[derive(Debug)]
        pub enum Write {
            $(#[doc = concat!("See the struct [`", stringify!($write), "`].")]
            $write(Box<$write>),)*
        }

        /// The answer to a write.
        #[derive(Debug)]
        pub enum Outcome {
            $(#[doc = concat!("Of a [`", stringify!($write), "`].")]
            $write($answer),)*
        }

        impl Write {
            /// What there is to know about it.
            fn facts(&self) -> &dyn Facts {
                match self {
                    $(Write::$write(write) => &**write,)*
                }
            }
        }

        $(impl From<$write> for Write {
            fn from(write: $write) -> Self {
                Write::$write(Box::new(write))
            }
        }

        impl Writable for $write {
            type Answer = $answer;

            fn answer(outcome: Outcome) -> Result<$answer, StoreError> {
                match outcome {
                    Outcome::$write(answer) => Ok(answer),
                    other => Err(other.misplaced()),
                }
            }
        })*
    };
}

/// The one list of writes, each with what it is answered: hands it to another macro.
macro_rules! writes {
    ($then:ident) => {
        $then! {
            Genesis => Initialised,
            CreateApp => AppCreated,
            ChangeApp => AppChanged,
            DeleteApp => bool,
            SweepDeletedApps => u64,
            SweepSealed => u64,
            PurgeTokens => u64,
            TrimChanges => u64,
            EraseRemovedSecrets => u64,
            Restore => Restored,
            InsertTokens => Vec<Inserted>,
            ReplaceToken => Replaced,
            RotateToken => bool,
            ReportReuse => (),
            RevokeToken => bool,
            RevokeTokens => u64,
            DeleteToken => bool,
            AddUsage => (),
            TakePortion => Option<Portion>,
            GiveBack => (),
            CreateOperator => Option<OperatorId>,
            RevokeOperator => bool,
            ClaimKey => KeyClaim,
            SettleKey => (),
            ReplaceDigests => u64,
            ReplaceDataKey => bool,
            AddKey => bool,
            ActivateKey => (),
            RetireKey => KeyRetired,
            ForgetKey => u64,
            NoteNode => (),
            ForgetNode => bool,
        }
    };
}

pub(crate) use writes;

writes!(declare);

impl Outcome {
    /// The error for an answer that is not to the question that was asked.
    fn misplaced(&self) -> StoreError {
        StoreError::unavailable(format!("a write was answered with {self:?}"))
    }
}

/// What a write may change, for caches of what was read before. What only says
/// what is remembered nowhere (sealed values, uses, operators, rows that nothing finds) is not named.
#[derive(Clone, Copy, Debug, Default)]
pub struct Touched<'w> {
    /// Apps: one that is made, changed or deleted.
    pub apps: bool,
    /// Tokens that come, perhaps in the place of a digest that was sought in vain.
    pub arrivals: &'w [NewToken],
    /// Digests that tokens have from now on.
    pub digests: &'w [NewDigest],
    /// A token that is changed or goes.
    pub token: Option<TokenId>,
    /// Tokens that go together.
    pub tokens: &'w [TokenId],
    /// Tokens that no write names: they go because they have expired, or were revoked long ago.
    pub dead: bool,
    /// Everything there is.
    pub everything: bool,
}

/// Whose line a write waits in for its turn. An app's new tokens wait apart from changes of what it has:
/// however many are being made, a token is revoked or disabled without waiting for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum WriteLine {
    /// What operators ask for, and upkeep, for all apps.
    Everything,
    NewTokens(AppId),
    Changes(AppId),
    /// What servers take of tokens' limits.
    Portions(AppId),
}

impl Write {
    /// What may be otherwise once it is made.
    pub fn touches(&self) -> Touched<'_> {
        self.facts().touches()
    }

    /// Whose line it waits in.
    pub(crate) fn line(&self) -> WriteLine {
        self.facts().line()
    }

    /// How many rows it is about to write, roughly: what the size of a group is counted in.
    pub(crate) fn weight(&self) -> usize {
        self.facts().weight()
    }

    /// Whether it reduces rights, and extends none: such a write is made also where
    /// the disk is full.
    pub(crate) fn takes_away(&self) -> bool {
        self.facts().takes_away()
    }

    /// Whether it leaves entries in the change log.
    pub(crate) fn is_logged(&self) -> bool {
        self.facts().is_logged()
    }

    /// Whether it wipes keys or sealed values that must not stay readable in files.
    pub(crate) fn wipes(&self) -> bool {
        self.facts().wipes()
    }
}
