//! The description of an API, as programs read it.

/// The description of a surface's API in OpenAPI 3.1: `docs/openapi/NAME.json`.
#[derive(Debug)]
pub(crate) struct Document {
    /// The name of the surface in paths.
    pub(crate) name: &'static str,
    /// The document.
    pub(crate) text: &'static str,
    /// Makes it from the code: a test compares the two.
    #[cfg(test)]
    pub(crate) describe: fn() -> serde_json::Value,
}
