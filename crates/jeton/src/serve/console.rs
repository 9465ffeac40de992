//! Where the console is, and a link that signs in whoever starts the server.

use crate::error::CommandError;
use jeton_service::{SIGN_IN_LINK_LIFE, Service};
use std::io::{IsTerminal, Write};

/// Says where the console is. On a terminal, if browsers reach the admin address from this machine alone, with a link that signs in
/// once: it is a secret, and goes into no log.
pub(super) fn show(service: &Service, admin_listened: &str, is_local: bool) -> Result<(), CommandError> {
    let console = format!("{admin_listened}/console/");
    if !std::io::stdout().is_terminal() || !is_local {
        tracing::info!("console at {console}");
        return Ok(());
    }
    let failed = |error: &dyn std::fmt::Display| CommandError::unavailable(error.to_string());
    let secret = service.offer_sign_in().map_err(|error| failed(&error))?;
    let minutes = SIGN_IN_LINK_LIFE.as_secs() / 60;
    let mut out = std::io::stdout().lock();
    let text = format!(
        "\nconsole        {console}\n\
         sign in        {console}enter?link={}\n\
         \x20              (once, within {minutes} minutes, from this machine)\n\n",
        secret.expose()
    );
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| failed(&error))
}
