//! A PostgreSQL that wants TLS and a password.

use crate::support::{Run, Sandbox};
use jeton_testkit::{Canaries, Cluster};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::os::unix::fs::PermissionsExt;

/// Of the server's role. It is in nothing that the program says.
const PASSWORD: &str = "canary-of-the-database-7f3a";

/// Somebody who signs certificates.
fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A database that is reached by the name `localhost`, whose certificate this authority has signed.
struct Secured {
    _cluster: Cluster,
    /// Without password or query.
    url: String,
    sandbox: Sandbox,
    authority: String,
}

impl Secured {
    fn start() -> Self {
        let cluster = Cluster::own();
        let url = cluster.create_database();
        let authority = authority();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        cluster.secure(&certificate.pem(), &key.serialize_pem(), PASSWORD);
        let sandbox = Sandbox::sqlite();
        let authority = sandbox.scratch("authority.pem", &authority.pem());
        Secured { _cluster: cluster, url: url.replace("127.0.0.1", "localhost"), sandbox, authority }
    }

    /// The URL with the password in it.
    fn with_password(&self, query: &str) -> String {
        format!("{}?{query}", self.url.replace("jeton@", &format!("jeton:{PASSWORD}@")))
    }

    fn verified(&self) -> String {
        format!("sslmode=verify-full&sslrootcert={}", self.authority)
    }

    /// What a command says whose environment has this beside the URL.
    fn run(&self, url: &str, environment: &[(&str, &str)]) -> Run {
        let mut command = self.sandbox.command(&["token", "list", "--app", "demo", "--json"]);
        command.env("JETON_DATABASE_URL", url).envs(environment.iter().copied());
        let run = crate::support::run(&mut command, "");
        assert!(!run.stderr.contains(PASSWORD) && !run.stdout.contains(PASSWORD), "{run:?}");
        run
    }
}

#[test]
fn the_server_proves_who_it_is_and_the_program_has_its_password_from_anywhere() {
    if jeton_testkit::skips("PostgreSQL") {
        return;
    }
    let secured = Secured::start();
    let url = secured.with_password(&secured.verified());
    let mut init = secured.sandbox.command(&["init", "--json"]);
    crate::support::run(init.env("JETON_DATABASE_URL", &url), "").json();

    let without = format!("{}?{}", secured.url, secured.verified());
    let file = secured.sandbox.scratch("url", &url);
    let pass_file = secured.sandbox.scratch("pass", &format!("localhost:*:*:jeton:{PASSWORD}\n"));
    for path in [&file, &pass_file] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o600)).unwrap();
    }
    assert_eq!(secured.run(&url, &[]).code, Some(0), "in the URL");
    assert_eq!(secured.run(&without, &[("PGPASSWORD", PASSWORD)]).code, Some(0), "in the environment");
    assert_eq!(secured.run(&without, &[("PGPASSFILE", &pass_file)]).code, Some(0), "in a password file");
    let mut from_file = secured.sandbox.command(&["token", "list", "--app", "demo", "--json"]);
    let run = crate::support::run(from_file.env("JETON_DATABASE_URL_FILE", &file), "");
    assert_eq!(run.code, Some(0), "in a file with the URL: {run:?}");

    let other = secured.sandbox.scratch("other.pem", &authority().pem());
    let by_number = url.replace("localhost", "127.0.0.1");
    for (case, url) in [
        ("another authority", secured.with_password(&format!("sslmode=verify-full&sslrootcert={other}"))),
        ("no authority that it trusts", secured.with_password("sslmode=verify-full")),
        ("another name", by_number),
        ("no TLS", secured.with_password("sslmode=disable")),
        ("no password", without.clone()),
        ("another password", url.replace(PASSWORD, "wrong")),
    ] {
        let run = secured.run(&url, &[]);
        assert_eq!(run.code, Some(4), "{case}: {run:?}");
        assert!(run.stderr.contains("the database cannot be opened"), "{case}: {run:?}");
    }
    let canaries = Canaries::new([PASSWORD]);
    assert_eq!(canaries.in_text(secured.sandbox.stderr()), []);
}
