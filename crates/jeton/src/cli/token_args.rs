//! The arguments of `jeton token`.

use super::duration::parse_grace;
use super::list_form::ListForm;
use crate::config::InstallationFlags;
use crate::error::CommandError;
use crate::request::{FilterText, Request, ScopeText, Sort, TokenDraft, TokenEdit};
use clap::Args;
use clap::builder::RangedI64ValueParser;
use jeton_http::Object;
use jeton_service::MAX_DAYS;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Tokens of one `token create`.
const MAX_COUNT: i64 = 10_000;

/// Selects an app.
#[derive(Args, Debug)]
pub(crate) struct TokenTarget {
    #[command(flatten)]
    pub(crate) installation: InstallationFlags,
    /// The app's key
    #[arg(long, value_name = "KEY")]
    pub(crate) app: String,
}

#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    #[command(flatten)]
    target: TokenTarget,
    /// The owner of the token
    #[arg(long, value_name = "USER", allow_negative_numbers = true)]
    user_id: Option<String>,
    #[command(flatten)]
    text: TextArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Days until it expires, 1 to 36500; -1: never [default: the app's default_ttl_seconds, which is 14 days unless it was set;
    /// never for a service credential]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    expires_in_days: Option<i64>,
    #[command(flatten)]
    bounds: BoundArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Issue so many tokens that differ only in their secrets
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=MAX_COUNT))]
    pub(crate) count: u32,
    /// Print {"id","access_token","expires_at"}, a line for each token
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
struct TextArgs {
    /// The title of the token, at most 255 characters
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Free text for sorting tokens, at most 255 characters
    #[arg(long, value_name = "TEXT")]
    tags: Option<String>,
    /// Free text
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

#[derive(Args, Debug)]
struct BoundArgs {
    /// Not valid before this time, as in 2026-11-21T08:00:00Z; now: valid at once
    #[arg(long, value_name = "TIME")]
    not_before: Option<String>,
    /// An address or CIDR block, such as 192.0.2.0/24 or 2001:db8::/32, from which it may be used; repeatable
    #[arg(long, value_name = "CIDR")]
    allow_address: Vec<String>,
}

#[derive(Args, Debug)]
struct LimitArgs {
    /// How often it may be used from now on; unlimited: any number of times
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    uses: Option<String>,
    /// How often in a time: uses/seconds, such as 100/60; repeatable. none: any number of times
    #[arg(long, value_name = "N/SECONDS", allow_hyphen_values = true)]
    rate: Vec<String>,
}

/// With any of these the token is a grant, which is limited to what they allow; without, an identity, which
/// stands for its owner. With jeton:manage or jeton:verify alone it is a service credential.
#[derive(Args, Debug)]
struct ScopeArgs {
    /// Permissions on every resource, separated by commas
    #[arg(long, value_name = "A,B")]
    permissions: Option<String>,
    /// A scope: {"permissions":["read"],"global":false,"ids":["s1"],"tags":["a","b"]}; repeatable
    #[arg(long, value_name = "JSON")]
    scope: Vec<String>,
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) target: TokenTarget,
    #[command(flatten)]
    filter: ListFilter,
    /// In which order
    #[arg(long, value_name = "ORDER")]
    sort: Option<Sort>,
    /// At most this many [default: 100 on a terminal, else all]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<u64>,
    #[command(flatten)]
    pub(crate) form: ListForm,
}

/// Which tokens to list: those for which all of it is true.
#[derive(Args, Debug)]
struct ListFilter {
    /// Only tokens of this owner
    #[arg(long, value_name = "USER", allow_negative_numbers = true)]
    user_id: Option<String>,
    /// Only tokens that stand so: active, disabled, expired or revoked [default: all but the revoked ones]
    #[arg(long, value_name = "STATE")]
    state: Option<String>,
    /// Only tokens of this title, or whose title begins like this, if an asterisk ends it
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Only tokens that have this among their tags, which commas separate
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Only tokens older than this many days that were not used since
    #[arg(long, value_name = "N", value_parser = days())]
    unused_days: Option<u32>,
    /// Only tokens that expire within this many days
    #[arg(long, value_name = "N", value_parser = days())]
    expiring_days: Option<u32>,
}

fn days() -> RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(..=i64::from(MAX_DAYS))
}

impl ListArgs {
    /// What is asked for: of all tokens that fit.
    pub(crate) fn wish(&self) -> ListWish {
        let ListFilter { user_id, state, title, tag, unused_days, expiring_days } = &self.filter;
        let filter = FilterText {
            user_id: user_id.clone(),
            title: title.clone(),
            tag: tag.clone(),
            state: state.clone(),
            unused_days: *unused_days,
            expiring_days: *expiring_days,
            created_before: None,
        };
        ListWish { app: self.target.app.clone(), filter, sort: self.sort }
    }
}

/// Which tokens of which app, and in which order.
pub(crate) struct ListWish {
    pub(crate) app: String,
    pub(crate) filter: FilterText,
    pub(crate) sort: Option<Sort>,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) target: TokenTarget,
    /// The token's id
    pub(crate) id: i64,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    target: TokenTarget,
    /// The token's id
    id: i64,
    /// How long the old secret stays good beside the new one, such as 30m, 24h or 7d; at most 365d
    #[arg(long, value_name = "DURATION", value_parser = parse_grace)]
    grace: Option<Duration>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl RotateArgs {
    pub(crate) fn into_request(self) -> (TokenTarget, Request, bool) {
        let RotateArgs { target, id, grace, json } = self;
        let (app, grace_seconds) = (target.app.clone(), grace.map(|grace| grace.as_secs()));
        (target, Request::TokenRotate { app, id, grace_seconds }, json)
    }
}

#[derive(Args, Debug)]
pub(crate) struct RevokeArgs {
    #[command(flatten)]
    pub(crate) target: TokenTarget,
    /// The token's id
    #[arg(required_unless_present = "filter", conflicts_with = "filter")]
    pub(crate) id: Option<i64>,
    #[command(flatten)]
    pub(crate) filter: RevokeFilter,
    /// Only say how many tokens that would be
    #[arg(long, requires = "filter")]
    pub(crate) dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which tokens to revoke, instead of an id: those for which all of it is true.
#[derive(Args, Debug)]
#[group(id = "filter", multiple = true)]
pub(crate) struct RevokeFilter {
    /// All tokens of this owner
    #[arg(long, value_name = "USER", allow_negative_numbers = true)]
    user_id: Option<String>,
    /// All tokens that have this among their tags, which commas separate
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// All tokens older than this many days that were not used since
    #[arg(long, value_name = "N", value_parser = days())]
    unused_days: Option<u32>,
    /// All tokens made before this instant, such as 2026-11-21T08:00:00Z
    #[arg(long, value_name = "TIME")]
    created_before: Option<String>,
}

impl RevokeArgs {
    pub(crate) fn into_request(self) -> (TokenTarget, Request, bool) {
        let RevokeArgs { target, id, filter, dry_run, json } = self;
        let app = target.app.clone();
        let request = match id {
            Some(id) => Request::TokenRevoke { app, id },
            None => Request::TokenRevokeFound { app, filter: filter.into(), dry_run },
        };
        (target, request, json)
    }
}

impl From<RevokeFilter> for FilterText {
    fn from(filter: RevokeFilter) -> Self {
        let RevokeFilter { user_id, tag, unused_days, created_before } = filter;
        FilterText { user_id, tag, unused_days, created_before, ..FilterText::default() }
    }
}

#[derive(Args, Debug)]
pub(crate) struct UpdateArgs {
    #[command(flatten)]
    target: TokenTarget,
    /// The token's id
    id: i64,
    #[command(flatten)]
    text: TextArgs,
    #[command(flatten)]
    scope: ScopeArgs,
    /// Enable it
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Disable it: it is refused until it is enabled again
    #[arg(long)]
    disable: bool,
    /// Days from now until it expires: -1 for never
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    expires_in_days: Option<i64>,
    #[command(flatten)]
    bounds: BoundArgs,
    #[command(flatten)]
    limits: LimitArgs,
    /// Let it be used from any address again
    #[arg(long, conflicts_with = "allow_address")]
    allow_any_address: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) target: TokenTarget,
    /// Read the token from this file instead of standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// The permission to check; without this: whether the token is active
    #[arg(long, value_name = "NAME")]
    pub(crate) permission: Option<String>,
    /// The id of the resource
    #[arg(long, value_name = "ID", requires = "permission")]
    pub(crate) id: Option<String>,
    /// A tag of the resource; repeatable
    #[arg(long, value_name = "TAG", requires = "permission")]
    pub(crate) tag: Vec<String>,
    /// The address of the client; without this, a token that may be used from some addresses only is refused
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) address: Option<IpAddr>,
    /// Explain which scope matched, or what each one lacked
    #[arg(long)]
    pub(crate) explain: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) target: TokenTarget,
    /// The file to read; - or none: standard input
    pub(crate) file: Option<PathBuf>,
    /// Continue an interrupted import of the same input: what is there already is passed over, and counted by itself
    #[arg(long)]
    pub(crate) resume: bool,
    /// Also accept secrets of less than 32 characters, which can be guessed and are valid on LoopBack only
    #[arg(long)]
    pub(crate) allow_weak: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) target: TokenTarget,
    /// The key ring of the installation that is to import them, as its keys.json; without it, this installation's own
    #[arg(long, value_name = "FILE")]
    pub(crate) for_keys: Option<PathBuf>,
}

impl CreateArgs {
    /// What is to be issued, as often as it says, and whether that is printed for programs.
    pub(crate) fn into_draft(self) -> Result<(TokenTarget, TokenDraft, bool), CommandError> {
        let draft = TokenDraft {
            user_id: self.user_id,
            title: self.text.title,
            tags: self.text.tags,
            description: self.text.description,
            permissions: self.scope.permissions,
            scopes: read_scopes(&self.scope.scope)?,
            expires_in_days: self.expires_in_days,
            not_before: self.bounds.not_before,
            allowed_addresses: self.bounds.allow_address,
            uses: self.limits.uses,
            rates: self.limits.rate,
        };
        Ok((self.target, draft, self.json))
    }
}

impl UpdateArgs {
    pub(crate) fn into_request(self) -> Result<(TokenTarget, Request, bool), CommandError> {
        let addresses = self.bounds.allow_address;
        let edit = TokenEdit {
            title: self.text.title,
            tags: self.text.tags,
            description: self.text.description,
            permissions: self.scope.permissions,
            scopes: read_scopes(&self.scope.scope)?,
            enabled: if self.enable { Some(true) } else { self.disable.then_some(false) },
            expires_in_days: self.expires_in_days,
            not_before: self.bounds.not_before,
            allowed_addresses: (self.allow_any_address || !addresses.is_empty()).then_some(addresses),
            uses: self.limits.uses,
            rates: self.limits.rate,
        };
        if edit.is_empty() {
            return Err(CommandError::usage("there is nothing to change: see jeton token update --help"));
        }
        let request = Request::TokenUpdate { app: self.target.app.clone(), id: self.id, edit };
        Ok((self.target, request, self.json))
    }
}

fn read_scopes(texts: &[String]) -> Result<Vec<ScopeText>, CommandError> {
    let read = |text: &String| {
        let scope: Result<Object<ScopeText>, _> = serde_json::from_str(text);
        scope.map(|scope| scope.0).map_err(|error| CommandError::usage(format!("--scope: {error}")))
    };
    texts.iter().map(read).collect()
}
