//! A way to a server that can be cut in each manner in which networks and servers fail.

use rustix::net::listen;
use std::io;
use std::net::{SocketAddr, TcpStream as Client};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::time::sleep;

/// An address that nobody connects from: a port of it that is closed for a while is not given to others.
const OWN: &str = "127.0.0.2:0";
/// How long somebody who is answered at all may have to wait for that on this machine.
const ANSWERED: Duration = Duration::from_millis(300);

/// What becomes of those who want to reach the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// Everything passes.
    Open,
    /// As where nobody listens any more: connections are reset, and others are refused.
    Refused,
    /// As before a server that hangs: connections are accepted, and nothing is said on any.
    Silent,
    /// As behind a firewall that drops packets: nothing is said, and who connects is not answered at all.
    Dropped,
}

/// A way to a server.
#[derive(Debug)]
pub struct Way {
    address: SocketAddr,
    passage: watch::Sender<Passage>,
    /// Those who fill the line before the door, so that the system drops whoever comes after them.
    waiting: Mutex<Vec<Client>>,
    runtime: Option<Runtime>,
}

impl Way {
    /// An open one.
    ///
    /// # Panics
    /// This machine has no more addresses or threads.
    pub fn to(server: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread can be had");
        let listener = std::net::TcpListener::bind(OWN).expect("an address can be had");
        listener.set_nonblocking(true).expect("a listener need not block");
        let address = listener.local_addr().expect("a bound listener has an address");
        let passage = watch::Sender::new(Passage::Open);
        runtime.spawn(serve(listener, server, passage.subscribe()));
        Way { address, passage, waiting: Mutex::default(), runtime: Some(runtime) }
    }

    /// Where it begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Opens or cuts it. When this returns, it is as it was told to be.
    pub fn set(&self, passage: Passage) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.clear();
        self.passage.send_replace(passage);
        loop {
            let is_so = match (Client::connect_timeout(&self.address, ANSWERED), passage) {
                (Ok(client), Passage::Dropped) => {
                    waiting.push(client);
                    false
                }
                (Ok(_), passage) => passage != Passage::Refused,
                (Err(error), Passage::Refused) => error.kind() == io::ErrorKind::ConnectionRefused,
                (Err(error), Passage::Dropped) => error.kind() == io::ErrorKind::TimedOut,
                (Err(_), Passage::Open | Passage::Silent) => false,
            };
            if is_so {
                return;
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        // Also where nobody may wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: std::net::TcpListener, server: SocketAddr, mut passage: watch::Receiver<Passage>) {
    let mut listener = TcpListener::from_std(listener).ok();
    let address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
    let address = address.expect("a bound listener has an address");
    loop {
        let now = *passage.borrow_and_update();
        if now == Passage::Refused {
            listener = None;
        }
        if let (None, false) = (&listener, now == Passage::Refused) {
            listener = TcpListener::bind(address).await.ok();
            sleep(Duration::from_millis(u64::from(listener.is_none()))).await;
        }
        let accepted = async {
            match &listener {
                // Said again, it changes how many may wait.
                Some(listener)
                    if listen(listener, if now == Passage::Dropped { 0 } else { 1_024 }).is_ok() =>
                {
                    if now == Passage::Dropped {
                        std::future::pending().await
                    } else {
                        listener.accept().await
                    }
                }
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            accepted = accepted => if let Ok((client, _)) = accepted {
                tokio::spawn(relay(client, server, passage.clone()));
            },
            changed = passage.changed() => if changed.is_err() { return },
        }
    }
}

async fn relay(client: TcpStream, server: SocketAddr, passage: watch::Receiver<Passage>) {
    let mut refused = passage.clone();
    let relayed = async {
        let Ok(server) = TcpStream::connect(server).await else { return };
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::join!(pass(from_client, to_server, passage.clone()), pass(from_server, to_client, passage));
    };
    tokio::select! {
        () = relayed => {}
        _ = refused.wait_for(|passage| *passage == Passage::Refused) => {}
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut passage: watch::Receiver<Passage>,
) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if passage.wait_for(|passage| *passage == Passage::Open).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
    // Who is gone need not be told.
    drop(to.shutdown().await);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener as Server;

    const LONG: Duration = Duration::from_secs(60);

    /// How much comes back of a byte, within this time.
    fn echo(client: &mut Client, patience: Duration) -> io::Result<usize> {
        client.set_read_timeout(Some(patience)).unwrap();
        client.write_all(b"x")?;
        client.read(&mut [0; 8])
    }

    #[test]
    fn a_way_is_cut_and_opened_as_it_is_told() {
        let server = Server::bind("127.0.0.1:0").unwrap();
        let way = Way::to(server.local_addr().unwrap());
        std::thread::spawn(move || {
            for client in server.incoming() {
                let mut client = client.unwrap();
                std::thread::spawn(move || {
                    let mut reader = client.try_clone().unwrap();
                    io::copy(&mut reader, &mut client)
                });
            }
        });
        let connect = || Client::connect_timeout(&way.address(), ANSWERED);
        let silence = |client: &mut Client| {
            assert_eq!(echo(client, ANSWERED).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        };
        let error = |client: io::Result<Client>| client.unwrap_err().kind();
        // More than once, and whatever was before.
        for _ in 0..2 {
            let mut before = connect().unwrap();
            assert_eq!(echo(&mut before, LONG).unwrap(), 1);
            way.set(Passage::Silent);
            silence(&mut before);
            silence(&mut connect().unwrap());
            way.set(Passage::Dropped);
            silence(&mut before);
            assert_eq!(error(connect()), io::ErrorKind::TimedOut);
            way.set(Passage::Open);
            let mut before = connect().unwrap();
            assert_eq!(echo(&mut before, LONG).unwrap(), 1);
            way.set(Passage::Refused);
            assert_eq!(error(connect()), io::ErrorKind::ConnectionRefused);
            assert_ne!(echo(&mut before, LONG).unwrap_or(0), 1, "connections are reset");
            way.set(Passage::Open);
        }
    }
}
