//! From a request to a method and back.
//!
//! The order of checks is LoopBack's: the token, the body, the path, the app's rules, the arguments, the row.

use super::answer::json;
use super::argument::Arguments;
use super::error::LoopBackError;
use super::negotiation::{BodyForm, Wishes};
use super::qs::parse_query;
use super::route::{Call, Target, Undecodable, call, target, verbs};
use super::{answer, body, credential, wire};
use crate::server::HeldPlace;
use crate::state::AppState;
use crate::transport::fault::Fault;
use crate::transport::list::{ListFrame, short_list_body};
use crate::transport::{client_address, cors};
use axum::extract::Request;
use axum::http::header::{ALLOW, CONTENT_LENGTH};
use axum::http::request::Parts;
use axum::http::{Method as Verb, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use jeton_loopback::{
    AccessType, AclCaller, Condition, Filter, FilterError, Ground, Method, Profile, Row, Value,
};
use jeton_service::{LoopBackCaller, LoopBackRow, OpenApp, Presentation, Service, Surface, Writer};
use std::pin::pin;
use std::sync::Arc;

/// The methods that LoopBack's middleware lists in answer to every preflight.
const METHODS: &str = "GET,HEAD,PUT,PATCH,POST,DELETE";

/// Answers a request to a LoopBack path.
pub(super) async fn handle(state: AppState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    // The body first: what the caller may do is decided when the whole request has arrived.
    let body = body::read(&parts.headers, body, state.setup.body_limits).await;
    // Boxed so that bodies still being read do not take the memory for it.
    Box::pin(answer_whole(&state.service, &parts, body)).await
}

async fn answer_whole(
    service: &Service,
    parts: &Parts,
    body: Result<Option<Value>, LoopBackError>,
) -> Response {
    let query = parse_query(parts.uri.query().unwrap_or_default());
    let wishes = Wishes::read(&parts.headers, &query);
    let place = match open(service, parts).await {
        Ok(place) => place,
        Err(error) => return error.respond(wishes.error),
    };
    let cors = &place.app.settings.common.cors;
    let preflight = cors::preflight(cors, parts, METHODS);
    let mut answer = match preflight.or_else(|| options(parts, &place)) {
        Some(answer) => answer,
        None => match operate(service, &place, parts, (&query, body), &wishes).await {
            Ok(success) => answer::finish(success, &parts.method, &parts.headers, &wishes).await,
            Err(error) => error.respond(wishes.error),
        },
    };
    cors::allow(cors, &parts.headers, answer.headers_mut());
    answer
}

/// The answer to `OPTIONS`: the methods of the path; `None` if there are none. It needs no credentials.
fn options(parts: &Parts, Place { app, target }: &Place) -> Option<Response> {
    let Target::Model { below, .. } = target else { return None };
    let profile = app.loopback_profile();
    let verbs = if parts.method == Verb::OPTIONS { verbs(below, profile) } else { Vec::new() };
    if verbs.is_empty() {
        return None;
    }
    let allow = verbs.join(", ") + ", OPTIONS";
    Some((StatusCode::NO_CONTENT, [(ALLOW, allow.as_str()), (CONTENT_LENGTH, "0")]).into_response())
}

/// What a path refers to, in an app that is enabled here.
struct Place {
    app: Arc<OpenApp>,
    target: Target,
}

async fn open(service: &Service, parts: &Parts) -> Result<Place, LoopBackError> {
    let target = target(parts.uri.path());
    let no_model = || match &target {
        Some(Target::Model { below, .. }) => {
            let below: String = below.iter().map(|segment| format!("/{segment}")).collect();
            no_model(parts, &format!("/accessTokens{below}"))
        }
        Some(Target::OtherModel { path, .. }) => no_model(parts, path),
        None => no_model(parts, parts.uri.path()),
    };
    let key = match &target {
        Some(Target::Model { app, .. } | Target::OtherModel { app, .. }) => app.as_deref(),
        None => None,
    };
    let key = key.map(str::parse).transpose().map_err(|_| no_model())?;
    let app = service.open_surface(Surface::LoopBack, key.as_ref()).await?.ok_or_else(no_model)?;
    Ok(Place { app, target: target.clone().ok_or_else(no_model)? })
}

async fn operate(
    service: &Service,
    place: &Place,
    parts: &Parts,
    (query, body): (&Value, Result<Option<Value>, LoopBackError>),
    wishes: &Wishes,
) -> Result<Response, LoopBackError> {
    let app = &place.app;
    let presented = credential::presented(service, query, &parts.headers);
    let from = client_address::kept(&parts.extensions);
    let caller = match service.loopback_caller(app, presented.as_ref(), from).await? {
        Presentation::Expired => return Err(LoopBackError::InvalidToken),
        Presentation::Throttled(often) => return Err(Fault::TooOften(often).into()),
        Presentation::Caller(caller) => caller,
    };
    let body = body?;
    let below = match &place.target {
        Target::Model { below, .. } => below,
        Target::OtherModel { path, .. } => return Err(no_model(parts, path)),
    };
    let profile = app.loopback_profile();
    let called = call(&parts.method, below, profile)
        .map_err(|Undecodable(segment)| LoopBackError::Undecodable(segment))?
        .ok_or_else(|| no_method(parts, below, profile))?;
    let ground = admit(service, app, &caller, &called).await?.ok_or(LoopBackError::Denied)?;
    if !ground.is_by_name() && parts.extensions.get::<HeldPlace>().is_some_and(HeldPlace::is_kept_for_named) {
        return Err(Fault::NoRoom.into());
    }
    // A write whose answer has no acceptable media type is not carried out.
    if called.method.access_type() == AccessType::Write && wishes.body == BodyForm::NotAcceptable {
        return Ok(answer::not_acceptable());
    }
    let arguments = Arguments { query, body: body.as_ref(), headers: &parts.headers, profile };
    let writer = Writer { caller, is_named: ground.is_by_name(), from };
    let is_head = parts.method == Verb::HEAD && below.len() == 1;
    let model = Model { service, app, writer, arguments, is_head };
    model.invoke(&called, wishes).await
}

fn no_model(parts: &Parts, path: &str) -> LoopBackError {
    LoopBackError::NoModel(request_line(parts, path))
}

fn no_method(parts: &Parts, below: &[String], profile: &Profile) -> LoopBackError {
    let line = request_line(parts, &format!("/{}", below.join("/")));
    LoopBackError::NoMethod(format!("{} {line}", profile.no_method))
}

/// `VERB /path?query`, as in LoopBack's messages.
fn request_line(parts: &Parts, path: &str) -> String {
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{} {path}{query}", parts.method)
}

/// On what ground the app's rules admit the caller; `None`: they do not.
async fn admit(
    service: &Service,
    app: &OpenApp,
    caller: &LoopBackCaller,
    called: &Call,
) -> Result<Option<Ground>, LoopBackError> {
    let rules = &app.settings.loopback.access;
    let who = caller.by_rules();
    let owns = match (who, &called.id) {
        (AclCaller::User(user_id), Some(id)) if rules.asks_for_owner(called.method) => {
            service.loopback_owns(app, user_id, id).await?
        }
        _ => false,
    };
    Ok(rules.decide(who, called.method, owns))
}

/// The AccessToken model of an app, for one caller and its arguments.
pub(super) struct Model<'a> {
    pub(super) service: &'a Service,
    pub(super) app: &'a OpenApp,
    pub(super) writer: Writer,
    pub(super) arguments: Arguments<'a>,
    is_head: bool,
}

impl Model<'_> {
    async fn invoke(&self, called: &Call, wishes: &Wishes) -> Result<Response, LoopBackError> {
        let id = called.id.as_deref().unwrap_or_default();
        match called.method {
            Method::Create => self.create().await,
            Method::Upsert => self.upsert().await,
            Method::ReplaceOrCreate => self.replace_or_create().await,
            Method::UpsertWithWhere => self.upsert_with_where().await,
            Method::Find => self.find().await,
            Method::FindOne => self.find_one().await,
            Method::FindById => self.find_by_id(id).await,
            Method::Exists => self.exists(id).await,
            Method::Count => self.count().await,
            Method::UpdateAll => self.update_all().await,
            Method::UpdateAttributes => self.update(id, called.takes_data_in_query).await,
            Method::ReplaceById => self.replace(id).await,
            Method::DeleteById => self.delete(id).await,
            Method::GetUser => self.user(id).await,
            Method::CreateChangeStream => self.change_stream(wishes).await,
        }
    }

    /// Parses an argument that is a filter, or a part of one.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        name: &'static str,
        parse: fn(&Value, &Profile) -> Result<T, FilterError>,
    ) -> Result<T, LoopBackError> {
        Ok(self.service.read_filter(self.app, self.arguments.object(name)?, parse).await??)
    }

    async fn find(&self) -> Result<Response, LoopBackError> {
        let filter = self.read("filter", Filter::parse).await?;
        let profile = self.arguments.profile;
        let (fields, unknown) = (filter.fields.clone(), unknown_relation(&filter));
        let pages = self.service.loopback_find(self.app, &self.writer.caller, Method::Find, filter).await??;
        if let Some(unknown) = unknown {
            // Without a row, no relation is reported as unknown.
            return match pin!(pages).next().await.transpose()? {
                Some(_) => Err(unknown),
                None => Ok(json("[]")),
            };
        }
        let frame = ListFrame { head: "[".to_owned(), tail: "]", route: "/api/accessTokens" };
        let write_row = move |row: LoopBackRow| wire::members_to_json(&fields.select(row.members, profile));
        Ok(json(short_list_body(pages, frame, write_row).await?))
    }

    async fn find_one(&self) -> Result<Response, LoopBackError> {
        let filter = self.read("filter", Filter::parse_one).await?;
        self.check_condition(&filter.condition)?;
        let profile = self.arguments.profile;
        let (fields, unknown) = (filter.fields.clone(), unknown_relation(&filter));
        let found = self.service.loopback_find(self.app, &self.writer.caller, Method::FindOne, filter);
        let first = pin!(found.await??).next().await.transpose()?;
        let row = first.into_iter().flatten().next();
        let row = row.ok_or_else(|| LoopBackError::NoRow("undefined".to_owned()))?;
        unknown.map_or(Ok(()), Err)?;
        Ok(json(wire::members_to_json(&fields.select(row.members, profile))))
    }

    /// Conditions that look into ids reveal them, letter by letter: only callers that may list rows may use
    /// them.
    pub(super) fn check_condition(&self, condition: &Condition) -> Result<(), LoopBackError> {
        let rules = &self.app.settings.loopback.access;
        let may_find = || rules.decide(self.writer.caller.by_rules(), Method::Find, false).is_some();
        if condition.needs_id() && !may_find() { Err(LoopBackError::Denied) } else { Ok(()) }
    }

    async fn find_by_id(&self, id: &str) -> Result<Response, LoopBackError> {
        let filter = Filter::parse_selection(&self.arguments.object("filter")?, self.arguments.profile)?;
        let row = self.service.loopback_row(self.app, id).await?;
        let row = row.ok_or_else(|| LoopBackError::NoRow(id.to_owned()))?;
        unknown_relation(&filter).map_or(Ok(()), Err)?;
        Ok(json(wire::members_to_json(&filter.fields.select(row.members, self.arguments.profile))))
    }

    async fn exists(&self, id: &str) -> Result<Response, LoopBackError> {
        let exists = self.service.loopback_row(self.app, id).await?.is_some();
        let mut response = json(wire::exists(exists));
        // `HEAD /:id` gives by its status what `GET /:id/exists` gives in its body.
        if !exists && self.is_head {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        Ok(response)
    }

    async fn count(&self) -> Result<Response, LoopBackError> {
        let condition = self.read("where", Condition::parse).await?;
        self.check_condition(&condition)?;
        let count = self.service.loopback_count(self.app, condition).await??;
        Ok(json(wire::count(count)))
    }

    /// There is no user directory: the user of a row cannot be found.
    async fn user(&self, id: &str) -> Result<Response, LoopBackError> {
        let row = self.service.loopback_row(self.app, id).await?;
        let row = row.ok_or_else(|| LoopBackError::NoRowToChange(id.to_owned()))?;
        let has_user = row.member("userId").is_some_and(|user| *user != Value::Null);
        Ok(json(if has_user { "null" } else { "{}" }))
    }
}

/// There is no user directory: the relation `user` exists but is always dangling, and there is no other
/// relation.
fn unknown_relation(filter: &Filter) -> Option<LoopBackError> {
    let inclusion = filter.include.iter().find(|inclusion| inclusion.relation != "user")?;
    let relation = &inclusion.relation;
    Some(LoopBackError::bad(format!("Relation \"{relation}\" is not defined for AccessToken model")))
}
