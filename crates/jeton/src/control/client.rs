//! The command's end of the control socket.

use super::protocol::{Answer, Envelope, Request, receive, send};
use super::server::short_path;
use crate::failure::Failure;
use crate::perform::perform;
use crate::place::Place;
use serde_json::Value;
use std::io;
use tokio::net::UnixStream;

/// Has a request done: by the server that runs on this data, or right here.
pub(crate) async fn ask(place: &Place, request: Request) -> Result<Value, Failure> {
    let request = match connect(place).await? {
        None => request,
        Some(mut stream) => {
            let envelope = Envelope { database: place.fingerprint(), request };
            match exchange(&mut stream, &envelope).await? {
                Answer::Done(value) => return Ok(value),
                Answer::Failed { kind, message } => return Err(Failure { kind, message }),
                Answer::Elsewhere => envelope.request,
            }
        }
    };
    let service = place.open_service().await?;
    let result = perform(&service, request).await;
    service.close().await;
    result
}

/// The control socket of the server; `None` if no server listens there.
async fn connect(place: &Place) -> Result<Option<UnixStream>, Failure> {
    let path = place.socket_path();
    let connected = match short_path(&path) {
        Ok((_folder, short)) => UnixStream::connect(short).await,
        Err(error) => Err(error),
    };
    match connected {
        Ok(stream) => Ok(Some(stream)),
        // A socket that nobody listens on is what a killed server leaves behind.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            Ok(None)
        }
        Err(error) => Err(Failure::unavailable(format!("{}: {error}", path.display()))),
    }
}

async fn exchange(stream: &mut UnixStream, envelope: &Envelope) -> Result<Answer, Failure> {
    let lost = |error: io::Error| {
        Failure::unavailable(format!(
            "the server went away before it answered, so this may be done or not: {error}"
        ))
    };
    send(stream, envelope).await.map_err(lost)?;
    receive(stream).await.map_err(lost)
}
