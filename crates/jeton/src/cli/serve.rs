//! `jeton serve`: its arguments. What it does is in `crate::serve`.

use crate::place::Place;
use clap::Args;
use jeton_http::PublicUrl;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Run the service
///
/// Where neither keys nor data exist, and the address is a loopback one, this makes them first, with an app named demo,
/// and shows the credentials: on the terminal, or without one in DATA_DIR/first-run.json.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) place: Place,
    /// The address that clients use; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The address that operators and machines use; port 0 picks a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub(crate) admin_listen: SocketAddr,
    /// Where clients find this server, as in `https://tokens.example.org`: absolute URLs in answers start like this. Default:
    /// http:// or https:// and the address that it listens on
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<PublicUrl>,
    /// Speak TLS to clients: the file of the certificate chain, in PEM form
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "behind_proxy")]
    pub(crate) tls_cert: Option<PathBuf>,
    /// The file of the certificate's private key, in PEM form; nobody but its owner may be able to read it
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Something in front of this server speaks TLS: tokens may arrive in clear on an address beyond loopback
    #[arg(long)]
    pub(crate) behind_proxy: bool,
}
