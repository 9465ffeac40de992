//! The command's side of the control socket.

use super::protocol::{Answer, BEAT, Envelope, receive, send};
use super::server::short_path;
use crate::commands::execute;
use crate::error::{CommandError, CommandErrorKind};
use crate::installation::Installation;
use crate::request::Request;
use serde_json::Value;
use std::io;
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// How long a server may send nothing.
const SILENCE: Duration = Duration::from_secs(5);
const _: () = assert!(SILENCE.as_secs() > 3 * BEAT.as_secs());

const STUCK: &str = "it is stopped or overloaded";

/// Has a request executed: by the server that runs on this data, or in this process.
pub(crate) async fn ask(installation: &Installation, request: Request) -> Result<Value, CommandError> {
    let request = match connect(installation).await? {
        None => request,
        Some(mut stream) => {
            let envelope = Envelope { database: installation.fingerprint(), request, hears_beats: true };
            match exchange(&mut stream, &envelope).await? {
                Answer::Done(value) => return Ok(value),
                Answer::Failed { kind, message } => return Err(CommandError { kind, message }),
                Answer::Elsewhere => envelope.request,
                Answer::Working => unreachable!("an answer is waited for"),
            }
        }
    };
    installation.refuse_as_root()?;
    let service = installation.open_service().await?;
    let result = execute(&service, request).await;
    service.close().await;
    result
}

/// Whether a server works on a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    /// No server listens there.
    Absent,
    /// One answers, by this process. Its version is unknown if it is too old to tell.
    Here { process: Option<i32>, version: Option<String> },
    /// One answers that works on another database.
    Elsewhere { process: Option<i32> },
}

impl Presence {
    /// The process of the server.
    pub(crate) fn process(&self) -> Option<i32> {
        match self {
            Presence::Absent => None,
            Presence::Here { process, .. } | Presence::Elsewhere { process } => *process,
        }
    }
}

/// Finds out whether a server works on this data, and answers.
///
/// # Errors
/// One listens and does not answer.
pub(crate) async fn greet(installation: &Installation) -> Result<Presence, CommandError> {
    let Some(mut stream) = connect(installation).await? else { return Ok(Presence::Absent) };
    let process = stream.peer_cred().ok().and_then(|peer| peer.pid());
    let database = installation.fingerprint();
    let envelope = Envelope { database, request: Request::Greet, hears_beats: false };
    let greeted = async {
        send(&mut stream, &envelope).await?;
        receive(&mut stream).await
    };
    match timeout(SILENCE, greeted).await {
        Err(_) => Err(CommandError::unavailable(why_silent(&stream))),
        Ok(Err(error)) => Err(CommandError::unavailable(format!("the server went away: {error}"))),
        Ok(Ok(Answer::Elsewhere)) => Ok(Presence::Elsewhere { process }),
        Ok(Ok(Answer::Done(value))) => {
            let version = value["version"].as_str().map(str::to_owned);
            Ok(Presence::Here { process, version })
        }
        // It does not know the request, and answers.
        Ok(Ok(Answer::Failed { kind: CommandErrorKind::Usage, .. } | Answer::Working)) => {
            Ok(Presence::Here { process, version: None })
        }
        Ok(Ok(Answer::Failed { kind, message })) => Err(CommandError { kind, message }),
    }
}

/// Connects to the server's control socket; `None` if no server listens there.
async fn connect(installation: &Installation) -> Result<Option<UnixStream>, CommandError> {
    let path = installation.socket_path();
    let connected = match short_path(&path) {
        Ok((_folder, short)) => UnixStream::connect(short).await,
        Err(error) => Err(error),
    };
    match connected {
        Ok(stream) => Ok(Some(stream)),
        // A killed server leaves behind a socket without a listener.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            Ok(None)
        }
        // The system's queue of waiting connections is full.
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(CommandError::unavailable(format!("the server accepts no more requests: {STUCK}")))
        }
        Err(error) => Err(CommandError::unavailable(format!("{}: {error}", path.display()))),
    }
}

async fn exchange(stream: &mut UnixStream, envelope: &Envelope) -> Result<Answer, CommandError> {
    let sent = timeout(SILENCE, send(stream, envelope)).await;
    in_time(sent, stream)?;
    loop {
        let received = timeout(SILENCE, receive(stream)).await;
        match in_time(received, stream)? {
            Answer::Working => {}
            answer => return Ok(answer),
        }
    }
}

/// The outcome of an exchange with a server, which has time as long as it sends something.
fn in_time<T>(done: Result<io::Result<T>, Elapsed>, stream: &UnixStream) -> Result<T, CommandError> {
    let done = done.map_err(|_| CommandError::unavailable(silent(stream)))?;
    done.map_err(|error| {
        CommandError::unavailable(format!(
            "the connection to the server was lost before it answered, so this may or may not be done: {error}"
        ))
    })
}

fn silent(stream: &UnixStream) -> String {
    format!("{}. This is not done unless it had already begun", why_silent(stream))
}

/// Why the server sends nothing, as far as the system knows.
fn why_silent(stream: &UnixStream) -> String {
    let seconds = SILENCE.as_secs();
    let process = stream.peer_cred().ok().and_then(|peer| peer.pid());
    let stopped = process.filter(|process| is_stopped(*process));
    let why = stopped.map_or(STUCK.to_owned(), |process| {
        format!("its process {process} is stopped, and continues with: kill -CONT {process}")
    });
    format!("the server sent nothing for {seconds} s: {why}")
}

/// Whether a process was stopped by a signal or by a debugger (proc(5)).
fn is_stopped(process: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name before it may contain anything.
    let state = status.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
    matches!(state, Some('T' | 't'))
}
