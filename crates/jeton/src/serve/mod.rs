//! `jeton serve`: the life of a server, from an empty or initialised directory to its end.

mod certificates;
mod clock;
mod console;
mod first_run;
mod reload;
mod requests;
mod signals;
mod sockets;
mod systemd;

use crate::config::{Config, ProcessEnvironment, ServeFlags, mistyped};
use crate::control::{self, ControlSocket};
use crate::error::CommandError;
use crate::files;
use crate::installation::{self, Installation, not_a_directory};
use certificates::Certificates;
use clap::Args;
use jeton_http::{Listener, Observer, Phase, PublicUrl, Readiness, ServerLimits, Setup, Tls};
use jeton_service::Service;
use reload::Reloader;
use requests::Requests;
use signals::SignalAction;
pub(crate) use signals::Signals;
use sockets::Sockets;
use std::fs::File;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How long recorded token use may exist in this process alone: what a crash would lose.
const USAGE_PAUSE: Duration = Duration::from_secs(5);
/// How often uses of limited tokens that were reserved and not made are given back.
const PORTIONS_PAUSE: Duration = Duration::from_secs(1);
/// By how much a verdict may count in a later minute than its own.
const HISTORY_PAUSE: Duration = Duration::from_secs(5);

/// Run the service
///
/// Where neither keys nor data exist, and the address is a loopback one, this creates them first, with an app
/// named demo, and writes the credentials to DATA_DIR/first-run.json; on a terminal it shows them as well.
///
/// On SIGTERM or SIGINT it stops accepting requests, finishes those in progress and ends; a second one ends
/// it at once. On SIGHUP it reads its settings and its key ring again; a ring that is replaced in its file is read within a second.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    flags: ServeFlags,
}

pub(crate) async fn run(args: ServeArgs) -> Result<(), CommandError> {
    let mut config = args.flags.load()?;
    let log = crate::log::start(config.log_format, config.reloadable.log_level);
    for (name, near) in mistyped(&ProcessEnvironment) {
        tracing::warn!("{name} in the environment is not a setting: did you mean {near}?");
    }
    config.installation.sqlite_options.stamp = Some(stamp()?);
    let installation = &config.installation;
    let (version, engine) = (env!("CARGO_PKG_VERSION"), installation.engine());
    tracing::info!("jeton {version} on {engine}, data directory {}", installation.data_dir.display());
    let sockets = Sockets::take(&config)?;
    sockets.check(&config)?;
    let certificates = Certificates::load(&config, sockets.admin_is_loopback()?)?;
    let is_new = sockets.public_is_loopback()? && installation.is_empty().await?;
    if is_new {
        first_run::refuse_older_credentials(installation)?;
    } else {
        first_run::warn_of_credentials(installation);
    }
    // Keys in the environment and data in PostgreSQL need no directory, but the control socket does.
    if is_new || (installation.database_url.is_some() && installation.keys()?.is_some()) {
        installation.make_data_dir()?;
    }
    let lock = lock(installation)?;
    if installation.is_writable_by_others() {
        let name = installation.data_dir.display();
        tracing::warn!(
            "{name} can be changed by other users than its owner, who could replace the keys: chmod go-w"
        );
    }
    let is_admin_local = sockets.admin_is_loopback()?;
    let sockets = sockets.listen(config.listen_backlog)?;
    let control = if lock.is_some() { Some(control::bind(installation)?) } else { None };
    let signals = Signals::listen()?;
    let scheme = |tls: &Option<Arc<Tls>>| if tls.is_some() { "https" } else { "http" };
    let listened = format!("{}://{}", scheme(&certificates.public), sockets.public_address()?);
    let admin_listened = format!("{}://{}", scheme(&certificates.admin), sockets.admin_address()?);

    // Everything that this machine may refuse was requested above: the first credentials, once created, are
    // shown.
    let credentials = if is_new { first_run::make(installation).await? } else { None };
    let service = installation.open_service().await?;
    let setup = setup(&config, &listened, certificates.admin.is_some())?;
    // Before the server reports that it listens: its credentials can be read by then, and its limits are fixed.
    if let Some(credentials) = &credentials {
        first_run::keep_credentials(installation, credentials)?;
    }
    let limits = config.server_limits.within_descriptors(sockets::raise_descriptor_limit());
    tracing::info!("listening on {listened}");
    tracing::info!("admin listening on {admin_listened}");
    if let Some(credentials) = credentials {
        first_run::show_credentials(installation, &credentials, &listened)?;
    }
    console::show(&service, &admin_listened, !config.behind_proxy && is_admin_local)?;
    let reloader = Reloader::new(args.flags, config, log, Arc::clone(&setup.observer), certificates);
    serve(service, setup, limits, sockets, control, Attendant { signals, reloader }).await?;
    tracing::info!("stopped");
    drop(lock);
    Ok(())
}

/// What this run of the server writes into its database: no earlier copy has it.
fn stamp() -> Result<i32, CommandError> {
    let bytes =
        installation::entropy().bytes::<4>().map_err(|error| CommandError::unavailable(error.to_string()))?;
    // Never 0, which files have that were never served, such as backups.
    Ok(i32::from_be_bytes(bytes) | 1)
}

/// The name of this machine, for those who look after servers.
fn machine_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What the server needs besides the service.
fn setup(config: &Config, listened: &str, admin_speaks_tls: bool) -> Result<Setup, CommandError> {
    let listened: PublicUrl = listened.parse().unwrap_or_else(|_| unreachable!("an address makes a URL"));
    let prefix =
        installation::entropy().bytes::<4>().map_err(|error| CommandError::unavailable(error.to_string()))?;
    let observer = Observer::new(u32::from_be_bytes(prefix), config.reloadable.log_requests);
    Ok(Setup {
        public_url: config.public_url.clone().unwrap_or(listened),
        is_behind_proxy: config.behind_proxy,
        is_admin_named: config.behind_proxy || admin_speaks_tls,
        body_limits: config.body_limits,
        verify_body_limits: config.verify_body_limits,
        readiness: Readiness::new(Phase::Starting),
        observer: Arc::new(observer),
        server_measures: Arc::default(),
        started_at: installation::clock().now(),
    })
}

/// Handles signals for a running server.
struct Attendant {
    signals: Signals,
    reloader: Reloader,
}

/// Serves until a signal to stop, then finishes requests in progress and closes the service. A second signal
/// ends it at once.
async fn serve(
    service: Service,
    setup: Setup,
    limits: ServerLimits,
    sockets: Sockets,
    control: Option<ControlSocket>,
    attendant: Attendant,
) -> Result<(), CommandError> {
    let (stop, stopped) = watch::channel(false);
    let (end, ended) = watch::channel(false);
    let (drain, retention) = (attendant.reloader.drain(), attendant.reloader.retention());
    let readiness = setup.readiness.clone();
    let requests = Requests::start()?;
    let (public, admin) = listeners(sockets, attendant.reloader.certificates(), &setup, &requests)?;
    let [retaining, keeping, lending, noting, rotating, living, commanded] =
        std::array::from_fn(|_| service.clone());
    let [retention_end, usage_end, portions_end, history_end, keys_end, node_end, commands_end] =
        std::array::from_fn(|_| notified(&stopped));
    let identity = service.node_identity(machine_name(), env!("CARGO_PKG_VERSION"))?;
    let http = async {
        tokio::join!(
            // First, so that no client comes before its stream is fed.
            service.feed_streams(notified(&stopped)),
            jeton_http::serve(
                public,
                jeton_http::public(service.clone(), setup.clone()),
                limits,
                notified(&stopped)
            ),
            jeton_http::serve(
                admin,
                jeton_http::admin(service.clone(), setup),
                limits.for_operators(),
                notified(&stopped)
            ),
            service.follow_changes(notified(&stopped)),
            service.keep_leading(notified(&stopped)),
            requests.run(async move { retaining.keep(retention, retention_end).await }),
            requests.run(async move { keeping.keep_usage(USAGE_PAUSE, usage_end).await }),
            requests.run(async move { lending.keep_portions(PORTIONS_PAUSE, portions_end).await }),
            requests.run(async move { noting.keep_history(HISTORY_PAUSE, history_end).await }),
            requests.run(async move { rotating.keep_keys(keys_end).await }),
            requests.run(async move { living.keep_node(identity, node_end).await }),
        );
        // Commands are answered as long as clients are.
        end.send_replace(true);
    };
    let commands = async {
        if let Some(control) = control {
            requests.run(control.serve(commanded, commands_end, notified(&ended))).await;
        }
    };
    let everything = async {
        tokio::join!(http, commands);
        service.close().await;
    };
    let clock = installation::clock();
    readiness.enter(Phase::Serving);
    systemd::notify_ready();
    tokio::select! {
        biased;
        cut_short = attend(attendant, &service, &readiness, &stop, drain) => Err(cut_short),
        () = everything => Ok(()),
        () = systemd::feed_watchdog() => unreachable!("the watchdog is fed forever"),
        () = clock::watch(&*clock) => unreachable!("the clock is watched forever"),
    }
}

/// The public and the admin listener.
fn listeners(
    sockets: Sockets,
    certificates: Certificates,
    setup: &Setup,
    requests: &Requests,
) -> Result<(Listener, Listener), CommandError> {
    let (public, admin) = sockets.into_listeners()?;
    let public = Listener {
        tcp: public,
        tls: certificates.public,
        measures: setup.server_measures.clone(),
        requests: Some(requests.handle()),
    };
    let admin =
        Listener { tls: certificates.admin, requests: Some(requests.handle()), ..Listener::from(admin) };
    Ok((public, admin))
}

/// Completes when the flag is set.
fn notified(flag: &watch::Receiver<bool>) -> impl Future<Output = ()> + Send + use<> {
    let mut flag = flag.clone();
    async move {
        // An error means that the sender is gone, which means the same.
        drop(flag.wait_for(|is_set| *is_set).await);
    }
}

/// Handles signals. Returns when a server that is stopping gets a second signal to stop.
async fn attend(
    mut attendant: Attendant,
    service: &Service,
    readiness: &Readiness,
    stop: &watch::Sender<bool>,
    drain: Duration,
) -> CommandError {
    while let SignalAction::Reload = attendant.signals.next().await {
        systemd::notify_reloading();
        attendant.reloader.reload();
        service.look_for_keys();
        systemd::notify_ready();
    }
    readiness.enter(Phase::Draining);
    systemd::notify_stopping();
    if !drain.is_zero() {
        tracing::info!("draining: requests are still accepted for {} s", drain.as_secs());
    }
    tokio::select! {
        () = tokio::time::sleep(drain) => {}
        () = attendant.signals.stop() => return CommandError::cut_short(),
    }
    tracing::info!("stopping: requests in progress are finished");
    stop.send_replace(true);
    attendant.signals.stop().await;
    CommandError::cut_short()
}

/// Locks the data directory for this server. `None`: another server holds it, and the data is in PostgreSQL,
/// which any number of servers share; that server then answers commands.
fn lock(installation: &Installation) -> Result<Option<File>, CommandError> {
    match files::lock(&installation.data_dir) {
        Ok(Some(file)) => Ok(Some(file)),
        Ok(None) if installation.database_url.is_some() => Ok(None),
        Ok(None) => Err(CommandError::unavailable(format!(
            "another jeton serve is running on {}",
            installation.data_dir.display()
        ))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let name = installation.data_dir.display();
            Err(CommandError::missing(format!(
                "there is no {name}: run jeton init, or set another --data-dir"
            )))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {
            Err(not_a_directory(&installation.data_dir))
        }
        Err(error) => {
            let (path, hint) = (installation.lock_path(), hint(&error, &installation.data_dir));
            Err(CommandError::unavailable(format!("{}: {error}{hint}", path.display())))
        }
    }
}

/// What to do about an error.
fn hint(error: &std::io::Error, data_dir: &Path) -> String {
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            format!(". Run jeton as the user who owns {}", data_dir.display())
        }
        _ => String::new(),
    }
}
