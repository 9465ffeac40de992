//! The settings of an app as a JSON document: absent members have their defaults, and unknown names are
//! refused.

mod addresses;
mod cors;
mod form;
mod forward_auth;
mod loopback;
mod policies;
mod table;

pub(crate) use addresses::parse_allowed_addresses;
pub(crate) use forward_auth::parse_forward_auth;
pub use table::{APP_SETTINGS, AppSetting, AppSettingKind};

use jeton_core::{
    AppKeySettings, DotideSettings, Int64Form, OnReuse, Permission, Reveal, SelfServiceSettings, Settings,
    SettingsError,
};
use jeton_loopback::LoopBackSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The settings of an app. `Default` is what a new app has.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct AppSettings {
    /// Settings common to all APIs, and of the APIs other than LoopBack's.
    pub common: Settings,
    /// LoopBack's AccessToken API.
    pub loopback: LoopBackSettings,
}

/// Why a document is not a settings document.
#[derive(Debug, thiserror::Error)]
pub enum SettingsDocumentError {
    /// It does not have the right form: what is wrong and where.
    #[error("settings: {0}")]
    Form(String),
    /// A member has a value that is not valid.
    #[error("settings: {0}")]
    Member(#[from] SettingsError),
}

/// Parses a settings document.
///
/// # Errors
///
/// The first error in it.
pub fn parse_settings(document: &Value) -> Result<AppSettings, SettingsDocumentError> {
    let document = cors::renamed(document.clone())?;
    // Serde would accept arrays for the sections too, by the order of their members.
    let is_sound = document.as_object().is_some_and(|members| {
        !members.iter().any(|(name, value)| value.is_array() && !addresses::is_list(name))
    });
    if !is_sound {
        return Err(SettingsDocumentError::Form("settings and their sections are JSON objects".to_owned()));
    }
    if document.pointer("/policies/max_lifetime_seconds").is_some_and(Value::is_array) {
        let text = "policies.max_lifetime_seconds is a JSON object".to_owned();
        return Err(SettingsDocumentError::Form(text));
    }
    let document = SettingsDocument::deserialize(document).map_err(|error| form::misfit(&error))?;
    let settings = document.into_settings()?;
    settings.common.validate()?;
    Ok(settings)
}

/// Writes the whole document, defaults included.
pub fn print_settings(settings: &AppSettings) -> Value {
    let document = SettingsDocument::from_settings(settings);
    serde_json::to_value(document).unwrap_or_else(|_| unreachable!("numbers and texts are always JSON"))
}

/// Applies a JSON merge patch (RFC 7396) to a document: `null` resets a member to its default.
///
/// # Errors
///
/// The patched document is not a settings document, or the patch is not an object.
pub fn merge_settings(
    document: &Value,
    patch: &Value,
) -> Result<(Value, AppSettings), SettingsDocumentError> {
    if !patch.is_object() {
        return Err(SettingsDocumentError::Form("a merge patch of settings is a JSON object".to_owned()));
    }
    let mut merged = cors::renamed(document.clone())?;
    json_patch::merge(&mut merged, &cors::renamed(patch.clone())?);
    let settings = parse_settings(&merged)?;
    let names = patch.pointer("/appkey/grantable").and_then(Value::as_array).into_iter().flatten();
    // Names from an older document stay; names in a patch must be ones that can be granted now.
    if names.filter_map(Value::as_str).any(|name| name.parse::<Permission>().is_err()) {
        return Err(GRANTABLE.into());
    }
    Ok((merged, settings))
}

const GRANTABLE: SettingsError = SettingsError {
    member: "appkey.grantable",
    wanted: "must hold names of 1 to 255 characters without white space, commas or semicolons",
};

/// The settings of an app.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Settings"))]
#[serde(default, deny_unknown_fields)]
struct SettingsDocument {
    /// Whether the app is suspended: none of its tokens and client credentials is accepted anywhere.
    suspended: bool,
    /// Whether secrets can be shown again, or only in the answer to their creation.
    reveal: RevealName,
    /// What new secrets begin with, before an underscore; empty: nothing.
    #[cfg_attr(test, schemars(regex(pattern = "^[a-z0-9]{0,10}$")))]
    token_prefix: String,
    /// How long a token lives that was not asked to live otherwise.
    #[cfg_attr(test, schemars(range(min = 1, max = 4_294_967_295_u32)))]
    default_ttl_seconds: u32,
    /// How long any token lives at most; `null`: without bound.
    #[cfg_attr(test, schemars(range(min = 1, max = 4_294_967_295_u32)))]
    max_ttl_seconds: Option<u32>,
    /// Whether users may make tokens that outlive that by which they make them.
    allow_outliving_tokens: bool,
    /// The addresses and CIDR blocks from which the app's tokens may be used; empty: from any.
    #[cfg_attr(test, schemars(length(max = 64)))]
    allowed_addresses: Vec<String>,
    /// How many tokens may be above one that another made; 0: none makes others.
    #[cfg_attr(test, schemars(range(max = 8)))]
    delegation_depth: usize,
    cors: cors::CorsDocument,
    appkey: AppKeyDocument,
    dotide: DotideDocument,
    loopback: loopback::LoopBackDocument,
    forward_auth: forward_auth::ForwardAuthDocument,
    self_service: SelfServiceDocument,
    rotation: RotationDocument,
    policies: policies::PoliciesDocument,
}

/// Settings of rotation.
#[derive(Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RotationSettings"))]
#[serde(default, deny_unknown_fields)]
struct RotationDocument {
    /// What is done when somebody presents a secret that a rotation has ended.
    on_reuse: OnReuseName,
}

/// `report`: the change log tells it; `revoke-lineage`: the token is revoked as well.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "kebab-case")]
enum OnReuseName {
    #[default]
    Report,
    RevokeLineage,
}

/// Settings of the pages where users manage their own tokens.
#[derive(Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "SelfServiceSettings"))]
#[serde(default, deny_unknown_fields)]
struct SelfServiceDocument {
    /// Whether the app has them.
    enabled: bool,
}

/// Settings of Dotide's API.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "DotideSettings"))]
#[serde(default, deny_unknown_fields)]
struct DotideDocument {
    /// Whether the app is known there.
    enabled: bool,
    /// The time zone of answers, unless a request names one: a name of the Olson database.
    timezone: String,
}

/// Settings of the AppKey API.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AppKeySettings"))]
#[serde(default, deny_unknown_fields)]
struct AppKeyDocument {
    /// Whether the app is known there.
    enabled: bool,
    /// For how many days a token lives whose `expireInDays` is 0: 1 to 3650, or -1 for ever.
    #[cfg_attr(test, schemars(range(min = -1, max = 3650), extend("not" = {"const": 0})))]
    default_days: i32,
    /// How integers of 64 bits are written.
    int64: Int64Name,
    /// What the bearer of an identity token may grant.
    #[cfg_attr(test, schemars(length(max = 1000)))]
    grantable: Vec<String>,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
enum RevealName {
    Always,
    Once,
}

#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(inline))]
#[serde(rename_all = "lowercase")]
enum Int64Name {
    Number,
    String,
}

impl Default for SettingsDocument {
    fn default() -> Self {
        Self::from_settings(&AppSettings::default())
    }
}

impl Default for AppKeyDocument {
    fn default() -> Self {
        Self::from_settings(&Settings::default().appkey)
    }
}

impl Default for DotideDocument {
    fn default() -> Self {
        Self::from_settings(&Settings::default().dotide)
    }
}

impl DotideDocument {
    fn from_settings(settings: &DotideSettings) -> Self {
        DotideDocument { enabled: settings.enabled, timezone: settings.timezone.clone() }
    }

    fn into_settings(self) -> Result<DotideSettings, SettingsError> {
        if !jiff::tz::db().get(&self.timezone).is_ok_and(|zone| !zone.is_unknown()) {
            let wanted = "must be a time zone of the Olson database, such as Asia/Shanghai";
            return Err(SettingsError { member: "dotide.timezone", wanted });
        }
        Ok(DotideSettings { enabled: self.enabled, timezone: self.timezone })
    }
}

impl SettingsDocument {
    fn from_settings(settings: &AppSettings) -> Self {
        let AppSettings { common: settings, loopback } = settings;
        SettingsDocument {
            suspended: settings.suspended,
            reveal: match settings.reveal {
                Reveal::Always => RevealName::Always,
                Reveal::Once => RevealName::Once,
            },
            token_prefix: settings
                .token_prefix
                .as_ref()
                .map_or(String::new(), |prefix| prefix.as_str().to_owned()),
            default_ttl_seconds: settings.default_ttl_seconds,
            max_ttl_seconds: settings.max_ttl_seconds,
            allow_outliving_tokens: settings.allow_outliving_tokens,
            allowed_addresses: addresses::to_texts(settings.allowed_addresses.as_ref()),
            delegation_depth: settings.delegation_depth,
            cors: cors::CorsDocument::from_settings(&settings.cors),
            appkey: AppKeyDocument::from_settings(&settings.appkey),
            dotide: DotideDocument::from_settings(&settings.dotide),
            loopback: loopback::LoopBackDocument::from_settings(loopback),
            forward_auth: forward_auth::ForwardAuthDocument::from_settings(&settings.forward_auth),
            self_service: SelfServiceDocument { enabled: settings.self_service.enabled },
            rotation: RotationDocument {
                on_reuse: match settings.on_reuse {
                    OnReuse::Report => OnReuseName::Report,
                    OnReuse::RevokeLineage => OnReuseName::RevokeLineage,
                },
            },
            policies: policies::PoliciesDocument::from_settings(&settings.policies),
        }
    }

    fn into_settings(self) -> Result<AppSettings, SettingsDocumentError> {
        let token_prefix = match self.token_prefix.as_str() {
            "" => None,
            text => Some(text.parse().map_err(|_| SettingsError {
                member: "token_prefix",
                wanted: "must be 1 to 10 of the characters a-z 0-9, or empty for none",
            })?),
        };
        let common = Settings {
            suspended: self.suspended,
            reveal: match self.reveal {
                RevealName::Always => Reveal::Always,
                RevealName::Once => Reveal::Once,
            },
            token_prefix,
            default_ttl_seconds: self.default_ttl_seconds,
            max_ttl_seconds: self.max_ttl_seconds,
            allow_outliving_tokens: self.allow_outliving_tokens,
            allowed_addresses: addresses::from_texts(&self.allowed_addresses)?,
            delegation_depth: self.delegation_depth,
            cors: self.cors.into_settings(),
            appkey: self.appkey.into_settings()?,
            dotide: self.dotide.into_settings()?,
            forward_auth: self.forward_auth.into_settings()?,
            self_service: SelfServiceSettings { enabled: self.self_service.enabled },
            on_reuse: match self.rotation.on_reuse {
                OnReuseName::Report => OnReuse::Report,
                OnReuseName::RevokeLineage => OnReuse::RevokeLineage,
            },
            policies: self.policies.into_settings()?,
        };
        Ok(AppSettings { common, loopback: self.loopback.into_settings()? })
    }
}

impl AppKeyDocument {
    fn from_settings(settings: &AppKeySettings) -> Self {
        AppKeyDocument {
            enabled: settings.enabled,
            default_days: settings.default_days,
            int64: match settings.int64 {
                Int64Form::Number => Int64Name::Number,
                Int64Form::Text => Int64Name::String,
            },
            grantable: settings.grantable.iter().map(ToString::to_string).collect(),
        }
    }

    fn into_settings(self) -> Result<AppKeySettings, SettingsError> {
        let grantable: Result<Vec<Permission>, _> =
            self.grantable.iter().map(|name| Permission::held(name)).collect();
        Ok(AppKeySettings {
            enabled: self.enabled,
            default_days: self.default_days,
            int64: match self.int64 {
                Int64Name::Number => Int64Form::Number,
                Int64Name::String => Int64Form::Text,
            },
            grantable: grantable.map_err(|_| GRANTABLE)?,
        })
    }
}

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_empty_document_has_the_defaults_and_prints_them_all() {
        let settings = parse_settings(&json!({})).unwrap();
        assert_eq!(settings, AppSettings::default());
        assert_eq!(
            print_settings(&settings),
            json!({
                "suspended": false,
                "reveal": "always", "token_prefix": "", "default_ttl_seconds": 1_209_600, "max_ttl_seconds": null,
                "allow_outliving_tokens": false, "allowed_addresses": [], "delegation_depth": 3,
                "cors": {"origins": [], "credentials": false},
                "appkey": {"enabled": true, "default_days": 30, "int64": "number", "grantable": []},
                "dotide": {"enabled": true, "timezone": "Asia/Shanghai"},
                "loopback": {
                    "enabled": true,
                    "acls": [
                        {"principalType": "ROLE", "principalId": "$everyone", "permission": "DENY"},
                        {"principalType": "ROLE", "principalId": "$everyone", "permission": "ALLOW", "property": "create"},
                    ],
                    "roles": {}, "client_ids": "authorized", "allow_eternal_tokens": false,
                },
                "forward_auth": {
                    "source": "x-original", "credentials": ["bearer", "x-access-token"], "query_token": false, "demands": {},
                    "routes": [], "preflights": false, "realm": null, "resource_metadata": null, "cache_seconds": 0, "over_limit": "429",
                },
                "self_service": {"enabled": false},
                "rotation": {"on_reuse": "report"},
                "policies": {
                    "max_lifetime_seconds": {"operator": null, "manager": null, "user": null}, "require_expiry": false,
                    "forbidden_permissions": [], "require_prefix": false, "max_tokens_per_user": null,
                },
            })
        );
        assert_eq!(parse_settings(&print_settings(&settings)).unwrap(), settings);
    }

    #[test]
    fn a_merge_keeps_what_it_does_not_name_and_null_is_the_default() {
        let before = json!({"reveal": "once", "appkey": {"int64": "string", "grantable": ["read"]}});
        let patch = json!({"appkey": {"int64": null, "default_days": 7}});
        let (document, settings) = merge_settings(&before, &patch).unwrap();
        assert_eq!(document, json!({"reveal": "once", "appkey": {"grantable": ["read"], "default_days": 7}}));
        assert_eq!(settings.common.reveal, Reveal::Once);
        assert_eq!(settings.common.appkey.int64, Int64Form::Number);
    }

    #[test]
    fn addresses_are_read_and_written_in_one_form() {
        let patch = json!({"allowed_addresses": ["192.0.2.7", "::ffff:10.0.0.0/104", "2001:DB8::/32"]});
        let (document, settings) = merge_settings(&json!({}), &patch).unwrap();
        let printed = json!(["192.0.2.7/32", "10.0.0.0/8", "2001:db8::/32"]);
        assert_eq!(print_settings(&settings)["allowed_addresses"], printed);
        assert_eq!(parse_allowed_addresses(&document).unwrap(), settings.common.allowed_addresses);
        for none in [json!({"allowed_addresses": []}), json!({"allowed_addresses": null})] {
            let (document, settings) = merge_settings(&document, &none).unwrap();
            assert_eq!(settings.common.allowed_addresses, None);
            assert_eq!(parse_allowed_addresses(&document).unwrap(), None);
        }
    }

    #[test]
    fn the_section_on_other_origins_has_an_older_name() {
        let cors = json!({"origins": ["https://a.example"], "credentials": true});
        let older = json!({"loopback": {"cors": cors, "client_ids": "anyone"}});
        let settings = parse_settings(&older).unwrap();
        assert_eq!(print_settings(&settings)["cors"], cors);
        assert_eq!(print_settings(&settings)["loopback"].get("cors"), None);
        // A document keeps its contents, whichever name a patch uses for it.
        for patch in
            [json!({"loopback": {"cors": {"credentials": false}}}), json!({"cors": {"credentials": false}})]
        {
            let (document, _) = merge_settings(&older, &patch).unwrap();
            let expected = json!({"origins": ["https://a.example"], "credentials": false});
            assert_eq!(document, json!({"loopback": {"client_ids": "anyone"}, "cors": expected}));
        }
        let (document, settings) = merge_settings(&older, &json!({"loopback": {"cors": null}})).unwrap();
        assert_eq!(document, json!({"loopback": {"client_ids": "anyone"}}));
        assert_eq!(settings.common.cors, jeton_core::CorsSettings::default());
        let both = merge_settings(&json!({}), &json!({"cors": {}, "loopback": {"cors": {}}})).unwrap_err();
        assert!(both.to_string().contains("one and the same"), "{both}");
    }

    #[test]
    fn a_name_that_is_granted_no_more_may_stand_there_from_before() {
        let before = json!({"appkey": {"grantable": ["read write"]}});
        assert_eq!(
            parse_settings(&before).unwrap().common.appkey.grantable,
            [Permission::held("read write").unwrap()]
        );
        assert!(merge_settings(&before, &json!({"reveal": "once"})).is_ok());
        assert!(merge_settings(&before, &before).is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let message = |patch: Value| merge_settings(&json!({}), &patch).unwrap_err().to_string();
        for (patch, named) in [
            (json!([]), "a JSON object"),
            (json!({"appkey": [false, 30]}), "sections are JSON objects"),
            (json!({"loopback": {"cors": [["*"], false]}}), "sections are JSON objects"),
            (json!({"colour": 1}), "unknown field `colour`"),
            (json!({"appkey": {"color": 1}}), "unknown field `color`"),
            (json!({"reveal": "never"}), "unknown variant, expected `always` or `once`"),
            (json!({"allowed_addresses": "10.0.0.0/8"}), "invalid type"),
            (json!({"allowed_addresses": ["10.0.0"]}), "allowed_addresses must be a list of addresses"),
            (json!({"allowed_addresses": ["10.0.0.1/8"]}), "by its first address"),
            (json!({"allowed_addresses": vec!["10.0.0.0/8"; 65]}), "at most 64"),
            (json!({"default_ttl_seconds": 0}), "default_ttl_seconds must be at least 1"),
            (json!({"default_ttl_seconds": -1}), "invalid value"),
            (json!({"token_prefix": "No"}), "token_prefix must be"),
            (json!({"dotide": {"timezone": "Mars/Olympus"}}), "dotide.timezone must be a time zone"),
            (
                json!({"loopback": {"acls": [{"principalType": "ROLE", "principalId": "admin", "permission": "ALLOW"}]}}),
                "name a role",
            ),
            (json!({"loopback": {"roles": {"admin": [true]}}}), "loopback.roles must be lists"),
            (json!({"loopback": {"client_ids": "all"}}), "unknown variant"),
            (json!({"appkey": {"grantable": ["a,b"]}}), "appkey.grantable must hold names"),
            (json!({"appkey": {"grantable": ["read", "read write"]}}), "appkey.grantable must hold names"),
            (json!({"appkey": {"grantable": ["jeton:manage"]}}), "reserved"),
            (
                json!({"policies": {"forbidden_permissions": ["a,b"]}}),
                "policies.forbidden_permissions must hold",
            ),
            (
                json!({"policies": {"max_lifetime_seconds": {"user": 0}}}),
                "policies.max_lifetime_seconds.user must",
            ),
            (
                json!({"policies": {"max_lifetime_seconds": [1, 2, 3]}}),
                "policies.max_lifetime_seconds is a JSON object",
            ),
            (json!({"policies": {"require_prefix": true}}), "policies.require_prefix needs a token_prefix"),
        ] {
            let text = message(patch.clone());
            assert!(text.contains(named), "{patch}: {text}");
        }
    }
}
