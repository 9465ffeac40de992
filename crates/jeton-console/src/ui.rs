//! Parts of pages.

use crate::Language;

/// A page, or a part of one, that can be written.
pub trait Page {
    /// The page as HTML.
    fn html(&self) -> String;
}

impl<T: askama::Template> Page for T {
    fn html(&self) -> String {
        self.render().unwrap_or_else(|_| unreachable!("a text takes every template"))
    }
}

/// A field of a form: what was entered, and what is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Field {
    /// What it holds.
    pub value: String,
    /// What is wrong with that; empty: nothing.
    pub error: String,
}

impl Field {
    /// A field that holds this.
    pub fn of(value: impl Into<String>) -> Self {
        Field { value: value.into(), error: String::new() }
    }
}

/// One of several values of a field.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The value that is sent.
    pub value: String,
    /// What people read.
    pub label: String,
    /// Whether it is the one.
    pub is_chosen: bool,
}

/// Where else a list goes on. Lists are read by key: there is a next page and a first one, no numbers.
#[derive(Clone, Debug, Default)]
pub struct Paging {
    /// Where the list begins, if this is not its first page.
    pub first: Option<String>,
    /// Where it goes on, if this is not its last page.
    pub next: Option<String>,
}

/// A secret that is shown once.
#[derive(Clone, Copy, Debug)]
pub struct Credential<'a> {
    /// What it is.
    pub kind: CredentialKind,
    /// The secret.
    pub value: &'a str,
}

/// What a secret is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// The name of client credentials, which is no secret but belongs to one.
    ClientId,
    /// The secret of client credentials.
    ClientSecret,
    /// The service credential of a new app.
    AdminToken,
    /// The token of an operator.
    OperatorToken,
    /// A token of an app.
    AccessToken,
}

impl CredentialKind {
    pub(crate) fn label(self, language: Language) -> &'static str {
        match self {
            CredentialKind::ClientId => language.app_client_id(),
            CredentialKind::ClientSecret => language.client_secret(),
            CredentialKind::AdminToken => language.admin_token(),
            CredentialKind::OperatorToken => language.operator_token(),
            CredentialKind::AccessToken => language.access_token(),
        }
    }

    /// The name of the place where a page shows it.
    pub(crate) const fn id(self) -> &'static str {
        match self {
            CredentialKind::ClientId => "client-id",
            CredentialKind::ClientSecret => "client-secret",
            CredentialKind::AdminToken => "admin-token",
            CredentialKind::OperatorToken => "operator-token",
            CredentialKind::AccessToken => "access-token",
        }
    }
}
