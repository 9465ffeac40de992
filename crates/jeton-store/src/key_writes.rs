//! Writes about the keys of the ring: see [`mod@crate::write`].

use crate::keys::NewDigest;
use crate::model::KeyCheck;
use jeton_core::{AppId, Cause, Timestamp};

/// Gives rows other digests of the same secrets, made by this key, each if the row still has the one of before, and answers how many
/// were given. Changes no revision of tokens, and leaves no entry in the change log.
#[derive(Clone, Debug)]
pub struct ReplaceDigests {
    /// The key.
    pub key_id: u32,
    /// The digests. At most some hundred.
    pub digests: Vec<NewDigest>,
}

/// Gives an app its data key in another form, which another key of the ring seals. `false`: it has another one by now. Leaves no
/// entry in the change log: whoever seals with the former one is told so, and reads the app again.
#[derive(Clone, Debug)]
pub struct ReplaceDataKey {
    /// The app.
    pub app_id: AppId,
    /// The form of before.
    pub was: Vec<u8>,
    /// The form from now on.
    pub data_key: Vec<u8>,
}

/// Makes a key known to the database. `false`: it is known already.
#[derive(Clone, Debug)]
pub struct AddKey {
    /// Its check value.
    pub key: KeyCheck,
    /// When.
    pub at: Timestamp,
    /// Who adds it.
    pub by: Cause,
}

/// Notes in the change log that a key is the one that writes from now on.
#[derive(Clone, Debug)]
pub struct ActivateKey {
    /// The key.
    pub key_id: u32,
    /// When.
    pub at: Timestamp,
    /// Who activates it.
    pub by: Cause,
}

/// Retires a key, if no row needs it: from then on no ring must have it.
#[derive(Clone, Debug)]
pub struct RetireKey {
    /// The key.
    pub key_id: u32,
    /// The check value of what the ring keeps of it.
    pub check: Vec<u8>,
    /// When.
    pub at: Timestamp,
    /// Who retires it.
    pub by: Cause,
}

/// Notes that nothing of a key that was retired is needed any more, if that is so: then no ring must have anything of it. Answers
/// how many rows still need it, at least.
#[derive(Clone, Copy, Debug)]
pub struct ForgetKey {
    /// The key.
    pub key_id: u32,
}
