//! Writes about tokens.

use super::{Facts, Perform, Work};
use crate::change::{ChangeKind, Removal};
use crate::decode;
use crate::error::StoreError;
use crate::model::{Inserted, NewToken, Replaced, SelfMadeLimit};
use crate::record::Record;
use crate::schema::{TokenDigests, Tokens};
use crate::session::Session;
use crate::statements::log::NewChange;
use crate::statements::tokens::{self, MAX_INSERTED};
use crate::statements::{apps, totals};
use crate::write::{DeleteToken, InsertTokens, ReplaceToken, RevokeToken, Touched, Write, WriteLine};
use jeton_core::{Actor, AppId, Digest, Timestamp, TokenId, TokenKind};
use std::collections::{HashMap, HashSet};

/// A token to be issued, with what its entry of the change log needs.
#[derive(Clone, Copy)]
pub(super) struct Issue<'w> {
    pub(super) app_id: AppId,
    pub(super) token: &'w NewToken,
    pub(super) self_made: SelfMadeLimit,
    pub(super) at: Timestamp,
    pub(super) by: &'w Actor,
}

/// Whether an app has a data key.
type DataKeys<'w> = HashMap<(AppId, &'w [u8]), bool>;

impl Facts for InsertTokens {
    fn touches(&self) -> Touched<'_> {
        // Expired ones may make room for them.
        let dead = self.tokens.iter().any(|token| token.kind == TokenKind::SelfMade);
        Touched { arrivals: &self.tokens, dead, ..Touched::default() }
    }

    fn line(&self) -> WriteLine {
        WriteLine::NewTokens(self.app_id)
    }

    fn weight(&self) -> usize {
        self.tokens.len()
    }
}

impl Perform for InsertTokens {
    async fn perform<'w, S: Session>(
        &'w self,
        work: &mut Work<'_, 'w, S>,
    ) -> Result<Vec<Inserted>, StoreError> {
        Ok(work.inserted.by_ref().take(self.tokens.len()).collect())
    }
}

impl Facts for ReplaceToken {
    fn touches(&self) -> Touched<'_> {
        let dead = self.token.kind == TokenKind::SelfMade;
        Touched { token: Some(self.token.id), dead, ..Touched::default() }
    }

    fn line(&self) -> WriteLine {
        WriteLine::Changes(self.token.app_id)
    }

    fn takes_away(&self) -> bool {
        self.takes_away
    }
}

impl Perform for ReplaceToken {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<Replaced, StoreError> {
        let ReplaceToken { token, expected, by, .. } = self;
        if token.kind == TokenKind::SelfMade {
            match work.may_replace_by_self_made(self).await? {
                Replaced::Done => {}
                refused => return Ok(refused),
            }
        }
        let Some(row) = work.session.row(tokens::update_token(token, *expected)).await? else {
            return Ok(Replaced::Stale);
        };
        let digest = decode::digest(&row, Tokens::Digest)?;
        let (kind, which) = (ChangeKind::TokenUpdated, (token.app_id, token.id, digest));
        work.log_token(kind, which, token.updated_at, by, None);
        Ok(Replaced::Done)
    }
}

impl Facts for RevokeToken {
    fn touches(&self) -> Touched<'_> {
        Touched { token: Some(self.id), ..Touched::default() }
    }

    fn line(&self) -> WriteLine {
        WriteLine::Changes(self.app_id)
    }

    fn takes_away(&self) -> bool {
        true
    }
}

impl Perform for RevokeToken {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<bool, StoreError> {
        let RevokeToken { app_id, id, at, by } = self;
        // An update answers with what it made of a row, and no more with the sealed secret.
        let Some(before) = work.session.row(tokens::token_to_revoke(*app_id, *id)).await? else {
            return Ok(false);
        };
        let Some(row) = work.session.row(tokens::revoke_token(*app_id, *id, *at)).await? else {
            return Ok(false);
        };
        let which = (*app_id, *id, decode::digest(&row, Tokens::Digest)?);
        let removal = Some(decode::removal(&before, *at)?);
        work.log_token(ChangeKind::TokenRevoked, which, *at, by, removal);
        Ok(true)
    }
}

impl Facts for DeleteToken {
    fn touches(&self) -> Touched<'_> {
        Touched { token: Some(self.id), ..Touched::default() }
    }

    fn line(&self) -> WriteLine {
        WriteLine::Changes(self.app_id)
    }

    fn takes_away(&self) -> bool {
        true
    }
}

impl Perform for DeleteToken {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<bool, StoreError> {
        let DeleteToken { app_id, id, at, by } = self;
        let Some(row) = work.session.row(tokens::delete_token(*app_id, *id)).await? else {
            return Ok(false);
        };
        let which = (*app_id, *id, decode::digest(&row, Tokens::Digest)?);
        let removal = Some(decode::removal(&row, *at)?);
        work.log_token(ChangeKind::TokenDeleted, which, *at, by, removal);
        Ok(true)
    }
}

impl<'w, S: Session> Work<'_, 'w, S> {
    /// Inserts the tokens of all writes that insert tokens and says what became of each.
    pub(super) async fn insert_tokens_of(
        &mut self,
        writes: &[&'w Write],
    ) -> Result<Vec<Inserted>, StoreError> {
        let (mut issues, mut answered) = (Vec::new(), Vec::new());
        let mut keys = DataKeys::default();
        for write in writes {
            let Write::InsertTokens(insert) = write else { continue };
            let InsertTokens { app_id, tokens, self_made, sealed_under, at, by } = &**insert;
            let (app_id, self_made) = (*app_id, *self_made);
            let is_sealed_well = match sealed_under {
                None => true,
                Some(key) => self.has_data_key(&mut keys, app_id, key).await?,
            };
            answered.push((tokens.len(), is_sealed_well));
            if is_sealed_well {
                issues.extend(tokens.iter().map(|token| Issue { app_id, token, self_made, at: *at, by }));
            }
        }
        let mut inserted = self.insert_tokens(&issues).await?.into_iter();
        let mut answers = Vec::new();
        for (tokens, is_sealed_well) in answered {
            match is_sealed_well {
                true => answers.extend(inserted.by_ref().take(tokens)),
                false => answers.extend(std::iter::repeat_n(Inserted::KeyGone, tokens)),
            }
        }
        Ok(answers)
    }

    /// Whether an app has this data key. Nobody changes that before this transaction is over.
    async fn has_data_key(
        &mut self,
        known: &mut DataKeys<'w>,
        app_id: AppId,
        key: &'w [u8],
    ) -> Result<bool, StoreError> {
        if let Some(has_it) = known.get(&(app_id, key)) {
            return Ok(*has_it);
        }
        let row = self.session.row(apps::with_another_data_key(app_id, key)).await?;
        let has_it = row.as_ref().map(decode::count).transpose()? == Some(0);
        known.insert((app_id, key), has_it);
        Ok(has_it)
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
            let taken = self.taken_beside(issues).await?;
            let is_free = |issue: &&Issue<'w>| !taken.contains(&(issue.app_id, issue.token.digest));
            let rows: Vec<_> =
                issues.iter().filter(is_free).map(|issue| (issue.app_id, issue.token)).collect();
            let mut ids = self.insert_rows(&rows).await?.into_iter();
            for issue in issues {
                let id = if is_free(&issue) { ids.next().flatten() } else { None };
                if let Some(id) = id {
                    let kind = ChangeKind::TokenIssued;
                    self.log_token(kind, (issue.app_id, id, issue.token.digest), issue.at, issue.by, None);
                }
                answers.push(id.map_or(Inserted::Duplicate, Inserted::Issued));
            }
        }
        Ok(answers)
    }

    /// Which of the digests are taken as ones that tokens have beside their own. Of secrets that were minted none is: they
    /// are never the same.
    async fn taken_beside(&mut self, issues: &[Issue<'w>]) -> Result<HashSet<(AppId, Digest)>, StoreError> {
        let foreign = issues.iter().filter(|issue| issue.token.is_foreign);
        let foreign: Vec<Digest> = foreign.map(|issue| issue.token.digest).collect();
        if foreign.is_empty() {
            return Ok(HashSet::new());
        }
        let rows = self.session.rows(tokens::further_digests(&foreign)).await?;
        let taken = rows.iter().map(|row| {
            let app_id = decode::number(row, TokenDigests::AppId, AppId::new)?;
            Ok((app_id, decode::digest(row, TokenDigests::Digest)?))
        });
        taken.collect()
    }

    /// Inserts rows and says which number each was given; `None`: it was there already.
    async fn insert_rows(&mut self, rows: &[(AppId, &NewToken)]) -> Result<Vec<Option<TokenId>>, StoreError> {
        if !S::NUMBERS_IN_ORDER || rows.len() <= 1 {
            let answer = self.session.rows(tokens::insert_tokens(rows)).await?;
            if let [row] = answer.as_slice() {
                let id: i64 = row.read(Tokens::Id)?;
                self.count_inserted(id - 1).await?;
            }
            return numbers_of(rows, answer);
        }
        // An answer of many rows takes SQLite's thread nearly as long as the insertion: it wakes us up for each.
        let before = self.tokens_given_out().await?;
        let inserted = self.session.run(tokens::insert_tokens_silently(rows)).await?;
        self.count_inserted(before).await?;
        if inserted == rows.len() as u64 {
            return Ok((before + 1..).map(TokenId::new).take(rows.len()).collect());
        }
        numbers_of(rows, self.session.rows(tokens::tokens_above(before)).await?)
    }

    /// Adds the tokens with numbers above this one to the totals, unless the database did.
    async fn count_inserted(&mut self, above: i64) -> Result<(), StoreError> {
        if !S::COUNTS_INSERTED {
            self.session.run(totals::count_inserted(above)).await?;
        }
        Ok(())
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

/// Which number each of the rows was given, as an insertion has answered.
fn numbers_of(
    rows: &[(AppId, &NewToken)],
    answer: Vec<impl Record>,
) -> Result<Vec<Option<TokenId>>, StoreError> {
    let mut ids = HashMap::with_capacity(answer.len());
    for row in answer {
        let app_id = decode::number(&row, Tokens::AppId, AppId::new)?;
        let digest = decode::digest(&row, Tokens::Digest)?;
        ids.insert((app_id, digest), decode::number(&row, Tokens::Id, TokenId::new)?);
    }
    // The first of several with the same digest is the one whose row went in: it takes the number.
    Ok(rows.iter().map(|(app_id, token)| ids.remove(&(*app_id, token.digest))).collect())
}
