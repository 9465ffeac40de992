//! An app as use cases need it.

use crate::keys::DataKey;
use jeton_core::{AppId, AppKey, Digest, Settings};

/// An app with its settings read and its data key at hand.
#[derive(Clone, Debug)]
pub struct OpenApp {
    /// Its number.
    pub id: AppId,
    /// Its public name.
    pub key: AppKey,
    /// What it decided for itself.
    pub settings: Settings,
    /// The key of its secrets; `None` while nothing is sealed.
    pub(crate) data_key: Option<DataKey>,
    /// The name of its client credentials.
    pub(crate) client_id: String,
    /// The digest of its client secret.
    pub(crate) client_secret: Digest,
}
