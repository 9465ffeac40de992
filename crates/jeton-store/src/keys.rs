//! What the store knows of the keys of the ring: which of them rows were made with, and how rows are made with others.

use jeton_core::{AppId, Digest, OperatorId, TokenId};

/// A digest that was made with another key than the current one.
#[derive(Clone, Debug, PartialEq)]
pub struct OldDigest {
    /// Whose it is.
    pub place: DigestPlace,
    /// The digest.
    pub digest: Digest,
    /// The key that made it: of several, the last.
    pub key_id: u32,
    /// The key that made the first one of it, from the secret, if that is another.
    pub first_key_id: Option<u32>,
    /// The sealed secret, if it is that of a token that keeps it.
    pub sealed: Option<Vec<u8>>,
}

/// Whose digest something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestPlace {
    /// Of the secret that a token shows.
    Token(AppId, TokenId),
    /// A further one of a token.
    Further(AppId),
    /// The client secret of an app.
    Client(AppId),
    /// A client secret beside that.
    OldClient(AppId),
    /// Of the token of an operator.
    Operator(OperatorId),
}

impl DigestPlace {
    /// The app; `None`: an operator has none.
    pub const fn app_id(&self) -> Option<AppId> {
        match self {
            DigestPlace::Token(id, _)
            | DigestPlace::Further(id)
            | DigestPlace::Client(id)
            | DigestPlace::OldClient(id) => Some(*id),
            DigestPlace::Operator(_) => None,
        }
    }

    /// Whether it is that of a token.
    pub const fn is_of_token(&self) -> bool {
        matches!(self, DigestPlace::Token(..) | DigestPlace::Further(_))
    }
}

/// A digest that takes the place of another one of the same secret.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDigest {
    /// Whose it is.
    pub place: DigestPlace,
    /// The digest in whose place it comes.
    pub was: Digest,
    /// The digest.
    pub digest: Digest,
    /// The key that made the first one of it, if that is not the key that made it.
    pub first_key_id: Option<u32>,
    /// The secret of a token, sealed for its new digest, if it keeps it.
    pub sealed: Option<Vec<u8>>,
}

/// What rows need a key for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum KeyUse {
    /// Digests of the secrets that tokens show.
    Tokens,
    /// Further digests of tokens.
    FurtherSecrets,
    /// Digests of client secrets.
    ClientSecrets,
    /// Digests of the tokens of operators.
    Operators,
    /// Data keys of apps, which it seals.
    DataKeys,
    /// Digests of whatever, made by a later key from the ones that this key has made.
    Begun,
}

/// How many rows need a key for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUses {
    /// The key.
    pub key_id: u32,
    /// For what.
    pub what: KeyUse,
    /// How many.
    pub rows: u64,
}

/// The answer to [`RetireKey`](crate::write::RetireKey).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRetired {
    /// It is retired.
    Done,
    /// It was retired before.
    Before,
    /// So many rows need it, at least.
    Needed(u64),
    /// The database does not know it.
    Unknown,
}

/// The keys that made the digest of a client secret: the last, and the first if that is another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientKey {
    pub(crate) key_id: u32,
    pub(crate) first_key_id: Option<u32>,
}
