//! A TCP proxy that fails in the ways in which networks and servers do, and leads where it is told to.

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
    server: watch::Sender<SocketAddr>,
    is_mute: watch::Sender<bool>,
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
        FaultyProxy::speaking(Speech::Any, server)
    }

    /// The same before PostgreSQL, whose notifications it can keep back. Connections must not be encrypted: `sslmode=disable`.
    ///
    /// # Panics
    /// As [`to`](Self::to) does.
    pub fn to_postgres(server: SocketAddr) -> Self {
        FaultyProxy::speaking(Speech::Postgres, server)
    }

    fn speaking(speech: Speech, server: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread can be had");
        let listener = std::net::TcpListener::bind(OWN).expect("an address can be had");
        listener.set_nonblocking(true).expect("a listener need not block");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (mode, server) = (watch::Sender::new(ProxyMode::Open), watch::Sender::new(server));
        let is_mute = watch::Sender::new(false);
        let ways =
            Ways { speech, mode: mode.subscribe(), server: server.subscribe(), is_mute: is_mute.subscribe() };
        runtime.spawn(serve(listener, ways));
        FaultyProxy { address, mode, server, is_mute, waiting: Mutex::default(), runtime: Some(runtime) }
    }

    /// New connections lead to this server from now on. Those that there are stay where they are.
    pub fn lead_to(&self, server: SocketAddr) {
        self.server.send_replace(server);
    }

    /// Whether notifications are kept back, on connections that there are too. Takes effect on what is sent after this returns;
    /// without effect before anything but PostgreSQL.
    pub fn set_mute(&self, is_mute: bool) {
        self.is_mute.send_replace(is_mute);
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

/// What is sent through it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speech {
    Any,
    Postgres,
}

/// Where connections lead, and what comes through. Whoever has one sees it change.
#[derive(Clone, Debug)]
struct Ways {
    speech: Speech,
    mode: watch::Receiver<ProxyMode>,
    server: watch::Receiver<SocketAddr>,
    is_mute: watch::Receiver<bool>,
}

async fn serve(listener: std::net::TcpListener, ways: Ways) {
    let mut mode = ways.mode.clone();
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
                tokio::spawn(relay(client, ways.clone()));
            },
            changed = mode.changed() => if changed.is_err() { return },
        }
    }
}

async fn relay(client: TcpStream, ways: Ways) {
    let Ways { speech, mode, server, is_mute } = ways;
    let mut refused = mode.clone();
    let relayed = async {
        let server = *server.borrow();
        let Ok(server) = TcpStream::connect(server).await else { return };
        // What is measured through a proxy is not the time that small packets are held back.
        drop((client.set_nodelay(true), server.set_nodelay(true)));
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let heard = move |read: &mut Vec<u8>| match speech {
            Speech::Any => std::mem::take(read),
            Speech::Postgres => whole_messages(read, *is_mute.borrow()),
        };
        tokio::join!(
            pass(from_client, to_server, mode.clone(), std::mem::take),
            pass(from_server, to_client, mode, heard)
        );
    };
    tokio::select! {
        () = relayed => {}
        _ = refused.wait_for(|mode| *mode == ProxyMode::Refused) => {}
    }
}

/// Passes on what `heard` takes from what was read.
async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut mode: watch::Receiver<ProxyMode>,
    heard: impl Fn(&mut Vec<u8>) -> Vec<u8>,
) {
    let mut read = Vec::with_capacity(4096);
    while let Ok(1..) = from.read_buf(&mut read).await {
        if mode.wait_for(|mode| *mode == ProxyMode::Open).await.is_err()
            || to.write_all(&heard(&mut read)).await.is_err()
        {
            return;
        }
    }
    // A peer that is gone needs no shutdown.
    drop(to.shutdown().await);
}

/// Takes what PostgreSQL has said completely, perhaps without its notifications. A message is a letter, its length with its own
/// four bytes, and the rest.
fn whole_messages(read: &mut Vec<u8>, is_mute: bool) -> Vec<u8> {
    const NOTIFICATION: u8 = b'A';
    let (mut whole, mut place) = (Vec::with_capacity(read.len()), 0);
    while let Some(&[kind, a, b, c, d]) = read.get(place..place + 5) {
        let end = place + 1 + u32::from_be_bytes([a, b, c, d]) as usize;
        let Some(message) = read.get(place..end) else { break };
        if !(is_mute && kind == NOTIFICATION) {
            whole.extend_from_slice(message);
        }
        place = end;
    }
    read.drain(..place);
    whole
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

    #[test]
    fn it_leads_where_it_is_told_to() {
        let servers: Vec<_> = (0..2).map(|_| Server::bind("127.0.0.1:0").unwrap()).collect();
        let address = |server: &Server| server.local_addr().unwrap();
        let proxy = FaultyProxy::to(address(&servers[0]));
        let _first = Client::connect(proxy.address()).unwrap();
        servers[0].accept().unwrap();
        proxy.lead_to(address(&servers[1]));
        let _second = Client::connect(proxy.address()).unwrap();
        servers[1].accept().unwrap();
    }

    #[test]
    fn messages_pass_whole_and_notifications_do_not_where_it_is_mute() {
        let (notification, other) = (b"A\0\0\0\x06ab", b"Z\0\0\0\x05I");
        let said = [&notification[..], other, notification].concat();
        for at in 0..=said.len() {
            let passed = |is_mute| {
                let mut read = said[..at].to_vec();
                let mut passed = whole_messages(&mut read, is_mute);
                read.extend_from_slice(&said[at..]);
                passed.extend(whole_messages(&mut read, is_mute));
                assert_eq!(read, b"", "everything is taken");
                passed
            };
            assert_eq!(passed(false), said);
            assert_eq!(passed(true), other);
        }
    }
}
