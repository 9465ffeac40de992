//! The table of settings. Files, the environment, flags, `jeton config show` and docs/configuration.md are
//! all derived from it: nothing else can be set, and each setting has the same name everywhere.

use super::kind::Kind;

/// One setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// Its name in a file: words, after the name of a table and a dot if it is in one.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// The default; `None`: unset.
    pub(crate) default: Option<&'static str>,
    pub(crate) flag: Flag,
    /// Whether a running server applies a change on SIGHUP.
    pub(crate) reloads: bool,
    /// The description, for people.
    pub(crate) help: &'static str,
}

/// Which commands have a flag for a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    /// None: it is set in a file or in the environment only.
    No,
    /// Every command.
    AllCommands,
    /// `jeton serve`.
    Serve,
}

impl Setting {
    /// Its name in the environment.
    pub(crate) fn variable(&self) -> String {
        format!("JETON_{}", self.name.to_ascii_uppercase().replace('.', "_"))
    }

    /// Its name as a flag.
    pub(crate) fn flag_name(&self) -> String {
        self.name.replace(['.', '_'], "-")
    }

    /// An older name in the environment, which still works.
    pub(crate) fn older_variable(&self) -> Option<&'static str> {
        (self.name == "log.level").then_some("JETON_LOG")
    }

    /// The setting of this name.
    pub(crate) fn named(name: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }
}

const fn set(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Setting {
    Setting { name, kind, default: Some(default), flag: Flag::No, reloads: false, help }
}

const fn unset(name: &'static str, kind: Kind, help: &'static str) -> Setting {
    Setting { name, kind, default: None, flag: Flag::No, reloads: false, help }
}

impl Setting {
    const fn with_flag(mut self, flag: Flag) -> Self {
        self.flag = flag;
        self
    }

    const fn reloaded(mut self) -> Self {
        self.reloads = true;
        self
    }
}

const fn number(min: u64, max: u64) -> Kind {
    Kind::Number { min, max }
}

/// All settings, in the order in which they are shown.
pub(crate) const SETTINGS: &[Setting] = &[
    set(
        "data_dir",
        Kind::Path,
        "./jeton-data",
        "The directory of jeton.db (unless the data is in PostgreSQL), keys.json and the control socket",
    )
    .with_flag(Flag::AllCommands),
    unset(
        "database_url",
        Kind::DatabaseUrl,
        "Put the data in PostgreSQL: postgres://user@host/database. Other users of this machine can see \
         arguments: a URL with a password belongs in the environment or in a file",
    )
    .with_flag(Flag::AllCommands),
    unset(
        "database_direct_url",
        Kind::DatabaseUrl,
        "Where the database itself is, if database_url leads to a pooler that gives each transaction \
         another connection, such as PgBouncer in its mode transaction: no statement stays prepared then, \
         and announcements are heard over this one",
    )
    .with_flag(Flag::AllCommands),
    unset("database_url_file", Kind::Path, "A file that contains the database URL and nothing else"),
    set("listen", Kind::Address, "127.0.0.1:8080", "The address that clients use; port 0 picks a free one")
        .with_flag(Flag::Serve),
    set(
        "admin_listen",
        Kind::Address,
        "127.0.0.1:8081",
        "The address for health checks, metrics and administration; port 0 picks a free one",
    )
    .with_flag(Flag::Serve),
    unset(
        "public_url",
        Kind::PublicUrl,
        "Where clients find this server, as in https://tokens.example.org: absolute URLs in answers start \
         like this. If not set, http:// or https:// and the address that it listens on",
    )
    .with_flag(Flag::Serve),
    unset("tls_cert", Kind::Path, "Serve TLS: the file of the certificate chain, in PEM form")
        .with_flag(Flag::Serve),
    unset(
        "tls_key",
        Kind::Path,
        "The file of the certificate's private key, in PEM form; only its owner may be able to read it",
    )
    .with_flag(Flag::Serve),
    unset(
        "admin_tls_cert",
        Kind::Path,
        "Speak TLS on the admin address, too, with a certificate of its own: the file of the chain, in PEM form. If not set, the \
         admin address speaks TLS with the certificate of tls_cert where it is no loopback address, and else in clear",
    ),
    unset("admin_tls_key", Kind::Path, "The file of that certificate's private key, as with tls_key"),
    set(
        "behind_proxy",
        Kind::Switch,
        "false",
        "A proxy in front of this server terminates TLS: plain HTTP is accepted on addresses other than \
         loopback, and the last address of X-Forwarded-For is the client's",
    )
    .with_flag(Flag::Serve),
    set(
        "drain_seconds",
        number(0, 600),
        "0",
        "How long to keep serving after a signal to stop, while /readyz already answers 503",
    ),
    set(
        "shutdown_seconds",
        number(1, 600),
        "10",
        "How long requests in progress may take to finish once no new ones are accepted",
    ),
    set("log.format", Kind::Choice(&["human", "json"]), "human", "The format of log lines"),
    set(
        "log.level",
        Kind::Choice(&["error", "warn", "info", "debug"]),
        "info",
        "The least severe level that is logged",
    )
    .reloaded(),
    set(
        "log.requests",
        Kind::Choice(&["none", "failures", "all"]),
        "failures",
        "Which requests are logged: none, those answered with 500 or above (at most 50 in ten seconds), or \
         all",
    )
    .reloaded(),
    set("limits.connections", number(16, 1_000_000), "8192", "Most client connections at a time"),
    set(
        "limits.listen_backlog",
        number(1, 2_147_483_647),
        "65535",
        "Most connections waiting to be accepted; the system limits it to net.core.somaxconn",
    ),
    set(
        "limits.requests",
        number(1, 1_000_000),
        "1024",
        "Most requests at a time, not counting those that are still being read; beyond that, the answer is \
         503, except for health and forward-auth from memory. A quarter more is reserved for other \
         forward-auth, and another for requests with credentials",
    ),
    set(
        "limits.connection_requests",
        number(1, 1_000),
        "100",
        "Most requests at a time on one connection over HTTP/2; beyond that, a request is refused unread, and \
         its client can send it again",
    ),
    set("limits.handshake_seconds", number(1, 600), "10", "How long a TLS handshake may take"),
    set("limits.head_seconds", number(1, 600), "10", "How long the head of a request may take to arrive"),
    set("limits.body_seconds", number(1, 600), "30", "How long the body of a request may take to arrive"),
    set(
        "limits.body_stall_seconds",
        number(1, 600),
        "10",
        "How long the next part of a body may take to arrive",
    ),
    set("limits.idle_seconds", number(1, 3_600), "75", "How long a connection may wait for its next request"),
    set(
        "limits.write_stall_seconds",
        number(1, 600),
        "30",
        "How long a client may go without reading more of an answer",
    ),
    set("limits.head_bytes", number(8_192, 1_048_576), "16384", "Most bytes in the head of a request"),
    set(
        "limits.auth_head_bytes",
        number(8_192, 1_048_576),
        "65536",
        "Most bytes in the head of a request to /auth, if that is more: gateways forward all cookies of a \
         visitor. One connection in eight may have such a head at a time",
    ),
    set(
        "limits.bodies_bytes",
        number(1_048_576, 68_719_476_736),
        "67108864",
        "Most bytes of request bodies in memory at a time, in all, not counting the first 4096 of each; \
         beyond that, the answer is 503",
    ),
    set("limits.body_bytes", number(1_024, 16_777_216), "102400", "Most bytes in the body of a request"),
    set(
        "limits.verify_body_bytes",
        number(1_024, 16_777_216),
        "1048576",
        "Most bytes in the body of a request to /verify",
    ),
    set(
        "limits.query_seconds",
        number(1, 600),
        "2",
        "How long a database query may take; beyond that, the answer is 503",
    ),
    set(
        "limits.document_bytes",
        number(256, 1_048_576),
        "16384",
        "Most bytes that a LoopBack client can store in a token beyond the common fields",
    ),
    set("limits.scopes", number(1, 1_024), "64", "Most scopes that a token can be given"),
    set(
        "limits.scope_names",
        number(1, 10_000),
        "1000",
        "Most permissions, ids or tags (each) that one scope can be given",
    ),
    set(
        "limits.name_characters",
        number(8, 255),
        "255",
        "Most characters in a permission, an id or a tag that a scope is given",
    ),
    set(
        "limits.self_made_tokens",
        number(0, 1_000_000),
        "10000",
        "Most tokens of one app that unauthenticated LoopBack clients created; expired ones make room",
    ),
    set(
        "limits.self_made_bytes",
        number(65_536, 68_719_476_736),
        "67108864",
        "Most bytes of those tokens, each counted as 512 plus what its client stored",
    ),
    set(
        "limits.anonymous_writes_per_minute",
        number(1, 1_000_000),
        "6000",
        "Most rows that LoopBack clients at one address can write to an app whose rules do not name them; \
         beyond that, the answer is 429",
    ),
    set(
        "limits.anonymous_writes_per_hour",
        number(1, 100_000_000),
        "20000",
        "The same for one app, from all addresses",
    ),
    set(
        "limits.failures_per_minute",
        number(1, 1_000_000),
        "60",
        "Most invalid credentials from one address for one app; beyond that, the answer is 429, and over \
         Dotide's API still 404",
    ),
    set(
        "limits.leak_reports_per_minute",
        number(1, 1_000_000),
        "10000",
        "Most secrets that can be reported as leaked from one address (/credentials/revoke); beyond that, the \
         answer is 429",
    ),
    set(
        "limits.streams",
        number(0, 100_000),
        "512",
        "Most change streams at a time; beyond that, the answer is 503",
    ),
    set(
        "limits.match_work",
        number(1, 1_000_000),
        "4000",
        "How much work of matching and sorting rows a LoopBack request may cause, in millions of steps of \
         about a nanosecond; beyond that, the answer is 400",
    ),
    set(
        "limits.match_work_per_second",
        number(1, 1_000_000),
        "500",
        "How much of that work, with reading the rows for it, is done for one app per second on average, in \
         millions of steps; requests that wait for longer than 5 s are answered 503",
    ),
    set(
        "retention.expired_days",
        number(0, 36_500),
        "90",
        "How long a token is kept after it expired and after it was last changed; 0 keeps it forever",
    ),
    set(
        "retention.revoked_days",
        number(0, 36_500),
        "90",
        "How long the record that a token was revoked is kept; 0 keeps it forever",
    ),
    set(
        "retention.change_days",
        number(0, 36_500),
        "365",
        "How long an entry of the change log is kept; 0 keeps it forever",
    ),
    set(
        "cache.bytes",
        number(65_536, 68_719_476_736),
        "67108864",
        "Most bytes of tokens in the verification cache; 64 MiB hold some 290,000",
    ),
    set(
        "cache.poll_milliseconds",
        number(5, 1_000),
        "20",
        "How often to poll for changes of other processes: how long their revocations usually go unnoticed. \
         A tenth as often while PostgreSQL announces them, which is quicker",
    ),
    set(
        "cache.max_staleness_milliseconds",
        number(100, 60_000),
        "2000",
        "How long that poll may fail before the cache is bypassed: how long revocations by other processes \
         go unnoticed at worst",
    ),
    set(
        "cache.on_outage",
        Kind::OnOutage,
        "refuse",
        "What /auth and /verify do while the database cannot be reached: answer 503, or serve tokens that are in \
         the cache for so long after the change log was last read, with the header Jeton-Stale: revocations by \
         other servers go unnoticed for as long",
    ),
    set(
        "sqlite.max_group",
        number(1, 4_096),
        "256",
        "Most writes that SQLite commits together, with one sync to disk",
    ),
    set(
        "sqlite.reserve_bytes",
        number(0, 1_073_741_824),
        "16777216",
        "Bytes of disk space that SQLite reserves for revoking, disabling, narrowing and deleting when the \
         disk is full",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_one_of_its_kind_and_every_name_is_plain() {
        for setting in SETTINGS {
            if let Some(default) = setting.default {
                assert_eq!(setting.kind.check(default), Ok(()), "{}", setting.name);
            }
            let plain = |c: char| c.is_ascii_lowercase() || matches!(c, '_' | '.');
            assert!(setting.name.chars().all(plain), "{}", setting.name);
            assert!(
                !setting.help.ends_with('.'),
                "{}: no description of a flag ends with a full stop",
                setting.name
            );
        }
    }

    #[test]
    fn no_two_settings_share_a_name() {
        let mut variables: Vec<_> = SETTINGS.iter().map(Setting::variable).collect();
        variables.extend(SETTINGS.iter().filter_map(Setting::older_variable).map(str::to_owned));
        variables.sort_unstable();
        let count = variables.len();
        variables.dedup();
        assert_eq!(variables.len(), count);
    }
}
