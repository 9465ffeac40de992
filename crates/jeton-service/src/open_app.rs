//! Apps in the form that use cases need.

use crate::keys::DataKey;
use crate::settings::AppSettings;
use jeton_core::{AppId, AppKey, ForwardAuthSettings};
use jeton_loopback::Profile;
use jeton_store::Credential;
use std::sync::{Arc, LazyLock};

/// An app with its settings parsed and its data key unsealed.
#[derive(Clone, Debug)]
pub struct OpenApp {
    /// Its number.
    pub id: AppId,
    /// Its public name.
    pub key: AppKey,
    /// Its settings.
    pub settings: AppSettings,
    /// The key of its secrets; `None` if secrets are not kept.
    pub(crate) data_key: Option<DataKey>,
    /// The name of its client credentials.
    pub(crate) client_id: String,
    /// The digests of its client secrets, whether or not they are good at the moment.
    pub(crate) client_secrets: Vec<Credential>,
}

impl OpenApp {
    /// The version of LoopBack that its clients expect; decided only here.
    pub fn loopback_profile(&self) -> &'static Profile {
        &Profile::V2
    }
}

/// The app in which a token is looked up.
#[derive(Clone, Copy, Debug)]
pub enum AppRef<'a> {
    /// The one with this key, if it exists.
    Key(&'a AppKey),
    /// This one, which the caller knows to exist; `None`: the caller knows that there is none.
    Known(Option<AppId>),
}

impl<'a> From<&'a AppKey> for AppRef<'a> {
    fn from(key: &'a AppKey) -> Self {
        AppRef::Key(key)
    }
}

impl From<AppId> for AppRef<'_> {
    fn from(id: AppId) -> Self {
        AppRef::Known(Some(id))
    }
}

/// An app as gateways need it, or the absence of one.
#[derive(Clone, Debug)]
pub struct ForwardAuthApp {
    /// Its number; `None`: there is no such app.
    pub(crate) id: Option<AppId>,
    /// `None`: the defaults, which most apps have.
    settings: Option<Arc<ForwardAuthSettings>>,
}

impl ForwardAuthApp {
    /// No app, with settings that do not reveal that.
    pub const NONE: Self = ForwardAuthApp { id: None, settings: None };

    pub(crate) fn new(id: AppId, settings: ForwardAuthSettings) -> Self {
        let settings = (settings != *DEFAULTS).then(|| Arc::new(settings));
        ForwardAuthApp { id: Some(id), settings }
    }

    /// Its settings of forward-auth. For no app they do not reveal that.
    pub fn settings(&self) -> &ForwardAuthSettings {
        self.settings.as_deref().unwrap_or(&DEFAULTS)
    }

    /// Where its tokens are looked up.
    pub fn app_ref(&self) -> AppRef<'_> {
        AppRef::Known(self.id)
    }
}

static DEFAULTS: LazyLock<ForwardAuthSettings> = LazyLock::new(ForwardAuthSettings::default);
