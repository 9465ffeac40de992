use crate::Frame;
use askama::Template;
use jeton_core::Timestamp;

/// An app.
#[derive(Debug, Template)]
#[template(path = "app.html")]
pub struct App<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// Its name.
    pub key: &'a str,
    /// The name of its client credentials.
    pub client_id: &'a str,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Whether requests whose path names no app go to it.
    pub is_default: bool,
}
