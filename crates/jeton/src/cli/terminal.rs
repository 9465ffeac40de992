//! Prompts at a terminal.

use crate::error::CommandError;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{BufRead, IsTerminal, Stdin, Write, stdin};
use std::os::fd::AsFd;

/// The line typed after `prompt`, which is not echoed; `None` if there is no terminal.
pub(crate) fn ask_secret(prompt: &'static str) -> Result<Option<String>, CommandError> {
    let input = stdin();
    if !input.is_terminal() {
        return Ok(None);
    }
    let failed = |error: std::io::Error| CommandError::unavailable(format!("the terminal: {error}"));
    let _hidden = Hidden::hide(&input).map_err(failed)?;
    writeln!(std::io::stderr(), "{prompt} (not shown):").map_err(failed)?;
    let mut line = String::new();
    input.lock().read_line(&mut line).map_err(failed)?;
    Ok(Some(line))
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
