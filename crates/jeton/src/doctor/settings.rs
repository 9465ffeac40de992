//! The settings of a server.

use super::finding::Check;
use crate::config::Config;
use jeton_http::RequestLog;
use jeton_service::CacheLimits;

/// What settings let others do, or keep for long.
pub(super) fn settings(config: &Config) -> Check {
    let file = config.effective.file.as_ref();
    let from = file.map_or("no file".to_owned(), |file| file.display().to_string());
    let mut check = Check::new("settings", format!("{from}, the environment and flags"));
    addresses(config, &mut check);
    let retention = &config.retention;
    let kept = [
        (retention.expired_days, "retention.expired_days", "expired tokens"),
        (retention.revoked_days, "retention.revoked_days", "records of revoked tokens"),
        (
            retention.change_days,
            "retention.change_days",
            "entries of the change log, with addresses of clients,",
        ),
    ];
    for (_, setting, what) in kept.iter().filter(|(days, ..)| days.is_none()) {
        check.note(
            format!("{setting} is 0: {what} are kept forever"),
            format!("set {setting} to a number of days"),
        );
    }
    if config.reloadable.log_requests == RequestLog::All {
        check.note(
            "log.requests is all: every request has a line in the log",
            "set log.requests = \"failures\": requests are counted in /metrics anyway",
        );
    }
    let (bound, usual) =
        (config.installation.cache_limits.max_staleness, CacheLimits::default().max_staleness);
    if bound > usual {
        check.note(
            format!(
                "cache.max_staleness_milliseconds is {}: revocations by other servers can go unnoticed for that long",
                bound.as_millis()
            ),
            format!("set it to {} or less", usual.as_millis()),
        );
    }
    if let Some(time) = config.installation.cache_limits.serve_for {
        check.note(
            format!(
                "cache.on_outage is serve_for {} s: while the database is out of reach, revocations by other servers go unnoticed for that long",
                time.as_secs()
            ),
            "set cache.on_outage = \"refuse\" if a token that was just revoked must not pass during an outage",
        );
    }
    check
}

fn addresses(config: &Config, check: &mut Check) {
    let (listen, admin_listen) = match (config.listen.resolve(), config.admin_listen.resolve()) {
        (Ok(listen), Ok(admin_listen)) => (listen, admin_listen),
        (Err(error), _) | (_, Err(error)) => {
            check.error(error.message, "name an IP address, or a host that this machine can look up");
            return;
        }
    };
    let is_open = |address: std::net::SocketAddr| !address.ip().is_loopback();
    let proxied = config.behind_proxy;
    if is_open(listen) && config.tls.is_none() {
        if proxied {
            check.warning(
                format!(
                    "with behind_proxy, {} takes X-Forwarded-For from whoever reaches it: others than the proxy can pretend to \
                     be any client, in clear",
                    listen
                ),
                "let the firewall pass nobody but the proxy, or listen on a loopback address",
            );
        } else {
            check.error(
                format!("listen is {}, without TLS: the server refuses to start, since tokens would travel in clear", listen),
                "set tls_cert and tls_key, or behind_proxy where a proxy terminates TLS, or listen on a loopback address",
            );
        }
    }
    if is_open(admin_listen) && config.tls.is_none() && config.admin_tls.is_none() {
        let action = "set admin_tls_cert and admin_tls_key, or use a loopback address for admin_listen";
        if proxied {
            check.warning(
                format!("operators' tokens reach the admin address {admin_listen} in clear"),
                action,
            );
        } else {
            check.error(
                format!("admin_listen is {admin_listen}, without TLS: the server refuses to start"),
                action,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Severity::{Error, Note, Warning};
    use super::super::finding::tests::assert_found;
    use super::*;
    use crate::config::Setting;

    #[test]
    fn settings_that_let_others_in_are_found() {
        let found = |given: &[(&str, &str)], expected: &[_]| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("jeton.toml");
            std::fs::write(&path, "").unwrap();
            let flags: Vec<_> = given
                .iter()
                .map(|(name, value)| (Setting::named(name).unwrap(), (*value).to_owned()))
                .collect();
            assert_found(&settings(&Config::load(Some(&path), &flags).unwrap()), expected);
        };
        found(&[], &[]);
        let open = ("listen", "192.0.2.1:80");
        let open_admin = ("admin_listen", "192.0.2.1:81");
        let proxied = ("behind_proxy", "true");
        let tls = [("tls_cert", "a"), ("tls_key", "b")];
        found(&[open], &[(Error, "listen is 192.0.2.1:80")]);
        found(&[open, tls[0], tls[1]], &[]);
        found(&[open, proxied], &[(Warning, "X-Forwarded-For")]);
        found(&[open_admin], &[(Error, "admin_listen is")]);
        found(&[open_admin, tls[0], tls[1]], &[]);
        found(&[open_admin, ("admin_tls_cert", "a"), ("admin_tls_key", "b")], &[]);
        found(&[open_admin, proxied], &[(Warning, "admin address")]);
        found(&[("retention.change_days", "0")], &[(Note, "retention.change_days is 0")]);
        found(&[("log.requests", "all")], &[(Note, "log.requests is all")]);
        found(&[("cache.max_staleness_milliseconds", "2001")], &[(Note, "is 2001")]);
        found(&[("cache.on_outage", "serve_for 30s")], &[(Note, "serve_for 30 s")]);
    }
}
