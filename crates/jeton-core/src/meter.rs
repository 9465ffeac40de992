//! How much work a client may cause.

/// Units after which somebody is asked whether anybody waits: about a millisecond.
const LOOK_EVERY: u64 = 250_000;

/// Why work ends before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// What it may take is used up.
    #[error("it takes more work than it may")]
    Exhausted,
    /// Nobody waits for it any more.
    #[error("nobody waits for it")]
    Interrupted,
}

/// What a piece of work may still take.
///
/// A unit is about a nanosecond of a processor of 2020: a byte compared, a step of an automaton, a fifth of a look at a
/// property. What is charged is never less than a fifth of what it takes, whatever clients send, so that a bound in units
/// is one in time. Everything that LoopBack's filters do over rows is charged before it is done, or, where it is no more than the
/// bytes of one row, afterwards.
pub struct Meter<'a> {
    units: u64,
    left: u64,
    look_at: u64,
    is_unwanted: Option<&'a dyn Fn() -> bool>,
}

impl<'a> Meter<'a> {
    /// A meter for as many units.
    pub fn new(units: u64) -> Self {
        Meter { units, left: units, look_at: units.saturating_sub(LOOK_EVERY), is_unwanted: None }
    }

    /// A meter that never ends anything, for work that no client has chosen.
    pub fn unlimited() -> Self {
        Meter::new(u64::MAX)
    }

    /// The same, which also ends what is unwanted. `is_unwanted` is asked now and then.
    #[must_use]
    pub fn while_wanted(self, is_unwanted: &'a dyn Fn() -> bool) -> Self {
        Meter { is_unwanted: Some(is_unwanted), ..self }
    }

    /// Takes off what something costs.
    ///
    /// # Errors
    /// It is more than is left, or nobody wants it.
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

    /// What was taken off so far.
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
        // What could not be paid for has used up everything.
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
