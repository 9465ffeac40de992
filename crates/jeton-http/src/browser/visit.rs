//! A request of a browser, as a handler gets it.

use super::answer;
use super::error::PageError;
use super::form::Form;
use super::site::Site;
use crate::browser::sessions::form_key;
use crate::state::AppState;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use jeton_console::{Credential, CredentialKind, Frame, Language, Notice};
use jeton_core::Secret;
use jeton_service::Service;
use std::sync::Arc;

/// What is kept of a session.
pub(crate) struct Session<K> {
    pub(super) signed_in: K,
    /// What one of its next pages tells.
    told: Option<Told>,
}

/// What was done, for the page at one path to tell, once.
struct Told {
    path: String,
    notice: Notice,
    /// Secrets that were made, which that page shows and no other ever does.
    secrets: Vec<(CredentialKind, Secret)>,
}

impl<K> Session<K> {
    pub(crate) fn of(signed_in: K) -> Self {
        Session { signed_in, told: None }
    }
}

/// A request of whoever, which has arrived completely.
pub(crate) struct Arrival<S: Site> {
    pub(crate) state: AppState,
    pub(crate) site: Arc<S>,
    pub(crate) parts: Parts,
    pub(crate) language: Language,
    /// Its path and query; empty: they are a secret.
    pub(crate) here: String,
    /// The path where visitors begin.
    pub(crate) home: String,
    /// What its form holds; nothing without one.
    pub(crate) form: Form,
    /// What stands in the path where the page has braces.
    pub(crate) segments: Vec<String>,
    /// The session that it belongs to.
    pub(crate) session: Option<OpenSession<S>>,
    /// Whether it names one that is over.
    pub(crate) is_over: bool,
}

/// A session that is there, of a visitor who is.
pub(crate) struct OpenSession<S: Site> {
    pub(crate) id: Secret,
    pub(crate) visitor: S::Visitor,
    told: Option<Told>,
}

impl<S: Site> Arrival<S> {
    /// Finds the session that the request names, which is used by that. It is over if its visitor is gone.
    pub(super) async fn find_session(&mut self) -> Result<(), PageError> {
        let Some(id) = S::COOKIE.id(&self.parts.headers) else { return Ok(()) };
        self.is_over = true;
        let path = self.parts.uri.path();
        let tells = |told: &mut Told| told.path == path;
        let take = |kept: &mut Session<S::SignedIn>| (kept.signed_in.clone(), kept.told.take_if(tells));
        let Some((signed_in, told)) = self.site.sessions().visit(self.service(), &id, take) else {
            return Ok(());
        };
        self.is_over = false;
        if !S::is_there(self, &signed_in) {
            return Ok(());
        }
        match S::visitor(self, &signed_in).await? {
            Some(visitor) => self.session = Some(OpenSession { id, visitor, told }),
            None => {
                self.site.sessions().end(&id);
                self.is_over = true;
            }
        }
        Ok(())
    }

    pub(crate) fn service(&self) -> &Service {
        &self.state.service
    }

    /// The parameters of its query.
    pub(crate) fn query(&self) -> Result<Form, PageError> {
        Form::of_query(&self.parts)
    }

    /// The text in the path where the page has its braces; `at`: which of them, from 0.
    pub(crate) fn segment(&self, at: usize) -> &str {
        self.segments.get(at).map_or("", String::as_str)
    }

    /// A page in a part of the site, with what is around it, for whoever asks.
    pub(crate) fn page(
        &self,
        session: Option<&OpenSession<S>>,
        (status, section): (StatusCode, Option<S::Section>),
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
            site: S::around(Some(self), section),
            signed_in: session.map(|session| S::name(&session.visitor)),
            form_key: form_key.as_ref().map_or("", Secret::expose),
            here: &self.here,
            notice: told.map(|told| &told.notice),
            credentials: &credentials,
        };
        answer::html(status, write(&frame))
    }
}

/// A request of somebody who has signed in.
pub(crate) struct Visit<S: Site> {
    pub(crate) arrival: Arrival<S>,
    pub(crate) session: OpenSession<S>,
}

impl<S: Site> Visit<S> {
    pub(crate) fn service(&self) -> &Service {
        self.arrival.service()
    }

    pub(crate) fn language(&self) -> Language {
        self.arrival.language
    }

    pub(crate) fn form(&self) -> &Form {
        &self.arrival.form
    }

    /// The parameters of its query.
    pub(crate) fn query(&self) -> Result<Form, PageError> {
        self.arrival.query()
    }

    /// The text in the path where the page has its braces; `at`: which of them, from 0.
    pub(crate) fn segment(&self, at: usize) -> &str {
        self.arrival.segment(at)
    }

    /// A page.
    pub(crate) fn page(&self, section: S::Section, write: impl FnOnce(&Frame<'_>) -> String) -> Response {
        self.arrival.page(Some(&self.session), (StatusCode::OK, Some(section)), write)
    }

    /// The page of a form once more, since what was entered makes no sense.
    pub(crate) fn again(&self, section: S::Section, write: impl FnOnce(&Frame<'_>) -> String) -> Response {
        self.arrival.page(Some(&self.session), (StatusCode::UNPROCESSABLE_ENTITY, Some(section)), write)
    }

    /// From now on, the session is of whoever this says.
    pub(crate) fn sign_in_anew(&self, signed_in: S::SignedIn) {
        let Visit { arrival, session } = self;
        arrival.site.sessions().visit(self.service(), &session.id, |kept| kept.signed_in = signed_in);
    }

    /// Leads on after something was done, to a page that tells it.
    pub(crate) fn done(&self, path: &str, notice: Notice) -> Response {
        self.made(path, notice, Vec::new())
    }

    /// The same with secrets that were made. They are in memory until that page shows them, or the session ends.
    pub(crate) fn made(
        &self,
        path: &str,
        notice: Notice,
        secrets: Vec<(CredentialKind, Secret)>,
    ) -> Response {
        let path_alone = path.split('?').next().unwrap_or_default().to_owned();
        let told = Told { path: path_alone, notice, secrets };
        let Visit { arrival, session } = self;
        arrival.site.sessions().visit(self.service(), &session.id, |kept| kept.told = Some(told));
        answer::see_other(path)
    }
}
