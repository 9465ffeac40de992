//! The JSON of delegation.

use crate::transport::wire::InstantShape;
use jeton_core::TokenId;
use jeton_service::Issued;
use serde::Serialize;

/// A token that was made. The only answer that shows its secret.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(super) struct Child<'a> {
    /// Its number.
    id: i64,
    /// Its secret.
    access_token: &'a str,
    /// When it ends by itself; `null`: never. It ends with its parent at the latest.
    expires_at: Option<InstantShape>,
    /// The number of the token that made it.
    parent_id: Option<i64>,
}

#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Error"))]
pub(super) struct ErrorBody<'a> {
    /// A stable code.
    error: &'a str,
    /// What is wrong, for people.
    message: &'a str,
}

/// The body of the answer.
pub(super) fn made(issued: &Issued) -> Vec<u8> {
    to_json(&Child {
        id: issued.token.id.get(),
        access_token: issued.secret.expose(),
        expires_at: issued.token.expires_at.map(InstantShape),
        parent_id: issued.token.spec.lineage.parent().map(TokenId::get),
    })
}

/// The body of an error.
pub(super) fn error(code: &str, message: &str) -> Vec<u8> {
    to_json(&ErrorBody { error: code, message })
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|_| unreachable!("numbers and texts are always JSON"))
}
