use crate::{Frame, Site};
use askama::Template;

/// Where visitors sign in by a token.
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

/// What there is to say where visitors sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInNote {
    /// Nothing was entered.
    Missing,
    /// What was entered is not a token that lets anybody in here.
    Refused,
    /// A session is over.
    SessionOver,
    /// The visitor has signed out.
    SignedOut,
    /// A link that signs somebody in is used up, or too old.
    LinkOver,
    /// The browser sent no cookie back.
    CookieRefused,
}

impl SignIn<'_> {
    /// A text of the console, or of self-service.
    fn by_site(&self, console: &'static str, self_service: &'static str) -> &'static str {
        match self.frame.site {
            Site::Console(_) => console,
            Site::SelfService { .. } => self_service,
        }
    }

    /// What visitors can do here.
    fn lead(&self) -> &'static str {
        self.by_site(self.frame.language.sign_in_lead(), self.frame.language.self_lead())
    }

    /// What they sign in by.
    fn label(&self) -> &'static str {
        self.by_site(self.frame.language.operator_token(), self.frame.language.self_token())
    }

    fn label_hint(&self) -> &'static str {
        self.by_site(self.frame.language.operator_token_hint(), self.frame.language.self_token_hint())
    }

    /// By which name whatever keeps passwords keeps the token.
    fn username(&self) -> &str {
        match self.frame.site {
            Site::Console(_) => "operator",
            Site::SelfService { app, .. } => app,
        }
    }

    /// What is wrong with what was entered.
    fn error(&self) -> &'static str {
        match self.note {
            Some(SignInNote::Missing) => {
                self.by_site(self.frame.language.sign_in_missing(), self.frame.language.self_missing())
            }
            Some(SignInNote::Refused) => {
                self.by_site(self.frame.language.sign_in_refused(), self.frame.language.self_refused())
            }
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
            Some(SignInNote::SessionOver) => {
                self.by_site(self.frame.language.session_over(), self.frame.language.self_over())
            }
            Some(SignInNote::SignedOut) => self.frame.language.signed_out(),
            Some(SignInNote::LinkOver) => self.frame.language.link_over(),
            Some(SignInNote::CookieRefused) => self.frame.language.cookie_refused(),
            Some(SignInNote::Missing | SignInNote::Refused) | None => "",
        }
    }
}
