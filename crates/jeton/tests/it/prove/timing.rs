//! A caller without credentials learns nothing from timing: a missing app, a wrong client and a wrong secret
//! take the same time.

use crate::support::{Installation, Server};
use base64::Engine;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tokio::time::Instant;

/// Times that are measured together, alternately, and of which the median counts.
const BLOCK: usize = 501;
/// What two medians may differ by on one machine. A network adds some 100 us to each by chance, so that an
/// attacker that wants to tell 5 us from nothing needs 2 * (100 / 5)^2 * 3^2 = 7,200 answers, and
/// `limits.failures_per_minute` lets an address have 60 a minute that were looked up: two hours for the name
/// of one app.
const NOTHING: f64 = 5.0;

/// What is asked: the app, the client id and the secret.
struct Question {
    what: &'static str,
    request: String,
}

fn question(what: &'static str, app: &str, id: &str, secret: &str) -> Question {
    let pair = base64::prelude::BASE64_STANDARD.encode(format!("{id}:{secret}"));
    let path = format!("/v1/{app}/access_tokens");
    Question {
        what,
        request: format!("GET {path} HTTP/1.1\r\nHost: test\r\nAuthorization: Basic {pair}\r\n\r\n"),
    }
}

/// In microseconds.
fn ask(stream: &mut BufReader<TcpStream>, question: &Question) -> f64 {
    let begun = Instant::now();
    stream.get_mut().write_all(question.request.as_bytes()).unwrap();
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).unwrap();
    let took = begun.elapsed();
    assert!(line.starts_with("HTTP/1.1 404 "), "{}: {line}", question.what);
    while line != "\r\n" {
        line.clear();
        stream.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    stream.read_exact(&mut vec![0; length]).unwrap();
    took.as_secs_f64() * 1e6
}

/// The difference of the medians of a question and of the first one, and its standard error, in microseconds.
fn differences(address: SocketAddr, questions: &[Question], blocks: usize) -> Vec<(f64, f64)> {
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    stream.get_ref().set_nodelay(true).unwrap();
    stream.get_ref().set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let mut medians = vec![Vec::new(); questions.len()];
    for _ in 0..blocks {
        let mut times = vec![Vec::with_capacity(BLOCK); questions.len()];
        for number in 0..BLOCK {
            // Forwards and backwards: none of them always comes after the same other.
            for place in 0..questions.len() {
                let place = if number % 2 == 0 { place } else { questions.len() - 1 - place };
                times[place].push(ask(&mut stream, &questions[place]));
            }
        }
        for (times, medians) in times.iter_mut().zip(&mut medians) {
            times.sort_by(f64::total_cmp);
            medians.push(times[BLOCK / 2]);
        }
    }
    let against = |medians: &Vec<f64>, first: &Vec<f64>| {
        let differences: Vec<f64> = medians.iter().zip(first).map(|(one, two)| one - two).collect();
        let count = differences.len() as f64;
        let mean = differences.iter().sum::<f64>() / count;
        let variance = differences.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, (variance / count).sqrt())
    };
    medians[1..].iter().map(|other| against(other, &medians[0])).collect()
}

#[test]
#[ignore = "a proof: cargo xtask prove timing"]
#[expect(clippy::print_stdout, reason = "a proof prints its figure")]
fn nothing_is_told_by_the_clock() {
    let installation = Installation::sqlite();
    installation.sandbox.json(&["app", "create", "hidden"]);
    let mut serve = installation.sandbox.command(&["serve"]);
    let server = Server::launched(serve.env("JETON_LIMITS_FAILURES_PER_MINUTE", "1000000"));
    let id = installation.credential("client_id");
    let questions = [
        question("a missing app", "nowhere", "nobody", "wrong"),
        question("an app that is there", "hidden", "nobody", "wrong"),
        question("an app that is there and remembered", "demo", "nobody", "wrong"),
        question("a wrong secret", "demo", id, "wrong"),
    ];
    let blocks = 100;
    differences(server.address, &questions, 1);
    let found = differences(server.address, &questions, blocks);
    for (question, (mean, error)) in questions[1..].iter().zip(&found) {
        println!(
            "timing: {} less a missing app: {mean:.2} us, standard error {error:.2}, medians of {BLOCK} in {blocks} blocks",
            question.what
        );
    }
    assert!(found.iter().all(|(mean, _)| mean.abs() < NOTHING), "{found:?}");
}
