//! `jeton healthcheck`

mod tls;

use super::output;
use crate::config::{Config, ServeFlags};
use crate::error::CommandError;
use clap::Args;
use jeton_http::PublicUrl;
use serde_json::Value;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

/// More than any answer about readiness has.
const MOST_BYTES: u64 = 64 * 1_024;

/// Ask a server whether it is ready; exit 0 if it is, 4 if it is not or does not answer
///
/// For containers and scripts, which need no other program for it. Asks GET /readyz where the settings say that the server listens, so
/// settings that it gets by flags are given by the same flags here; where they name all addresses of the machine, the loopback address is asked.
/// Over TLS the certificate is not checked: no secret is sent, and its names are seldom those of this machine.
#[derive(Args, Debug)]
pub(crate) struct HealthcheckArgs {
    #[command(flatten)]
    flags: ServeFlags,
    /// Ask the server at this address, as in https://127.0.0.1:8443
    #[arg(long, value_name = "URL")]
    url: Option<Place>,
    /// How long everything may take
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=300))]
    timeout_seconds: u64,
}

pub(crate) async fn run(args: HealthcheckArgs) -> Result<(), CommandError> {
    let place = match args.url {
        Some(place) => place,
        None => Place::of(&args.flags.load()?)?,
    };
    let time = Duration::from_secs(args.timeout_seconds);
    let answer = match tokio::time::timeout(time, ask(&place)).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => return Err(CommandError::unavailable(format!("{place}: {error}"))),
        Err(_) => {
            return Err(CommandError::unavailable(format!("{place}: no answer within {} s", time.as_secs())));
        }
    };
    match status(&answer) {
        Some("200") => output::write("ready\n"),
        Some(status) => Err(CommandError::unavailable(format!(
            "{place}: {status}{}",
            reason(&answer).unwrap_or_default()
        ))),
        None => Err(CommandError::unavailable(format!("{place}: what answers there is no HTTP server"))),
    }
}

/// Where a server is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    speaks_tls: bool,
    /// A name, or an address without brackets.
    host: String,
    port: u16,
    /// What a proxy puts before the paths of the server.
    prefix: String,
}

impl Place {
    /// Where the clients of a server with these settings come.
    fn of(config: &Config) -> Result<Self, CommandError> {
        let listen = config.listen.resolve()?;
        if listen.port() == 0 {
            return Err(CommandError::usage(
                "the settings let the server pick a port (listen): name its address with --url",
            ));
        }
        let host = match listen.ip() {
            IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            address => address,
        };
        Ok(Place {
            speaks_tls: config.tls.is_some(),
            host: host.to_string(),
            port: listen.port(),
            prefix: String::new(),
        })
    }

    /// Host and port as a URL and the header `Host` have them.
    fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }

    /// The addresses of the host.
    async fn addresses(&self) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![(address, self.port).into()]);
        }
        let (host, port) = (self.host.clone(), self.port);
        let (found, finding) = oneshot::channel();
        // On a thread that nobody waits for: the system may look for a name longer than the caller has time.
        std::thread::spawn(move || {
            let addresses = (host.as_str(), port).to_socket_addrs();
            drop(found.send(addresses.map(Iterator::collect)));
        });
        finding.await.map_err(io::Error::other)?
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let url: PublicUrl =
            text.parse().map_err(|_| "an http:// or https:// URL without query".to_owned())?;
        let (scheme, rest) = url.as_str().split_once("://").unwrap_or_default();
        let (authority, prefix) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let speaks_tls = scheme == "https";
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| format!("{port} is no port"))?)
            }
            Some(_) | None => (authority, if speaks_tls { 443 } else { 80 }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Place { speaks_tls, host: host.to_owned(), port, prefix: prefix.to_owned() })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.speaks_tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}/readyz", self.authority(), self.prefix)
    }
}

/// The whole answer to the question whether a server is ready.
async fn ask(place: &Place) -> io::Result<String> {
    let stream = TcpStream::connect(place.addresses().await?.as_slice()).await?;
    if place.speaks_tls {
        exchange(tls::connect(stream, &place.host).await?, place).await
    } else {
        exchange(stream, place).await
    }
}

async fn exchange(mut stream: impl AsyncRead + AsyncWrite + Unpin, place: &Place) -> io::Result<String> {
    let request = format!(
        "GET {}/readyz HTTP/1.1\r\nHost: {}\r\nUser-Agent: jeton-healthcheck\r\nConnection: close\r\n\r\n",
        place.prefix,
        place.authority()
    );
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    match stream.take(MOST_BYTES).read_to_end(&mut answer).await {
        // Over TLS, a proxy may end a connection without saying so.
        Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
        Ok(_) | Err(_) => Ok(String::from_utf8_lossy(&answer).into_owned()),
    }
}

/// The status of an answer; `None` if it is not HTTP/1.
fn status(answer: &str) -> Option<&str> {
    let status = answer.strip_prefix("HTTP/1.")?.get(2..5)?;
    status.bytes().all(|byte| byte.is_ascii_digit()).then_some(status)
}

/// What a server says of why it is not ready.
fn reason(answer: &str) -> Option<String> {
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let body: Value = serde_json::from_str(body).ok()?;
    Some(format!(", {}", body["status"].as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<(bool, String, u16, String), String> {
        let Place { speaks_tls, host, port, prefix } = text.parse()?;
        Ok((speaks_tls, host, port, prefix))
    }

    #[test]
    fn a_place_is_read_from_a_url_and_written_as_one() {
        for (url, speaks_tls, host, port, prefix) in [
            ("http://127.0.0.1:8080", false, "127.0.0.1", 8080, ""),
            ("https://tokens.example.org/", true, "tokens.example.org", 443, ""),
            ("http://[::1]:8080/jeton/", false, "::1", 8080, "/jeton"),
            ("http://[::1]", false, "::1", 80, ""),
        ] {
            assert_eq!(place(url), Ok((speaks_tls, host.to_owned(), port, prefix.to_owned())), "{url}");
            let written = url.parse::<Place>().unwrap().to_string();
            let again = written.strip_suffix("/readyz").unwrap();
            assert_eq!(place(again), place(url), "{written}");
        }
        for bad in ["127.0.0.1:8080", "ftp://a", "http://a:99999", "http://a?x", "http://u@a"] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_answer_says_whether_and_why() {
        let answer =
            "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 21\r\n\r\n{\"status\":\"draining\"}";
        assert_eq!((status(answer), reason(answer)), (Some("503"), Some(", draining".to_owned())));
        assert_eq!(status("HTTP/1.0 200 OK\r\n\r\n"), Some("200"));
        for other in ["", "HTTP/1.1", "HTTP/1.1 2x0", "SSH-2.0-OpenSSH"] {
            assert_eq!((status(other), reason(other)), (None, None), "{other}");
        }
    }
}
