//! The pages by their paths.

use super::user::SelfService;
use super::{sign_in, tokens};
use crate::browser::entrance;
use crate::browser::pages::Serves::{Both, Done, Open, Shown};
use crate::browser::pages::{Page, names};

/// All of them. The first that fits a path has it.
pub(super) const PAGES: [Page<SelfService>; 12] = [
    Page::at("/self-service/{app}", Shown(|visit| Box::pin(tokens::list(visit)))),
    Page::at(
        "/self-service/{app}/new-token",
        Both(|visit| Box::pin(tokens::ask_for_new(visit)), |visit| Box::pin(tokens::create(visit))),
    ),
    Page::at(
        "/self-service/{app}/tokens/{id}",
        Both(|visit| Box::pin(tokens::show(visit)), |visit| Box::pin(tokens::change(visit))),
    ),
    Page::at("/self-service/{app}/tokens/{id}/rotate", Done(|visit| Box::pin(tokens::rotate(visit)))),
    Page::at("/self-service/{app}/tokens/{id}/disable", Done(|visit| Box::pin(tokens::disable(visit)))),
    Page::at("/self-service/{app}/tokens/{id}/enable", Done(|visit| Box::pin(tokens::enable(visit)))),
    Page::at(
        "/self-service/{app}/tokens/{id}/revoke",
        Both(|visit| Box::pin(tokens::ask_to_revoke(visit)), |visit| Box::pin(tokens::revoke(visit))),
    ),
    Page::at(
        "/self-service/{app}/sign-in",
        Open(Some(|at| Box::pin(sign_in::ask(at))), Some(|at| Box::pin(sign_in::sign_in(at)))),
    ),
    Page::at("/self-service/{app}/welcome", Open(Some(|at| Box::pin(sign_in::welcome(at))), None)),
    Page::at("/self-service/{app}/sign-out", Done(|visit| Box::pin(entrance::sign_out(visit)))),
    Page::at("/self-service/{app}/language", Open(None, Some(|at| Box::pin(entrance::choose_language(at))))),
    Page::at("/self-service/{app}/assets/{file}", Open(Some(|at| Box::pin(entrance::file(at))), None)),
];

/// The names of paths in logs and metrics.
pub(super) const NAMES: [&str; PAGES.len() + 1] = names(&PAGES, "/self-service/{path}");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::browser::pages::{find, name};

    #[test]
    fn paths_have_pages_and_nothing_of_a_path_is_in_their_names() {
        for (path, name_of_path) in [
            ("/self-service/demo", "/self-service/{app}"),
            ("/self-service/demo/", "/self-service/{app}"),
            ("/self-service/demo/tokens/7", "/self-service/{app}/tokens/{id}"),
            ("/self-service", "/self-service/{path}"),
            ("/self-service/demo/nowhere/secret", "/self-service/{path}"),
            ("/self-service/%ff", "/self-service/{path}"),
        ] {
            assert_eq!(NAMES[name::<SelfService>(path).unwrap()], name_of_path, "{path}");
        }
        assert_eq!(find::<SelfService>("/self-service/demo/tokens/7").unwrap().2, ["demo", "7"]);
    }
}
