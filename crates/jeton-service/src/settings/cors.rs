//! The `cors` section of a settings document.

use super::SettingsDocumentError;
use jeton_core::{CorsOrigins, CorsSettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which pages of other origins may call the APIs from a browser.
#[derive(Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema), schemars(rename = "CorsSettings"))]
#[serde(default, deny_unknown_fields)]
pub(super) struct CorsDocument {
    /// Their origins, such as `https://app.example`; `["*"]`: any.
    #[cfg_attr(test, schemars(length(max = 100)))]
    origins: Vec<String>,
    /// Whether their requests may carry what the browser holds. Not together with any origin.
    credentials: bool,
}

impl Default for CorsDocument {
    fn default() -> Self {
        Self::from_settings(&CorsSettings::default())
    }
}

impl CorsDocument {
    pub(super) fn from_settings(settings: &CorsSettings) -> Self {
        let origins = match &settings.origins {
            CorsOrigins::Any => vec!["*".to_owned()],
            CorsOrigins::These(origins) => origins.clone(),
        };
        CorsDocument { origins, credentials: settings.credentials }
    }

    pub(super) fn into_settings(self) -> CorsSettings {
        let origins = match self.origins.as_slice() {
            [any] if any == "*" => CorsOrigins::Any,
            _ => CorsOrigins::These(self.origins),
        };
        CorsSettings { origins, credentials: self.credentials }
    }
}

/// Renames the section in a document, or a patch, that calls it `loopback.cors`, its name while only
/// LoopBack's API had it.
pub(super) fn renamed(mut document: Value) -> Result<Value, SettingsDocumentError> {
    let section = document.get_mut("loopback").and_then(Value::as_object_mut);
    let Some(cors) = section.and_then(|section| section.remove("cors")) else { return Ok(document) };
    if document.get("cors").is_some() {
        return Err(SettingsDocumentError::Form(
            "cors and loopback.cors are one and the same: name it cors".to_owned(),
        ));
    }
    document["cors"] = cors;
    Ok(document)
}
