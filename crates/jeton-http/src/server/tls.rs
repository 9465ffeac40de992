//! TLS: certificates from files, which can be reloaded while the server runs.

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use zeroize::Zeroizing;

/// Why a certificate and its key are rejected. Names files, never their contents.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The file system failed.
    #[error("{} cannot be read: {error}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the system.
        error: io::Error,
    },
    /// Users other than its owner may read or write the key.
    #[error("the TLS key {path} can be read by others (mode {mode:04o}): chmod 600 {path}", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// The file contains no certificate.
    #[error("{} contains no certificate in PEM form", .0.display())]
    NoCertificate(PathBuf),
    /// The file contains no private key, or an encrypted one.
    #[error("{} contains no unencrypted private key in PEM form", .0.display())]
    NoKey(PathBuf),
    /// Certificate and key do not match, or are of an unsupported kind.
    #[error("{} and {} cannot be used together: {error}", certificate.display(), key.display())]
    Pair {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
        /// The error.
        error: rustls::Error,
    },
}

/// HTTP/2 as ALPN names it.
const HTTP_2: &[u8] = b"h2";

/// A certificate chain and its key, offered to every new connection: TLS 1.2 and 1.3, by ALPN HTTP/2 or
/// HTTP/1.1, and HTTP/1.1 without.
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    current: RwLock<Arc<ServerConfig>>,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Loads a certificate chain, with the server's own certificate first, and its key, both in PEM form.
    /// Only its owner may have access to the key (mode 0600 or less).
    ///
    /// # Errors
    ///
    /// See [`TlsError`].
    pub fn load(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let current = RwLock::new(Arc::new(read(certificate, key)?));
        Ok(Tls { certificate: certificate.to_owned(), key: key.to_owned(), current })
    }

    /// Reloads both files. New connections get the new certificate; open ones are not affected.
    ///
    /// # Errors
    ///
    /// See [`TlsError`]. Then the former certificate stays in use.
    pub fn reload(&self) -> Result<(), TlsError> {
        let new = Arc::new(read(&self.certificate, &self.key)?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    pub(super) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        TlsAcceptor::from(current).accept(stream).await
    }
}

/// Whether a client has chosen HTTP/2.
pub(super) fn is_http_2<T>(stream: &TlsStream<T>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(HTTP_2)
}

fn read(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let (chain, private) = (read_chain(certificate)?, read_key(key)?);
    let failed = |error| TlsError::Pair { certificate: certificate.to_owned(), key: key.to_owned(), error };
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(failed)?
        .with_no_client_auth()
        .with_single_cert(chain, private)
        .map_err(failed)?;
    config.alpn_protocols = vec![HTTP_2.to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = std::fs::read(path).map_err(|error| TlsError::Io { path: path.to_owned(), error })?;
    let text = without_marks(&text);
    let chain: Result<Vec<_>, pem::Error> = CertificateDer::pem_slice_iter(&text).collect();
    match chain {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        Ok(_) | Err(_) => Err(TlsError::NoCertificate(path.to_owned())),
    }
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let failed = |error| TlsError::Io { path: path.to_owned(), error };
    let mut file = File::open(path).map_err(failed)?;
    // Checked on the open file, so that it cannot be replaced before it is read.
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(TlsError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(Vec::new());
    file.read_to_end(&mut text).map_err(failed)?;
    PrivateKeyDer::from_pem_slice(&without_marks(&text)).map_err(|_| TlsError::NoKey(path.to_owned()))
}

/// The same without the byte-order marks that editors write before a text, and that occur in the middle if
/// several texts were concatenated: a certificate after one would be skipped.
fn without_marks(text: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut plain = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        if let Some(behind) = rest.strip_prefix(b"\xef\xbb\xbf") {
            rest = behind;
        } else {
            plain.push(*byte);
            rest = behind;
        }
    }
    plain
}
