//! Writes about tokens.

use super::Work;
use crate::change::{ChangeKind, Removal};
use crate::decode;
use crate::error::StoreError;
use crate::model::{Inserted, NewToken, Replaced, Replacement, SelfMadeLimit};
use crate::schema::Tokens;
use crate::session::Session;
use crate::statements::log::NewChange;
use crate::statements::tokens::{self, Half, MAX_INSERTED};
use crate::write::Write;
use jeton_core::{Actor, AppId, Digest, Timestamp, TokenId, TokenKind};
use std::collections::HashMap;

/// A token to be issued, with what its entry of the change log needs.
#[derive(Clone, Copy)]
pub(super) struct Issue<'w> {
    pub(super) app_id: AppId,
    pub(super) token: &'w NewToken,
    pub(super) self_made: SelfMadeLimit,
    pub(super) at: Timestamp,
    pub(super) by: &'w Actor,
}

impl<'w, S: Session> Work<'_, 'w, S> {
    /// Inserts the tokens of all writes that insert tokens and says what became of each.
    pub(super) async fn insert_tokens_of(
        &mut self,
        writes: &[&'w Write],
    ) -> Result<Vec<Inserted>, StoreError> {
        let mut issues = Vec::new();
        for write in writes {
            if let Write::InsertTokens { app_id, tokens, self_made, at, by } = write {
                let (app_id, self_made) = (*app_id, *self_made);
                issues.extend(tokens.iter().map(|token| Issue { app_id, token, self_made, at: *at, by }));
            }
        }
        self.insert_tokens(&issues).await
    }

    pub(super) async fn insert_tokens(&mut self, issues: &[Issue<'w>]) -> Result<Vec<Inserted>, StoreError> {
        if issues.iter().any(|issue| issue.token.kind == TokenKind::SelfMade) {
            self.insert_bounded(issues).await
        } else {
            self.insert_all(issues).await
        }
    }

    pub(super) async fn insert_all(&mut self, issues: &[Issue<'w>]) -> Result<Vec<Inserted>, StoreError> {
        let mut answers = Vec::with_capacity(issues.len());
        for issues in issues.chunks(MAX_INSERTED) {
            let rows: Vec<_> = issues.iter().map(|issue| (issue.app_id, issue.token)).collect();
            for (issue, id) in issues.iter().zip(self.insert_rows(&rows).await?) {
                if let Some(id) = id {
                    let kind = ChangeKind::TokenIssued;
                    self.log_token(kind, (issue.app_id, id, issue.token.digest), issue.at, issue.by, None);
                }
                answers.push(id.map_or(Inserted::Duplicate, Inserted::Issued));
            }
        }
        Ok(answers)
    }

    /// Inserts rows and says which number each was given; `None`: it was there already.
    async fn insert_rows(&mut self, rows: &[(AppId, &NewToken)]) -> Result<Vec<Option<TokenId>>, StoreError> {
        let answer = if S::NUMBERS_IN_ORDER && rows.len() > 1 {
            // An answer of many rows takes SQLite's thread nearly as long as the insertion: it wakes us up for each.
            let before = self.tokens_given_out().await?;
            let inserted = self.session.run(tokens::insert_tokens_silently(rows)).await?;
            if inserted == rows.len() as u64 {
                return Ok((before + 1..).map(TokenId::new).take(rows.len()).collect());
            }
            self.session.rows(tokens::tokens_above(before)).await?
        } else {
            self.session.rows(tokens::insert_tokens(rows)).await?
        };
        let mut ids = HashMap::with_capacity(answer.len());
        for row in answer {
            let app_id = decode::number(&row, Tokens::AppId, AppId::new)?;
            let digest = decode::digest(&row, Tokens::Digest)?;
            ids.insert((app_id, digest), decode::number(&row, Tokens::Id, TokenId::new)?);
        }
        // The first of several with the same digest is the one whose row went in: it takes the number.
        Ok(rows.iter().map(|(app_id, token)| ids.remove(&(*app_id, token.digest))).collect())
    }

    pub(super) async fn replace_token(
        &mut self,
        replacement: &Replacement,
        by: &'w Actor,
    ) -> Result<Replaced, StoreError> {
        let Replacement { token, expected, .. } = replacement;
        if token.kind == TokenKind::SelfMade {
            match self.may_replace_by_self_made(replacement).await? {
                Replaced::Done => {}
                refused => return Ok(refused),
            }
        }
        let Some(row) = self.session.row(tokens::update_token(token, *expected)).await? else {
            return Ok(Replaced::Stale);
        };
        let digest = decode::digest(&row, Tokens::Digest)?;
        let (kind, which) = (ChangeKind::TokenUpdated, (token.app_id, token.id, digest));
        self.log_token(kind, which, token.updated_at, by, None);
        Ok(Replaced::Done)
    }

    pub(super) async fn revoke_token(
        &mut self,
        app_id: AppId,
        id: TokenId,
        at: Timestamp,
        by: &'w Actor,
    ) -> Result<bool, StoreError> {
        // An update answers with what it made of a row, and no more with the sealed secret.
        let Some(before) = self.session.row(tokens::token_to_revoke(app_id, id)).await? else {
            return Ok(false);
        };
        let Some(row) = self.session.row(tokens::revoke_token(app_id, id, at)).await? else {
            return Ok(false);
        };
        let which = (app_id, id, decode::digest(&row, Tokens::Digest)?);
        let removal = Some(decode::removal(&before, at)?);
        self.log_token(ChangeKind::TokenRevoked, which, at, by, removal);
        Ok(true)
    }

    pub(super) async fn delete_token(
        &mut self,
        app_id: AppId,
        id: TokenId,
        at: Timestamp,
        by: &'w Actor,
    ) -> Result<bool, StoreError> {
        let Some(row) = self.session.row(tokens::delete_token(app_id, id)).await? else {
            return Ok(false);
        };
        let which = (app_id, id, decode::digest(&row, Tokens::Digest)?);
        let removal = Some(decode::removal(&row, at)?);
        self.log_token(ChangeKind::TokenDeleted, which, at, by, removal);
        Ok(true)
    }

    pub(super) async fn sweep_deleted_apps(&mut self, limit: u32) -> Result<u64, StoreError> {
        let limit = u64::from(limit);
        let live = self.session.run(tokens::sweep_deleted_apps(Half::Live, limit)).await?;
        let rest = limit.saturating_sub(live);
        if rest == 0 {
            return Ok(live);
        }
        Ok(live + self.session.run(tokens::sweep_deleted_apps(Half::Revoked, rest)).await?)
    }

    pub(super) async fn sweep_sealed(&mut self, app_id: AppId, limit: u32) -> Result<u64, StoreError> {
        self.session.run(tokens::sweep_sealed(app_id, limit.into())).await
    }

    fn log_token(
        &mut self,
        kind: ChangeKind,
        (app_id, id, digest): (AppId, TokenId, Digest),
        at: Timestamp,
        by: &'w Actor,
        removal: Option<Removal>,
    ) {
        let (app_id, subject_id, digest) = (Some(app_id), Some(id.get()), Some(digest));
        self.log.push(NewChange { at, kind, app_id, subject_id, digest, by, removal });
    }
}
