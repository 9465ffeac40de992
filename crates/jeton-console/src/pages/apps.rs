use crate::{Frame, Paging};
use askama::Template;
use jeton_core::Timestamp;

/// All apps.
#[derive(Debug, Template)]
#[template(path = "apps.html")]
pub struct Apps<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// Those on this page.
    pub apps: Vec<AppRow<'a>>,
    /// How many there are in all.
    pub total: u64,
    /// Where the others are.
    pub paging: Paging,
}

/// An app in the list of all.
#[derive(Clone, Debug)]
pub struct AppRow<'a> {
    /// Its name.
    pub key: &'a str,
    /// The name of its client credentials.
    pub client_id: &'a str,
    /// When it was created.
    pub created_at: Timestamp,
    /// Whether requests whose path names no app go to it.
    pub is_default: bool,
}
