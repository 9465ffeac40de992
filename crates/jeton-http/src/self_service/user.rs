//! Self-service as a site, and what its handlers get.

use super::pages::PAGES;
use crate::browser;
use crate::browser::cookie::SessionCookie;
use crate::browser::error::PageError;
use crate::browser::pages::Page;
use crate::browser::sessions::Sessions;
use crate::browser::site::Site;
use crate::browser::visit::Session;
use crate::state::Setup;
use crate::transport::client_address;
use crate::transport::url::segments;
use axum::http::request::Parts;
use futures_util::future::BoxFuture;
use jeton_console::Site as Around;
use jeton_core::{AppKey, Authority, Secret, TokenId};
use jeton_service::{Admission, OpenApp, Surface};
use std::sync::Arc;

/// A request of whoever.
pub(super) type Arrival = browser::visit::Arrival<SelfService>;
/// A request of a user.
pub(super) type Visit = browser::visit::Visit<SelfService>;

/// What self-service keeps: sessions of users.
pub(super) struct SelfService {
    sessions: Sessions<Session<SignedIn>>,
}

/// What a user has signed in with.
#[derive(Clone)]
pub(super) struct SignedIn {
    pub(super) app: AppKey,
    pub(super) token: Arc<Secret>,
}

/// A user who has signed in.
pub(super) struct User {
    pub(super) app: Arc<OpenApp>,
    pub(super) authority: Authority,
    pub(super) token_id: TokenId,
    name: String,
}

/// What becomes of a token that somebody presents here.
pub(super) enum Presented {
    /// It is that of a user of the app, who may come in.
    By(Box<User>),
    /// It is not, or not any more.
    Refused,
}

impl SelfService {
    pub(super) fn new() -> Self {
        SelfService { sessions: Sessions::new() }
    }
}

impl Site for SelfService {
    type SignedIn = SignedIn;
    type Visitor = User;
    type Section = ();

    const ROUTE: &'static str = "/self-service";
    const COOKIE: SessionCookie = SessionCookie("__Host-jeton-self-service");

    fn pages() -> &'static [Page<Self>] {
        static ALL: [Page<SelfService>; PAGES.len()] = PAGES;
        &ALL
    }

    fn sessions(&self) -> &Sessions<Session<SignedIn>> {
        &self.sessions
    }

    /// Whatever name leads here: there is nothing without a token that was entered at that very name.
    fn scheme(setup: &Setup, _: &Parts) -> Result<&'static str, PageError> {
        Ok(if setup.public_url.is_https() { "https" } else { "http" })
    }

    /// A session is of one app: at the pages of another its user is a stranger.
    fn is_there(arrival: &Arrival, signed_in: &SignedIn) -> bool {
        arrival.app_key().as_ref() == Some(&signed_in.app)
    }

    fn visitor<'a>(
        arrival: &'a Arrival,
        signed_in: &'a SignedIn,
    ) -> BoxFuture<'a, Result<Option<User>, PageError>> {
        Box::pin(async move {
            match arrival.admit(&signed_in.token).await? {
                Presented::By(user) => Ok(Some(*user)),
                Presented::Refused => Ok(None),
            }
        })
    }

    fn name(user: &User) -> &str {
        &user.name
    }

    fn around(arrival: Option<&Arrival>, _: Option<()>) -> Around<'_> {
        match arrival {
            None => Around::SelfService { base: Self::ROUTE, app: "" },
            Some(Arrival { home, .. }) => {
                let app = home.rsplit('/').next().filter(|app| *app != "self-service");
                Around::SelfService { base: home, app: app.unwrap_or_default() }
            }
        }
    }

    fn home(setup: &Setup, path: &str) -> String {
        let root = format!("{}{}", setup.public_url.path(), Self::ROUTE);
        match app_key(path) {
            Some(key) => format!("{root}/{key}"),
            None => root,
        }
    }
}

/// The app that a path names, if it can be one.
fn app_key(path: &str) -> Option<AppKey> {
    segments(path, SelfService::ROUTE)?.first()?.parse().ok()
}

impl Arrival {
    /// The app that the path names, if it can be one.
    pub(super) fn app_key(&self) -> Option<AppKey> {
        app_key(self.parts.uri.path())
    }

    /// Whoever presents this token.
    ///
    /// # Errors
    /// It could not be found out, or too many wrong ones came from there.
    pub(super) async fn admit(&self, token: &Secret) -> Result<Presented, PageError> {
        let from = client_address::kept(&self.parts.extensions);
        let key = self.app_key();
        let admission = self.service().admit(Surface::SelfService, key.as_ref(), Some(token), from).await?;
        match admission {
            Admission::Admitted { app, authority } => Ok(match &authority {
                Authority::SelfService { token_id, user_id, .. } => {
                    let (token_id, name) = (*token_id, user_id.to_string());
                    Presented::By(Box::new(User { app, authority, token_id, name }))
                }
                // Whoever manages the app has the console for that.
                Authority::Everything(_) | Authority::Manager { .. } => Presented::Refused,
            }),
            Admission::Throttled(often) => Err(often.into()),
            Admission::Unproven | Admission::Elsewhere | Admission::Powerless => Ok(Presented::Refused),
        }
    }
}
