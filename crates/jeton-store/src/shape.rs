//! All tables with all of their columns, so that a copy forgets none: tests compare them with both engines.

use crate::schema::Column;
use sea_query::{Iden, Value};
use std::borrow::Cow;

/// A row in the order of its shape's fields.
pub(crate) type Cells = Vec<Value>;

/// A table.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) table: Name,
    /// The column whose numbers the engine assigns, and never twice.
    pub(crate) number: Option<Name>,
    /// The columns that tell its rows apart: integers and bytes, which both engines put into the same order.
    pub(crate) key: &'static [Name],
    pub(crate) fields: &'static [Field],
}

impl Shape {
    /// The columns of its key.
    pub(crate) fn key_fields(&self) -> impl Iterator<Item = &'static Field> {
        let fields = self.fields;
        self.key.iter().filter_map(move |key| fields.iter().find(|field| field.name.name == key.name))
    }
}

/// A column of a table that is copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    pub(crate) name: Name,
    pub(crate) holds: Holds,
}

/// The type of a column, which may be nullable.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Holds {
    Integer,
    Boolean,
    Text,
    Bytes,
}

/// The name of a table or a column, and its description in words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Name {
    name: &'static str,
    place: &'static str,
}

impl Iden for Name {
    fn quoted(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name)
    }

    fn unquoted(&self) -> &str {
        self.name
    }
}

impl Column for Name {
    fn name(self) -> &'static str {
        self.name
    }

    fn place(self) -> &'static str {
        self.place
    }
}

macro_rules! shapes {
    ($(
        $(#[$doc:meta])* $shapes:ident:
        $($table:literal $(numbers $number:literal)? by $($key:literal)* { $($holds:ident: $($name:literal)*;)* })*
    )*) => {$(
        $(#[$doc])*
        pub(crate) const $shapes: &[Shape] =
            &[$(shapes!(@shape $table ($($number)?) ($($key)*) $($holds: $($name)*;)*)),*];
    )*};
    (@shape $table:literal ($($number:literal)?) ($($key:literal)*) $($holds:ident: $($name:literal)*;)*) => {{
        const NUMBER: &[Name] = &[$(Name { name: $number, place: concat!($table, ".", $number) })?];
        Shape {
            table: Name { name: $table, place: $table },
            number: NUMBER.first().copied(),
            key: &[$(Name { name: $key, place: concat!($table, ".", $key) }),*],
            fields: shapes!(@fields $table [] $($holds: $($name)*;)*),
        }
    }};
    (@fields $table:literal [$($done:tt)*] $holds:ident: $name:literal $($rest:tt)*) => {
        shapes!(@fields $table [$($done)* Field {
            name: Name { name: $name, place: concat!($table, ".", $name) },
            holds: Holds::$holds,
        },] @more $holds: $($rest)*)
    };
    (@fields $table:literal [$($done:tt)*] @more $holds:ident: ; $($rest:tt)*) => {
        shapes!(@fields $table [$($done)*] $($rest)*)
    };
    (@fields $table:literal [$($done:tt)*] @more $holds:ident: $($rest:tt)*) => {
        shapes!(@fields $table [$($done)*] $holds: $($rest)*)
    };
    (@fields $table:literal [$($done:tt)*]) => { &[$($done)*] };
}

shapes! {
    /// Every table that is not below, except that of migrations, each before those that refer to it.
    SHAPES:
    "genesis" by "id" {
        Integer: "id" "at" "epoch";
    }
    "key_checks" by "key_id" {
        Integer: "key_id" "retired_at";
        Bytes: "check_value";
    }
    "apps" numbers "id" by "id" {
        Integer: "id" "client_key_id" "client_first_key_id" "created_at" "updated_at" "revision" "deleted_at";
        Text: "key" "client_id" "settings";
        Bytes: "client_secret" "data_key";
        Boolean: "is_default";
    }
    "client_digests" by "app_id" "digest" {
        Integer: "app_id" "digest_key_id" "first_key_id" "good_from" "good_until";
        Bytes: "digest";
    }
    "tokens" numbers "id" by "id" {
        Integer: "id" "app_id" "digest_key_id" "first_key_id" "created_at" "updated_at" "expires_at" "revoked_at" "revision"
            "not_before" "parent_id";
        Text: "kind" "user_id" "disabled_by" "title" "tags" "description" "permissions_as_sent" "scopes" "document"
            "allowed_addresses" "lineage" "use_limits";
        Bytes: "digest" "sealed";
        Boolean: "is_foreign" "user_is_stand_in" "left_loopback";
    }
    "token_digests" by "digest" "app_id" {
        Integer: "app_id" "token_id" "digest_key_id" "first_key_id" "good_from" "good_until";
        Bytes: "digest";
        Boolean: "is_foreign";
    }
    "token_usage" by "token_id" "app_id" {
        Integer: "app_id" "token_id" "last_used_at" "use_count";
        Text: "last_address";
    }
    "token_budgets" by "token_id" "app_id" {
        Integer: "app_id" "token_id" "uses_left" "uses_since" "filled_at";
        Text: "rates" "levels";
    }
    "usage_totals" by "app_id" {
        Integer: "app_id" "uses" "last_used_at";
    }
    "operators" numbers "id" by "id" {
        Integer: "id" "digest_key_id" "first_key_id" "created_at" "revoked_at";
        Text: "name";
        Bytes: "digest";
    }
    "changes" numbers "sequence" by "sequence" {
        Integer: "sequence" "at" "app_id" "subject_id";
        Text: "kind" "actor" "address";
        Bytes: "digest" "sealed";
        Boolean: "was_on_loopback";
    }

    /// What is about one database and a few hours: no backup has it.
    PASSING:
    "idempotency_keys" by "operator_id" "digest" {
        Integer: "operator_id" "subject_id" "at";
        Bytes: "digest" "request";
    }
}
