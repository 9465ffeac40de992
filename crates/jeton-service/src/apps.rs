//! Apps: creation, display, settings, credentials, deletion.

use crate::cache::Before;
pub(crate) use crate::open_app::OpenApp;
use crate::open_app::{ForwardAuthApp, GateSettings};
use crate::settings::{
    AppSettings, SettingsDocumentError, merge_settings, parse_allowed_addresses, parse_forward_auth,
    parse_settings,
};
use crate::{Error, Keys, Service};
use jeton_core::{
    AllowedAddresses, AppId, AppKey, Cause, Entropy, EntropyError, Owner, Permission, Reveal, Scopes, Secret,
    ServicePermission, Timestamp, TokenKind, TokenSpec, UserId,
};
use jeton_store::write::{ChangeApp, CreateApp, DeleteApp, SweepDeletedApps, SweepSealed};
use jeton_store::{App, AppChange, AppChanged, AppCreated, Credential, NewApp, NewClientSecret, NewToken};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Rows that one transaction of a sweep removes: few enough that other writes hardly wait.
const SWEEP_ROWS: u32 = 500;

/// The credentials of a new app. Shown once.
#[derive(Debug)]
pub struct AppCredentials {
    /// The public name.
    pub app_key: AppKey,
    /// The name of its client credentials.
    pub client_id: String,
    /// The secret of its client credentials.
    pub client_secret: Secret,
    /// A service credential with the permissions to manage and verify.
    pub admin_token: Secret,
}

/// The public data of an app.
#[derive(Clone, Debug)]
pub struct AppSummary {
    /// Its number.
    pub id: AppId,
    /// The public name.
    pub key: AppKey,
    /// The name of its client credentials.
    pub client_id: String,
    /// Its settings, defaults included.
    pub settings: AppSettings,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Whether requests whose path names no app go to it.
    pub is_default: bool,
    /// What it was read at.
    pub version: AppVersion,
}

/// At which of its versions an app was read. Every change of it leaves another one, which nothing that comes later has
/// again: neither a restore nor another app of the same key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppVersion {
    id: AppId,
    revision: i64,
}

impl fmt::Display for AppVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.id, self.revision)
    }
}

/// The answer to a change of settings.
#[derive(Debug)]
pub enum Merged {
    /// The app as it is now.
    Done(Box<AppSummary>),
    /// There is no such app.
    NoApp,
    /// The app is not as it was expected to be.
    Stale,
    /// The result would not be a valid settings document; nothing was changed.
    Refused(SettingsDocumentError),
}

/// An app about to be created, with the credentials that are shown once.
pub(crate) struct AppDraft {
    pub(crate) app: NewApp,
    pub(crate) admin: NewToken,
    pub(crate) credentials: AppCredentials,
}

impl AppDraft {
    pub(crate) fn new(
        keys: &Keys,
        entropy: &dyn Entropy,
        now: Timestamp,
        key: &AppKey,
        admin_user: UserId,
    ) -> Result<Self, EntropyError> {
        let client_id = base16ct::lower::encode_string(&entropy.bytes::<16>()?);
        // Minted like a token, so that arithmetic recognises it.
        let client_secret = keys.mint(entropy, None)?;
        let admin_token = keys.mint(entropy, None)?;
        let (_, data_key) = keys.new_data_key(entropy, &client_id)?;
        let app = NewApp {
            key: key.clone(),
            client_id: client_id.clone(),
            client_secret: keys.client_digest(&client_secret),
            client_key_id: keys.current_id(),
            settings: "{}".to_owned(),
            data_key: Some(data_key),
            created_at: now,
        };
        let permissions: Vec<Permission> = ServicePermission::ALL.map(ServicePermission::permission).into();
        let admin = NewToken {
            digest: keys.digest(&admin_token),
            digest_key_id: keys.current_id(),
            older_digests: Vec::new(),
            is_foreign: false,
            // A service credential is shown only when it is created.
            sealed: None,
            created_at: now,
            expires_at: None,
            disabled_by: None,
            spec: TokenSpec {
                title: jeton_core::Label::new("admin".to_owned()).ok(),
                ..TokenSpec::new(
                    TokenKind::Service,
                    Owner::Named(admin_user),
                    Scopes::from_global(permissions)
                        .unwrap_or_else(|_| unreachable!("two names fit in a scope")),
                )
            },
        };
        let credentials = AppCredentials { app_key: key.clone(), client_id, client_secret, admin_token };
        Ok(AppDraft { app, admin, credentials })
    }
}

impl Service {
    /// Creates an app, and answers its number and credentials. Its admin token belongs to `admin_user`. `None`: the key is taken.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn create_app(
        &self,
        key: &AppKey,
        admin_user: UserId,
        by: &Cause,
    ) -> Result<Option<(AppId, AppCredentials)>, Error> {
        let keys = self.writing_keys()?;
        let draft = AppDraft::new(&keys, &*self.entropy, self.now(), key, admin_user)?;
        match self.store.write(CreateApp { app: draft.app, admin: draft.admin, by: by.clone() }).await? {
            AppCreated::Created(app) => Ok(Some((app.id, draft.credentials))),
            AppCreated::KeyTaken => Ok(None),
        }
    }

    /// The app with this key, ready for use: from memory where possible, as coherently as
    /// [`verify`](Self::verify).
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn open_app(&self, key: &AppKey) -> Result<Option<Arc<OpenApp>>, Error> {
        self.open_by(Some(key)).await
    }

    /// The app with this key, or the default app. That no app has a key is cached, too.
    pub(crate) async fn open_by(&self, key: Option<&AppKey>) -> Result<Option<Arc<OpenApp>>, Error> {
        if let Some(app) = self.cache.recall_opened(key) {
            return Ok(Some(app));
        }
        if key.is_some_and(|key| self.cache.lacks_app(key)) {
            return Ok(None);
        }
        self.read_by(key).await
    }

    /// The app with this key, or the default app, as the store has it now.
    pub(crate) async fn read_by(&self, key: Option<&AppKey>) -> Result<Option<Arc<OpenApp>>, Error> {
        let before = self.cache.before();
        let found = match key {
            Some(key) => self.store.app_by_key(key).await?,
            None => self.store.default_app().await?,
        };
        if let (Some(key), None) = (key, &found) {
            self.cache.keep_app(before, key, ForwardAuthApp::NONE);
        }
        found.map(|app| self.open_found(before, key, &app)).transpose()
    }

    /// Opens an app that was found by this key, or as the default app, and caches it.
    pub(crate) fn open_found(
        &self,
        before: Before,
        key: Option<&AppKey>,
        app: &App,
    ) -> Result<Arc<OpenApp>, Error> {
        let app = Arc::new(self.read_app(app)?);
        self.cache.keep_opened(before, key, &app);
        Ok(app)
    }

    /// All apps, in the order of creation.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn apps(&self) -> Result<Vec<AppSummary>, Error> {
        self.store.apps().await?.iter().map(summary).collect()
    }

    /// Of them at most `limit` that were made after the app of this number, and how many there are in all.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn apps_page(&self, after: Option<AppId>, limit: u32) -> Result<(Vec<AppSummary>, u64), Error> {
        let apps = self.store.apps_after(after, limit).await?;
        Ok((apps.iter().map(summary).collect::<Result<_, _>>()?, self.store.count_apps().await?))
    }

    /// The public data of the app with this key.
    ///
    /// # Errors
    ///
    /// The store could not be read.
    pub async fn app(&self, key: &AppKey) -> Result<Option<AppSummary>, Error> {
        self.store.app_by_key(key).await?.as_ref().map(summary).transpose()
    }

    /// Merges a patch (RFC 7396) into the settings of an app.
    ///
    /// A change from `reveal: always` to `once` destroys the app's data key in the same transaction; the
    /// sealed values, which can no longer be opened, are removed before this returns.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn merge_settings(&self, key: &AppKey, patch: &Value, by: &Cause) -> Result<Merged, Error> {
        self.merge_settings_if(key, patch, |_| true, by).await
    }

    /// The same, if the app is at a version that is expected, in the same attempt that writes.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn merge_settings_if(
        &self,
        key: &AppKey,
        patch: &Value,
        is_expected: impl Fn(AppVersion) -> bool + Send + Sync,
        by: &Cause,
    ) -> Result<Merged, Error> {
        let _lock = self.locks.lock(("app", key)).await?;
        for _ in 0..crate::update::MAX_TRIES {
            let Some(app) = self.store.app_by_key(key).await? else { return Ok(Merged::NoApp) };
            if !is_expected(version(&app)) {
                return Ok(Merged::Stale);
            }
            let (document, settings) = match merge_settings(&settings_value(&app)?, patch) {
                Ok(merged) => merged,
                Err(error) => return Ok(Merged::Refused(error)),
            };
            let keys = self.writing_keys()?;
            let data_key = match (settings.common.reveal, &app.data_key) {
                (Reveal::Once, Some(_)) => Some(None),
                (Reveal::Always, None) => Some(Some(keys.new_data_key(&*self.entropy, &app.client_id)?.1)),
                (Reveal::Once, None) | (Reveal::Always, Some(_)) => None,
            };
            // Also if it was `once` already: an earlier sweep may have been interrupted.
            let sweeps = settings.common.reveal == Reveal::Once;
            let is_suspended = settings.common.suspended;
            let suspends = (read_settings(&app)?.common.suspended != is_suspended).then_some(is_suspended);
            let settings = Some(document.to_string());
            let change = AppChange { settings, suspends, data_key, ..AppChange::default() };
            let AppChanged::Changed(app) = self.change_app(&app, change, by).await? else { continue };
            if sweeps {
                while self.store.write(SweepSealed { id: app.id, limit: SWEEP_ROWS }).await? > 0 {}
            }
            return Ok(Merged::Done(Box::new(summary(&app)?)));
        }
        Err(Error::Contended)
    }

    /// Suspends an app, or resumes it: while it is suspended, none of its tokens and client credentials is accepted, from this
    /// answer on. Everything of it stays, and operators may change it. `None`: there is no such app.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn suspend_app(
        &self,
        key: &AppKey,
        is_suspended: bool,
        by: &Cause,
    ) -> Result<Option<AppSummary>, Error> {
        match self.merge_settings(key, &serde_json::json!({"suspended": is_suspended}), by).await? {
            Merged::Done(app) => Ok(Some(*app)),
            Merged::NoApp => Ok(None),
            // Nothing is expected, and the rest of the document is as it was.
            Merged::Stale | Merged::Refused(_) => Err(UNREADABLE),
        }
    }

    async fn change_app(&self, app: &App, change: AppChange, by: &Cause) -> Result<AppChanged, Error> {
        let (id, expected) = (app.id, app.revision);
        Ok(self.store.write(ChangeApp { id, expected, change, at: self.now(), by: by.clone() }).await?)
    }

    /// Gives an app a new client secret. The one of before is good for `grace` more, and those before it at most as long; of them
    /// all, the latest three are. Without grace they are dead from the answer on. Answers the client id and the
    /// secret; `None`: there is no such app.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn rotate_client_secret(
        &self,
        key: &AppKey,
        grace: Option<Duration>,
        by: &Cause,
    ) -> Result<Option<(String, Secret)>, Error> {
        let keys = self.writing_keys()?;
        let client_secret = keys.mint(&*self.entropy, None)?;
        let _lock = self.locks.lock(("app", key)).await?;
        for _ in 0..crate::update::MAX_TRIES {
            let Some(app) = self.store.app_by_key(key).await? else { return Ok(None) };
            let others = grace.map_or_else(Vec::new, |grace| old_secrets(&app, self.now(), grace));
            let (digest, key_id) = (keys.client_digest(&client_secret), keys.current_id());
            let secret = NewClientSecret { digest, key_id, others };
            let change = AppChange { client_secret: Some(secret), ..AppChange::default() };
            if let AppChanged::Changed(app) = self.change_app(&app, change, by).await? {
                return Ok(Some((app.client_id, client_secret)));
            }
        }
        Err(Error::Contended)
    }

    /// Deletes an app and all of its tokens, which are all unknown once this returns. `false`: there is no
    /// such app.
    ///
    /// # Errors
    ///
    /// The write failed. The app may be deleted already, with rows left to remove.
    pub async fn delete_app(&self, key: &AppKey, by: &Cause) -> Result<bool, Error> {
        let Some(app) = self.store.app_by_key(key).await? else { return Ok(false) };
        let deleted = self.store.write(DeleteApp { id: app.id, at: self.now(), by: by.clone() }).await?;
        while self.store.write(SweepDeletedApps { limit: SWEEP_ROWS }).await? > 0 {}
        Ok(deleted)
    }

    pub(crate) fn read_app(&self, app: &App) -> Result<OpenApp, Error> {
        let keys = self.keys.load();
        let open = |sealed: &Vec<u8>| keys.open_data_key(sealed, &app.client_id);
        let data_key = app.data_key.as_ref().map(open).transpose();
        Ok(OpenApp {
            id: app.id,
            key: app.key.clone(),
            settings: read_settings(app)?,
            client_id: app.client_id.clone(),
            client_secrets: app.client_secrets.clone(),
            data_key: data_key.map_err(|_| Error::Unreadable("data key of an app"))?,
        })
    }
}

/// Most client secrets that an app has beside its own.
const MAX_OLD_SECRETS: usize = 3;
/// The longest grace for a secret that was replaced.
pub const MAX_GRACE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Its client secrets that are good for a while after they are replaced.
fn old_secrets(app: &App, now: Timestamp, grace: Duration) -> Vec<Credential> {
    let end = now.saturating_add_millis(i64::try_from(grace.as_millis()).unwrap_or(i64::MAX));
    let until = |secret: &Credential| Some(secret.good_until.map_or(end, |until| until.min(end)));
    let left = app.client_secrets.iter().filter(|secret| !secret.is_over(now));
    left.map(|secret| Credential { good_until: until(secret), ..*secret }).take(MAX_OLD_SECRETS).collect()
}

fn summary(app: &App) -> Result<AppSummary, Error> {
    Ok(AppSummary {
        id: app.id,
        key: app.key.clone(),
        client_id: app.client_id.clone(),
        settings: read_settings(app)?,
        created_at: app.created_at,
        updated_at: app.updated_at,
        is_default: app.is_default,
        version: version(app),
    })
}

fn version(app: &App) -> AppVersion {
    AppVersion { id: app.id, revision: app.revision }
}

const UNREADABLE: Error = Error::Unreadable("settings of an app");

fn settings_value(app: &App) -> Result<Value, Error> {
    serde_json::from_str(&app.settings).map_err(|_| UNREADABLE)
}

/// An app as gateways and verifiers need it: the part of its settings that is read more often than the others. One that is suspended is none.
pub(crate) fn read_gate(app: &App) -> Result<ForwardAuthApp, Error> {
    let document = settings_value(app)?;
    if document.get("suspended").and_then(Value::as_bool) == Some(true) {
        return Ok(ForwardAuthApp::SUSPENDED);
    }
    let settings = GateSettings {
        forward_auth: parse_forward_auth(&document).map_err(|_| UNREADABLE)?,
        allowed_addresses: parse_allowed_addresses(&document).map_err(|_| UNREADABLE)?,
    };
    Ok(ForwardAuthApp::new(app.id, settings))
}

/// The addresses from which its tokens may be used; `None`: any.
pub(crate) fn read_allowed_addresses(app: &App) -> Result<Option<AllowedAddresses>, Error> {
    parse_allowed_addresses(&settings_value(app)?).map_err(|_| UNREADABLE)
}

pub(crate) fn read_settings(app: &App) -> Result<AppSettings, Error> {
    parse_settings(&settings_value(app)?).map_err(|_| UNREADABLE)
}
