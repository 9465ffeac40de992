//! The JSON of reports.

use super::error::ReportError;
use crate::transport::items::Items;
use crate::transport::object::Object;
use jeton_core::Secret;
use jeton_service::MAX_REPORTED;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// A text, borrowed from the body unless it contains escapes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReportInput<'a> {
    #[serde(borrow)]
    credentials: Items<Text<'a>, MAX_REPORTED>,
}

/// The body of an error.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "Error"))]
pub(super) struct ErrorBody<'a> {
    /// What is wrong, as a name that never changes.
    error: &'a str,
    /// The same for people.
    message: &'a str,
}

/// The secrets of a report. Texts that can be no secret are left out.
pub(super) fn secrets(body: &[u8]) -> Result<Vec<Secret>, ReportError> {
    let Object(report) =
        serde_json::from_slice::<Object<ReportInput<'_>>>(body).map_err(|_| ReportError::Body)?;
    let Items { items, is_cut } = report.credentials;
    if is_cut || items.is_empty() {
        return Err(ReportError::Count);
    }
    Ok(items.iter().filter_map(|Text(text)| Secret::parse(text.trim()).ok()).collect())
}

/// The body of an error.
pub(super) fn error(code: &str, message: &str) -> Vec<u8> {
    serde_json::to_vec(&ErrorBody { error: code, message })
        .unwrap_or_else(|_| unreachable!("texts are always JSON"))
}
