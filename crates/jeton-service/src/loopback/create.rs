//! Creating rows.

use super::caller::Writer;
use super::document::LoopBackDocument;
use super::expiry::Expiry;
use super::input::RowInput;
use super::row::LoopBackRow;
use super::write::{WriteRefusal, Written};
use crate::apps::OpenApp;
use crate::issue::{Draft, Issue, RequestedLifetime, stored, too_many_of_user};
use crate::{Error, Service};
use jeton_core::{Lifetime, Owner, Scopes, Secret, Timestamp, TokenKind, TokenSpec};
use jeton_loopback::{ClientIds, Value};
use jeton_store::Inserted;

/// How many rows are created before other tasks get the processor: each has a secret to mint and seal.
const CHUNK: usize = 64;

impl Service {
    /// Creates a row. Absent properties get their defaults: an id of 64 digits, the app's lifetime, the
    /// current time.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn loopback_create(
        &self,
        app: &OpenApp,
        writer: &Writer,
        data: &Value,
    ) -> Written<LoopBackRow> {
        let mut created = self.loopback_create_all(app, writer, std::slice::from_ref(data)).await?;
        Ok(created.pop().unwrap_or_else(|| unreachable!("each item has its answer")))
    }

    /// Creates several rows, each on its own: the answers are in the order of the items, and one that is
    /// refused does not affect the others.
    ///
    /// # Errors
    ///
    /// The write failed.
    pub async fn loopback_create_all(
        &self,
        app: &OpenApp,
        writer: &Writer,
        items: &[Value],
    ) -> Result<Vec<Result<LoopBackRow, WriteRefusal>>, Error> {
        if let Err(often) = self.may_write(app, writer) {
            return Ok(items.iter().map(|_| Err(WriteRefusal::TooOften(often))).collect());
        }
        self.count_written(app, writer, items.len());
        let now = self.now();
        let (mut drafts, mut faults) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
        for chunk in items.chunks(CHUNK) {
            let _turn = if items.len() > CHUNK { Some(self.batch_turn(app.id).await?) } else { None };
            for item in chunk {
                faults.push(match self.row_draft(app, writer, item, now)? {
                    Ok(draft) => {
                        drafts.push(draft);
                        None
                    }
                    Err(fault) => Some(fault),
                });
            }
        }
        let limit = self.limits.self_made();
        let inserted = self.insert(app, &mut drafts, limit, now, &writer.cause()).await?;
        let mut inserted = drafts.into_iter().zip(inserted);
        let mut answers = Vec::with_capacity(items.len());
        for fault in faults {
            let inserted = if fault.is_none() { inserted.next() } else { None };
            answers.push(match inserted {
                Some((draft, Inserted::Issued(id))) => {
                    Ok(self.row(app, stored(id, app.id, draft.new))?.showing(&draft.secret))
                }
                Some((_, Inserted::NoRoom)) => Err(WriteRefusal::TooManySelfMade),
                Some((_, Inserted::TooManyOfUser)) => Err(too_many_of_user(app).into()),
                Some((_, Inserted::Duplicate | Inserted::KeyGone)) => Err(WriteRefusal::Duplicate),
                None => Err(fault.unwrap_or(WriteRefusal::Duplicate)),
            });
        }
        Ok(answers)
    }

    fn row_draft(&self, app: &OpenApp, writer: &Writer, data: &Value, now: Timestamp) -> Written<Draft> {
        let input = match RowInput::read(data) {
            Ok(input) => input,
            Err(fault) => return Ok(Err(fault)),
        };
        let secret = match self.secret_of(app, writer, &input)? {
            Ok(secret) => secret,
            Err(fault) => return Ok(Err(fault)),
        };
        let user = input.user.clone().flatten();
        let is_proven = writer.vouches_for(user.as_ref());
        let kind = if is_proven { TokenKind::Identity } else { TokenKind::SelfMade };
        let mut expiry = Expiry::of(&input, app, kind, now);
        expiry.end_by(writer.ends_at(app));
        let policies = &app.settings.common.policies;
        expiry.end_by(policies.latest(writer.kind(), now));
        let allowed = policies.allow_new(writer.kind(), &Scopes::none(), expiry.expires_at(), now);
        if let Err(policy) = allowed {
            return Ok(Err(policy.into()));
        }
        let max_bytes = self.limits.document_bytes;
        let mut document = LoopBackDocument::new(&input);
        document.set_expiry(&expiry, now);
        let Some(document) = document.into_document(max_bytes) else {
            return Ok(Err(WriteRefusal::TooLarge(max_bytes)));
        };
        let issue = Issue {
            lifetime: RequestedLifetime::Asked(Lifetime::Unlimited),
            spec: TokenSpec {
                document: Some(document),
                bounds: writer.bounds(),
                ..TokenSpec::new(kind, user.map_or(Owner::Nobody, Owner::Named), Scopes::none())
            },
        };
        Ok(Ok(self.draft(app, issue, secret, (expiry.created_at, expiry.expires_at()))?))
    }

    fn secret_of(&self, app: &OpenApp, writer: &Writer, input: &RowInput) -> Written<Secret> {
        let Some(id) = &input.id else {
            return Ok(Ok(self
                .writing_keys()?
                .mint(&*self.entropy, app.settings.common.token_prefix.as_ref())?));
        };
        let may_choose = match app.settings.loopback.client_ids {
            ClientIds::Nobody => false,
            ClientIds::Authorized => writer.is_named,
            ClientIds::Anyone => true,
        };
        if !may_choose {
            return Ok(Err(WriteRefusal::IdNotYours));
        }
        let is_handle = id.strip_prefix('~').is_some_and(|digits| digits.parse::<i64>().is_ok());
        let Some(secret) = Secret::parse(id).ok().filter(|_| !is_handle) else {
            return Ok(Err(WriteRefusal::Id));
        };
        let settings = &app.settings.common;
        let allowed = settings.policies.allow_secret(settings.token_prefix.as_ref(), &secret);
        Ok(allowed.map(|()| secret).map_err(WriteRefusal::from))
    }
}
