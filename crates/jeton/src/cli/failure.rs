//! How a command says that it failed: a line on standard error, or one JSON object there, if `--json` was given.

use super::output::complain;
use crate::error::{CommandError, CommandErrorKind};
use serde_json::json;
use std::process::ExitCode;

/// Tells why a command failed, and answers its exit code.
pub(crate) fn failed(error: &CommandError) -> ExitCode {
    match error.kind {
        CommandErrorKind::Unread => {}
        kind if is_json() => complain(&as_json(kind, &error.message)),
        _ => complain(&format!("jeton: {error}")),
    }
    error.exit_code()
}

/// The same where the arguments make no sense, or only ask for help.
pub(crate) fn unparsed(error: &clap::Error) -> ExitCode {
    if is_json() && error.use_stderr() {
        let text = error.render().to_string();
        let message = text.trim().strip_prefix("error: ").unwrap_or(text.trim()).to_owned();
        return failed(&CommandError::usage(message));
    }
    // Whoever closed the output does not want it.
    drop(error.print());
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}

fn is_json() -> bool {
    std::env::args_os().skip(1).take_while(|argument| argument != "--").any(|argument| argument == "--json")
}

fn as_json(kind: CommandErrorKind, message: &str) -> String {
    json!({"error": kind, "exit_code": kind.exit_code(), "message": message}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_for_programs_say_what_kind_they_are() {
        assert_eq!(
            as_json(CommandErrorKind::Refused, "there is no app \"x\""),
            r#"{"error":"refused","exit_code":1,"message":"there is no app \"x\""}"#
        );
    }
}
