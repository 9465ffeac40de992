//! The console as a site, and what its handlers get.

use super::pages::PAGES;
use crate::browser::cookie::SessionCookie;
use crate::browser::error::PageError;
use crate::browser::pages::Page;
use crate::browser::sessions::{Holder, Sessions};
use crate::browser::site::Site;
use crate::browser::visit::Session;
use crate::browser::{self, entrance};
use crate::state::Setup;
use crate::transport::{client_address, host};
use axum::http::request::Parts;
use axum::response::Response;
use futures_util::future::BoxFuture;
use jeton_console::{Section, Site as Around};
use jeton_core::{Actor, AppKey, Authority, Cause, OperatorId, TokenId};
use jeton_service::{AppSummary, Listed, OpenApp, Operator};
use std::sync::Arc;

/// A request of whoever.
pub(super) type Arrival = browser::visit::Arrival<Console>;
/// A request of an operator.
pub(super) type Visit = browser::visit::Visit<Console>;

/// What the console keeps: sessions of operators.
pub(super) struct Console {
    sessions: Sessions<Session<OperatorId>>,
}

impl Console {
    pub(super) fn new() -> Self {
        Console { sessions: Sessions::new() }
    }
}

impl Site for Console {
    type SignedIn = OperatorId;
    type Visitor = Operator;
    type Section = Section;

    const ROUTE: &'static str = "/console";
    const COOKIE: SessionCookie = SessionCookie("__Host-jeton-session");

    fn pages() -> &'static [Page<Self>] {
        static ALL: [Page<Console>; PAGES.len()] = PAGES;
        &ALL
    }

    fn sessions(&self) -> &Sessions<Session<OperatorId>> {
        &self.sessions
    }

    fn scheme(setup: &Setup, parts: &Parts) -> Result<&'static str, PageError> {
        match setup.is_admin_named {
            true => Ok("https"),
            false if host::is_local_name(&parts.headers, &parts.uri) => Ok("http"),
            false => Err(PageError::Misdirected),
        }
    }

    fn is_there(_: &Arrival, _: &OperatorId) -> bool {
        true
    }

    fn visitor<'a>(
        arrival: &'a Arrival,
        operator_id: &'a OperatorId,
    ) -> BoxFuture<'a, Result<Option<Operator>, PageError>> {
        // By the store as it is now: one that was revoked, here or by another server, is gone at once.
        Box::pin(async move { Ok(arrival.service().operator(*operator_id).await?) })
    }

    fn name(operator: &Operator) -> &str {
        &operator.name
    }

    fn around(_: Option<&Arrival>, section: Option<Section>) -> Around<'_> {
        Around::Console(section.unwrap_or(Section::Elsewhere))
    }

    fn home(_: &Setup, _: &str) -> String {
        "/console/".to_owned()
    }
}

/// Begins the session of an operator.
pub(super) fn begin(arrival: &Arrival, operator: &Operator, to: &str) -> Result<Response, PageError> {
    let id = operator.id.get();
    entrance::begin(arrival, Holder { party: id, id }, operator.id, to)
}

impl Visit {
    /// Who does it, and from where, as the change log says.
    pub(super) fn cause(&self) -> Cause {
        let from = client_address::kept(&self.arrival.parts.extensions);
        Cause::new(Actor::Operator(self.session.visitor.id), from)
    }

    /// What that is allowed to do.
    pub(super) fn authority(&self) -> Authority {
        Authority::Everything(self.cause())
    }

    /// The app that the path names first, ready for use.
    pub(super) async fn open_app(&self) -> Result<Arc<OpenApp>, PageError> {
        self.service().open_app(&self.app_key()?).await?.ok_or(PageError::NotFound)
    }

    /// The token of that app that the path names second.
    pub(super) async fn token(&self, app: &OpenApp) -> Result<Listed, PageError> {
        let id = self.segment(1).parse().ok().and_then(TokenId::new).ok_or(PageError::NotFound)?;
        self.service().show(app, &self.authority(), id).await?.ok_or(PageError::NotFound)
    }

    /// The app that the path names first.
    pub(super) async fn app(&self) -> Result<AppSummary, PageError> {
        self.service().app(&self.app_key()?).await?.ok_or(PageError::NotFound)
    }

    fn app_key(&self) -> Result<AppKey, PageError> {
        self.segment(0).parse().map_err(|_| PageError::NotFound)
    }
}
