//! Writing rows: create, merge into one, remove.
//!
//! What a client may say of users and ids depends on the grounds on which it was let in. Nobody becomes anybody's
//! owner by writing a row: a row that names a user whom the writer does not prove is self-made, and exists for LoopBack
//! alone.

use super::caller::Writer;
use super::document::{LoopBackDocument, to_json};
use super::row::{LoopBackRow, ttl};
use crate::apps::OpenApp;
use crate::issue::{Issue, TokenLife, stored};
use crate::list::handle_id;
use crate::update::MAX_TRIES;
use crate::{Service, Unavailable};
use jeton_core::{Lifetime, Owner, Scopes, Secret, Settings, Timestamp, Token, TokenKind, UserId, Value};
use jeton_store::{Inserted, Replaced};

/// Why a row is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteFault {
    /// There is no such row.
    #[error("there is no such row")]
    NotFound,
    /// A row has, or had until it was revoked, the same id.
    #[error("Duplicate entry for AccessToken.id")]
    Duplicate,
    /// The caller may not choose ids.
    #[error("you may not choose the id of an access token")]
    IdNotYours,
    /// The id is no good: too long, or it looks like what stands for an id that is not kept.
    #[error("the id must have 1 to 1024 bytes and not be ~ and a number")]
    Id,
    /// The row would get another id.
    #[error("the id of an access token cannot be changed")]
    IdChanged,
    /// `created` is no date, or none that can be kept.
    #[error("created must be a date of the years 0 to 9999")]
    Created,
    /// `userId` is no user id.
    #[error("userId must be an integer or a text of at most 255 characters")]
    User,
    /// What the client stores beside is too large, or nested too deep.
    #[error("an access token keeps at most {0} bytes, nested at most 125 deep")]
    TooLarge(usize),
    /// There are 10,000 self-made tokens that have not expired.
    #[error("there are too many access tokens that nobody vouches for")]
    TooManySelfMade,
}

type Written<T> = Result<Result<T, WriteFault>, Unavailable>;

/// The properties that a client said, read by their declared types.
#[derive(Clone, Debug, Default)]
struct Said {
    /// `None`: not said, null or empty.
    id: Option<String>,
    ttl: Option<Value>,
    /// `Some(None)`: null.
    created: Option<Option<Timestamp>>,
    /// `Some(None)`: null.
    user: Option<Option<UserId>>,
    rest: Vec<(String, Value)>,
}

impl Said {
    fn read(data: &Value) -> Result<Self, WriteFault> {
        let Value::Object(members) = data else { return Ok(Said::default()) };
        let mut said = Said::default();
        for (name, value) in members {
            match name.as_str() {
                "id" => said.id = Some(value.to_text()).filter(|id| *value != Value::Null && !id.is_empty()),
                "ttl" => said.ttl = Some(number_or_null(value)),
                "created" => said.created = Some(date_or_null(value)?),
                "userId" => said.user = Some(user_or_null(value)?),
                // The related user's id is the row's user, as LoopBack has it; the rest of that object is not ours.
                "user" => {
                    if let Some(id) = value.member("id") {
                        said.user = Some(user_or_null(id)?);
                    }
                }
                "__proto__" | "constructor" => {}
                _ => {
                    said.rest.retain(|(key, _)| key != name);
                    said.rest.push((name.clone(), value.clone()));
                }
            }
        }
        Ok(said)
    }
}

/// `Number(value)`; null stays null, and what is no number becomes null, as JSON writes NaN.
fn number_or_null(value: &Value) -> Value {
    match value {
        Value::Null => Value::Null,
        value => Some(value.to_number()).filter(|number| !number.is_nan()).map_or(Value::Null, Value::Number),
    }
}

fn date_or_null(value: &Value) -> Result<Option<Timestamp>, WriteFault> {
    match value {
        Value::Null => Ok(None),
        value => {
            let instant = value.to_date().and_then(Timestamp::from_millis);
            instant.map(Some).ok_or(WriteFault::Created)
        }
    }
}

fn user_or_null(value: &Value) -> Result<Option<UserId>, WriteFault> {
    match value {
        Value::Null => Ok(None),
        Value::Text(text) if text.is_empty() => Ok(None),
        Value::Text(_) | Value::Number(_) => value.to_text().parse().map(Some).map_err(|_| WriteFault::User),
        Value::Bool(_) | Value::List(_) | Value::Object(_) | Value::Date(_) => Err(WriteFault::User),
    }
}

impl Service {
    /// Adds a row. What is not said has its default: an id of 64 digits, the app's lifetime, now.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn loopback_create(
        &self,
        app: &OpenApp,
        writer: &Writer,
        may_choose_id: bool,
        data: &Value,
    ) -> Written<LoopBackRow> {
        let said = match Said::read(data) {
            Ok(said) => said,
            Err(fault) => return Ok(Err(fault)),
        };
        let secret = match self.secret_of(app, &said, may_choose_id)? {
            Ok(secret) => secret,
            Err(fault) => return Ok(Err(fault)),
        };
        let now = self.now();
        let blank = Blank::new(&said, writer);
        if blank.kind == TokenKind::SelfMade && !self.has_room_for_self_made(app).await? {
            return Ok(Err(WriteFault::TooManySelfMade));
        }
        let life = Life::of(&said, app, blank.kind, now);
        let document = LoopBackDocument {
            ttl: Some(to_json(&life.ttl)),
            ttl_ends_at: life.expires_at.map(Timestamp::as_millis),
            created_is_null: said.created == Some(None),
            user_is_null: said.user == Some(None),
            rest: said.rest.iter().map(|(name, value)| (name.clone(), to_json(value))).collect(),
        };
        let max_bytes = self.limits.document_bytes;
        let Some(document) = document.into_document(max_bytes) else {
            return Ok(Err(WriteFault::TooLarge(max_bytes)));
        };
        let issue = Issue {
            kind: blank.kind,
            owner: blank.owner,
            life: TokenLife::Asked(Lifetime::Unlimited),
            title: None,
            tags: None,
            description: None,
            permissions_as_sent: None,
            scopes: Scopes::none(),
            document: Some(document),
        };
        let token = self.new_token(app, issue, &secret, (life.created_at, life.expires_at), None)?;
        let tokens = vec![token.clone()];
        let mut row = match self.store.insert_tokens(app.id, tokens, now, &writer.actor()).await?.as_slice() {
            [Inserted::Issued(id)] => self.row(app, stored(*id, app.id, token))?,
            _ => return Ok(Err(WriteFault::Duplicate)),
        };
        // The answer to a create shows the id this once, whatever the app keeps.
        if let Some((_, id)) = row.members.iter_mut().find(|(name, _)| name == "id") {
            *id = Value::Text(secret.expose().to_owned());
        }
        Ok(Ok(row))
    }

    /// Merges properties into a row and answers it as it is then.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn loopback_merge(
        &self,
        app: &OpenApp,
        writer: &Writer,
        id: &str,
        data: &Value,
    ) -> Written<LoopBackRow> {
        let said = match Said::read(data) {
            Ok(said) => said,
            Err(fault) => return Ok(Err(fault)),
        };
        let _turn = self.turns.take(("row", id)).await;
        for _ in 0..MAX_TRIES {
            let Some(stored) = self.loopback_token(app, id).await? else {
                return Ok(Err(WriteFault::NotFound));
            };
            if let Some(other) = &said.id
                && !self.is_id_of(other, &stored)
            {
                return Ok(Err(WriteFault::IdChanged));
            }
            let max_bytes = self.limits.document_bytes;
            let after = match merged(&stored.token, &said, writer, app, (self.now(), max_bytes)) {
                Ok(after) => after,
                Err(MergeFault::Fault(fault)) => return Ok(Err(fault)),
                Err(MergeFault::Unreadable) => return Err(Unavailable::Unreadable("document of a token")),
            };
            let is_new_self_made =
                after.kind == TokenKind::SelfMade && stored.token.kind != TokenKind::SelfMade;
            if is_new_self_made && !self.has_room_for_self_made(app).await? {
                return Ok(Err(WriteFault::TooManySelfMade));
            }
            let revision = stored.revision;
            if self.store.replace_token(after.clone(), revision, &writer.actor()).await? == Replaced::Done {
                return Ok(Ok(self.row(app, jeton_store::StoredToken { token: after, ..stored })?));
            }
        }
        Err(Unavailable::Contended)
    }

    /// Removes a row, and answers whether there was one. Its id can be used again.
    ///
    /// # Errors
    /// It could not be done.
    pub async fn loopback_delete(
        &self,
        app: &OpenApp,
        writer: &Writer,
        id: &str,
    ) -> Result<bool, Unavailable> {
        let Some(stored) = self.loopback_token(app, id).await? else { return Ok(false) };
        Ok(self.store.delete_token(app.id, stored.token.id, self.now(), &writer.actor()).await?)
    }

    fn secret_of(&self, app: &OpenApp, said: &Said, may_choose: bool) -> Written<Secret> {
        let Some(id) = &said.id else {
            return Ok(Ok(self.keys.mint(&*self.entropy, app.settings.token_prefix.as_ref())?));
        };
        if !may_choose {
            return Ok(Err(WriteFault::IdNotYours));
        }
        let is_handle = id.strip_prefix('~').is_some_and(|digits| digits.parse::<i64>().is_ok());
        Ok(Secret::parse(id).ok().filter(|_| !is_handle).ok_or(WriteFault::Id))
    }

    fn is_id_of(&self, id: &str, stored: &jeton_store::StoredToken) -> bool {
        handle_id(id) == Some(stored.token.id)
            || Secret::parse(id).is_ok_and(|secret| self.is_secret_of(&secret, stored))
    }
}

/// Kind and owner of a new row.
struct Blank {
    kind: TokenKind,
    owner: Owner,
}

impl Blank {
    fn new(said: &Said, writer: &Writer) -> Self {
        let user = said.user.clone().flatten();
        let proven = match &user {
            Some(user_id) => writer.proves(user_id),
            None => writer.is_named,
        };
        Blank {
            kind: if proven { TokenKind::Identity } else { TokenKind::SelfMade },
            owner: user.map_or(Owner::Nobody, Owner::Named),
        }
    }
}

/// When a row was created, how long it lives, and when that ends.
struct Life {
    created_at: Timestamp,
    ttl: Value,
    expires_at: Option<Timestamp>,
}

impl Life {
    fn of(said: &Said, app: &OpenApp, kind: TokenKind, now: Timestamp) -> Self {
        let settings = &app.settings;
        let ttl = said.ttl.clone().unwrap_or(Value::Number(f64::from(settings.default_ttl_seconds)));
        let created_at = said.created.flatten().unwrap_or(now);
        let lifetime =
            if said.created == Some(None) { Lifetime::Millis(0) } else { lifetime(&ttl, settings) };
        Life { created_at, ttl, expires_at: expiry(settings, kind, (created_at, now), lifetime) }
    }
}

/// What is no positive number has ended; -1 is without end where the app allows that.
fn lifetime(ttl: &Value, settings: &Settings) -> Lifetime {
    match ttl {
        Value::Number(ttl) if *ttl == -1.0 && settings.loopback.allow_eternal_tokens => Lifetime::Unlimited,
        // Beyond an i64 it saturates, and so does the expiry.
        Value::Number(ttl) if *ttl > 0.0 && ttl.is_finite() => Lifetime::Millis((ttl * 1000.0) as i64),
        _ => Lifetime::Millis(0),
    }
}

fn expiry(
    settings: &Settings,
    kind: TokenKind,
    (created_at, now): (Timestamp, Timestamp),
    lifetime: Lifetime,
) -> Option<Timestamp> {
    let policy = settings.lifetime_policy();
    let expires_at = policy.expires_at(created_at, now, lifetime);
    if kind != TokenKind::SelfMade {
        return expires_at;
    }
    let latest = policy.expires_at(now, now, settings.default_lifetime());
    match (expires_at, latest) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

enum MergeFault {
    Fault(WriteFault),
    Unreadable,
}

fn merged(
    before: &Token,
    said: &Said,
    writer: &Writer,
    app: &OpenApp,
    (now, max_bytes): (Timestamp, usize),
) -> Result<Token, MergeFault> {
    let mut document = LoopBackDocument::of(before).ok_or(MergeFault::Unreadable)?;
    let mut after = before.clone();
    after.updated_at = now.max(before.updated_at);
    if let Some(user) = &said.user {
        let stays = user.as_ref() == before.owner.shown();
        let proven = stays || user.as_ref().map_or(writer.is_named, |user_id| writer.proves(user_id));
        if !proven {
            after.kind = TokenKind::SelfMade;
            after.scopes = Scopes::none();
        }
        if !stays {
            // A grant says what is allowed, and elsewhere it would be allowed to that user: it is shown, and proves nothing.
            let owner = if after.kind == TokenKind::Grant { Owner::StandIn } else { Owner::Named };
            after.owner = user.clone().map_or(Owner::Nobody, owner);
        }
        document.user_is_null = user.is_none();
    }
    if said.ttl.is_some() || said.created.is_some() || after.kind != before.kind {
        let shown = said.ttl.clone().unwrap_or_else(|| ttl(before, &document));
        let created = match said.created {
            None if document.created_is_null => None,
            None => Some(before.created_at),
            Some(created) => created,
        };
        let lifetime = if created.is_none() { Lifetime::Millis(0) } else { lifetime(&shown, &app.settings) };
        after.created_at = created.unwrap_or(before.created_at);
        after.expires_at = expiry(&app.settings, after.kind, (after.created_at, now), lifetime);
        document.ttl = Some(to_json(&shown));
        document.ttl_ends_at = after.expires_at.map(Timestamp::as_millis);
        document.created_is_null = created.is_none();
    }
    for (name, value) in &said.rest {
        document.rest.insert(name.clone(), to_json(value));
    }
    let too_large = MergeFault::Fault(WriteFault::TooLarge(max_bytes));
    after.document = Some(document.into_document(max_bytes).ok_or(too_large)?);
    Ok(after)
}
