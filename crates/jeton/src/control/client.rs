//! The command's side of the control socket.

use super::protocol::{Answer, BEAT, Envelope, Messages, Working, begin};
use super::server::short_path;
use crate::commands::{Means, execute};
use crate::error::{CommandError, CommandErrorKind};
use crate::installation::Installation;
use crate::request::Request;
use jeton_service::{Progress, Service};
use serde_json::Value;
use std::fs::File;
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
    let mut executor = Executor::of(installation);
    let result = executor.ask(request).await;
    executor.close().await;
    result
}

/// Who is told how far a request is.
pub(crate) type Watch<'w> = dyn FnMut(Working) + Send + 'w;

/// Whoever executes the requests of a command, one after the other: for each, the server that runs then, or this process.
pub(crate) struct Executor<'i> {
    installation: &'i Installation,
    /// Opened for the first request that finds no server.
    own: Option<Service>,
}

impl<'i> Executor<'i> {
    pub(crate) fn of(installation: &'i Installation) -> Self {
        Executor { installation, own: None }
    }

    pub(crate) async fn ask(&mut self, request: Request) -> Result<Value, CommandError> {
        self.ask_with(request, None, &mut |_| {}).await
    }

    /// Has a request executed that is about a file, and tells how far it is.
    pub(crate) async fn ask_with(
        &mut self,
        request: Request,
        file: Option<File>,
        watch: &mut Watch<'_>,
    ) -> Result<Value, CommandError> {
        let request = match connect(self.installation).await? {
            None => request,
            Some(stream) => {
                let envelope = Envelope { database: self.installation.fingerprint(), request };
                match exchange(stream, &envelope, file.as_ref(), watch).await? {
                    Answer::Done(value) => return Ok(value),
                    Answer::Failed { kind, message } => return Err(CommandError { kind, message }),
                    Answer::Elsewhere => envelope.request,
                    Answer::Working(_) => unreachable!("an answer is waited for"),
                }
            }
        };
        let own = match self.own.take() {
            Some(own) => own,
            None => {
                self.installation.refuse_as_root()?;
                self.installation.open_service().await?
            }
        };
        let means = Means { file, scratch: self.installation.scratch_dir(), ..Means::default() };
        let progress = means.progress.clone();
        watched(execute(self.own.insert(own), request, means), &progress, watch).await
    }

    /// Ends with everything written.
    pub(crate) async fn close(self) {
        if let Some(own) = self.own {
            own.close().await;
        }
    }
}

/// Does some work of this process, and tells meanwhile, and at last, how far it is.
pub(crate) async fn watched<T>(
    work: impl Future<Output = T>,
    progress: &Progress,
    watch: &mut Watch<'_>,
) -> T {
    let mut working = std::pin::pin!(work);
    let mut beats = tokio::time::interval(BEAT);
    let mut look = || progress.look().map(Working::from).into_iter().for_each(&mut *watch);
    let done = loop {
        tokio::select! {
            biased;
            done = &mut working => break done,
            _ = beats.tick() => look(),
        }
    };
    look();
    done
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
    let Some(stream) = connect(installation).await? else { return Ok(Presence::Absent) };
    let process = stream.peer_cred().ok().and_then(|peer| peer.pid());
    let envelope = Envelope { database: installation.fingerprint(), request: Request::Greet };
    let mut messages = Messages::over(stream);
    let greeted = async {
        begin(messages.stream(), None).await?;
        messages.send(&envelope).await?;
        loop {
            match messages.receive().await? {
                Answer::Working(_) => {}
                answer => return Ok(answer),
            }
        }
    };
    match timeout(SILENCE, greeted).await {
        Err(_) => Err(CommandError::unavailable(why_silent(messages.stream()))),
        Ok::<io::Result<Answer>, _>(Err(error)) => {
            Err(CommandError::unavailable(format!("the server went away: {error}")))
        }
        Ok(Ok(Answer::Elsewhere)) => Ok(Presence::Elsewhere { process }),
        Ok(Ok(Answer::Done(value))) => {
            let version = value["version"].as_str().map(str::to_owned);
            Ok(Presence::Here { process, version })
        }
        // It does not know the request, and answers.
        Ok(Ok(Answer::Failed { kind: CommandErrorKind::Usage, .. } | Answer::Working(_))) => {
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

async fn exchange(
    stream: UnixStream,
    envelope: &Envelope,
    file: Option<&File>,
    watch: &mut Watch<'_>,
) -> Result<Answer, CommandError> {
    let mut messages = Messages::over(stream);
    let begun = timeout(SILENCE, begin(messages.stream(), file)).await;
    in_time(begun, messages.stream())?;
    let sent = timeout(SILENCE, messages.send(envelope)).await;
    in_time(sent, messages.stream())?;
    loop {
        let received = timeout(SILENCE, messages.receive()).await;
        match in_time(received, messages.stream())? {
            Answer::Working(working) => working.into_iter().for_each(&mut *watch),
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
