//! `jeton copy`

mod error;
mod place;

use super::output;
use super::progress::Progress;
use crate::error::CommandError;
use crate::files;
use crate::installation;
use crate::serve::Signals;
use clap::Args;
use error::{Explained, keys_do_not_fit};
use jeton_core::Timestamp;
use jeton_service::{KeyRing, Keys, write_key_file};
use jeton_store::{CopiedTable, CopyError, CopyOptions, CopyPhase, CopyProgress, CopySource, KeyCheck};
use place::Place;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};

/// Copy everything to another database, of either engine, and verify the copy
///
/// The servers of both are stopped first. The source is only read; the target must be empty. An interrupted copy is continued with
/// --resume, and nothing else can use it before it is complete and verified. Between two data directories the keys are copied, too.
#[derive(Args, Debug)]
pub(crate) struct CopyArgs {
    /// What to copy: a data directory, or the postgres:// URL of a database. Its password may be in PGPASSWORD
    #[arg(long, value_name = "DIR|URL")]
    from: Place,
    /// Where to copy it: a data directory, which may be missing, or the URL of an empty database
    #[arg(long, value_name = "DIR|URL")]
    to: Place,
    /// Continue an interrupted copy of the same source
    #[arg(long)]
    resume: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The most rows of one commit
    #[arg(long, hide = true, default_value_t = CopyOptions::default().page_rows)]
    page_rows: usize,
}

/// Where the target's servers find the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyPlace {
    /// In its directory, into which they were copied.
    Copied,
    /// In its directory, where they were before.
    There,
    /// In the environment.
    InEnvironment,
    /// Nowhere yet, as far as is known here.
    Elsewhere,
}

impl KeyPlace {
    /// The name in JSON, and what people are told.
    fn said(self) -> (&'static str, &'static str) {
        match self {
            KeyPlace::Copied => ("copied", "keys.json was copied, too."),
            KeyPlace::There => ("there", "The keys in keys.json are those of the copy."),
            KeyPlace::InEnvironment => ("environment", "The keys in JETON_KEYS are those of the copy."),
            KeyPlace::Elsewhere => (
                "elsewhere",
                "The keys are in no database: give the servers of the copy the keys.json (or JETON_KEYS) of the source.",
            ),
        }
    }
}

pub(crate) async fn run(args: CopyArgs) -> Result<(), CommandError> {
    let (from, to) = (args.from.database("--from")?, args.to.database("--to")?);
    if is_same(&args.from, &args.to) {
        return Err(CommandError::usage(format!("--from and --to are the same: {}", args.from)));
    }
    let explained = Explained { from: &args.from, to: &args.to };
    let _from_lock = args.from.lock()?;
    let source = CopySource::open(&from).await.map_err(|error| explained.of(error))?;
    let ring = check_keys(&args, source.key_checks())?;
    if let (Some(path), false) = (args.to.directory(), args.resume) {
        installation::make_data_dir(path)?;
    }
    let _to_lock = args.to.lock()?;

    let mut run = Run::begin();
    let (is_to_end, mut signals) = (AtomicBool::new(false), Signals::listen()?);
    let mut watch = |progress| run.on(progress, &is_to_end);
    let (source_name, page_rows) = (args.from.to_string(), args.page_rows);
    let options = CopyOptions { resumes: args.resume, source_name, page_rows };
    let copied = tokio::select! {
        copied = source.copy_to(&to, &options, &mut watch) => copied,
        // The first signal ends it with the next commit, the second one at once.
        () = async { signals.stop().await; is_to_end.store(true, Ordering::Relaxed); signals.stop().await } => {
            Err(CopyError::Stopped)
        }
    };
    let seconds = run.end();
    let copied = copied.map_err(|error| match error {
        CopyError::Stopped => explained.stopped(run.last),
        error => explained.broken_off(error, run.last),
    })?;
    let keys = place_keys(&args, ring.as_ref())?;
    let done = report(&args, copied.tables(), keys, seconds);
    copied.finish(new_epoch()?).await.map_err(|error| explained.of(error))?;
    if args.json { output::write_json(&done) } else { output::write(&told(&args, &done, keys)) }
}

/// Whether both name one thing, as far as that can be seen from here.
fn is_same(from: &Place, to: &Place) -> bool {
    match (from, to) {
        (Place::Directory(from), Place::Directory(to)) => {
            let real = |path| std::fs::canonicalize(path).ok();
            from == to || real(from).is_some_and(|from| Some(from) == real(to))
        }
        (Place::Database(from), Place::Database(to)) => from == to,
        _ => false,
    }
}

/// Checks all keys that are at hand against those that the source was written with, and answers those of the source's directory.
fn check_keys(args: &CopyArgs, checks: &[KeyCheck]) -> Result<Option<KeyRing>, CommandError> {
    let fits = |ring: &Option<KeyRing>, place: &str| match ring {
        Some(ring) => {
            Keys::settled(ring, checks).map(drop).map_err(|error| keys_do_not_fit(place, &args.from, &error))
        }
        None => Ok(()),
    };
    let in_environment = installation::keys_in_environment()?;
    fits(&in_environment, "JETON_KEYS")?;
    let mut of_source = None;
    for (place, is_source) in [(&args.from, true), (&args.to, false)] {
        let Some(path) = place.directory().filter(|_| in_environment.is_none()) else { continue };
        let ring = installation::keys_in(path)?;
        fits(&ring, &path.join(files::KEYS).display().to_string())?;
        if is_source {
            of_source = ring;
        }
    }
    Ok(of_source)
}

/// Puts the keys into the target's directory, if both sides are directories: before its database can be used.
fn place_keys(args: &CopyArgs, ring: Option<&KeyRing>) -> Result<KeyPlace, CommandError> {
    if installation::keys_in_environment()?.is_some() {
        return Ok(KeyPlace::InEnvironment);
    }
    let Some(path) = args.to.directory() else { return Ok(KeyPlace::Elsewhere) };
    if installation::keys_in(path)?.is_some() {
        return Ok(KeyPlace::There);
    }
    let Some(ring) = ring else { return Ok(KeyPlace::Elsewhere) };
    write_key_file(&path.join(files::KEYS), ring)?;
    Ok(KeyPlace::Copied)
}

fn new_epoch() -> Result<i64, CommandError> {
    let bytes = installation::entropy().bytes::<8>();
    bytes.map(i64::from_be_bytes).map_err(|error| CommandError::unavailable(error.to_string()))
}

/// How far this run is, and how long it took.
struct Run {
    progress: Option<Progress>,
    begun: Timestamp,
    /// When the comparison began.
    copied: Option<Timestamp>,
    last: Option<CopyProgress>,
}

/// Of the copying and of the comparison.
type Seconds = (f64, f64);

impl Run {
    fn begin() -> Self {
        let (begun, progress) = (installation::clock().now(), Some(Progress::new()));
        Run { progress, begun, copied: None, last: None }
    }

    fn on(&mut self, progress: CopyProgress, is_to_end: &AtomicBool) -> ControlFlow<()> {
        let what = match progress.phase {
            CopyPhase::Copying => "copying rows",
            CopyPhase::Verifying => "verifying rows",
        };
        if progress.phase == CopyPhase::Verifying && self.copied.is_none() {
            self.copied = Some(installation::clock().now());
        }
        if let Some(shown) = &mut self.progress {
            shown.show(what, progress.done, progress.total);
        }
        self.last = Some(progress);
        if is_to_end.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Shows nothing more.
    fn end(&mut self) -> Seconds {
        self.progress = None;
        let now = installation::clock().now();
        let copied = self.copied.unwrap_or(now);
        let seconds = |from: Timestamp, to: Timestamp| (to.as_millis() - from.as_millis()) as f64 / 1e3;
        (seconds(self.begun, copied), seconds(copied, now))
    }
}

/// What was done, as it is printed.
fn report(args: &CopyArgs, tables: &[CopiedTable], keys: KeyPlace, (copying, verifying): Seconds) -> Value {
    let table = |table: &CopiedTable| json!({"name": table.name, "rows": table.rows, "digest": table.digest});
    let rows: u64 = tables.iter().map(|table| table.rows).sum();
    json!({
        "from": args.from.to_string(),
        "to": args.to.to_string(),
        "resumed": args.resume,
        "verified": true,
        "rows": rows,
        "tables": tables.iter().map(table).collect::<Vec<_>>(),
        "keys": keys.said().0,
        "seconds": {"copying": copying, "verifying": verifying},
    })
}

/// The same for people.
fn told(args: &CopyArgs, done: &Value, keys: KeyPlace) -> String {
    let tables = done["tables"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |table: &Value| {
        let (name, digest) = (table["name"].as_str(), table["digest"].as_str());
        let rows = table["rows"].to_string();
        format!("{:18}{rows:>12} rows  sha256 {}\n", name.unwrap_or_default(), digest.unwrap_or_default())
    };
    let lines: String = tables.iter().map(line).collect();
    let serve = match &args.to {
        Place::Directory(_) => "--data-dir",
        Place::Database(_) | Place::Unknown => "--database-url",
    };
    format!(
        "{lines}{} rows in {} tables: their numbers and digests are the same on both sides.\n{}\n\
         Do not start a server on {} again: go on with jeton serve {serve} {}\n",
        done["rows"],
        tables.len(),
        keys.said().1,
        output::printable(&args.from.to_string()),
        output::printable(&args.to.to_string()),
    )
}
