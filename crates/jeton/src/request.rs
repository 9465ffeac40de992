//! The requests of commands, as values: executed in their own process, or by the server.

use jeton_http::Object;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::net::IpAddr;

/// All requests of commands. Contains secrets: it has no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    AppCreate {
        key: String,
        admin_user: String,
    },
    AppList,
    AppShow {
        key: String,
    },
    AppSettings {
        key: String,
        merge: Option<Value>,
    },
    AppRotateSecret {
        key: String,
        grace_seconds: Option<u64>,
    },
    AppSuspend {
        key: String,
        is_suspended: bool,
    },
    AppDelete {
        key: String,
    },
    /// Into the file that is handed over.
    Backup,
    /// From the file that is handed over.
    Restore {
        as_of_backup: bool,
    },
    Check,
    /// Asks only whether there is an answer.
    Greet,
    KeysStatus,
    KeysAdd {
        /// How long all servers have to read the ring before the key is the current one; `None`: it waits.
        pause_seconds: Option<u64>,
    },
    KeysActivate {
        id: u32,
    },
    KeysRekey,
    KeysRetire {
        id: u32,
    },
    OperatorCreate {
        name: String,
    },
    OperatorList,
    OperatorRevoke {
        /// A number, or a name.
        operator: String,
    },
    TokenCreate {
        app: String,
        draft: TokenDraft,
    },
    TokenList {
        app: String,
        filter: FilterText,
        sort: Option<Sort>,
        /// Where the page before ended.
        after: Option<String>,
        limit: u32,
    },
    TokenExport {
        app: String,
        /// The text of the ring that is to read it; `None`: this installation's.
        ring: Option<String>,
        /// Where the page before ended.
        after: Option<String>,
        limit: u32,
    },
    TokenShow {
        app: String,
        id: i64,
    },
    TokenUpdate {
        app: String,
        id: i64,
        edit: TokenEdit,
    },
    TokenRotate {
        app: String,
        id: i64,
        grace_seconds: Option<u64>,
    },
    TokenRevoke {
        app: String,
        id: i64,
    },
    TokenRevokeFound {
        app: String,
        filter: FilterText,
        dry_run: bool,
    },
    TokenVerify {
        app: String,
        token: String,
        permission: Option<String>,
        id: Option<String>,
        tags: Vec<String>,
        address: Option<IpAddr>,
        explain: bool,
    },
    TokenImport {
        app: String,
        rows: Vec<ImportLine>,
        allow_weak: bool,
    },
}

/// A token to be issued.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TokenDraft {
    pub(crate) user_id: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) permissions: Option<String>,
    pub(crate) scopes: Vec<ScopeText>,
    pub(crate) expires_in_days: Option<i64>,
    pub(crate) not_before: Option<String>,
    pub(crate) allowed_addresses: Vec<String>,
    pub(crate) uses: Option<String>,
    pub(crate) rates: Vec<String>,
}

/// The changes of a token.
#[derive(Serialize, Deserialize)]
pub(crate) struct TokenEdit {
    pub(crate) title: Option<String>,
    pub(crate) tags: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) permissions: Option<String>,
    pub(crate) scopes: Vec<ScopeText>,
    pub(crate) enabled: Option<bool>,
    pub(crate) expires_in_days: Option<i64>,
    pub(crate) not_before: Option<String>,
    pub(crate) allowed_addresses: Option<Vec<String>>,
    pub(crate) uses: Option<String>,
    pub(crate) rates: Vec<String>,
}

impl TokenEdit {
    /// Whether it changes nothing.
    pub(crate) fn is_empty(&self) -> bool {
        let texts = [&self.title, &self.tags, &self.description, &self.permissions, &self.not_before];
        texts.iter().all(|text| text.is_none())
            && self.scopes.is_empty()
            && self.enabled.is_none()
            && self.expires_in_days.is_none()
            && self.allowed_addresses.is_none()
            && self.uses.is_none()
            && self.rates.is_empty()
    }
}

/// Which tokens, each member being a condition.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct FilterText {
    pub(crate) user_id: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) unused_days: Option<u32>,
    pub(crate) expiring_days: Option<u32>,
    pub(crate) created_before: Option<String>,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    /// The newest first
    Newest,
    /// The oldest first
    Oldest,
    /// What expires next first; what never expires is left out
    Expiry,
    /// By title; what has none is left out
    Title,
}

/// A scope as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ScopeText {
    pub(crate) permissions: Vec<String>,
    pub(crate) global: bool,
    pub(crate) ids: Vec<String>,
    pub(crate) tags: Vec<String>,
}

/// A line of an import.
#[derive(Serialize, Deserialize)]
pub(crate) struct ImportLine {
    pub(crate) line: u64,
    pub(crate) row: ImportText,
}

/// A token of another system, or of an export, as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportText {
    pub(crate) secret: SecretText,
    #[serde(default)]
    pub(crate) user_id: Option<Value>,
    #[serde(default)]
    pub(crate) title: Option<String>,
    #[serde(default)]
    pub(crate) tags: Option<String>,
    #[serde(default)]
    pub(crate) description: Option<String>,
    #[serde(default)]
    pub(crate) permissions: Option<String>,
    #[serde(default)]
    pub(crate) scopes: Option<Vec<Object<ScopeText>>>,
    #[serde(default)]
    pub(crate) created_at: Option<String>,
    #[serde(default)]
    pub(crate) expires_at: Option<String>,
    #[serde(default)]
    pub(crate) not_before: Option<String>,
    #[serde(default)]
    pub(crate) allowed_addresses: Vec<String>,
    #[serde(default)]
    pub(crate) uses_left: Option<Value>,
    #[serde(default)]
    pub(crate) rates: Option<Value>,
    #[serde(default)]
    pub(crate) enabled: Option<bool>,
}

/// The secret of a token to import, and what only an export says beside it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecretText {
    /// In clear.
    AccessToken(String),
    /// As an export has it.
    Sealed { sealed: String, kind: Option<String>, user_is_stand_in: bool, document: Option<String> },
}
