//! nginx, which answers `ok` by itself.

use super::child::{Child, free_port};
use crate::error::Error;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

/// An nginx with one answer.
pub(super) struct Nginx {
    _server: Child,
    pub(super) address: SocketAddr,
}

impl Nginx {
    pub(super) fn start(folder: &Path) -> Result<Self, Error> {
        let port = free_port()?;
        let path = folder.join("nginx.conf");
        fs::write(&path, configuration(folder, port))
            .map_err(|source| Error::Files { what: path.display().to_string(), source })?;
        let mut command = Command::new("nginx");
        command.arg("-e").arg("stderr").arg("-c").arg(&path).arg("-p").arg(folder);
        let server = Child::start(&mut command)?;
        server.wait_for_port(port)?;
        Ok(Nginx { _server: server, address: (Ipv4Addr::LOCALHOST, port).into() })
    }
}

/// In the foreground, so that its id is the child's; connections are not closed after some number of requests.
fn configuration(folder: &Path, port: u16) -> String {
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("  {what}_temp_path {}/{what};\n", folder.display()))
        .concat();
    format!(
        "daemon off;\nworker_processes auto;\npid {}/nginx.pid;\nerror_log stderr crit;\nevents {{}}\nhttp {{\n  \
         access_log off;\n  keepalive_requests 1000000000;\n{temporary}  \
         server {{\n    listen 127.0.0.1:{port};\n    location / {{ return 200 ok; }}\n  }}\n}}\n",
        folder.display()
    )
}
