//! People with browsers, request by request.

use crate::answer::Answer;
use crate::app::TestApp;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST};
use jeton_http::Site;
use std::fmt::Write;
use tower_service::Service as _;

const HERE: &str = "127.0.0.1:8081";

/// A browser without a window: it has cookies, and says where its requests come from.
pub(crate) struct Person<'a> {
    pub(crate) app: &'a TestApp,
    site: Site,
    /// The path that all pages begin with.
    base: &'a str,
    pub(crate) cookie: Option<String>,
}

impl<'a> Person<'a> {
    /// Somebody who has just arrived at a site.
    pub(crate) fn at(app: &'a TestApp, site: Site, base: &'a str) -> Self {
        Person { app, site, base, cookie: None }
    }

    /// The same server, for somebody with this cookie.
    pub(crate) fn with_cookie(&self, cookie: Option<String>) -> Self {
        Person { app: self.app, site: self.site.clone(), base: self.base, cookie }
    }

    /// Signs in with a token, and keeps the cookie that comes of it.
    pub(crate) async fn sign_in(&mut self, token: &str) -> Answer {
        let answer = self.submit(&format!("{}/sign-in", self.base), &[("token", token)]).await;
        if let Some(set) = answer.header("set-cookie") {
            self.cookie = Some(set.split(';').next().unwrap().to_owned());
        }
        answer
    }

    /// Opens a page.
    pub(crate) async fn open(&self, path: &str) -> Answer {
        self.send(self.request("GET", path).body(Body::empty()).unwrap()).await
    }

    /// Sends a form, as from a page of the site but for the key of the session.
    pub(crate) async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(self.form(path, fields)).await
    }

    /// The same with that key, which stands in the page at `from`.
    pub(crate) async fn submit_from(&self, from: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let key = self.form_key(from).await;
        self.submit(path, &[fields, &[("form_key", &key)]].concat()).await
    }

    /// The key that stands in the forms of a page.
    pub(crate) async fn form_key(&self, page: &str) -> String {
        let page = self.open(page).await;
        let (_, rest) = page.text().split_once("name=\"form_key\" value=\"").unwrap();
        rest.split('"').next().unwrap().to_owned()
    }

    /// A form that is ready to be sent, or to be changed before.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Request<Body> {
        let request = self.request("POST", path).header("sec-fetch-site", "same-origin");
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(Body::from(encoded(fields))).unwrap()
    }

    fn request(&self, method: &str, path: &str) -> axum::http::request::Builder {
        let request = Request::builder().method(method).uri(path).header(HOST, HERE);
        match &self.cookie {
            Some(cookie) => request.header(COOKIE, cookie),
            None => request,
        }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Answer::read(self.site.clone().call(request).await.unwrap_or_else(|never| match never {})).await
    }
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in fields {
        write!(text, "&{name}=").unwrap();
        for byte in value.bytes() {
            write!(text, "%{byte:02x}").unwrap();
        }
    }
    text
}
