//! A TCP proxy that fails in the ways in which networks and servers do.

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

/// An address that nothing connects from, so that a port that is closed for a while is not reused.
const OWN: &str = "127.0.0.2:0";
/// How long a connection may take on this machine if it is accepted at all.
const ANSWERED: Duration = Duration::from_millis(300);

/// What the proxy does with connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyMode {
    /// Everything passes.
    Open,
    /// As if nothing were listening: connections are reset, and new ones refused.
    Refused,
    /// As with a server that hangs: connections are accepted, and nothing is sent on any.
    Silent,
    /// As behind a firewall that drops packets: nothing is sent, and new connections get no answer at all.
    Dropped,
}

/// A TCP proxy before a server.
#[derive(Debug)]
pub struct FaultyProxy {
    address: SocketAddr,
    mode: watch::Sender<ProxyMode>,
    /// Connections that fill the backlog, so that the system drops the next ones.
    waiting: Mutex<Vec<Client>>,
    runtime: Option<Runtime>,
}

impl FaultyProxy {
    /// Starts a proxy that passes everything on to `server`.
    ///
    /// # Panics
    /// This machine has no more addresses or threads.
    pub fn to(server: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread can be had");
        let listener = std::net::TcpListener::bind(OWN).expect("an address can be had");
        listener.set_nonblocking(true).expect("a listener need not block");
        let address = listener.local_addr().expect("a bound listener has an address");
        let mode = watch::Sender::new(ProxyMode::Open);
        runtime.spawn(serve(listener, server, mode.subscribe()));
        FaultyProxy { address, mode, waiting: Mutex::default(), runtime: Some(runtime) }
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes the mode. When this returns, the change has taken effect.
    pub fn set(&self, mode: ProxyMode) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.clear();
        self.mode.send_replace(mode);
        loop {
            let is_so = match (Client::connect_timeout(&self.address, ANSWERED), mode) {
                (Ok(client), ProxyMode::Dropped) => {
                    waiting.push(client);
                    false
                }
                (Ok(_), mode) => mode != ProxyMode::Refused,
                (Err(error), ProxyMode::Refused) => error.kind() == io::ErrorKind::ConnectionRefused,
                (Err(error), ProxyMode::Dropped) => error.kind() == io::ErrorKind::TimedOut,
                (Err(_), ProxyMode::Open | ProxyMode::Silent) => false,
            };
            if is_so {
                return;
            }
            std::thread::yield_now();
        }
    }
}

impl Drop for FaultyProxy {
    fn drop(&mut self) {
        // Works in an asynchronous context too, where blocking is not allowed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn serve(listener: std::net::TcpListener, server: SocketAddr, mut mode: watch::Receiver<ProxyMode>) {
    let mut listener = TcpListener::from_std(listener).ok();
    let address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
    let address = address.expect("a bound listener has an address");
    loop {
        let now = *mode.borrow_and_update();
        if now == ProxyMode::Refused {
            listener = None;
        }
        if let (None, false) = (&listener, now == ProxyMode::Refused) {
            listener = TcpListener::bind(address).await.ok();
            sleep(Duration::from_millis(u64::from(listener.is_none()))).await;
        }
        let accepted = async {
            match &listener {
                // Another listen(2) changes the length of the backlog.
                Some(listener)
                    if listen(listener, if now == ProxyMode::Dropped { 0 } else { 1_024 }).is_ok() =>
                {
                    if now == ProxyMode::Dropped {
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
                tokio::spawn(relay(client, server, mode.clone()));
            },
            changed = mode.changed() => if changed.is_err() { return },
        }
    }
}

async fn relay(client: TcpStream, server: SocketAddr, mode: watch::Receiver<ProxyMode>) {
    let mut refused = mode.clone();
    let relayed = async {
        let Ok(server) = TcpStream::connect(server).await else { return };
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        tokio::join!(pass(from_client, to_server, mode.clone()), pass(from_server, to_client, mode));
    };
    tokio::select! {
        () = relayed => {}
        _ = refused.wait_for(|mode| *mode == ProxyMode::Refused) => {}
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut mode: watch::Receiver<ProxyMode>,
) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        if mode.wait_for(|mode| *mode == ProxyMode::Open).await.is_err()
            || to.write_all(&buffer[..length]).await.is_err()
        {
            return;
        }
    }
    // A peer that is gone needs no shutdown.
    drop(to.shutdown().await);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener as Server;

    const LONG: Duration = Duration::from_secs(60);

    /// How much of one byte comes back within this time.
    fn echo(client: &mut Client, patience: Duration) -> io::Result<usize> {
        client.set_read_timeout(Some(patience)).unwrap();
        client.write_all(b"x")?;
        client.read(&mut [0; 8])
    }

    #[test]
    fn each_mode_takes_effect() {
        let server = Server::bind("127.0.0.1:0").unwrap();
        let proxy = FaultyProxy::to(server.local_addr().unwrap());
        std::thread::spawn(move || {
            for client in server.incoming() {
                let mut client = client.unwrap();
                std::thread::spawn(move || {
                    let mut reader = client.try_clone().unwrap();
                    io::copy(&mut reader, &mut client)
                });
            }
        });
        let connect = || Client::connect_timeout(&proxy.address(), ANSWERED);
        let silence = |client: &mut Client| {
            assert_eq!(echo(client, ANSWERED).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        };
        let error = |client: io::Result<Client>| client.unwrap_err().kind();
        // More than once, from any mode.
        for _ in 0..2 {
            let mut before = connect().unwrap();
            assert_eq!(echo(&mut before, LONG).unwrap(), 1);
            proxy.set(ProxyMode::Silent);
            silence(&mut before);
            silence(&mut connect().unwrap());
            proxy.set(ProxyMode::Dropped);
            silence(&mut before);
            assert_eq!(error(connect()), io::ErrorKind::TimedOut);
            proxy.set(ProxyMode::Open);
            let mut before = connect().unwrap();
            assert_eq!(echo(&mut before, LONG).unwrap(), 1);
            proxy.set(ProxyMode::Refused);
            assert_eq!(error(connect()), io::ErrorKind::ConnectionRefused);
            assert_ne!(echo(&mut before, LONG).unwrap_or(0), 1, "connections are reset");
            proxy.set(ProxyMode::Open);
        }
    }
}
