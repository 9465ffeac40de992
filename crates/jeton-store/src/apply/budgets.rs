//! Writes of what is left of the limits of tokens. They leave no entry in the change log, since they change no rights.

use super::{Facts, Perform, Work};
use crate::budgets::{GiveBack, TakePortion, TokenBudget, Unused};
use crate::decode;
use crate::error::StoreError;
use crate::session::Session;
use crate::statements::budgets;
use crate::write::{Touched, WriteLine};
use jeton_core::{AppId, Budget, Portion, Timestamp, TokenId, UseLimits};

impl Facts for TakePortion {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn line(&self) -> WriteLine {
        WriteLine::Portions(self.app_id)
    }

    fn is_logged(&self) -> bool {
        false
    }
}

impl Perform for TakePortion {
    async fn perform<'w, S: Session>(
        &'w self,
        work: &mut Work<'_, 'w, S>,
    ) -> Result<Option<Portion>, StoreError> {
        let TakePortion { app_id, id, limits, unused, wanted, at } = self;
        if work.limits_of(*app_id, *id).await?.as_ref() != Some(limits) {
            return Ok(None);
        }
        let mut left = work.left_of((*app_id, *id), limits, *at).await?;
        if unused.uses > 0 {
            left.give_back(limits, limits, *unused, *at);
        }
        let portion = left.take(limits, *wanted, *at);
        if portion.uses > 0 || unused.uses > 0 {
            work.keep_budget((*app_id, *id), limits, left).await?;
        }
        Ok(Some(portion))
    }
}

impl Facts for GiveBack {
    fn touches(&self) -> Touched<'_> {
        Touched::default()
    }

    fn line(&self) -> WriteLine {
        WriteLine::Portions(self.app_id)
    }

    fn weight(&self) -> usize {
        self.portions.len()
    }

    fn is_logged(&self) -> bool {
        false
    }
}

impl Perform for GiveBack {
    async fn perform<'w, S: Session>(&'w self, work: &mut Work<'_, 'w, S>) -> Result<(), StoreError> {
        let GiveBack { app_id, portions, at } = self;
        for Unused { id, limits, held } in portions {
            let Some(now) = work.limits_of(*app_id, *id).await? else { continue };
            let taken = UseLimits {
                allowance: limits.allowance.filter(|allowance| now.allowance == Some(*allowance)),
                rates: if now.rates == limits.rates { now.rates.clone() } else { Default::default() },
            };
            if !taken.is_none() {
                let mut left = work.left_of((*app_id, *id), &now, *at).await?;
                left.give_back(&now, &taken, *held, *at);
                work.keep_budget((*app_id, *id), &now, left).await?;
            }
        }
        Ok(())
    }
}

impl<S: Session> Work<'_, '_, S> {
    /// The limits of a token, of which nobody else takes anything from now on; `None`: it is not there or revoked.
    async fn limits_of(&mut self, app_id: AppId, id: TokenId) -> Result<Option<UseLimits>, StoreError> {
        let row = self.session.row(budgets::limited_token(app_id, id)).await?;
        row.map(|row| decode::use_limits(&row)).transpose()
    }

    /// What is left of them. Asked only after them: before, somebody else might change it still.
    async fn left_of(
        &mut self,
        (app_id, id): (AppId, TokenId),
        limits: &UseLimits,
        at: Timestamp,
    ) -> Result<Budget, StoreError> {
        let row = self.session.row(budgets::budgets_of(app_id, &[id])).await?;
        let kept = row.map(|row| decode::token_budget(&row)).transpose()?;
        Ok(kept.map_or_else(|| Budget::full(limits, at), |kept| kept.of(limits, at)))
    }

    async fn keep_budget(
        &mut self,
        (app_id, token_id): (AppId, TokenId),
        limits: &UseLimits,
        left: Budget,
    ) -> Result<(), StoreError> {
        let uses_since = limits.allowance.map(|allowance| allowance.since);
        let kept = TokenBudget { app_id, token_id, uses_since, rates: limits.rates.clone(), left };
        self.session.run(budgets::keep_budget(&kept)).await.map(drop)
    }
}
