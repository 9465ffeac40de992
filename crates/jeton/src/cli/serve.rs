//! `jeton serve`: its arguments. What it does is in `crate::serve`.

use crate::config::ServeFlags;
use clap::Args;

/// Run the service
///
/// Where neither keys nor data exist, and the address is a loopback one, this makes them first, with an app named demo,
/// and shows the credentials: on the terminal, or without one in DATA_DIR/first-run.json.
///
/// On SIGTERM or SIGINT it stops taking requests, finishes those under way and ends; a second one ends it at once. On
/// SIGHUP it reads its settings again.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) flags: ServeFlags,
}
