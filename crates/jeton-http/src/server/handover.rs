//! Moving a connection from one runtime to another.
//!
//! Answers of the fast path must not wait for other requests. So connections that leave the fast path are
//! served by another runtime, whose threads may have a lower priority.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::TcpStream as StdTcpStream;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

/// How long a thread may compute before it yields.
const LONG: Duration = Duration::from_micros(100);

thread_local! {
    /// When this thread last yielded.
    static GAVE_WAY: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs a task on a low-priority thread that yields to others between polls, however many and short they are:
/// otherwise Linux would let it finish its time slice of some milliseconds, whatever its priority.
pub(super) async fn give_way_in<T>(task: impl Future<Output = T>) -> T {
    let mut task = pin!(task);
    poll_fn(|context| {
        let polled = task.as_mut().poll(context);
        let now = Instant::now();
        if GAVE_WAY.get().is_none_or(|last| now.duration_since(last) > LONG) {
            std::thread::yield_now();
            GAVE_WAY.set(Some(Instant::now()));
        }
        polled
    })
    .await
}

/// A socket that can be moved to another runtime.
pub(super) trait Movable {
    /// Registers it with the current runtime.
    fn move_here(&mut self) -> io::Result<()>;
}

impl Movable for TcpStream {
    fn move_here(&mut self) -> io::Result<()> {
        let same = rustix::io::fcntl_dupfd_cloexec(&*self, 0)?;
        *self = TcpStream::from_std(StdTcpStream::from(same))?;
        Ok(())
    }
}

impl<T: Movable> Movable for TlsStream<T> {
    fn move_here(&mut self) -> io::Result<()> {
        self.get_mut().0.move_here()
    }
}

#[cfg(test)]
impl Movable for tokio::io::DuplexStream {
    /// It needs no registration: its other end wakes its reader.
    fn move_here(&mut self) -> io::Result<()> {
        Ok(())
    }
}
