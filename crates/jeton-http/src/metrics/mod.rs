//! `/metrics`: counts in Prometheus' text format.
//!
//! Facts are counted where they are known, in plain structs of [`jeton_core::Counter`] and
//! [`jeton_core::Histogram`]: counting costs an atomic and needs nothing from this module. To report one
//! more, read its struct in [`collect`], name it in the list below, and document it in `docs/metrics.md`,
//! which a test compares. Names and labels are stable: dashboards and alerts depend on them.

mod process;

use crate::elsewhere;
use crate::endpoint::{Claims, Endpoint, Places, Routes};
use crate::observe::CLASSES;
use crate::readiness::Phase;
use crate::state::AppState;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jeton_core::HistogramReading;
use jeton_service::{LogRead, Service, StoreMeasures};
use prometheus::proto::{Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{TEXT_FORMAT, TextEncoder};
use std::sync::atomic::{AtomicU64, Ordering};

/// The description of a metric.
struct Described {
    name: &'static str,
    kind: MetricType,
    /// The help text, also in the documents.
    help: &'static str,
}

macro_rules! metrics {
    ($($constant:ident = $kind:ident $name:literal: $help:literal;)*) => {
        $(const $constant: Described = Described { name: $name, kind: MetricType::$kind, help: $help };)*

        /// All of them, in the order of the documents.
        #[cfg(test)]
        const METRICS: &[&Described] = &[$(&$constant),*];
    };
}

metrics! {
    REQUESTS = COUNTER "jeton_http_requests_total": "Requests that were answered, by route and class of status.";
    REQUEST_SECONDS = HISTOGRAM "jeton_http_request_duration_seconds":
        "From the end of a request's head to the head of its answer, by route.";
    VERDICTS = COUNTER "jeton_verdicts_total": "Answers to whether a token is good, by outcome.";
    THROTTLED = COUNTER "jeton_throttled_total":
        "Requests refused because too many came: credentials after too many failures of an address, anonymous writes over LoopBack, reports of leaked secrets.";
    REUSED = COUNTER "jeton_reused_secrets_total": "Secrets that were presented after a rotation had ended them.";
    LIMITED_USES = COUNTER "jeton_limited_uses_total":
        "Uses of limited tokens that this server reserved and did not need: given_back; lost, because the store failed meanwhile.";
    PORTIONS = COUNTER "jeton_limit_portions_total": "Portions of uses of limited tokens that this server reserved.";
    CONNECTIONS = GAUGE "jeton_connections_open": "Connections of clients that are open.";
    CONNECTION_ENDS = COUNTER "jeton_connections_total":
        "Connections of clients, by outcome: accepted, and of those speaking HTTP/2 (http2), evicted to make room for others, and closed for a flood of HTTP/2 frames (flooded); refused.";
    SHED = COUNTER "jeton_requests_shed_total":
        "Requests that were answered 503 because too many were in progress or bodies took too much memory.";
    BAD_HEADS = COUNTER "jeton_heads_refused_total":
        "Requests refused for their heads, by reason: host (not exactly one Host header, 400), too_large (431), malformed (not a request, 400), no_room (closed).";
    RECALLS = COUNTER "jeton_cache_questions_total":
        "Questions about a token: answered from memory (hit, absent), refused by arithmetic (garbage), or put to the store (miss, stale).";
    OUTDATED = COUNTER "jeton_stale_answers_total":
        "Verifications that were answered from memory because the store could not be reached (cache.on_outage), beyond cache.max_staleness_milliseconds.";
    CACHE_TOKENS = GAUGE "jeton_cache_tokens": "Tokens in the cache of verification.";
    CACHE_BYTES = GAUGE "jeton_cache_bytes": "Memory of those tokens, in bytes.";
    EVICTIONS = COUNTER "jeton_cache_evictions_total": "Tokens that left the cache to make room.";
    FLUSHES = COUNTER "jeton_cache_flushes_total": "How often the whole cache was cleared.";
    FOREIGN = GAUGE "jeton_foreign_digests": "Digests of valid secrets that were not issued here.";
    LOG_ENTRIES = COUNTER "jeton_changes_read_total": "Entries of the change log that were read, written by this process or others.";
    LOG_POLLS = COUNTER "jeton_change_polls_total": "Polls of the change log for new entries, by outcome.";
    STALENESS = GAUGE "jeton_change_staleness_seconds":
        "Time since the change log was last read to its end. Beyond cache.max_staleness_milliseconds nothing is answered from memory, but for cache.on_outage.";
    READ_TO = GAUGE "jeton_change_read_to":
        "The greatest number of an entry of the change log that was read: what another server has and this one has not is still to be read.";
    LISTENING = GAUGE "jeton_change_listening":
        "1 while changes of other processes are announced, 0 while they have to be polled for (always, on SQLite).";
    LEADS = GAUGE "jeton_leads":
        "1 while this server does the background work of all that share its database, such as retention.";
    USES = COUNTER "jeton_token_uses_total":
        "Uses of tokens, by outcome: recorded, and of those flushed to the store; dropped.";
    STREAMS = GAUGE "jeton_streams_open": "Change streams that are open.";
    STREAM_ENDS = COUNTER "jeton_streams_total":
        "Change streams, by outcome: opened, and of those cut because the client did not keep up (slow) or lost its rights (denied); refused because there were too many.";
    STREAM_EVENTS = COUNTER "jeton_stream_events_total": "Events that were sent, once for each stream.";
    REMOVED = COUNTER "jeton_retention_removed_total": "Rows that retention removed, by kind.";
    PASSES = COUNTER "jeton_retention_passes_total": "Retention passes, by outcome.";
    KEY_CURRENT = GAUGE "jeton_keys_current": "The number of the key of the ring that this server writes with.";
    KEY_MISSING = GAUGE "jeton_keys_missing":
        "Keys that the database knows and the ring of this server lacks: until it is copied here, what is not found is answered 503.";
    KEY_ROWS_LEFT = GAUGE "jeton_keys_rows_left": "Rows that older keys have made, when this server last counted them.";
    KEY_ROWS = COUNTER "jeton_keys_rows_total":
        "Rows that were given to the current key: by the sweep, or because their secret was presented (use).";
    KEY_FAILURES = COUNTER "jeton_keys_failures_total": "Sweeps for the current key that failed, and are repeated.";
    STORE_SECONDS = HISTOGRAM "jeton_store_duration_seconds":
        "Reads, and writes from the request until they are on disk.";
    STORE_FAILURES = COUNTER "jeton_store_failures_total": "Calls of the store that failed.";
    GROUPS = HISTOGRAM "jeton_store_group_writes": "Writes that went into one commit; on PostgreSQL, of new tokens.";
    OUTAGES = COUNTER "jeton_store_outages_total": "Outages of the database (PostgreSQL).";
    CUT_OFF = GAUGE "jeton_store_cut_off":
        "1 during an outage of the database, while calls fail at once (PostgreSQL).";
    WAITING = GAUGE "jeton_store_waiting_writes": "Writes that waited when the writer last began a commit (SQLite).";
    READY = GAUGE "jeton_ready": "1 while the server serves, 0 while it starts or drains. Does not ask the store.";
    BUILD = GAUGE "jeton_build_info": "Always 1; the version is a label.";
    RESIDENT = GAUGE "process_resident_memory_bytes": "Memory in use.";
    OPEN_FDS = GAUGE "process_open_fds": "File descriptors that are open.";
    MAX_FDS = GAUGE "process_max_fds": "File descriptors that may be open.";
    THREADS = GAUGE "process_threads": "Threads of the process.";
    CPU = COUNTER "process_cpu_seconds_total": "Processor time used, in seconds.";
    START = GAUGE "process_start_time_seconds": "When the process began, in seconds since 1970.";
}

const NAME: &str = "/metrics";

pub(crate) static ENDPOINT: Endpoint = Endpoint {
    claims: Claims::First(&["metrics"]),
    routes: Routes::Router(|| Router::new().route(NAME, get(handle))),
    names: &[NAME],
    name: |path| (path == NAME).then_some(0),
    places: Places::Common,
    refuse: elsewhere::refuse,
    at_once: None,
    document: None,
    #[cfg(any(test, feature = "fuzzing"))]
    parsers: &[],
};

/// Labels of one value.
type Labels<'a> = &'a [(&'static str, &'a str)];

async fn handle(State(state): State<AppState>) -> Response {
    match TextEncoder::new().encode_to_string(&collect(&state)) {
        Ok(text) => ([(CONTENT_TYPE, TEXT_FORMAT), (CACHE_CONTROL, "no-store")], text).into_response(),
        Err(error) => {
            tracing::error!(route = NAME, "{error}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Reads all counters.
fn collect(state: &AppState) -> Vec<MetricFamily> {
    let mut families = Vec::new();
    requests(state, &mut families);
    verdicts(state, &mut families);
    connections(state, &mut families);
    cache(&state.service, &mut families);
    uses(&state.service, &mut families);
    streams(&state.service, &mut families);
    retention(&state.service, &mut families);
    keys(&state.service, &mut families);
    if let Some(measures) = state.service.store_measures() {
        store(measures, &mut families);
    }
    this_process(state, &mut families);
    // Values that this system does not provide are left out.
    families.retain(|family| !family.get_metric().is_empty());
    families
}

fn requests(state: &AppState, families: &mut Vec<MetricFamily>) {
    let (mut answers, mut seconds) = (Vec::new(), Vec::new());
    for measures in state.setup.observer.requests.all() {
        let latency = measures.latency.read();
        // A route without requests would be two dozen lines of zeros.
        if latency.count == 0 {
            continue;
        }
        for (class, counter) in CLASSES.iter().zip(&measures.answers) {
            answers.push(counter_of(&[("route", measures.name), ("class", class)], counter.get() as f64));
        }
        seconds.push(histogram_of(&[("route", measures.name)], &latency, 1e-6));
    }
    families.push(family(&REQUESTS, answers));
    families.push(family(&REQUEST_SECONDS, seconds));
}

fn verdicts(state: &AppState, families: &mut Vec<MetricFamily>) {
    let verdicts = &state.service.measures().verdicts;
    let outcomes = [
        ("allowed", &verdicts.allowed),
        ("refused", &verdicts.refused),
        ("rate_limited", &verdicts.rate_limited),
        ("uses_exhausted", &verdicts.uses_exhausted),
        ("unknown", &verdicts.unknown),
        ("revoked", &verdicts.revoked),
        ("disabled", &verdicts.disabled),
        ("expired", &verdicts.expired),
        ("not_yet_valid", &verdicts.not_yet_valid),
        ("address_unknown", &verdicts.address_unknown),
        ("address_not_allowed", &verdicts.address_not_allowed),
        ("unavailable", &verdicts.unavailable),
    ];
    let values = outcomes.map(|(outcome, counter)| counter_of(&[("outcome", outcome)], counter.get() as f64));
    families.push(family(&VERDICTS, values.into()));
    let throttled = &state.service.measures().throttled;
    let what = [
        ("failures", &throttled.failures),
        ("anonymous_writes", &throttled.anonymous_writes),
        ("leak_reports", &throttled.leak_reports),
    ];
    let what = what.map(|(what, counter)| counter_of(&[("what", what)], counter.get() as f64));
    families.push(family(&THROTTLED, what.into()));
    let reused = state.service.measures().reused_secrets.get();
    families.push(family(&REUSED, vec![counter_of(&[], reused as f64)]));
    let portions = state.service.portion_counts();
    let unused = [("given_back", &portions.given_back), ("lost", &portions.lost)];
    let unused = unused.map(|(outcome, counter)| counter_of(&[("outcome", outcome)], counter.get() as f64));
    families.push(family(&LIMITED_USES, unused.into()));
    families.push(family(&PORTIONS, vec![counter_of(&[], portions.taken.get() as f64)]));
}

fn connections(state: &AppState, families: &mut Vec<MetricFamily>) {
    let measures = &state.setup.server_measures;
    let ends = [
        ("accepted", &measures.opened),
        ("http2", &measures.http2),
        ("evicted", &measures.evicted),
        ("flooded", &measures.flooded),
        ("refused", &measures.refused),
    ];
    let ends = ends.map(|(what, counter)| counter_of(&[("what", what)], counter.get() as f64));
    families.push(family(&CONNECTIONS, vec![gauge_of(&[], measures.open() as f64)]));
    families.push(family(&CONNECTION_ENDS, ends.into()));
    families.push(family(&SHED, vec![counter_of(&[], measures.shed.get() as f64)]));
    let heads = &measures.heads;
    let reasons = [
        ("host", &heads.host),
        ("too_large", &heads.too_large),
        ("malformed", &heads.malformed),
        ("no_room", &heads.no_room),
    ];
    let reasons = reasons.map(|(reason, counter)| counter_of(&[("reason", reason)], counter.get() as f64));
    families.push(family(&BAD_HEADS, reasons.into()));
}

fn cache(service: &Service, families: &mut Vec<MetricFamily>) {
    let stats = service.cache_stats();
    let answers = [
        ("hit", stats.hits),
        ("absent", stats.absent_hits),
        ("garbage", stats.garbage),
        ("miss", stats.misses),
        ("stale", stats.stale),
    ];
    let answers = answers.map(|(answer, count)| counter_of(&[("answer", answer)], count as f64));
    let polls = [("done", stats.polls.saturating_sub(stats.failed_polls)), ("failed", stats.failed_polls)];
    let polls = polls.map(|(outcome, count)| counter_of(&[("outcome", outcome)], count as f64));
    let log_read =
        |value: fn(&LogRead) -> f64| stats.log_read.iter().map(|read| gauge_of(&[], value(read))).collect();
    families.push(family(&RECALLS, answers.into()));
    families.push(family(&OUTDATED, vec![counter_of(&[], stats.outdated as f64)]));
    families.push(family(&CACHE_TOKENS, vec![gauge_of(&[], stats.tokens as f64)]));
    families.push(family(&CACHE_BYTES, vec![gauge_of(&[], stats.bytes as f64)]));
    families.push(family(&EVICTIONS, vec![counter_of(&[], stats.evictions as f64)]));
    families.push(family(&FLUSHES, vec![counter_of(&[], stats.flushes as f64)]));
    families.push(family(&FOREIGN, vec![gauge_of(&[], stats.foreign_digests as f64)]));
    families.push(family(&LOG_ENTRIES, vec![counter_of(&[], stats.changes as f64)]));
    families.push(family(&LOG_POLLS, polls.into()));
    families.push(family(&STALENESS, log_read(|read| read.unread_ms as f64 / 1e3)));
    families.push(family(&READ_TO, log_read(|read| read.to as f64)));
    families.push(family(&LISTENING, vec![gauge_of(&[], f64::from(u8::from(stats.is_listening)))]));
    families.push(family(&LEADS, vec![gauge_of(&[], f64::from(u8::from(service.leads())))]));
}

fn uses(service: &Service, families: &mut Vec<MetricFamily>) {
    let stats = service.usage_stats();
    let uses = [("recorded", stats.recorded), ("flushed", stats.written), ("dropped", stats.dropped)];
    let uses = uses.map(|(what, count)| counter_of(&[("what", what)], count as f64));
    families.push(family(&USES, uses.into()));
}

fn streams(service: &Service, families: &mut Vec<MetricFamily>) {
    let measures = service.stream_measures();
    let ends = [
        ("opened", &measures.opened),
        ("slow", &measures.slow),
        ("denied", &measures.denied),
        ("refused", &measures.refused),
    ];
    let ends = ends.map(|(what, counter)| counter_of(&[("what", what)], counter.get() as f64));
    families.push(family(&STREAMS, vec![gauge_of(&[], measures.open() as f64)]));
    families.push(family(&STREAM_ENDS, ends.into()));
    families.push(family(&STREAM_EVENTS, vec![counter_of(&[], measures.events.get() as f64)]));
}

fn retention(service: &Service, families: &mut Vec<MetricFamily>) {
    let counters = service.retention_counters();
    let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
    let removed = [
        ("expired", &counters.expired),
        ("revoked", &counters.revoked),
        ("change", &counters.changes),
        ("swept", &counters.swept),
    ];
    let removed = removed.map(|(what, counter)| counter_of(&[("what", what)], read(counter)));
    let passes = [("done", &counters.passes), ("failed", &counters.failures)];
    let passes = passes.map(|(outcome, counter)| counter_of(&[("outcome", outcome)], read(counter)));
    families.push(family(&REMOVED, removed.into()));
    families.push(family(&PASSES, passes.into()));
}

fn keys(service: &Service, families: &mut Vec<MetricFamily>) {
    let measures = service.rekey_measures();
    let rows = [("sweep", &measures.rekeyed), ("use", &measures.on_use)];
    let rows = rows.map(|(what, counter)| counter_of(&[("what", what)], counter.get() as f64));
    let (current, missing) = service.keys_in_use();
    families.push(family(&KEY_CURRENT, vec![gauge_of(&[], f64::from(current))]));
    families.push(family(&KEY_MISSING, vec![gauge_of(&[], missing as f64)]));
    families.push(family(&KEY_ROWS_LEFT, vec![gauge_of(&[], measures.left.load(Ordering::Relaxed) as f64)]));
    families.push(family(&KEY_ROWS, rows.into()));
    families.push(family(&KEY_FAILURES, vec![counter_of(&[], measures.failures.get() as f64)]));
}

fn store(measures: &StoreMeasures, families: &mut Vec<MetricFamily>) {
    let calls = [("read", &measures.reads), ("write", &measures.writes)];
    let seconds = calls.map(|(name, calls)| histogram_of(&[("call", name)], &calls.time.read(), 1e-6));
    let failures = calls.map(|(name, calls)| counter_of(&[("call", name)], calls.failures.get() as f64));
    families.push(family(&STORE_SECONDS, seconds.into()));
    families.push(family(&STORE_FAILURES, failures.into()));
    families.push(family(&GROUPS, vec![histogram_of(&[], &measures.groups.read(), 1.0)]));
    families.push(family(&OUTAGES, vec![counter_of(&[], measures.outages.get() as f64)]));
    families.push(family(&CUT_OFF, vec![gauge_of(&[], measures.is_cut_off.get() as f64)]));
    families.push(family(&WAITING, vec![gauge_of(&[], measures.waiting_writes.get() as f64)]));
}

fn this_process(state: &AppState, families: &mut Vec<MetricFamily>) {
    let is_ready = state.setup.readiness.phase() == Phase::Serving;
    let version: Labels<'_> = &[("version", env!("CARGO_PKG_VERSION"))];
    let process = process::read();
    let optional = |value: Option<u64>| value.map(|value| gauge_of(&[], value as f64)).into_iter().collect();
    families.push(family(&READY, vec![gauge_of(&[], f64::from(u8::from(is_ready)))]));
    families.push(family(&BUILD, vec![gauge_of(version, 1.0)]));
    families.push(family(&RESIDENT, optional(process.resident_bytes)));
    families.push(family(&OPEN_FDS, optional(process.open_descriptors)));
    families.push(family(&MAX_FDS, optional(process.max_descriptors)));
    families.push(family(&THREADS, optional(process.threads)));
    let cpu = process.cpu_seconds.map(|seconds| counter_of(&[], seconds));
    families.push(family(&CPU, cpu.into_iter().collect()));
    let started_at = state.setup.started_at.as_millis() as f64 / 1e3;
    families.push(family(&START, vec![gauge_of(&[], started_at)]));
}

fn family(described: &Described, values: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(described.name.to_owned());
    family.set_help(described.help.to_owned());
    family.set_field_type(described.kind);
    family.set_metric(values);
    family
}

fn labelled(labels: Labels<'_>) -> Metric {
    let pair = |(name, value): &(&str, &str)| {
        let mut pair = LabelPair::default();
        pair.set_name((*name).to_owned());
        pair.set_value((*value).to_owned());
        pair
    };
    Metric::from_label(labels.iter().map(pair).collect())
}

fn counter_of(labels: Labels<'_>, value: f64) -> Metric {
    let (mut metric, mut counter) = (labelled(labels), Counter::default());
    counter.set_value(value);
    metric.set_counter(counter);
    metric
}

fn gauge_of(labels: Labels<'_>, value: f64) -> Metric {
    let (mut metric, mut gauge) = (labelled(labels), Gauge::default());
    gauge.set_value(value);
    metric.set_gauge(gauge);
    metric
}

/// `unit`: the size of a recorded unit in the reported unit.
fn histogram_of(labels: Labels<'_>, reading: &HistogramReading, unit: f64) -> Metric {
    let bucket = |(bound, count): &(u64, u64)| {
        let mut bucket = Bucket::default();
        // Divided, a bound of 250 microseconds is exactly 0.00025; multiplied, it would not always be.
        bucket.set_upper_bound(*bound as f64 / (1.0 / unit));
        bucket.set_cumulative_count(*count);
        bucket
    };
    let mut histogram = Histogram::default();
    histogram.set_bucket(reading.buckets.iter().map(bucket).collect());
    histogram.set_sample_count(reading.count);
    histogram.set_sample_sum(reading.sum as f64 * unit);
    let mut metric = labelled(labels);
    metric.set_histogram(histogram);
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rows of the table in the documents: name, kind, help.
    fn documented() -> Vec<(String, String, String)> {
        let text = include_str!("../../../../docs/metrics.md");
        let rows = text.lines().filter(|line| line.starts_with("| `"));
        rows.map(|row| {
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            (cells[0].trim_matches('`').to_owned(), cells[1].to_owned(), cells[3].to_owned())
        })
        .collect()
    }

    #[test]
    fn the_documents_name_what_is_reported_and_nothing_else() {
        let kind = |kind: MetricType| format!("{kind:?}").to_lowercase();
        let reported: Vec<_> = METRICS
            .iter()
            .map(|metric| (metric.name.to_owned(), kind(metric.kind), metric.help.to_owned()))
            .collect();
        assert_eq!(documented(), reported);
    }
}
