//! Requests of the user-token API: JSON with several spellings of names, or a form; integers as numbers or
//! texts.
//!
//! Names are case-insensitive, as in the original. A write with unknown names is refused. Errors name the
//! member and never quote its value, which may be a misplaced secret.

use super::error::AppKeyError;
use super::wire::SHOWN;
use crate::transport::body::{BodyForm, without_bom};
use crate::transport::fault::Fault;
use crate::transport::members::{is_json, read_json, unknown};
use crate::transport::url::pairs;
use jeton_core::{Description, Label, LabelError, Lifetime, Permission, UserId};
use jeton_service::{Edit, MAX_GRACE, RequestedLifetime};
use serde_json::Value;
use std::time::Duration;

/// Tokens in a list by default.
const DEFAULT_TAKE: u64 = 100;
/// At most this many tokens in a list.
const MAX_TAKE: u64 = 1000;

/// The most days for which a token can be asked to live.
pub(super) const MAX_DAYS: u32 = 3650;
/// The members of create requests, and those of updates.
pub(super) const CREATED: &[&str] =
    &["title", "tags", "userID", "description", "permissions", "expireInDays"];
pub(super) const CHANGED: &[&str] = &["title", "tags", "description", "permissions", "enable"];
/// The members of rotations.
pub(super) const ROTATED: &[&str] = &["graceSeconds"];
/// The query parameters of writes.
const OF_WRITES: &[&str] = &["userId"];

/// The members of a query or a body. The values of a form are all texts.
pub(super) struct Members(Vec<(String, Value)>);

/// A create request.
#[derive(Debug)]
pub(super) struct Create {
    pub(super) title: Label,
    pub(super) tags: Option<Label>,
    pub(super) description: Option<Description>,
    pub(super) permissions: Option<(String, Vec<Permission>)>,
    pub(super) user_id: Option<UserId>,
    /// `None`: the app's default.
    pub(super) lifetime: Option<RequestedLifetime>,
}

/// The requested part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Paging {
    pub(super) skip: u64,
    pub(super) take: u64,
}

impl Members {
    /// The members of a query.
    pub(super) fn of_query(query: &str) -> Result<Self, AppKeyError> {
        let pairs = pairs(query.as_bytes()).ok_or_else(|| AppKeyError::bad("the query is not UTF-8"))?;
        let members = Members::of_pairs(pairs);
        for name in ["userId", "skip", "take"] {
            if members.0.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name)).count() > 1 {
                return Err(AppKeyError::bad(format!("{name} stands more than once in the query")));
            }
        }
        Ok(members)
    }

    /// The members of the query of a write, where an unknown one may have been meant as a limitation.
    pub(super) fn of_write(query: &str) -> Result<Self, AppKeyError> {
        let members = Members::of_query(query)?;
        match members.0.iter().find(|(name, _)| !is_one_of(name, OF_WRITES)) {
            Some((name, _)) => Err(AppKeyError::bad(format!("in the query, {}", unknown(name, OF_WRITES)))),
            None => Ok(members),
        }
    }

    /// The members of a body. What starts like JSON is JSON even if its type is that of a form, as `curl -d`
    /// sends it. With `null_is_empty`, JSON `null` means no members: one published client sends it if its
    /// caller leaves the request object out.
    pub(super) fn of_body(body: &[u8], form: BodyForm, null_is_empty: bool) -> Result<Self, AppKeyError> {
        let members = match form {
            BodyForm::Other => {
                let wanted = "the body must be JSON or application/x-www-form-urlencoded";
                return Err(Fault::Unsupported(wanted.into()).into());
            }
            BodyForm::Form if !is_json(body) => {
                let pairs =
                    pairs(without_bom(body)).ok_or_else(|| AppKeyError::bad("the form is not UTF-8"))?;
                if pairs.is_empty() {
                    return Err(AppKeyError::bad("the body is empty"));
                }
                Members::of_pairs(pairs)
            }
            BodyForm::Form | BodyForm::Json => match read_json(body, "the body").map_err(AppKeyError::bad)? {
                Value::Object(members) => Members(members.into_iter().collect()),
                Value::Null if null_is_empty => Members(Vec::new()),
                _ => return Err(AppKeyError::bad("the body must be a JSON object")),
            },
        };
        members.each_once()
    }

    /// These members, unless a name is repeated, ignoring case.
    fn each_once(self) -> Result<Self, AppKeyError> {
        let mut names: Vec<String> = self.0.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(AppKeyError::bad("a member of the body stands there more than once"));
        }
        Ok(self)
    }

    /// Refuses members that are neither in `written` nor in answers; clients may send back the latter as they
    /// read them.
    fn only_known(&self, written: &[&str]) -> Result<(), AppKeyError> {
        let is_known = |name: &str| is_one_of(name, written) || is_one_of(name, SHOWN);
        match self.0.iter().find(|(name, _)| !is_known(name)) {
            Some((name, _)) => Err(AppKeyError::bad(unknown(name, written))),
            None => Ok(()),
        }
    }

    fn of_pairs(pairs: Vec<(String, String)>) -> Self {
        Members(pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect())
    }

    /// The last member with this name; `None` also for `null`.
    fn get(&self, name: &str) -> Option<&Value> {
        let found = self.0.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    }

    fn text(&self, name: &str) -> Result<Option<String>, AppKeyError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(AppKeyError::bad(format!("{name} must be a string"))),
        }
    }

    /// An integer as a number or as text; an empty text counts as absent.
    fn integer(&self, name: &str) -> Result<Option<i64>, AppKeyError> {
        let number = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) if text.is_empty() => return Ok(None),
            Some(Value::String(text)) => text.parse().ok(),
            Some(value) => value.as_i64(),
        };
        number.map(Some).ok_or_else(|| AppKeyError::bad(format!("{name} must be an integer")))
    }

    fn boolean(&self, name: &str) -> Result<Option<bool>, AppKeyError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(Value::String(text)) if text.is_empty() => Ok(None),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            Some(_) => Err(AppKeyError::bad(format!("{name} must be true or false"))),
        }
    }

    fn label(&self, name: &str) -> Result<Option<Label>, AppKeyError> {
        self.text(name)?.map(Label::new).transpose().map_err(|error| invalid(name, error))
    }

    fn description(&self) -> Result<Option<Description>, AppKeyError> {
        let text = self.text("description")?;
        text.map(Description::new).transpose().map_err(|error| invalid("description", error))
    }

    fn permissions(&self) -> Result<Option<(String, Vec<Permission>)>, AppKeyError> {
        let Some(text) = self.text("permissions")? else { return Ok(None) };
        let names = Permission::parse_list(&text);
        names
            .map(|names| Some((text, names)))
            .map_err(|error| AppKeyError::bad(format!("permissions: {error}")))
    }

    /// A user by number, of 64 bits. Zero means none, as in the original.
    fn user(&self, name: &str) -> Result<Option<UserId>, AppKeyError> {
        Ok(self.integer(name)?.filter(|number| *number != 0).map(UserId::from_integer))
    }

    /// `userId` of a query.
    pub(super) fn user_id(&self) -> Result<Option<UserId>, AppKeyError> {
        self.user("userId")
    }

    /// `skip` and `take` of a query.
    pub(super) fn paging(&self) -> Result<Paging, AppKeyError> {
        let count = |name: &str| match self.integer(name)? {
            None => Ok(None),
            Some(count) => u64::try_from(count)
                .ok()
                .filter(|count| *count <= i32::MAX as u64)
                .map(Some)
                .ok_or_else(|| AppKeyError::bad(format!("{name} must be 0 to 2147483647"))),
        };
        Ok(Paging {
            skip: count("skip")?.unwrap_or(0),
            take: count("take")?.unwrap_or(DEFAULT_TAKE).min(MAX_TAKE),
        })
    }

    /// A create request from this body and this query.
    pub(super) fn create(&self, query: &Members) -> Result<Create, AppKeyError> {
        self.only_known(CREATED)?;
        if self.boolean("enable")? == Some(false) {
            return Err(AppKeyError::bad(
                "a new token is enabled: enable can be set to false when it is there",
            ));
        }
        let title = self.label("title")?.filter(|title| !title.as_str().is_empty());
        Ok(Create {
            title: title.ok_or_else(|| AppKeyError::bad("title must not be empty"))?,
            tags: self.label("tags")?,
            description: self.description()?,
            permissions: self.permissions()?,
            user_id: named_user(query.user_id()?, self.user("userID")?)?,
            lifetime: self.lifetime()?,
        })
    }

    /// An update request. Absent or null members keep their values, and so does an empty title: several
    /// published clients send empty texts for what their caller did not set, and a token never loses its
    /// title.
    ///
    /// A request with members, none of which can be changed, is refused.
    pub(super) fn edit(&self) -> Result<Edit, AppKeyError> {
        if self.get("expireInDays").is_some() {
            return Err(AppKeyError::bad("expireInDays is set when a token is made, and does not change"));
        }
        self.only_known(CHANGED)?;
        if !self.0.is_empty() && !self.0.iter().any(|(name, _)| is_one_of(name, CHANGED)) {
            return Err(AppKeyError::bad(format!("there is nothing to change: {}", CHANGED.join(", "))));
        }
        if self.get("enable").is_some_and(|value| value == "") {
            return Err(AppKeyError::bad("enable must be true or false"));
        }
        Ok(Edit {
            title: self.label("title")?.filter(|title| !title.as_str().is_empty()),
            tags: self.label("tags")?,
            description: self.description()?,
            permissions: self.permissions()?,
            enabled: self.boolean("enable")?,
            ..Edit::default()
        })
    }

    /// For how long the secret of before is good beside a new one.
    pub(super) fn grace(&self) -> Result<Option<Duration>, AppKeyError> {
        self.only_known(ROTATED)?;
        let most = i64::try_from(MAX_GRACE.as_secs()).unwrap_or(i64::MAX);
        match self.integer("graceSeconds")? {
            None | Some(0) => Ok(None),
            Some(seconds) if seconds <= most => {
                let wrong = |_| AppKeyError::bad("graceSeconds is 0 or more");
                Ok(Some(Duration::from_secs(u64::try_from(seconds).map_err(wrong)?)))
            }
            Some(_) => Err(AppKeyError::bad(format!("graceSeconds is at most {most}"))),
        }
    }

    fn lifetime(&self) -> Result<Option<RequestedLifetime>, AppKeyError> {
        match self.integer("expireInDays")? {
            None | Some(0) => Ok(None),
            Some(-1) => Ok(Some(RequestedLifetime::Asked(Lifetime::Unlimited))),
            Some(days) => match u32::try_from(days) {
                Ok(days) if days <= MAX_DAYS => Ok(Some(RequestedLifetime::Asked(Lifetime::days(days)))),
                Ok(_) | Err(_) => Err(AppKeyError::bad("expireInDays must be -1 to 3650")),
            },
        }
    }
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| name.eq_ignore_ascii_case(other))
}

/// The user of the query and of the body, which must not differ.
fn named_user(query: Option<UserId>, body: Option<UserId>) -> Result<Option<UserId>, AppKeyError> {
    match (query, body) {
        (Some(query), Some(body)) if query != body => {
            Err(AppKeyError::bad("userId in the query and userID in the body are different"))
        }
        (query, body) => Ok(query.or(body)),
    }
}

fn invalid(name: &str, error: LabelError) -> AppKeyError {
    AppKeyError::bad(format!("{name} {error}"))
}
