use super::*;
use crate::use_limits::{MOST_LEASED, UseRates};
use proptest::prelude::*;

fn limits(text: &str) -> UseLimits {
    text.parse().unwrap()
}

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis).unwrap()
}

/// The portions that a server gets that wants as many as it can get, until there is nothing.
fn portions(budget: &mut Budget, limits: &UseLimits, now: Timestamp) -> Vec<u64> {
    std::iter::repeat_with(|| budget.take(limits, u64::MAX, now).uses).take_while(|uses| *uses > 0).collect()
}

#[test]
fn portions_are_smaller_the_less_there_is() {
    let of = |text: &str| portions(&mut Budget::full(&limits(text), at(0)), &limits(text), at(0));
    assert_eq!(of("uses=20@1"), [2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!(of("uses=100000@1")[..2], [MOST_USES; 2]);
    assert_eq!(of("uses=0@1"), []);
    assert_eq!(of("rates=10/60"), [2, 2, 1, 1, 1, 1, 1, 1]);
    // 50 in 50 ms.
    assert_eq!(of("rates=1000/1"), [250, 187, 140, 105, 79, 59, 50, 50, 50, 30]);
    assert_eq!(of("uses=8@1 rates=10/60,3/3600"), [1, 1, 1]);
    for text in ["uses=20@1", "rates=10/60", "rates=1000/1"] {
        let most = text.split(['=', '@', '/']).nth(1).unwrap().parse::<u64>().unwrap();
        assert_eq!(of(text).iter().sum::<u64>(), most, "{text}");
    }
    let three = limits("uses=500@1");
    assert_eq!(Budget::full(&three, at(0)).take(&three, 3, at(0)).uses, 3);
}

#[test]
fn what_is_withheld_says_for_how_long() {
    let limits = limits("rates=2/10,3/60");
    let mut budget = Budget::full(&limits, at(0));
    let take = |budget: &mut Budget, millis| {
        let portion = budget.take(&limits, 1, at(millis));
        let withheld = portion.withheld.map(|(withheld, pause)| match withheld {
            Withheld::Rate { place, retry_after } => {
                assert_eq!(retry_after, pause, "they give one at a time");
                (place, pause.as_millis())
            }
            Withheld::Uses => panic!("there is no allowance"),
        });
        (portion.uses, withheld)
    };
    assert_eq!(take(&mut budget, 0), (1, None));
    assert_eq!(take(&mut budget, 0), (1, Some((0, 5_000))));
    assert_eq!(take(&mut budget, 1_000), (0, Some((0, 4_000))));
    // The other rate: one of three, and a quarter of another.
    assert_eq!(take(&mut budget, 5_000), (1, Some((1, 15_000))));
    assert_eq!(take(&mut budget, 10_000), (0, Some((1, 10_000))));
    assert_eq!(take(&mut budget, 20_000), (1, Some((1, 20_000))));
    let fast = "uses=2@1 rates=1000/1".parse().unwrap();
    let mut budget = Budget::full(&fast, at(0));
    assert_eq!(budget.take(&fast, 1, at(0)).withheld, None);
    assert_eq!(budget.take(&fast, 1, at(0)).withheld, Some((Withheld::Uses, NONE_LEFT)));
    // A rate of a thousand is asked again after 50 ms, and says that there is one after 1.
    let fast = "rates=1000/1".parse().unwrap();
    let mut budget = Budget::full(&fast, at(0));
    assert_eq!(portions(&mut budget, &fast, at(0)).iter().sum::<u64>(), 1_000);
    let millis = Duration::from_millis;
    let withheld = Withheld::Rate { place: 0, retry_after: millis(1) };
    assert_eq!(budget.take(&fast, 1, at(0)).withheld, Some((withheld, millis(50))));
}

#[test]
fn what_is_left_is_told() {
    let limits = limits("uses=100@1 rates=60/60");
    let mut budget = Budget::full(&limits, at(0));
    let portion = budget.take(&limits, 10, at(0));
    assert_eq!((portion.uses, portion.uses_left), (10, Some(90)));
    assert_eq!(portion.rates, [RateLeft { uses: 50, full_after: Duration::from_secs(10) }]);
    budget.give_back(&limits, &limits, held_for(4, 0), at(1_000));
    assert_eq!(budget.uses_left, Some(94));
    let portion = budget.take(&limits, 1, at(1_000));
    assert_eq!(portion.rates, [RateLeft { uses: 54, full_after: Duration::from_secs(6) }]);
}

#[test]
fn no_more_is_given_back_than_there_was() {
    let limits = limits("uses=5@1 rates=5/1");
    let mut budget = Budget::full(&limits, at(0));
    budget.give_back(&limits, &limits, held_for(u64::MAX, 0), at(0));
    assert_eq!(budget, Budget::full(&limits, at(0)));
}

#[test]
fn clocks_that_differ_make_nothing_available() {
    let limits = limits("rates=1/1");
    let mut budget = Budget::full(&limits, at(0));
    assert_eq!(budget.take(&limits, 1, at(60_000)).uses, 1);
    assert_eq!(budget.take(&limits, 1, at(59_000)).uses, 0, "the second is there already");
    assert_eq!(budget.take(&limits, 1, at(60_999)).uses, 0);
    assert_eq!(budget.take(&limits, 1, at(61_000)).uses, 1);
    // Two that take turns get no more than the one whose clock is ahead.
    for millis in (0..100).flat_map(|step| [90_000 + step, 62_000 + step]) {
        assert_eq!(budget.take(&limits, 1, at(millis)).uses, u64::from(millis == 90_000));
    }
}

#[test]
fn what_time_has_replaced_is_not_given_back() {
    let limits = limits("uses=100@1 rates=10/1");
    let mut budget = Budget::full(&limits, at(0));
    while budget.take(&limits, 100, at(0)).uses > 0 {}
    // In a fifth of a second there were two more.
    budget.give_back(&limits, &limits, held_for(5, 200), at(200));
    assert_eq!(budget.levels, [5_000]);
    budget.give_back(&limits, &limits, held_for(2, 1_000), at(200));
    assert_eq!((&budget.levels[..], budget.uses_left), (&[5_000][..], Some(97)));
}

fn held_for(uses: u64, millis: u64) -> Held {
    Held { uses, held_for: Duration::from_millis(millis) }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Take {
        server: usize,
        wanted: u64,
    },
    Use {
        server: usize,
        times: u64,
    },
    GiveBack {
        server: usize,
    },
    /// What it holds is lost.
    Kill {
        server: usize,
    },
    Wait {
        millis: i64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let server = || 0..3_usize;
    prop::collection::vec(
        prop_oneof![
            3 => (server(), 1..20_u64).prop_map(|(server, wanted)| Step::Take { server, wanted }),
            3 => (server(), 1..20_u64).prop_map(|(server, times)| Step::Use { server, times }),
            1 => server().prop_map(|server| Step::GiveBack { server }),
            1 => server().prop_map(|server| Step::Kill { server }),
            2 => (1..3_000_i64).prop_map(|millis| Step::Wait { millis }),
        ],
        1..80,
    )
}

fn any_limits() -> impl Strategy<Value = UseLimits> {
    let rates = prop::collection::btree_map(1..20_u32, 1..30_u32, 0..3);
    (prop::option::of(0..60_u64), rates).prop_map(|(uses, rates)| {
        let rates = rates.into_iter().map(|(seconds, limit)| UseRate::new(limit, seconds).unwrap());
        UseLimits::new(uses, UseRates::new(rates.collect()).unwrap()).unwrap()
    })
}

proptest! {
    /// Three servers hold portions no longer than they may. In all, no use too many is allowed; in any time, no more than a bucket
    /// would allow in that time and a lease; and while nobody is killed, nothing is lost.
    #[test]
    fn servers_allow_no_use_too_many(limits in any_limits(), steps in steps()) {
        let lease = i64::try_from(limits.lease().as_millis()).unwrap();
        let mut budget = Budget::full(&limits, at(0));
        let (mut now, mut held, mut lost) = (0, [(0_u64, 0_i64); 3], 0);
        let mut used: Vec<(i64, u64)> = Vec::new();
        for step in steps {
            match step {
                Step::Take { server, wanted } if held[server].0 == 0 => {
                    held[server] = (budget.take(&limits, wanted, at(now)).uses, now);
                }
                Step::Take { .. } => {}
                Step::Use { server, times } => {
                    // What lapsed may lie there until it is given back.
                    let times = if now < held[server].1 + lease { times.min(held[server].0) } else { 0 };
                    held[server].0 -= times;
                    used.push((now, times));
                }
                Step::GiveBack { server } => {
                    let (uses, since) = std::mem::take(&mut held[server]);
                    let millis = u64::try_from(now - since).unwrap();
                    budget.give_back(&limits, &limits, held_for(uses, millis), at(now));
                }
                Step::Kill { server } => lost += std::mem::take(&mut held[server].0),
                Step::Wait { millis } => now += millis,
            }
        }
        if let (Some(allowance), Some(left)) = (limits.allowance, budget.uses_left) {
            let allowed: u64 = used.iter().map(|(_, times)| times).sum();
            let held: u64 = held.iter().map(|(uses, _)| uses).sum();
            prop_assert_eq!(allowed + held + lost + left, allowance.uses);
        }
        for rate in limits.rates.as_slice() {
            for (first, (from, _)) in used.iter().enumerate() {
                let mut allowed = 0;
                for (to, times) in &used[first..] {
                    allowed += times;
                    let millis = u64::try_from(to - from + lease).unwrap();
                    let most = u64::from(rate.limit()) + millis * u64::from(rate.limit()) / rate.per_millis();
                    prop_assert!(allowed <= most, "{} of {} in {} ms of {}", allowed, most, to - from, rate);
                }
            }
        }
        prop_assert!(lease <= i64::try_from(MOST_LEASED.as_millis()).unwrap());
    }
}
