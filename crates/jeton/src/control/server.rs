//! The server's side of the control socket.

use super::protocol::{Answer, BEAT, Envelope, Messages, Working, beginning};
use crate::commands::{Means, execute};
use crate::error::CommandError;
use crate::installation::{Installation, scratch_dir};
use crate::request::Request;
use futures_util::FutureExt;
use jeton_service::{Progress, Service};
use rustix::net::{RecvFlags, recv};
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
    place: Place,
}

/// What a server works on.
#[derive(Clone)]
struct Place {
    database: String,
    data_dir: PathBuf,
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
    let place = Place { database: installation.fingerprint(), data_dir: installation.data_dir.clone() };
    Ok(ControlSocket { listener, place, path })
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
                requests.spawn(answer(stream, service.clone(), self.place.clone(), stop.clone()));
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
async fn refuse(stream: UnixStream) {
    let mut messages = Messages::over(stream);
    // Its request is read, so that it has sent everything before it reads the answer. It is never executed.
    drop(tokio::time::timeout(LAST_WORDS, request(&mut messages)).await);
    refused(&mut messages).await;
}

/// The request of a connection, and the file that was handed over with it.
async fn request(messages: &mut Messages<UnixStream>) -> io::Result<(Envelope, Option<File>)> {
    let file = beginning(messages.stream()).await?;
    Ok((messages.receive().await?, file))
}

async fn refused(messages: &mut Messages<UnixStream>) {
    let stopping = "the server is stopping: try again when it has ended";
    let answer: Answer = Err(CommandError::unavailable(stopping)).into();
    if let Err(error) = messages.send(&answer).await {
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
async fn answer_of(
    messages: &mut Messages<UnixStream>,
    service: &Service,
    request: Request,
    means: Means,
) -> Answer {
    let progress = means.progress.clone();
    let mut working = std::pin::pin!(execute(service, request, means));
    let mut beats = tokio::time::interval(BEAT);
    let mut is_heard = true;
    let done = loop {
        tokio::select! {
            biased;
            done = &mut working => break done,
            // A client that disconnected changes nothing: what was begun is finished.
            _ = beats.tick(), if is_heard => is_heard = tell(messages, &progress).await,
        }
    };
    if is_heard && progress.look().is_some() {
        tell(messages, &progress).await;
    }
    done.into()
}

/// Tells a command how far its request is, and answers whether it was heard.
async fn tell(messages: &mut Messages<UnixStream>, progress: &Progress) -> bool {
    messages.send(&Answer::Working(progress.look().map(Working::from))).await.is_ok()
}

/// Whether the other end has closed the connection.
fn has_gone(stream: &UnixStream) -> bool {
    matches!(recv(stream, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT), Ok((0, _)))
}

async fn answer(stream: UnixStream, service: Service, place: Place, stop: impl Future<Output = ()>) {
    let mut messages = Messages::over(stream);
    let received = {
        let mut receiving = std::pin::pin!(request(&mut messages));
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
    let Some(received) = received else { return refused(&mut messages).await };
    let answer = match received {
        // Requests of commands that have given up waiting are not begun.
        Ok(_) if has_gone(messages.stream()) => return,
        Ok((envelope, file)) if envelope.database == place.database => {
            let means = Means { file, scratch: scratch_dir(&place.data_dir), ..Means::default() };
            answer_of(&mut messages, &service, envelope.request, means).await
        }
        Ok(_) => Answer::Elsewhere,
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(CommandError::usage(error.to_string())).into()
        }
        // The command disconnected before its request was complete.
        Err(_) => return,
    };
    let sent = match messages.send(&answer).await {
        // The answer is too long for one message: the command gets this error instead.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            let failed: Answer =
                Err(CommandError::unavailable(format!("the answer cannot be sent: {error}"))).into();
            messages.send(&failed).await
        }
        sent => sent,
    };
    if let Err(error) = sent {
        tracing::warn!("a command disconnected before its answer: {error}");
    }
}
