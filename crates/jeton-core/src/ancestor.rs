//! What a token depends on of those above it.

use crate::bounds::Bounds;
use crate::decide::Standing;
use crate::ids::TokenId;
use crate::scope::Scopes;
use crate::time::Timestamp;
use crate::use_limits::UseLimits;

/// A token above another one, as far as that one depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Ancestor {
    /// Its number.
    pub id: TokenId,
    /// Whether it was revoked, or is gone.
    pub revoked: bool,
    /// Whether it is disabled.
    pub disabled: bool,
    /// When it expires; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// What it allows.
    pub scopes: Scopes,
    /// From when and from where it may be used.
    pub bounds: Bounds,
    /// How often it and what it made may be used.
    pub limits: UseLimits,
}

impl Ancestor {
    /// One of which nothing is left: what it made is as good as revoked.
    pub const fn gone(id: TokenId) -> Self {
        Ancestor {
            id,
            revoked: true,
            disabled: false,
            expires_at: None,
            scopes: Scopes::none(),
            bounds: Bounds::NONE,
            limits: UseLimits::NONE,
        }
    }

    /// How it stands by itself. Those above it are also above what it made.
    pub fn standing(&self) -> Standing<'_> {
        Standing {
            revoked: self.revoked,
            disabled: self.disabled,
            expires_at: self.expires_at,
            scopes: self.scopes.as_slice(),
            bounds: self.bounds.some(),
            ancestors: &[],
        }
    }

    /// Whether it was revoked or has expired.
    pub fn is_dead(&self, now: Timestamp) -> bool {
        self.revoked || self.expires_at.is_some_and(|expires_at| now >= expires_at)
    }
}
