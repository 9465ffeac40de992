//! A request of a browser, as a handler gets it.

use super::answer;
use super::error::ConsoleError;
use super::form::Form;
use crate::state::AppState;
use crate::transport::client_address;
use crate::transport::sessions::{Sessions, form_key};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use jeton_console::{Credential, CredentialKind, Frame, Language, Notice, Section};
use jeton_core::{Actor, AppKey, Cause, OperatorId, Secret};
use jeton_service::{AppSummary, Operator, Service};
use std::sync::Arc;

/// Where a link leads that signs somebody in: its query is a secret.
pub(super) const ENTER: &str = "/console/enter";

/// What the console keeps.
#[derive(Debug)]
pub(super) struct Console {
    pub(super) sessions: Sessions<SignedIn>,
}

/// What a session keeps.
#[derive(Debug)]
pub(super) struct SignedIn {
    pub(super) operator_id: OperatorId,
    /// What one of its next pages tells.
    pub(super) told: Option<Told>,
}

/// What was done, for the page at one path to tell, once.
#[derive(Debug)]
pub(super) struct Told {
    path: String,
    notice: Notice,
    /// Secrets that were made, which that page shows and no other ever does.
    secrets: Vec<(CredentialKind, Secret)>,
}

impl Console {
    pub(super) fn new() -> Self {
        Console { sessions: Sessions::new() }
    }
}

/// A request of whoever, which has arrived completely.
pub(super) struct Arrival {
    pub(super) state: AppState,
    pub(super) console: Arc<Console>,
    pub(super) parts: Parts,
    pub(super) language: Language,
    /// What its form holds; nothing without one.
    pub(super) form: Form,
    /// What stands in the path where the page has braces.
    pub(super) segments: Vec<String>,
    /// The session that it belongs to.
    pub(super) session: Option<OpenSession>,
}

/// A session that is there, of an operator who is.
pub(super) struct OpenSession {
    pub(super) id: Secret,
    pub(super) operator: Operator,
    told: Option<Told>,
}

impl OpenSession {
    /// The session of this id, which a request has used. `None`: it is over, or its operator was revoked, which ends it.
    pub(super) async fn find(
        service: &Service,
        console: &Console,
        id: Secret,
        path: &str,
    ) -> Result<Option<Self>, ConsoleError> {
        let tells = |told: &mut Told| told.path == path;
        let visited =
            console.sessions.visit(service, &id, |kept| (kept.operator_id, kept.told.take_if(tells)));
        let Some((operator_id, told)) = visited else { return Ok(None) };
        // By the store as it is now: one that was revoked, here or by another server, is gone at once.
        let operator = service.operator(operator_id).await?;
        if operator.is_none() {
            console.sessions.end(&id);
        }
        Ok(operator.map(|operator| OpenSession { id, operator, told }))
    }
}

impl Arrival {
    pub(super) fn service(&self) -> &Service {
        &self.state.service
    }

    /// Its path and query.
    pub(super) fn here(&self) -> &str {
        self.parts.uri.path_and_query().map_or("/console/", |here| here.as_str())
    }

    /// The parameters of its query.
    pub(super) fn query(&self) -> Result<Form, ConsoleError> {
        Form::read(self.parts.uri.query().unwrap_or_default().as_bytes())
    }

    /// A page in a part of the console, with what is around it, for whoever asks.
    pub(super) fn page(
        &self,
        session: Option<&OpenSession>,
        (status, section): (StatusCode, Section),
        write: impl FnOnce(&Frame<'_>) -> String,
    ) -> Response {
        let form_key = session.map(|session| form_key(&session.id));
        let told = session.and_then(|session| session.told.as_ref());
        let secrets = told.map_or(&[][..], |told| &told.secrets);
        let credentials: Vec<Credential<'_>> =
            secrets.iter().map(|(kind, secret)| Credential { kind: *kind, value: secret.expose() }).collect();
        let frame = Frame {
            language: self.language,
            now: self.service().now(),
            operator: session.map(|session| session.operator.name.as_str()),
            form_key: form_key.as_ref().map_or("", Secret::expose),
            here: if self.parts.uri.path() == ENTER { "" } else { self.here() },
            section,
            notice: told.map(|told| &told.notice),
            credentials: &credentials,
        };
        answer::html(status, write(&frame))
    }
}

/// A request of an operator.
pub(super) struct Visit {
    pub(super) arrival: Arrival,
    pub(super) session: OpenSession,
}

impl Visit {
    pub(super) fn service(&self) -> &Service {
        self.arrival.service()
    }

    pub(super) fn language(&self) -> Language {
        self.arrival.language
    }

    pub(super) fn form(&self) -> &Form {
        &self.arrival.form
    }

    /// The parameters of its query.
    pub(super) fn query(&self) -> Result<Form, ConsoleError> {
        self.arrival.query()
    }

    /// The text in the path where the page has its braces; `at`: which of them, from 0.
    pub(super) fn segment(&self, at: usize) -> &str {
        self.arrival.segments.get(at).map_or("", String::as_str)
    }

    /// Who does it, and from where, as the change log says.
    pub(super) fn cause(&self) -> Cause {
        let from = client_address::kept(&self.arrival.parts.extensions);
        Cause::new(Actor::Operator(self.session.operator.id), from)
    }

    /// The app that the path names first.
    pub(super) async fn app(&self) -> Result<AppSummary, ConsoleError> {
        self.service().app(&self.app_key()?).await?.ok_or(ConsoleError::NotFound)
    }

    fn app_key(&self) -> Result<AppKey, ConsoleError> {
        self.segment(0).parse().map_err(|_| ConsoleError::NotFound)
    }

    /// A page.
    pub(super) fn page(&self, section: Section, write: impl FnOnce(&Frame<'_>) -> String) -> Response {
        self.arrival.page(Some(&self.session), (StatusCode::OK, section), write)
    }

    /// The page of a form once more, since what was entered makes no sense.
    pub(super) fn again(&self, section: Section, write: impl FnOnce(&Frame<'_>) -> String) -> Response {
        self.arrival.page(Some(&self.session), (StatusCode::UNPROCESSABLE_ENTITY, section), write)
    }

    /// Leads on after something was done, to a page that tells it.
    pub(super) fn done(&self, path: &str, notice: Notice) -> Response {
        self.made(path, notice, Vec::new())
    }

    /// The same with secrets that were made. They are in memory until that page shows them, or the session ends.
    pub(super) fn made(
        &self,
        path: &str,
        notice: Notice,
        secrets: Vec<(CredentialKind, Secret)>,
    ) -> Response {
        let path_alone = path.split('?').next().unwrap_or_default().to_owned();
        let told = Told { path: path_alone, notice, secrets };
        let Visit { arrival, session } = self;
        arrival.console.sessions.visit(self.service(), &session.id, |kept| kept.told = Some(told));
        answer::see_other(path)
    }
}
