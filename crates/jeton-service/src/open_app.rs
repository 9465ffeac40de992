//! Apps in the form that use cases need.

use crate::keys::DataKey;
use crate::settings::AppSettings;
use jeton_core::{AllowedAddresses, AppId, AppKey, ForwardAuthSettings};
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

    /// The addresses from which its tokens may be used; `None`: any.
    pub(crate) fn allowed_addresses(&self) -> Option<&AllowedAddresses> {
        self.settings.common.allowed_addresses.as_ref()
    }

    /// What is needed to decide about its tokens.
    pub fn app_ref(&self) -> AppRef<'_> {
        AppRef { id: Some(self.id), allowed_addresses: self.allowed_addresses() }
    }
}

/// The app in which a token is looked up, as far as decisions depend on it.
#[derive(Clone, Copy, Debug)]
pub struct AppRef<'a> {
    /// Its number; `None`: there is no such app.
    pub(crate) id: Option<AppId>,
    /// The addresses from which its tokens may be used; `None`: any.
    pub(crate) allowed_addresses: Option<&'a AllowedAddresses>,
}

/// The app of a caller that verifies its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierApp {
    /// Its number.
    pub id: AppId,
    allowed_addresses: Option<AllowedAddresses>,
}

impl VerifierApp {
    pub(crate) fn new(id: AppId, allowed_addresses: Option<&AllowedAddresses>) -> Self {
        VerifierApp { id, allowed_addresses: allowed_addresses.cloned() }
    }

    /// The addresses from which its tokens may be used; `None`: any.
    pub(crate) fn allowed_addresses(&self) -> Option<&AllowedAddresses> {
        self.allowed_addresses.as_ref()
    }

    pub(crate) fn app_ref(&self) -> AppRef<'_> {
        AppRef { id: Some(self.id), allowed_addresses: self.allowed_addresses() }
    }
}

impl From<&OpenApp> for VerifierApp {
    fn from(app: &OpenApp) -> Self {
        VerifierApp::new(app.id, app.allowed_addresses())
    }
}

/// An app as gateways and verifiers need it, or the absence of one.
#[derive(Clone, Debug)]
pub struct ForwardAuthApp {
    /// Its number; `None`: there is no such app.
    pub(crate) id: Option<AppId>,
    /// Whether there is one nevertheless, which is suspended: it is none to whoever asks about its tokens.
    pub(crate) is_suspended: bool,
    /// `None`: the defaults, which most apps have.
    settings: Option<Arc<GateSettings>>,
}

/// The part of an app's settings that decisions and gateways need.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct GateSettings {
    pub(crate) forward_auth: ForwardAuthSettings,
    pub(crate) allowed_addresses: Option<AllowedAddresses>,
}

impl ForwardAuthApp {
    /// No app, with settings that do not reveal that.
    pub const NONE: Self = ForwardAuthApp { id: None, is_suspended: false, settings: None };
    /// An app that is suspended.
    pub(crate) const SUSPENDED: Self = ForwardAuthApp { is_suspended: true, ..Self::NONE };

    pub(crate) fn new(id: AppId, settings: GateSettings) -> Self {
        let settings = (settings != *DEFAULTS).then(|| Arc::new(settings));
        ForwardAuthApp { id: Some(id), is_suspended: false, settings }
    }

    /// Its settings of forward-auth. For no app they do not reveal that.
    pub fn settings(&self) -> &ForwardAuthSettings {
        &self.settings.as_deref().unwrap_or(&DEFAULTS).forward_auth
    }

    /// The addresses from which its tokens may be used; `None`: any.
    pub fn allowed_addresses(&self) -> Option<&AllowedAddresses> {
        self.settings.as_deref()?.allowed_addresses.as_ref()
    }

    /// What is needed to decide about its tokens.
    pub fn app_ref(&self) -> AppRef<'_> {
        AppRef { id: self.id, allowed_addresses: self.allowed_addresses() }
    }
}

static DEFAULTS: LazyLock<GateSettings> = LazyLock::new(GateSettings::default);
