//! The log: lines on standard error, for people or for machines.
//!
//! A line written while a request is served has the id of that request.

use crate::error::CommandError;
use crate::text::colours_are_unwanted;
use jeton_core::Clock;
use jeton_service::SystemClock;
use serde_json::{Map, Value};
use std::fmt;
use std::io::IsTerminal;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::{DefaultFields, FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::{FmtContext, layer};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, reload};

/// The format of lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Human,
    /// One JSON object a line.
    Json,
}

/// The least severe level that is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Level(&'static str);

impl Level {
    const ALL: [Level; 4] = [Level("error"), Level("warn"), Level("info"), Level("debug")];

    /// The level of this name; `info` if there is none.
    pub(crate) fn named(name: &str) -> Self {
        Level::ALL.into_iter().find(|level| level.0 == name).unwrap_or(Level("info"))
    }

    /// Libraries are limited to errors: their `debug` lines may contain secrets.
    fn filter(self) -> EnvFilter {
        let level = self.0;
        EnvFilter::new(format!(
            "error,jeton={level},jeton_http={level},jeton_service={level},jeton_store={level}"
        ))
    }
}

/// The log of this process, once it has started.
pub(crate) struct Log(reload::Handle<EnvFilter, Registry>);

/// Starts logging. Once for each process.
pub(crate) fn start(format: Format, level: Level) -> Log {
    let (filter, handle) = reload::Layer::new(level.filter());
    // A failed write cannot be reported anywhere: the default would panic.
    let lines = layer().with_writer(std::io::stderr).log_internal_errors(false);
    let lines = match format {
        Format::Human => lines
            .with_ansi(std::io::stderr().is_terminal() && !colours_are_unwanted())
            .with_target(false)
            .fmt_fields(HumanFields(DefaultFields::new()))
            .boxed(),
        Format::Json => lines.event_format(JsonLines).boxed(),
    };
    tracing_subscriber::registry().with(filter).with(lines).init();
    Log(handle)
}

impl Log {
    /// Writes lines of this level from now on.
    pub(crate) fn set_level(&self, level: Level) -> Result<(), CommandError> {
        self.0.reload(level.filter()).map_err(|error| CommandError::unavailable(error.to_string()))
    }
}

/// The id of the request that this line belongs to, if any.
fn request_id() -> Option<String> {
    jeton_http::request_id().and_then(|id| id.to_str().ok().map(str::to_owned))
}

/// The fields after the message of a line for people.
struct HumanFields(DefaultFields);

impl<'writer> FormatFields<'writer> for HumanFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        self.0.format_fields(writer.by_ref(), fields)?;
        match request_id() {
            Some(id) => write!(writer, " request_id={id}"),
            None => Ok(()),
        }
    }
}

/// One JSON object per line: `time`, `level`, `message`, the fields of the line, and `request_id` if there is
/// one.
struct JsonLines;

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut members = Map::new();
        members.insert("time".to_owned(), jeton_http::rfc3339(SystemClock.now()).into());
        members.insert("level".to_owned(), event.metadata().level().as_str().to_ascii_lowercase().into());
        members.insert("message".to_owned(), "".into());
        event.record(&mut Members(&mut members));
        if let Some(id) = request_id() {
            members.insert("request_id".to_owned(), id.into());
        }
        writeln!(writer, "{}", Value::Object(members))
    }
}

/// Collects the fields of a line into an object.
struct Members<'a>(&'a mut Map<String, Value>);

impl Visit for Members<'_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").into());
    }
}
