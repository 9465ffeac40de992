//! The server's end of the control socket.

use super::protocol::{Answer, Envelope, receive, send};
use crate::failure::Failure;
use crate::perform::perform;
use crate::place::Place;
use futures_util::FutureExt;
use jeton_service::Service;
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// From the wish to stop to the end of requests that are under way.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// A control socket that listens. Removes its file when it is dropped.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    database: String,
}

/// Listens in the data directory. The caller holds the lock on it, so a socket that is there is a dead server's.
pub(crate) fn bind(place: &Place) -> Result<ControlSocket, Failure> {
    let path = place.socket_path();
    let failed = |error: io::Error| Failure::unavailable(format!("{}: {error}", path.display()));
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        Ok(()) | Err(_) => {}
    }
    let (_folder, short) = short_path(&path).map_err(failed)?;
    // The directory is private, and so is the socket as soon as it can be asked for.
    let listener = UnixListener::bind(short).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(ControlSocket { listener, database: place.fingerprint(), path })
}

/// A path of the same socket that is short: a socket's name has at most 107 bytes, a directory's may have thousands. Good
/// while the folder is held open.
pub(super) fn short_path(path: &Path) -> io::Result<(File, PathBuf)> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = File::open(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
    let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok((folder, short))
}

impl ControlSocket {
    /// Answers requests until `stop` completes, then finishes those under way: what has not been asked by then is not
    /// waited for, and neither is a command that does not take its answer.
    pub(crate) async fn serve(self, service: Service, stop: impl Future<Output = ()> + Send + 'static) {
        let mut requests = JoinSet::new();
        let mut stop = stop.shared();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = requests.join_next() => continue,
                () = &mut stop => break,
            };
            match accepted {
                Ok((stream, _)) => {
                    requests.spawn(answer(stream, service.clone(), self.database.clone(), stop.clone()));
                }
                Err(error) => {
                    tracing::error!("the control socket: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, requests.join_all()).await.is_err() {
            tracing::warn!("some commands did not take their answers in time and are cut");
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("{}: {error}", self.path.display());
        }
    }
}

async fn answer(mut stream: UnixStream, service: Service, database: String, stop: impl Future<Output = ()>) {
    let received = tokio::select! {
        biased;
        received = receive::<Envelope>(&mut stream) => received,
        () = stop => return,
    };
    let answer = match received {
        Ok(envelope) if envelope.database == database => perform(&service, envelope.request).await.into(),
        Ok(_) => Answer::Elsewhere,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(Failure::usage(error.to_string())).into()
        }
        // The command went away before it had asked.
        Err(_) => return,
    };
    let sent = match send(&mut stream, &answer).await {
        // The answer is too long for one message: the command is told so.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            let failed: Answer =
                Err(Failure::unavailable(format!("the answer cannot be sent: {error}"))).into();
            send(&mut stream, &failed).await
        }
        sent => sent,
    };
    if let Err(error) = sent {
        tracing::warn!("a command went away before its answer: {error}");
    }
}
