//! The server's side of the control socket.

use super::protocol::{Answer, BEAT, Envelope, receive, send};
use crate::commands::execute;
use crate::error::CommandError;
use crate::installation::Installation;
use futures_util::FutureExt;
use jeton_service::Service;
use std::fs::File;
use std::future::Future;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::unix::SocketAddr;
use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

/// From the request to stop to the end of requests in progress.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a command that will be refused anyway may take to send its request.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A listening control socket. Removes its file when it is dropped.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    database: String,
}

/// Listens in the data directory. The caller holds the lock on it, so an existing socket is a dead server's.
pub(crate) fn bind(installation: &Installation) -> Result<ControlSocket, CommandError> {
    let path = installation.socket_path();
    let failed = |error: io::Error| CommandError::unavailable(format!("{}: {error}", path.display()));
    match path.symlink_metadata() {
        Ok(there) if !there.file_type().is_socket() => {
            return Err(failed(io::Error::other("there is something other than a socket")));
        }
        Ok(_) => std::fs::remove_file(&path).map_err(failed)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let (_folder, short) = short_path(&path).map_err(failed)?;
    // The directory is private, and so is the socket from its creation.
    let listener = UnixListener::bind(short).map_err(failed)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(ControlSocket { listener, database: installation.fingerprint(), path })
}

/// The longest name that a socket may have, in bytes (unix(7)).
const LONGEST_NAME: usize = 107;

/// A path of the same socket that is short enough for one, where that of a directory may have thousands of bytes. Valid while the
/// directory is held open.
pub(super) fn short_path(path: &Path) -> io::Result<(File, PathBuf)> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = File::open(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })?;
    // A root directory with nothing but the program in it has no /proc.
    if path.as_os_str().len() <= LONGEST_NAME {
        return Ok((folder, path.to_owned()));
    }
    let short = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string()).join(name);
    Ok((folder, short))
}

impl ControlSocket {
    /// Answers requests until `stop` completes, then finishes those in progress. Until `end` completes too,
    /// later commands get the answer that the server is stopping: none is left waiting without an answer.
    pub(crate) async fn serve(
        self,
        service: Service,
        stop: impl Future<Output = ()> + Send + 'static,
        end: impl Future<Output = ()>,
    ) {
        let mut requests = JoinSet::new();
        let mut stop = stop.shared();
        loop {
            let accepted = tokio::select! {
                accepted = self.listener.accept() => accepted,
                Some(_) = requests.join_next() => continue,
                () = &mut stop => break,
            };
            if let Some(stream) = accepted_or_pause(accepted).await {
                requests.spawn(answer(stream, service.clone(), self.database.clone(), stop.clone()));
            }
        }
        let refuse = async {
            loop {
                let accepted = self.listener.accept().await;
                if let Some(stream) = accepted_or_pause(accepted).await {
                    tokio::spawn(refuse(stream));
                }
            }
        };
        let finish = async {
            if tokio::time::timeout(SHUTDOWN_TIMEOUT, requests.join_all()).await.is_err() {
                tracing::warn!("some commands did not read their answers in time and are disconnected");
            }
            end.await;
        };
        tokio::select! {
            () = finish => {}
            () = refuse => {}
        }
    }
}

/// The accepted stream. After an error, pauses.
async fn accepted_or_pause(accepted: io::Result<(UnixStream, SocketAddr)>) -> Option<UnixStream> {
    match accepted {
        Ok((stream, _)) => Some(stream),
        Err(error) => {
            tracing::error!("the control socket: {error}");
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

/// Answers a command that arrives while the server stops.
async fn refuse(mut stream: UnixStream) {
    // Its request is read, so that it has sent everything before it reads the answer. It is never executed.
    drop(tokio::time::timeout(LAST_WORDS, receive::<Envelope>(&mut stream)).await);
    refused(&mut stream).await;
}

async fn refused(stream: &mut UnixStream) {
    let stopping = "the server is stopping: try again when it has ended";
    let answer: Answer = Err(CommandError::unavailable(stopping)).into();
    if let Err(error) = send(stream, &answer).await {
        tracing::debug!("a command disconnected before it was refused: {error}");
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!("{}: {error}", self.path.display());
        }
    }
}

/// Executes a request, and reports progress meanwhile.
async fn answer_of(stream: &mut UnixStream, service: &Service, envelope: Envelope) -> Answer {
    let mut working = std::pin::pin!(execute(service, envelope.request));
    let mut beats = tokio::time::interval(BEAT);
    let mut hears_beats = envelope.hears_beats;
    loop {
        tokio::select! {
            biased;
            done = &mut working => return done.into(),
            // A client that disconnected changes nothing: what was begun is finished.
            _ = beats.tick(), if hears_beats => hears_beats = send(stream, &Answer::Working).await.is_ok(),
        }
    }
}

async fn answer(mut stream: UnixStream, service: Service, database: String, stop: impl Future<Output = ()>) {
    let received = {
        let mut receiving = std::pin::pin!(receive::<Envelope>(&mut stream));
        tokio::select! {
            biased;
            received = &mut receiving => Some(received),
            () = stop => {
                // It has begun its request. If the rest does not arrive now, it is not executed.
                drop(tokio::time::timeout(LAST_WORDS, receiving).await);
                None
            }
        }
    };
    let Some(received) = received else { return refused(&mut stream).await };
    let answer = match received {
        // Requests of commands that have given up waiting are not begun.
        Ok(_) if matches!(stream.try_read(&mut [0]), Ok(0)) => return,
        Ok(envelope) if envelope.database == database => answer_of(&mut stream, &service, envelope).await,
        Ok(_) => Answer::Elsewhere,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(CommandError::usage(error.to_string())).into()
        }
        // The command disconnected before its request was complete.
        Err(_) => return,
    };
    let sent = match send(&mut stream, &answer).await {
        // The answer is too long for one message: the command gets this error instead.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            let failed: Answer =
                Err(CommandError::unavailable(format!("the answer cannot be sent: {error}"))).into();
            send(&mut stream, &failed).await
        }
        sent => sent,
    };
    if let Err(error) = sent {
        tracing::warn!("a command disconnected before its answer: {error}");
    }
}
