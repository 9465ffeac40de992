//! The JSON of the user-token API.

use crate::transport::wire::InstantShape;
use jeton_core::Int64Form;
use jeton_service::{Issued, Listed, ShownSecret};
use serde::Serialize;

/// The members of tokens in answers: of lists and of creates.
pub(super) const SHOWN: &[&str] = &[
    "id",
    "userID",
    "enable",
    "permissions",
    "title",
    "accessToken",
    "tags",
    "description",
    "expireTime",
    "createDate",
    "lastUpdate",
    "access_token",
    "token_type",
    "expires_in",
];

/// The envelope around every answer, as JSON text.
pub(super) fn envelope<T: Serialize>(code: u16, data: &T, error: &str) -> String {
    to_json(&Envelope { code, data, error })
}

/// The start of a list. Its envelope is written in parts, so that a list of any length can be streamed: head,
/// rows separated by commas, tail.
pub(super) fn list_head(total: u64, form: Int64Form) -> String {
    let total = Int64::new(i64::try_from(total).unwrap_or(i64::MAX), form);
    format!("{{\"code\":200,\"data\":{{\"total\":{},\"data\":[", to_json(&total))
}

/// The end of a streamed list.
pub(super) const LIST_TAIL: &str = "]},\"error\":\"\"}";

/// One row of a list, as JSON text.
pub(super) fn list_row(listed: &Listed, form: Int64Form) -> String {
    let Listed { token, secret } = listed;
    let user_id = token.spec.owner.shown().and_then(jeton_core::UserId::as_integer).unwrap_or(0);
    to_json(&UserAccessToken {
        id: Int64::new(token.id.get(), form),
        user_id: Int64::new(user_id, form),
        enable: token.is_enabled(),
        permissions: token.spec.permissions_text(),
        title: label(token.spec.title.as_ref()),
        access_token: match secret {
            ShownSecret::Clear(secret) => Some(secret.expose()),
            ShownSecret::Masked(masked) => Some(masked),
            ShownSecret::Gone => None,
        },
        tags: label(token.spec.tags.as_ref()),
        description: token.spec.description.as_ref().map(jeton_core::Description::as_str),
        expire_time: token.expires_at.map(InstantShape),
        create_date: InstantShape(token.created_at),
        last_update: InstantShape(token.updated_at),
    })
}

/// The answer to a create or a rotation, as JSON text.
pub(super) fn created(issued: &Issued, form: Int64Form) -> String {
    let seconds = issued
        .token
        .expires_at
        .map_or(-1, |expires_at| expires_at.millis_since(issued.token.updated_at) / 1000);
    let data = TokenModel {
        access_token: issued.secret.expose(),
        token_type: "Bearer",
        expires_in: Int64::new(seconds, form),
    };
    envelope(200, &data, "")
}

/// What is around every answer.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "{T}Envelope"))]
pub(super) struct Envelope<'a, T> {
    /// The HTTP status.
    code: u16,
    /// What was asked for; `null` in an error.
    data: &'a T,
    /// What is wrong, for people; empty in a success.
    error: &'a str,
}

/// A list, which is written in parts.
#[cfg(test)]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "TokenList")]
#[expect(dead_code, reason = "it is written piece by piece")]
pub(super) struct Listing<'a> {
    /// How many there are, whatever `skip` and `take` say.
    total: Int64,
    data: Vec<UserAccessToken<'a>>,
}

/// A token in a list.
// The rows of the document, in its order.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub(super) struct UserAccessToken<'a> {
    /// The number by which it is managed.
    id: Int64,
    /// Its user; 0: none, or one that is no integer.
    #[serde(rename = "userID")]
    user_id: Int64,
    /// Whether it is switched on.
    enable: bool,
    /// The names of what it allows on every resource, as they were sent.
    permissions: Option<String>,
    title: Option<&'a str>,
    /// The secret, or its ends where the caller may not see it; `null` where it is not kept.
    access_token: Option<&'a str>,
    tags: Option<&'a str>,
    description: Option<&'a str>,
    /// When it ends; `null`: never.
    expire_time: Option<InstantShape>,
    create_date: InstantShape,
    last_update: InstantShape,
}

/// A new token.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct TokenModel<'a> {
    /// The secret.
    access_token: &'a str,
    /// `Bearer`.
    token_type: &'static str,
    /// For how many seconds it lives; -1: for ever.
    expires_in: Int64,
}

/// An integer of 64 bits: a number, or a text where the app's setting `appkey.int64` says so.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(untagged)]
pub(super) enum Int64 {
    Number(i64),
    Text(String),
}

impl Int64 {
    fn new(number: i64, form: Int64Form) -> Self {
        match form {
            Int64Form::Number => Int64::Number(number),
            Int64Form::Text => Int64::Text(number.to_string()),
        }
    }
}

fn label(label: Option<&jeton_core::Label>) -> Option<&str> {
    label.map(jeton_core::Label::as_str)
}

fn to_json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| unreachable!("these shapes are always JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_in_either_form() {
        assert_eq!(list_head(3, Int64Form::Number), r#"{"code":200,"data":{"total":3,"data":["#);
        assert_eq!(list_head(3, Int64Form::Text), r#"{"code":200,"data":{"total":"3","data":["#);
        let whole = list_head(0, Int64Form::Number) + LIST_TAIL;
        let value: serde_json::Value = serde_json::from_str(&whole).unwrap();
        assert_eq!(value, serde_json::json!({"code": 200, "data": {"total": 0, "data": []}, "error": ""}));
    }

    #[test]
    fn errors_have_the_same_three_members() {
        assert_eq!(envelope(404, &serde_json::Value::Null, "no"), r#"{"code":404,"data":null,"error":"no"}"#);
    }
}
