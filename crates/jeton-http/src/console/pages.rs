//! The pages by their paths.

use super::entrance::ENTER;
use super::visit::Console;
use super::{apps, audit, entrance, front, operators, revoke_tokens, settings, token_form, tokens};
use crate::browser;
use crate::browser::pages::Serves::{Both, Done, Open, Shown};
use crate::browser::pages::{Page, names};

/// All of them. The first that fits a path has it.
pub(super) const PAGES: [Page<Console>; 28] = [
    Page::at("/console", Shown(|visit| Box::pin(front::show(visit)))),
    Page::at("/console/apps", Shown(|visit| Box::pin(apps::list(visit)))),
    Page::at(
        "/console/new-app",
        Both(|visit| Box::pin(apps::ask_for_new(visit)), |visit| Box::pin(apps::create(visit))),
    ),
    Page::at("/console/apps/{app}", Shown(|visit| Box::pin(apps::show(visit)))),
    Page::at("/console/apps/{app}/rotate-secret", Done(|visit| Box::pin(apps::rotate_secret(visit)))),
    Page::at(
        "/console/apps/{app}/suspend",
        Both(|visit| Box::pin(apps::ask_to_suspend(visit)), |visit| Box::pin(apps::suspend(visit))),
    ),
    Page::at("/console/apps/{app}/resume", Done(|visit| Box::pin(apps::resume(visit)))),
    Page::at(
        "/console/apps/{app}/delete",
        Both(|visit| Box::pin(apps::ask_to_delete(visit)), |visit| Box::pin(apps::delete(visit))),
    ),
    Page::at(
        "/console/apps/{app}/settings",
        Both(|visit| Box::pin(settings::show(visit)), |visit| Box::pin(settings::change(visit))),
    ),
    Page::at("/console/apps/{app}/settings/json", Done(|visit| Box::pin(settings::change_json(visit)))),
    Page::at("/console/apps/{app}/tokens", Shown(|visit| Box::pin(tokens::list(visit)))),
    Page::at(
        "/console/apps/{app}/new-token",
        Both(|visit| Box::pin(token_form::ask_for_new(visit)), |visit| Box::pin(token_form::create(visit))),
    ),
    Page::at(
        "/console/apps/{app}/revoke-tokens",
        Both(|visit| Box::pin(revoke_tokens::ask(visit)), |visit| Box::pin(revoke_tokens::revoke(visit))),
    ),
    Page::at("/console/apps/{app}/tokens/{id}", Shown(|visit| Box::pin(tokens::show(visit)))),
    Page::at(
        "/console/apps/{app}/tokens/{id}/edit",
        Both(|visit| Box::pin(token_form::ask_to_change(visit)), |visit| Box::pin(token_form::change(visit))),
    ),
    Page::at(
        "/console/apps/{app}/tokens/{id}/disable",
        Both(|visit| Box::pin(tokens::ask_to_disable(visit)), |visit| Box::pin(tokens::disable(visit))),
    ),
    Page::at("/console/apps/{app}/tokens/{id}/enable", Done(|visit| Box::pin(tokens::enable(visit)))),
    Page::at("/console/apps/{app}/tokens/{id}/rotate", Done(|visit| Box::pin(tokens::rotate(visit)))),
    Page::at(
        "/console/apps/{app}/tokens/{id}/revoke",
        Both(|visit| Box::pin(tokens::ask_to_revoke(visit)), |visit| Box::pin(tokens::revoke(visit))),
    ),
    Page::at("/console/audit", Shown(|visit| Box::pin(audit::list(visit)))),
    Page::at(
        "/console/operators",
        Both(|visit| Box::pin(operators::list(visit)), |visit| Box::pin(operators::create(visit))),
    ),
    Page::at(
        "/console/operators/{id}/revoke",
        Both(|visit| Box::pin(operators::ask_to_revoke(visit)), |visit| Box::pin(operators::revoke(visit))),
    ),
    Page::at(
        "/console/sign-in",
        Open(Some(|at| Box::pin(browser::entrance::ask(at))), Some(|at| Box::pin(entrance::sign_in(at)))),
    ),
    Page::with_secret(
        ENTER,
        Open(Some(|at| Box::pin(entrance::ask_to_enter(at))), Some(|at| Box::pin(entrance::enter(at)))),
    ),
    Page::at("/console/welcome", Open(Some(|at| Box::pin(browser::entrance::welcome(at))), None)),
    Page::at("/console/sign-out", Done(|visit| Box::pin(browser::entrance::sign_out(visit)))),
    Page::at("/console/language", Open(None, Some(|at| Box::pin(browser::entrance::choose_language(at))))),
    Page::at("/console/assets/{file}", Open(Some(|at| Box::pin(browser::entrance::file(at))), None)),
];

/// The names of paths in logs and metrics.
pub(super) const NAMES: [&str; PAGES.len() + 1] = names(&PAGES, "/console/{path}");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::pages::{find, name};

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
            assert_eq!(NAMES[name::<Console>(path).unwrap()], name_of_path, "{path}");
        }
        assert_eq!(find::<Console>("/console/assets/a%2Fb").unwrap().2, ["a/b"]);
    }
}
