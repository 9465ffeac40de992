//! How often a token may be used.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// At most this many uses may be allowed for.
pub const MAX_USES: u64 = 1_000_000_000_000;
/// At most this many rates of a token.
pub const MAX_RATES: usize = 4;
/// At most this many uses in the period of a rate.
pub const MAX_RATE_LIMIT: u32 = 1_000_000;
/// The longest period of a rate in seconds: 30 days.
pub const MAX_RATE_SECONDS: u32 = 30 * 86_400;

/// A rate: at most `limit` uses at once, after which one more becomes available every `per_seconds / limit` seconds (a token bucket).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UseRate {
    limit: u32,
    per_seconds: u32,
}

/// Why something is not a limit on uses. The texts quote nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UseLimitError {
    /// More than [`MAX_USES`].
    #[error("must be a whole number from 0 to 1000000000000")]
    Uses,
    /// A rate that makes no sense.
    #[error("must be a list of at most 4 rates: 1 to 1000000 uses in 1 to 2592000 seconds, each period once")]
    Rate,
}

impl UseRate {
    /// So many uses in so many seconds; `None` if there are none, or more than [`MAX_RATE_LIMIT`] and [`MAX_RATE_SECONDS`] say.
    pub const fn new(limit: u32, per_seconds: u32) -> Option<Self> {
        if limit == 0 || limit > MAX_RATE_LIMIT || per_seconds == 0 || per_seconds > MAX_RATE_SECONDS {
            return None;
        }
        Some(UseRate { limit, per_seconds })
    }

    /// How many uses there may be at once.
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// In how many seconds so many become available.
    pub const fn per_seconds(self) -> u32 {
        self.per_seconds
    }

    /// The period in milliseconds.
    pub const fn per_millis(self) -> u64 {
        self.per_seconds as u64 * 1_000
    }

    /// How long a server may keep a portion of this rate to itself: a tenth of the period, and 5 seconds at most.
    pub fn lease(self) -> Duration {
        Duration::from_millis((self.per_millis() / 10).min(MOST_LEASED.as_millis() as u64))
    }
}

/// The longest time for which a server keeps a portion to itself.
pub const MOST_LEASED: Duration = Duration::from_secs(5);

/// As `100/60`: 100 uses in 60 seconds.
impl fmt::Display for UseRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.limit, self.per_seconds)
    }
}

impl FromStr for UseRate {
    type Err = UseLimitError;

    fn from_str(text: &str) -> Result<Self, UseLimitError> {
        let (limit, seconds) = text.split_once('/').ok_or(UseLimitError::Rate)?;
        let number = |text: &str| {
            let is_plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse().ok().filter(|_| is_plain).ok_or(UseLimitError::Rate)
        };
        UseRate::new(number(limit)?, number(seconds)?).ok_or(UseLimitError::Rate)
    }
}

/// The rates of a token: each period at most once, the shortest first. Clones share them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UseRates(Option<Arc<[UseRate]>>);

impl UseRates {
    /// None: it may be used as often as anybody likes.
    pub const NONE: UseRates = UseRates(None);

    /// These.
    ///
    /// # Errors
    ///
    /// More than [`MAX_RATES`], or two of the same period.
    pub fn new(mut rates: Vec<UseRate>) -> Result<Self, UseLimitError> {
        rates.sort_by_key(|rate| rate.per_seconds);
        let is_twice = rates.windows(2).any(|two| two[0].per_seconds == two[1].per_seconds);
        if rates.len() > MAX_RATES || is_twice {
            return Err(UseLimitError::Rate);
        }
        Ok(UseRates((!rates.is_empty()).then(|| rates.into())))
    }

    /// The rates.
    pub fn as_slice(&self) -> &[UseRate] {
        self.0.as_deref().unwrap_or_default()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// With commas between: `100/60,1000/3600`; empty if there are none.
impl fmt::Display for UseRates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, rate) in self.as_slice().iter().enumerate() {
            write!(f, "{}{rate}", if place == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl FromStr for UseRates {
    type Err = UseLimitError;

    fn from_str(text: &str) -> Result<Self, UseLimitError> {
        let texts = text.split(',').filter(|_| !text.is_empty()).take(MAX_RATES + 1);
        Self::new(texts.map(str::parse).collect::<Result<_, _>>()?)
    }
}

/// A number of uses that a token was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many.
    pub uses: u64,
    /// The revision of the token at which it was given them: what was left of an allowance of before is void.
    pub since: i64,
}

/// How often a token may be used. `Default`: without limit, as most are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UseLimits {
    /// How often in all; `None`: any number of times.
    pub allowance: Option<Allowance>,
    /// How often in a time.
    pub rates: UseRates,
}

impl UseLimits {
    /// None.
    pub const NONE: UseLimits = UseLimits { allowance: None, rates: UseRates::NONE };

    /// Those of a new token.
    ///
    /// # Errors
    ///
    /// More uses than [`MAX_USES`].
    pub fn new(uses: Option<u64>, rates: UseRates) -> Result<Self, UseLimitError> {
        if uses.is_some_and(|uses| uses > MAX_USES) {
            return Err(UseLimitError::Uses);
        }
        Ok(UseLimits { allowance: uses.map(|uses| Allowance { uses, since: 1 }), rates })
    }

    /// These limits, if there are any.
    pub fn some(&self) -> Option<&Self> {
        (!self.is_none()).then_some(self)
    }

    /// Whether there are none.
    pub const fn is_none(&self) -> bool {
        self.allowance.is_none() && self.rates.is_empty()
    }

    /// Whether they promise more than the `outer` ones: more uses, or more in a period of which both have a rate.
    pub fn exceed(&self, outer: &UseLimits) -> bool {
        let uses = |limits: &UseLimits| limits.allowance.map(|allowance| allowance.uses);
        let has_more_uses = matches!((uses(self), uses(outer)), (Some(own), Some(most)) if own > most);
        let is_faster = |rate: &UseRate| {
            let same = outer.rates.as_slice().iter().find(|outer| outer.per_seconds == rate.per_seconds);
            same.is_some_and(|outer| rate.limit > outer.limit)
        };
        has_more_uses || self.rates.as_slice().iter().any(is_faster)
    }

    /// How long a server may keep a portion to itself.
    pub fn lease(&self) -> Duration {
        self.rates.as_slice().iter().map(|rate| rate.lease()).fold(MOST_LEASED, Duration::min)
    }
}

/// As stores write them: `uses=5@1 rates=100/60`, of which either part may be missing; empty if there are none.
impl fmt::Display for UseLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Allowance { uses, since }) = self.allowance {
            write!(f, "uses={uses}@{since}")?;
        }
        if !self.rates.is_empty() {
            write!(f, "{}rates={}", if self.allowance.is_some() { " " } else { "" }, self.rates)?;
        }
        Ok(())
    }
}

impl FromStr for UseLimits {
    type Err = UseLimitError;

    fn from_str(text: &str) -> Result<Self, UseLimitError> {
        let mut limits = UseLimits::NONE;
        for part in text.split_ascii_whitespace() {
            if let Some(allowance) = part.strip_prefix("uses=") {
                let (uses, since) = allowance.split_once('@').ok_or(UseLimitError::Uses)?;
                let number = |text: &str| text.parse().map_err(|_| UseLimitError::Uses);
                let (uses, since): (i64, i64) = (number(uses)?, number(since)?);
                let uses = u64::try_from(uses).map_err(|_| UseLimitError::Uses)?;
                limits.allowance = Some(Allowance { uses, since });
            } else {
                limits.rates = part.strip_prefix("rates=").ok_or(UseLimitError::Rate)?.parse()?;
            }
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rates_are_bounded() {
        for text in ["1/1", "1000000/1", "1/2592000", "100/60"] {
            assert_eq!(text.parse::<UseRate>().unwrap().to_string(), text);
        }
        for text in [
            "0/1",
            "1/0",
            "1000001/1",
            "1/2592001",
            "1",
            "/",
            "1/",
            "/1",
            "+1/1",
            "1/1/1",
            " 1/1",
            "-1/1",
            "1.5/1",
        ] {
            assert_eq!(text.parse::<UseRate>(), Err(UseLimitError::Rate), "{text}");
        }
        assert!(UseLimitError::Rate.to_string().contains(&MAX_RATE_LIMIT.to_string()));
        assert!(UseLimitError::Rate.to_string().contains(&MAX_RATE_SECONDS.to_string()));
        assert!(UseLimitError::Rate.to_string().contains(&MAX_RATES.to_string()));
        assert!(UseLimitError::Uses.to_string().contains(&MAX_USES.to_string()));
    }

    #[test]
    fn each_period_has_one_rate() {
        let rates = |text: &str| text.parse::<UseRates>();
        assert_eq!(rates("1000/3600,100/60").unwrap().to_string(), "100/60,1000/3600");
        assert_eq!(rates("").unwrap(), UseRates::NONE);
        assert_eq!(rates("100/60,50/60"), Err(UseLimitError::Rate));
        assert!(rates("1/1,1/2,1/3,1/4").is_ok());
        assert_eq!(rates("1/1,1/2,1/3,1/4,1/5"), Err(UseLimitError::Rate));
        assert_eq!(rates("1/1,"), Err(UseLimitError::Rate));
    }

    #[test]
    fn leases_are_short_beside_the_period() {
        let lease = |text: &str| format!("uses=5@1 rates={text}").parse::<UseLimits>().unwrap().lease();
        assert_eq!(lease("1/1"), Duration::from_millis(100));
        assert_eq!(lease("1/10"), Duration::from_secs(1));
        assert_eq!(lease("1/3600"), MOST_LEASED);
        assert_eq!(lease("1/3600,5/1"), Duration::from_millis(100));
        assert_eq!(UseLimits::new(Some(5), UseRates::NONE).unwrap().lease(), MOST_LEASED);
        assert_eq!(UseLimits::new(Some(MAX_USES + 1), UseRates::NONE), Err(UseLimitError::Uses));
    }

    proptest! {
        #[test]
        fn limits_are_read_as_they_are_written(
            uses in prop::option::of(0..=MAX_USES),
            since in 1_i64..1_000,
            rates in prop::collection::btree_map(1..=MAX_RATE_SECONDS, 1..=MAX_RATE_LIMIT, 0..=MAX_RATES),
        ) {
            let rates = rates.into_iter().map(|(seconds, limit)| UseRate::new(limit, seconds).unwrap()).collect();
            let allowance = uses.map(|uses| Allowance { uses, since });
            let limits = UseLimits { allowance, rates: UseRates::new(rates).unwrap() };
            prop_assert_eq!(limits.to_string().parse(), Ok(limits));
        }
    }
}
