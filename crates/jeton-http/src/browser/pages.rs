//! The pages of a site by their paths.

use super::error::PageError;
use super::site::Site;
use super::visit::{Arrival, Visit};
use crate::transport::url::segments;
use axum::response::Response;
use futures_util::future::BoxFuture;

/// What a handler answers.
pub(crate) type Answer<'a> = BoxFuture<'a, Result<Response, PageError>>;

/// Answers who has signed in.
pub(crate) type Handler<S> = fn(&'_ Visit<S>) -> Answer<'_>;
/// Answers whoever comes.
pub(crate) type OpenHandler<S> = fn(&'_ Arrival<S>) -> Answer<'_>;

/// A path, and who answers there.
pub(crate) struct Page<S: Site> {
    /// Its segments; those in braces take any text, which the handler gets by `Visit::segment`. Also its name in logs.
    pub(crate) path: &'static str,
    pub(crate) serves: Serves<S>,
    /// Whether its query is a secret, so that no page may repeat it.
    pub(crate) has_secret: bool,
}

/// Who answers at a path.
pub(crate) enum Serves<S: Site> {
    /// A page for who has signed in.
    Shown(Handler<S>),
    /// What a form of theirs is sent to.
    Done(Handler<S>),
    /// Both at one path.
    Both(Handler<S>, Handler<S>),
    /// For everybody: a page, and what its form is sent to.
    Open(Option<OpenHandler<S>>, Option<OpenHandler<S>>),
}

use Serves::{Both, Done, Open, Shown};

impl<S: Site> Page<S> {
    /// A page at a path.
    pub(crate) const fn at(path: &'static str, serves: Serves<S>) -> Self {
        Page { path, serves, has_secret: false }
    }

    /// The same where the query is a secret.
    pub(crate) const fn with_secret(path: &'static str, serves: Serves<S>) -> Self {
        Page { path, serves, has_secret: true }
    }
}

/// The names of pages in logs and metrics. The last, `rest`, is that of paths where there is no page: there is one name more than pages.
pub(crate) const fn names<S: Site, const NAMES: usize>(
    pages: &[Page<S>],
    rest: &'static str,
) -> [&'static str; NAMES] {
    let mut names = [rest; NAMES];
    let mut at = 0;
    while at < pages.len() {
        names[at] = pages[at].path;
        at += 1;
    }
    names
}

/// Which of the names a path has.
pub(crate) fn name<S: Site>(path: &str) -> Option<usize> {
    Some(find::<S>(path).map_or(S::pages().len(), |(at, _, _)| at))
}

/// The first page that fits a path, its number, and what stands where its segments are in braces.
pub(crate) fn find<S: Site>(path: &str) -> Option<(usize, &'static Page<S>, Vec<String>)> {
    let asked = segments(path, S::ROUTE)?;
    S::pages().iter().enumerate().find_map(|(at, page)| Some((at, page, fit::<S>(page.path, &asked)?)))
}

fn fit<S: Site>(pattern: &str, asked: &[String]) -> Option<Vec<String>> {
    let pattern = segments(pattern, S::ROUTE).unwrap_or_default();
    if pattern.len() != asked.len() {
        return None;
    }
    let mut taken = Vec::new();
    for (pattern, asked) in pattern.iter().zip(asked) {
        if pattern.starts_with('{') {
            taken.push(asked.clone());
        } else if pattern != asked {
            return None;
        }
    }
    Some(taken)
}

impl<S: Site> Serves<S> {
    /// The methods that it knows.
    pub(crate) fn methods(&self) -> &'static str {
        match self {
            Shown(_) | Open(Some(_), None) => "GET, HEAD",
            Done(_) | Open(None, _) => "POST",
            Both(..) | Open(Some(_), Some(_)) => "GET, HEAD, POST",
        }
    }
}
