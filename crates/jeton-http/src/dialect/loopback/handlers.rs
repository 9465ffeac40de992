//! From a request to a method and back.
//!
//! The order of checks is LoopBack's: the token, the body, the path, the app's rules, the arguments, the row.

use super::argument::Arguments;
use super::error::LoopBackError;
use super::qs::parse_query;
use super::route::{Call, NotUtf8, Target, call, target};
use super::{body, credential, wire};
use crate::state::AppState;
use crate::stream::{ListFrame, short_list_body};
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use jeton_core::{AclCaller, ClientIds, Condition, Filter, Ground, Method, Value};
use jeton_service::{
    LoopBackCaller, LoopBackRow, OpenApp, Presentation, Service, Surface, WriteFault, Writer,
};
use std::pin::pin;

/// Rows that one request creates at most. A body has room for 50,000, and each is a write.
const MAX_CREATED: usize = 1_000;

/// Answers a request whose path is LoopBack's.
pub(crate) async fn handle(state: AppState, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    operate(&state, &parts, body).await.unwrap_or_else(IntoResponse::into_response)
}

async fn operate(state: &AppState, parts: &Parts, body: Body) -> Result<Response, LoopBackError> {
    let service = &state.service;
    let path = parts.uri.path();
    let no_model = || LoopBackError::NoModel(format!("{} {path}", parts.method));
    let target = target(path).ok_or_else(no_model)?;
    let key = match &target {
        Target::Model { app: Some(key), .. } => Some(key.parse().map_err(|_| no_model())?),
        Target::Model { app: None, .. } | Target::OtherModel => None,
    };
    let body = body::read(&parts.headers, body, state.setup.body_limits).await;
    let app = service.open_surface(Surface::LoopBack, key.as_ref()).await?.ok_or_else(no_model)?;
    let query = parse_query(parts.uri.query().unwrap_or_default());
    let presented = credential::presented(service, &query, &parts.headers);
    let caller = match service.loopback_caller(&app, presented.as_ref()).await? {
        Presentation::Expired => return Err(LoopBackError::InvalidToken),
        Presentation::Caller(caller) => caller,
    };
    let body = body?;
    let Target::Model { below, .. } = target else { return Err(no_model()) };
    let called = call(&parts.method, &below)
        .map_err(|NotUtf8| LoopBackError::bad("Failed to decode param"))?
        .ok_or_else(|| LoopBackError::NoMethod(request_line(parts, &below)))?;
    let ground = admit(service, &app, &caller, &called).await?.ok_or(LoopBackError::Denied)?;
    let arguments = Arguments { query: &query, body: body.as_ref(), headers: &parts.headers };
    let writer = Writer { caller, is_named: ground.is_by_name() };
    let is_head = parts.method == axum::http::Method::HEAD && below.len() == 1;
    let model = Model { service, app: &app, writer, arguments, is_head };
    model.invoke(&called, || request_line(parts, &below)).await
}

/// `VERB /path?query`, relative to the model, as LoopBack says it of what it does not know.
fn request_line(parts: &Parts, below: &[String]) -> String {
    let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{} /{}{query}", parts.method, below.join("/"))
}

/// On what ground the app's rules let the caller in; `None`: they do not.
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
struct Model<'a> {
    service: &'a Service,
    app: &'a OpenApp,
    writer: Writer,
    arguments: Arguments<'a>,
    is_head: bool,
}

impl Model<'_> {
    async fn invoke(&self, called: &Call, line: impl Fn() -> String) -> Result<Response, LoopBackError> {
        let id = called.id.as_deref().unwrap_or_default();
        match called.method {
            Method::Create => self.create().await,
            Method::Upsert => self.upsert().await,
            Method::Find => self.find().await,
            Method::FindOne => self.find_one().await,
            Method::FindById => self.find_by_id(id).await,
            Method::Exists => self.exists(id).await,
            Method::Count => self.count().await,
            Method::UpdateAttributes => self.update(id).await,
            Method::DeleteById => self.delete(id).await,
            // Known to the rules, so that whoever is denied learns nothing more; not served.
            Method::ReplaceOrCreate
            | Method::UpsertWithWhere
            | Method::UpdateAll
            | Method::ReplaceById
            | Method::GetUser
            | Method::CreateChangeStream => Err(LoopBackError::NoMethod(line())),
        }
    }

    async fn create(&self) -> Result<Response, LoopBackError> {
        let items = match self.arguments.data()? {
            Value::List(items) => items,
            item => {
                let row = self.create_one(&item).await?;
                return Ok(json(wire::members_to_json(&row.members)));
            }
        };
        if items.len() > MAX_CREATED {
            return Err(LoopBackError::TooLarge);
        }
        let mut rows = Vec::with_capacity(items.len());
        for item in &items {
            rows.push(self.create_one(item).await?);
        }
        Ok(json(wire::rows_to_json(rows.iter().map(|row| &row.members))))
    }

    async fn create_one(&self, data: &Value) -> Result<LoopBackRow, LoopBackError> {
        let may_choose = match self.app.settings.loopback.client_ids {
            ClientIds::Nobody => false,
            ClientIds::Authorized => self.writer.is_named,
            ClientIds::Anyone => true,
        };
        Ok(self.service.loopback_create(self.app, &self.writer, may_choose, data).await??)
    }

    /// Merges into the row of the id that the data names; without an id, or without such a row, creates one.
    async fn upsert(&self) -> Result<Response, LoopBackError> {
        let data = self.arguments.data()?;
        if matches!(data, Value::List(_)) {
            return Err(LoopBackError::bad("The data must be an object"));
        }
        let id = data.member("id").filter(|id| **id != Value::Null).map(Value::to_text).unwrap_or_default();
        let row = if id.is_empty() {
            self.create_one(&data).await?
        } else {
            match self.service.loopback_merge(self.app, &self.writer, &id, &data).await? {
                Err(WriteFault::NotFound) => self.create_one(&data).await?,
                merged => merged?,
            }
        };
        Ok(json(wire::members_to_json(&row.members)))
    }

    async fn find(&self) -> Result<Response, LoopBackError> {
        let filter = Filter::parse(&self.arguments.object("filter")?)?;
        check_include(&filter)?;
        let fields = filter.fields.clone();
        let pages = self.service.loopback_find(self.app, &self.writer.caller, Method::Find, filter).await??;
        let frame = ListFrame { head: "[".to_owned(), tail: "]", route: "/api/accessTokens" };
        let write_row = move |row: LoopBackRow| wire::members_to_json(&fields.select(row.members));
        Ok(json(short_list_body(pages, frame, write_row).await?))
    }

    async fn find_one(&self) -> Result<Response, LoopBackError> {
        let filter = Filter::parse_one(&self.arguments.object("filter")?)?;
        check_include(&filter)?;
        self.check_condition(&filter.condition)?;
        let fields = filter.fields.clone();
        let found = self.service.loopback_find(self.app, &self.writer.caller, Method::FindOne, filter);
        let first = pin!(found.await??).next().await.transpose()?;
        let row = first.into_iter().flatten().next();
        let row = row.ok_or_else(|| LoopBackError::NoRow("undefined".to_owned()))?;
        Ok(json(wire::members_to_json(&fields.select(row.members))))
    }

    /// Conditions that look into ids find them out, letter by letter: they are for those who may list them.
    fn check_condition(&self, condition: &Condition) -> Result<(), LoopBackError> {
        let rules = &self.app.settings.loopback.access;
        let may_find = || rules.decide(self.writer.caller.by_rules(), Method::Find, false).is_some();
        if condition.needs_id() && !may_find() { Err(LoopBackError::Denied) } else { Ok(()) }
    }

    async fn find_by_id(&self, id: &str) -> Result<Response, LoopBackError> {
        let filter = Filter::parse_selection(&self.arguments.object("filter")?)?;
        check_include(&filter)?;
        let row = self.service.loopback_row(self.app, id).await?;
        let row = row.ok_or_else(|| LoopBackError::NoRow(id.to_owned()))?;
        Ok(json(wire::members_to_json(&filter.fields.select(row.members))))
    }

    async fn exists(&self, id: &str) -> Result<Response, LoopBackError> {
        let exists = self.service.loopback_row(self.app, id).await?.is_some();
        let mut response = json(wire::exists(exists));
        // What `GET /:id/exists` says in its body, `HEAD /:id` says by the status.
        if !exists && self.is_head {
            *response.status_mut() = StatusCode::NOT_FOUND;
        }
        Ok(response)
    }

    async fn count(&self) -> Result<Response, LoopBackError> {
        let condition = Condition::parse(&self.arguments.object("where")?)?;
        self.check_condition(&condition)?;
        let count = self.service.loopback_count(self.app, &condition).await??;
        Ok(json(wire::count(count)))
    }

    async fn update(&self, id: &str) -> Result<Response, LoopBackError> {
        let data = self.arguments.data()?;
        if matches!(data, Value::List(_)) {
            return Err(LoopBackError::bad("The data must be an object"));
        }
        match self.service.loopback_merge(self.app, &self.writer, id, &data).await? {
            Ok(row) => Ok(json(wire::members_to_json(&row.members))),
            Err(WriteFault::NotFound) => Err(LoopBackError::NoRowToChange(id.to_owned())),
            Err(fault) => Err(fault.into()),
        }
    }

    async fn delete(&self, id: &str) -> Result<Response, LoopBackError> {
        let deleted = self.service.loopback_delete(self.app, &self.writer, id).await?;
        Ok(json(wire::count(u64::from(deleted))))
    }
}

/// There is no user directory: the relation `user` is known and always dangling, and there is no other.
fn check_include(filter: &Filter) -> Result<(), LoopBackError> {
    match filter.include.iter().find(|inclusion| inclusion.relation != "user") {
        None => Ok(()),
        Some(inclusion) => {
            let relation = &inclusion.relation;
            Err(LoopBackError::bad(format!("Relation \"{relation}\" is not defined for AccessToken model")))
        }
    }
}

fn json(body: impl Into<Body>) -> Response {
    let headers = [(CONTENT_TYPE, "application/json; charset=utf-8"), (CACHE_CONTROL, "no-store")];
    (StatusCode::OK, headers, body.into()).into_response()
}
