//! What browsers send: forms, and queries.

use super::error::PageError;
use super::origin;
use crate::transport::body::{BodyForm, BodyLimits, body_form, read_body};
use crate::transport::fault::Fault;
use crate::transport::url::pairs;
use axum::body::Body;
use axum::http::Method;
use axum::http::request::Parts;
use jeton_console::Field;
use jeton_core::Timestamp;
use jeton_service::{DraftError, instant};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::borrow::Cow;
use std::fmt::Write;

/// The fields of a form, or the parameters of a query. What is empty is as if it were not there.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// What a request sends along, which must come from one of our pages; nothing unless it is a POST. `scheme`: by which those are
    /// reached.
    ///
    /// # Errors
    /// It comes from elsewhere, or is no form.
    pub(crate) async fn sent(
        parts: &Parts,
        body: Body,
        scheme: &str,
        limits: BodyLimits,
    ) -> Result<Self, PageError> {
        if parts.method != Method::POST {
            return Ok(Form::default());
        }
        if !origin::is_ours(&parts.headers, &parts.uri, scheme) {
            return Err(PageError::Forged);
        }
        let body = read_body(&parts.headers, body, limits).await?;
        match body_form(&parts.headers) {
            _ if body.is_empty() => Ok(Form::default()),
            BodyForm::Form => Form::read(&body),
            BodyForm::Json | BodyForm::Other => Err(Fault::Unsupported("a form".into()).into()),
        }
    }

    /// The parameters of a request's query.
    ///
    /// # Errors
    /// They are not UTF-8.
    pub(crate) fn of_query(parts: &Parts) -> Result<Self, PageError> {
        Form::read(parts.uri.query().unwrap_or_default().as_bytes())
    }

    /// # Errors
    /// It is not UTF-8.
    pub(crate) fn read(text: &[u8]) -> Result<Self, PageError> {
        pairs(text).map(Form).ok_or(PageError::Request)
    }

    /// The text of a field, without white space around it; empty: it is not there. Where it stands more than once the first counts.
    pub(crate) fn text<'a>(&'a self, name: &'a str) -> &'a str {
        self.all(name).next().unwrap_or_default()
    }

    /// The same; `None`: it is not there.
    pub(crate) fn given<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// All texts of a field.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.trim())
    }
}

/// The instant that a text says: a date, when it begins in UTC, or a time with its offset.
///
/// # Errors
/// It says none.
pub(crate) fn instant_of(text: &str) -> Result<Timestamp, DraftError> {
    instant("since", &in_full(text))
}

/// A date as the instant when it begins in UTC; whatever else as it is.
pub(crate) fn in_full(text: &str) -> Cow<'_, str> {
    let is_date = text.len() == "2026-11-21".len();
    if is_date { Cow::Owned(format!("{text}T00:00:00Z")) } else { Cow::Borrowed(text) }
}

/// What was read; `None`: it makes no sense, which its field says then.
pub(crate) fn noted<T, E>(field: &mut Field, read: Result<T, E>, wrong: &str) -> Option<T> {
    read.inspect_err(|_| wrong.clone_into(&mut field.error)).ok()
}

/// The link to a page with these parameters, but for those that are empty.
pub(crate) fn link(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut link = path.to_owned();
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        let mark = if link.contains('?') { '&' } else { '?' };
        write!(link, "{mark}{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
            .unwrap_or_else(|_| unreachable!("a text takes all"));
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_and_links_written_alike() {
        let written = link("/console/apps", &[("a", "x y&=#"), ("b", ""), ("c", "默认")]);
        assert_eq!(written, "/console/apps?a=x%20y%26%3D%23&c=%E9%BB%98%E8%AE%A4");
        let read = Form::read(written.split_once('?').unwrap().1.as_bytes()).unwrap();
        assert_eq!((read.text("a"), read.text("b"), read.text("c")), ("x y&=#", "", "默认"));
        let read = Form::read(b"a=+1+&a=2&b=").unwrap();
        assert_eq!((read.text("a"), read.given("b")), ("1", None));
        assert_eq!(read.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert!(Form::read(b"a=%ff").is_err());
    }
}
