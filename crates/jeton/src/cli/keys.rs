//! `jeton keys`

use super::output;
use crate::config::InstallationFlags;
use crate::control::ask;
use crate::error::CommandError;
use crate::request::Request;
use clap::{Args, Subcommand};

/// How long the servers of a PostgreSQL database have to read the ring again, which each does every second.
const PAUSE_SECONDS: u64 = 10;

/// Show the keys of the ring, add one in the place of another, and retire the other
#[derive(Subcommand, Debug)]
pub(crate) enum KeysCommand {
    /// Show the keys, what needs each of them, and how much is left to be given to the current one
    Status(StatusArgs),
    /// Add a key to the ring, and make it the one that writes
    ///
    /// What older keys have made is given to it while the server runs; then they can be retired. An added key that was not made the
    /// current one is taken again.
    Add(AddArgs),
    /// Make a key the one that writes, once all servers have it
    Activate(ActivateArgs),
    /// Give what older keys have made to the current one now, which a running server does by itself
    Rekey(StatusArgs),
    /// Remove an older key from the ring; refused while something needs it
    ///
    /// Backups that were made until now need the ring as it is now: keep a copy of keys.json with them.
    Retire(ActivateArgs),
}

#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// Only add it: copy keys.json to all servers, then make it the current one with jeton keys activate
    #[arg(long)]
    only: bool,
    /// Seconds until it is the current one, in which all servers read the ring [default: 10 with PostgreSQL, 0 else]
    #[arg(long, value_name = "SECONDS", conflicts_with = "only")]
    pause: Option<u64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ActivateArgs {
    #[command(flatten)]
    installation: InstallationFlags,
    /// The number of the key
    id: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

impl KeysCommand {
    pub(crate) async fn run(self) -> Result<(), CommandError> {
        match self {
            KeysCommand::Status(args) => {
                let status = ask(&args.installation.resolve()?, Request::KeysStatus).await?;
                if args.json {
                    return output::write_json(&status);
                }
                output::write(&table(&status))
            }
            KeysCommand::Add(args) => {
                let installation = args.installation.resolve()?;
                let pause = args.pause.unwrap_or(match installation.database_url {
                    Some(_) => PAUSE_SECONDS,
                    None => 0,
                });
                let pause_seconds = (!args.only).then_some(pause);
                output::write_one(&ask(&installation, Request::KeysAdd { pause_seconds }).await?, args.json)
            }
            KeysCommand::Activate(args) => {
                let done = ask(&args.installation.resolve()?, Request::KeysActivate { id: args.id }).await?;
                output::write_one(&done, args.json)
            }
            KeysCommand::Rekey(args) => {
                let done = ask(&args.installation.resolve()?, Request::KeysRekey).await?;
                output::write_one(&done, args.json)
            }
            KeysCommand::Retire(args) => {
                let done = ask(&args.installation.resolve()?, Request::KeysRetire { id: args.id }).await?;
                output::write_one(&done, args.json)
            }
        }
    }
}

/// A line for each key, and one for the progress.
fn table(status: &serde_json::Value) -> String {
    let mut text = String::new();
    for key in status["keys"].as_array().into_iter().flatten() {
        let names = key["needed_by"].as_object();
        let uses: Vec<String> = names
            .into_iter()
            .flatten()
            .map(|(name, rows)| format!("{rows} {}", name.replace('_', " ")))
            .collect();
        let mut uses = uses.join(", ");
        if key["begun"] != 0 {
            let begun = format!("{} digests begin with it", key["begun"]);
            uses = if uses.is_empty() { begun } else { format!("{uses}, {begun}") };
        }
        let uses = if uses.is_empty() { "needed by nothing".to_owned() } else { uses };
        text += &format!("key {}\t{}\t{uses}\n", key["id"], key["state"].as_str().unwrap_or_default());
    }
    for missing in status["missing"].as_array().into_iter().flatten() {
        text += &format!("key {missing}\tmissing\tcopy the key ring to this server\n");
    }
    let progress = &status["rekeying"];
    text + &format!(
        "{} of {} rows made by the current key ({} %){}\n",
        progress["done"],
        progress["total"],
        progress["percent"],
        if progress["running"] == true && progress["done"] != progress["total"] {
            ", the rest is being given to it"
        } else {
            ""
        }
    )
}
