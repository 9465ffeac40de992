//! The JSON of verification.

use super::input::CheckError;
use crate::transport::items::Items;
use crate::transport::limits::retry_seconds;
use crate::transport::object::Object;
use crate::transport::wire::{InstantShape, UserIdShape};
use jeton_core::{MAX_NAMES_PER_SCOPE, TokenId, UserId, Verdict};
use jeton_service::{CachedToken, Checked};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// At most this many checks in a batch.
pub(super) const MAX_CHECKS: usize = 1_000;
/// At most this many tags of a resource: a scope cannot have more.
pub(super) const MAX_TAGS: usize = MAX_NAMES_PER_SCOPE;

/// A text, borrowed from the body unless it contains escapes.
#[derive(Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// The body: the members of a check, or checks.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BodyInput<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) token: Option<Text<'a>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) permission: Option<Text<'a>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) resource: Option<Object<ResourceInput<'a>>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) address: Option<Box<Text<'a>>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) explain: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    pub(super) checks: Option<Items<Object<CheckInput<'a>>, MAX_CHECKS>>,
}

/// A batch, of which each check is parsed on its own.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LooseBodyInput<'a> {
    #[serde(borrow)]
    pub(super) checks: Items<&'a RawValue, MAX_CHECKS>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckInput<'a> {
    #[serde(borrow)]
    pub(super) token: Text<'a>,
    #[serde(default, deserialize_with = "present")]
    pub(super) permission: Option<Text<'a>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) resource: Option<Object<ResourceInput<'a>>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) address: Option<Box<Text<'a>>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) explain: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ResourceInput<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    pub(super) id: Option<Text<'a>>,
    #[serde(default, deserialize_with = "present")]
    pub(super) tags: Option<Items<Text<'a>, MAX_TAGS>>,
}

/// A member that is present must have a value other than `null`. A backend that builds a request from missing
/// values would otherwise be answered a different question, which demands less.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// The answer to one check. All members except `retry_after_seconds`, `explanation` and
/// `message` are always present.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Verdict"))]
pub(super) struct Answer {
    /// Whether the token is valid in this app now.
    active: bool,
    /// Whether it is, and allows what was demanded.
    allowed: bool,
    /// Why not: `unknown`, `revoked`, `expired`, `disabled`, `not_yet_valid`, `address_unknown`, `address_not_allowed`,
    /// `uses_exhausted`, `insufficient_scope`, `rate_limited`, or `invalid_check` for a check that makes no sense. Reasons are added, never renamed. `null`: it
    /// is allowed.
    reason: Option<&'static str>,
    /// The number of the token, if the caller may know of it.
    token_id: Option<i64>,
    /// Its user, if the issuer named one.
    user_id: Option<UserIdShape<UserId>>,
    /// When it ends; `null`: never.
    expires_at: Option<InstantShape>,
    /// After how many seconds it may be used again, if it is `rate_limited`.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_seconds: Option<u64>,
    /// If it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<ExplanationText>,
    /// What is wrong with a check that makes no sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Explanation"))]
struct ExplanationText {
    /// The place of the scope that allows it, from 0; `null`: none does.
    matched_scope: Option<usize>,
    /// What each scope lacks, in their order.
    lacks: Vec<&'static str>,
    /// If it is refused because of the client's address: whose list it is not on, `app` or `token`.
    #[serde(skip_serializing_if = "Option::is_none")]
    refused_by: Option<&'static str>,
    /// If it is refused because of a token above it, that token's number. Scopes and lists are those of that token then.
    #[serde(skip_serializing_if = "Option::is_none")]
    ancestor: Option<i64>,
}

/// The answers to a batch, in its order.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "Verdicts")]
#[expect(dead_code, reason = "it is written piece by piece")]
pub(super) struct Answers {
    results: Vec<Answer>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Error"))]
pub(super) struct ErrorBody<'a> {
    /// A stable code.
    error: &'a str,
    /// What is wrong, for people.
    message: &'a str,
}

impl Answer {
    fn of(checked: &Checked) -> Self {
        let cached = checked.cached.as_deref();
        Answer {
            active: !matches!(checked.verdict, Verdict::Inactive(_)),
            allowed: checked.verdict == Verdict::Allowed,
            reason: checked.verdict.reason(),
            token_id: cached.map(|cached| cached.token_id().get()),
            user_id: cached.and_then(CachedToken::user_id).map(UserIdShape),
            expires_at: cached.and_then(CachedToken::expires_at).map(InstantShape),
            retry_after_seconds: checked.limits.as_deref().and_then(retry_seconds),
            explanation: checked.explanation.as_ref().map(|explanation| ExplanationText {
                matched_scope: explanation.matched_scope,
                lacks: explanation.lacks.iter().map(|lack| lack.name()).collect(),
                refused_by: explanation.refused_by.map(jeton_core::AddressList::name),
                ancestor: explanation.ancestor.map(TokenId::get),
            }),
            message: None,
        }
    }

    /// A caller that reads only `allowed` gets false.
    fn of_error(error: &CheckError) -> Self {
        Answer {
            active: false,
            allowed: false,
            reason: Some("invalid_check"),
            token_id: None,
            user_id: None,
            expires_at: None,
            retry_after_seconds: None,
            explanation: None,
            message: Some(error.message()),
        }
    }

    fn write(&self, body: &mut Vec<u8>) {
        serde_json::to_writer(body, self).unwrap_or_else(|_| unreachable!("a buffer takes every text"));
    }
}

/// The usual size of an answer in bytes, for preallocation.
const ANSWER_BYTES: usize = 160;

/// The body of the answer to a single check.
pub(super) fn one(checked: &Checked) -> Vec<u8> {
    let mut body = Vec::with_capacity(ANSWER_BYTES);
    Answer::of(checked).write(&mut body);
    body
}

/// The body of the answer to a batch, in its order. `errors` holds the invalid checks by index, ascending.
pub(super) fn many(checked: &[Checked], errors: &[(usize, CheckError)]) -> Vec<u8> {
    let count = checked.len() + errors.len();
    let (mut checked, mut errors) = (checked.iter(), errors.iter().peekable());
    let mut body = Vec::with_capacity(ANSWER_BYTES * (count + 1));
    body.extend_from_slice(b"{\"results\":[");
    for place in 0..count {
        if place > 0 {
            body.push(b',');
        }
        match errors.next_if(|(at, _)| *at == place) {
            Some((_, error)) => Answer::of_error(error).write(&mut body),
            None => checked.by_ref().take(1).for_each(|checked| Answer::of(checked).write(&mut body)),
        }
    }
    body.extend_from_slice(b"]}");
    body
}

/// The body of an error.
pub(super) fn error(code: &str, message: &str) -> Vec<u8> {
    serde_json::to_vec(&ErrorBody { error: code, message })
        .unwrap_or_else(|_| unreachable!("texts are always JSON"))
}
