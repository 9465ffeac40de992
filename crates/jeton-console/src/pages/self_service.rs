use crate::{Choice, Field, Frame, Language, Paging};
use askama::Template;
use jeton_core::{Scope, Timestamp, Token, TokenKind, TokenState};
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
        let scopes = self.token.spec.scopes.as_slice();
        match self.token.spec.kind {
            TokenKind::Identity => vec![language.self_identity().to_owned()],
            _ if scopes.is_empty() => vec![language.self_allows_nothing().to_owned()],
            _ => scopes.iter().flat_map(|scope| language.scope_in_words(scope)).collect(),
        }
    }

    /// How it stands: the tone of its badge, and its text.
    fn standing(&self, frame: &Frame<'_>) -> (&'static str, &'static str) {
        match self.token.state(frame.now) {
            TokenState::Active => ("good", frame.language.tokens_active()),
            TokenState::Disabled => ("warn", frame.language.tokens_disabled()),
            TokenState::Expired => ("calm", frame.language.tokens_expired()),
            TokenState::Revoked => ("bad", frame.language.tokens_revoked()),
        }
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

    /// What a scope allows: on everything, or on resources by id, and on those by tag.
    fn scope_in_words(self, scope: &Scope) -> Vec<String> {
        let names: Vec<&str> = scope.permissions.iter().map(|name| name.as_str()).collect();
        let names = names.join(", ");
        if scope.global {
            return vec![self.self_everything(&names)];
        }
        let ids = (!scope.ids.is_empty()).then(|| self.self_on_ids(&names, scope.ids.join(", ")));
        let tags = (!scope.tags.is_empty()).then(|| self.self_on_tags(&names, scope.tags.join(" + ")));
        ids.into_iter().chain(tags).collect()
    }
}
