//! `jeton token import`

mod line;
mod source;

use super::output;
use super::progress::Progress;
use super::token_args::ImportArgs;
use crate::control::Executor;
use crate::error::CommandError;
use crate::request::Request;
use crate::serve::Signals;
use crate::text::named_file;
use serde_json::{Value, json};
use source::{Batch, Refused, Source};

/// How many refused lines the answer lists. Each is told when it is refused.
const LISTED_REFUSALS: usize = 1_000;

pub(super) async fn import(args: ImportArgs) -> Result<(), CommandError> {
    let installation = args.target.installation.resolve()?;
    let source = Source::open(args.file.as_deref())?;
    let mut import = Import {
        executor: Executor::of(&installation),
        progress: Progress::of_bytes("importing", source.size),
        source,
        done: Done::default(),
        args: &args,
    };
    let ended = import.run().await;
    let Import { executor, progress, done, .. } = import;
    drop(progress);
    executor.close().await;
    if args.json {
        output::write_json(&done.answer(&args, ended.is_ok()))?;
    } else {
        output::write(&done.told())?;
    }
    if done.shortened > 0 {
        output::note(&format!(
            "{} of them expire sooner than their lines say: max_ttl_seconds of the app limits them",
            done.shortened
        ));
    }
    match ended {
        Err(error) => Err(done.broken_off(&error, &args)),
        Ok(()) if done.refused > 0 => Err(CommandError::refused("some lines were not imported")),
        Ok(()) => Ok(()),
    }
}

/// An import under way.
struct Import<'i> {
    executor: Executor<'i>,
    source: Source,
    progress: Progress,
    done: Done,
    args: &'i ImportArgs,
}

impl Import<'_> {
    /// Imports to the end, or until a signal or an error ends it between two batches.
    async fn run(&mut self) -> Result<(), CommandError> {
        let mut signals = Signals::listen()?;
        loop {
            let batch = tokio::select! {
                biased;
                () = signals.stop() => return Err(CommandError::unavailable("stopped")),
                batch = self.source.next() => batch?,
            };
            let Some(batch) = batch else { return Ok(()) };
            self.take(batch).await?;
        }
    }

    async fn take(&mut self, batch: Batch) -> Result<(), CommandError> {
        let Batch { rows, refused, last_line, end, .. } = batch;
        let mut refused = refused;
        if !rows.is_empty() {
            let (app, allow_weak) = (self.args.target.app.clone(), self.args.allow_weak);
            let answer = self.executor.ask(Request::TokenImport { app, rows, allow_weak }).await?;
            let of_rows = answer["refused"].as_array().into_iter().flatten();
            refused.extend(of_rows.filter_map(|refused| {
                let reason = refused["reason"].as_str()?.to_owned();
                Some(Refused { line: refused["line"].as_u64()?, reason })
            }));
            self.done.add(&answer, self.args.resume);
        }
        refused.sort_by_key(|refused| refused.line);
        for Refused { line, reason } in refused {
            self.done.refuse(line, &reason, self.args.json, &self.progress);
        }
        self.done.last_line = last_line;
        self.progress.show_bytes(end, &format!("{} imported", self.done.imported));
        Ok(())
    }
}

/// What was done so far.
#[derive(Default)]
struct Done {
    imported: u64,
    /// Found there by an import that resumes, before the first that was not.
    resumed: u64,
    duplicates: u64,
    shortened: u64,
    refused: u64,
    /// The first of them.
    refusals: Vec<Value>,
    last_line: u64,
}

impl Done {
    fn add(&mut self, answer: &Value, resumes: bool) {
        let count = |member: &str| answer[member].as_u64().unwrap_or(0);
        let is_there = resumes && self.imported == 0;
        *(if is_there { &mut self.resumed } else { &mut self.duplicates }) += count("duplicates");
        self.imported += count("imported");
        self.shortened += count("shortened");
    }

    /// Tells of a line that is not imported.
    fn refuse(&mut self, line: u64, reason: &str, as_json: bool, progress: &Progress) {
        let refusal = json!({"line": line, "reason": reason});
        progress.suspend(|| {
            if as_json {
                output::complain(&refusal.to_string());
            } else {
                if self.refused == 0 {
                    output::complain("    LINE  REASON");
                }
                output::complain(&format!("{line:>8}  {reason}"));
            }
        });
        self.refused += 1;
        if self.refusals.len() < LISTED_REFUSALS {
            self.refusals.push(refusal);
        }
    }

    fn answer(&self, args: &ImportArgs, is_complete: bool) -> Value {
        let (imported, duplicates, refused) = (self.imported, self.duplicates, &self.refusals);
        let mut answer = json!({"imported": imported, "duplicates": duplicates, "refused": refused});
        if self.refused > refused.len() as u64 {
            answer["refused_count"] = self.refused.into();
        }
        if args.resume {
            answer["resumed"] = self.resumed.into();
        }
        if !is_complete {
            answer["last_line"] = self.last_line.into();
        }
        answer
    }

    fn told(&self) -> String {
        let Done { imported, resumed, duplicates, refused, .. } = self;
        let there = if *resumed > 0 { format!(", {resumed} were there from before") } else { String::new() };
        format!("{imported} imported{there}, {duplicates} duplicates, {refused} refused\n")
    }

    /// Why it ended before the end of the input, and how to go on.
    fn broken_off(&self, error: &CommandError, args: &ImportArgs) -> CommandError {
        let app = &args.target.app;
        let again = match named_file(args.file.as_deref()) {
            Some(file) => format!("jeton token import --app {app} {} --resume", file.display()),
            None => format!("jeton token import --app {app} --resume, with the same input"),
        };
        let message = match self.last_line {
            0 => format!("{}: nothing was imported", error.message),
            line => format!("{}: done up to line {line}. Continue with {again}", error.message),
        };
        CommandError { kind: error.kind, message }
    }
}
