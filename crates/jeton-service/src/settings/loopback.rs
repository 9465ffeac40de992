//! The `loopback` section of a settings document.

use jeton_core::{SettingsError, UserId};
use jeton_loopback::{AccessRules, AclEntry, AclError, ClientIds, LoopBackSettings, Methods};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Settings of LoopBack's API.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "LoopBackSettings"))]
#[serde(default, deny_unknown_fields)]
pub(super) struct LoopBackDocument {
    /// Whether the app is known there.
    enabled: bool,
    /// The access rules.
    acls: Vec<AclDocument>,
    /// The users of each role.
    #[cfg_attr(test, schemars(with = "BTreeMap<String, Vec<UserIdForm>>"))]
    roles: BTreeMap<String, Vec<Value>>,
    /// Who may choose a token's id: nobody, whom a rule names, or anyone.
    client_ids: ClientIdsName,
    /// Whether a `ttl` of -1 is for ever.
    allow_eternal_tokens: bool,
}

/// An access rule, as LoopBack writes it. Members with other names, such as `model`, are ignored, as in LoopBack.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AccessRule"))]
#[serde(rename_all = "camelCase")]
struct AclDocument {
    /// `ROLE`, or `USER`.
    principal_type: String,
    /// The role, or the user.
    #[cfg_attr(test, schemars(with = "UserIdForm"))]
    principal_id: Value,
    /// `ALLOW` or `DENY`.
    permission: String,
    /// `READ`, `WRITE`, `EXECUTE` or `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    access_type: Option<String>,
    /// The methods: a name, or several.
    #[cfg_attr(test, schemars(with = "Option<OneOrSeveral>"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    property: Option<Value>,
}

/// A user, or the name of a role.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "it says what a value is")]
enum UserIdForm {
    Number(i64),
    Text(String),
}

#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(untagged, inline)]
#[expect(dead_code, reason = "it says what a value is")]
enum OneOrSeveral {
    One(String),
    Several(Vec<String>),
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
enum ClientIdsName {
    Nobody,
    Authorized,
    Anyone,
}

impl Default for LoopBackDocument {
    fn default() -> Self {
        Self::from_settings(&LoopBackSettings::default())
    }
}

impl LoopBackDocument {
    pub(super) fn from_settings(settings: &LoopBackSettings) -> Self {
        let users = |users: &Vec<UserId>| users.iter().map(user_json).collect();
        LoopBackDocument {
            enabled: settings.enabled,
            acls: settings.access.entries().iter().map(AclDocument::from_entry).collect(),
            roles: settings.access.roles().iter().map(|(name, list)| (name.clone(), users(list))).collect(),
            client_ids: match settings.client_ids {
                ClientIds::Nobody => ClientIdsName::Nobody,
                ClientIds::Authorized => ClientIdsName::Authorized,
                ClientIds::Anyone => ClientIdsName::Anyone,
            },
            allow_eternal_tokens: settings.allow_eternal_tokens,
        }
    }

    pub(super) fn into_settings(self) -> Result<LoopBackSettings, SettingsError> {
        let refused = |error: AclError| SettingsError { member: "loopback.acls", wanted: wanted(&error) };
        let entries: Result<Vec<AclEntry>, AclError> =
            self.acls.into_iter().map(AclDocument::into_entry).collect();
        let mut roles = BTreeMap::new();
        for (name, users) in self.roles {
            let users: Option<Vec<UserId>> = users.iter().map(user_of).collect();
            let wanted =
                "must be lists of user ids, each an integer of 64 bits or a text of 1 to 255 characters";
            roles.insert(name, users.ok_or(SettingsError { member: "loopback.roles", wanted })?);
        }
        Ok(LoopBackSettings {
            enabled: self.enabled,
            access: AccessRules::new(entries.map_err(refused)?, roles).map_err(refused)?,
            client_ids: match self.client_ids {
                ClientIdsName::Nobody => ClientIds::Nobody,
                ClientIdsName::Authorized => ClientIds::Authorized,
                ClientIdsName::Anyone => ClientIds::Anyone,
            },
            allow_eternal_tokens: self.allow_eternal_tokens,
        })
    }
}

impl AclDocument {
    fn from_entry(entry: &AclEntry) -> Self {
        let (principal_type, principal_id) = entry.principal.names();
        let names = |methods: &[jeton_loopback::Method]| {
            methods.iter().map(|method| method.name()).collect::<Vec<_>>()
        };
        AclDocument {
            principal_type: principal_type.to_owned(),
            principal_id: json!(principal_id),
            permission: entry.permission.name().to_owned(),
            access_type: entry.access_type.map(|kind| kind.name().to_owned()),
            property: match &entry.methods {
                Methods::All => None,
                Methods::These(methods) => match names(methods).as_slice() {
                    [one] => Some(json!(one)),
                    several => Some(json!(several)),
                },
            },
        }
    }

    fn into_entry(self) -> Result<AclEntry, AclError> {
        let principal_id = match &self.principal_id {
            Value::String(text) => text.clone(),
            Value::Number(number) if number.as_i64().is_none() => {
                return Err(AclError::PrincipalId("user"));
            }
            other => other.to_string(),
        };
        let names: Option<Vec<&str>> = match &self.property {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => Some(vec![name]),
            Some(Value::Array(names)) => {
                let names: Option<Vec<&str>> = names.iter().map(Value::as_str).collect();
                Some(names.ok_or_else(|| AclError::Property("that is no text".to_owned()))?)
            }
            Some(_) => return Err(AclError::Property("that is no text".to_owned())),
        };
        AclEntry::parse(
            &self.principal_type,
            &principal_id,
            &self.permission,
            self.access_type.as_deref(),
            names.as_deref(),
        )
    }
}

fn wanted(error: &AclError) -> &'static str {
    match error {
        AclError::PrincipalType(_) => "have a principalType that is neither USER nor ROLE",
        AclError::PrincipalId(_) => "have a principalId that names no user or role",
        AclError::Permission(_) => "have a permission that is none of ALLOW, DENY, ALARM, AUDIT, DEFAULT",
        AclError::AccessType(_) => "have an accessType that is none of READ, WRITE, EXECUTE, *",
        AclError::Property(_) => "have a property that is no method of AccessToken",
        AclError::UnknownRole(_) => "name a role that loopback.roles does not have",
        AclError::RoleName(_) => "cannot go with a role that has no name, or one that starts with $",
        AclError::TooMany => "and roles are too many",
    }
}

fn user_of(value: &Value) -> Option<UserId> {
    match value {
        Value::String(text) => text.parse().ok(),
        value => value.as_i64().map(UserId::from_integer),
    }
}

fn user_json(user_id: &UserId) -> Value {
    user_id.as_safe_integer().map_or_else(|| json!(user_id.to_string()), |number| json!(number))
}
