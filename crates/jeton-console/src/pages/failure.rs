use crate::Frame;
use askama::Template;

/// Says why a page is not there, or something was not done.
#[derive(Debug, Template)]
#[template(path = "failure.html")]
pub struct Failure<'a> {
    /// What stands around it.
    pub frame: &'a Frame<'a>,
    /// Why.
    pub kind: FailureKind,
}

/// Why something is not there or not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// There is no such thing.
    NotFound,
    /// A form was not sent from a page of the session.
    Forged,
    /// The server was called by a name that may be anybody's.
    Misdirected,
    /// The request makes no sense.
    Request,
    /// The page does not know the method.
    Method,
    /// There was too much in it.
    TooLarge,
    /// From this address came too much that was wrong: try again in so many seconds.
    TooOften(u64),
    /// It could not be found out or done.
    Unavailable,
}

impl Failure<'_> {
    fn title(&self) -> &'static str {
        let language = self.frame.language;
        match &self.kind {
            FailureKind::NotFound => language.error_not_found(),
            FailureKind::Forged => language.error_forged(),
            FailureKind::Misdirected => language.error_misdirected(),
            FailureKind::Request => language.error_request(),
            FailureKind::Method => language.error_method(),
            FailureKind::TooLarge => language.error_too_large(),
            FailureKind::TooOften(_) => language.error_too_often(),
            FailureKind::Unavailable => language.error_unavailable(),
        }
    }

    fn hint(&self) -> String {
        let language = self.frame.language;
        match &self.kind {
            FailureKind::NotFound => language.error_not_found_hint().to_owned(),
            FailureKind::Forged => language.error_forged_hint().to_owned(),
            FailureKind::Misdirected => language.error_misdirected_hint().to_owned(),
            FailureKind::Request | FailureKind::Method | FailureKind::TooLarge => {
                language.error_request_hint().to_owned()
            }
            FailureKind::TooOften(seconds) => language.error_too_often_hint(seconds),
            FailureKind::Unavailable => language.error_unavailable_hint().to_owned(),
        }
    }
}
