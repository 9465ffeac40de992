//! The configuration: a file, the environment and flags, by one table and with one precedence.

#[cfg(test)]
mod documents;
mod effective;
mod file;
mod flags;
mod kind;
mod settings;

pub(crate) use effective::{Decided, Effective, Origin, ProcessEnvironment, mistyped, read_file};
pub(crate) use flags::{InstallationFlags, ServeFlags};

use crate::error::CommandError;
use crate::installation::Installation;
use crate::log::{Format, Level};
use crate::text::read_text;
use jeton_core::ScopeLimits;
use jeton_http::{BodyLimits, PublicUrl, RequestLog, ServerLimits};
use jeton_service::{CacheLimits, Limits, Rate, Retention};
use jeton_store::{PostgresOptions, SqliteOptions};
pub(crate) use kind::Kind;
use kind::OnOutage;
pub(crate) use settings::Setting;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The whole configuration, in typed form.
pub(crate) struct Config {
    pub(crate) installation: Installation,
    pub(crate) listen: ListenAddress,
    pub(crate) admin_listen: ListenAddress,
    pub(crate) public_url: Option<PublicUrl>,
    /// The files of the certificate chain and of its key.
    pub(crate) tls: Option<(PathBuf, PathBuf)>,
    /// The same for the admin address, if it has one of its own.
    pub(crate) admin_tls: Option<(PathBuf, PathBuf)>,
    pub(crate) behind_proxy: bool,
    pub(crate) drain: Duration,
    pub(crate) log_format: Format,
    pub(crate) reloadable: Reloadable,
    pub(crate) server_limits: ServerLimits,
    pub(crate) listen_backlog: i32,
    pub(crate) body_limits: BodyLimits,
    pub(crate) verify_body_limits: BodyLimits,
    pub(crate) retention: Retention,
    /// Where the values come from.
    pub(crate) effective: Effective,
}

/// What a running server applies on SIGHUP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reloadable {
    pub(crate) log_level: Level,
    pub(crate) log_requests: RequestLog,
}

impl Config {
    /// Loads the settings from these flags, the environment of this process, and the file that either names.
    pub(crate) fn load(
        file: Option<&Path>,
        flags: &[(&'static Setting, String)],
    ) -> Result<Self, CommandError> {
        Config::of(Effective::decide(file, flags, &ProcessEnvironment)?)
    }

    fn of(effective: Effective) -> Result<Self, CommandError> {
        let read = Read(&effective);
        let database_url = match (read.text("database_url"), read.text("database_url_file")) {
            (Some(_), Some(_)) => {
                return Err(CommandError::usage(
                    "database_url and database_url_file are both set: set only one of them",
                ));
            }
            (Some(url), None) => Some(url.to_owned()),
            (None, Some(path)) => Some(database_url_in(Path::new(path))?),
            (None, None) => None,
        };
        let database_direct_url = read.text("database_direct_url").map(str::to_owned);
        if database_direct_url.is_some() && database_url.is_none() {
            return Err(CommandError::usage(
                "database_direct_url is set without a database_url that leads to a pooler",
            ));
        }
        let behind_proxy = read.parsed("behind_proxy");
        let tls = read.pair("tls_cert", "tls_key", "--tls-cert FILE --tls-key FILE")?;
        if tls.is_some() && behind_proxy {
            return Err(CommandError::usage(
                "tls_cert and behind_proxy are both set: TLS ends here (--tls-cert) or in front (--behind-proxy)",
            ));
        }
        let admin_tls = read.pair("admin_tls_cert", "admin_tls_key", "name both files")?;
        Ok(Config {
            installation: Installation {
                data_dir: PathBuf::from(read.known("data_dir")),
                database_url,
                database_direct_url,
                limits: read.limits(),
                cache_limits: read.cache_limits(),
                sqlite_options: read.sqlite_options(),
                postgres_options: PostgresOptions { query_time: read.seconds("limits.query_seconds") },
            },
            listen: read.address("listen"),
            admin_listen: read.address("admin_listen"),
            public_url: read.text("public_url").map(|_| read.parsed("public_url")),
            tls,
            admin_tls,
            behind_proxy,
            drain: read.seconds("drain_seconds"),
            log_format: match read.known("log.format") {
                "json" => Format::Json,
                _ => Format::Human,
            },
            reloadable: Reloadable {
                log_level: Level::named(read.known("log.level")),
                log_requests: match read.known("log.requests") {
                    "none" => RequestLog::None,
                    "all" => RequestLog::All,
                    _ => RequestLog::Failures,
                },
            },
            server_limits: read.server_limits(),
            listen_backlog: i32::try_from(read.number("limits.listen_backlog")).unwrap_or(i32::MAX),
            body_limits: BodyLimits { bytes: read.count("limits.body_bytes") },
            verify_body_limits: BodyLimits { bytes: read.count("limits.verify_body_bytes") },
            retention: read.retention(),
            effective,
        })
    }
}

/// Where a server listens, as it was given. The name of a host is looked up for who listens or asks there, not for all who read the
/// settings.
#[derive(Clone, Debug)]
pub(crate) struct ListenAddress {
    text: String,
    /// Where it stands.
    origin: String,
}

impl ListenAddress {
    /// The address, which a name is resolved to. Waits for the system.
    pub(crate) fn resolve(&self) -> Result<SocketAddr, CommandError> {
        let ListenAddress { text, origin } = self;
        let failed = |reason: &str| {
            CommandError::usage(format!("{origin}: the host of {text} cannot be resolved: {reason}"))
        };
        let mut found = text.to_socket_addrs().map_err(|error| failed(&error.to_string()))?;
        found.next().ok_or_else(|| failed("it has no address"))
    }
}

/// Typed values. They were checked against their kinds before.
struct Read<'a>(&'a Effective);

impl<'a> Read<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.of(name).text.as_deref()
    }

    /// The files of a certificate chain and of its key, of which neither is of use without the other.
    fn pair(
        &self,
        certificate: &str,
        key: &str,
        advice: &str,
    ) -> Result<Option<(PathBuf, PathBuf)>, CommandError> {
        match (self.text(certificate), self.text(key)) {
            (Some(certificate), Some(key)) => Ok(Some((certificate.into(), key.into()))),
            (None, None) => Ok(None),
            (Some(_), None) | (None, Some(_)) => {
                Err(CommandError::usage(format!("{certificate} and {key} go together: {advice}")))
            }
        }
    }

    fn known(&self, name: &str) -> &'a str {
        self.text(name).unwrap_or_else(|| unreachable!("{name} has a default"))
    }

    fn parsed<T: std::str::FromStr>(&self, name: &str) -> T {
        self.known(name).parse().unwrap_or_else(|_| unreachable!("{name} was checked"))
    }

    fn address(&self, name: &str) -> ListenAddress {
        ListenAddress { text: self.known(name).to_owned(), origin: self.0.of(name).origin.to_string() }
    }

    fn number(&self, name: &str) -> u64 {
        self.parsed(name)
    }

    fn count(&self, name: &str) -> usize {
        self.parsed(name)
    }

    fn seconds(&self, name: &str) -> Duration {
        Duration::from_secs(self.number(name))
    }

    fn milliseconds(&self, name: &str) -> Duration {
        Duration::from_millis(self.number(name))
    }

    /// A span in days; zero means without end.
    fn days(&self, name: &str) -> Option<u32> {
        Some(self.parsed(name)).filter(|days| *days != 0)
    }

    fn retention(&self) -> Retention {
        Retention {
            expired_days: self.days("retention.expired_days"),
            revoked_days: self.days("retention.revoked_days"),
            change_days: self.days("retention.change_days"),
        }
    }

    fn cache_limits(&self) -> CacheLimits {
        let poll_interval = self.milliseconds("cache.poll_milliseconds");
        let max_staleness = self.milliseconds("cache.max_staleness_milliseconds");
        // Rarely, but often enough not to exceed the staleness bound.
        let announced_interval = (10 * poll_interval).min(max_staleness / 4).max(poll_interval);
        let OnOutage(serve_for) = self.parsed("cache.on_outage");
        CacheLimits {
            max_bytes: self.count("cache.bytes"),
            poll_interval,
            announced_interval,
            max_staleness,
            serve_for,
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            scopes: ScopeLimits {
                scopes: self.count("limits.scopes"),
                names_per_scope: self.count("limits.scope_names"),
                name_chars: self.count("limits.name_characters"),
            },
            document_bytes: self.count("limits.document_bytes"),
            self_made_tokens: self.number("limits.self_made_tokens"),
            self_made_bytes: self.number("limits.self_made_bytes"),
            anonymous_writes: Rate::per_minute(self.number("limits.anonymous_writes_per_minute")),
            anonymous_writes_of_app: Rate::per_hour(self.number("limits.anonymous_writes_per_hour")),
            failures: Rate::per_minute(self.number("limits.failures_per_minute")),
            leak_reports: Rate::per_minute(self.number("limits.leak_reports_per_minute")),
            streams: self.count("limits.streams"),
            // The setting is in millions.
            match_work: 1_000_000 * self.number("limits.match_work"),
            match_work_per_second: 1_000_000 * self.number("limits.match_work_per_second"),
        }
    }

    fn sqlite_options(&self) -> SqliteOptions {
        SqliteOptions {
            max_group: self.count("sqlite.max_group"),
            query_time: self.seconds("limits.query_seconds"),
            reserve_bytes: self.number("sqlite.reserve_bytes"),
            ..SqliteOptions::default()
        }
    }

    fn server_limits(&self) -> ServerLimits {
        ServerLimits {
            handshake_time: self.seconds("limits.handshake_seconds"),
            head_time: self.seconds("limits.head_seconds"),
            body_time: self.seconds("limits.body_seconds"),
            body_stall_time: self.seconds("limits.body_stall_seconds"),
            idle_time: self.seconds("limits.idle_seconds"),
            write_stall_time: self.seconds("limits.write_stall_seconds"),
            shutdown_time: self.seconds("shutdown_seconds"),
            connections: self.count("limits.connections"),
            requests: self.count("limits.requests"),
            connection_requests: self.count("limits.connection_requests"),
            head_bytes: self.count("limits.head_bytes"),
            auth_head_bytes: self.count("limits.auth_head_bytes"),
            bodies_bytes: self.count("limits.bodies_bytes"),
        }
    }
}

/// The database URL from a file of its own, the usual way to pass secrets to services.
fn database_url_in(path: &Path) -> Result<String, CommandError> {
    let failed =
        |reason: String| CommandError::usage(format!("database_url_file: {}: {reason}", path.display()));
    let text = read_text(path).map_err(failed)?;
    let url = text.trim();
    if Kind::DatabaseUrl.check(url).is_err() {
        return Err(failed(format!("its contents are not {}", Kind::DatabaseUrl)));
    }
    Ok(url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::settings::SETTINGS;
    use super::*;

    /// A setting that is never read would be a false promise: each one has an effect.
    #[test]
    fn every_setting_has_an_effect() {
        let config = |flags: &[(&'static Setting, String)]| {
            let environment = Nothing;
            Config::of(Effective::decide(None, flags, &environment).ok().unwrap()).ok().unwrap()
        };
        let folder = tempfile::tempdir().unwrap();
        let url_file = folder.path().join("url");
        std::fs::write(&url_file, "postgres://file/jeton\n").unwrap();
        let default = terms(&config(&[]));
        for setting in SETTINGS {
            let other = match (setting.name, setting.kind) {
                ("database_url_file", _) => url_file.to_str().unwrap().to_owned(),
                (_, Kind::Path) => "elsewhere".to_owned(),
                (_, Kind::Address) => "127.0.0.1:1".to_owned(),
                (_, Kind::PublicUrl) => "https://elsewhere.test".to_owned(),
                (_, Kind::DatabaseUrl) => "postgres://elsewhere/jeton".to_owned(),
                (_, Kind::Switch) => "true".to_owned(),
                (_, Kind::Number { min, max }) => {
                    let bound = if setting.default == Some(max.to_string().as_str()) { min } else { max };
                    bound.to_string()
                }
                (_, Kind::OnOutage) => "serve_for 30s".to_owned(),
                (_, Kind::Choice(choices)) => {
                    choices.iter().find(|choice| Some(**choice) != setting.default).unwrap().to_string()
                }
            };
            // Settings that depend on each other: one is changed while the other is fixed.
            let flags = match setting.name {
                "tls_cert" => vec![(setting, other), (Setting::named("tls_key").unwrap(), "key".to_owned())],
                "database_direct_url" => {
                    vec![
                        (setting, other),
                        (Setting::named("database_url").unwrap(), "postgres://pooler/jeton".to_owned()),
                    ]
                }
                "admin_tls_cert" => {
                    vec![(setting, other), (Setting::named("admin_tls_key").unwrap(), "key".to_owned())]
                }
                "admin_tls_key" => {
                    vec![(setting, other), (Setting::named("admin_tls_cert").unwrap(), "cert".to_owned())]
                }
                "tls_key" => vec![(setting, other), (Setting::named("tls_cert").unwrap(), "cert".to_owned())],
                _ => vec![(setting, other)],
            };
            let changed = terms(&config(&flags));
            assert_ne!(changed, default, "{} has no effect", setting.name);
        }
    }

    fn terms(config: &Config) -> String {
        let installation = &config.installation;
        let installation = (
            (&installation.data_dir, &installation.database_url, &installation.database_direct_url),
            (
                &installation.limits,
                &installation.cache_limits,
                installation.sqlite_options,
                installation.postgres_options,
            ),
        );
        let addresses = (&config.listen, &config.admin_listen, &config.public_url, config.behind_proxy);
        let addresses = (addresses, config.listen_backlog);
        let limits = (config.server_limits, config.body_limits, config.verify_body_limits);
        let times = (config.retention, config.drain);
        let rest = (&config.tls, &config.admin_tls, config.log_format, config.reloadable);
        format!("{installation:?} {addresses:?} {limits:?} {times:?} {rest:?}")
    }

    struct Nothing;

    impl effective::Environment for Nothing {
        fn variable(&self, _: &str) -> Option<std::ffi::OsString> {
            None
        }

        fn names(&self) -> Vec<std::ffi::OsString> {
            Vec::new()
        }

        fn program(&self) -> Option<PathBuf> {
            None
        }
    }

    #[test]
    fn defaults_are_those_of_the_parts() {
        let config = Config::of(Effective::decide(None, &[], &Nothing).ok().unwrap()).ok().unwrap();
        assert_eq!(config.server_limits, ServerLimits::default());
        assert_eq!(config.body_limits, BodyLimits::default());
        assert_eq!(config.verify_body_limits, BodyLimits::OF_VERIFY);
        assert_eq!(config.installation.limits, Limits::default());
        assert_eq!(config.installation.cache_limits, CacheLimits::default());
        assert_eq!(config.installation.sqlite_options.max_group, SqliteOptions::default().max_group);
        assert_eq!(config.installation.sqlite_options.query_time, SqliteOptions::default().query_time);
        assert_eq!(config.installation.postgres_options.query_time, PostgresOptions::default().query_time);
        assert_eq!(config.retention, Retention::default());
    }

    #[test]
    fn a_database_url_may_stand_in_a_file_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("url");
        assert!(database_url_in(&path).is_err());
        std::fs::write(&path, "postgres://a:b@c/d\n").unwrap();
        assert_eq!(database_url_in(&path).ok().unwrap(), "postgres://a:b@c/d");
        std::fs::write(&path, "canary").unwrap();
        let message = database_url_in(&path).err().unwrap().message;
        assert!(!message.contains("canary"), "{message}");
    }
}
