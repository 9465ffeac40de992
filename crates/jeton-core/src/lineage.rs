//! Delegation: a token makes others, which depend on it and may make others in turn.

use crate::ancestor::Ancestor;
use crate::authority::{AuthorityRefusal, Holding};
use crate::bounds::Bounds;
use crate::ids::TokenId;
use crate::lifetime::earlier_end;
use crate::scope::{Permission, Scopes};
use crate::time::Timestamp;
use crate::token::Token;
use crate::use_limits::UseLimits;
use std::iter;

/// The most tokens above one, whatever an app allows: each decision about it is one about all of them.
pub const MAX_DELEGATION_DEPTH: usize = 8;

/// The tokens above a token: the first one, that which it made, and so on to its parent, which made it. Empty:
/// no token made it. It is fixed when the token is made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lineage(Vec<TokenId>);

impl Lineage {
    /// That of a token that no other made.
    pub const NONE: Lineage = Lineage(Vec::new());

    /// These tokens; `None`: they are more than [`MAX_DELEGATION_DEPTH`].
    pub fn new(ids: Vec<TokenId>) -> Option<Self> {
        (ids.len() <= MAX_DELEGATION_DEPTH).then_some(Lineage(ids))
    }

    /// The tokens, the first one first.
    pub fn ids(&self) -> &[TokenId] {
        &self.0
    }

    /// The token that made it.
    pub fn parent(&self) -> Option<TokenId> {
        self.0.last().copied()
    }
}

impl Token {
    /// The token as the ancestor of those that it makes.
    pub fn as_ancestor(&self) -> Ancestor {
        Ancestor {
            id: self.id,
            revoked: self.revoked_at.is_some(),
            disabled: self.disabled_by.is_some(),
            expires_at: self.expires_at,
            scopes: self.spec.scopes.clone(),
            bounds: self.spec.bounds.clone(),
            limits: self.spec.limits.clone(),
        }
    }

    /// The lineage of a token that this one makes; `None`: there are as many above it as there may be.
    pub fn lineage_below(&self, most: usize) -> Option<Lineage> {
        let ids: Vec<TokenId> = self.spec.lineage.ids().iter().copied().chain([self.id]).collect();
        Lineage::new(ids).filter(|lineage| lineage.ids().len() <= most)
    }

    /// When it expires, or one of those above it does; `None`: none of them ever does.
    pub fn ends_at(&self) -> Option<Timestamp> {
        self.ancestors.iter().fold(self.expires_at, |end, above| earlier_end(end, above.expires_at))
    }

    /// What it allows that all above it allow, too. Leaves out what no scope can express (see
    /// [`Scopes::intersection`]): it is for showing, and [`decide`](crate::decide()) decides.
    pub fn effective_scopes(&self) -> Scopes {
        let own = self.spec.scopes.clone();
        self.ancestors.iter().fold(own, |scopes, above| scopes.intersection(&above.scopes))
    }

    /// The token as those above it let it be: with its effective scopes and the earliest end.
    #[must_use]
    pub fn in_effect(mut self) -> Self {
        if !self.ancestors.is_empty() {
            self.expires_at = self.ends_at();
            self.spec.scopes = self.effective_scopes();
        }
        self
    }

    /// Whether it may make a token with these scopes, these bounds, these limits and this expiry: none that reaches further
    /// than it does itself, with all above it. A use of what it makes is a use of it and of all above it, whatever limits that
    /// has by itself.
    ///
    /// # Errors
    ///
    /// The first rule that it would break.
    pub fn may_delegate(
        &self,
        scopes: &Scopes,
        bounds: &Bounds,
        limits: &UseLimits,
        expires_at: Option<Timestamp>,
    ) -> Result<(), AuthorityRefusal> {
        for above in iter::once(self.as_ancestor()).chain(self.ancestors.iter().cloned()) {
            let Ancestor { scopes: held, expires_at: ends_at, bounds: its, .. } = above;
            let holding = Holding { scopes: held, expires_at: ends_at, bounds: its };
            if !holding.covers_scopes(scopes) {
                return Err(AuthorityRefusal::NotHeld);
            }
            if !bounds.lie_within(&holding.bounds) {
                return Err(AuthorityRefusal::Elsewhere);
            }
            if earlier_end(expires_at, holding.expires_at) != expires_at {
                return Err(AuthorityRefusal::Outlives);
            }
            if limits.exceed(&above.limits) {
                return Err(AuthorityRefusal::MoreOften);
            }
        }
        Ok(())
    }
}

impl Permission {
    /// The permission to make tokens by [delegation](Lineage).
    pub fn delegate() -> Self {
        "delegate".parse().unwrap_or_else(|_| unreachable!("it is a name"))
    }
}

#[cfg(test)]
#[path = "lineage_tests.rs"]
mod tests;
