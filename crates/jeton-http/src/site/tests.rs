//! A surface is one folder, `echo/`, and one entry in a table: everything else finds it there.

mod echo;

use super::{Site, serve};
use crate::endpoint::Table;
use crate::listeners;
use crate::server::{Claim, HeadError, Served, ServerLimits, Unserved};
use crate::state::Setup;
use axum::body::Body;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue, Request};
use axum::response::Response;
use http_body_util::BodyExt;
use jeton_core::{ManualClock, Timestamp};
use jeton_service::{KeyRing, Service};
use jeton_store::{SqliteOptions, open_sqlite};
use jeton_testkit::SeededEntropy;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower_service::Service as _;

const TABLE: Table = Table { surfaces: &[&echo::ENDPOINT], rest: listeners::PUBLIC.rest };

async fn site() -> (Site, Setup, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let clock = ManualClock::at(Timestamp::from_millis(1_767_323_045_678).unwrap());
    let ring = KeyRing::generate(&SeededEntropy::new(1)).unwrap();
    let entropy = Arc::new(SeededEntropy::new(2));
    let store = open_sqlite(&folder.path().join("jeton.db"), SqliteOptions::default()).await.unwrap();
    let (key, user) = ("demo".parse().unwrap(), "1".parse().unwrap());
    Service::initialise(&*store, &ring, &clock, &*entropy, &key, user).await.unwrap().unwrap();
    let service = Service::open(store, &ring, Arc::new(clock), entropy).await.unwrap();
    let setup = Setup::new("http://jeton.test".parse().unwrap());
    (Site::among(service, setup.clone(), TABLE, &[TABLE]), setup, folder)
}

async fn read(answer: Response) -> (u16, String) {
    let (head, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), String::from_utf8(body.to_vec()).unwrap())
}

async fn get(site: &mut Site, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    read(site.call(request).await.unwrap_or_else(|never| match never {})).await
}

#[tokio::test]
async fn it_is_served_and_what_is_outside_is_not() {
    let (mut site, setup, _folder) = site().await;
    assert_eq!(get(&mut site, "/echo/word").await, (200, "word".to_owned()));
    let (status, body) = get(&mut site, "/echo").await;
    assert_eq!((status, body.contains("nothing is served at this path")), (404, true), "{body}");
    assert_eq!(get(&mut site, "/healthz").await.0, 404, "no surface of this listener");

    let counts = setup.observer.requests.all();
    let counts: Vec<_> = counts.iter().map(|route| (route.name, route.latency.read().count)).collect();
    assert_eq!(counts, [("/echo", 1), ("/echo/{word}", 1), ("other", 1)]);
}

#[tokio::test]
async fn what_is_not_served_is_refused_in_its_shape_and_has_its_places() {
    let (site, ..) = site().await;
    let refused = async |path, why| read(site.refusal(path, why)).await;
    let text = "no echo: the service is unavailable: try again";
    assert_eq!(refused("/echo/x", Unserved::NoRoom).await, (503, text.to_owned()));
    let (status, body) = refused("/echo", Unserved::Head(HeadError::TooLarge)).await;
    assert_eq!((status, body.as_str()), (431, "no echo: the head of the request is too large"));
    let (status, body) = refused("/echoes", Unserved::NoRoom).await;
    assert_eq!((status, body.starts_with('{')), (503, true), "{body}");

    let mut headers = HeaderMap::new();
    let claim = |path: &str, headers: &HeaderMap| site.claim(&path.parse().unwrap(), headers);
    assert_eq!(claim("/echo/x", &headers), Claim::Common);
    headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer x"));
    assert_eq!((claim("/echo/x", &headers), claim("/x", &headers)), (Claim::Credentials, Claim::Common));
}

#[tokio::test]
async fn it_answers_before_the_http_library_sees_a_request() {
    let (site, setup, _folder) = site().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(serve(listener, site, ServerLimits::default(), std::future::pending()));
    let mut connection = TcpStream::connect(address).await.unwrap();
    for (word, end, expected) in [
        ("quick", "content-length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nwarning: quick\r\n"),
        ("later", "content-length: 0\r\n\r\n", "HTTP/1.1 202 Accepted\r\nwarning: later\r\n"),
        ("slow", "slow", "HTTP/1.1 200 OK\r\ncontent-type: text/plain"),
    ] {
        let request = format!("GET /echo/{word} HTTP/1.1\r\nHost: test\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(end.as_bytes()) {
            answer.push(connection.read_u8().await.unwrap());
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(expected), "{answer}");
    }
    served.abort();
    assert_eq!(setup.observer.requests.all()[1].latency.read().count, 3);
}

#[test]
fn fuzzers_find_its_parsers() {
    let [(name, parse)] = TABLE.surfaces[0].parsers else { panic!("one parser") };
    assert_eq!(*name, "echo");
    parse(b"x");
    assert!(std::panic::catch_unwind(|| parse(b"")).is_err(), "it fails where something does not hold");
}
