//! What operators look at: who did what, and how much there is.

use crate::{Error, Service};
use jeton_core::{AppId, AppKey, Cause, ChangeKind, Timestamp, TokenId};
use jeton_store::{AppCounts, AppUses, AuditFilter, BoundedCounts, Spans, WorthALook};
use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;

/// Apps whose tokens are counted by one statement.
const PAGE_APPS: u32 = 256;

const DAY_MILLIS: i64 = 86_400_000;

/// Which entries of the change log. What several parts say is true of each of them.
#[derive(Clone, Debug, Default)]
pub struct AuditRequest {
    /// Only those of the app of this key, also one that was deleted.
    pub app: Option<AppKey>,
    /// Only those of this token.
    pub token: Option<TokenId>,
    /// Only those of this actor, or of all whose text begins with this and a colon.
    pub actor: Option<String>,
    /// Only those from this address.
    pub address: Option<IpAddr>,
    /// Only those of this kind.
    pub what: Option<ChangeKind>,
    /// Only those of this instant or later.
    pub since: Option<Timestamp>,
    /// Whether to look through the latest entries only, for one answer.
    pub is_brief: bool,
}

/// Most characters of an actor: that of a user has the most.
const MAX_ACTOR_CHARS: usize = 300;

impl AuditRequest {
    /// Whether a text may be that of an actor, or the first part of one.
    pub fn is_actor(text: &str) -> bool {
        text.chars().count() <= MAX_ACTOR_CHARS && !text.contains('\0')
    }
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Its number.
    pub sequence: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: ChangeKind,
    /// In which app.
    pub app: Option<AppKey>,
    /// To which token or operator.
    pub subject_id: Option<i64>,
    /// Who did it, and from where.
    pub by: Cause,
}

/// How much an app has.
#[derive(Clone, Debug)]
pub struct AppStats {
    /// How many tokens.
    pub counts: AppCounts,
    /// How often they were used, if any ever was.
    pub uses: Option<AppUses>,
}

/// How much an app has, as far as that can be said at once.
#[derive(Clone, Copy, Debug)]
pub struct AppGlance {
    /// How many tokens.
    pub counts: BoundedCounts,
    /// How often they were used, if any ever was.
    pub uses: Option<AppUses>,
}

impl Service {
    /// At most `limit` entries of the change log, the newest first, below the number `before`, and where to go on: fewer entries
    /// do not mean that there are no more.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn audit(
        &self,
        request: AuditRequest,
        before: Option<i64>,
        limit: u32,
    ) -> Result<(Vec<AuditEntry>, Option<i64>), Error> {
        let AuditRequest { app, token, actor, address, what, since, is_brief } = request;
        let app_ids = match &app {
            None => None,
            Some(key) => {
                let names = self.store.app_names(&[], Some(key)).await?;
                Some(names.into_iter().map(|(id, _)| id).collect())
            }
        };
        let filter = AuditFilter { app_ids, token_id: token, actor, address, kind: what, since, is_brief };
        let page = self.store.audit(&filter, before, limit).await?;
        let ids: BTreeSet<_> = page.changes.iter().filter_map(|change| change.app_id).collect();
        let ids: Vec<_> = ids.into_iter().collect();
        let names: HashMap<_, _> = self.store.app_names(&ids, None).await?.into_iter().collect();
        let entries = page.changes.into_iter().map(|change| AuditEntry {
            sequence: change.sequence,
            at: change.at,
            what: change.kind,
            app: change.app_id.and_then(|id| names.get(&id).cloned()),
            subject_id: change.subject_id,
            by: change.by,
        });
        Ok((entries.collect(), page.next))
    }

    /// How much an app has, which takes no longer however much that is; nothing if there is none of this number. What was noted
    /// of uses and is not written yet counts, too.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn glance(&self, app: AppId) -> Result<AppGlance, Error> {
        self.try_write_usage().await;
        let counts = self.store.bounded_counts(app, self.now()).await?;
        let uses = self.store.uses_of_apps(Some(app)).await?;
        Ok(AppGlance { counts, uses: uses.into_iter().next() })
    }

    /// How many tokens of an app are worth a look, which takes no longer however many there are: those that expire within so
    /// many days, those that were not used for so many, and those that never expire.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn worth_a_look(
        &self,
        app: AppId,
        soon_days: u32,
        unused_days: u32,
    ) -> Result<WorthALook, Error> {
        self.try_write_usage().await;
        let now = self.now();
        let after = |days: i64| now.saturating_add_millis(days * DAY_MILLIS);
        let (ends_by, unused_since) = (after(soon_days.into()), after(-i64::from(unused_days)));
        Ok(self.store.worth_a_look(app, Spans { now, ends_by, unused_since }).await?)
    }

    /// How much each app has, in the order of their making. What was noted of uses and is not written yet counts, too.
    ///
    /// # Errors
    /// It could not be found out.
    pub async fn stats(&self) -> Result<Vec<AppStats>, Error> {
        self.try_write_usage().await;
        let uses = self.store.uses_of_apps(None).await?;
        let uses: HashMap<_, _> = uses.into_iter().map(|uses| (uses.app_id, uses)).collect();
        let (now, mut stats) = (self.now(), Vec::<AppStats>::new());
        loop {
            let after = stats.last().map(|stats| stats.counts.id);
            let page = self.store.counts_of_apps(after, PAGE_APPS, now).await?;
            let is_last = page.len() < PAGE_APPS as usize;
            let with_uses = |counts: AppCounts| AppStats { uses: uses.get(&counts.id).copied(), counts };
            stats.extend(page.into_iter().map(with_uses));
            if is_last {
                return Ok(stats);
            }
        }
    }
}
