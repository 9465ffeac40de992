//! Commands to a driver: JSON over one HTTP/1.1 connection.

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a command may take. None takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a driver on this machine.
pub(super) struct Wire {
    port: u16,
    stream: Mutex<BufReader<TcpStream>>,
}

impl Wire {
    pub(super) fn to(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("chromedriver accepts a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time can be set");
        Wire { port, stream: Mutex::new(BufReader::new(stream)) }
    }

    /// Gives a command, and answers its value.
    #[track_caller]
    pub(super) fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        match self.try_ask(method, path, body) {
            Ok(value) => value,
            Err(refused) => panic!("{method} {path} {body}: {refused}"),
        }
    }

    /// The same where the driver may refuse: why.
    #[track_caller]
    pub(super) fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let (status, answer) =
            self.exchange(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        let mut answer: Value = serde_json::from_str(&answer)
            .unwrap_or_else(|error| panic!("{method} {path}: {error}: {answer}"));
        let value = answer["value"].take();
        if status == 200 { Ok(value) } else { Err(value["message"].to_string()) }
    }

    /// Ends a session, whether or not there still is one.
    pub(super) fn end(&self, session: &str) {
        drop(self.exchange("DELETE", session, &Value::Null));
    }

    fn exchange(&self, method: &str, path: &str, body: &Value) -> std::io::Result<(u16, String)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = self.stream.lock().unwrap_or_else(PoisonError::into_inner);
        let (port, length) = (self.port, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        stream.get_mut().write_all(format!("{head}{body}").as_bytes())?;
        let invalid = || std::io::Error::other("no HTTP");
        let mut line = String::new();
        stream.read_line(&mut line)?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or_else(invalid)?;
        let mut length = 0;
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().map_err(|_| invalid())?;
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut answer = vec![0; length];
        stream.read_exact(&mut answer)?;
        Ok((status, String::from_utf8(answer).map_err(|_| invalid())?))
    }
}
