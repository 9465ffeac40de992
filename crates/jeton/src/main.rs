//! `jeton`: a self-hosted access-token service.

mod cli;
mod commands;
mod config;
mod control;
mod doctor;
mod error;
mod files;
mod initialise;
mod installation;
mod log;
mod request;
mod serve;
mod text;

use clap::Parser;
use error::CommandErrorKind;
use std::io::Write;
use std::process::ExitCode;
use tokio::runtime::{Builder, Runtime};

/// Requests allocate and free much on one thread what another one allocated, which the allocator of glibc does slowly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let command = match cli::Cli::try_parse() {
        Ok(command) => command,
        Err(error) => return cli::unparsed(&error),
    };
    if let Err(error) = hold_memory_back() {
        eprint_line(&format!("jeton: this process may leave a core dump: {error}"));
    }
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprint_line(&format!("jeton: {error}"));
            return ExitCode::from(4);
        }
    };
    let ended = runtime.block_on(command.run());
    if matches!(&ended, Err(error) if error.kind == CommandErrorKind::CutShort) {
        // Running tasks are not awaited.
        runtime.shutdown_background();
    }
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => cli::failed(&error),
    }
}

/// Network events are polled after every few tasks: however many connections arrive at once, existing ones
/// are served.
const TASKS_BETWEEN_EVENTS: u32 = 16;

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_multi_thread().enable_all().event_interval(TASKS_BETWEEN_EVENTS).build()
}

/// Keeps the memory of this process, which contains keys and secrets, out of core dumps and from other
/// processes of the same user.
fn hold_memory_back() -> rustix::io::Result<()> {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
}

/// Reports an error to the user. If the output is closed, the exit code is enough.
fn eprint_line(text: &str) {
    drop(writeln!(std::io::stderr(), "{}", cli::printable(text)));
}
