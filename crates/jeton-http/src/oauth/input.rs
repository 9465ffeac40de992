//! Request bodies: forms (RFC 7662 section 2.1, RFC 7009 section 2.1).

use super::error::OAuthError;
use crate::transport::body::{BodyForm, BodyLimits, body_form, read_body};
use crate::transport::url::pairs;
use axum::body::Body;
use axum::http::HeaderMap;
use jeton_core::Secret;
use zeroize::Zeroizing;

/// The token in a form; `None`: the value cannot be one. Unknown parameters are ignored (RFC 6749 section
/// 3.1), and so is `token_type_hint`: there is one type of token.
pub(super) async fn token(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
) -> Result<Option<Secret>, OAuthError> {
    let body = read_body(headers, body, limits).await?;
    if body_form(headers) != BodyForm::Form {
        return Err(OAuthError::Request("the body must be application/x-www-form-urlencoded"));
    }
    let pairs = pairs(&body).ok_or(OAuthError::Request("the body is not UTF-8 once decoded"))?;
    let tokens = pairs.into_iter().filter(|(name, _)| name == "token");
    let mut tokens = tokens.map(|(_, token)| Zeroizing::new(token)).filter(|token| !token.is_empty());
    match (tokens.next(), tokens.next()) {
        (Some(token), None) => Ok(Secret::parse(&token).ok()),
        (None, _) => Err(OAuthError::Request("the parameter token is missing")),
        (Some(_), Some(_)) => Err(OAuthError::Request("the parameter token comes more than once")),
    }
}
