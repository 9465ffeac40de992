//! Where a server listens: on sockets that it was handed, or on addresses of its settings.
//!
//! Handed sockets follow systemd's protocol (sd_listen_fds(3)): `public` and `admin` by their names, or by their order
//! where they have none.

use crate::config::Config;
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
    /// The sockets that this process was handed, and the addresses of those that it was not.
    pub(super) fn take(config: &Config) -> Result<Self, CommandError> {
        let [public, admin] = handed()?;
        let or =
            |socket: Option<StdListener>, address| socket.map_or(Socket::Address(address), Socket::Listening);
        Ok(Sockets { public: or(public, config.listen), admin: or(admin, config.admin_listen) })
    }

    /// Refuses to let tokens travel in clear beyond this machine.
    pub(super) fn check(&self, config: &Config) -> Result<(), CommandError> {
        if config.behind_proxy {
            return Ok(());
        }
        if !self.public_is_loopback()? && config.tls.is_none() {
            return Err(CommandError::usage(
                "tokens must not travel in clear: name a certificate by --tls-cert and --tls-key, or put a proxy that \
                 speaks TLS in front and say --behind-proxy, or listen on a loopback address",
            ));
        }
        if !self.admin_is_loopback()? && config.tls.is_none() && config.admin_tls.is_none() {
            return Err(CommandError::usage(
                "tokens of operators must not travel in clear: name a certificate by admin_tls_cert and admin_tls_key, or by \
                 --tls-cert and --tls-key, or put a proxy that speaks TLS in front and say --behind-proxy, or have the admin \
                 address be a loopback one",
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

    /// The same, both listening, with room for so many connections that are not accepted yet, as far as the system allows.
    pub(super) fn listen(self, backlog: i32) -> Result<Self, CommandError> {
        Ok(Sockets { public: self.public.listen(backlog)?, admin: self.admin.listen(backlog)? })
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

    fn listen(self, backlog: i32) -> Result<Self, CommandError> {
        let listener = match self {
            Socket::Listening(listener) => listener,
            Socket::Address(address) => StdListener::bind(address)
                .map_err(|error| CommandError::unavailable(format!("cannot listen on {address}: {error}")))?,
        };
        // Whoever made it, with whatever room: to listen once more changes nothing but that.
        if let Err(error) = rustix::net::listen(&listener, backlog) {
            tracing::warn!("room for waiting connections stays as it was: {error}");
        }
        Ok(Socket::Listening(listener))
    }

    fn into_listener(self) -> Result<TcpListener, CommandError> {
        match self {
            Socket::Address(address) => {
                Err(CommandError::unavailable(format!("{address} is not listened on")))
            }
            Socket::Listening(listener) => listener
                .set_nonblocking(true)
                .and_then(|()| TcpListener::from_std(listener))
                .map_err(|error| CommandError::unavailable(error.to_string())),
        }
    }
}

/// The public and the admin socket that this process was handed.
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
            listener.map_err(|error| CommandError::usage(format!("a socket was handed over: {error}")))?;
        match sockets.get_mut(role) {
            Some(free @ None) => *free = listener,
            Some(Some(_)) | None => {
                return Err(CommandError::usage(format!(
                    "{} sockets were handed over: a server takes one named public and one named admin",
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

    /// Nobody accepts: what has no room is not connected.
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
        assert!(takes_a_burst(&narrow().listen(1_024).unwrap()));
        assert!(takes_a_burst(&Socket::Address(any).listen(1_024).unwrap()));
        assert!(!takes_a_burst(&Socket::Address(any).listen(16).unwrap()));
    }
}
