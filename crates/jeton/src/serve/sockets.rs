//! Where a server listens: on sockets that it was handed, or on addresses of its settings.
//!
//! Handed sockets follow systemd's protocol (sd_listen_fds(3)): `public` and `admin` by their names, or by their order
//! where they have none.

use crate::config::Config;
use crate::failure::Failure;
use listenfd::ListenFd;
use std::net::{SocketAddr, TcpListener as StdListener};
use tokio::net::TcpListener;

const ROLES: [&str; 2] = ["public", "admin"];

/// The two sockets, listening or still to be bound.
pub(super) struct Sockets {
    public: Socket,
    admin: Socket,
}

enum Socket {
    /// To be bound.
    Address(SocketAddr),
    Listening(StdListener),
}

impl Sockets {
    /// The sockets that this process was handed, and the addresses of those that it was not.
    pub(super) fn take(config: &Config) -> Result<Self, Failure> {
        let [public, admin] = handed()?;
        let or =
            |socket: Option<StdListener>, address| socket.map_or(Socket::Address(address), Socket::Listening);
        Ok(Sockets { public: or(public, config.listen), admin: or(admin, config.admin_listen) })
    }

    /// Refuses to let tokens travel in clear beyond this machine.
    pub(super) fn check(&self, config: &Config) -> Result<(), Failure> {
        if config.behind_proxy {
            return Ok(());
        }
        if !self.public_is_loopback()? && config.tls.is_none() {
            return Err(Failure::usage(
                "tokens must not travel in clear: name a certificate by --tls-cert and --tls-key, or put a proxy that \
                 speaks TLS in front and say --behind-proxy, or listen on a loopback address",
            ));
        }
        if !self.admin_address()?.ip().is_loopback() {
            return Err(Failure::usage("the admin address is a loopback one, unless --behind-proxy"));
        }
        Ok(())
    }

    pub(super) fn public_is_loopback(&self) -> Result<bool, Failure> {
        Ok(self.public_address()?.ip().is_loopback())
    }

    pub(super) fn public_address(&self) -> Result<SocketAddr, Failure> {
        self.public.address()
    }

    pub(super) fn admin_address(&self) -> Result<SocketAddr, Failure> {
        self.admin.address()
    }

    /// The same, both listening.
    pub(super) async fn listen(self) -> Result<Self, Failure> {
        Ok(Sockets { public: self.public.listen().await?, admin: self.admin.listen().await? })
    }

    /// The public and the admin listener.
    pub(super) fn into_listeners(self) -> Result<(TcpListener, TcpListener), Failure> {
        Ok((self.public.into_listener()?, self.admin.into_listener()?))
    }
}

impl Socket {
    fn address(&self) -> Result<SocketAddr, Failure> {
        match self {
            Socket::Address(address) => Ok(*address),
            Socket::Listening(listener) => {
                listener.local_addr().map_err(|error| Failure::unavailable(error.to_string()))
            }
        }
    }

    async fn listen(self) -> Result<Self, Failure> {
        match self {
            Socket::Listening(_) => Ok(self),
            Socket::Address(address) => {
                let bound = TcpListener::bind(address).await.and_then(TcpListener::into_std);
                let failed = |error| Failure::unavailable(format!("cannot listen on {address}: {error}"));
                bound.map(Socket::Listening).map_err(failed)
            }
        }
    }

    fn into_listener(self) -> Result<TcpListener, Failure> {
        match self {
            Socket::Address(address) => Err(Failure::unavailable(format!("{address} is not listened on"))),
            Socket::Listening(listener) => listener
                .set_nonblocking(true)
                .and_then(|()| TcpListener::from_std(listener))
                .map_err(|error| Failure::unavailable(error.to_string())),
        }
    }
}

/// The public and the admin socket that this process was handed.
fn handed() -> Result<[Option<StdListener>; 2], Failure> {
    let mut handed = ListenFd::from_env();
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names: Vec<&str> = names.split(':').collect();
    let mut sockets = [None, None];
    for place in 0..handed.len() {
        let name = names.get(place).copied().unwrap_or_default();
        let role = ROLES.iter().position(|role| *role == name).unwrap_or(place);
        let listener = handed.take_tcp_listener(place);
        let listener =
            listener.map_err(|error| Failure::usage(format!("a socket was handed over: {error}")))?;
        match sockets.get_mut(role) {
            Some(free @ None) => *free = listener,
            Some(Some(_)) | None => {
                return Err(Failure::usage(format!(
                    "{} sockets were handed over: a server takes one named public and one named admin",
                    handed.len()
                )));
            }
        }
    }
    Ok(sockets)
}
