//! The list `allowed_addresses` of a settings document.

use jeton_core::{AllowedAddresses, SettingsError};
use serde::Deserialize;
use serde_json::Value;

const MEMBER: &str = "allowed_addresses";

/// Whether a section of this name is a list, as this one alone is.
pub(super) fn is_list(name: &str) -> bool {
    name == MEMBER
}

pub(super) fn to_texts(allowed: Option<&AllowedAddresses>) -> Vec<String> {
    allowed.map_or_else(Vec::new, |allowed| allowed.blocks().iter().map(ToString::to_string).collect())
}

pub(super) fn from_texts(texts: &[String]) -> Result<Option<AllowedAddresses>, SettingsError> {
    let parsed = AllowedAddresses::parse(texts.iter().map(String::as_str));
    parsed.map_err(|error| SettingsError { member: MEMBER, wanted: error.wanted() })
}

/// Parses the list in a settings document and ignores the rest.
pub(crate) fn parse_allowed_addresses(document: &Value) -> Result<Option<AllowedAddresses>, SettingsError> {
    let Some(list) = document.get(MEMBER) else { return Ok(None) };
    let wanted = jeton_core::AddressError::Form.wanted();
    let texts = Vec::<String>::deserialize(list).map_err(|_| SettingsError { member: MEMBER, wanted })?;
    from_texts(&texts)
}
