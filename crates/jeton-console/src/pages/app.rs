use crate::{Choice, Field, Frame, Tally};
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
    /// Whether none of its tokens and client credentials is accepted.
    pub is_suspended: bool,
    /// How many tokens it has.
    pub counts: TokenCounts,
    /// How long the client secret of before is good beside a new one.
    pub graces: Vec<Choice>,
}

/// How many tokens there are, by how they stand, and how often they were used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Those that are good.
    pub active: Tally,
    /// Those that are disabled.
    pub disabled: Tally,
    /// Those that have expired.
    pub expired: Tally,
    /// Those that were revoked and are still remembered.
    pub revoked: Tally,
    /// Uses of all of them, and of those that are gone.
    pub uses: u64,
    /// The latest of those.
    pub last_used_at: Option<Timestamp>,
}

/// Where an app is made.
#[derive(Debug, Template)]
#[template(path = "new_app.html")]
pub struct NewApp<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// Its name.
    pub key: Field,
    /// Whose its admin token is.
    pub admin_user: Field,
}
