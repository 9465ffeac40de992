//! `cargo xtask bench`: what things cost, beside what they cost elsewhere, in one run on one machine.

mod against;
mod batch;
mod caches;
mod child;
mod console;
mod create;
mod gateways;
mod held;
mod http;
mod jeton;
mod list;
mod loopback;
mod memory;
mod nginx;
mod on_postgres;
mod peers;
mod postgres;
mod redis;
mod report;
mod revoke;
mod size;
mod stats;
mod verify;
mod wrk;

use crate::error::Error;
use crate::needs::{self, target_folder};
use clap::builder::{PossibleValue, PossibleValuesParser};
use jeton::{Build, Installation};
use postgres::Postgres;
use report::Section;
use std::cell::OnceCell;
use std::fs;
use std::io;
use std::path::PathBuf;

/// Measure what things cost beside what they cost elsewhere, and write BENCHMARKS.md; installs what that needs
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Which, one after the other
    #[arg(value_parser = values(), default_value = "all")]
    names: Vec<String>,
    /// Also measure OpenBao and LoopBack 3, which is another figure of `loopback` too
    #[arg(long)]
    peers: bool,
    /// Also measure creates and verifications on PostgreSQL beside `pgbench`
    #[arg(long)]
    postgres: bool,
    /// How often everything is measured, in turn
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Seconds of load on each program in each round
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=60))]
    seconds: u32,
    /// Tokens in the large installation
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    many: u64,
    /// Run the unoptimised build, to see whether the benchmark itself works: prints, and leaves BENCHMARKS.md as it is
    #[arg(long)]
    debug: bool,
    /// Also measure another build beside this one: a folder with its `jeton` and `examples/fill`. Prints the ratios
    #[arg(long, value_name = "FOLDER")]
    against: Option<PathBuf>,
    /// Only print, and leave BENCHMARKS.md as it is
    #[arg(long)]
    print: bool,
}

/// A benchmark's name, what it measures, and what runs it.
type Benchmark = (&'static str, &'static str, Measure);
type Measure = fn(&Stage) -> Result<Section, Error>;

const BENCHMARKS: &[Benchmark] = &[
    ("verify", "Forward-auth beside a bare server, nginx and Redis", verify::run),
    ("batch", "`POST /verify` with 1,000 checks at a time", batch::run),
    ("create", "Tokens that are on disk when the answer comes", create::run),
    ("list", "The newest tokens of few and of many", list::run),
    ("console", "The console's table of tokens, with each filter, of ten thousand and of many", console::run),
    ("loopback", "LoopBack's requests, with few tokens and with many", loopback::run),
    ("revoke", "From the answer to a revoke to the first refusal", revoke::run),
    (
        "gateways",
        "Gateways that ask Jeton about each request, beside the same ones that ask nobody",
        gateways::run,
    ),
    ("caches", "The table of the verification cache beside quick_cache and moka", caches::run),
    ("size", "What tokens take on the disk", size::run),
    ("memory", "Memory of a server, and the time that it takes to start", memory::run),
];

fn values() -> PossibleValuesParser {
    let named = BENCHMARKS.iter().map(|(name, measures, _)| PossibleValue::new(name).help(measures));
    let all = PossibleValue::new("all").help("All of them, one after the other");
    let none = PossibleValue::new("none").help("Only what `--postgres`, `--peers` and `--against` add");
    PossibleValuesParser::new(named.chain([all, none]))
}

/// Runs what was named, one benchmark after the other.
pub(crate) fn run(options: &Options) -> Result<(), Error> {
    needs::install_load()?;
    let stage = Stage::new(options)?;
    let is_named = |name: &str| options.names.iter().any(|named| named == name || named == "all");
    let named =
        BENCHMARKS.iter().filter(|(name, ..)| is_named(name)).map(|(name, _, measure)| (*name, *measure));
    let mut benchmarks: Vec<(&str, Measure)> = named.collect();
    benchmarks.extend(options.postgres.then_some::<(_, Measure)>(("postgres", on_postgres::run)));
    benchmarks.extend(options.peers.then_some::<(_, Measure)>(("peers", peers::run)));
    benchmarks.extend(options.against.is_some().then_some::<(_, Measure)>((against::NAME, against::run)));
    for (name, measure) in benchmarks {
        println!("\n==> {name}");
        let section = measure(&stage)?;
        println!("\n{}", section.text());
        // What another build was is nothing that a page could say.
        if !(options.print || options.debug || name == against::NAME) {
            report::write(&section)?;
        }
    }
    Ok(())
}

/// What benchmarks share: a folder, and installations that are made when the first of them asks.
struct Stage {
    folder: PathBuf,
    build: Build,
    /// Another build, to be compared with.
    other: Option<Build>,
    rounds: u32,
    seconds: u32,
    many: u64,
    has_peers: bool,
    small: OnceCell<Installation>,
    large: OnceCell<Installation>,
    small_on_postgres: OnceCell<Installation>,
    large_on_postgres: OnceCell<Installation>,
    servers: [OnceCell<Postgres>; 2],
}

/// Tokens in the small installation; as many of the large one are asked for.
const FEW: u64 = 1_000;
/// Users of both.
const USERS: u64 = 10_000;
/// Most tokens of the large installation whose secrets are known.
const MOST_KEPT: u64 = 100_000;

impl Stage {
    fn new(options: &Options) -> Result<Self, Error> {
        let folder = target_folder().join("bench");
        let emptied = match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => fs::create_dir_all(&folder),
        };
        emptied.map_err(|source| Error::Files { what: folder.display().to_string(), source })?;
        Ok(Stage {
            folder,
            build: Build::of_this_tree(!options.debug)?,
            other: options.against.as_deref().map(Build::elsewhere),
            rounds: options.rounds,
            seconds: options.seconds,
            many: options.many,
            has_peers: options.peers,
            small: OnceCell::new(),
            large: OnceCell::new(),
            small_on_postgres: OnceCell::new(),
            large_on_postgres: OnceCell::new(),
            servers: Default::default(),
        })
    }

    /// An installation with [`FEW`] tokens, all of them known.
    fn small(&self) -> Result<&Installation, Error> {
        self.installation(&self.small, "small", FEW, None)
    }

    /// An installation with as many tokens as was asked for.
    fn large(&self) -> Result<&Installation, Error> {
        self.installation(&self.large, "large", self.many, None)
    }

    /// The same two in PostgreSQL.
    fn on_postgres(&self) -> Result<(&Installation, &Installation), Error> {
        let (small, large) = (&self.small_on_postgres, &self.large_on_postgres);
        Ok((
            self.installation(small, "small-on-postgres", FEW, Some(self.database(0)?))?,
            self.installation(large, "large-on-postgres", self.many, Some(self.database(1)?))?,
        ))
    }

    fn database(&self, number: usize) -> Result<String, Error> {
        let place = &self.servers[number];
        if let Some(held) = place.get() {
            return Ok(held.url.clone());
        }
        let held = Postgres::start()?;
        Ok(place.get_or_init(|| held).url.clone())
    }

    fn installation<'a>(
        &self,
        place: &'a OnceCell<Installation>,
        name: &str,
        count: u64,
        database: Option<String>,
    ) -> Result<&'a Installation, Error> {
        if let Some(made) = place.get() {
            return Ok(made);
        }
        let (folder, counts) = (self.folder.join(name), (count, count.min(MOST_KEPT)));
        let made = Installation::make_on(database, &self.build, folder, counts, USERS)?;
        Ok(place.get_or_init(|| made))
    }

    /// What the method of every section ends with.
    fn length(&self) -> String {
        let (rounds, seconds) = (self.rounds, self.seconds);
        format!("{rounds} rounds of {seconds} s each.")
    }
}

/// Some of the texts, evenly spread.
fn spread(texts: &[String], count: usize) -> Vec<String> {
    let step = (texts.len() / count.max(1)).max(1);
    texts.iter().step_by(step).take(count).cloned().collect()
}

/// Texts of a token's form that nobody minted.
fn garbage(count: u64) -> Vec<String> {
    // A multiplicative hash, so that they differ all over: what they are does not matter.
    let digits = |number: u64| format!("{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    (1..=count).map(|number| [1, 2, 3, 4].map(|part| digits(number * 4 + part)).concat()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_spread_evenly() {
        let texts: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        assert_eq!(spread(&texts, 5), ["0", "2", "4", "6", "8"]);
        assert_eq!(spread(&texts, 20).len(), 10);
        assert_eq!(spread(&[], 5), [""; 0]);
    }

    #[test]
    fn garbage_has_the_form_of_a_token() {
        let texts = garbage(1000);
        let distinct: std::collections::HashSet<_> = texts.iter().collect();
        assert_eq!(distinct.len(), 1000);
        assert!(texts.iter().all(|text| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())));
    }
}
