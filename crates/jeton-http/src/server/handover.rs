//! Handing a connection from one runtime to another.
//!
//! What the fast path answers must not wait for anything else that a client may ask. So whatever leaves the fast path is
//! served by a runtime of its own, whose threads may have a lower priority.

use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::net::TcpStream as StdTcpStream;
use std::pin::pin;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::server::TlsStream;

/// How long a thread may compute before it gives way.
const LONG: Duration = Duration::from_micros(100);

thread_local! {
    /// When this thread last gave way.
    static GAVE_WAY: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Runs a task of a less urgent thread, which gives way to more urgent ones between turns of its tasks, however many and
/// short they are: Linux would leave it the rest of its time slice, some milliseconds, however little it is worth.
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

/// A socket that can be watched by another runtime than the one that has watched it until now.
pub(super) trait Movable {
    /// Lets the runtime that this is called on watch it.
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
    /// Nothing watches it: its other end wakes whoever waits.
    fn move_here(&mut self) -> io::Result<()> {
        Ok(())
    }
}
