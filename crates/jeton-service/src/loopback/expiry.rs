//! The lifetime of a row.

use super::input::RowInput;
use crate::apps::OpenApp;
use crate::settings::AppSettings;
use jeton_core::{Lifetime, LifetimePolicy, Timestamp, TokenKind, earlier_end};
use jeton_loopback::Value;

/// A thousand years: a longer lifetime counts as unlimited.
const NEVER_MILLIS: i64 = 1_000 * 365 * 24 * 60 * 60 * 1_000;

/// When a row was created, its lifetime, and its expiry.
pub(super) struct Expiry {
    /// As given; `None`: null.
    created: Option<Timestamp>,
    pub(super) created_at: Timestamp,
    /// As given.
    ttl: Value,
    /// The expiry that was asked for.
    asked: Option<Timestamp>,
    /// The expiry that the app and the writer allow.
    allowed: Option<Timestamp>,
    /// The latest expiry of a self-made row.
    self_made_end: Option<Timestamp>,
}

impl Expiry {
    /// The expiry that the input asks for, as far as the app allows it.
    pub(super) fn of(input: &RowInput, app: &OpenApp, kind: TokenKind, now: Timestamp) -> Self {
        let ttl =
            input.ttl.clone().unwrap_or(Value::Number(f64::from(app.settings.common.default_ttl_seconds)));
        let created = input.created.unwrap_or(Some(now));
        Expiry::new(&app.settings, kind, (created, created.unwrap_or(now)), ttl, now)
    }

    /// The same for a row with this creation date (or null instead of it) and this `ttl`.
    pub(super) fn new(
        settings: &AppSettings,
        kind: TokenKind,
        (created, created_at): (Option<Timestamp>, Timestamp),
        ttl: Value,
        now: Timestamp,
    ) -> Self {
        let lifetime = if created.is_none() { Lifetime::Millis(0) } else { lifetime(&ttl, settings) };
        let within =
            |max_ttl_seconds| LifetimePolicy { max_ttl_seconds }.expires_at(created_at, now, lifetime);
        let self_made_end = match kind {
            TokenKind::SelfMade => {
                settings.common.lifetime_policy().expires_at(now, now, settings.common.default_lifetime())
            }
            _ => None,
        };
        let (asked, allowed) = (within(None), within(settings.common.max_ttl_seconds));
        Expiry { created, created_at, ttl, asked, allowed, self_made_end }
    }

    /// Bounds the expiry.
    pub(super) fn end_by(&mut self, latest: Option<Timestamp>) {
        self.allowed = earlier_end(self.allowed, latest);
    }

    /// When it expires.
    pub(super) fn expires_at(&self) -> Option<Timestamp> {
        earlier_end(self.allowed, self.self_made_end)
    }

    /// Whether `created` was given as null.
    pub(super) fn created_is_null(&self) -> bool {
        self.created.is_none()
    }

    /// The lifetime as given; `None`: the actual lifetime is shorter.
    ///
    /// A lifetime that is shorter by at most a hundredth of the rest counts as the same: rows with the
    /// default lifetime that are created by a token with the default lifetime expire with that token, and
    /// would otherwise each show a different odd number of seconds. A self-made row with an unlimited
    /// lifetime shows that, as in LoopBack, although it is bounded.
    pub(super) fn ttl_that_holds(&self, now: Timestamp) -> Option<&Value> {
        let has_end = self.asked.is_some_and(|asked| asked.millis_since(now) < NEVER_MILLIS);
        let end = if has_end { self.expires_at() } else { self.allowed };
        let holds = match (end, self.asked) {
            (Some(end), Some(asked)) => {
                end == asked || asked.millis_since(end).saturating_mul(100) <= asked.millis_since(now)
            }
            (end, asked) => end == asked,
        };
        holds.then_some(&self.ttl)
    }
}

/// Anything but a positive number has expired; -1 is unlimited where the app allows that.
fn lifetime(ttl: &Value, settings: &AppSettings) -> Lifetime {
    match ttl {
        Value::Number(ttl) if *ttl == -1.0 && settings.loopback.allow_eternal_tokens => Lifetime::Unlimited,
        // Saturates beyond an i64, and so does the expiry.
        Value::Number(ttl) if *ttl > 0.0 && ttl.is_finite() => Lifetime::Millis((ttl * 1000.0) as i64),
        _ => Lifetime::Millis(0),
    }
}
