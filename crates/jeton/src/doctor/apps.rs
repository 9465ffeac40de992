//! What apps allow, and who operates them.

use super::finding::{Check, Severity, some_of, span};
use jeton_core::{CorsOrigins, Timestamp};
use jeton_loopback::{AclCaller, Method};
use jeton_service::{AppSettings, parse_settings};
use jeton_store::{App, Operator};

/// An operator's token is old after so long.
const OLD_MILLIS: i64 = 365 * 86_400_000;

/// Something that the settings of an app may say, what is found where they do, and what to do about it.
struct Rule {
    severity: Severity,
    holds: fn(&AppSettings) -> bool,
    found: &'static str,
    action: &'static str,
}

const RULES: [Rule; 6] = [
    Rule {
        severity: Severity::Warning,
        holds: |settings| strangers_may(settings, |method| method != Method::Create && !is_read(method)),
        found: "anyone may change or delete tokens over LoopBack's API",
        action: "in loopback.acls, deny $everyone and $unauthenticated all but create",
    },
    Rule {
        severity: Severity::Warning,
        holds: |settings| strangers_may(settings, is_read),
        found: "anyone may read tokens over LoopBack's API, their secrets included",
        action: "in loopback.acls, deny $everyone and $unauthenticated to find",
    },
    Rule {
        severity: Severity::Note,
        holds: |settings| settings.common.cors.origins == CorsOrigins::Any,
        found: "pages of any origin may call the APIs from a browser (cors.origins is *)",
        action: "name the origins of the pages that have to",
    },
    Rule {
        severity: Severity::Note,
        holds: |settings| settings.common.forward_auth.query_token,
        found: "tokens are accepted in query strings, which logs and histories keep (forward_auth.query_token)",
        action: "set forward_auth.query_token to false once clients send headers",
    },
    Rule {
        severity: Severity::Note,
        holds: |settings| settings.loopback.enabled && settings.loopback.allow_eternal_tokens,
        found: "clients may make tokens that never expire (loopback.allow_eternal_tokens)",
        action: "set loopback.allow_eternal_tokens to false",
    },
    Rule {
        severity: Severity::Note,
        holds: |settings| settings.common.max_ttl_seconds.is_none(),
        found: "tokens may live for any time (max_ttl_seconds is null)",
        action: "set max_ttl_seconds",
    },
];

fn is_read(method: Method) -> bool {
    use Method::{Count, CreateChangeStream, Exists, Find, FindById, FindOne, GetUser};
    matches!(method, Find | FindOne | FindById | Exists | Count | GetUser | CreateChangeStream)
}

/// Whether a caller without a token may call one of these methods for a token that is not its own.
fn strangers_may(settings: &AppSettings, is_meant: impl Fn(Method) -> bool) -> bool {
    let access = &settings.loopback.access;
    let may = |method: &Method| access.decide(AclCaller::Anyone, *method, false).is_some();
    settings.loopback.enabled && Method::ALL.iter().filter(|method| is_meant(**method)).any(may)
}

/// What the settings of apps let others do. Each finding names the apps.
pub(super) fn apps(apps: &[App]) -> Check {
    let mut check = Check::new("apps", format!("apps: {}", apps.len()));
    let mut parsed = Vec::with_capacity(apps.len());
    for app in apps {
        let document = serde_json::from_str(&app.settings).ok();
        match document.and_then(|document| parse_settings(&document).ok()) {
            Some(settings) => parsed.push((app, settings)),
            None => check.error(
                format!("the settings of app {} cannot be read", app.key),
                format!("set them anew: jeton app settings {} --merge FILE", app.key),
            ),
        }
    }
    for rule in &RULES {
        let meant = parsed.iter().filter(|(_, settings)| (rule.holds)(settings));
        let names: Vec<_> = meant.map(|(app, _)| &app.key).collect();
        if !names.is_empty() {
            check.add(rule.severity, format!("{}: {}", rule.found, some_of(&names)), rule.action);
        }
    }
    check
}

/// Whether there are operators, and how old their tokens are, which never expire.
pub(super) fn operators(operators: &[Operator], now: Timestamp) -> Check {
    let mut check = Check::new("operators", format!("operators: {}", operators.len()));
    if operators.is_empty() {
        check.note(
            "there is no operator: nobody can use the console or the admin API",
            "jeton operator create NAME",
        );
    }
    let is_old = |operator: &&Operator| now.millis_since(operator.created_at) > OLD_MILLIS;
    let old: Vec<String> = operators
        .iter()
        .filter(is_old)
        .map(|it| format!("{} ({}, {})", it.id.get(), it.name, span(now.millis_since(it.created_at))))
        .collect();
    if !old.is_empty() {
        check.note(
            format!("operators' tokens never expire, and some are old: {}", some_of(&old)),
            "replace them: jeton operator create NAME, then jeton operator revoke ID",
        );
    }
    check
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity::{Error, Note, Warning};
    use super::super::finding::tests::assert_found;
    use super::*;
    use jeton_core::{AppId, OperatorId};
    use serde_json::{Value, json};

    fn app(key: &str, settings: &str) -> App {
        App {
            id: AppId::new(1).unwrap(),
            key: key.parse().unwrap(),
            client_id: "client".to_owned(),
            client_secrets: vec![],
            settings: settings.to_owned(),
            data_key: None,
            created_at: Timestamp::MIN,
            updated_at: Timestamp::MIN,
            revision: 1,
            is_default: false,
        }
    }

    #[test]
    fn apps_that_let_anyone_in_are_named() {
        let found = |mut settings: Value, expected: &[_]| {
            settings["max_ttl_seconds"] = settings.get("max_ttl_seconds").cloned().unwrap_or(json!(60));
            assert_found(&apps(&[app("one", &settings.to_string())]), expected);
        };
        let acl = |who: &str, what: &str| {
            json!({"loopback": {"acls": [
                {"principalType": "ROLE", "principalId": "$everyone", "permission": "DENY"},
                {"principalType": "ROLE", "principalId": who, "permission": "ALLOW", "property": what},
            ]}})
        };
        found(json!({}), &[]);
        found(acl("$everyone", "create"), &[]);
        found(acl("$everyone", "find"), &[(Warning, "anyone may read tokens")]);
        found(acl("$unauthenticated", "deleteById"), &[(Warning, "anyone may change")]);
        found(acl("$authenticated", "deleteById"), &[]);
        let mut off = acl("$everyone", "find");
        off["loopback"]["enabled"] = json!(false);
        found(off, &[]);
        found(json!({"cors": {"origins": ["*"]}}), &[(Note, "cors.origins")]);
        found(json!({"forward_auth": {"query_token": true}}), &[(Note, "query_token")]);
        found(json!({"loopback": {"allow_eternal_tokens": true}}), &[(Note, "never expire")]);
        found(json!({"max_ttl_seconds": null}), &[(Note, "max_ttl_seconds")]);
        assert_found(&apps(&[app("one", "[]")]), &[(Error, "settings of app one")]);
        // Of what many have in common one finding tells.
        let all: Vec<App> = ["a1", "a2", "a3"].map(|key| app(key, "{}")).to_vec();
        assert_found(&apps(&all), &[(Note, "a1, a2, a3")]);
    }

    #[test]
    fn operators_are_there_and_young() {
        let operator = |days: i64| Operator {
            id: OperatorId::new(3).unwrap(),
            name: "first".to_owned(),
            created_at: Timestamp::from_millis(days * 86_400_000).unwrap(),
        };
        let now = Timestamp::from_millis(400 * 86_400_000).unwrap();
        assert_found(&operators(&[], now), &[(Note, "there is no operator")]);
        assert_found(&operators(&[operator(35)], now), &[]);
        assert_found(&operators(&[operator(30), operator(399)], now), &[(Note, "old: 3 (first, 370 d)")]);
    }
}
