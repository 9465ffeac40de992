//! The form of an answer: by `_format` in the query, which takes precedence, and by `Accept`.

use crate::server::Headers;
use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use jeton_loopback::Value;

/// The media types of successful answers.
const BODIES: [&str; 3] = ["application/json", "application/javascript", "text/javascript"];
/// The media types of errors.
const ERRORS: [&str; 4] = ["application/json", "text/html", "text/xml", "application/xml"];

/// The form of a successful answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum BodyForm {
    /// JSON.
    Json,
    /// A script that calls this function.
    Script(String),
    /// None that LoopBack offers.
    NotAcceptable,
}

/// The form of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorForm {
    Json,
    Html,
    Xml,
}

/// What a client accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wishes {
    pub(super) body: BodyForm,
    pub(super) error: ErrorForm,
    /// Whether a stream may consist of server-sent events.
    pub(super) takes_events: bool,
}

impl Wishes {
    pub(super) fn read(headers: &HeaderMap, query: &Value) -> Self {
        let accept = Accept::read(headers);
        let format = match query.member("_format") {
            Some(Value::Text(format)) if !format.is_empty() => Some(format.as_str()),
            _ => None,
        };
        let kind = match format.map(str::to_ascii_lowercase) {
            Some(format) => Some(format),
            None => accept.best(&BODIES).map(str::to_owned),
        };
        let body = match kind.as_deref() {
            Some("application/json" | "json" | "*/*") => BodyForm::Json,
            Some("application/javascript" | "text/javascript") => {
                callback(query).map_or(BodyForm::Json, BodyForm::Script)
            }
            _ => BodyForm::NotAcceptable,
        };
        let error = match format
            .filter(|format| ["json", "html", "xml"].contains(format) || ERRORS.contains(format))
        {
            Some(format) => format,
            None => accept.best(&ERRORS).unwrap_or("json"),
        };
        let error = match error {
            "html" | "text/html" => ErrorForm::Html,
            "xml" | "text/xml" | "application/xml" => ErrorForm::Xml,
            _ => ErrorForm::Json,
        };
        let takes_events = format == Some("event-stream") || accept.best(&["text/event-stream"]).is_some();
        Wishes { body, error, takes_events }
    }
}

/// The function that a script calls: `callback`, reduced to characters that may occur in a path of names.
fn callback(query: &Value) -> Option<String> {
    let name = match query.member("callback")? {
        Value::List(names) => names.first()?.to_text(),
        Value::Text(name) => name.clone(),
        _ => return None,
    };
    let is_kept = |c: &char| c.is_ascii_alphanumeric() || "[]_$.".contains(*c);
    let name: String = name.chars().filter(is_kept).collect();
    (!name.is_empty()).then_some(name)
}

/// An `Accept` header.
struct Accept(Vec<Range>);

/// A range of media types, and its quality.
struct Range {
    kind: String,
    subkind: String,
    quality: f32,
}

impl Accept {
    /// An absent or empty header accepts everything.
    fn read(headers: &HeaderMap) -> Self {
        let values = headers.named(&ACCEPT).filter_map(|value| std::str::from_utf8(value).ok());
        let values: Vec<_> = values.collect();
        let text = if values.is_empty() { "*/*".to_owned() } else { values.join(",") };
        Accept(text.split(',').filter_map(Range::read).collect())
    }

    /// The media type with the highest quality; of several, the one that was named most specifically, then
    /// the one that was named first.
    fn best<'a>(&self, offered: &[&'a str]) -> Option<&'a str> {
        let ranked = offered.iter().enumerate().filter_map(|(place, kind)| {
            let (exactness, at, quality) = self.rank(kind)?;
            Some(((-quality, -exactness, at, place), *kind))
        });
        let best = ranked.min_by(|(one, _), (two, _)| {
            one.0.total_cmp(&two.0).then_with(|| (one.1, one.2, one.3).cmp(&(two.1, two.2, two.3)))
        });
        best.map(|(_, kind)| kind)
    }

    /// The most specific range that contains a media type: how specific, its index, its quality.
    fn rank(&self, kind: &str) -> Option<(i8, usize, f32)> {
        let (kind, subkind) = kind.split_once('/')?;
        let ranges = self.0.iter().enumerate().filter_map(|(at, range)| {
            let exactness = match (range.kind.as_str(), range.subkind.as_str()) {
                (one, two) if one == kind && two == subkind => 2,
                (one, "*") if one == kind => 1,
                ("*", "*") => 0,
                _ => return None,
            };
            Some((exactness, at, range.quality))
        });
        let best = ranges
            .min_by(|one, two| (-one.0).cmp(&-two.0).then(two.2.total_cmp(&one.2)).then(one.1.cmp(&two.1)));
        best.filter(|(_, _, quality)| *quality > 0.0)
    }
}

impl Range {
    fn read(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let mut parts = text.split(';');
        let (kind, subkind) = parts.next()?.trim().split_once('/')?;
        let quality = parts.filter_map(|part| part.trim().strip_prefix("q=")?.parse().ok()).next();
        Some(Range { kind: kind.to_owned(), subkind: subkind.to_owned(), quality: quality.unwrap_or(1.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::qs::parse_query;
    use super::*;

    fn wishes(accept: Option<&str>, query: &str) -> Wishes {
        let headers = accept.map(|accept| (ACCEPT, accept.parse().unwrap())).into_iter().collect();
        Wishes::read(&headers, &parse_query(query))
    }

    #[test]
    fn forms_of_successes() {
        let body = |accept| wishes(accept, "callback=cb").body;
        let script = BodyForm::Script("cb".to_owned());
        for json in [
            None,
            Some(""),
            Some("*/*"),
            Some("application/json"),
            Some("application/*"),
            Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            Some("application/json, text/javascript"),
            Some("application/json; charset=utf-8"),
            Some("text/javascript;q=0.5, application/json;q=0.9"),
        ] {
            assert_eq!(body(json), BodyForm::Json, "{json:?}");
        }
        for js in ["application/javascript", "text/*", "text/javascript, */*;q=0.1", "text/JavaScript"] {
            assert_eq!(body(Some(js)), script, "{js}");
        }
        for none in
            ["text/html", "application/json;q=0", ",", "nonsense", "application/xml", "text/event-stream"]
        {
            assert_eq!(body(Some(none)), BodyForm::NotAcceptable, "{none}");
        }
    }

    #[test]
    fn the_query_goes_before_the_header() {
        assert_eq!(wishes(Some("text/html"), "_format=JSON").body, BodyForm::Json);
        assert_eq!(wishes(None, "_format=xml").body, BodyForm::NotAcceptable);
        assert_eq!(wishes(None, "_format=text/javascript").body, BodyForm::Json);
        assert_eq!(wishes(None, "_format[]=xml").body, BodyForm::Json);
        assert_eq!(wishes(None, "_format=xml").error, ErrorForm::Xml);
        assert_eq!(wishes(Some("text/html"), "_format=nope").error, ErrorForm::Html);
    }

    #[test]
    fn functions_are_names_alone() {
        let script = |query: &str| wishes(Some("text/javascript"), query).body;
        let calls = |name: &str| BodyForm::Script(name.to_owned());
        assert_eq!(script("callback=a.b[0]_$"), calls("a.b[0]_$"));
        assert_eq!(script("callback=alert(1);//</script>"), calls("alert1script"));
        assert_eq!(script("callback[]=one&callback[]=two"), calls("one"));
        for none in ["", "callback=", "callback=%28%29", "callback[a]=b"] {
            assert_eq!(script(none), BodyForm::Json, "{none}");
        }
    }

    #[test]
    fn forms_of_errors() {
        let error = |accept: &str| wishes(Some(accept), "").error;
        for accept in ["*/*", "text/plain", "application/json, text/html", "text/javascript", ""] {
            assert_eq!(error(accept), ErrorForm::Json, "{accept}");
        }
        for accept in ["application/xml", "text/xml", "text/xml, text/html;q=0.5"] {
            assert_eq!(error(accept), ErrorForm::Xml, "{accept}");
        }
        assert_eq!(error("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"), ErrorForm::Html);
        assert!(wishes(None, "").takes_events && wishes(Some("text/*"), "").takes_events);
        assert!(wishes(Some("application/json"), "_format=event-stream").takes_events);
        assert!(!wishes(Some("application/json"), "").takes_events);
    }
}
