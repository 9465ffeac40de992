//! The pages by their paths.

use super::error::ConsoleError;
use super::visit::{Arrival, ENTER, Visit};
use super::{ROUTE, apps, audit, entrance, front, operators, settings};
use crate::transport::url::segments;
use axum::response::Response;
use futures_util::future::BoxFuture;

/// What a handler answers.
pub(super) type Answer<'a> = BoxFuture<'a, Result<Response, ConsoleError>>;

/// A path, and who answers there.
pub(super) struct Page {
    /// Its segments; those in braces take any text, which the handler gets by `Visit::segment`. Also its name in logs.
    path: &'static str,
    pub(super) serves: Serves,
}

/// Who answers at a path.
pub(super) enum Serves {
    /// A page for operators.
    Shown(fn(&'_ Visit) -> Answer<'_>),
    /// What a form of theirs is sent to.
    Done(fn(&'_ Visit) -> Answer<'_>),
    /// Both at one path.
    Both(fn(&'_ Visit) -> Answer<'_>, fn(&'_ Visit) -> Answer<'_>),
    /// For everybody: a page, and what its form is sent to.
    Open(Option<OpenHandler>, Option<OpenHandler>),
}

/// Answers whoever comes.
pub(super) type OpenHandler = fn(&'_ Arrival) -> Answer<'_>;

use Serves::{Both, Done, Open, Shown};

/// All of them. The first that fits a path has it.
const PAGES: [Page; 17] = [
    page("/console", Shown(|visit| Box::pin(front::show(visit)))),
    page("/console/apps", Shown(|visit| Box::pin(apps::list(visit)))),
    page(
        "/console/new-app",
        Both(|visit| Box::pin(apps::ask_for_new(visit)), |visit| Box::pin(apps::create(visit))),
    ),
    page("/console/apps/{app}", Shown(|visit| Box::pin(apps::show(visit)))),
    page("/console/apps/{app}/rotate-secret", Done(|visit| Box::pin(apps::rotate_secret(visit)))),
    page(
        "/console/apps/{app}/delete",
        Both(|visit| Box::pin(apps::ask_to_delete(visit)), |visit| Box::pin(apps::delete(visit))),
    ),
    page(
        "/console/apps/{app}/settings",
        Both(|visit| Box::pin(settings::show(visit)), |visit| Box::pin(settings::change(visit))),
    ),
    page("/console/apps/{app}/settings/json", Done(|visit| Box::pin(settings::change_json(visit)))),
    page("/console/audit", Shown(|visit| Box::pin(audit::list(visit)))),
    page(
        "/console/operators",
        Both(|visit| Box::pin(operators::list(visit)), |visit| Box::pin(operators::create(visit))),
    ),
    page(
        "/console/operators/{id}/revoke",
        Both(|visit| Box::pin(operators::ask_to_revoke(visit)), |visit| Box::pin(operators::revoke(visit))),
    ),
    page(
        "/console/sign-in",
        Open(Some(|at| Box::pin(entrance::ask(at))), Some(|at| Box::pin(entrance::sign_in(at)))),
    ),
    page(
        ENTER,
        Open(Some(|at| Box::pin(entrance::ask_to_enter(at))), Some(|at| Box::pin(entrance::enter(at)))),
    ),
    page("/console/welcome", Open(Some(|at| Box::pin(entrance::welcome(at))), None)),
    page("/console/sign-out", Done(|visit| Box::pin(entrance::sign_out(visit)))),
    page("/console/language", Open(None, Some(|at| Box::pin(entrance::choose_language(at))))),
    page("/console/assets/{file}", Open(Some(|at| Box::pin(entrance::file(at))), None)),
];

const fn page(path: &'static str, serves: Serves) -> Page {
    Page { path, serves }
}

/// The names of paths in logs and metrics. The last is that of paths where there is no page.
pub(super) const NAMES: [&str; PAGES.len() + 1] = {
    let mut names = ["/console/{path}"; PAGES.len() + 1];
    let mut at = 0;
    while at < PAGES.len() {
        names[at] = PAGES[at].path;
        at += 1;
    }
    names
};

/// Which of them a path has.
pub(super) fn name(path: &str) -> Option<usize> {
    Some(find(path).map_or(PAGES.len(), |(at, _, _)| at))
}

/// The page at a path, its number, and what stands where its segments are in braces.
pub(super) fn find(path: &str) -> Option<(usize, &'static Page, Vec<String>)> {
    static PAGES: [Page; self::PAGES.len()] = self::PAGES;
    let asked = segments(path, ROUTE)?;
    PAGES.iter().enumerate().find_map(|(at, page)| Some((at, page, fit(page.path, &asked)?)))
}

fn fit(pattern: &str, asked: &[String]) -> Option<Vec<String>> {
    let pattern = segments(pattern, ROUTE).unwrap_or_default();
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

impl Serves {
    /// The methods that it knows.
    pub(super) fn methods(&self) -> &'static str {
        match self {
            Shown(_) | Open(Some(_), None) => "GET, HEAD",
            Done(_) | Open(None, _) => "POST",
            Both(..) | Open(Some(_), Some(_)) => "GET, HEAD, POST",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_have_pages_and_nothing_of_a_path_is_in_their_names() {
        for (path, name_of_path) in [
            ("/console", "/console"),
            ("/console/", "/console"),
            ("/console/apps", "/console/apps"),
            ("/console/apps/", "/console/apps"),
            ("/console/assets/secret", "/console/assets/{file}"),
            ("/console/nowhere/secret", "/console/{path}"),
            ("/console/%ff", "/console/{path}"),
        ] {
            assert_eq!(NAMES[name(path).unwrap()], name_of_path, "{path}");
        }
        assert_eq!(find("/console/assets/a%2Fb").unwrap().2, ["a/b"]);
    }
}
