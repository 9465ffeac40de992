//! An HTTP proxy before two servers: what only reads goes to one of them, everything else to the other.

use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};

/// A proxy that reads by one server what was written by another. A connection is closed after one answer, as its request is made to
/// ask for; but one that asks for a stream of events, whose answer has no end, is passed on as it is.
#[derive(Debug)]
pub struct SplitProxy {
    address: SocketAddr,
    runtime: Option<Runtime>,
}

#[derive(Clone)]
struct Ways {
    reads: SocketAddr,
    writes: SocketAddr,
    caught_up: Arc<dyn Fn() + Send + Sync>,
}

impl SplitProxy {
    /// Starts one: GET and HEAD go to `reads`, all other methods to `writes`. An answer of the latter is held back until `caught_up`
    /// returns, which must be when the former knows of what was written before.
    ///
    /// # Panics
    /// This machine has no more ports or threads.
    pub fn start(
        reads: SocketAddr,
        writes: SocketAddr,
        caught_up: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread can be had");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port can be had");
        listener.set_nonblocking(true).expect("a listener need not block");
        let address = listener.local_addr().expect("a bound listener has an address");
        let ways = Ways { reads, writes, caught_up: Arc::new(caught_up) };
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener can be waited for");
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(exchange(client, ways.clone()));
            }
        });
        SplitProxy { address, runtime: Some(runtime) }
    }

    /// Where clients come to it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for SplitProxy {
    fn drop(&mut self) {
        // Works in an asynchronous context too, where blocking is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// One request and its answer.
async fn exchange(mut client: TcpStream, ways: Ways) {
    let Some((head, rest)) = head(&mut client).await else { return };
    let is_read = [&b"GET "[..], b"HEAD "].iter().any(|method| head.starts_with(method));
    let server = TcpStream::connect(if is_read { ways.reads } else { ways.writes }).await;
    let Ok(server) = server else { return };
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let asking = async move {
        let is_stream = memchr::memmem::find(&head, b"text/event-stream").is_some();
        let head = if is_stream { head } else { closing(&head) };
        to_server.write_all(&[&head[..], &rest].concat()).await?;
        tokio::io::copy(&mut from_client, &mut to_server).await
    };
    let answering = async {
        let mut answer = vec![0; 64 * 1024];
        let mut is_held = !is_read;
        while let Ok(length @ 1..) = from_server.read(&mut answer).await {
            // What only asks for the rest of the request is no answer yet.
            if is_held && !answer.starts_with(b"HTTP/1.1 1") {
                let caught_up = Arc::clone(&ways.caught_up);
                tokio::task::spawn_blocking(move || caught_up()).await.ok()?;
                is_held = false;
            }
            to_client.write_all(&answer[..length]).await.ok()?;
        }
        to_client.shutdown().await.ok()
    };
    // A client that has said everything may wait on; a server that has is done.
    tokio::pin!(answering);
    tokio::select! {
        _ = &mut answering => {}
        Ok(_) = asking => drop(answering.await),
    }
}

/// The head of a request, and what was read beyond it.
async fn head(client: &mut TcpStream) -> Option<(Vec<u8>, Vec<u8>)> {
    const END: &[u8] = b"\r\n\r\n";
    let mut read = Vec::new();
    loop {
        if let Some(place) = memchr::memmem::find(&read, END) {
            let rest = read.split_off(place + END.len());
            return Some((read, rest));
        }
        if client.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

/// The same head, which asks for a connection that is closed after the answer.
fn closing(head: &[u8]) -> Vec<u8> {
    let is_of_connection = |line: &[u8]| {
        const NAME: &[u8] = b"connection:";
        line.get(..NAME.len()).is_some_and(|start| start.eq_ignore_ascii_case(NAME))
    };
    let lines = head[..head.len() - 2].split_inclusive(|byte| *byte == b'\n');
    let mut closing: Vec<u8> = lines.filter(|line| !is_of_connection(line)).flatten().copied().collect();
    closing.extend_from_slice(b"Connection: close\r\n\r\n");
    closing
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener as Server, TcpStream as Client};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::{JoinHandle, spawn};

    /// A server that answers once with this, and what it was asked.
    fn server(answer: &'static str) -> (SocketAddr, JoinHandle<String>) {
        let server = Server::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let asked = spawn(move || {
            let (mut client, _) = server.accept().unwrap();
            let mut asked = String::new();
            while !asked.ends_with(if asked.starts_with("GET") { "\r\n\r\n" } else { "\r\n\r\nbody" }) {
                let mut some = [0; 64];
                let length = client.read(&mut some).unwrap();
                asked.push_str(std::str::from_utf8(&some[..length]).unwrap());
            }
            client.write_all(answer.as_bytes()).unwrap();
            asked
        });
        (address, asked)
    }

    #[test]
    fn what_reads_goes_to_one_and_what_writes_to_the_other_which_is_waited_for() {
        let ((reads, read), (writes, written)) = (server("read"), server("written"));
        let waited = Arc::new(AtomicUsize::new(0));
        let waits = Arc::clone(&waited);
        let proxy = SplitProxy::start(reads, writes, move || {
            waits.fetch_add(1, Ordering::SeqCst);
        });
        let ask = |request: &str| {
            let mut client = Client::connect(proxy.address()).unwrap();
            client.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).unwrap();
            (answer, waited.load(Ordering::SeqCst))
        };
        assert_eq!(ask("GET / HTTP/1.1\r\n\r\n"), ("read".to_owned(), 0));
        let post = "POST / HTTP/1.1\r\nconnection: keep-alive\r\nHost: x\r\n\r\nbody";
        assert_eq!(ask(post), ("written".to_owned(), 1));
        assert_eq!(read.join().unwrap(), "GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
        let closing = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nbody";
        assert_eq!(written.join().unwrap(), closing);
    }
}
