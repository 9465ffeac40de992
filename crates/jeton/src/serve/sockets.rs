//! The server's listeners: inherited sockets, or the addresses of its settings.
//!
//! Inherited sockets follow systemd's protocol (sd_listen_fds(3)): `public` and `admin` by name, or by order
//! where they have no names.

use crate::config::{Config, ListenAddress};
use crate::error::CommandError;
use listenfd::ListenFd;
use rustix::process::{Resource, getrlimit, setrlimit};
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
    /// The inherited sockets, and the addresses of the others.
    pub(super) fn take(config: &Config) -> Result<Self, CommandError> {
        let [public, admin] = handed()?;
        let or = |socket: Option<StdListener>, address: &ListenAddress| match socket {
            Some(socket) => Ok(Socket::Listening(socket)),
            None => address.resolve().map(Socket::Address),
        };
        Ok(Sockets { public: or(public, &config.listen)?, admin: or(admin, &config.admin_listen)? })
    }

    /// Refuses to let tokens travel in clear beyond this machine.
    pub(super) fn check(&self, config: &Config) -> Result<(), CommandError> {
        if config.behind_proxy {
            return Ok(());
        }
        if !self.public_is_loopback()? && config.tls.is_none() {
            return Err(CommandError::usage(
                "tokens must not travel in clear: set --tls-cert and --tls-key, or put a proxy that \
                 terminates TLS in front and set --behind-proxy, or listen on a loopback address",
            ));
        }
        if !self.admin_is_loopback()? && config.tls.is_none() && config.admin_tls.is_none() {
            return Err(CommandError::usage(
                "operators' tokens must not travel in clear on the admin address: set admin_tls_cert and admin_tls_key, or --tls-cert and \
                 --tls-key, or put a proxy that terminates TLS in front and set --behind-proxy, or use a loopback \
                 address for --admin-listen",
            ));
        }
        Ok(())
    }

    pub(super) fn admin_is_loopback(&self) -> Result<bool, CommandError> {
        Ok(self.admin_address()?.ip().is_loopback())
    }

    pub(super) fn public_is_loopback(&self) -> Result<bool, CommandError> {
        Ok(self.public_address()?.ip().is_loopback())
    }

    pub(super) fn public_address(&self) -> Result<SocketAddr, CommandError> {
        self.public.address()
    }

    pub(super) fn admin_address(&self) -> Result<SocketAddr, CommandError> {
        self.admin.address()
    }

    /// The same, both listening, with a backlog of this many connections, as far as the system allows.
    pub(super) fn listen(self, backlog: i32) -> Result<Self, CommandError> {
        let public = self.public.listen(backlog, "--listen")?;
        Ok(Sockets { public, admin: self.admin.listen(backlog, "--admin-listen")? })
    }

    /// The public and the admin listener.
    pub(super) fn into_listeners(self) -> Result<(TcpListener, TcpListener), CommandError> {
        Ok((self.public.into_listener()?, self.admin.into_listener()?))
    }
}

impl Socket {
    fn address(&self) -> Result<SocketAddr, CommandError> {
        match self {
            Socket::Address(address) => Ok(*address),
            Socket::Listening(listener) => {
                listener.local_addr().map_err(|error| CommandError::unavailable(error.to_string()))
            }
        }
    }

    /// `flag` names another address.
    fn listen(self, backlog: i32, flag: &str) -> Result<Self, CommandError> {
        let listener = match self {
            Socket::Listening(listener) => listener,
            Socket::Address(address) => StdListener::bind(address).map_err(|error| {
                CommandError::unavailable(format!(
                    "cannot listen on {address}: {error}. Name another with {flag} ADDRESS:PORT"
                ))
            })?,
        };
        // An inherited socket may have any backlog: listening again changes only that.
        if let Err(error) = rustix::net::listen(&listener, backlog) {
            tracing::warn!("the backlog of connections cannot be changed: {error}");
        }
        Ok(Socket::Listening(listener))
    }

    fn into_listener(self) -> Result<TcpListener, CommandError> {
        match self {
            Socket::Address(address) => Err(CommandError::unavailable(format!("{address} is not listening"))),
            Socket::Listening(listener) => listener
                .set_nonblocking(true)
                .and_then(|()| TcpListener::from_std(listener))
                .map_err(|error| CommandError::unavailable(error.to_string())),
        }
    }
}

/// The inherited public and admin sockets.
fn handed() -> Result<[Option<StdListener>; 2], CommandError> {
    let mut handed = ListenFd::from_env();
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names: Vec<&str> = names.split(':').collect();
    let mut sockets = [None, None];
    for place in 0..handed.len() {
        let name = names.get(place).copied().unwrap_or_default();
        let role = ROLES.iter().position(|role| *role == name).unwrap_or(place);
        let listener = handed.take_tcp_listener(place);
        let listener =
            listener.map_err(|error| CommandError::usage(format!("an inherited socket: {error}")))?;
        match sockets.get_mut(role) {
            Some(free @ None) => *free = listener,
            Some(Some(_)) | None => {
                return Err(CommandError::usage(format!(
                    "{} sockets were inherited: a server takes one named public and one named admin",
                    handed.len()
                )));
            }
        }
    }
    Ok(sockets)
}

/// Raises the limit on open file descriptors as far as the system allows, and returns it.
///
/// The initial limit is low for the sake of programs that use select(2), which Jeton does not.
pub(super) fn raise_descriptor_limit() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let current = limit.current;
    limit.current = limit.maximum;
    let granted = match setrlimit(Resource::Nofile, limit) {
        Ok(()) => limit.current,
        Err(error) => {
            tracing::warn!("the limit on open files cannot be raised: {error}");
            current
        }
    };
    // `None` means no limit.
    granted.map_or(usize::MAX, |granted| usize::try_from(granted).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpStream;
    use std::time::Duration;

    /// More than the standard library asks for.
    const BURST: usize = 200;

    /// No connection is accepted: what does not fit the backlog is not connected.
    fn takes_a_burst(socket: &Socket) -> bool {
        let address = socket.address().unwrap();
        let connect = |_| TcpStream::connect_timeout(&address, Duration::from_millis(500));
        (0..BURST).map(connect).collect::<Result<Vec<_>, _>>().is_ok()
    }

    #[test]
    fn sockets_of_ours_and_handed_ones_have_the_room_that_was_asked_for() {
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let narrow = || {
            let listener = StdListener::bind(any).unwrap();
            rustix::net::listen(&listener, 16).unwrap();
            Socket::Listening(listener)
        };
        assert!(!takes_a_burst(&narrow()), "the test tells the difference");
        assert!(takes_a_burst(&narrow().listen(1_024, "--listen").unwrap()));
        assert!(takes_a_burst(&Socket::Address(any).listen(1_024, "--listen").unwrap()));
        assert!(!takes_a_burst(&Socket::Address(any).listen(16, "--listen").unwrap()));
    }
}
