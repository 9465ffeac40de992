//! How long a row lives.

use super::said::Said;
use crate::apps::OpenApp;
use jeton_core::{Lifetime, Settings, Timestamp, TokenKind, Value, earlier_end};

/// When a row was created, how long it lives, and when that ends.
pub(super) struct Life {
    pub(super) created_at: Timestamp,
    /// As it was said; `None`: for as long as it lives.
    pub(super) ttl: Option<Value>,
    pub(super) expires_at: Option<Timestamp>,
}

impl Life {
    /// The life that is asked for.
    pub(super) fn of(said: &Said, app: &OpenApp, kind: TokenKind, now: Timestamp) -> Self {
        let settings = &app.settings;
        let ttl = said.ttl.clone().unwrap_or(Value::Number(f64::from(settings.default_ttl_seconds)));
        let created_at = said.created.flatten().unwrap_or(now);
        let lifetime =
            if said.created == Some(None) { Lifetime::Millis(0) } else { lifetime(&ttl, settings) };
        Life { created_at, ttl: Some(ttl), expires_at: expiry(settings, kind, (created_at, now), lifetime) }
    }

    /// Lets it end no later than that. Where it would, it shows how long it lives, not how long was asked for, unless these
    /// are [about the same](is_nearly).
    pub(super) fn end_by(&mut self, latest: Option<Timestamp>, now: Timestamp) {
        let end = earlier_end(self.expires_at, latest);
        if end == self.expires_at {
            return;
        }
        if !is_nearly(now, end, self.expires_at) {
            self.ttl = None;
        }
        self.expires_at = end;
    }
}

/// Whether what is left of a life that was to end at `asked` is shorter by no more than a hundredth. Rows with the default life that are made
/// by a token with the default life end as soon as that does, and would otherwise each show another odd number of seconds.
pub(super) fn is_nearly(now: Timestamp, end: Option<Timestamp>, asked: Option<Timestamp>) -> bool {
    let (Some(end), Some(asked)) = (end, asked) else { return end == asked };
    asked.millis_since(end).saturating_mul(100) <= asked.millis_since(now)
}

/// What is no positive number has ended; -1 is without end where the app allows that.
pub(super) fn lifetime(ttl: &Value, settings: &Settings) -> Lifetime {
    match ttl {
        Value::Number(ttl) if *ttl == -1.0 && settings.loopback.allow_eternal_tokens => Lifetime::Unlimited,
        // Beyond an i64 it saturates, and so does the expiry.
        Value::Number(ttl) if *ttl > 0.0 && ttl.is_finite() => Lifetime::Millis((ttl * 1000.0) as i64),
        _ => Lifetime::Millis(0),
    }
}

pub(super) fn expiry(
    settings: &Settings,
    kind: TokenKind,
    (created_at, now): (Timestamp, Timestamp),
    lifetime: Lifetime,
) -> Option<Timestamp> {
    let policy = settings.lifetime_policy();
    let expires_at = policy.expires_at(created_at, now, lifetime);
    if kind != TokenKind::SelfMade {
        return expires_at;
    }
    earlier_end(expires_at, policy.expires_at(now, now, settings.default_lifetime()))
}
