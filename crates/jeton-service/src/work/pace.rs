//! The limit on an app's work over time.

use jeton_core::AppId;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// At most this many apps are tracked before those without debt are forgotten.
const MANY: usize = 1_024;

/// For each app, the time at which its allowance is full again: work postpones that by the time in which it
/// may be done. It may be ahead by a burst.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<HashMap<AppId, Instant>>);

impl Pace {
    /// Waits until the app may work.
    pub(super) async fn wait(&self, app_id: AppId) {
        loop {
            let until = self.lock().get(&app_id).copied();
            match until {
                Some(until) if until > Instant::now() => tokio::time::sleep_until(until).await,
                _ => return,
            }
        }
    }

    /// Records an app's work, of which `rate` units a second are allowed, with a burst.
    pub(super) fn spend(&self, app_id: AppId, units: u64, rate: u64, burst: u64) {
        let seconds = |units: u64| Duration::from_secs_f64(units as f64 / rate.max(1) as f64);
        let now = Instant::now();
        let earliest = now.checked_sub(seconds(burst)).unwrap_or(now);
        let mut paid_off = self.lock();
        if paid_off.len() >= MANY {
            paid_off.retain(|_, until| *until > earliest);
        }
        let until = paid_off.entry(app_id).or_insert(earliest);
        *until = (*until).max(earliest) + seconds(units);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AppId, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_app_is_ahead_by_a_burst_and_then_goes_at_its_pace() {
        let (pace, app) = (Pace::default(), AppId::new(1).unwrap());
        let other = AppId::new(2).unwrap();
        tokio::time::advance(Duration::from_secs(100)).await;
        let begun = Instant::now();
        pace.spend(app, 1_000, 100, 1_000);
        pace.wait(app).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        pace.spend(app, 200, 100, 1_000);
        pace.wait(other).await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        pace.wait(app).await;
        assert!(begun.elapsed() >= Duration::from_secs(2));
        // No more than a burst is saved up.
        tokio::time::advance(Duration::from_secs(1_000)).await;
        pace.spend(app, 1_100, 100, 1_000);
        let begun = Instant::now();
        pace.wait(app).await;
        assert!(begun.elapsed() >= Duration::from_secs(1));
    }
}
