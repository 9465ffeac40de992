//! What `cargo xtask bench` measures forward-auth against: axum with one route that answers `ok`, served as
//! axum does by itself. It prints the address that it listens on and serves until it is killed.

#![expect(clippy::print_stdout, reason = "its caller reads the address there")]

use axum::Router;
use axum::routing::any;
use axum::serve::ListenerExt;
use tokio::net::{TcpListener, TcpStream};

fn main() -> std::io::Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("listening on http://{}", listener.local_addr()?);
        let at_once = |stream: &mut TcpStream| drop(stream.set_nodelay(true));
        let router = Router::new().route("/auth/{app}", any(async || "ok"));
        axum::serve(listener.tap_io(at_once), router).await
    })
}
