//! The names of tables and columns.

use sea_query::Iden;
use std::borrow::Cow;

/// A column that statements write and rows are read by.
pub(crate) trait Column: Iden + Copy {
    /// Its name in rows.
    fn name(self) -> &'static str;

    /// Its table and name, for [`StoreError::Corrupt`](crate::StoreError::Corrupt).
    fn place(self) -> &'static str;
}

macro_rules! table {
    ($(#[$doc:meta])* $table:ident = $table_name:literal { $($column:ident = $name:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum $table {
            Table,
            $($column,)*
        }

        impl Iden for $table {
            fn quoted(&self) -> Cow<'static, str> {
                Cow::Borrowed(self.name())
            }

            fn unquoted(&self) -> &str {
                self.name()
            }
        }

        impl Column for $table {
            fn name(self) -> &'static str {
                match self {
                    $table::Table => $table_name,
                    $($table::$column => $name,)*
                }
            }

            fn place(self) -> &'static str {
                match self {
                    $table::Table => $table_name,
                    $($table::$column => concat!($table_name, ".", $name),)*
                }
            }
        }
    };
}

table! {
    /// Not a table: the answer to a query for the end of the change log.
    LogEnds = "log_end" {
        Epoch = "epoch",
        Newest = "newest",
        NewestAt = "newest_at",
        Known = "known",
        KnownAt = "known_at",
        Restores = "restores",
    }
}

table! {
    /// One row, once the database is initialised.
    Genesis = "genesis" {
        Id = "id",
        At = "at",
        Epoch = "epoch",
    }
}

table! {
    /// One row, while a copy into this database is not finished: see [`unfinished`](crate::unfinished).
    CopyMark = "jeton_copy" {
        Origin = "origin",
        State = "state",
        Source = "source",
    }
}

table! {
    KeyChecks = "key_checks" {
        KeyId = "key_id",
        CheckValue = "check_value",
        RetiredAt = "retired_at",
    }
}

table! {
    Apps = "apps" {
        Id = "id",
        Key = "key",
        ClientId = "client_id",
        ClientSecret = "client_secret",
        ClientKeyId = "client_key_id",
        ClientFirstKeyId = "client_first_key_id",
        Settings = "settings",
        DataKey = "data_key",
        CreatedAt = "created_at",
        UpdatedAt = "updated_at",
        Revision = "revision",
        IsDefault = "is_default",
        DeletedAt = "deleted_at",
    }
}

table! {
    Tokens = "tokens" {
        Id = "id",
        AppId = "app_id",
        Kind = "kind",
        Digest = "digest",
        DigestKeyId = "digest_key_id",
        FirstKeyId = "first_key_id",
        IsForeign = "is_foreign",
        Sealed = "sealed",
        UserId = "user_id",
        UserIsStandIn = "user_is_stand_in",
        CreatedAt = "created_at",
        UpdatedAt = "updated_at",
        ExpiresAt = "expires_at",
        DisabledBy = "disabled_by",
        RevokedAt = "revoked_at",
        Title = "title",
        Tags = "tags",
        Description = "description",
        PermissionsAsSent = "permissions_as_sent",
        Scopes = "scopes",
        Document = "document",
        LeftLoopback = "left_loopback",
        NotBefore = "not_before",
        AllowedAddresses = "allowed_addresses",
        ParentId = "parent_id",
        Lineage = "lineage",
        UseLimits = "use_limits",
        Revision = "revision",
    }
}

table! {
    /// Further digests of tokens.
    TokenDigests = "token_digests" {
        AppId = "app_id",
        TokenId = "token_id",
        Digest = "digest",
        DigestKeyId = "digest_key_id",
        FirstKeyId = "first_key_id",
        IsForeign = "is_foreign",
        GoodFrom = "good_from",
        GoodUntil = "good_until",
        // Its name in answers, next to the token's own.
        FoundBy = "found_by",
    }
}

table! {
    /// Digests of client secrets beside those of the apps themselves.
    ClientDigests = "client_digests" {
        AppId = "app_id",
        Digest = "digest",
        DigestKeyId = "digest_key_id",
        FirstKeyId = "first_key_id",
        GoodFrom = "good_from",
        GoodUntil = "good_until",
    }
}

table! {
    TokenUsage = "token_usage" {
        AppId = "app_id",
        TokenId = "token_id",
        LastUsedAt = "last_used_at",
        LastAddress = "last_address",
        UseCount = "use_count",
    }
}

table! {
    /// What is left of the limits of tokens.
    TokenBudgets = "token_budgets" {
        AppId = "app_id",
        TokenId = "token_id",
        UsesLeft = "uses_left",
        UsesSince = "uses_since",
        Rates = "rates",
        Levels = "levels",
        FilledAt = "filled_at",
    }
}

table! {
    /// How often the tokens of each app were used.
    UsageTotals = "usage_totals" {
        AppId = "app_id",
        Uses = "uses",
        LastUsedAt = "last_used_at",
    }
}

table! {
    /// The totals of self-made tokens of each app.
    SelfMade = "self_made" {
        AppId = "app_id",
        Tokens = "tokens",
        Bytes = "bytes",
    }
}

table! {
    /// The number of tokens of each app.
    AppTotals = "app_totals" {
        AppId = "app_id",
        IsOnLoopback = "is_on_loopback",
        Tokens = "tokens",
    }
}

table! {
    /// The number of tokens of each user of an app, in columns with the same names.
    UserTotals = "user_totals" {}
}

table! {
    Operators = "operators" {
        Id = "id",
        Name = "name",
        Digest = "digest",
        DigestKeyId = "digest_key_id",
        FirstKeyId = "first_key_id",
        CreatedAt = "created_at",
        RevokedAt = "revoked_at",
    }
}

table! {
    /// What operators have asked to be done once.
    IdempotencyKeys = "idempotency_keys" {
        OperatorId = "operator_id",
        Digest = "digest",
        Request = "request",
        SubjectId = "subject_id",
        At = "at",
    }
}

table! {
    /// The servers that work on the database.
    Nodes = "nodes" {
        Id = "id",
        Machine = "machine",
        Version = "version",
        SchemaVersion = "schema_version",
        StartedAt = "started_at",
        WrittenAt = "written_at",
        LogReadTo = "log_read_to",
        LogUnreadMs = "log_unread_ms",
        NewestKeyId = "newest_key_id",
        CurrentKeyId = "current_key_id",
        IsListening = "is_listening",
        ClockAheadMs = "clock_ahead_ms",
    }
}

/// A column of an answer that says how many tokens an app has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts(&'static str);

impl Counts {
    /// Those of each kind, in the order of `TokenKind::ALL`.
    pub(crate) const KINDS: [Counts; 4] =
        [Counts("identity"), Counts("grants"), Counts("self_made"), Counts("service")];
    pub(crate) const DISABLED: Counts = Counts("disabled");
    pub(crate) const EXPIRED: Counts = Counts("expired");
    pub(crate) const REVOKED: Counts = Counts("revoked");
    pub(crate) const EXPIRING: Counts = Counts("expiring");
    pub(crate) const UNUSED: Counts = Counts("unused");
    pub(crate) const ETERNAL: Counts = Counts("eternal");
    /// Not those that are counted, but all of which they are some.
    pub(crate) const LOOKED_AT: Counts = Counts("looked_at");
}

impl Iden for Counts {
    fn quoted(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.0)
    }

    fn unquoted(&self) -> &str {
        self.0
    }
}

impl Column for Counts {
    fn name(self) -> &'static str {
        self.0
    }

    fn place(self) -> &'static str {
        self.0
    }
}

table! {
    Changes = "changes" {
        Sequence = "sequence",
        At = "at",
        Kind = "kind",
        AppId = "app_id",
        SubjectId = "subject_id",
        Digest = "digest",
        Actor = "actor",
        Address = "address",
        WasOnLoopback = "was_on_loopback",
        Sealed = "sealed",
        Xid = "xid",
    }
}

/// The column of a count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count;

impl Iden for Count {
    fn quoted(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn unquoted(&self) -> &str {
        self.name()
    }
}

impl Column for Count {
    fn name(self) -> &'static str {
        "count"
    }

    fn place(self) -> &'static str {
        "count"
    }
}

/// The column of the greatest number that was assigned to a token.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GivenOut;

impl Iden for GivenOut {
    fn quoted(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn unquoted(&self) -> &str {
        self.name()
    }
}

impl Column for GivenOut {
    fn name(self) -> &'static str {
        "given_out"
    }

    fn place(self) -> &'static str {
        "given_out"
    }
}

/// The column of a token's scopes before a restore.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WasScopes;

impl Iden for WasScopes {
    fn quoted(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn unquoted(&self) -> &str {
        self.name()
    }
}

impl Column for WasScopes {
    fn name(self) -> &'static str {
        "was_scopes"
    }

    fn place(self) -> &'static str {
        "tokens.scopes"
    }
}

/// The column of a snapshot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Snapshot;

impl Iden for Snapshot {
    fn quoted(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn unquoted(&self) -> &str {
        self.name()
    }
}

impl Column for Snapshot {
    fn name(self) -> &'static str {
        "snapshot"
    }

    fn place(self) -> &'static str {
        "snapshot"
    }
}
