//! The settings of an app.

use crate::addresses::AllowedAddresses;
use crate::forward_auth::{ForwardAuthSettings, InvalidMember};
use crate::lifetime::{Lifetime, LifetimePolicy};
use crate::lineage::MAX_DELEGATION_DEPTH;
use crate::policy::{MAX_FORBIDDEN, PolicySettings};
use crate::scope::Permission;
use crate::secret::TokenPrefix;

/// The settings of one app. `Default` is what a new app has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Whether none of the app's tokens and client credentials is accepted anywhere.
    pub suspended: bool,
    /// Whether secrets can be shown again.
    pub reveal: Reveal,
    /// The prefix of new secrets.
    pub token_prefix: Option<TokenPrefix>,
    /// The lifetime of a token that asks for none, in seconds. At least 1.
    pub default_ttl_seconds: u32,
    /// No token lives longer, in seconds after the write. At least 1; `None`: no bound.
    pub max_ttl_seconds: Option<u32>,
    /// Whether a token that another token makes or extends may expire later than that one.
    pub allow_outliving_tokens: bool,
    /// The addresses from which the app's tokens may be used, each within its own bounds; `None`: any.
    pub allowed_addresses: Option<AllowedAddresses>,
    /// How many tokens may be above one: 0 to [`MAX_DELEGATION_DEPTH`]; 0: none is made by another.
    pub delegation_depth: usize,
    /// CORS: which pages of other origins may use the APIs that browsers call.
    pub cors: CorsSettings,
    /// The AppKey API.
    pub appkey: AppKeySettings,
    /// The Dotide API.
    pub dotide: DotideSettings,
    /// Forward-auth.
    pub forward_auth: ForwardAuthSettings,
    /// The pages where users manage their own tokens.
    pub self_service: SelfServiceSettings,
    /// What becomes of a token whose old secret is presented.
    pub on_reuse: OnReuse,
    /// What no token may be.
    pub policies: PolicySettings,
}

/// Whether the secret of a token can be shown after its issue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reveal {
    /// Lists show it, as the three API documents do. It is kept encrypted.
    Always,
    /// Only in the answer that issues it. Nothing that could be decrypted is kept.
    Once,
}

/// Settings of the AppKey API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppKeySettings {
    /// Whether the app answers there. If not, it is unknown there, like an app that does not exist.
    pub enabled: bool,
    /// The lifetime in days of a token whose `expireInDays` is 0 or absent: 1 to 3650, or -1 for no expiry.
    pub default_days: i32,
    /// How 64-bit integers are written.
    pub int64: Int64Form,
    /// What the bearer of an identity token may grant.
    pub grantable: Vec<Permission>,
}

/// Settings of the Dotide API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DotideSettings {
    /// Whether the app answers there. If not, it is unknown there, like an app that does not exist.
    pub enabled: bool,
    /// The time zone of answers when a request names none: a name of the Olson database, which the parser of
    /// settings has checked.
    pub timezone: String,
}

/// What is done when somebody presents a secret that a rotation has ended: it may have leaked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnReuse {
    /// The change log tells it.
    #[default]
    Report,
    /// The token is revoked as well.
    RevokeLineage,
}

/// Settings of the pages where users manage their own tokens, as the AppKey API lets them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SelfServiceSettings {
    /// Whether the app has these pages. If not, it is unknown there, like an app that does not exist.
    pub enabled: bool,
}

/// Which pages of other origins may call the API from a browser. `Default`: none.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct CorsSettings {
    /// The origins of those pages.
    pub origins: CorsOrigins,
    /// Whether their requests may carry credentials that the browser holds, such as cookies. Only with named
    /// origins.
    pub credentials: bool,
}

/// Origins of pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CorsOrigins {
    /// Any.
    Any,
    /// These, as browsers write them: scheme, host, and the port unless it is the scheme's default. At most
    /// [`MAX_CORS_ORIGINS`].
    These(Vec<String>),
}

impl Default for CorsOrigins {
    fn default() -> Self {
        CorsOrigins::These(Vec::new())
    }
}

/// At most this many origins.
pub const MAX_CORS_ORIGINS: usize = 100;

/// How the AppKey API writes 64-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Int64Form {
    /// As JSON numbers: what every published client needs.
    Number,
    /// As strings: what the document's examples print.
    Text,
}

/// The member of the settings that is not valid, and what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{member} {wanted}")]
pub struct SettingsError {
    /// The path of the member, with dots.
    pub member: &'static str,
    /// What it must be.
    pub wanted: &'static str,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            suspended: false,
            reveal: Reveal::Always,
            token_prefix: None,
            default_ttl_seconds: 1_209_600,
            max_ttl_seconds: None,
            allow_outliving_tokens: false,
            allowed_addresses: None,
            delegation_depth: 3,
            cors: CorsSettings::default(),
            appkey: AppKeySettings {
                enabled: true,
                default_days: 30,
                int64: Int64Form::Number,
                grantable: Vec::new(),
            },
            dotide: DotideSettings { enabled: true, timezone: "Asia/Shanghai".to_owned() },
            forward_auth: ForwardAuthSettings::default(),
            self_service: SelfServiceSettings::default(),
            on_reuse: OnReuse::default(),
            policies: PolicySettings::default(),
        }
    }
}

impl Settings {
    /// Checks what the types alone do not ensure.
    ///
    /// # Errors
    ///
    /// The first member that is not valid.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let require = |holds, member, wanted| {
            if holds { Ok(()) } else { Err(SettingsError { member, wanted }) }
        };
        require(self.default_ttl_seconds >= 1, "default_ttl_seconds", "must be at least 1")?;
        require(
            self.max_ttl_seconds != Some(0),
            "max_ttl_seconds",
            "must be at least 1, or null for no bound",
        )?;
        require(self.delegation_depth <= MAX_DELEGATION_DEPTH, "delegation_depth", "must be 0 to 8")?;
        let days = self.appkey.default_days;
        require(
            days == -1 || (1..=3650).contains(&days),
            "appkey.default_days",
            "must be 1 to 3650, or -1 for no end",
        )?;
        self.cors.validate()?;
        let error = |InvalidMember { member, wanted }| SettingsError { member, wanted };
        self.forward_auth.validate().map_err(error)?;
        self.validate_policies()?;
        let grantable = &self.appkey.grantable;
        require(grantable.len() <= 1_000, "appkey.grantable", "holds at most 1000 permissions")?;
        let reserved = grantable.iter().any(Permission::is_reserved);
        require(!reserved, "appkey.grantable", "must not hold reserved permissions (jeton:*)")
    }

    fn validate_policies(&self) -> Result<(), SettingsError> {
        let require = |holds, member, wanted| {
            if holds { Ok(()) } else { Err(SettingsError { member, wanted }) }
        };
        let PolicySettings { max_lifetime, forbidden_permissions, .. } = &self.policies;
        for (seconds, member) in [
            (max_lifetime.operator, "policies.max_lifetime_seconds.operator"),
            (max_lifetime.manager, "policies.max_lifetime_seconds.manager"),
            (max_lifetime.user, "policies.max_lifetime_seconds.user"),
        ] {
            require(seconds != Some(0), member, "must be at least 1, or null for no bound")?;
        }
        require(
            forbidden_permissions.len() <= MAX_FORBIDDEN,
            "policies.forbidden_permissions",
            "holds at most 1000 permissions",
        )?;
        require(
            !self.policies.require_prefix || self.token_prefix.is_some(),
            "policies.require_prefix",
            "needs a token_prefix",
        )?;
        require(
            self.policies.max_tokens_per_user != Some(0),
            "policies.max_tokens_per_user",
            "must be at least 1, or null for any number",
        )
    }

    /// The bound on every lifetime.
    pub fn lifetime_policy(&self) -> LifetimePolicy {
        LifetimePolicy { max_ttl_seconds: self.max_ttl_seconds }
    }

    /// The lifetime of a token when none is asked for.
    pub fn default_lifetime(&self) -> Lifetime {
        Lifetime::seconds(i64::from(self.default_ttl_seconds))
    }
}

impl CorsSettings {
    fn validate(&self) -> Result<(), SettingsError> {
        let refuse = |member, wanted| Err(SettingsError { member, wanted });
        match &self.origins {
            CorsOrigins::Any if self.credentials => {
                refuse("cors.credentials", "must be false where any origin is let in")
            }
            CorsOrigins::These(origins) if origins.len() > MAX_CORS_ORIGINS => {
                refuse("cors.origins", "holds at most 100 origins")
            }
            CorsOrigins::These(origins) if !origins.iter().all(|origin| is_origin(origin)) => {
                refuse("cors.origins", "must be [\"*\"], or origins such as https://app.example:8443")
            }
            CorsOrigins::Any | CorsOrigins::These(_) => Ok(()),
        }
    }
}

/// Whether a browser could send this as an origin. `null` is what it sends for pages without an origin, of
/// which there are many kinds: it identifies none.
fn is_origin(text: &str) -> bool {
    let Some((scheme, host)) = text.split_once("://") else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
    let is_host =
        host.bytes().all(|b| b.is_ascii_graphic() && !b.is_ascii_uppercase() && !b"/?#@*,".contains(&b));
    is_scheme && is_host && !host.is_empty()
}

impl AppKeySettings {
    /// The lifetime that `expireInDays` 0 means.
    pub fn default_lifetime(&self) -> Lifetime {
        u32::try_from(self.default_days).map_or(Lifetime::Unlimited, Lifetime::days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl Fn(&mut Settings)) -> Option<&'static str> {
        let mut settings = Settings::default();
        change(&mut settings);
        settings.validate().err().map(|error| error.member)
    }

    #[test]
    fn members_are_checked_by_name() {
        assert_eq!(refused(|_| ()), None);
        assert_eq!(refused(|s| s.default_ttl_seconds = 0), Some("default_ttl_seconds"));
        assert_eq!(refused(|s| s.max_ttl_seconds = Some(0)), Some("max_ttl_seconds"));
        assert_eq!(refused(|s| s.delegation_depth = MAX_DELEGATION_DEPTH), None);
        assert_eq!(refused(|s| s.delegation_depth = MAX_DELEGATION_DEPTH + 1), Some("delegation_depth"));
        for days in [0, -2, 3651] {
            assert_eq!(refused(|s| s.appkey.default_days = days), Some("appkey.default_days"));
        }
        for days in [-1, 1, 3650] {
            assert_eq!(refused(|s| s.appkey.default_days = days), None);
        }
        let grant = |name: &str| {
            let permission: Permission = name.parse().unwrap();
            refused(move |s| s.appkey.grantable = vec![permission.clone()])
        };
        assert_eq!(grant("jeton:verify"), Some("appkey.grantable"));
        assert_eq!(grant("read"), None);
    }

    #[test]
    fn policies_are_checked_by_name() {
        let refused = |change: fn(&mut PolicySettings)| refused(|settings| change(&mut settings.policies));
        assert_eq!(
            refused(|p| p.max_lifetime.operator = Some(0)),
            Some("policies.max_lifetime_seconds.operator")
        );
        assert_eq!(
            refused(|p| p.max_lifetime.manager = Some(0)),
            Some("policies.max_lifetime_seconds.manager")
        );
        assert_eq!(refused(|p| p.max_lifetime.user = Some(0)), Some("policies.max_lifetime_seconds.user"));
        assert_eq!(refused(|p| p.max_lifetime.user = Some(1)), None);
        assert_eq!(refused(|p| p.max_tokens_per_user = Some(0)), Some("policies.max_tokens_per_user"));
        assert_eq!(refused(|p| p.require_prefix = true), Some("policies.require_prefix"));
        let read = |count| vec!["read".parse::<Permission>().unwrap(); count];
        let forbid = |count| {
            let mut settings = Settings::default();
            settings.policies.forbidden_permissions = read(count);
            settings.validate().err().map(|error| error.member)
        };
        assert_eq!(forbid(MAX_FORBIDDEN), None);
        assert_eq!(forbid(MAX_FORBIDDEN + 1), Some("policies.forbidden_permissions"));
    }

    #[test]
    fn origins() {
        let cors = |origins: CorsOrigins, credentials| {
            refused(move |s| s.cors = CorsSettings { origins: origins.clone(), credentials })
        };
        let these = |origins: &[&str]| {
            CorsOrigins::These(origins.iter().map(|origin| (*origin).to_owned()).collect())
        };
        for good in [&["https://app.example", "http://localhost:3000"][..], &["ionic://localhost"], &[]] {
            assert_eq!(cors(these(good), true), None, "{good:?}");
        }
        assert_eq!(cors(CorsOrigins::Any, false), None);
        assert_eq!(cors(CorsOrigins::Any, true), Some("cors.credentials"));
        for bad in [
            "*",
            "null",
            "",
            "app.example",
            "https://",
            "https://a/",
            "https://A",
            "https://*.a",
            "https://u@a",
        ] {
            assert_eq!(cors(these(&[bad]), false), Some("cors.origins"), "{bad}");
        }
        assert_eq!(cors(these(&["https://a"; MAX_CORS_ORIGINS + 1]), false), Some("cors.origins"));
    }

    #[test]
    fn default_lifetimes() {
        let mut settings = Settings::default();
        assert_eq!(settings.default_lifetime(), Lifetime::days(14));
        assert_eq!(settings.appkey.default_lifetime(), Lifetime::days(30));
        settings.appkey.default_days = -1;
        assert_eq!(settings.appkey.default_lifetime(), Lifetime::Unlimited);
    }
}
