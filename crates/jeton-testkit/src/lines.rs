//! Reading what a running program says.

use std::io::{BufRead, BufReader, Read};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How long a program may take to say the next thing. None takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// The lines of a stream, read as they come and kept.
#[derive(Debug)]
pub struct Lines(Mutex<Heard>);

#[derive(Debug)]
struct Heard {
    incoming: Receiver<String>,
    seen: String,
}

impl Lines {
    /// Reads `stream` until it ends, on a thread of its own, so that its writer never waits.
    pub fn of(stream: impl Read + Send + 'static) -> Self {
        let (sender, incoming) = mpsc::channel();
        thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            // A terminal that its last program has left ends in an error.
            while stream.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
                if sender.send(String::from_utf8_lossy(&line).replace('\r', "")).is_err() {
                    break;
                }
                line.clear();
            }
        });
        Lines(Mutex::new(Heard { incoming, seen: String::new() }))
    }

    /// What follows `mark` in the next line that has it, up to a space or the line's end.
    ///
    /// # Panics
    /// No such line comes.
    #[track_caller]
    pub fn wait_for(&self, mark: &str) -> String {
        self.rest_of_line(mark).split_whitespace().next().unwrap_or_default().to_owned()
    }

    /// What follows `mark` in the next line that has it.
    ///
    /// # Panics
    /// No such line comes.
    #[track_caller]
    pub fn rest_of_line(&self, mark: &str) -> String {
        let mut heard = self.heard();
        loop {
            let Ok(line) = heard.incoming.recv_timeout(PATIENCE) else {
                panic!("{mark:?} was never said:\n{}", heard.seen);
            };
            heard.seen.push_str(&line);
            if let Some((_, rest)) = line.split_once(mark) {
                return rest.trim_end().to_owned();
            }
        }
    }

    /// What was said up to the last line that was waited for.
    pub fn so_far(&self) -> String {
        self.heard().seen.clone()
    }

    /// What is said from now on until a line is `mark`; that line is left out.
    ///
    /// # Errors
    /// What was said, if the stream ends before.
    ///
    /// # Panics
    /// Neither that line nor the end comes.
    #[track_caller]
    pub fn up_to(&self, mark: &str) -> Result<String, String> {
        let heard = self.heard();
        let mut said = String::new();
        loop {
            match heard.incoming.recv_timeout(PATIENCE) {
                Ok(line) if line.trim_end() == mark => return Ok(said),
                Ok(line) => said.push_str(&line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(said),
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("{mark:?} was never said:\n{said}"),
            }
        }
    }

    /// All that was said, once the stream has ended.
    ///
    /// # Panics
    /// It does not end.
    #[track_caller]
    pub fn to_end(&self) -> String {
        let mut heard = self.heard();
        loop {
            match heard.incoming.recv_timeout(PATIENCE) {
                Ok(line) => heard.seen.push_str(&line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return heard.seen.clone(),
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("no end:\n{}", heard.seen),
            }
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
