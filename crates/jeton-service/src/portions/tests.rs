use super::held::Use;
use super::*;
use jeton_core::{Budget, Timestamp};
use std::sync::atomic::Ordering;

fn held(text: &str) -> HeldPortion {
    let (app, token) = (AppId::new(1).unwrap(), TokenId::new(1).unwrap());
    HeldPortion::new(app, token, text.parse().unwrap())
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Asks a store that has this left.
fn refill(held: &HeldPortion, budget: &mut Budget, now: Duration) -> u64 {
    let at = Timestamp::from_millis(i64::try_from(now.as_millis()).unwrap()).unwrap();
    budget.give_back(&held.limits, &held.limits, held.take_unused(now), at);
    let portion = budget.take(&held.limits, held.wanted(), at);
    let uses = portion.uses;
    let _ = held.put(portion, now, now);
    uses
}

fn full(held: &HeldPortion) -> Budget {
    Budget::full(&held.limits, Timestamp::from_millis(0).unwrap())
}

/// Uses all that there are.
fn exhaust(held: &HeldPortion, now: Duration) -> u64 {
    std::iter::repeat_with(|| held.spend(now)).take_while(|answer| *answer == Use::Allowed).count() as u64
}

#[test]
fn a_token_in_use_gets_larger_and_larger_portions() {
    let held = held("rates=100000/1");
    let mut budget = full(&held);
    assert_eq!(held.spend(millis(0)), Use::Unknown, "nothing was asked yet");
    let mut portions = Vec::new();
    for _ in 0..8 {
        portions.push(refill(&held, &mut budget, millis(0)));
        exhaust(&held, millis(0));
    }
    assert_eq!(portions, [1, 2, 4, 8, 16, 32, 64, 128]);
    // What is not used in time is given back, and the next portion is as large as what was used of it.
    assert_eq!(refill(&held, &mut budget, millis(0)), 256);
    assert_eq!([held.spend(millis(99)), held.spend(millis(99))], [Use::Allowed; 2]);
    assert_eq!(held.spend(millis(100)), Use::Unknown, "a tenth of the period is over");
    assert_eq!(refill(&held, &mut budget, millis(100)), 4, "all two of the last one were used");
    assert_eq!(held.take_unused(millis(100)).uses, 0, "they were given back with that");
    assert_eq!(budget.levels, [(100_000 - 4) * 1_000], "time had filled it");
    exhaust(&held, millis(100));
    assert_eq!(refill(&held, &mut budget, millis(100)), 8);
    assert!(!held.ends(millis(199), false) && held.ends(millis(200), false));
    assert_eq!(held.take_unused(millis(200)), Held { uses: 8, held_for: millis(100) });
    assert_eq!(held.take_unused(millis(200)).uses, 0, "only once");
}

#[test]
fn whoever_waits_is_counted_in() {
    let held = held("uses=10000@1");
    let waiting: Vec<Waiting<'_>> = (0..30).map(|_| Waiting::on(&held)).collect();
    assert_eq!(refill(&held, &mut full(&held), millis(0)), 30);
    drop(waiting);
    assert_eq!(held.waiting.load(Ordering::Relaxed), 0);
}

#[test]
fn what_the_store_withholds_is_withheld_without_asking_again() {
    let held = held("rates=1/10");
    let mut budget = full(&held);
    assert_eq!(refill(&held, &mut budget, millis(0)), 1);
    assert_eq!(held.spend(millis(0)), Use::Allowed);
    let withheld = |retry| Use::Withheld(Withheld::Rate { place: 0, retry_after: millis(retry) });
    assert_eq!(held.spend(millis(1)), withheld(9_999));
    assert_eq!(held.spend(millis(9_000)), withheld(1_000));
    assert_eq!(held.spend(millis(10_000)), Use::Unknown);
    assert!(held.knows(millis(9_999)) && !held.knows(millis(10_000)));
    let retry_after = millis(1_000);
    assert_eq!(held.withholds(millis(9_000)), Some(Withheld::Rate { place: 0, retry_after }));
    assert_eq!(refill(&held, &mut budget, millis(10_000)), 1);
    assert_eq!(held.spend(millis(10_000)), Use::Allowed);
}

#[test]
fn the_last_uses_come_one_by_one() {
    let held = held("uses=3@1");
    let mut budget = full(&held);
    for left in [2, 1, 0] {
        assert_eq!(held.spend(millis(0)), Use::Unknown);
        assert_eq!(refill(&held, &mut budget, millis(0)), 1);
        assert_eq!(held.spend(millis(0)), Use::Allowed);
        assert_eq!(held.left(millis(0)).uses_left, Some(left));
    }
    assert_eq!(held.spend(millis(999)), Use::Withheld(Withheld::Uses));
    // Others may have given some back by then.
    assert_eq!(held.spend(millis(1_000)), Use::Unknown);
    let nothing = self::held("uses=0@1");
    assert_eq!(nothing.spend(millis(0)), Use::Withheld(Withheld::Uses), "nobody is asked");
    assert_eq!(nothing.left(millis(0)).uses_left, Some(0));
}

#[test]
fn a_use_that_was_not_made_is_there_again() {
    let held = held("uses=100@1");
    let mut budget = full(&held);
    refill(&held, &mut budget, millis(0));
    assert_eq!(held.spend(millis(0)), Use::Allowed);
    let _ = held.take_back();
    assert_eq!(held.spend(millis(0)), Use::Allowed);
    // Its portion is another one meanwhile: it is given back with it.
    refill(&held, &mut budget, millis(0));
    let _ = held.take_back();
    assert!(held.ends(millis(0), true));
    let unused = held.take_unused(millis(0));
    assert_eq!(unused.uses, 100 - budget.uses_left.unwrap(), "none was made");
}

#[test]
fn no_use_is_allowed_twice_between_threads() {
    let held = held("uses=10000@1");
    let budget = Mutex::new(full(&held));
    let allowed: u64 = std::thread::scope(|scope| {
        let spender = || {
            let mut allowed = 0;
            loop {
                match held.spend(millis(0)) {
                    Use::Allowed => allowed += 1,
                    Use::Withheld(_) => return allowed,
                    Use::Unknown => {
                        let mut budget = lock(&budget);
                        if !held.knows(millis(0)) {
                            refill(&held, &mut budget, millis(0));
                        }
                    }
                }
            }
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(spender)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(allowed, 10_000);
}

fn portions() -> (Portions, jeton_core::ManualClock) {
    let clock = jeton_core::ManualClock::at(Timestamp::from_millis(0).unwrap());
    (Portions::new(Arc::new(clock.clone())), clock)
}

fn hold(portions: &Portions, number: i64, text: &str) -> Arc<HeldPortion> {
    portions.of_limits(AppId::new(1).unwrap(), TokenId::new(number).unwrap(), &text.parse().unwrap())
}

/// Gives it a portion of three uses.
fn fill(portions: &Portions, held: &Arc<HeldPortion>, now: Duration) {
    let portion = Portion { uses: 3, withheld: None, uses_left: Some(50), rates: Vec::new() };
    portions.put(held, portion, now);
}

fn unused(portions: &Portions, all: bool) -> Vec<(i64, u64)> {
    portions.unused(all).iter().map(|(unused, held)| (held.token_id.get(), unused.uses)).collect()
}

#[test]
fn a_token_has_one_portion_whoever_caches_it() {
    let (portions, _) = portions();
    let first = hold(&portions, 1, "uses=5@1");
    assert!(Arc::ptr_eq(&first, &hold(&portions, 1, "uses=5@1")));
    fill(&portions, &first, millis(0));
    assert_eq!(portions.uses_of(first.token_id), 3);
    // Once it has other limits, what was held of the former is given back.
    assert!(!Arc::ptr_eq(&first, &hold(&portions, 1, "uses=5@1 rates=1/1")));
    assert_eq!(first.spend(millis(0)), Use::Unknown);
    assert_eq!(unused(&portions, false), [(1, 3)]);
    assert_eq!(unused(&portions, true), []);
}

#[test]
fn what_is_held_is_given_back_in_time_though_nobody_caches_it() {
    let (portions, clock) = portions();
    let (two, one) = (hold(&portions, 2, "uses=90@1"), hold(&portions, 1, "uses=90@1 rates=9/10"));
    fill(&portions, &two, millis(0));
    fill(&portions, &one, millis(0));
    drop((one, two));
    assert_eq!(unused(&portions, false), []);
    clock.advance_millis(1_000);
    assert_eq!(unused(&portions, false), [(1, 3)], "a tenth of its period is over");
    assert_eq!(hold(&portions, 2, "uses=90@1").spend(millis(1_000)), Use::Allowed, "it is there still");
    clock.advance_millis(4_000);
    let three = hold(&portions, 3, "uses=90@1");
    fill(&portions, &three, millis(5_000));
    assert_eq!(unused(&portions, false), [(2, 2)]);
    assert_eq!(unused(&portions, true), [(3, 3)], "whoever stops gives all back");
    // Of three that are known, nobody needs two.
    assert_eq!(Arc::strong_count(&three), 1);
    assert_eq!(lock(&portions.due).len(), 0);
}

#[test]
fn those_that_nobody_holds_are_forgotten() {
    let (portions, _) = portions();
    let held: Vec<Arc<HeldPortion>> = (1..=10).map(|number| hold(&portions, number, "uses=1@1")).collect();
    for number in 11..5_000 {
        hold(&portions, number, "uses=1@1");
    }
    let known = lock(&portions.known).by_token.len();
    assert!((held.len()..=MIN_SWEEP).contains(&known), "{known}");
    assert!(Arc::ptr_eq(&held[0], &hold(&portions, 1, "uses=1@1")));
}

#[test]
fn what_could_not_be_given_back_is_kept_and_what_may_have_been_is_not() {
    let (portions, clock) = portions();
    let held = hold(&portions, 1, "uses=90@1 rates=9/10");
    fill(&portions, &held, millis(0));
    clock.advance_millis(1_500);
    let [(lapsed, _)] = portions.unused(false)[..] else { panic!("one has lapsed") };
    assert_eq!(lapsed, Held { uses: 3, held_for: millis(1_500) });
    portions.settle_failure(&held, lapsed, &StoreError::Crowded(jeton_store::Crowded), 0);
    clock.advance_millis(500);
    let [(kept, _)] = portions.unused(false)[..] else { panic!("it was surely not given back") };
    assert_eq!(kept, Held { uses: 3, held_for: millis(2_000) });
    portions.settle_failure(&held, kept, &StoreError::Unavailable("gone".into()), 5);
    assert_eq!((unused(&portions, true), portions.counts.lost.get()), (vec![], 3));
}
