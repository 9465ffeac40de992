//! TLS: what clients are shown, and what is read again while they are served.

use super::socket::Serving;
use crate::app::TestApp;
use jeton_http::{ServerLimits, Tls, TlsError};
use rcgen::CertifiedKey;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A certificate and its key in files.
pub(super) struct Files {
    folder: TempDir,
}

impl Files {
    pub(super) fn new() -> (Self, RootCertStore) {
        let files = Files { folder: tempfile::tempdir().unwrap() };
        let roots = files.renew();
        (files, roots)
    }

    fn certificate(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// Writes a new pair; a client that trusts the result trusts that certificate and no other.
    fn renew(&self) -> RootCertStore {
        let CertifiedKey { cert, signing_key } =
            rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(self.certificate(), cert.pem()).unwrap();
        self.write_key(&signing_key.serialize_pem());
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        roots
    }

    fn write_key(&self, pem: &str) {
        std::fs::write(self.key(), pem).unwrap();
        std::fs::set_permissions(self.key(), PermissionsExt::from_mode(0o600)).unwrap();
    }

    pub(super) fn load(&self) -> Result<Tls, TlsError> {
        Tls::load(&self.certificate(), &self.key())
    }
}

async fn serve(files: &Files) -> (TestApp, Serving, Arc<Tls>) {
    let app = TestApp::new().await;
    let tls = Arc::new(files.load().unwrap());
    let server = Serving::with_tls(&app, ServerLimits::default(), Some(tls.clone())).await;
    (app, server, tls)
}

/// Editors write it before a text, and `cat` leaves it within.
#[tokio::test]
async fn a_byte_order_mark_is_no_part_of_a_file() {
    const MARK: &str = "\u{feff}";
    let (files, roots) = Files::new();
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
    let (certificate, key) = (read(files.certificate()), read(files.key()));
    std::fs::write(files.certificate(), format!("{MARK}{certificate}{MARK}{certificate}")).unwrap();
    files.write_key(&format!("{MARK}{key}"));
    let (_app, server, _) = serve(&files).await;
    let stream = connect(server.address, &roots, &[&rustls::version::TLS13]).await.unwrap();
    let chain = stream.get_ref().1.peer_certificates().unwrap();
    assert_eq!(chain.len(), 2, "the second is not passed over");
}

/// A client of HTTP/1.1.
async fn connect(
    address: SocketAddr,
    roots: &RootCertStore,
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    connect_as(address, roots, versions, &["http/1.1"]).await
}

/// A client that offers these protocols.
pub(super) async fn connect_as(
    address: SocketAddr,
    roots: &RootCertStore,
    versions: &[&'static SupportedProtocolVersion],
    protocols: &[&str],
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots.clone())
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(address).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// Asks on a kept connection whether the server is alive.
async fn is_served(stream: &mut TlsStream<TcpStream>) -> bool {
    stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(br#"{"status":"ok"}"#) {
        answer.push(stream.read_u8().await.unwrap());
    }
    answer.starts_with(b"HTTP/1.1 200 OK\r\n")
}

#[tokio::test]
async fn both_versions_are_spoken_and_the_better_protocol_is_agreed_on() {
    let (files, roots) = Files::new();
    let (_app, server, _) = serve(&files).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        for (offered, agreed) in [
            (&["http/1.1", "h2"][..], Some("h2")),
            (&["h2"], Some("h2")),
            (&["http/1.1"], Some("http/1.1")),
            (&["http/0.9", "http/1.1"], Some("http/1.1")),
            (&[], None),
        ] {
            let mut stream = connect_as(server.address, &roots, &[version], offered).await.unwrap();
            let session = stream.get_ref().1;
            assert_eq!(session.protocol_version(), Some(version.version));
            assert_eq!(session.alpn_protocol(), agreed.map(str::as_bytes), "{offered:?}");
            if agreed != Some("h2") {
                assert!(is_served(&mut stream).await && is_served(&mut stream).await);
            }
        }
        let refused = connect_as(server.address, &roots, &[version], &["h3"]).await;
        assert!(refused.is_err());
    }
}

#[tokio::test]
async fn a_renewed_certificate_is_for_new_connections() {
    let (files, old_roots) = Files::new();
    let (_app, server, tls) = serve(&files).await;
    let mut kept = connect(server.address, &old_roots, rustls::ALL_VERSIONS).await.unwrap();
    assert!(is_served(&mut kept).await);
    let new_roots = files.renew();
    tls.reload().unwrap();
    assert!(is_served(&mut kept).await, "a connection that is open goes on");
    let mut new = connect(server.address, &new_roots, rustls::ALL_VERSIONS).await.unwrap();
    assert!(is_served(&mut new).await);
    assert!(connect(server.address, &old_roots, rustls::ALL_VERSIONS).await.is_err());
}

#[tokio::test]
async fn a_bad_renewal_leaves_the_former_certificate_in_use() {
    let (files, roots) = Files::new();
    let (_app, server, tls) = serve(&files).await;
    let foreign = rcgen::KeyPair::generate().unwrap().serialize_pem();
    files.write_key(&foreign);
    let error = tls.reload().unwrap_err();
    assert!(matches!(error, TlsError::Pair { .. }), "{error}");
    std::fs::remove_file(files.certificate()).unwrap();
    assert!(matches!(tls.reload(), Err(TlsError::Io { .. })));
    let mut stream = connect(server.address, &roots, rustls::ALL_VERSIONS).await.unwrap();
    assert!(is_served(&mut stream).await);
}

#[test]
fn files_that_cannot_be_used_are_named_and_not_quoted() {
    let (files, _) = Files::new();
    std::fs::set_permissions(files.key(), PermissionsExt::from_mode(0o640)).unwrap();
    let error = files.load().unwrap_err();
    let (certificate, key) = (files.certificate(), files.key());
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    assert_eq!(
        error.to_string(),
        format!("the TLS key {key} can be read by others (mode 0640): chmod 600 {key}")
    );
    for (content, named) in [("", "no unencrypted private key"), ("hunter2", "no unencrypted private key")] {
        files.write_key(content);
        let error = files.load().unwrap_err();
        assert!(matches!(error, TlsError::NoKey(_)), "{error}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(key) && text.contains(named) && !text.contains("hunter2"), "{text}");
    }
    files.renew();
    std::fs::write(files.certificate(), "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n")
        .unwrap();
    let error = files.load().unwrap_err();
    let text = format!("{error} {error:?}");
    assert!(text.contains(certificate) && !text.contains("hunter2"), "{text}");
}

#[tokio::test]
async fn who_does_not_speak_tls_is_cut_and_so_is_who_stops_half_way() {
    let (files, roots) = Files::new();
    let app = TestApp::new().await;
    let tls = Arc::new(files.load().unwrap());
    let limits = ServerLimits { handshake_time: Duration::from_millis(50), ..ServerLimits::default() };
    let server = Serving::with_tls(&app, limits, Some(tls)).await;
    let mut plain = server.connect().await;
    plain.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let mut answer = plain.rest().await;
    // Whatever it says is an alert, and no HTTP.
    answer.truncate(4);
    assert_ne!(answer, "HTTP");
    let mut begun = server.connect().await;
    // A handshake record that promises more than comes.
    begun.send(b"\x16\x03\x01\x02\x00\x01").await;
    assert!(begun.is_closed().await);
    let mut stream = connect(server.address, &roots, rustls::ALL_VERSIONS).await.unwrap();
    assert!(is_served(&mut stream).await);
}
