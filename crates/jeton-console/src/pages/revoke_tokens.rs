use super::tokens::TokenFilter;
use crate::{Field, Frame};
use askama::Template;

/// Where tokens are revoked together: first which, then whether it is meant.
#[derive(Debug, Template)]
#[template(path = "revoke_tokens.html")]
pub struct RevokeTokens<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// The app.
    pub key: &'a str,
    /// Which tokens.
    pub filter: TokenFilter,
    /// What is wrong with that; empty: nothing.
    pub error: String,
    /// What they would be, once that was counted.
    pub counted: Option<CountedTokens<'a>>,
}

/// Tokens that would be revoked.
#[derive(Clone, Debug)]
pub struct CountedTokens<'a> {
    /// How many there are.
    pub count: u64,
    /// What is sought, as the form says it along, unseen: names and values.
    pub hidden: Vec<(&'a str, &'a str)>,
    /// Where they are shown.
    pub shown_at: String,
    /// What was typed to confirm.
    pub typed: Field,
}

impl RevokeTokens<'_> {
    fn action(&self) -> String {
        format!("/console/apps/{}/revoke-tokens", self.key)
    }

    fn ask(&self, counted: &CountedTokens<'_>) -> String {
        self.frame.language.bulk_ask(counted.count)
    }
}
