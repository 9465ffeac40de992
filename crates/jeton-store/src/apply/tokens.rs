//! Writes of tokens.

use super::{Facts, Perform, Work};
use crate::change::Removal;
use crate::continuity::Entry;
use crate::decode;
use crate::error::StoreError;
use crate::model::{Inserted, NewToken, Replaced, SelfMadeLimit};
use crate::record::Record;
use crate::schema::{Changes, GivenOut, TokenDigests, Tokens};
use crate::session::Session;
use crate::statements::insertion::{MOST_KEPT_ON_SQLITE, Row};
use crate::statements::log::NewChange;
use crate::statements::tokens::{self, MAX_INSERTED, new_row};
use crate::statements::{Statement, apps, keys};
use crate::write::{
    DeleteToken, InsertTokens, ReplaceToken, RevokeToken, RevokeTokens, Touched, Write, WriteLine,
};
use jeton_core::{AppId, Cause, ChangeKind, Digest, Timestamp, TokenId, TokenKind};
use std::collections::{HashMap, HashSet};

/// A token to insert, with the data for its entry in the change log.
pub(super) struct Arrival<'w> {
    pub(super) app_id: AppId,
    pub(super) token: &'w NewToken,
    /// Its row, from [`new_row`].
    pub(super) row: Row,
    pub(super) self_made: SelfMadeLimit,
    pub(super) per_user: Option<u32>,
    pub(super) at: Timestamp,
    pub(super) by: &'w Cause,
}

impl Arrival<'_> {
    /// Identifies it until it has its number.
    fn which(&self) -> (AppId, Digest) {
        (self.app_id, self.token.digest)
    }

    /// Whether there may be no room for it.
    fn is_bounded(&self) -> bool {
        self.token.spec.kind == TokenKind::SelfMade || self.counted_user().is_some()
    }
}

/// The rows of the tokens that a write inserts, prepared before the transaction begins.
pub(crate) fn rows(write: &Write) -> Vec<Row> {
    match write {
        Write::InsertTokens(insert) => {
            insert.tokens.iter().map(|token| new_row(insert.app_id, token)).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether an app has a data key.
pub(super) type DataKeys<'w> = HashMap<(AppId, &'w [u8]), bool>;

impl Facts for InsertTokens {
    fn touches(&self) -> Touched<'_> {
        // Expired ones may make room for them.
        let dead = self.tokens.iter().any(|token| token.spec.kind == TokenKind::SelfMade);
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
        let dead = self.token.spec.kind == TokenKind::SelfMade;
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
        if token.spec.kind == TokenKind::SelfMade {
            match work.may_replace_by_self_made(self).await? {
                Replaced::Done => {}
                refused => return Ok(refused),
            }
        }
        if !work.may_give_to_user(self).await? {
            return Ok(Replaced::TooManyOfUser);
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
        // An update returns the row as changed, which no longer has the sealed secret.
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

impl Facts for RevokeTokens {
    fn touches(&self) -> Touched<'_> {
        Touched { tokens: &self.ids, ..Touched::default() }
    }

    fn line(&self) -> WriteLine {
        WriteLine::Changes(self.app_id)
    }

    fn weight(&self) -> usize {
        self.ids.len()
    }

    fn takes_away(&self) -> bool {
        true
    }
}

impl Perform for RevokeTokens {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<u64, StoreError> {
        let RevokeTokens { app_id, ids, at, by } = self;
        if ids.is_empty() {
            return Ok(0);
        }
        let before = work.session.rows(tokens::tokens_to_revoke(*app_id, ids)).await?;
        let mut removals = HashMap::with_capacity(before.len());
        for row in &before {
            removals.insert(decode::number(row, Tokens::Id, TokenId::new)?, decode::removal(row, *at)?);
        }
        let revoked = work.session.rows(tokens::revoke_tokens(*app_id, ids, *at)).await?;
        for row in &revoked {
            let id = decode::number(row, Tokens::Id, TokenId::new)?;
            let which = (*app_id, id, decode::digest(row, Tokens::Digest)?);
            work.log_token(ChangeKind::TokenRevoked, which, *at, by, removals.remove(&id));
        }
        Ok(revoked.len() as u64)
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
    /// Inserts the tokens of all writes that insert some, whose [`rows`] these are, and returns the outcome
    /// for each.
    pub(super) async fn insert_tokens_of(
        &mut self,
        writes: &[&'w Write],
        rows: Vec<Row>,
    ) -> Result<Vec<Inserted>, StoreError> {
        if let ([Write::InsertTokens(insert)], false) = (writes, S::WRITES_ALONE) {
            return self.insert_tokens_of_one(insert, rows).await;
        }
        let (mut arrivals, mut answered) = (Vec::with_capacity(rows.len()), Vec::new());
        let (mut keys, mut rows) = (DataKeys::default(), rows.into_iter());
        for write in writes {
            let Write::InsertTokens(insert) = write else { continue };
            let is_sealed_well = match &insert.sealed_under {
                None => true,
                Some(key) => self.has_data_key(&mut keys, insert.app_id, key).await?,
            };
            answered.push((insert.tokens.len(), is_sealed_well));
            let its = arrivals_of(insert, rows.by_ref());
            arrivals.extend(its.filter(|_| is_sealed_well));
        }
        let mut inserted = self.insert_tokens(arrivals).await?.into_iter();
        let mut answers = Vec::new();
        for (tokens, is_sealed_well) in answered {
            match is_sealed_well {
                true => answers.extend(inserted.by_ref().take(tokens)),
                false => answers.extend(std::iter::repeat_n(Inserted::KeyGone, tokens)),
            }
        }
        Ok(answers)
    }

    /// The same for the one write of a transaction with concurrent writers. The data key is compared last,
    /// and if it is another, everything is rolled back: a concurrent restore is then done, or waits.
    async fn insert_tokens_of_one(
        &mut self,
        insert: &'w InsertTokens,
        rows: Vec<Row>,
    ) -> Result<Vec<Inserted>, StoreError> {
        let InsertTokens { app_id, at, by, .. } = insert;
        let key = insert.sealed_under.as_deref();
        let arrivals: Vec<Arrival<'w>> = arrivals_of(insert, &mut rows.into_iter()).collect();
        let is_bounded = arrivals.iter().any(Arrival::is_bounded);
        if is_bounded || !Self::are_new(&arrivals) {
            let inserted = self.insert_tokens(arrivals).await?;
            if let Some(key) = key {
                self.is_as_foreseen = self.has_data_key(&mut DataKeys::default(), *app_id, key).await?;
            }
            return Ok(inserted);
        }
        let which: Vec<_> = arrivals.iter().map(Arrival::which).collect();
        let rows = arrivals.into_iter().map(|arrival| arrival.row).collect();
        let insertion = tokens::insert_tokens_of_app(rows, (*at, by), *app_id, key);
        let answer = self.session.rows(insertion).await?;
        if let Some(row) = answer.first() {
            self.is_as_foreseen = decode::count(row)? == 0;
            self.newest = Some(Entry { sequence: row.read(Changes::Sequence)?, at: at.as_millis() });
        }
        let ids = numbers_of(which, answer)?;
        Ok(ids.into_iter().map(|id| id.map_or(Inserted::Duplicate, Inserted::Issued)).collect())
    }

    /// Whether an app has this data key. It cannot change before this transaction ends.
    pub(super) async fn has_data_key(
        &mut self,
        known: &mut DataKeys<'w>,
        app_id: AppId,
        key: &'w [u8],
    ) -> Result<bool, StoreError> {
        if let Some(has_it) = known.get(&(app_id, key)) {
            return Ok(*has_it);
        }
        let row = self.session.row(apps::with_another_data_key(app_id, key, S::NUMBERS_IN_ORDER)).await?;
        let has_it = row.as_ref().map(decode::count).transpose()? == Some(0);
        if let Some(row) = row.filter(|_| S::NUMBERS_IN_ORDER) {
            self.given_out = Some(row.read(GivenOut)?);
        }
        known.insert((app_id, key), has_it);
        Ok(has_it)
    }

    pub(super) async fn insert_tokens(
        &mut self,
        mut arrivals: Vec<Arrival<'w>>,
    ) -> Result<Vec<Inserted>, StoreError> {
        if arrivals.iter().any(Arrival::is_bounded) {
            self.insert_bounded(arrivals).await
        } else if S::NUMBERS_IN_ORDER && self.foresees && Self::are_new(&arrivals) {
            self.insert_foreseen(arrivals).await
        } else {
            self.insert_all(&mut arrivals).await
        }
    }

    /// Whether all of them are certain to be inserted, unless two secrets collide.
    fn are_new(arrivals: &[Arrival<'w>]) -> bool {
        let is_new =
            |arrival: &Arrival<'w>| !arrival.token.is_foreign && arrival.token.older_digests.is_empty();
        (1..=MAX_INSERTED).contains(&arrivals.len()) && arrivals.iter().all(is_new)
    }

    /// Inserts tokens, all of which should be new, with their entries in the change log: on SQLite, waiting
    /// for a statement takes as long as several rows.
    async fn insert_foreseen(&mut self, arrivals: Vec<Arrival<'w>>) -> Result<Vec<Inserted>, StoreError> {
        let first = self.last_given_out().await? + 1;
        let ids: Vec<TokenId> = (first..).map_while(TokenId::new).take(arrivals.len()).collect();
        let mut arrivals = arrivals.into_iter();
        // As many as there are prepared statements for: others take as long to prepare as to run, and give way to nobody meanwhile.
        for ids in ids.chunks(MOST_KEPT_ON_SQLITE) {
            let (mut rows, mut entries) = (Vec::with_capacity(ids.len()), Vec::with_capacity(ids.len()));
            for (arrival, id) in arrivals.by_ref().take(ids.len()).zip(ids) {
                let which = (arrival.app_id, *id, arrival.token.digest);
                entries.push(entry(ChangeKind::TokenIssued, which, arrival.at, arrival.by, None));
                rows.push(arrival.row);
            }
            let before = ids.first().map_or(0, |id| id.get() - 1);
            let insertion = tokens::insert_tokens_with_entries(rows, before, &entries);
            let (inserted, sequence) = self.session.run_all(insertion).await?;
            self.newest = entries.last().map(|entry| Entry { sequence, at: entry.at.as_millis() });
            if inserted != ids.len() as u64 {
                self.is_as_foreseen = false;
                break;
            }
        }
        Ok(ids.into_iter().map(Inserted::Issued).collect())
    }

    /// The number of the last token.
    async fn last_given_out(&mut self) -> Result<i64, StoreError> {
        match self.given_out.take() {
            Some(number) => Ok(number),
            None => self.tokens_given_out().await,
        }
    }

    /// Inserts tokens, taking their rows.
    pub(super) async fn insert_all(
        &mut self,
        arrivals: &mut [Arrival<'w>],
    ) -> Result<Vec<Inserted>, StoreError> {
        let mut answers = Vec::with_capacity(arrivals.len());
        let most = if S::NUMBERS_IN_ORDER { MOST_KEPT_ON_SQLITE } else { MAX_INSERTED };
        for arrivals in arrivals.chunks_mut(most) {
            let taken = self.taken_beside(arrivals).await?;
            let is_free = |arrival: &Arrival<'w>| !taken.contains(&(arrival.app_id, arrival.token.digest));
            let mut free: Vec<_> = arrivals.iter_mut().filter(|arrival| is_free(arrival)).collect();
            let mut ids = self.insert_rows(&mut free).await?.into_iter();
            for arrival in arrivals {
                let id = if is_free(arrival) { ids.next().flatten() } else { None };
                if let Some(id) = id {
                    let which = (arrival.app_id, id, arrival.token.digest);
                    self.log_token(ChangeKind::TokenIssued, which, arrival.at, arrival.by, None);
                }
                answers.push(id.map_or(Inserted::Duplicate, Inserted::Issued));
            }
        }
        Ok(answers)
    }

    /// Which of the digests exist as further digests of tokens, or name a secret that a token has by a digest of an older key.
    /// Those of minted secrets need no check: they are unique.
    async fn taken_beside(
        &mut self,
        arrivals: &[Arrival<'w>],
    ) -> Result<HashSet<(AppId, Digest)>, StoreError> {
        let foreign = arrivals.iter().filter(|arrival| arrival.token.is_foreign);
        let foreign: Vec<Digest> = foreign.map(|arrival| arrival.token.digest).collect();
        let mut taken = HashSet::new();
        if !foreign.is_empty() {
            taken = self.with_digests(tokens::further_digests(&foreign)).await?;
        }
        let older = arrivals.iter().flat_map(|arrival| &arrival.token.older_digests);
        let older: Vec<Digest> = older.copied().collect();
        for older in older.chunks(MAX_INSERTED) {
            let found = self.with_digests(keys::with_digests(older)).await?;
            let has_older = |arrival: &&Arrival<'w>| {
                let mut older = arrival.token.older_digests.iter();
                older.any(|digest| found.contains(&(arrival.app_id, *digest)))
            };
            taken.extend(arrivals.iter().filter(has_older).map(Arrival::which));
        }
        Ok(taken)
    }

    /// The digests that a statement answers, with their apps.
    async fn with_digests(&mut self, statement: Statement) -> Result<HashSet<(AppId, Digest)>, StoreError> {
        let rows = self.session.rows(statement).await?;
        let digests = rows.iter().map(|row| {
            let app_id = decode::number(row, TokenDigests::AppId, AppId::new)?;
            Ok((app_id, decode::digest(row, TokenDigests::Digest)?))
        });
        digests.collect()
    }

    /// Takes their rows, inserts them and returns the number of each; `None`: it existed already.
    async fn insert_rows(
        &mut self,
        arrivals: &mut [&mut Arrival<'w>],
    ) -> Result<Vec<Option<TokenId>>, StoreError> {
        if arrivals.is_empty() {
            return Ok(Vec::new());
        }
        let rows: Vec<Row> = arrivals.iter_mut().map(|arrival| std::mem::take(&mut arrival.row)).collect();
        if !S::NUMBERS_IN_ORDER {
            let answer = self.session.rows(tokens::insert_tokens(rows, None)).await?;
            return numbers_of(arrivals.iter().map(|arrival| arrival.which()), answer);
        }
        // An answer of many rows takes SQLite's thread nearly as long as the insertion: it wakes this task
        // for each.
        let before = self.last_given_out().await?;
        let (inserted, _) = self.session.run_all(tokens::insert_tokens(rows, Some(before))).await?;
        if inserted == arrivals.len() as u64 {
            return Ok((before + 1..).map(TokenId::new).take(arrivals.len()).collect());
        }
        let answer = self.session.rows(tokens::tokens_above(before)).await?;
        numbers_of(arrivals.iter().map(|arrival| arrival.which()), answer)
    }

    pub(super) fn log_token(
        &mut self,
        kind: ChangeKind,
        which: (AppId, TokenId, Digest),
        at: Timestamp,
        by: &'w Cause,
        removal: Option<Removal>,
    ) {
        self.log.push(entry(kind, which, at, by, removal));
    }
}

fn entry(
    kind: ChangeKind,
    (app_id, id, digest): (AppId, TokenId, Digest),
    at: Timestamp,
    by: &Cause,
    removal: Option<Removal>,
) -> NewChange<'_> {
    let (app_id, subject_id, digest) = (Some(app_id), Some(id.get()), Some(digest));
    NewChange { at, kind, app_id, subject_id, digest, by, removal }
}

/// The tokens of a write, with the next of these rows.
fn arrivals_of<'w>(
    insert: &'w InsertTokens,
    rows: &mut impl Iterator<Item = Row>,
) -> impl Iterator<Item = Arrival<'w>> {
    let InsertTokens { app_id, tokens, self_made, per_user, at, by, .. } = insert;
    let (app_id, self_made, per_user, at) = (*app_id, *self_made, *per_user, *at);
    let its = tokens.iter().zip(rows.by_ref());
    its.map(move |(token, row)| Arrival { app_id, token, row, self_made, per_user, at, by })
}

/// The number of each of these, as the insertion returned them.
fn numbers_of(
    which: impl IntoIterator<Item = (AppId, Digest)>,
    answer: Vec<impl Record>,
) -> Result<Vec<Option<TokenId>>, StoreError> {
    let mut ids = HashMap::with_capacity(answer.len());
    for row in answer {
        let app_id = decode::number(&row, Tokens::AppId, AppId::new)?;
        let digest = decode::digest(&row, Tokens::Digest)?;
        ids.insert((app_id, digest), decode::number(&row, Tokens::Id, TokenId::new)?);
    }
    // The first of several with the same digest is the one whose row was inserted: it gets the number.
    Ok(which.into_iter().map(|which| ids.remove(&which)).collect())
}
