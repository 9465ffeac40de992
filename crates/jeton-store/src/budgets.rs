//! What is left of the limits of tokens, and how servers take portions of it.

use jeton_core::{AppId, Budget, Held, Timestamp, TokenId, UseLimits, UseRates};

/// What is left of the limits of a token, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBudget {
    /// The app of the token.
    pub app_id: AppId,
    /// The token.
    pub token_id: TokenId,
    /// Since which revision the token has the allowance of which so many uses are left.
    pub uses_since: Option<i64>,
    /// The rates whose levels these are.
    pub rates: UseRates,
    /// What is left.
    pub left: Budget,
}

impl TokenBudget {
    /// What is left of these limits. An allowance or rates that it does not know are whole.
    pub fn of(self, limits: &UseLimits, now: Timestamp) -> Budget {
        let whole = Budget::full(limits, now);
        let has_rates = self.rates == limits.rates && self.left.levels.len() == whole.levels.len();
        let is_same = self.uses_since == limits.allowance.map(|allowance| allowance.since);
        Budget {
            uses_left: self
                .left
                .uses_left
                .filter(|_| is_same)
                .or(whole.uses_left)
                .filter(|_| limits.allowance.is_some()),
            levels: if has_rates { self.left.levels } else { whole.levels },
            filled_at: if has_rates { self.left.filled_at } else { whole.filled_at },
        }
    }
}

/// Takes a portion of what is left of a token's limits, if it is not revoked and these are its limits. Leaves no entry in the change
/// log, and changes no revision.
#[derive(Clone, Debug)]
pub struct TakePortion {
    /// The app.
    pub app_id: AppId,
    /// The token.
    pub id: TokenId,
    /// Its limits, as they were read.
    pub limits: UseLimits,
    /// What was not used of the portion before: it is given back first.
    pub unused: Held,
    /// How many uses are wanted.
    pub wanted: u64,
    /// When.
    pub at: Timestamp,
}

/// Gives back what was taken of tokens' limits and not used. Of tokens that have other limits by now nothing is taken back; an
/// allowance is given back also if only the rates are others.
#[derive(Clone, Debug)]
pub struct GiveBack {
    /// The app of the tokens.
    pub app_id: AppId,
    /// What is given back, of each token at most once.
    pub portions: Vec<Unused>,
    /// When.
    pub at: Timestamp,
}

/// A part of a portion that was not used.
#[derive(Clone, Debug)]
pub struct Unused {
    /// The token.
    pub id: TokenId,
    /// The limits that it was taken of.
    pub limits: UseLimits,
    /// How many uses, and for how long they were held.
    pub held: Held,
}
