//! A client that sends bytes as they are and reads what comes back, frame by frame.

use crate::app::TestApp;
use jeton_http::{Listener, ServerLimits, ServerMeasures, Site, Tls, serve};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A server on a port of its own.
pub(crate) struct Serving {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

/// A server that is stopping.
pub(crate) struct Stopping(JoinHandle<()>);

impl Serving {
    pub(crate) async fn start(app: &TestApp) -> Self {
        Serving::within(app, ServerLimits::default()).await
    }

    pub(crate) async fn within(app: &TestApp, limits: ServerLimits) -> Self {
        Serving::with_tls(app, limits, None).await
    }

    pub(crate) async fn with_tls(app: &TestApp, limits: ServerLimits, tls: Option<Arc<Tls>>) -> Self {
        Serving::of(app.http(), limits, tls).await
    }

    pub(crate) async fn of(site: Site, limits: ServerLimits, tls: Option<Arc<Tls>>) -> Self {
        Serving::counted(site, limits, tls, Arc::default()).await
    }

    /// The same, counting there.
    pub(crate) async fn counted(
        site: Site,
        limits: ServerLimits,
        tls: Option<Arc<Tls>>,
        measures: Arc<ServerMeasures>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let stopped = async { drop(stopped.await) };
        let listener = Listener { tls, measures, ..Listener::from(listener) };
        let done = tokio::spawn(serve(listener, site, limits, stopped));
        Serving { address, stop, done }
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection(BufReader::new(TcpStream::connect(self.address).await.unwrap()))
    }

    pub(crate) fn stop(self) -> Stopping {
        self.stop.send(()).unwrap();
        Stopping(self.done)
    }
}

impl Stopping {
    /// Waits until the server has ended.
    pub(crate) async fn finish(self) {
        self.0.await.unwrap();
    }
}

/// A connection of a client.
pub(crate) struct Connection(BufReader<TcpStream>);

/// An answer as it came over the wire.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Raw {
    /// The status line and the headers, each a line.
    pub(crate) head: Vec<String>,
    pub(crate) body: String,
    /// Whether the body ended as its framing says it must.
    pub(crate) is_whole: bool,
}

impl Raw {
    pub(crate) fn status(&self) -> u16 {
        let mut words = self.head[0].split(' ');
        assert_eq!(words.next(), Some("HTTP/1.1"), "{self:?}");
        words.next().unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head[1..].iter().find_map(|line| {
            let (key, value) = line.split_once(':').unwrap();
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Connection {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads one answer. `has_body` is false after HEAD.
    pub(crate) async fn answer(&mut self, has_body: bool) -> Raw {
        let head = self.head().await;
        let mut raw = Raw { head, body: String::new(), is_whole: true };
        if !has_body || raw.status() == 204 {
            return raw;
        }
        if let Some(length) = raw.header("content-length") {
            let mut body = vec![0; length.parse().unwrap()];
            raw.is_whole = self.0.read_exact(&mut body).await.is_ok();
            raw.body = String::from_utf8(body).unwrap();
        } else {
            assert_eq!(raw.header("transfer-encoding"), Some("chunked"), "{raw:?}");
            let body = self.chunks().await;
            raw.is_whole = body.1;
            raw.body = String::from_utf8(body.0).unwrap();
        }
        raw
    }

    /// The head of an answer, also of one that is only underway, such as `100 Continue`.
    pub(crate) async fn head(&mut self) -> Vec<String> {
        let mut head = Vec::new();
        loop {
            let line = self.line().await;
            match line.strip_suffix("\r\n") {
                Some("") => return head,
                Some(line) => head.push(line.to_owned()),
                None => panic!("the connection ended in a head: {head:?} {line:?}"),
            }
        }
    }

    /// Says that nothing more is sent.
    pub(crate) async fn end(&mut self) {
        self.0.get_mut().shutdown().await.unwrap();
    }

    /// Everything until the connection ends, in whatever way.
    pub(crate) async fn rest(&mut self) -> String {
        let mut bytes = Vec::new();
        drop(self.0.read_to_end(&mut bytes).await);
        String::from_utf8(bytes).unwrap()
    }

    /// Whether the server has closed the connection, with nothing more to read.
    pub(crate) async fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]).await, Ok(0) | Err(_))
    }

    async fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.unwrap();
        line
    }

    /// A chunked body (RFC 9112 section 7.1), and whether its last chunk came.
    async fn chunks(&mut self) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        loop {
            let mut size = String::new();
            match self.0.read_line(&mut size).await {
                Ok(0) | Err(_) => return (body, false),
                Ok(_) => {}
            }
            let size = usize::from_str_radix(size.trim_end(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            if self.0.read_exact(&mut chunk).await.is_err() {
                return (body, false);
            }
            body.extend(&chunk[..size]);
            if size == 0 {
                return (body, true);
            }
        }
    }
}
