//! Decoding rows.

use crate::audit::{AppCounts, AppUses, Bounded, BoundedCounts, MOST_COUNTED, MOST_LOOKED_AT, WorthALook};
use crate::budgets::TokenBudget;
use crate::change::{Change, Removal};
use crate::continuity::{Entry, LogEnd};
use crate::error::StoreError;
use crate::keys::{ClientKey, DigestPlace, KeyUse, KeyUses, OldDigest};
use crate::model::{App, Credential, KeyCheck, LogState, Operator, StoredToken, TokenUse};
use crate::nodes::{LogRead, Node};
use crate::record::Record;
use crate::schema::{
    Apps, Changes, ClientDigests, Column, Count, Counts, Genesis, KeyChecks, LogEnds, Nodes, Operators,
    TokenBudgets, TokenDigests, TokenUsage, Tokens, UsageTotals,
};
use crate::scopes;
use crate::search::{PlaceKey, SearchOrder, SearchPlace};
use jeton_core::{
    AllowedAddresses, Ancestor, AppId, AppKey, Bounds, Budget, Cause, ChangeKind, Description, Digest,
    Document, Label, Lineage, OperatorId, Owner, Timestamp, Token, TokenId, TokenKind, TokenSpec, UseLimits,
    UserId,
};

/// The number in a column: of an app, a token or an operator.
pub(crate) fn number<T>(
    row: &impl Record,
    column: impl Column,
    new: impl FnOnce(i64) -> Option<T>,
) -> Result<T, StoreError> {
    row.read_as(column, new)
}

/// The digest in a column.
pub(crate) fn digest(row: &impl Record, column: impl Column) -> Result<Digest, StoreError> {
    row.read_as(column, |bytes: Vec<u8>| Digest::from_bytes(&bytes))
}

/// The answer of a statement that counts.
pub(crate) fn count(row: &impl Record) -> Result<u64, StoreError> {
    row.read_as(Count, |count: i64| count.try_into().ok())
}

/// The check value of one key; `None` in the row that means that there are no keys.
pub(crate) fn key_check(row: &impl Record) -> Result<Option<KeyCheck>, StoreError> {
    let Some(key_id) = row.read_as_option(KeyChecks::KeyId, |id: i64| id.try_into().ok())? else {
        return Ok(None);
    };
    let check = row.read(KeyChecks::CheckValue)?;
    let retired_at = row.read_as_option(KeyChecks::RetiredAt, Timestamp::from_millis)?;
    Ok(Some(KeyCheck { key_id, check, retired_at }))
}

/// The number of a key in a column.
pub(crate) fn key_id(row: &impl Record, column: impl Column) -> Result<u32, StoreError> {
    row.read_as(column, |id: i64| id.try_into().ok())
}

/// The same where there may be none.
fn key_id_or_none(row: &impl Record, column: impl Column) -> Result<Option<u32>, StoreError> {
    row.read_as_option(column, |id: i64| id.try_into().ok())
}

/// The digest of a token that a key has made.
pub(crate) fn old_token(row: &impl Record, key_id: u32) -> Result<OldDigest, StoreError> {
    let app_id = number(row, Tokens::AppId, AppId::new)?;
    Ok(OldDigest {
        place: DigestPlace::Token(app_id, number(row, Tokens::Id, TokenId::new)?),
        digest: digest(row, Tokens::Digest)?,
        key_id,
        first_key_id: key_id_or_none(row, Tokens::FirstKeyId)?,
        sealed: row.read(Tokens::Sealed)?,
    })
}

/// The same of a further one.
pub(crate) fn old_further(row: &impl Record, key_id: u32) -> Result<OldDigest, StoreError> {
    let place = DigestPlace::Further(number(row, TokenDigests::AppId, AppId::new)?);
    let first_key_id = key_id_or_none(row, TokenDigests::FirstKeyId)?;
    Ok(OldDigest { place, digest: digest(row, TokenDigests::Digest)?, key_id, first_key_id, sealed: None })
}

/// The digest of the client secret of an app that a key has made.
pub(crate) fn old_client(row: &impl Record, key_id: u32) -> Result<OldDigest, StoreError> {
    let place = DigestPlace::Client(number(row, Apps::Id, AppId::new)?);
    let first_key_id = key_id_or_none(row, Apps::ClientFirstKeyId)?;
    Ok(OldDigest { place, digest: digest(row, Apps::ClientSecret)?, key_id, first_key_id, sealed: None })
}

/// The same of a client secret beside that.
pub(crate) fn old_client_digest(row: &impl Record, key_id: u32) -> Result<OldDigest, StoreError> {
    let place = DigestPlace::OldClient(number(row, ClientDigests::AppId, AppId::new)?);
    let first_key_id = key_id_or_none(row, ClientDigests::FirstKeyId)?;
    Ok(OldDigest { place, digest: digest(row, ClientDigests::Digest)?, key_id, first_key_id, sealed: None })
}

/// The same of an operator.
pub(crate) fn old_operator(row: &impl Record, key_id: u32) -> Result<OldDigest, StoreError> {
    let place = DigestPlace::Operator(number(row, Operators::Id, OperatorId::new)?);
    let first_key_id = key_id_or_none(row, Operators::FirstKeyId)?;
    Ok(OldDigest { place, digest: digest(row, Operators::Digest)?, key_id, first_key_id, sealed: None })
}

/// The keys that made the digest of a client secret.
pub(crate) fn client_key(row: &impl Record) -> Result<(Digest, ClientKey), StoreError> {
    let key_id = key_id(row, ClientDigests::DigestKeyId)?;
    let first_key_id = key_id_or_none(row, ClientDigests::FirstKeyId)?;
    Ok((digest(row, ClientDigests::Digest)?, ClientKey { key_id, first_key_id }))
}

/// How many rows need a key for something.
pub(crate) fn key_uses(row: &impl Record) -> Result<KeyUses, StoreError> {
    let what = row.read_as(Changes::Kind, |what: String| {
        Some(match what.as_str() {
            "tokens" => KeyUse::Tokens,
            "further" => KeyUse::FurtherSecrets,
            "clients" => KeyUse::ClientSecrets,
            "operators" => KeyUse::Operators,
            "begun" => KeyUse::Begun,
            _ => return None,
        })
    })?;
    Ok(KeyUses { key_id: key_id(row, KeyChecks::KeyId)?, what, rows: count(row)? })
}

/// How many data keys a key seals.
pub(crate) fn data_key_uses(row: &impl Record) -> Result<KeyUses, StoreError> {
    let key_id =
        row.read_as(Apps::DataKey, |bytes: Vec<u8>| Some(u32::from_be_bytes(bytes.try_into().ok()?)))?;
    Ok(KeyUses { key_id, what: KeyUse::DataKeys, rows: count(row)? })
}

pub(crate) fn app(row: &impl Record) -> Result<App, StoreError> {
    Ok(App {
        id: number(row, Apps::Id, AppId::new)?,
        key: app_key(row)?,
        client_id: row.read(Apps::ClientId)?,
        client_secrets: vec![Credential::lasting(digest(row, Apps::ClientSecret)?)],
        settings: row.read(Apps::Settings)?,
        data_key: row.read(Apps::DataKey)?,
        created_at: row.read_as(Apps::CreatedAt, Timestamp::from_millis)?,
        updated_at: row.read_as(Apps::UpdatedAt, Timestamp::from_millis)?,
        revision: row.read(Apps::Revision)?,
        is_default: row.read(Apps::IsDefault)?,
    })
}

pub(crate) fn app_key(row: &impl Record) -> Result<AppKey, StoreError> {
    row.read_as(Apps::Key, |key: String| key.parse().ok())
}

/// The number and the key of an app.
pub(crate) fn app_name(row: &impl Record) -> Result<(AppId, AppKey), StoreError> {
    Ok((number(row, Apps::Id, AppId::new)?, app_key(row)?))
}

/// How many tokens an app has.
pub(crate) fn app_counts(row: &impl Record) -> Result<AppCounts, StoreError> {
    Ok(AppCounts {
        id: number(row, Apps::Id, AppId::new)?,
        key: app_key(row)?,
        kinds: kinds(row)?,
        disabled: counted(row, Counts::DISABLED)?,
        expired: counted(row, Counts::EXPIRED)?,
        revoked: counted(row, Counts::REVOKED)?,
    })
}

fn counted(row: &impl Record, column: Counts) -> Result<u64, StoreError> {
    row.read_as(column, |count: i64| count.try_into().ok())
}

/// A count that went no further than to one more than the bound.
fn up_to_most(row: &impl Record, column: Counts) -> Result<Bounded, StoreError> {
    Ok(Bounded::up_to(MOST_COUNTED, counted(row, column)?))
}

fn kinds(row: &impl Record) -> Result<[u64; TokenKind::ALL.len()], StoreError> {
    let [identity, grant, self_made, service] = Counts::KINDS.map(|kind| counted(row, kind));
    Ok([identity?, grant?, self_made?, service?])
}

/// How many tokens an app has, each count as far as its bound.
pub(crate) fn bounded_counts(row: &impl Record) -> Result<BoundedCounts, StoreError> {
    let looked_at = counted(row, Counts::LOOKED_AT)?;
    Ok(BoundedCounts {
        kinds: kinds(row)?,
        disabled: Bounded::among(MOST_COUNTED, looked_at, counted(row, Counts::DISABLED)?),
        expired: up_to_most(row, Counts::EXPIRED)?,
        revoked: up_to_most(row, Counts::REVOKED)?,
    })
}

/// How many tokens of an app are worth a look.
pub(crate) fn worth_a_look(row: &impl Record) -> Result<WorthALook, StoreError> {
    let looked_at = counted(row, Counts::LOOKED_AT)?;
    Ok(WorthALook {
        expiring: up_to_most(row, Counts::EXPIRING)?,
        unused: Bounded::among(MOST_LOOKED_AT, looked_at, counted(row, Counts::UNUSED)?),
        eternal: up_to_most(row, Counts::ETERNAL)?,
    })
}

/// How often tokens of an app were used.
pub(crate) fn app_uses(row: &impl Record) -> Result<AppUses, StoreError> {
    Ok(AppUses {
        app_id: number(row, UsageTotals::AppId, AppId::new)?,
        uses: row.read_as(UsageTotals::Uses, |count: i64| count.try_into().ok())?,
        last_used_at: row.read_as(UsageTotals::LastUsedAt, Timestamp::from_millis)?,
    })
}

/// The client id of an app, if there is one, with one of its client secrets.
pub(crate) fn client(row: &impl Record) -> Result<Option<(String, Credential)>, StoreError> {
    let id: Option<String> = row.read(Apps::ClientId)?;
    id.map(|id| Ok((id, client_secret(row)?))).transpose()
}

/// A client secret of an app beside its own, where it may have none.
pub(crate) fn other_client_secret(row: &impl Record) -> Result<Option<Credential>, StoreError> {
    let digest: Option<Vec<u8>> = row.read(ClientDigests::Digest)?;
    digest.map(|_| client_secret(row)).transpose()
}

/// A client secret of an app beside its own.
pub(crate) fn client_secret(row: &impl Record) -> Result<Credential, StoreError> {
    Ok(Credential {
        digest: digest(row, ClientDigests::Digest)?,
        good_from: row.read_as_option(ClientDigests::GoodFrom, Timestamp::from_millis)?,
        good_until: row.read_as_option(ClientDigests::GoodUntil, Timestamp::from_millis)?,
    })
}

pub(crate) fn stored_token(row: &impl Record) -> Result<StoredToken, StoreError> {
    let digest = digest(row, Tokens::Digest)?;
    Ok(StoredToken {
        token: token(row)?,
        digest,
        credential: Credential::lasting(digest),
        sealed: row.read(Tokens::Sealed)?,
        is_foreign: row.read(Tokens::IsForeign)?,
        revision: row.read(Tokens::Revision)?,
    })
}

/// A token with the digest by which it was found.
pub(crate) fn found_token(row: &impl Record) -> Result<StoredToken, StoreError> {
    Ok(StoredToken { credential: credential(row, TokenDigests::FoundBy)?, ..stored_token(row)? })
}

fn credential(row: &impl Record, column: TokenDigests) -> Result<Credential, StoreError> {
    Ok(Credential {
        digest: digest(row, column)?,
        good_from: row.read_as_option(TokenDigests::GoodFrom, Timestamp::from_millis)?,
        good_until: row.read_as_option(TokenDigests::GoodUntil, Timestamp::from_millis)?,
    })
}

/// The number of a token.
pub(crate) fn token_id(row: &impl Record) -> Result<TokenId, StoreError> {
    number(row, Tokens::Id, TokenId::new)
}

/// A further digest of a token, with its token.
pub(crate) fn token_digest(row: &impl Record) -> Result<(TokenId, Credential), StoreError> {
    number(row, TokenDigests::AppId, AppId::new)?;
    let id = number(row, TokenDigests::TokenId, TokenId::new)?;
    Ok((id, credential(row, TokenDigests::Digest)?))
}

fn token(row: &impl Record) -> Result<Token, StoreError> {
    let label = |text: String| Label::new(text).ok();
    Ok(Token {
        id: number(row, Tokens::Id, TokenId::new)?,
        app_id: number(row, Tokens::AppId, AppId::new)?,
        created_at: row.read_as(Tokens::CreatedAt, Timestamp::from_millis)?,
        updated_at: row.read_as(Tokens::UpdatedAt, Timestamp::from_millis)?,
        expires_at: row.read_as_option(Tokens::ExpiresAt, Timestamp::from_millis)?,
        disabled_by: row.read_as_option(Tokens::DisabledBy, |actor: String| actor.parse().ok())?,
        revoked_at: row.read_as_option(Tokens::RevokedAt, Timestamp::from_millis)?,
        left_loopback: row.read(Tokens::LeftLoopback)?,
        // They are read together, for all tokens that were found.
        ancestors: Vec::new(),
        spec: TokenSpec {
            kind: row.read_as(Tokens::Kind, |name: String| TokenKind::from_name(&name))?,
            owner: owner(row)?,
            title: row.read_as_option(Tokens::Title, label)?,
            tags: row.read_as_option(Tokens::Tags, label)?,
            description: row
                .read_as_option(Tokens::Description, |text: String| Description::new(text).ok())?,
            permissions_as_sent: row.read(Tokens::PermissionsAsSent)?,
            scopes: row.read_as(Tokens::Scopes, |text: String| scopes::from_text(&text))?,
            bounds: bounds(row)?,
            lineage: row.read_as_option(Tokens::Lineage, |ids: String| lineage(&ids))?.unwrap_or_default(),
            limits: use_limits(row)?,
            document: row.read_as_option(Tokens::Document, |text: String| Document::new(text).ok())?,
        },
    })
}

/// A token as the ancestor of others.
pub(crate) fn ancestor(row: &impl Record) -> Result<Ancestor, StoreError> {
    Ok(Ancestor {
        id: number(row, Tokens::Id, TokenId::new)?,
        revoked: row.read::<Option<i64>>(Tokens::RevokedAt)?.is_some(),
        disabled: row.read::<Option<String>>(Tokens::DisabledBy)?.is_some(),
        expires_at: row.read_as_option(Tokens::ExpiresAt, Timestamp::from_millis)?,
        scopes: row.read_as(Tokens::Scopes, |text: String| scopes::from_text(&text))?,
        bounds: bounds(row)?,
        limits: use_limits(row)?,
    })
}

/// How often a token may be used.
pub(crate) fn use_limits(row: &impl Record) -> Result<UseLimits, StoreError> {
    Ok(row.read_as_option(Tokens::UseLimits, |text: String| text.parse().ok())?.unwrap_or_default())
}

/// What is left of the limits of a token.
pub(crate) fn token_budget(row: &impl Record) -> Result<TokenBudget, StoreError> {
    let levels = |text: String| {
        let texts = text.split(',').filter(|_| !text.is_empty());
        texts.map(|level| level.parse().ok()).collect::<Option<Vec<u64>>>()
    };
    Ok(TokenBudget {
        app_id: number(row, TokenBudgets::AppId, AppId::new)?,
        token_id: number(row, TokenBudgets::TokenId, TokenId::new)?,
        uses_since: row.read(TokenBudgets::UsesSince)?,
        rates: row.read_as(TokenBudgets::Rates, |text: String| text.parse().ok())?,
        left: Budget {
            uses_left: row.read_as_option(TokenBudgets::UsesLeft, |left: i64| left.try_into().ok())?,
            levels: row.read_as(TokenBudgets::Levels, levels)?,
            filled_at: row.read_as(TokenBudgets::FilledAt, Timestamp::from_millis)?,
        },
    })
}

fn lineage(ids: &str) -> Option<Lineage> {
    let ids = ids.split(',').map(|id| id.parse().ok().and_then(TokenId::new));
    Lineage::new(ids.collect::<Option<_>>()?)
}

fn bounds(row: &impl Record) -> Result<Bounds, StoreError> {
    let listed = |text: String| AllowedAddresses::parse(text.split(',')).ok().flatten();
    Ok(Bounds {
        not_before: row.read_as_option(Tokens::NotBefore, Timestamp::from_millis)?,
        allowed_addresses: row.read_as_option(Tokens::AllowedAddresses, listed)?,
    })
}

fn owner(row: &impl Record) -> Result<Owner, StoreError> {
    let user_id: Option<UserId> = row.read_as_option(Tokens::UserId, |text: String| text.parse().ok())?;
    let is_stand_in: bool = row.read(Tokens::UserIsStandIn)?;
    match (user_id, is_stand_in) {
        (None, false) => Ok(Owner::Nobody),
        (Some(user_id), false) => Ok(Owner::Named(user_id)),
        (Some(user_id), true) => Ok(Owner::StandIn(user_id)),
        (None, true) => Err(StoreError::Corrupt { place: Tokens::UserIsStandIn.place() }),
    }
}

/// Where a token stands among those that are found in this order.
pub(crate) fn search_place(row: &impl Record, order: SearchOrder) -> Result<SearchPlace, StoreError> {
    let key = match order {
        SearchOrder::NewestFirst | SearchOrder::OldestFirst => PlaceKey::Number,
        SearchOrder::EndingNext | SearchOrder::EndedLast => {
            PlaceKey::End(row.read_as(Tokens::ExpiresAt, Timestamp::from_millis)?)
        }
        SearchOrder::ByTitle => PlaceKey::Title(row.read(Tokens::Title)?),
    };
    Ok(SearchPlace { id: number(row, Tokens::Id, TokenId::new)?, key })
}

pub(crate) fn token_use(row: &impl Record) -> Result<TokenUse, StoreError> {
    Ok(TokenUse {
        app_id: number(row, TokenUsage::AppId, AppId::new)?,
        token_id: number(row, TokenUsage::TokenId, TokenId::new)?,
        last_used_at: row.read_as(TokenUsage::LastUsedAt, Timestamp::from_millis)?,
        last_address: row.read_as_option(TokenUsage::LastAddress, |text: String| text.parse().ok())?,
        use_count: row.read_as(TokenUsage::UseCount, |count: i64| count.try_into().ok())?,
    })
}

pub(crate) fn operator(row: &impl Record) -> Result<Operator, StoreError> {
    Ok(Operator {
        id: number(row, Operators::Id, OperatorId::new)?,
        name: row.read(Operators::Name)?,
        created_at: row.read_as(Operators::CreatedAt, Timestamp::from_millis)?,
    })
}

pub(crate) fn node(row: &impl Record) -> Result<Node, StoreError> {
    let key = |column| row.read_as(column, |id: i64| u32::try_from(id).ok());
    let read: (Option<i64>, Option<i64>) = (row.read(Nodes::LogReadTo)?, row.read(Nodes::LogUnreadMs)?);
    Ok(Node {
        id: row.read(Nodes::Id)?,
        machine: row.read(Nodes::Machine)?,
        version: row.read(Nodes::Version)?,
        schema_version: row.read(Nodes::SchemaVersion)?,
        started_at: row.read_as(Nodes::StartedAt, Timestamp::from_millis)?,
        written_at: row.read_as(Nodes::WrittenAt, Timestamp::from_millis)?,
        log_read: read.0.zip(read.1).map(|(to, unread_ms)| LogRead { to, unread_ms }),
        newest_key_id: key(Nodes::NewestKeyId)?,
        current_key_id: key(Nodes::CurrentKeyId)?,
        is_listening: row.read(Nodes::IsListening)?,
        clock_ahead_ms: row.read(Nodes::ClockAheadMs)?,
    })
}

pub(crate) fn change(row: &impl Record) -> Result<Change, StoreError> {
    Ok(Change {
        sequence: row.read(Changes::Sequence)?,
        at: row.read_as(Changes::At, Timestamp::from_millis)?,
        kind: row.read_as(Changes::Kind, |name: String| ChangeKind::from_name(&name))?,
        app_id: row.read_as_option(Changes::AppId, AppId::new)?,
        subject_id: row.read(Changes::SubjectId)?,
        digest: row.read_as_option(Changes::Digest, |bytes: Vec<u8>| Digest::from_bytes(&bytes))?,
        by: cause(row)?,
        removal: match row.read(Changes::WasOnLoopback)? {
            None => None,
            Some(was_on_loopback) => Some(Removal { was_on_loopback, sealed: row.read(Changes::Sealed)? }),
        },
    })
}

/// Who made a change, and from where.
fn cause(row: &impl Record) -> Result<Cause, StoreError> {
    let actor = row.read_as(Changes::Actor, |actor: String| actor.parse().ok())?;
    let address = row.read_as_option(Changes::Address, |address: String| address.parse().ok())?;
    Ok(Cause::new(actor, address))
}

/// What the log stores about a token that goes, as it was until then.
pub(crate) fn removal(row: &impl Record, at: Timestamp) -> Result<Removal, StoreError> {
    let kind = row.read_as(Tokens::Kind, |name: String| TokenKind::from_name(&name))?;
    let is_enabled = row.read::<Option<String>>(Tokens::DisabledBy)?.is_none();
    let expires_at = row.read_as_option(Tokens::ExpiresAt, Timestamp::from_millis)?;
    let has_left = row.read(Tokens::LeftLoopback)? && expires_at.is_some_and(|expires_at| at >= expires_at);
    let was_on_loopback = kind != TokenKind::Service && is_enabled && !has_left;
    Ok(Removal { was_on_loopback, sealed: if was_on_loopback { row.read(Tokens::Sealed)? } else { None } })
}

/// The state of the log for a reader that has read up to the entry `after`.
pub(crate) fn log_state(row: &impl Record, after: i64) -> Result<LogState, StoreError> {
    Ok(LogState { epoch: row.read(Genesis::Epoch)?, has_gap: after != 0 && count(row)? == 0 })
}

/// The end of the log.
pub(crate) fn log_end(row: &impl Record) -> Result<LogEnd, StoreError> {
    let entry = |sequence: LogEnds, at: LogEnds| -> Result<Entry, StoreError> {
        Ok(Entry { sequence: row.read(sequence)?, at: row.read(at)? })
    };
    Ok(LogEnd {
        epoch: row.read(LogEnds::Epoch)?,
        newest: entry(LogEnds::Newest, LogEnds::NewestAt)?,
        known: entry(LogEnds::Known, LogEnds::KnownAt)?,
        is_restored: row.read_as(LogEnds::Restores, |count: i64| Some(count > 0))?,
    })
}
