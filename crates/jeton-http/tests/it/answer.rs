//! What came back.

use axum::body::Body;
use axum::http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;
use std::fmt::Write;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Whether the body ended by an error: over a socket, the connection is cut there.
    pub(crate) is_cut: bool,
}

impl Answer {
    pub(crate) async fn read(response: Response<Body>) -> Self {
        let (parts, mut body) = response.into_parts();
        let mut answer =
            Answer { status: parts.status, headers: parts.headers, body: Vec::new(), is_cut: false };
        while let Some(frame) = body.frame().await {
            match frame {
                Ok(frame) => answer.body.extend(frame.into_data().unwrap()),
                Err(_) => {
                    answer.is_cut = true;
                    break;
                }
            }
        }
        answer
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The value of a header that is there once; `None` if it is not there.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.get_all(name).iter();
        let value = values.next().map(|value| value.to_str().unwrap());
        assert!(values.next().is_none(), "{name} stands twice");
        value
    }

    /// Status, headers in the order of their names, body.
    pub(crate) fn show(&self) -> String {
        assert!(!self.is_cut, "the body was cut");
        let mut headers: Vec<_> =
            self.headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        headers.sort();
        let mut text = format!("{}\n", self.status);
        for header in headers {
            writeln!(text, "{}", header.trim_end()).unwrap();
        }
        text + "\n" + self.text()
    }

    /// Checks that this is an error of the user-token API, whole: status and envelope agree, and something is
    /// said.
    pub(crate) fn assert_envelope(&self, status: u16) -> &Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        let body = self.json();
        assert_eq!(body["code"], status, "{body}");
        assert_eq!(body["data"], Value::Null, "{body}");
        assert!(body["error"].as_str().is_some_and(|error| !error.is_empty()), "{body}");
        assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
        self.assert_plain_json()
    }

    /// Checks a success of the user-token API and answers its `data`.
    pub(crate) fn data(&self) -> Value {
        let mut body = self.json();
        assert_eq!(self.status, StatusCode::OK, "{body}");
        assert_eq!((&body["code"], &body["error"]), (&Value::from(200), &Value::from("")), "{body}");
        assert_eq!(body.as_object().unwrap().len(), 3, "{body}");
        self.assert_plain_json();
        body["data"].take()
    }

    /// The rows of a list of the user-token API.
    pub(crate) fn rows(&self) -> Vec<Value> {
        self.data()["data"].as_array().unwrap().clone()
    }

    /// The ids of a list, in its order.
    pub(crate) fn ids(&self) -> Vec<i64> {
        self.rows().iter().map(|row| row["id"].as_i64().unwrap()).collect()
    }

    fn assert_plain_json(&self) -> &Self {
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        self
    }
}
