//! The table of the verification cache beside general caches, in one process: `jeton-caches SECONDS` prints a JSON object of figures.
//!
//! Each holds the same answers behind `Arc`s, found by the same keys with the same hasher, and is bounded by the same bytes. The table
//! is the file that Jeton compiles.

#[path = "../../../crates/jeton-service/src/cache/table.rs"]
mod table;

mod contestants;
mod heap;

use contestants::{Answer, Contestant, Moka, Quick, Table};
use jeton_core::{AppId, Digest};
use rand::rngs::StdRng;
use rand::{Rng, RngExt, SeedableRng};
use rand_distr::{Distribution, Zipf};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use table::Key;

#[global_allocator]
static HEAP: heap::Counted = heap::Counted;

/// Answers that fit, and that are read.
const HELD: usize = 50_000;
/// How often each part of a history of requests asks.
const ASKED: usize = 1_000_000;
/// Tokens in that history, of which a few are asked about most.
const TOKENS: usize = 500_000;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1.0);
    let time = Duration::from_secs_f64(seconds);
    let figures = [
        measured::<Table>("table", time),
        measured::<Quick>("quick_cache", time),
        measured::<Moka>("moka", time),
    ];
    println!("{{{}}}", figures.join(","));
}

fn measured<C: Contestant>(name: &str, time: Duration) -> String {
    let answers: Vec<Arc<Answer>> = (0..HELD).map(answer).collect();
    let keys: Vec<Key> = answers.iter().map(|answer| answer.key).collect();
    // The list of the answers is gone afterwards.
    let before = heap::bytes() - answers.capacity() * size_of::<Arc<Answer>>();
    let cache = C::new(usize::MAX >> 1);
    answers.into_iter().for_each(|answer| cache.keep(answer));
    cache.settle();
    let overhead = (heap::bytes() - before) as f64 / HELD as f64;
    // What is read for the first time is in no cache of the processor.
    reads(&cache, &keys, 1, time / 4);
    let one = reads(&cache, &keys, 1, time);
    let two = reads(&cache, &keys, 2, time);
    let bounded = C::new(HELD * Answer::BYTES);
    let beside_writes = reads_beside_writes(&bounded, &keys, time);
    let (writes, most) = writes(time, &C::new(HELD * Answer::BYTES));
    let hit_rate = hit_rate(&C::new(HELD * Answer::BYTES));
    format!(
        "\"{name}\":{{\"overhead_bytes\":{overhead},\"reads_one\":{one},\"reads_two\":{two},\"reads_beside_writes\":{beside_writes},\
         \"writes\":{writes},\"held_at_most\":{most},\"hit_rate\":{hit_rate}}}"
    )
}

/// An answer of its own for each number.
fn answer(number: usize) -> Arc<Answer> {
    let mut bytes = [0; Digest::LEN];
    StdRng::seed_from_u64(number as u64).fill_bytes(&mut bytes);
    let digest = Digest::from_bytes(&bytes).expect("it is as long as a digest");
    let app_id = AppId::new(1).expect("1 is a number");
    Arc::new(Answer::new(Key { app_id, digest }))
}

/// Reads in a second, of answers that are all there.
fn reads<C: Contestant>(cache: &C, keys: &[Key], threads: u64, time: Duration) -> f64 {
    let count = AtomicU64::new(0);
    thread::scope(|scope| {
        for seed in 0..threads {
            let count = &count;
            scope.spawn(move || count.fetch_add(read_for(cache, keys, seed, time), Ordering::Relaxed));
        }
    });
    count.into_inner() as f64 / time.as_secs_f64()
}

/// The same by one thread while another keeps new answers, some of which take the place of those that are read.
fn reads_beside_writes<C: Contestant>(cache: &C, keys: &[Key], time: Duration) -> f64 {
    (0..HELD).for_each(|number| cache.keep(answer(number)));
    let is_over = AtomicBool::new(false);
    let count = thread::scope(|scope| {
        scope.spawn(|| {
            for number in HELD.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                cache.keep(answer(number));
            }
        });
        let count = read_for(cache, keys, 1, time);
        is_over.store(true, Ordering::Relaxed);
        count
    });
    count as f64 / time.as_secs_f64()
}

fn read_for<C: Contestant>(cache: &C, keys: &[Key], seed: u64, time: Duration) -> u64 {
    let mut random = StdRng::seed_from_u64(seed);
    // Drawn before, so that it is not part of what is measured.
    let order: Vec<u32> = (0..1 << 16).map(|_| random.random_range(0..keys.len() as u32)).collect();
    let (begun, mut count) = (now(), 0);
    while begun.elapsed() < time {
        for place in &order {
            black_box(cache.read(&keys[*place as usize]));
        }
        count += order.len() as u64;
    }
    count
}

/// New answers that are kept in a second where there is room for [`HELD`], and how many were there at most, as a part of that.
fn writes<C: Contestant>(time: Duration, cache: &C) -> (f64, f64) {
    let mut answers: Vec<Arc<Answer>> = (0..4 * HELD).map(answer).collect();
    let (mut spent, mut count, mut most) = (Duration::ZERO, 0_u64, 0);
    for new in answers.drain(..) {
        let begun = now();
        cache.keep(new);
        spent += begun.elapsed();
        count += 1;
        if count.is_multiple_of(256) {
            most = most.max(cache.len());
        }
        if spent > time {
            break;
        }
    }
    (count as f64 / spent.as_secs_f64(), most as f64 / HELD as f64)
}

/// The part of requests whose answer is there, of a history in which a few tokens are used most, and what is not there is kept.
fn hit_rate<C: Contestant>(cache: &C) -> f64 {
    let mut random = StdRng::seed_from_u64(7);
    let zipf = Zipf::new(TOKENS as f64, 0.9).expect("these are parameters of one");
    let mut hits = 0;
    for _ in 0..ASKED {
        let number = zipf.sample(&mut random) as usize;
        let new = answer(number);
        if cache.read(&new.key) {
            hits += 1;
        } else {
            cache.keep(new);
        }
    }
    f64::from(hits) / ASKED as f64
}

#[expect(clippy::disallowed_methods, reason = "how long something takes is what is measured")]
fn now() -> Instant {
    Instant::now()
}
