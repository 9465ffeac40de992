//! A cluster that takes connections over TLS and with a password only.

use super::Cluster;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// Who may connect: the tests' superuser over the socket, others over TLS and with a password.
const ACCESS: &str = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";

impl Cluster {
    /// From now on, new connections over TCP have to use TLS, for which the server has this certificate and its key, both in PEM
    /// form, and its user this password. For an [`own`](Self::own) cluster only.
    ///
    /// # Panics
    /// PostgreSQL refused.
    pub fn secure(&self, certificate: &str, key: &str, password: &str) {
        let data = self.directory.join("data");
        // The server itself writes them: they belong to its user then, as it demands.
        let written = |name: &str, content: &str| {
            let (content, file) = (BASE64_STANDARD.encode(content), data.join(name));
            let file = file.display();
            format!("COPY (SELECT '{content}') TO PROGRAM 'umask 077; rm -f {file}; base64 -d > {file}'")
        };
        let statements = [
            written("server.crt", certificate),
            written("server.key", key),
            written("pg_hba.conf", ACCESS),
            format!("ALTER ROLE jeton PASSWORD '{password}'"),
            "ALTER SYSTEM SET ssl = on".to_owned(),
            "SELECT pg_reload_conf()".to_owned(),
        ];
        self.administer(&statements.each_ref().map(String::as_str));
        // The server reads its files anew when the signal arrives, soon.
        while self.administer(&["SHOW ssl"]).trim() != "on" {}
    }
}
