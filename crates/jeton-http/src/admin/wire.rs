//! What goes over the wire.

use crate::transport::wire::{InstantShape, RateShape, ScopeShape, UserIdShape};
use axum::http::StatusCode;
use jeton_core::{
    AllowedAddresses, AppKey, Description, Label, OperatorId, Secret, Timestamp, Token, TokenId, TokenState,
    UserId,
};
use jeton_service::{
    AppCounts, AppCredentials, AppStats, AppSummary, AuditEntry, Operator, RevokedTokens, TokenUse,
    UsageStats, print_settings,
};
use serde::Serialize;
use serde_json::Value;

/// A page of a list.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "{T}Page"))]
pub(super) struct Page<'a, T> {
    items: Vec<T>,
    /// How many there are on all pages.
    total: u64,
    /// The `cursor` of the next page; `null`: there is none.
    next: Option<&'a str>,
}

/// An app.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct App<'a> {
    app_key: &'a str,
    client_id: &'a str,
    /// Whether it is the one that LoopBack's paths mean where they name none.
    default: bool,
    /// Whether none of its tokens and client credentials is accepted.
    suspended: bool,
    created_at: InstantShape,
    updated_at: InstantShape,
    /// Only where one app is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, schemars(with = "super::describe::SettingsShape"))]
    settings: Option<Value>,
}

/// What a client of an app needs.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Credentials<'a> {
    app_key: &'a str,
    client_id: &'a str,
    /// `null`: it was shown before.
    client_secret: Option<&'a str>,
    /// Of a new app: a service credential that may do everything in it. `null`: it was shown before.
    #[serde(skip_serializing_if = "Option::is_none")]
    admin_token: Option<Option<&'a str>>,
}

/// An operator.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Operator"))]
pub(super) struct OperatorShape<'a> {
    id: i64,
    name: &'a str,
    created_at: InstantShape,
}

/// A new operator.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct NewOperator<'a> {
    id: i64,
    name: &'a str,
    /// `null`: it was shown before.
    operator_token: Option<&'a str>,
}

/// Everything of a token but its secret.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Token"))]
pub(super) struct TokenShape<'a> {
    id: i64,
    /// The key of its app.
    app: &'a str,
    /// `identity`, `grant`, `self-made` or `service`.
    kind: &'static str,
    /// `active`, `disabled`, `expired` or `revoked`.
    state: &'static str,
    user_id: Option<UserIdShape<&'a UserId>>,
    title: Option<&'a str>,
    tags: Option<&'a str>,
    description: Option<&'a str>,
    scopes: Vec<ScopeShape<'a>>,
    /// Whether it is switched on.
    enabled: bool,
    /// Who switched it off.
    disabled_by: Option<String>,
    /// An eighth of the secret at either end; `null`: it is not kept.
    masked: Option<&'a str>,
    created_at: InstantShape,
    updated_at: InstantShape,
    /// `null`: it does not end.
    expires_at: Option<InstantShape>,
    /// It is not valid before; `null`: it is at once.
    not_before: Option<InstantShape>,
    /// The blocks of addresses from which it may be used, in CIDR notation; empty: from everywhere.
    allowed_addresses: Vec<String>,
    /// How many uses it has left, but for what servers have reserved; `null`: any number.
    uses_left: Option<u64>,
    /// How often it may be used in a time; empty: any number of times.
    rates: Vec<RateShape>,
    /// The token that made it, on which it depends; `null`: none did.
    parent_id: Option<i64>,
    last_used_at: Option<InstantShape>,
    use_count: u64,
    last_address: Option<String>,
    /// Of a new token: its secret. `null`: it was shown before.
    #[serde(skip_serializing_if = "Option::is_none")]
    access_token: Option<Option<&'a str>>,
}

/// What a filter found.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Revoked {
    matched: u64,
    revoked: u64,
}

/// Entries of the change log, the newest first. Nobody counts them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct AuditPage<'a> {
    items: Vec<AuditItem<'a>>,
    /// The `cursor` of the next page; `null`: there is none.
    next: Option<String>,
}

/// Who did what.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AuditEntry"))]
struct AuditItem<'a> {
    id: i64,
    at: InstantShape,
    what: &'static str,
    /// The key of the app.
    app: Option<&'a str>,
    /// The number of the token.
    token: Option<i64>,
    /// The number of the operator.
    operator: Option<i64>,
    /// The number of the key of the ring, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<i64>,
    /// Such as `operator:1`, `cli`, `manager:12`, `user:45:7`.
    actor: String,
    /// The IP address of the client that did it; `null`: it is not known, or there is none, as for commands.
    address: Option<String>,
}

/// How much there is.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Stats<'a> {
    /// Of all apps.
    total: Counts,
    apps: Vec<AppStatsShape<'a>>,
    /// The `cursor` of the next page; `null`: there is none.
    next: Option<String>,
    recording: Recording,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "AppStats"))]
struct AppStatsShape<'a> {
    /// The key of the app.
    app: &'a str,
    #[serde(flatten)]
    counts: Counts,
}

#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Counts {
    /// Those that were not revoked.
    tokens: u64,
    by_state: States,
    by_kind: Kinds,
    /// Those of tokens that are still kept.
    uses: u64,
    last_used_at: Option<InstantShape>,
}

#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct States {
    active: u64,
    disabled: u64,
    expired: u64,
    revoked: u64,
}

#[derive(Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
struct Kinds {
    identity: u64,
    grant: u64,
    self_made: u64,
    service: u64,
}

/// What this server has noted of uses since it began.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Recording {
    recorded: u64,
    flushed: u64,
    dropped: u64,
}

/// Why something is not done (RFC 9457 section 3.1).
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Problem<'a> {
    r#type: &'static str,
    /// What the status is called.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// A stable code.
    code: &'a str,
    /// What is wrong, for people.
    detail: &'a str,
}

/// A token with what else is known of it.
pub(super) struct TokenView<'a> {
    pub(super) app: &'a str,
    pub(super) token: &'a Token,
    pub(super) state: TokenState,
    pub(super) masked: Option<&'a str>,
    pub(super) usage: Option<&'a TokenUse>,
    pub(super) uses_left: Option<u64>,
}

pub(super) fn apps(apps: &[AppSummary], total: u64, next: Option<&str>) -> String {
    to_json(&Page { items: apps.iter().map(|summary| app_shape(summary, None)).collect(), total, next })
}

pub(super) fn app(app: &AppSummary) -> String {
    to_json(&app_shape(app, Some(print_settings(&app.settings))))
}

pub(super) fn settings(app: &AppSummary) -> String {
    to_json(&print_settings(&app.settings))
}

/// What a new app is given, once.
pub(super) fn app_credentials(made: &AppCredentials) -> String {
    to_json(&Credentials {
        app_key: made.app_key.as_str(),
        client_id: &made.client_id,
        client_secret: Some(made.client_secret.expose()),
        admin_token: Some(Some(made.admin_token.expose())),
    })
}

/// The same where the secrets were shown before.
pub(super) fn app_without_secrets(app: &AppSummary) -> String {
    let (app_key, client_id) = (app.key.as_str(), app.client_id.as_str());
    to_json(&Credentials { app_key, client_id, client_secret: None, admin_token: Some(None) })
}

/// New client credentials, once.
pub(super) fn client_credentials(key: &AppKey, client_id: &str, client_secret: &Secret) -> String {
    let client_secret = Some(client_secret.expose());
    to_json(&Credentials { app_key: key.as_str(), client_id, client_secret, admin_token: None })
}

pub(super) fn operators(operators: &[Operator]) -> String {
    fn shape(operator: &Operator) -> OperatorShape<'_> {
        let Operator { id, name, created_at } = operator;
        OperatorShape { id: id.get(), name, created_at: InstantShape(*created_at) }
    }
    // All of them: they are people.
    to_json(&Page { items: operators.iter().map(shape).collect(), total: operators.len() as u64, next: None })
}

/// What a new operator is given, once; `None`: its token was shown before.
pub(super) fn operator_credentials(id: OperatorId, name: &str, token: Option<&Secret>) -> String {
    to_json(&NewOperator { id: id.get(), name, operator_token: token.map(Secret::expose) })
}

pub(super) fn token(view: &TokenView<'_>) -> String {
    to_json(&token_shape(view, None))
}

/// A new token with its secret, once; `None`: it was shown before.
pub(super) fn new_token(view: &TokenView<'_>, secret: Option<&Secret>) -> String {
    to_json(&token_shape(view, Some(secret.map(Secret::expose))))
}

pub(super) fn tokens<'a>(
    views: impl Iterator<Item = TokenView<'a>>,
    total: u64,
    next: Option<&str>,
) -> String {
    to_json(&Page { items: views.map(|view| token_shape(&view, None)).collect(), total, next })
}

pub(super) fn revoked(done: RevokedTokens) -> String {
    to_json(&Revoked { matched: done.matched, revoked: done.revoked })
}

pub(super) fn audit(entries: &[AuditEntry], next: Option<i64>) -> String {
    let items = entries.iter().map(audit_item).collect();
    to_json(&AuditPage { items, next: next.map(|next| next.to_string()) })
}

fn audit_item(entry: &AuditEntry) -> AuditItem<'_> {
    let subject = |is_meant: bool| entry.subject_id.filter(|_| is_meant);
    AuditItem {
        id: entry.sequence,
        at: InstantShape(entry.at),
        what: entry.what.name(),
        app: entry.app.as_ref().map(AppKey::as_str),
        token: subject(entry.what.is_of_token()),
        operator: subject(entry.what.is_of_operator()),
        key: subject(entry.what.is_of_key()),
        actor: entry.by.actor.to_string(),
        address: entry.by.address().map(|address| address.to_string()),
    }
}

/// How much some apps have, and all of them together.
pub(super) fn stats(all: &[AppStats], page: &[AppStats], next: Option<i64>, usage: UsageStats) -> String {
    let last_used_at = all.iter().filter_map(|app| Some(app.uses?.last_used_at)).max();
    let mut total = Counts { last_used_at: last_used_at.map(InstantShape), ..Counts::default() };
    for app in all {
        total.add(&counts_of(app));
    }
    let UsageStats { recorded, written, dropped } = usage;
    let recording = Recording { recorded, flushed: written, dropped };
    let apps = page.iter().map(app_stats).collect();
    to_json(&Stats { total, apps, next: next.map(|next| next.to_string()), recording })
}

fn app_stats(app: &AppStats) -> AppStatsShape<'_> {
    AppStatsShape { app: app.counts.key.as_str(), counts: counts_of(app) }
}

fn counts_of(app: &AppStats) -> Counts {
    let AppCounts { kinds: [identity, grant, self_made, service], disabled, expired, revoked, .. } =
        app.counts;
    let tokens = identity + grant + self_made + service;
    // They are counted at one instant.
    let active = tokens.saturating_sub(disabled + expired);
    Counts {
        tokens,
        by_state: States { active, disabled, expired, revoked },
        by_kind: Kinds { identity, grant, self_made, service },
        uses: app.uses.map_or(0, |uses| uses.uses),
        last_used_at: app.uses.map(|uses| InstantShape(uses.last_used_at)),
    }
}

impl Counts {
    /// Adds another's, but for the last use.
    fn add(&mut self, other: &Counts) {
        self.tokens += other.tokens;
        self.uses = self.uses.saturating_add(other.uses);
        self.by_state.active += other.by_state.active;
        self.by_state.disabled += other.by_state.disabled;
        self.by_state.expired += other.by_state.expired;
        self.by_state.revoked += other.by_state.revoked;
        self.by_kind.identity += other.by_kind.identity;
        self.by_kind.grant += other.by_kind.grant;
        self.by_kind.self_made += other.by_kind.self_made;
        self.by_kind.service += other.by_kind.service;
    }
}

pub(super) fn problem(status: StatusCode, code: &str, detail: &str) -> String {
    let title = status.canonical_reason().unwrap_or_default();
    to_json(&Problem { r#type: "about:blank", title, status: status.as_u16(), code, detail })
}

fn app_shape(app: &AppSummary, settings: Option<Value>) -> App<'_> {
    App {
        app_key: app.key.as_str(),
        client_id: &app.client_id,
        default: app.is_default,
        suspended: app.settings.common.suspended,
        created_at: InstantShape(app.created_at),
        updated_at: InstantShape(app.updated_at),
        settings,
    }
}

fn texts_of(allowed: Option<&AllowedAddresses>) -> Vec<String> {
    allowed.map_or_else(Vec::new, |allowed| allowed.blocks().iter().map(ToString::to_string).collect())
}

fn token_shape<'a>(view: &TokenView<'a>, access_token: Option<Option<&'a str>>) -> TokenShape<'a> {
    let TokenView { app, token, state, masked, usage, uses_left } = *view;
    let instant = |instant: Option<Timestamp>| instant.map(InstantShape);
    TokenShape {
        id: token.id.get(),
        app,
        kind: token.spec.kind.name(),
        state: state.name(),
        user_id: token.spec.owner.shown().map(UserIdShape),
        title: token.spec.title.as_ref().map(Label::as_str),
        tags: token.spec.tags.as_ref().map(Label::as_str),
        description: token.spec.description.as_ref().map(Description::as_str),
        scopes: token.spec.scopes.as_slice().iter().map(ScopeShape::from).collect(),
        enabled: token.is_enabled(),
        disabled_by: token.disabled_by.as_ref().map(ToString::to_string),
        masked,
        created_at: InstantShape(token.created_at),
        updated_at: InstantShape(token.updated_at),
        expires_at: instant(token.expires_at),
        not_before: instant(token.spec.bounds.not_before),
        allowed_addresses: texts_of(token.spec.bounds.allowed_addresses.as_ref()),
        uses_left,
        rates: token.spec.limits.rates.as_slice().iter().copied().map(RateShape::from).collect(),
        parent_id: token.spec.lineage.parent().map(TokenId::get),
        last_used_at: instant(usage.map(|used| used.last_used_at)),
        use_count: usage.map_or(0, |used| used.use_count),
        last_address: usage.and_then(|used| used.last_address).map(|address| address.to_string()),
        access_token,
    }
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| unreachable!("texts and numbers are always JSON"))
}
