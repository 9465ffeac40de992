//! `jeton config ...`

use super::list_form::ListForm;
use super::output;
use crate::config::{Decided, Effective, ServeFlags, read_file};
use crate::error::CommandError;
use clap::{Args, Subcommand};
use serde_json::json;
use std::path::PathBuf;

/// Show the settings, and check a settings file
#[derive(Subcommand, Debug)]
pub(crate) enum ConfigCommand {
    Show(ConfigShowArgs),
    Check(ConfigCheckArgs),
}

/// Show each setting as a server with these flags would use it, and where it comes from. Passwords are hidden
#[derive(Args, Debug)]
pub(crate) struct ConfigShowArgs {
    #[command(flatten)]
    flags: ServeFlags,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Check that a file contains valid settings only. Reports the first invalid line, exit 2
#[derive(Args, Debug)]
pub(crate) struct ConfigCheckArgs {
    /// The file
    file: PathBuf,
}

impl ConfigCommand {
    pub(crate) fn run(self) -> Result<(), CommandError> {
        match self {
            ConfigCommand::Show(args) => show(&args.flags.load()?.effective, args.json),
            ConfigCommand::Check(args) => {
                let count = read_file(&args.file)?.len();
                output::write(&format!("{}: settings: {count}\n", args.file.display()))
            }
        }
    }
}

fn show(effective: &Effective, json: bool) -> Result<(), CommandError> {
    if json {
        let member = |decided: &Decided| {
            let entry = json!({"value": decided.shown(), "from": decided.origin.to_string()});
            (decided.setting.name.to_owned(), entry)
        };
        let settings: serde_json::Map<_, _> = effective.settings.iter().map(member).collect();
        let file = effective.file.as_ref().map(|path| path.display().to_string());
        return output::write_json(&json!({"config": file, "settings": settings}));
    }
    let mut list = ListForm::FOR_PEOPLE.list(&["name", "value", "from"]);
    for decided in &effective.settings {
        list.add(&json!({
            "name": decided.setting.name,
            "value": decided.shown(),
            "from": decided.origin.to_string(),
        }))?;
    }
    list.end()
}
