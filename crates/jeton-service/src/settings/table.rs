//! The table of an app's settings. `jeton app settings --help`, its `--set` and docs/configuration.md are derived from it, and tests hold
//! it against the document: no setting is missing, and what it says of values is so.

use super::{AppSettings, print_settings};
use serde_json::Value;
use std::fmt;

/// A setting of an app.
#[derive(Clone, Copy, Debug)]
pub struct AppSetting {
    /// Its name: those of the sections in which it is and its own, with dots between.
    pub name: &'static str,
    /// What its value can be.
    pub kind: AppSettingKind,
    /// What it changes, for people.
    pub help: &'static str,
    /// A value that is accepted and is not the default: JSON, or a text as it is.
    pub example: &'static str,
}

/// What the value of a setting can be. Texts that stand alone are for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppSettingKind {
    /// True or false.
    Switch,
    /// A whole number.
    Number {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
        /// Another value, which stands for none.
        or: Option<&'static str>,
    },
    /// One of these texts.
    Choice(&'static [&'static str]),
    /// A text: which.
    Text(&'static str),
    /// A JSON array: of what.
    List(&'static str),
    /// A JSON object: of what. Its members can also be set by their own names.
    Object(&'static str),
}

impl AppSetting {
    /// The setting of this name.
    pub fn named(name: &str) -> Option<&'static AppSetting> {
        APP_SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// What a new app has.
    pub fn default(&self) -> Value {
        let document = print_settings(&AppSettings::default());
        let found = document.pointer(&format!("/{}", self.name.replace('.', "/")));
        found.cloned().unwrap_or_else(|| unreachable!("a test compares the table with the document"))
    }
}

impl fmt::Display for AppSettingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AppSettingKind::Switch => write!(f, "true or false"),
            AppSettingKind::Number { min, max, or: None } => write!(f, "a whole number from {min} to {max}"),
            AppSettingKind::Number { min, max, or: Some(or) } => {
                write!(f, "a whole number from {min} to {max}, or {or}")
            }
            AppSettingKind::Choice(texts) => write!(f, "{}", texts.join(" or ")),
            AppSettingKind::Text(what) => write!(f, "{what}"),
            AppSettingKind::List(what) => write!(f, "a list: {what}"),
            AppSettingKind::Object(what) => write!(f, "an object: {what}"),
        }
    }
}

const fn switch(name: &'static str, help: &'static str, example: &'static str) -> AppSetting {
    AppSetting { name, kind: AppSettingKind::Switch, help, example }
}

const fn setting(
    name: &'static str,
    kind: AppSettingKind,
    help: &'static str,
    example: &'static str,
) -> AppSetting {
    AppSetting { name, kind, help, example }
}

const fn number(min: i64, max: i64) -> AppSettingKind {
    AppSettingKind::Number { min, max, or: None }
}

/// From 1 on; `null`: no bound.
const BOUND: AppSettingKind = AppSettingKind::Number { min: 1, max: u32::MAX as i64, or: Some("null") };

/// All settings of an app, in the order of the document.
pub const APP_SETTINGS: &[AppSetting] = &[
    switch(
        "suspended",
        "Refuses all tokens and client credentials of the app, everywhere; `jeton app suspend` and `resume` set it",
        "true",
    ),
    setting(
        "reveal",
        AppSettingKind::Choice(&["always", "once"]),
        "Whether secrets can be shown again later, or only in the answer to their creation; `once` forgets those that were kept",
        "once",
    ),
    setting(
        "token_prefix",
        AppSettingKind::Text("1 to 10 of the characters a-z and 0-9, or nothing"),
        "What new secrets begin with, before an underscore, so that secret scanners recognise them",
        "acme",
    ),
    setting(
        "default_ttl_seconds",
        number(1, u32::MAX as i64),
        "How long a token lives if nothing else was asked for; on the user-token API `appkey.default_days` says that",
        "604800",
    ),
    setting("max_ttl_seconds", BOUND, "How long any token lives at most from when it is written", "7776000"),
    switch(
        "allow_outliving_tokens",
        "Whether users may make and prolong tokens that live longer than the one by which they do it",
        "true",
    ),
    setting(
        "allowed_addresses",
        AppSettingKind::List("at most 64 addresses and CIDR blocks"),
        "From where the app's tokens may be used; empty: from anywhere",
        r#"["192.0.2.0/24","2001:db8::/32"]"#,
    ),
    setting(
        "delegation_depth",
        number(0, 8),
        "How many tokens may be above one that another token made; 0: no token makes others",
        "1",
    ),
    setting(
        "cors.origins",
        AppSettingKind::List(r#"at most 100 origins, or ["*"] for any"#),
        "Pages of which origins may call the APIs from a browser",
        r#"["https://app.example"]"#,
    ),
    switch(
        "cors.credentials",
        "Whether such pages may send what identifies the user to the browser; not together with any origin",
        "true",
    ),
    switch("appkey.enabled", "Whether the user-token API knows the app", "false"),
    setting(
        "appkey.default_days",
        AppSettingKind::Number { min: 1, max: 3650, or: Some("-1") },
        "For how many days a token lives whose `expireInDays` is 0 or left out; -1: for ever",
        "90",
    ),
    setting(
        "appkey.int64",
        AppSettingKind::Choice(&["number", "string"]),
        "How the user-token API writes integers of 64 bits",
        "string",
    ),
    setting(
        "appkey.grantable",
        AppSettingKind::List("at most 1000 names of permissions"),
        "What users who hold an identity token may grant",
        r#"["read","write"]"#,
    ),
    switch("dotide.enabled", "Whether Dotide's API knows the app", "false"),
    setting(
        "dotide.timezone",
        AppSettingKind::Text("a time zone of the Olson database"),
        "The time zone of times in Dotide's answers, unless a request names another",
        "Europe/Berlin",
    ),
    switch("loopback.enabled", "Whether LoopBack's API knows the app", "false"),
    setting(
        "loopback.acls",
        AppSettingKind::List("access rules as LoopBack writes them"),
        "Who may call what on LoopBack's API",
        r#"[{"principalType":"ROLE","principalId":"$authenticated","permission":"ALLOW","property":"find"}]"#,
    ),
    setting(
        "loopback.roles",
        AppSettingKind::Object("names of roles, each with a list of users"),
        "Who has the roles that the rules name",
        r#"{"admin":[1,2]}"#,
    ),
    setting(
        "loopback.client_ids",
        AppSettingKind::Choice(&["nobody", "authorized", "anyone"]),
        "Who may choose the ids, which are the secrets, of tokens on LoopBack's API: `authorized`, callers that a rule names",
        "nobody",
    ),
    switch("loopback.allow_eternal_tokens", "Whether a `ttl` of -1 is for ever on LoopBack's API", "true"),
    setting(
        "forward_auth.source",
        AppSettingKind::Choice(&["x-original", "x-original-url", "x-forwarded", "request"]),
        "Where a gateway writes the request about which it asks",
        "x-forwarded",
    ),
    setting(
        "forward_auth.credentials",
        AppSettingKind::List("1 to 8 of bearer, x-access-token, x-api-key, basic-username and cookie:NAME"),
        "Where the token of that request may stand",
        r#"["bearer","cookie:session"]"#,
    ),
    switch("forward_auth.query_token", "Whether it may also stand in the query, as `access_token`", "true"),
    setting(
        "forward_auth.demands",
        AppSettingKind::Object("at most 1000 names, each with a demand"),
        "What `/auth/{app}/{demand}` asks for",
        r#"{"read-7":{"permission":"read","id":"7"}}"#,
    ),
    setting(
        "forward_auth.routes",
        AppSettingKind::List("at most 1000 rules"),
        "What `/auth/{app}/route` asks for: the first rule that is for the request",
        r#"[{"method":"*","path":"/streams/{id}","permission":"by-method","id":"{id}"}]"#,
    ),
    switch(
        "forward_auth.preflights",
        "Whether preflights of browsers are let through without a token",
        "true",
    ),
    setting(
        "forward_auth.realm",
        AppSettingKind::Text("a text, or null"),
        "What challenges call the resources",
        "api",
    ),
    setting(
        "forward_auth.resource_metadata",
        AppSettingKind::Text("an https URL, or null"),
        "Where the resource describes itself (RFC 9728), as challenges say it",
        "https://api.example/.well-known/oauth-protected-resource",
    ),
    setting(
        "forward_auth.cache_seconds",
        number(0, 3600),
        "For how many seconds a gateway may keep a 200: for as long a revoked token may get in",
        "5",
    ),
    setting(
        "forward_auth.over_limit",
        AppSettingKind::Choice(&["429", "403"]),
        "The status that tells a gateway that a token was used as often as it may be",
        "403",
    ),
    switch("self_service.enabled", "Whether the app has pages where users manage their own tokens", "true"),
    setting(
        "rotation.on_reuse",
        AppSettingKind::Choice(&["report", "revoke-lineage"]),
        "What is done when a secret is presented that a rotation has ended: the audit log tells it, or the token is revoked as well",
        "revoke-lineage",
    ),
    setting(
        "policies.max_lifetime_seconds.operator",
        BOUND,
        "For how long operators may let a token live",
        "31536000",
    ),
    setting(
        "policies.max_lifetime_seconds.manager",
        BOUND,
        "The same for the app's servers, which hold `jeton:manage` or client credentials",
        "31536000",
    ),
    setting("policies.max_lifetime_seconds.user", BOUND, "The same for users", "7776000"),
    switch("policies.require_expiry", "Whether every token must expire", "true"),
    setting(
        "policies.forbidden_permissions",
        AppSettingKind::List("at most 1000 names of permissions"),
        "What no token may allow",
        r#"["admin"]"#,
    ),
    switch(
        "policies.require_prefix",
        "Whether every secret must begin with `token_prefix`, imported ones and LoopBack's ids included",
        "true",
    ),
    setting("policies.max_tokens_per_user", BOUND, "How many live tokens a user may have", "20"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::merge_settings;
    use serde_json::{Map, json};
    use std::collections::BTreeSet;

    /// The names of all settings in a document.
    fn names(document: &Value, before: &str) -> Vec<String> {
        let named = |name: &str| format!("{before}{name}");
        let is_section = |name: &str, value: &Value| {
            value.is_object()
                && !matches!(
                    AppSetting::named(name),
                    Some(AppSetting { kind: AppSettingKind::Object(_), .. })
                )
        };
        let members = document.as_object().unwrap().iter();
        members
            .flat_map(|(name, value)| match is_section(&named(name), value) {
                true => names(value, &(named(name) + ".")),
                false => vec![named(name)],
            })
            .collect()
    }

    /// The value of a setting as a patch, merged into a document in which whatever another setting needs is there.
    fn merged(name: &str, value: Value) -> Result<Value, String> {
        let patch = name
            .rsplit('.')
            .fold(value, |value, part| Value::Object(Map::from_iter([(part.to_owned(), value)])));
        let merged = merge_settings(&json!({"token_prefix": "ab"}), &patch);
        let pointer = format!("/{}", name.replace('.', "/"));
        merged
            .map(|(document, _)| document.pointer(&pointer).cloned().unwrap_or_default())
            .map_err(|error| error.to_string())
    }

    fn example(setting: &AppSetting) -> Value {
        match setting.kind {
            AppSettingKind::Choice(_) | AppSettingKind::Text(_) => json!(setting.example),
            _ => serde_json::from_str(setting.example).unwrap_or_else(|e| panic!("{}: {e}", setting.name)),
        }
    }

    #[test]
    fn the_table_has_each_setting_once_in_the_order_of_the_document() {
        let expected = names(&print_settings(&AppSettings::default()), "");
        let found: Vec<&str> = APP_SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(found, expected);
        assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len());
        for AppSetting { name, help, .. } in APP_SETTINGS {
            assert!(!help.ends_with('.') && !help.contains('|'), "{name}: {help}");
        }
    }

    #[test]
    fn every_example_is_accepted_and_changes_something() {
        for setting in APP_SETTINGS {
            let example = example(setting);
            assert_ne!(example, setting.default(), "{}", setting.name);
            assert_eq!(merged(setting.name, example.clone()), Ok(example), "{}", setting.name);
        }
    }

    #[test]
    fn what_the_table_says_of_values_is_so() {
        for AppSetting { name, kind, .. } in APP_SETTINGS {
            let is_accepted = |value: Value| merged(name, value).is_ok();
            match kind {
                AppSettingKind::Switch => {
                    assert!(is_accepted(json!(true)) && is_accepted(json!(false)), "{name}");
                    assert!(!is_accepted(json!("true")) && !is_accepted(json!(1)), "{name}");
                }
                AppSettingKind::Number { min, max, or } => {
                    assert!(is_accepted(json!(min)) && is_accepted(json!(max)), "{name}");
                    assert!(!is_accepted(json!(min - 1)) && !is_accepted(json!(max + 1)), "{name}");
                    let or = or.map(|or| serde_json::from_str::<Value>(or).unwrap());
                    assert!(or.is_none_or(is_accepted), "{name}");
                    assert!(!is_accepted(json!("1")), "{name}");
                }
                AppSettingKind::Choice(texts) => {
                    assert!(texts.iter().all(|text| is_accepted(json!(text))), "{name}");
                    assert!(!is_accepted(json!("another")) && !is_accepted(json!(true)), "{name}");
                }
                AppSettingKind::Text(_) => {
                    assert!(!is_accepted(json!(7)) && !is_accepted(json!([])), "{name}");
                }
                AppSettingKind::List(_) => {
                    assert!(!is_accepted(json!({})) && !is_accepted(json!("a")), "{name}");
                }
                AppSettingKind::Object(_) => {
                    assert!(is_accepted(json!({})) && !is_accepted(json!([])), "{name}");
                }
            }
        }
    }
}
