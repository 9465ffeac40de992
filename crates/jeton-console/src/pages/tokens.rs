use crate::{Choice, Field, Frame, Paging, words};
use askama::Template;
use jeton_core::{Label, Timestamp, Token, TokenState};

/// The tokens of an app that are sought.
#[derive(Debug, Template)]
#[template(path = "tokens.html")]
pub struct Tokens<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// The app.
    pub key: &'a str,
    /// The number of the one that is sought.
    pub id: Field,
    /// Which are sought.
    pub filter: TokenFilter,
    /// In which order.
    pub sort: Vec<Choice>,
    /// What they are ordered by.
    pub order: &'static str,
    /// Those that were found.
    pub tokens: Vec<TokenRow<'a>>,
    /// How many there are in all, where that is known.
    pub total: Option<u64>,
    /// At how many tokens was looked, if that is why there are not more of them.
    pub looked_at: Option<u64>,
    /// Where the others are.
    pub paging: Paging,
    /// Where those that the filter finds are revoked together; empty: it says nothing in particular.
    pub revoke: String,
}

/// Which tokens of an app are sought.
#[derive(Clone, Debug, Default)]
pub struct TokenFilter {
    /// Those of a title, or a start of one.
    pub title: Field,
    /// Those of a user.
    pub user_id: Field,
    /// Those that stand so.
    pub state: Vec<Choice>,
    /// Those with a tag.
    pub tag: Field,
    /// Those with a scope that names this.
    pub scope: Field,
    /// Those that were not used for so long, or never.
    pub unused: Vec<Choice>,
    /// Those that expire so soon, or never.
    pub expires: Vec<Choice>,
    /// Those that were made before an instant.
    pub created_before: Field,
}

/// A token in the table.
#[derive(Clone, Debug)]
pub struct TokenRow<'a> {
    /// The token.
    pub token: &'a Token,
    /// How it stands.
    pub state: TokenState,
    /// An eighth of its secret at either end, if that is kept.
    pub masked: Option<String>,
    /// When it was used last; `None`: never.
    pub last_used_at: Option<Timestamp>,
}

impl TokenFilter {
    /// Whether anything is sought that is not in the first row.
    fn is_detailed(&self) -> bool {
        let fields = [&self.tag, &self.scope, &self.created_before];
        let is_set = |choices: &Vec<Choice>| choices.iter().any(|one| one.is_chosen && !one.value.is_empty());
        fields.into_iter().any(|field| !field.value.is_empty())
            || is_set(&self.unused)
            || is_set(&self.expires)
    }
}

impl Tokens<'_> {
    fn is_detailed(&self) -> bool {
        let is_sorted = self.sort.iter().any(|one| one.is_chosen && !one.value.is_empty());
        self.filter.is_detailed() || is_sorted || !self.id.value.is_empty()
    }

    fn name(&self, row: &TokenRow<'_>) -> String {
        named(self.frame, row.token)
    }

    fn state(&self, row: &TokenRow<'_>) -> &'static str {
        self.frame.language.state(row.state)
    }

    fn scopes(&self, row: &TokenRow<'_>) -> String {
        self.frame.language.scopes_in_short(row.token)
    }

    /// What leads on.
    fn on(&self) -> &'static str {
        let language = self.frame.language;
        if self.looked_at.is_some() { language.look_further() } else { language.next_page() }
    }

    fn counted(&self, total: &u64) -> String {
        self.frame.language.count_of_tokens(*total)
    }

    fn told(&self, looked_at: &u64) -> String {
        self.frame.language.looked_at(*looked_at, self.tokens.len())
    }
}

impl TokenRow<'_> {
    fn tone(&self) -> &'static str {
        words::tone(self.state)
    }

    fn id(&self) -> i64 {
        self.token.id.get()
    }

    fn user(&self) -> String {
        self.token.spec.owner.shown().map(ToString::to_string).unwrap_or_default()
    }

    fn is_there(&self) -> bool {
        self.state != TokenState::Revoked
    }
}

/// What people call a token: its title, else its number.
pub(super) fn named(frame: &Frame<'_>, token: &Token) -> String {
    let title = token.spec.title.as_ref().map(Label::as_str).filter(|title| !title.trim().is_empty());
    title.map_or_else(|| frame.language.token_named(token.id), str::to_owned)
}
