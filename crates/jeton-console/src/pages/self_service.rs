use crate::words::tone;
use crate::{Choice, Field, Frame, Language, Paging};
use askama::Template;
use jeton_core::{Timestamp, Token};
use std::net::IpAddr;

/// The tokens of the user who has signed in.
#[derive(Debug, Template)]
#[template(path = "own_tokens.html")]
pub struct OwnTokens<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// The tokens.
    pub tokens: Vec<OwnToken<'a>>,
    /// How many there are on all pages.
    pub total: u64,
    /// Where they go on.
    pub paging: Paging,
}

/// A token of the user who has signed in.
#[derive(Debug)]
pub struct OwnToken<'a> {
    /// The token.
    pub token: &'a Token,
    /// Whether it is the one that the user has signed in with.
    pub is_of_session: bool,
    /// Its last use; `None`: none is known.
    pub last_used_at: Option<Timestamp>,
}

/// One of them.
#[derive(Debug, Template)]
#[template(path = "own_token.html")]
pub struct OwnTokenPage<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// The token.
    pub own: OwnToken<'a>,
    /// Its secret, as far as it may be shown; `None`: it was not kept.
    pub masked: Option<&'a str>,
    /// How often it was used, as far as is known.
    pub uses: u64,
    /// How many uses it has left; `None`: any number.
    pub uses_left: Option<u64>,
    /// From where it was used last.
    pub last_address: Option<IpAddr>,
    /// Its title, to change.
    pub title: Field,
    /// Its tags, to change.
    pub tags: Field,
    /// Its description, to change.
    pub description: Field,
    /// How long the secret of before is good beside a new one.
    pub graces: Vec<Choice>,
    /// Why something was refused; empty: nothing was.
    pub error: &'a str,
}

/// Asks for a new one.
#[derive(Debug, Template)]
#[template(path = "new_own_token.html")]
pub struct NewOwnToken<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// What it is for.
    pub title: Field,
    /// Free text for sorting.
    pub tags: Field,
    /// Free text.
    pub description: Field,
    /// The permissions on everything that can be granted.
    pub permissions: Vec<Choice>,
    /// How long it may live.
    pub lifetimes: Vec<Choice>,
    /// Why it was refused; empty: it was not.
    pub error: &'a str,
}

impl OwnToken<'_> {
    /// What it is called.
    fn name(&self, language: &Language) -> String {
        language.own_token_name(self.token)
    }

    /// What it allows.
    fn allows(&self, language: &Language) -> Vec<String> {
        let spec = &self.token.spec;
        match spec.scopes.as_slice() {
            [] => vec![language.without_scopes(spec.kind).to_owned()],
            scopes => scopes.iter().map(|scope| language.scope(scope)).collect(),
        }
    }

    /// How the token stands: the tone of its badge, and its text.
    fn standing(&self, frame: &Frame<'_>) -> (&'static str, &'static str) {
        let state = self.token.state(frame.now);
        (tone(state), frame.language.state(state))
    }

    /// The path of its page; `name` begins with a slash, or is empty.
    fn path(&self, frame: &Frame<'_>, name: &str) -> String {
        frame.path(&format!("/tokens/{}{name}", self.token.id))
    }
}

impl Language {
    /// What a token is called where its owner sees it.
    pub fn own_token_name(self, token: &Token) -> String {
        let title = token.spec.title.as_ref().map(|title| title.as_str().trim());
        match title.filter(|title| !title.is_empty()) {
            Some(title) => title.to_owned(),
            None => self.self_untitled(token.id),
        }
    }
}
