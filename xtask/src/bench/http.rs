//! A client of a server under measurement, whose connection is kept between requests.

use crate::error::Error;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use ureq::http::{Request, Response};
use ureq::{Agent, Body};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client with a connection of its own.
pub(super) struct Client {
    address: SocketAddr,
    agent: Agent,
}

impl Client {
    pub(super) fn of(address: SocketAddr) -> Self {
        // What is asked is what is measured: no redirect is followed, and no proxy of this machine is between.
        let config = Agent::config_builder().proxy(None).max_redirects(0).http_status_as_error(false);
        Client { address, agent: config.timeout_global(Some(PATIENCE)).build().into() }
    }

    /// Asks as the bearer of a token and answers the status and the body.
    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: &str,
    ) -> Result<(u16, String), Error> {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let mut answer = self.send(method, path, &headers, body)?;
        let body = answer.body_mut().read_to_string().map_err(|source| self.failed(source))?;
        Ok((answer.status().as_u16(), body))
    }

    /// Sends a form as a page of the same server does, and answers the cookie that comes back, as a browser sends it from then on.
    pub(super) fn send_form(&self, path: &str, form: &str) -> Result<Option<String>, Error> {
        let content = ("Content-Type", "application/x-www-form-urlencoded");
        let answer = self.send("POST", path, &[("Sec-Fetch-Site", "same-origin"), content], form)?;
        let cookie = answer.headers().get("Set-Cookie").and_then(|cookie| cookie.to_str().ok());
        Ok(cookie.and_then(|cookie| cookie.split(';').next()).map(|cookie| cookie.trim().to_owned()))
    }

    /// Opens a page with a cookie and answers its status.
    pub(super) fn open(&self, path: &str, cookie: &str) -> Result<u16, Error> {
        let mut answer = self.send("GET", path, &[("Cookie", cookie)], "")?;
        // The connection is free for the next request once all of it was read.
        answer.body_mut().read_to_vec().map_err(|source| self.failed(source))?;
        Ok(answer.status().as_u16())
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Response<Body>, Error> {
        let mut request = Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let sent = match body {
            "" => request.body(()).map_err(ureq::Error::from).and_then(|request| self.agent.run(request)),
            body => request.body(body).map_err(ureq::Error::from).and_then(|request| self.agent.run(request)),
        };
        sent.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: ureq::Error) -> Error {
        Error::Files { what: format!("http://{}", self.address), source: io::Error::other(source) }
    }
}
