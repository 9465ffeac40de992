//! The first run: where nothing exists yet, everything is created, and the credentials are written to a file for their owner.

use crate::error::CommandError;
use crate::files;
use crate::initialise::{first_credentials, initialise};
use crate::installation::Installation;
use jeton_core::{AppKey, UserId};
use jeton_service::InitialCredentials;
use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

pub(super) async fn make(installation: &Installation) -> Result<Option<InitialCredentials>, CommandError> {
    let app: AppKey = "demo".parse().unwrap_or_else(|_| unreachable!("demo is an app key"));
    let user: UserId = "1".parse().unwrap_or_else(|_| unreachable!("1 is a user id"));
    let store = installation.open_store().await?;
    let made = initialise(installation, &*store, None, &app, user).await;
    store.close().await;
    made
}

fn first_run_path(installation: &Installation) -> PathBuf {
    installation.data_dir.join(files::FIRST_RUN)
}

/// The credentials of a lost installation would be mistaken for those of the new one, which could not be
/// written.
pub(super) fn refuse_older_credentials(installation: &Installation) -> Result<(), CommandError> {
    let path = first_run_path(installation);
    match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(CommandError::unavailable(format!("{}: {error}", path.display()))),
        Ok(_) => Err(CommandError::missing(format!(
            "there are neither keys nor data, but {} of an older installation: restore them, or remove the file",
            path.display()
        ))),
    }
}

/// Warns if the credentials of the first run are still in their file, at a later one.
pub(super) fn warn_of_credentials(installation: &Installation) {
    let path = first_run_path(installation);
    if path.symlink_metadata().is_ok() {
        tracing::warn!(
            "{} still holds credentials in clear: keep them elsewhere and remove it",
            path.display()
        );
    }
}

/// Writes the first credentials to a file of mode 0600.
pub(super) fn keep_credentials(
    installation: &Installation,
    credentials: &InitialCredentials,
) -> Result<(), CommandError> {
    let path = first_run_path(installation);
    let failed = |error: std::io::Error| CommandError::unavailable(format!("{}: {error}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    file.write_all(format!("{}\n", first_credentials(credentials)).as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)
}

/// Says where the first credentials are, and shows them on the terminal, if there is one.
pub(super) fn show_credentials(
    installation: &Installation,
    credentials: &InitialCredentials,
    listened: &str,
) -> Result<(), CommandError> {
    let path = first_run_path(installation);
    tracing::info!("credentials are in {}: keep them elsewhere and remove the file", path.display());
    if std::io::stdout().is_terminal() {
        write_out(&first_screen(credentials, listened, &path))?;
    }
    Ok(())
}

fn first_screen(credentials: &InitialCredentials, listened: &str, path: &Path) -> String {
    let values = first_credentials(credentials);
    let value = |name: &str| values[name].as_str().unwrap_or_default().to_owned();
    let (app, admin) = (value("app_key"), value("admin_token"));
    let create = format!(
        "curl -s {listened}/AccessToken/{app} -H 'Authorization: Bearer {admin}' \
         -H 'Content-Type: application/json' -d '{{\"title\":\"first\",\"permissions\":\"read\"}}'"
    );
    format!(
        "\nThis is a new installation. Keep these credentials, which are also in\n{path}: remove that file then.\n\n\
         app            {app}\n\
         client id      {client_id}\n\
         client secret  {client_secret}\n\
         admin token    {admin}\n\
         operator token {operator}\n\n\
         # issue a token: 200 and its access_token\n{create}\n\n\
         # list the tokens: 200 and what was issued\n\
         curl -s {listened}/AccessToken/{app} -H 'Authorization: Bearer {admin}'\n\n\
         # issue another and ask whether it may read: 200 and who it is\n\
         curl -si '{listened}/auth/{app}?permission=read' \
         -H \"X-Access-Token: $({create} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\"\n\n",
        path = path.display(),
        client_id = value("client_id"),
        client_secret = value("client_secret"),
        operator = value("operator_token"),
    )
}

fn write_out(text: &str) -> Result<(), CommandError> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| CommandError::unavailable(format!("standard output: {error}")))
}
