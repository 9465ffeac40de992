//! The requests of `jeton token import` and `jeton token export`.

use super::token_input::misfit;
use super::token_json::token_json;
use super::{BY, open_app};
use crate::error::CommandError;
use crate::request::{ImportLine, ImportText, SecretText};
use jeton_core::{
    Bounds, Document, Lifetime, Lineage, Owner, Scopes, Secret, Timestamp, TokenKind, TokenSpec, UserId,
    earlier_end,
};
use jeton_service::{
    Exported, ImportRow, ImportSecret, Imported, Issue, KeyRing, Keys, RequestedLifetime, ScopeDraft,
    Service, addresses_of, description, end_of_token, instant, label, limits_of_json, scopes_of, user_id_of,
};
use jeton_store::{SearchOrder, SearchPlace};
use serde_json::{Value, json};

/// Bytes that end a page, however few tokens they are, so that it fits into one message.
const PAGE_BYTES: usize = 4 * 1024 * 1024;

pub(super) async fn import(
    service: &Service,
    app: &str,
    lines: Vec<ImportLine>,
    allow_weak: bool,
) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let now = service.now();
    let latest = app.settings.common.lifetime_policy().expires_at(now, now, Lifetime::Unlimited);
    let is_shortened = |asked: Option<Timestamp>| earlier_end(asked, latest) != asked;
    let (mut numbers, mut rows, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for ImportLine { line, row } in lines {
        match import_row(row) {
            Ok(row) => {
                numbers.push((line, is_shortened(row.expires_at)));
                rows.push(row);
            }
            Err(reason) => refused.push(json!({"line": line, "reason": reason.message})),
        }
    }
    let (mut imported, mut duplicates, mut shortened) = (0, 0, 0);
    for ((line, is_shortened), outcome) in
        numbers.into_iter().zip(service.import(&app, rows, allow_weak, &BY).await?)
    {
        match outcome {
            Imported::Taken(_) => {
                imported += 1;
                shortened += u64::from(is_shortened);
            }
            Imported::Duplicate => duplicates += 1,
            Imported::Weak
            | Imported::Unfit
            | Imported::Refused(_)
            | Imported::Unreadable(_)
            | Imported::Incomparable => refused.push(json!({"line": line, "reason": reason(outcome)})),
        }
    }
    Ok(json!({"imported": imported, "duplicates": duplicates, "refused": refused, "shortened": shortened}))
}

/// Why a line is not imported.
fn reason(outcome: Imported) -> String {
    match outcome {
        Imported::Taken(_) | Imported::Duplicate => String::new(),
        Imported::Weak => {
            "access_token has less than 32 characters and can be guessed: --allow-weak accepts it".to_owned()
        }
        Imported::Unfit => {
            "access_token has white space at an end or a control character in it: no header can carry it"
                .to_owned()
        }
        Imported::Refused(error) => error.to_string(),
        Imported::Unreadable(error) => error.to_string(),
        Imported::Incomparable => {
            "only its digest is known, and the app has digests that older keys have made: one of them may \
             be of this very token"
                .to_owned()
        }
    }
}

/// A page: `items`, and where the `next` one begins, if there may be more; `total` says how many there are in all, where that is kept.
pub(super) async fn export(
    service: &Service,
    app: &str,
    ring: Option<&str>,
    after: Option<&str>,
    limit: u32,
) -> Result<Value, CommandError> {
    let app = open_app(service, app).await?;
    let ring = ring.map(KeyRing::parse).transpose();
    let ring = ring.map_err(|error| CommandError::usage(format!("--for-keys: {error}")))?;
    let receiver = ring.as_ref().map(Keys::derive);
    let order = SearchOrder::OldestFirst;
    let after = after.and_then(|text| SearchPlace::from_text(text, order));
    let page = service.export(&app, receiver.as_ref(), after.as_ref(), limit).await?;
    let left = service.uses_left(page.items.iter().map(|exported| &exported.token)).await?;
    let (mut items, mut bytes, mut next) = (Vec::new(), 0, page.next);
    for Exported { token, sealed } in &page.items {
        let mut item = token_json(service, token, page.usage.get(&token.id), left.get(&token.id).copied());
        if matches!(token.spec.owner, Owner::StandIn(_)) {
            item["user_is_stand_in"] = true.into();
        }
        if let Some(document) = &token.spec.document {
            item["document"] = document.as_str().into();
        }
        match sealed {
            Ok(sealed) => item["sealed"] = sealed.as_str().into(),
            Err(why) => item["left_out"] = why.name().into(),
        }
        bytes += item.to_string().len();
        items.push(item);
        if bytes >= PAGE_BYTES && items.len() < page.items.len() {
            next = Some(SearchPlace::of(token, order));
            break;
        }
    }
    Ok(json!({"items": items, "next": next.map(|place| place.to_text()), "total": page.total}))
}

fn import_row(row: ImportText) -> Result<ImportRow, CommandError> {
    let user_id = row.user_id.as_ref().map(user_id_of).transpose().map_err(misfit)?.flatten();
    let listed = row.scopes.map(|scopes| scopes.into_iter().map(|scope| scope.0.into()).collect());
    let described = match row.secret {
        SecretText::AccessToken(text) => described(&text, user_id, row.permissions.as_deref(), listed)?,
        SecretText::Sealed { sealed, kind, user_is_stand_in, document } => {
            let owner = if user_is_stand_in { Owner::StandIn } else { Owner::Named };
            let (kind, scopes) = exported(kind.as_deref(), row.permissions.as_deref(), listed)?;
            let document = document.map(Document::new).transpose();
            Described {
                secret: ImportSecret::Exported(sealed),
                kind,
                owner: user_id.map_or(Owner::Nobody, owner),
                scopes,
                document: document.map_err(|error| CommandError::usage(format!("document {error}")))?,
            }
        }
    };
    let Described { secret, kind, owner, scopes, document } = described;
    let not_before = row.not_before.map(|text| instant("not_before", &text)).transpose().map_err(misfit)?;
    Ok(ImportRow {
        secret,
        issue: Issue {
            lifetime: RequestedLifetime::Asked(Lifetime::Unlimited),
            spec: TokenSpec {
                kind,
                owner,
                title: label("title", row.title).map_err(misfit)?,
                tags: label("tags", row.tags).map_err(misfit)?,
                description: description(row.description).map_err(misfit)?,
                permissions_as_sent: row.permissions,
                scopes,
                bounds: Bounds {
                    not_before,
                    allowed_addresses: addresses_of(&row.allowed_addresses).map_err(misfit)?,
                },
                limits: limits_of_json(row.uses_left.as_ref(), row.rates.as_ref())
                    .map_err(|error| CommandError::usage(error.to_string()))?,
                lineage: Lineage::NONE,
                document,
            },
        },
        created_at: row.created_at.map(|text| instant("created_at", &text)).transpose().map_err(misfit)?,
        expires_at: row.expires_at.map(|text| end_of_token(&text)).transpose().map_err(misfit)?.flatten(),
        enabled: row.enabled.unwrap_or(true),
    })
}

/// What lines of other systems and of exports say in different ways.
struct Described {
    secret: ImportSecret,
    kind: TokenKind,
    owner: Owner,
    scopes: Scopes,
    document: Option<Document>,
}

fn described(
    secret: &str,
    user_id: Option<UserId>,
    permissions: Option<&str>,
    listed: Option<Vec<ScopeDraft>>,
) -> Result<Described, CommandError> {
    let secret = Secret::parse(secret);
    let secret = secret.map_err(|error| CommandError::usage(format!("access_token: {error}")))?;
    let has_scopes = permissions.is_some() || listed.is_some();
    Ok(Described {
        secret: secret.into(),
        kind: if has_scopes { TokenKind::Grant } else { TokenKind::Identity },
        owner: user_id.map_or(Owner::Nobody, Owner::Named),
        scopes: scopes_of(permissions, &listed.unwrap_or_default()).map_err(misfit)?,
        document: None,
    })
}

/// The kind and the scopes of a line of an export, where `permissions` says again what scopes grant on everything.
fn exported(
    kind: Option<&str>,
    permissions: Option<&str>,
    listed: Option<Vec<ScopeDraft>>,
) -> Result<(TokenKind, Scopes), CommandError> {
    let names = || TokenKind::ALL.map(TokenKind::name).join(", ");
    let kind = kind.and_then(TokenKind::from_name);
    let kind = kind.ok_or_else(|| CommandError::usage(format!("kind must be one of {}", names())))?;
    let Some(listed) = listed else {
        return Ok((kind, scopes_of(permissions, &[]).map_err(misfit)?));
    };
    let scopes = scopes_of(None, &listed).map_err(misfit)?;
    let said = TokenSpec {
        permissions_as_sent: permissions.map(str::to_owned),
        ..TokenSpec::new(kind, Owner::Nobody, scopes.clone())
    };
    if permissions.is_none() || said.permissions_text().as_deref() == permissions {
        Ok((kind, scopes))
    } else {
        Err(CommandError::usage(
            "permissions are not those of the scopes: change the scopes, and leave permissions out",
        ))
    }
}
