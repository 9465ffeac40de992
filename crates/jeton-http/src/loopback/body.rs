//! Bodies as LoopBack parses them: `application/json` and forms; any other type counts as no body.

use super::error::LoopBackError;
use super::qs::{FormError, parse_form};
use crate::transport::body::{
    BodyForm, BodyLimits, FORM, charset, content_encoding, media_type, read_body, without_bom,
};
use crate::transport::fault::Fault;
use axum::body::{Body, HttpBody};
use axum::http::HeaderMap;
use jeton_loopback::Value;
use jeton_service::value_of_json;

/// The body of a request; `None` if there is none.
pub(super) async fn read(
    headers: &HeaderMap,
    body: Body,
    limits: BodyLimits,
) -> Result<Option<Value>, LoopBackError> {
    let form = match media_type(headers).as_deref() {
        Some("application/json") => BodyForm::Json,
        Some(FORM) => BodyForm::Form,
        // Other names of JSON included: LoopBack's parser knows only this one.
        Some(_) | None => return Ok(None),
    };
    if body.is_end_stream() {
        return Ok(None);
    }
    check_encoding(headers)?;
    parse(form, &read_body(headers, body, limits).await?)
}

/// The value of a complete body; `None` if it is empty.
pub(super) fn parse(form: BodyForm, bytes: &[u8]) -> Result<Option<Value>, LoopBackError> {
    let bytes = without_bom(bytes);
    if bytes.is_empty() {
        return Ok(None);
    }
    if form == BodyForm::Form {
        let text = std::str::from_utf8(bytes).map_err(|_| LoopBackError::bad("the form is not UTF-8"))?;
        return parse_form(text).map(Some).map_err(|error| match error {
            FormError::TooManyParameters => LoopBackError::TooManyParameters,
            FormError::TooDeep => LoopBackError::bad("the form is nested too deep"),
        });
    }
    let json: serde_json::Value = serde_json::from_slice(bytes)
        .map_err(|error| LoopBackError::Syntax { line: error.line(), column: error.column() })?;
    Ok(Some(value_of_json(&json)))
}

/// Bodies must be plain UTF-8: any other declared charset or coding is refused before the body is read, in
/// the words of Express's parser, which does not know `utf8` either.
fn check_encoding(headers: &HeaderMap) -> Result<(), Fault> {
    if let Some(charset) = charset(headers).filter(|charset| charset != "utf-8") {
        let charset = charset.to_ascii_uppercase();
        return Err(Fault::Unsupported(format!("unsupported charset \"{charset}\"").into()));
    }
    match content_encoding(headers) {
        None => Ok(()),
        Some(coding) => Err(Fault::Unsupported(format!("unsupported content encoding \"{coding}\"").into())),
    }
}
