//! Clients of HTTP/2 that ask for much at a time: answers that they do not read, bodies that do not come, and
//! floods of frames.

use super::{Installation, MEMORY_AT_MOST, PROMPT, fill, memory_peak, raise_descriptors};
use crate::support::{Server, text};
use crate::tls::pair;
use h2::Reason;
use h2::client::{Builder, ResponseFuture, SendRequest};
use http::{HeaderMap, Request};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Requests of each connection at a time: as many as the server allows.
const STREAMS: usize = 100;
/// By when the server has given up an answer that is not read, and a body that does not come.
const GIVEN_UP_BY: Duration = Duration::from_secs(45);

/// Where they go.
#[derive(Clone)]
struct Target {
    address: SocketAddr,
    connector: TlsConnector,
    admin: String,
    big_admin: String,
}

type Requests = SendRequest<bytes::Bytes>;

impl Target {
    fn new(server: &Server, certificate: &str, installation: &Installation, big_admin: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Target {
            address: server.address,
            connector: TlsConnector::from(Arc::new(config)),
            admin: installation.credential("admin_token").to_owned(),
            big_admin: big_admin.to_owned(),
        }
    }

    async fn open(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        self.connector.connect(ServerName::try_from("127.0.0.1").unwrap(), stream).await.unwrap()
    }

    /// A client that makes room for so many bytes of each answer.
    async fn join(&self, window: u32) -> Requests {
        let (requests, driver) =
            Builder::new().initial_window_size(window).handshake(self.open().await).await.unwrap();
        drop(tokio::spawn(driver));
        requests
    }
}

async fn send(
    requests: &Requests,
    method: &str,
    path: &str,
    token: &str,
    body: Option<&str>,
) -> ResponseFuture {
    let mut request = Request::builder().method(method).uri(format!("https://test{path}"));
    request = request.header("authorization", format!("Bearer {token}"));
    request = request.header("content-type", "application/json");
    let mut ready = requests.clone().ready().await.unwrap();
    let (answer, mut out) = ready.send_request(request.body(()).unwrap(), body.is_none()).unwrap();
    if let Some(body) = body {
        out.send_data(body.to_owned().into(), true).unwrap();
    }
    answer
}

/// Asks for a list that is long, or for an answer that is short, and reads nothing of either.
async fn unread(target: Target, streams: usize) -> usize {
    let requests = target.join(0).await;
    let mut answers = JoinSet::new();
    for number in 0..streams {
        let path = if number % 2 == 0 { "/nowhere" } else { "/AccessToken/big" };
        let answer = send(&requests, "GET", path, &target.big_admin, None).await;
        answers.spawn(async move {
            // Refused, or answered in part, or not for lack of a place.
            let Ok(answer) = answer.await else { return false };
            let mut body = answer.into_body();
            let ended = loop {
                match body.data().await {
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break error.reason(),
                    None => break None,
                }
            };
            ended == Some(Reason::CANCEL)
        });
    }
    let mut given_up = 0;
    while let Some(is_given_up) = answers.join_next().await {
        given_up += usize::from(is_given_up.unwrap());
    }
    given_up
}

/// Begins as many bodies as it can, and goes on with none.
async fn unsent(target: Target, streams: usize) {
    let requests = target.join(1 << 16).await;
    let mut open = Vec::new();
    for _ in 0..streams {
        let mut request = Request::post("https://test/AccessToken/demo").body(()).unwrap();
        *request.headers_mut() = HeaderMap::from_iter([
            ("authorization".parse().unwrap(), format!("Bearer {}", target.admin).parse().unwrap()),
            ("content-type".parse().unwrap(), "application/json".parse().unwrap()),
        ]);
        let Ok(mut ready) = requests.clone().ready().await else { return };
        open.push(ready.send_request(request, false).unwrap());
    }
    for (answer, _body) in open {
        // 408, or refused, or 503.
        drop(answer.await);
    }
}

/// Sends these frames over and over until the server closes.
async fn flood(target: Target, frames: fn(u32) -> Vec<u8>) {
    let (mut from, mut to) = tokio::io::split(target.open().await);
    to.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    let sending = async {
        for id in (1..=2_000_001).step_by(2) {
            if to.write_all(&frames(id)).await.is_err() {
                return;
            }
        }
        panic!("a million were read");
    };
    let mut came = Vec::new();
    let flooded =
        timeout(PROMPT, async { tokio::join!(sending, async { drop(from.read_to_end(&mut came).await) }) });
    flooded.await.expect("it ends");
    assert!(came.len() < 200_000, "{} bytes came back", came.len());
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// `GET`, `https`, `/`, and `test`, in HPACK.
const GET: &[u8] = b"\x82\x87\x84\x01\x04test";

const FLOODS: [fn(u32) -> Vec<u8>; 5] = [
    |id| [frame(1, 5, id, GET), frame(3, 0, id, &[0, 0, 0, 8])].concat(),
    |_| frame(6, 0, 0, &[0; 8]),
    |_| frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]),
    |id| if id == 1 { frame(1, 1, 1, GET) } else { frame(9, 0, 1, &[]) },
    |id| frame(1, 5, id, GET),
];

/// Served all the time: how many, and the slowest.
async fn honest(target: Target, mut stop: oneshot::Receiver<()>) -> (usize, Duration) {
    let requests = target.join(1 << 16).await;
    let (mut count, mut slowest) = (0, Duration::ZERO);
    while stop.try_recv() == Err(oneshot::error::TryRecvError::Empty) {
        for (method, path, body, status) in [
            ("GET", "/auth/demo", None, 401),
            ("GET", "/AccessToken/demo?take=10", None, 200),
            ("POST", "/AccessToken/demo", Some(r#"{"title":"honest"}"#), 200),
            ("GET", "/nowhere", None, 404),
        ] {
            let begun = Instant::now();
            let answer = send(&requests, method, path, &target.admin, body).await.await.unwrap();
            assert_eq!(answer.status(), status, "{method} {path}");
            slowest = slowest.max(begun.elapsed());
            count += 1;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    (count, slowest)
}

/// So many connections of each sort, and one of a client that means well.
pub(super) fn attack(connections: usize, tokens: usize, waits: bool) -> String {
    raise_descriptors();
    let installation = Installation::sqlite();
    let big = fill(&installation, tokens);
    let (certificate, key) = pair(&installation.sandbox);
    let mut server = Server::start(&installation.sandbox, &["--tls-cert", &certificate, "--tls-key", &key]);
    let target = Target::new(&server, &certificate, &installation, text(&big, "admin_token"));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (count, slowest, came) = runtime.block_on(async {
        let (stop, stopped) = oneshot::channel();
        let honest = tokio::spawn(honest(target.clone(), stopped));
        let (mut readers, mut senders) = (JoinSet::new(), JoinSet::new());
        for _ in 0..connections {
            readers.spawn(unread(target.clone(), STREAMS));
            senders.spawn(unsent(target.clone(), STREAMS));
        }
        for _ in 0..connections.div_ceil(10) {
            for frames in FLOODS {
                flood(target.clone(), frames).await;
            }
        }
        let mut given_up = 0;
        if waits {
            let ended = timeout(GIVEN_UP_BY, async {
                while let Some(count) = readers.join_next().await {
                    given_up += count.unwrap();
                }
                while senders.join_next().await.is_some() {}
            });
            ended.await.expect("all are given up in time");
            assert!(given_up > 0, "those that were answered");
        }
        stop.send(()).unwrap();
        let (count, slowest) = honest.await.unwrap();
        (
            count,
            slowest,
            format!("{} connections of {STREAMS} requests, {given_up} answers given up", 2 * connections),
        )
    });
    let peak = memory_peak(server.pid());
    assert!(peak <= MEMORY_AT_MOST, "the server took {peak} MiB");
    drop(runtime);
    let log = server.stop();
    assert!(!log.contains("panicked"), "{log}");
    let slowest = slowest.as_millis();
    format!(
        "HTTP/2: {came}; memory at most {peak} MiB; {count} honest requests served, the slowest in {slowest} ms"
    )
}

#[test]
fn multiplexed_clients_at_a_small_size() {
    attack(15, 1_000, false);
}
