//! The lifetime of a token, and the instant at which it expires.

use crate::time::Timestamp;

/// The lifetime that the issuer or the editor of a token asks for.
///
/// ```
/// use jeton_core::{Lifetime, LifetimePolicy, Timestamp};
///
/// let now = Timestamp::from_millis(0).expect("it is in range");
/// let within_a_week = LifetimePolicy { max_ttl_seconds: Some(7 * 86_400) };
/// let millis = |lifetime| within_a_week.expires_at(now, now, lifetime).map(Timestamp::as_millis);
/// assert_eq!(millis(Lifetime::days(1)), Some(86_400_000));
/// assert_eq!(millis(Lifetime::Unlimited), Some(7 * 86_400_000));
/// assert_eq!(LifetimePolicy { max_ttl_seconds: None }.expires_at(now, now, Lifetime::Unlimited), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// For this many milliseconds. Zero or less: expired from the start.
    Millis(i64),
    /// Until it is revoked.
    Unlimited,
    /// Until this instant.
    Until(Timestamp),
}

impl Lifetime {
    /// A number of days of 86,400 seconds.
    pub const fn days(days: u32) -> Self {
        Lifetime::Millis(days as i64 * 86_400_000)
    }

    /// A number of seconds, saturating.
    pub const fn seconds(seconds: i64) -> Self {
        Lifetime::Millis(seconds.saturating_mul(1000))
    }
}

/// The earlier of two expiries; `None`: never.
pub fn earlier_end(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// The later of two expiries; `None`: never.
pub fn later_end(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    Some(one?.max(other?))
}

/// An app's bounds on lifetimes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LifetimePolicy {
    /// No token lives longer than this many seconds after the write; `None`: no bound.
    pub max_ttl_seconds: Option<u32>,
}

impl LifetimePolicy {
    /// The instant at which a token written at `now`, and created at `created_at`, expires; `None`: never.
    ///
    /// It is the earlier of `created_at` and `now`, plus the lifetime, and never later than `now` plus the app's
    /// longest lifetime. Values beyond [`Timestamp::MAX`] become [`Timestamp::MAX`]: a limited lifetime never becomes
    /// an unlimited one. The token is expired at that very instant.
    pub fn expires_at(self, created_at: Timestamp, now: Timestamp, lifetime: Lifetime) -> Option<Timestamp> {
        let latest = self.max_ttl_seconds.map(|seconds| now.saturating_add_millis(i64::from(seconds) * 1000));
        let wanted = match lifetime {
            Lifetime::Unlimited => None,
            Lifetime::Until(end) => Some(end),
            Lifetime::Millis(millis) => Some(created_at.min(now).saturating_add_millis(millis)),
        };
        earlier_end(wanted, latest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::{Circumstances, Demand, InactiveReason, Standing, Verdict, decide};
    use proptest::prelude::*;

    const FREE: LifetimePolicy = LifetimePolicy { max_ttl_seconds: None };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    #[test]
    fn it_counts_from_the_earlier_of_creation_and_write() {
        assert_eq!(FREE.expires_at(at(1000), at(5000), Lifetime::seconds(2)), Some(at(3000)));
        assert_eq!(FREE.expires_at(at(9000), at(5000), Lifetime::seconds(2)), Some(at(7000)));
        assert_eq!(FREE.expires_at(at(0), at(0), Lifetime::days(1)), Some(at(86_400_000)));
        assert_eq!(FREE.expires_at(at(0), at(0), Lifetime::Unlimited), None);
        assert_eq!(FREE.expires_at(at(9000), at(5000), Lifetime::Until(at(7000))), Some(at(7000)));
    }

    #[test]
    fn never_is_the_latest_end() {
        let (one, two) = (Some(at(1)), Some(at(2)));
        for (a, b, earlier, later) in [(one, two, one, two), (one, None, one, None), (None, None, None, None)]
        {
            assert_eq!((earlier_end(a, b), earlier_end(b, a)), (earlier, earlier));
            assert_eq!((later_end(a, b), later_end(b, a)), (later, later));
        }
    }

    #[test]
    fn the_longest_lifetime_bounds_all() {
        let bounded = LifetimePolicy { max_ttl_seconds: Some(10) };
        assert_eq!(bounded.expires_at(at(0), at(5000), Lifetime::Unlimited), Some(at(15_000)));
        assert_eq!(bounded.expires_at(at(0), at(5000), Lifetime::days(1)), Some(at(15_000)));
        assert_eq!(bounded.expires_at(at(0), at(5000), Lifetime::seconds(3)), Some(at(3000)));
        assert_eq!(bounded.expires_at(at(0), at(5000), Lifetime::Until(at(20_000))), Some(at(15_000)));
    }

    fn instants() -> impl Strategy<Value = Timestamp> {
        (Timestamp::MIN.as_millis()..=Timestamp::MAX.as_millis()).prop_map(at)
    }

    fn lifetimes() -> impl Strategy<Value = Lifetime> {
        prop_oneof![
            1 => Just(Lifetime::Unlimited),
            4 => any::<i64>().prop_map(Lifetime::Millis),
            2 => any::<i64>().prop_map(Lifetime::seconds),
            2 => (-5_000i64..5_000).prop_map(Lifetime::Millis),
        ]
    }

    proptest! {
        #[test]
        fn no_lifetime_overflows_or_outlives_its_bound(
            created in instants(), now in instants(), lifetime in lifetimes(), max in prop::option::of(any::<u32>()),
        ) {
            let expires = LifetimePolicy { max_ttl_seconds: max }.expires_at(created, now, lifetime);
            prop_assert_eq!(expires.is_none(), lifetime == Lifetime::Unlimited && max.is_none());
            if let (Some(expires), Some(max)) = (expires, max) {
                prop_assert!(expires <= now.saturating_add_millis(i64::from(max) * 1000));
            }
            if let (Some(expires), Lifetime::Millis(millis)) = (expires, lifetime) {
                prop_assert!(i128::from(expires.as_millis())
                    <= (i128::from(created.min(now).as_millis()) + i128::from(millis))
                        .max(i128::from(Timestamp::MIN.as_millis())));
                prop_assert!(millis > 0 || expires <= now);
            }
        }

        #[test]
        fn it_is_expired_from_that_very_instant_on(now in instants(), seconds in 1i64..=4_000_000_000) {
            let Some(expires) = FREE.expires_at(now, now, Lifetime::seconds(seconds)) else { unreachable!() };
            prop_assume!(expires < Timestamp::MAX);
            let expires_at = Some(expires);
            let standing = Standing { expires_at, ..Standing::lasting(&[]) };
            let at = |now| decide(standing, &Demand::Active, Circumstances::at(now));
            prop_assert_eq!(at(expires.saturating_add_millis(-1)), Verdict::Allowed);
            prop_assert_eq!(at(expires), Verdict::Inactive(InactiveReason::Expired));
        }
    }
}
