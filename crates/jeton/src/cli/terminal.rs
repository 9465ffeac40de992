//! Prompts at a terminal.

use crate::error::CommandError;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{BufRead, IsTerminal, Stdin, Write, stdin};
use std::os::fd::AsFd;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

/// The line typed after `prompt`, which is not echoed; `None` if there is no terminal.
///
/// rpassword shows its prompt before it turns the echo off, so that what a program types at once is seen, and a signal of its own
/// ends the process before the terminal is as it was.
pub(crate) async fn ask_secret(prompt: &'static str) -> Result<Option<String>, CommandError> {
    let input = stdin();
    if !input.is_terminal() {
        return Ok(None);
    }
    let failed = |error: std::io::Error| CommandError::unavailable(format!("the terminal: {error}"));
    // From here on, an interrupt does not end this process before the terminal is as it was.
    let mut interrupts = signal(SignalKind::interrupt()).map_err(failed)?;
    let _hidden = Hidden::hide(&input).map_err(failed)?;
    writeln!(std::io::stderr(), "{prompt} (not shown):").map_err(failed)?;
    let (sender, typed) = oneshot::channel();
    // It waits for as long as nothing is typed: nobody waits for it.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = stdin().lock().read_line(&mut line);
        // Nobody receives it after an interrupt.
        drop(sender.send(read.map(|bytes| (bytes > 0).then_some(line))));
    });
    tokio::select! {
        _ = interrupts.recv() => Err(CommandError::unavailable("interrupted")),
        typed = typed => match typed {
            Ok(Ok(Some(line))) => Ok(Some(line)),
            Ok(Ok(None)) | Err(_) => Err(CommandError::usage(format!("no {prompt} was typed"))),
            Ok(Err(error)) => Err(failed(error)),
        },
    }
}

/// A terminal with echo disabled, until this is dropped.
struct Hidden<'a> {
    input: &'a Stdin,
    before: Termios,
}

impl<'a> Hidden<'a> {
    fn hide(input: &'a Stdin) -> std::io::Result<Self> {
        let before = tcgetattr(input.as_fd())?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(input.as_fd(), OptionalActions::Flush, &hidden)?;
        Ok(Hidden { input, before })
    }
}

impl Drop for Hidden<'_> {
    fn drop(&mut self) {
        if let Err(error) = tcsetattr(self.input.as_fd(), OptionalActions::Now, &self.before) {
            tracing::debug!("the terminal is gone: {error}");
        }
    }
}
