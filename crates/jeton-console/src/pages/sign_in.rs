use crate::Frame;
use askama::Template;

/// Where an operator signs in.
#[derive(Debug, Template)]
#[template(path = "sign_in.html")]
pub struct SignIn<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// Where it leads then.
    pub back: &'a str,
    /// What there is to say about an earlier attempt, or session.
    pub note: Option<SignInNote>,
}

/// What a link shows that signs somebody in: opening it does nothing, since browsers and what guards them open links that nobody
/// has clicked.
#[derive(Debug, Template)]
#[template(path = "enter.html")]
pub struct Enter<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
}

/// What there is to say where an operator signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInNote {
    /// Nothing was entered.
    Missing,
    /// What was entered is not the token of an operator.
    Refused,
    /// A session is over.
    SessionOver,
    /// The operator has signed out.
    SignedOut,
    /// A link that signs somebody in is used up, or too old.
    LinkOver,
    /// The browser sent no cookie back.
    CookieRefused,
}

impl SignIn<'_> {
    /// What is wrong with what was entered.
    fn error(&self) -> &'static str {
        match self.note {
            Some(SignInNote::Missing) => self.frame.language.sign_in_missing(),
            Some(SignInNote::Refused) => self.frame.language.sign_in_refused(),
            Some(
                SignInNote::SessionOver
                | SignInNote::SignedOut
                | SignInNote::LinkOver
                | SignInNote::CookieRefused,
            )
            | None => "",
        }
    }

    /// What else there is to say.
    fn hint(&self) -> &'static str {
        match self.note {
            Some(SignInNote::SessionOver) => self.frame.language.session_over(),
            Some(SignInNote::SignedOut) => self.frame.language.signed_out(),
            Some(SignInNote::LinkOver) => self.frame.language.link_over(),
            Some(SignInNote::CookieRefused) => self.frame.language.cookie_refused(),
            Some(SignInNote::Missing | SignInNote::Refused) | None => "",
        }
    }
}
