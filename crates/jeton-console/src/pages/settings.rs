use crate::{Choice, Field, Frame, Language};
use askama::Template;
use jeton_core::RequestSource;

/// The settings of an app: as a form, and as JSON beside it.
#[derive(Debug, Template)]
#[template(path = "settings.html")]
pub struct AppSettingsPage<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// The app.
    pub key: &'a str,
    /// At which of its versions the app was read: a form changes nothing of a later one.
    pub version: String,
    /// What the settings hold, in the order of [`SETTINGS`].
    pub inputs: Vec<SettingInput>,
    /// All of them as JSON.
    pub json: Field,
    /// Why nothing was changed, if it is not about one of them.
    pub error: String,
}

/// A setting that has a place in the form. The others, which are lists of rules, are in the JSON alone.
#[derive(Debug)]
pub struct Setting {
    /// Its path in the document, with dots.
    pub name: &'static str,
    /// What it holds.
    pub kind: SettingKind,
    label: fn(Language) -> &'static str,
    hint: Option<fn(Language) -> &'static str>,
}

/// What a setting holds.
#[derive(Debug)]
pub enum SettingKind {
    /// True or false.
    Flag,
    /// An integer.
    Number,
    /// An integer, or nothing.
    NumberOrNone,
    /// A text.
    Text,
    /// A text, or nothing.
    TextOrNone,
    /// Texts, one on each line.
    Lines,
    /// One of these.
    One(&'static [&'static str]),
}

/// What a field of the form holds.
#[derive(Clone, Debug)]
pub enum SettingInput {
    /// Whether it is checked.
    Flag(bool),
    /// What was entered.
    Text(Field),
    /// What was entered, on several lines.
    Lines(Field),
    /// What was chosen.
    One(Vec<Choice>),
}

/// The settings of the form, section by section.
pub const SETTINGS: &[Setting] = &[
    setting(
        "reveal",
        SettingKind::One(&["always", "once"]),
        Language::setting_reveal,
        Some(Language::setting_reveal_hint),
    ),
    setting(
        "token_prefix",
        SettingKind::Text,
        Language::setting_token_prefix,
        Some(Language::setting_token_prefix_hint),
    ),
    setting(
        "default_ttl_seconds",
        SettingKind::Number,
        Language::setting_default_ttl,
        Some(Language::setting_default_ttl_hint),
    ),
    setting(
        "max_ttl_seconds",
        SettingKind::NumberOrNone,
        Language::setting_max_ttl,
        Some(Language::setting_max_ttl_hint),
    ),
    setting(
        "allow_outliving_tokens",
        SettingKind::Flag,
        Language::setting_outliving,
        Some(Language::setting_outliving_hint),
    ),
    setting(
        "allowed_addresses",
        SettingKind::Lines,
        Language::setting_allowed_addresses,
        Some(Language::setting_allowed_addresses_hint),
    ),
    setting(
        "delegation_depth",
        SettingKind::Number,
        Language::setting_delegation_depth,
        Some(Language::setting_delegation_depth_hint),
    ),
    setting("appkey.enabled", SettingKind::Flag, Language::setting_enabled, None),
    setting(
        "appkey.default_days",
        SettingKind::Number,
        Language::setting_default_days,
        Some(Language::setting_default_days_hint),
    ),
    setting(
        "appkey.int64",
        SettingKind::One(&["number", "string"]),
        Language::setting_int64,
        Some(Language::setting_int64_hint),
    ),
    setting(
        "appkey.grantable",
        SettingKind::Lines,
        Language::setting_grantable,
        Some(Language::setting_grantable_hint),
    ),
    setting("dotide.enabled", SettingKind::Flag, Language::setting_enabled, None),
    setting(
        "dotide.timezone",
        SettingKind::Text,
        Language::setting_timezone,
        Some(Language::setting_timezone_hint),
    ),
    setting("loopback.enabled", SettingKind::Flag, Language::setting_enabled, None),
    setting(
        "loopback.client_ids",
        SettingKind::One(&["nobody", "authorized", "anyone"]),
        Language::setting_client_ids,
        Some(Language::setting_client_ids_hint),
    ),
    setting(
        "loopback.allow_eternal_tokens",
        SettingKind::Flag,
        Language::setting_eternal,
        Some(Language::setting_eternal_hint),
    ),
    setting(
        "forward_auth.source",
        SettingKind::One(&SOURCES),
        Language::setting_source,
        Some(Language::setting_source_hint),
    ),
    setting(
        "forward_auth.credentials",
        SettingKind::Lines,
        Language::setting_credentials,
        Some(Language::setting_credentials_hint),
    ),
    setting(
        "forward_auth.query_token",
        SettingKind::Flag,
        Language::setting_query_token,
        Some(Language::setting_query_token_hint),
    ),
    setting(
        "forward_auth.preflights",
        SettingKind::Flag,
        Language::setting_preflights,
        Some(Language::setting_preflights_hint),
    ),
    setting(
        "forward_auth.realm",
        SettingKind::TextOrNone,
        Language::setting_realm,
        Some(Language::setting_realm_hint),
    ),
    setting(
        "forward_auth.cache_seconds",
        SettingKind::Number,
        Language::setting_cache,
        Some(Language::setting_cache_hint),
    ),
    setting(
        "forward_auth.over_limit",
        SettingKind::One(&["429", "403"]),
        Language::setting_over_limit,
        Some(Language::setting_over_limit_hint),
    ),
    setting(
        "cors.origins",
        SettingKind::Lines,
        Language::setting_origins,
        Some(Language::setting_origins_hint),
    ),
    setting("cors.credentials", SettingKind::Flag, Language::setting_cors_credentials, None),
    setting(
        "policies.max_lifetime_seconds.operator",
        SettingKind::NumberOrNone,
        Language::setting_max_lifetime_operator,
        Some(Language::setting_max_lifetime_hint),
    ),
    setting(
        "policies.max_lifetime_seconds.manager",
        SettingKind::NumberOrNone,
        Language::setting_max_lifetime_manager,
        Some(Language::setting_max_lifetime_hint),
    ),
    setting(
        "policies.max_lifetime_seconds.user",
        SettingKind::NumberOrNone,
        Language::setting_max_lifetime_user,
        Some(Language::setting_max_lifetime_hint),
    ),
    setting("policies.require_expiry", SettingKind::Flag, Language::setting_require_expiry, None),
    setting(
        "policies.forbidden_permissions",
        SettingKind::Lines,
        Language::setting_forbidden,
        Some(Language::setting_grantable_hint),
    ),
    setting(
        "policies.require_prefix",
        SettingKind::Flag,
        Language::setting_require_prefix,
        Some(Language::setting_require_prefix_hint),
    ),
    setting(
        "policies.max_tokens_per_user",
        SettingKind::NumberOrNone,
        Language::setting_max_per_user,
        Some(Language::setting_max_ttl_hint),
    ),
    setting(
        "rotation.on_reuse",
        SettingKind::One(&["report", "revoke-lineage"]),
        Language::setting_on_reuse,
        Some(Language::setting_on_reuse_hint),
    ),
    setting(
        "self_service.enabled",
        SettingKind::Flag,
        Language::setting_enabled,
        Some(Language::setting_self_service_hint),
    ),
];

/// The names of all sources. One that is missing would be changed into the first by whoever saves the form.
const SOURCES: [&str; RequestSource::ALL.len()] = {
    let mut names = [""; RequestSource::ALL.len()];
    let mut place = 0;
    while place < names.len() {
        names[place] = RequestSource::ALL[place].name();
        place += 1;
    }
    names
};

const fn setting(
    name: &'static str,
    kind: SettingKind,
    label: fn(Language) -> &'static str,
    hint: Option<fn(Language) -> &'static str>,
) -> Setting {
    Setting { name, kind, label, hint }
}

/// A part of the form.
struct Group {
    title: &'static str,
    rows: Vec<Row>,
}

struct Row {
    name: &'static str,
    label: &'static str,
    hint: &'static str,
    input: SettingInput,
}

impl AppSettingsPage<'_> {
    fn groups(&self) -> Vec<Group> {
        let language = self.frame.language;
        let mut groups: Vec<Group> = Vec::new();
        for (setting, input) in SETTINGS.iter().zip(&self.inputs) {
            let title = match setting.name.split_once('.') {
                None => language.settings_general(),
                Some(("appkey", _)) => language.settings_appkey(),
                Some(("dotide", _)) => language.settings_dotide(),
                Some(("loopback", _)) => language.settings_loopback(),
                Some(("cors", _)) => language.settings_cors(),
                Some(("self_service", _)) => language.settings_self_service(),
                Some(("rotation", _)) => language.settings_rotation(),
                Some(("policies", _)) => language.settings_policies(),
                Some(_) => language.settings_forward_auth(),
            };
            let hint = setting.hint.map_or("", |hint| hint(language));
            let label = (setting.label)(language);
            let row = Row { name: setting.name, label, hint, input: input.clone() };
            match groups.last_mut() {
                Some(last) if last.title == title => last.rows.push(row),
                Some(_) | None => groups.push(Group { title, rows: vec![row] }),
            }
        }
        groups
    }
}
