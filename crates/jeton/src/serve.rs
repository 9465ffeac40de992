//! `jeton serve`: from an empty directory, or what was initialised there, to a service that answers.

use crate::cli::{ServeArgs, first_credentials, initialise};
use crate::control;
use crate::descriptors;
use crate::failure::Failure;
use crate::place::Place;
use jeton_core::{AppKey, UserId};
use jeton_http::{Listener, ServerLimits, Tls, TlsError};
use jeton_service::{InitialCredentials, Retention};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{IsTerminal, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

pub(crate) async fn run(args: ServeArgs) -> Result<(), Failure> {
    crate::log::start();
    refuse_clear_text(&args)?;
    let tls = load_tls(&args)?;
    let is_new = args.listen.ip().is_loopback() && args.place.is_empty().await?;
    if is_new {
        refuse_older_credentials(&args.place)?;
    }
    // Keys in the environment and data in PostgreSQL need no directory, but the control socket does.
    if is_new || (args.place.database_url.is_some() && args.place.keys()?.is_some()) {
        args.place.make_data_dir()?;
    }
    let lock = lock(&args.place)?;
    let public = listen(args.listen).await?;
    let admin = listen(args.admin_listen).await?;
    let control = if lock.is_some() { Some(control::bind(&args.place)?) } else { None };
    let mut signals = Signals::listen()?;
    let address = public.local_addr().map_err(|error| Failure::unavailable(error.to_string()))?;
    let admin_address = admin.local_addr().map_err(|error| Failure::unavailable(error.to_string()))?;

    // Whatever this machine may refuse was asked for above: the first credentials, once made, are shown.
    let credentials = if is_new { first_run(&args.place).await? } else { None };
    let service = args.place.open_service().await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listened = format!("{scheme}://{address}");
    let public_url = args
        .public_url
        .unwrap_or_else(|| listened.parse().unwrap_or_else(|_| unreachable!("an address makes a URL")));

    let (stop, stopped) = watch::channel(false);
    let stopping = || {
        let mut stopped = stopped.clone();
        async move {
            // An error means that the sender is gone, and that means stop too.
            drop(stopped.wait_for(|stop| *stop).await);
        }
    };
    let limits = ServerLimits::default().within_descriptors(descriptors::raise_limit());
    let public = Listener { tcp: public, tls };
    let servers = async {
        tokio::join!(
            jeton_http::serve(public, jeton_http::public(service.clone(), public_url), limits, stopping()),
            jeton_http::serve(admin, jeton_http::admin(service.clone()), limits.for_operators(), stopping()),
            service.keep(Retention::default(), stopping()),
            service.follow_changes(stopping()),
            async {
                if let Some(control) = control {
                    control.serve(service.clone(), stopping()).await;
                }
            },
        )
    };
    tracing::info!("listening on {listened}");
    tracing::info!("admin listening on http://{admin_address}");
    if let Some(credentials) = credentials {
        show_credentials(&args.place, &credentials, &listened)?;
    }
    let ended = async {
        signals.next().await;
        tracing::info!("stopping: requests under way are finished");
        stop.send_replace(true);
    };
    tokio::join!(servers, ended);
    service.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Tokens do not travel in clear beyond this machine.
fn refuse_clear_text(args: &ServeArgs) -> Result<(), Failure> {
    if !(args.listen.ip().is_loopback() || args.behind_proxy || args.tls_cert.is_some()) {
        return Err(Failure::usage(
            "tokens must not travel in clear: name a certificate by --tls-cert and --tls-key, or put a proxy that speaks \
             TLS in front and say --behind-proxy, or listen on a loopback address",
        ));
    }
    if !args.admin_listen.ip().is_loopback() && !args.behind_proxy {
        return Err(Failure::usage("the admin address is a loopback one, unless --behind-proxy"));
    }
    Ok(())
}

/// The certificate that clients are shown, if this server speaks TLS.
fn load_tls(args: &ServeArgs) -> Result<Option<Arc<Tls>>, Failure> {
    let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) else { return Ok(None) };
    let tls = Tls::load(certificate, key).map_err(|error: TlsError| Failure::missing(error.to_string()))?;
    Ok(Some(Arc::new(tls)))
}

/// The signals that ask a server to stop.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let listen = |kind| signal(kind).map_err(|error| Failure::unavailable(error.to_string()));
        Ok(Signals {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Holds the data directory for this server. `None`: another server holds it, and the data is in PostgreSQL, which any
/// number of servers share; then that one answers commands.
fn lock(place: &Place) -> Result<Option<File>, Failure> {
    let path = place.lock_path();
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let name = place.data_dir.display();
            return Err(Failure::missing(format!(
                "there is no {name}: run jeton init, or name another --data-dir"
            )));
        }
        Err(error) => return Err(Failure::unavailable(format!("{}: {error}", path.display()))),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) if place.database_url.is_some() => Ok(None),
        Err(TryLockError::WouldBlock) => Err(Failure::unavailable(format!(
            "another jeton serve is running on {}",
            place.data_dir.display()
        ))),
        Err(TryLockError::Error(error)) => Err(Failure::unavailable(format!("{}: {error}", path.display()))),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, Failure> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|error| Failure::unavailable(format!("cannot listen on {address}: {error}")))
}

async fn first_run(place: &Place) -> Result<Option<InitialCredentials>, Failure> {
    let app: AppKey = "demo".parse().unwrap_or_else(|_| unreachable!("demo is an app key"));
    let user: UserId = "1".parse().unwrap_or_else(|_| unreachable!("1 is a user id"));
    let store = place.open_store().await?;
    let made = initialise(place, &*store, None, &app, user).await;
    store.close().await;
    made
}

fn first_run_path(place: &Place) -> PathBuf {
    place.data_dir.join("first-run.json")
}

/// Credentials of an installation that is gone would be taken for those of the new one, which could not be written.
fn refuse_older_credentials(place: &Place) -> Result<(), Failure> {
    let path = first_run_path(place);
    match path.symlink_metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Failure::unavailable(format!("{}: {error}", path.display()))),
        Ok(_) => Err(Failure::missing(format!(
            "there are neither keys nor data, but {} of an older installation: restore them, or remove the file",
            path.display()
        ))),
    }
}

/// Shows the first credentials once: on the terminal, or in a file of mode 0600.
fn show_credentials(place: &Place, credentials: &InitialCredentials, listened: &str) -> Result<(), Failure> {
    if std::io::stdout().is_terminal() {
        return write_out(&first_screen(credentials, listened));
    }
    let path = first_run_path(place);
    let failed = |error: std::io::Error| Failure::unavailable(format!("{}: {error}", path.display()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
    file.write_all(format!("{}\n", first_credentials(credentials)).as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    tracing::info!("credentials are in {}: read them and remove the file", path.display());
    Ok(())
}

fn first_screen(credentials: &InitialCredentials, listened: &str) -> String {
    let values = first_credentials(credentials);
    let value = |name: &str| values[name].as_str().unwrap_or_default().to_owned();
    let (app, admin) = (value("app_key"), value("admin_token"));
    let create = format!(
        "curl -s {listened}/AccessToken/{app} -H 'Authorization: Bearer {admin}' \
         -H 'Content-Type: application/json' -d '{{\"title\":\"first\",\"permissions\":\"read\"}}'"
    );
    format!(
        "\nThis is a new installation. Keep these credentials: they are shown once.\n\n\
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
        client_id = value("client_id"),
        client_secret = value("client_secret"),
        operator = value("operator_token"),
    )
}

fn write_out(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| Failure::unavailable(format!("standard output: {error}")))
}
