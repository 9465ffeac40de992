//! The `forward_auth` section of a settings document.

use super::SettingsDocumentError;
use super::form::{misfit, without_secrets};
use jeton_core::{
    Demand, DemandName, ForwardAuthSettings, MAX_NAME_CHARS, MAX_RULE_TAGS, OverLimit, Permission,
    RequestSource, Resource, RouteRule, RulePermission,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Display;

/// The `permission` of a rule whose method decides.
const BY_METHOD: &str = "by-method";

/// Settings of forward-auth.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "ForwardAuthSettings"))]
#[serde(default, deny_unknown_fields)]
pub(super) struct ForwardAuthDocument {
    /// Where the original request is described: `x-original`, `x-original-url`, `x-forwarded` or `request`.
    source: String,
    /// Where the token may stand: `bearer`, `x-access-token`, `x-api-key`, `basic-username`, `cookie:NAME`.
    #[cfg_attr(test, schemars(length(min = 1, max = 8)))]
    credentials: Vec<String>,
    /// Whether it may stand in the query of the original request, as `access_token`.
    query_token: bool,
    /// The demands that have names.
    demands: BTreeMap<String, DemandDocument>,
    /// The rules, of which the first that matches the original request says what is demanded.
    #[cfg_attr(test, schemars(length(max = 1000)))]
    routes: Vec<RouteDocument>,
    /// Whether preflights of browsers pass without a token.
    preflights: bool,
    /// What challenges call the resources.
    realm: Option<String>,
    /// The URL of the resource's metadata (RFC 9728).
    resource_metadata: Option<String>,
    /// For how many seconds a gateway may reuse an answer.
    #[cfg_attr(test, schemars(range(max = 3600)))]
    cache_seconds: u32,
    /// The status that says that a token was used as often as it may be: `429`, or `403` for gateways that cannot pass that.
    #[cfg_attr(test, schemars(extend("enum" = ["429", "403"])))]
    over_limit: String,
}

/// What is demanded.
#[derive(Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Demand"))]
#[serde(default, deny_unknown_fields)]
struct DemandDocument {
    #[serde(skip_serializing_if = "Option::is_none")]
    permission: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

/// What a request demands that has this method and this path.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "RouteRule"))]
#[serde(deny_unknown_fields)]
struct RouteDocument {
    /// A method, or `*`.
    method: String,
    /// A path, in which segments may be `{name}`.
    path: String,
    /// What it must allow; `by-method`: `read`, `write` or `delete`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    permission: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
}

impl Default for ForwardAuthDocument {
    fn default() -> Self {
        Self::from_settings(&ForwardAuthSettings::default())
    }
}

impl ForwardAuthDocument {
    pub(super) fn from_settings(settings: &ForwardAuthSettings) -> Self {
        let demands = settings.demands.iter();
        ForwardAuthDocument {
            source: settings.source.name().to_owned(),
            credentials: settings.credentials.iter().map(ToString::to_string).collect(),
            query_token: settings.query_token,
            demands: demands
                .map(|(name, demand)| (name.as_str().to_owned(), DemandDocument::from_demand(demand)))
                .collect(),
            routes: settings.routes.iter().map(RouteDocument::from_rule).collect(),
            preflights: settings.preflights,
            realm: settings.realm.as_ref().map(|realm| realm.as_str().to_owned()),
            resource_metadata: settings.resource_metadata.clone(),
            cache_seconds: settings.cache_seconds,
            over_limit: settings.over_limit.name().to_owned(),
        }
    }

    pub(super) fn into_settings(self) -> Result<ForwardAuthSettings, SettingsDocumentError> {
        let source = RequestSource::ALL.into_iter().find(|source| source.name() == self.source);
        let sources = RequestSource::ALL.map(RequestSource::name).join(", ");
        let source = source.ok_or_else(|| fault("source", format_args!("must be one of {sources}")))?;
        let over_limit = OverLimit::ALL.into_iter().find(|status| status.name() == self.over_limit);
        let credentials = self.credentials.iter().map(|place| place.parse());
        let demands = self.demands.into_iter().map(|(name, demand)| {
            let about = |error: &dyn Display| fault(&format!("demands.{}", without_secrets(&name)), error);
            let demand = demand.into_demand().map_err(|error| about(&error))?;
            Ok((name.parse::<DemandName>().map_err(|error| about(&error))?, demand))
        });
        let routes = self.routes.into_iter().enumerate().map(|(place, route)| {
            route.into_rule().map_err(|error| fault(&format!("routes[{place}]"), error))
        });
        Ok(ForwardAuthSettings {
            source,
            credentials: credentials
                .collect::<Result<_, _>>()
                .map_err(|error| fault("credentials", error))?,
            query_token: self.query_token,
            demands: demands.collect::<Result<_, SettingsDocumentError>>()?,
            routes: routes.collect::<Result<_, _>>()?,
            preflights: self.preflights,
            realm: self
                .realm
                .map(|realm| realm.parse())
                .transpose()
                .map_err(|error| fault("realm", error))?,
            resource_metadata: self.resource_metadata,
            cache_seconds: self.cache_seconds,
            over_limit: over_limit.ok_or_else(|| fault("over_limit", "must be 429 or 403, as a text"))?,
        })
    }
}

/// Parses this section of a settings document and ignores the others.
pub(crate) fn parse_forward_auth(document: &Value) -> Result<ForwardAuthSettings, SettingsDocumentError> {
    let Some(section) = document.get("forward_auth") else { return Ok(ForwardAuthSettings::default()) };
    let section = ForwardAuthDocument::deserialize(section);
    section.map_err(|error| misfit(&error))?.into_settings()
}

fn fault(member: &str, wanted: impl Display) -> SettingsDocumentError {
    SettingsDocumentError::Form(format!("forward_auth.{member}: {wanted}"))
}

impl DemandDocument {
    fn from_demand(demand: &Demand) -> Self {
        match demand {
            Demand::Active => DemandDocument::default(),
            Demand::Permission { permission, resource } => {
                let Resource { id, tags } = resource.clone().unwrap_or_default();
                DemandDocument { permission: Some(permission.to_string()), id, tags }
            }
        }
    }

    fn into_demand(self) -> Result<Demand, String> {
        let is_name = |text: &String| (1..=MAX_NAME_CHARS).contains(&text.chars().count());
        if !self.id.iter().chain(&self.tags).all(is_name) || self.tags.len() > MAX_RULE_TAGS {
            return Err("an id and up to 16 tags are texts of 1 to 255 characters".to_owned());
        }
        let permission = self.permission.map(|name| name.parse::<Permission>()).transpose();
        let permission = permission.map_err(|error| error.to_string())?;
        Demand::new(permission, Resource::named(self.id, self.tags)).map_err(|error| error.to_string())
    }
}

impl RouteDocument {
    fn from_rule(rule: &RouteRule) -> Self {
        RouteDocument {
            method: rule.method().to_owned(),
            path: rule.path(),
            permission: rule.permission().map(|permission| match permission {
                RulePermission::ByMethod => BY_METHOD.to_owned(),
                RulePermission::Named(name) => name.to_string(),
            }),
            id: rule.id(),
            tags: rule.tags().collect(),
        }
    }

    fn into_rule(self) -> Result<RouteRule, String> {
        let permission = self.permission.as_deref().map(|name| match name {
            BY_METHOD => Ok(RulePermission::ByMethod),
            name => name.parse().map(RulePermission::Named),
        });
        let permission = permission.transpose().map_err(|error| error.to_string())?;
        RouteRule::new(&self.method, &self.path, permission, self.id.as_deref(), &self.tags)
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use crate::settings::{merge_settings, parse_settings, print_settings};
    use serde_json::{Value, json};

    #[test]
    fn a_section_is_printed_as_it_was_read() {
        let section = json!({
            "source": "x-forwarded",
            "credentials": ["x-api-key", "basic-username", "cookie:session"],
            "query_token": true,
            "demands": {"live": {}, "read-mine": {"permission": "read", "id": "7", "tags": ["a"]}},
            "routes": [
                {"method": "*", "path": "/v1/{db}/datastreams/{id}", "permission": "by-method", "id": "{id}"},
                {"method": "GET", "path": "/files/{*rest}", "permission": "read", "tags": ["files", "{rest}"]},
                {"method": "POST", "path": "/ping"},
            ],
            "preflights": true, "realm": "api", "resource_metadata": "https://api.example/meta", "cache_seconds": 5, "over_limit": "403",
        });
        let settings = parse_settings(&json!({"forward_auth": section})).unwrap();
        assert_eq!(print_settings(&settings)["forward_auth"], section);
        assert_eq!(settings.common.forward_auth.routes.len(), 3);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (section, named) in [
            (
                json!({"source": "any"}),
                "forward_auth.source: must be one of x-original, x-original-url, x-forwarded, request",
            ),
            (json!({"credentials": []}), "forward_auth.credentials names 1 to 8"),
            (json!({"credentials": ["cookie"]}), "forward_auth.credentials: a credential is"),
            (json!({"demands": {"route": {}}}), "forward_auth.demands.route: the name of a demand"),
            (json!({"demands": {"a": {"id": "7"}}}), "forward_auth.demands.a: a resource needs a permission"),
            (
                json!({"demands": {"a": {"permission": "read", "id": ""}}}),
                "forward_auth.demands.a: an id and up to 16 tags",
            ),
            (
                json!({"demands": {"a": {"permission": "read write"}}}),
                "forward_auth.demands.a: a permission holds no white space",
            ),
            (json!({"demands": {"a": {"permissions": "read"}}}), "unknown field `permissions`"),
            (
                json!({"routes": [{"method": "*", "path": "/"}, {"method": "*", "path": "/a//b"}]}),
                "forward_auth.routes[1]: a path begins",
            ),
            (json!({"routes": [{"path": "/"}]}), "missing field `method`"),
            (
                json!({"routes": [{"method": "*", "path": "/", "permission": "a,b"}]}),
                "forward_auth.routes[0]: a permission holds no commas",
            ),
            (json!({"realm": "\""}), "forward_auth.realm: a realm is"),
            (json!({"resource_metadata": "http://a"}), "forward_auth.resource_metadata must be an https URL"),
            (json!({"over_limit": "500"}), "forward_auth.over_limit: must be 429 or 403, as a text"),
            (json!({"cache_seconds": 86_400}), "forward_auth.cache_seconds must be at most 3600"),
        ] {
            let patch: Value = json!({"forward_auth": section});
            let error = merge_settings(&json!({}), &patch).unwrap_err().to_string();
            assert!(error.contains(named), "{patch}: {error}");
        }
    }
}
