//! An app as use cases need it.

use crate::keys::DataKey;
use crate::settings::AppSettings;
use jeton_core::{AppId, AppKey, Digest};
use jeton_loopback::Profile;

/// An app with its settings read and its data key at hand.
#[derive(Clone, Debug)]
pub struct OpenApp {
    /// Its number.
    pub id: AppId,
    /// Its public name.
    pub key: AppKey,
    /// What it decided for itself.
    pub settings: AppSettings,
    /// The key of its secrets; `None` while nothing is sealed.
    pub(crate) data_key: Option<DataKey>,
    /// The name of its client credentials.
    pub(crate) client_id: String,
    /// The digest of its client secret.
    pub(crate) client_secret: Digest,
}

impl OpenApp {
    /// What its LoopBack clients expect: the only place that says which version that is.
    pub fn loopback_profile(&self) -> &'static Profile {
        &Profile::V2
    }
}
