//! Budgets for the work that a client may cause.

/// Units after which the meter checks whether the result is still wanted: about a millisecond.
const LOOK_EVERY: u64 = 250_000;

/// Why work ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// Its budget is used up.
    #[error("it takes more work than is allowed")]
    Exhausted,
    /// The result is no longer wanted.
    #[error("the result is no longer wanted")]
    Interrupted,
}

/// The budget of a piece of work.
///
/// A unit is about a nanosecond of a processor of 2020: a byte compared, a step of an automaton, a fifth of
/// reading a property. The charge is never less than a fifth of the actual cost, whatever clients send, so a
/// bound in units is a bound in time. Everything that LoopBack's filters do over rows is charged before it is
/// done or, where the cost is at most the bytes of one row, afterwards.
pub struct Meter<'a> {
    units: u64,
    left: u64,
    look_at: u64,
    is_unwanted: Option<&'a dyn Fn() -> bool>,
}

impl<'a> Meter<'a> {
    /// A meter with a budget of `units`.
    pub fn new(units: u64) -> Self {
        Meter { units, left: units, look_at: units.saturating_sub(LOOK_EVERY), is_unwanted: None }
    }

    /// A meter without a limit, for work that no client has chosen.
    pub fn unlimited() -> Self {
        Meter::new(u64::MAX)
    }

    /// Also ends work that is no longer wanted. `is_unwanted` is called from time to time.
    #[must_use]
    pub fn while_wanted(self, is_unwanted: &'a dyn Fn() -> bool) -> Self {
        Meter { is_unwanted: Some(is_unwanted), ..self }
    }

    /// Charges a cost.
    ///
    /// # Errors
    ///
    /// It exceeds what is left, or the result is no longer wanted.
    pub fn charge(&mut self, units: u64) -> Result<(), Halt> {
        let Some(left) = self.left.checked_sub(units) else {
            self.left = 0;
            return Err(Halt::Exhausted);
        };
        self.left = left;
        if left < self.look_at {
            self.look_at = left.saturating_sub(LOOK_EVERY);
            if self.is_unwanted.is_some_and(|is_unwanted| is_unwanted()) {
                return Err(Halt::Interrupted);
            }
        }
        Ok(())
    }

    /// The units charged so far.
    pub fn spent(&self) -> u64 {
        self.units - self.left
    }
}

impl std::fmt::Debug for Meter<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Meter").field("units", &self.units).field("left", &self.left).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn what_is_charged_is_spent_and_bounded() {
        let mut meter = Meter::new(10);
        assert_eq!(meter.charge(4), Ok(()));
        assert_eq!(meter.spent(), 4);
        assert_eq!(meter.charge(6), Ok(()));
        assert_eq!(meter.charge(1), Err(Halt::Exhausted));
        let mut meter = Meter::new(10);
        assert_eq!(meter.charge(u64::MAX), Err(Halt::Exhausted));
        // A charge that exceeds the budget uses it up.
        assert_eq!((meter.spent(), meter.charge(1)), (10, Err(Halt::Exhausted)));
    }

    #[test]
    fn who_is_unwanted_learns_it_soon() {
        let (asked, is_unwanted) = (Cell::new(0), Cell::new(false));
        let ask = || {
            asked.set(asked.get() + 1);
            is_unwanted.get()
        };
        let mut meter = Meter::unlimited().while_wanted(&ask);
        for _ in 0..3_000 {
            meter.charge(1_000).unwrap();
        }
        assert_eq!(asked.get(), 11);
        is_unwanted.set(true);
        let late = (0..251).find(|_| meter.charge(1_000) == Err(Halt::Interrupted));
        assert!(late.is_some());
    }
}
