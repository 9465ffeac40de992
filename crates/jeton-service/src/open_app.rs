//! An app as use cases need it.

use crate::keys::DataKey;
use crate::settings::AppSettings;
use jeton_core::{AppId, AppKey, ForwardAuthSettings};
use jeton_loopback::Profile;
use jeton_store::Credential;
use std::sync::{Arc, LazyLock};

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
    /// The digests of its client secrets, whether or not they are good at the moment.
    pub(crate) client_secrets: Vec<Credential>,
}

impl OpenApp {
    /// What its LoopBack clients expect: the only place that says which version that is.
    pub fn loopback_profile(&self) -> &'static Profile {
        &Profile::V2
    }
}

/// In which app a token is sought.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// The one of this key, if there is one.
    Key(&'a AppKey),
    /// This one, which the asker knows to be there; `None`: the asker knows that there is none.
    Known(Option<AppId>),
}

impl<'a> From<&'a AppKey> for Place<'a> {
    fn from(key: &'a AppKey) -> Self {
        Place::Key(key)
    }
}

impl From<AppId> for Place<'_> {
    fn from(id: AppId) -> Self {
        Place::Known(Some(id))
    }
}

/// An app as gateways ask about its tokens, or that there is none.
#[derive(Clone, Debug)]
pub struct ForwardAuthApp {
    /// Its number; `None`: there is no such app.
    pub(crate) id: Option<AppId>,
    /// `None`: the defaults, which most apps have.
    settings: Option<Arc<ForwardAuthSettings>>,
}

impl ForwardAuthApp {
    /// No app, with settings of which nobody learns that there is none.
    pub const NONE: Self = ForwardAuthApp { id: None, settings: None };

    pub(crate) fn new(id: AppId, settings: ForwardAuthSettings) -> Self {
        let settings = (settings != *DEFAULTS).then(|| Arc::new(settings));
        ForwardAuthApp { id: Some(id), settings }
    }

    /// How its requests are let through. Where there is no app, nobody learns that by the answer.
    pub fn settings(&self) -> &ForwardAuthSettings {
        self.settings.as_deref().unwrap_or(&DEFAULTS)
    }

    /// Where its tokens are sought.
    pub fn place(&self) -> Place<'_> {
        Place::Known(self.id)
    }
}

static DEFAULTS: LazyLock<ForwardAuthSettings> = LazyLock::new(ForwardAuthSettings::default);
