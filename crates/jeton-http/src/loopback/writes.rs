//! The methods that write.

use super::answer::json;
use super::error::LoopBackError;
use super::handlers::Model;
use super::wire;
use axum::response::Response;
use jeton_loopback::{Condition, Value};
use jeton_service::{LoopBackRow, WriteRefusal};

/// At most this many rows in one create request. A body has room for 50,000, and each is a write.
const MAX_CREATED: usize = 1_000;

impl Model<'_> {
    /// Creates a row, or one for each item of a list. Rows that are refused do not affect the others.
    pub(super) async fn create(&self) -> Result<Response, LoopBackError> {
        let items = match self.arguments.data()? {
            Value::List(items) => items,
            item => return Ok(row(&self.create_one(&item).await?)),
        };
        if !items.iter().all(|item| matches!(item, Value::Object(_))) {
            return Err(LoopBackError::bad("The data must be an object, or a list of objects"));
        }
        if items.len() > MAX_CREATED {
            return Err(LoopBackError::TooManyRows);
        }
        let created = self.service.loopback_create_all(self.app, &self.writer, &items).await?;
        if created.iter().any(Result::is_err) {
            return Err(LoopBackError::Several(created.into_iter().map(Result::err).collect()));
        }
        Ok(json(wire::rows_to_json(created.iter().flatten().map(|row| &row.members))))
    }

    async fn create_one(&self, data: &Value) -> Result<LoopBackRow, LoopBackError> {
        Ok(self.service.loopback_create(self.app, &self.writer, data).await??)
    }

    /// Merges into the row with the id in the data; without an id, or without such a row, creates one.
    pub(super) async fn upsert(&self) -> Result<Response, LoopBackError> {
        let data = self.object()?;
        let Some(id) = id_in(&data) else { return Ok(row(&self.create_one(&data).await?)) };
        match self.service.loopback_merge(self.app, &self.writer, &id, &data).await? {
            Err(WriteRefusal::NotFound) => Ok(only_said(self.create_one(&data).await?, &data)),
            merged => Ok(row(&merged?)),
        }
    }

    /// Replaces the row with the id in the data; without an id, or without such a row, creates one.
    pub(super) async fn replace_or_create(&self) -> Result<Response, LoopBackError> {
        let data = self.object()?;
        let Some(id) = id_in(&data) else { return Ok(row(&self.create_one(&data).await?)) };
        match self.service.loopback_replace(self.app, &self.writer, &id, &data).await? {
            Err(WriteRefusal::NotFound) => Ok(row(&self.create_one(&data).await?)),
            replaced => Ok(row(&replaced?)),
        }
    }

    /// Merges into the single row that matches `where`; if none matches, creates one.
    pub(super) async fn upsert_with_where(&self) -> Result<Response, LoopBackError> {
        let condition = self.condition().await?;
        let data = self.object()?;
        if matches!(&data, Value::Object(members) if members.is_empty()) {
            return Err(LoopBackError::bad("data object cannot be empty!"));
        }
        let merged = self.service.loopback_merge_matching(self.app, &self.writer, condition, &data).await??;
        match merged {
            Some(merged) => Ok(row(&merged)),
            None => Ok(only_said(self.create_one(&data).await?, &data)),
        }
    }

    /// Merges into every row that matches `where`.
    pub(super) async fn update_all(&self) -> Result<Response, LoopBackError> {
        let condition = self.condition().await?;
        let data = self.object()?;
        let count = self.service.loopback_update_all(self.app, &self.writer, condition, &data).await??;
        Ok(json(wire::count(count)))
    }

    pub(super) async fn update(
        &self,
        id: &str,
        takes_data_in_query: bool,
    ) -> Result<Response, LoopBackError> {
        let data =
            if takes_data_in_query { self.arguments.documented_data()? } else { self.arguments.data()? };
        let data = object(data)?;
        match self.service.loopback_merge(self.app, &self.writer, id, &data).await? {
            Ok(merged) => Ok(row(&merged)),
            Err(WriteRefusal::NotFound) => Err(LoopBackError::NoRowToChange(id.to_owned())),
            Err(WriteRefusal::IdChanged) => Err(id_changed(id, &data)),
            Err(fault) => Err(fault.into()),
        }
    }

    pub(super) async fn replace(&self, id: &str) -> Result<Response, LoopBackError> {
        let data = self.object()?;
        match self.service.loopback_replace(self.app, &self.writer, id, &data).await? {
            Ok(replaced) => Ok(row(&replaced)),
            Err(WriteRefusal::NotFound) => Err(LoopBackError::NoRowToReplace(id.to_owned())),
            Err(WriteRefusal::IdChanged) => Err(id_changed(id, &data)),
            Err(fault) => Err(fault.into()),
        }
    }

    pub(super) async fn delete(&self, id: &str) -> Result<Response, LoopBackError> {
        let deleted = self.service.loopback_delete(self.app, &self.writer, id).await?;
        Ok(json(wire::count(u64::from(deleted))))
    }

    fn object(&self) -> Result<Value, LoopBackError> {
        object(self.arguments.data()?)
    }

    /// `where` of a write: in the query, and required, so that a client cannot change every row by mistake.
    async fn condition(&self) -> Result<Condition, LoopBackError> {
        let condition = self.arguments.query_object("where")?;
        let condition =
            condition.ok_or_else(|| LoopBackError::bad("The where argument must be an object"))?;
        let condition = self.service.read_filter(self.app, condition, Condition::parse).await??;
        self.check_condition(&condition)?;
        Ok(condition)
    }
}

/// The data of one row.
fn object(data: Value) -> Result<Value, LoopBackError> {
    match data {
        Value::List(_) => Err(LoopBackError::bad("The data must be an object")),
        data => Ok(data),
    }
}

/// The id in the data, unless it is null or empty.
fn id_in(data: &Value) -> Option<String> {
    let id = data.member("id").filter(|id| **id != Value::Null)?.to_text();
    (!id.is_empty()).then_some(id)
}

fn id_changed(id: &str, data: &Value) -> LoopBackError {
    let other = data.member("id").map(Value::to_text).unwrap_or_default();
    LoopBackError::bad(format!("id property (id) cannot be updated from {id} to {other}"))
}

fn row(row: &LoopBackRow) -> Response {
    json(wire::members_to_json(&row.members))
}

/// The answer to an upsert that created a row: its id, and what the client sent.
fn only_said(mut created: LoopBackRow, data: &Value) -> Response {
    let is_given = |name: &str| name == "id" || data.member(name).is_some();
    let names_user = data.member("user").is_some_and(|user| user.member("id").is_some());
    created.members.retain(|(name, _)| is_given(name) || name == "userId" && names_user);
    row(&created)
}
