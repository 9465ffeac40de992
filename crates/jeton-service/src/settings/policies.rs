//! An app's policies, as its settings document has them.

use jeton_core::{MaxLifetime, Permission, PolicySettings, SettingsError};
use serde::{Deserialize, Serialize};

/// What no token of the app may be. Holds for what is made, imported or changed from then on.
#[derive(Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "PolicySettings"))]
#[serde(default, deny_unknown_fields)]
pub(super) struct PoliciesDocument {
    max_lifetime_seconds: MaxLifetimeDocument,
    /// Whether every token must expire.
    require_expiry: bool,
    /// What no token may allow.
    #[cfg_attr(test, schemars(length(max = 1000)))]
    forbidden_permissions: Vec<String>,
    /// Whether the secret of every token must begin with `token_prefix` and an underscore, also of those that are imported or that
    /// LoopBack's clients choose.
    require_prefix: bool,
    /// How many live tokens each user may have; `null`: any number.
    #[cfg_attr(test, schemars(range(min = 1, max = 4_294_967_295_u32)))]
    max_tokens_per_user: Option<u32>,
}

/// For how many seconds from now on a token may be made to live, by who makes or changes it; `null`: `max_ttl_seconds` alone bounds it.
#[derive(Default, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "MaxLifetimeSettings"))]
#[serde(default, deny_unknown_fields)]
struct MaxLifetimeDocument {
    /// An operator: on the command line, in the admin API and in the console.
    #[cfg_attr(test, schemars(range(min = 1, max = 4_294_967_295_u32)))]
    operator: Option<u32>,
    /// A server of the app, by `jeton:manage` or client credentials.
    #[cfg_attr(test, schemars(range(min = 1, max = 4_294_967_295_u32)))]
    manager: Option<u32>,
    /// A user.
    #[cfg_attr(test, schemars(range(min = 1, max = 4_294_967_295_u32)))]
    user: Option<u32>,
}

const FORBIDDEN: SettingsError = SettingsError {
    member: "policies.forbidden_permissions",
    wanted: "must hold names of 1 to 255 characters without white space, commas or semicolons",
};

impl PoliciesDocument {
    pub(super) fn from_settings(settings: &PolicySettings) -> Self {
        let MaxLifetime { operator, manager, user } = settings.max_lifetime;
        PoliciesDocument {
            max_lifetime_seconds: MaxLifetimeDocument { operator, manager, user },
            require_expiry: settings.require_expiry,
            forbidden_permissions: settings.forbidden_permissions.iter().map(ToString::to_string).collect(),
            require_prefix: settings.require_prefix,
            max_tokens_per_user: settings.max_tokens_per_user,
        }
    }

    pub(super) fn into_settings(self) -> Result<PolicySettings, SettingsError> {
        let MaxLifetimeDocument { operator, manager, user } = self.max_lifetime_seconds;
        let names: Result<Vec<Permission>, _> =
            self.forbidden_permissions.iter().map(|name| name.parse()).collect();
        Ok(PolicySettings {
            max_lifetime: MaxLifetime { operator, manager, user },
            require_expiry: self.require_expiry,
            forbidden_permissions: names.map_err(|_| FORBIDDEN)?,
            require_prefix: self.require_prefix,
            max_tokens_per_user: self.max_tokens_per_user,
        })
    }
}
