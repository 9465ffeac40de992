//! Clients that send frames of HTTP/2 as none does that means well.

use super::session::settle;
use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

// Kinds of frames (RFC 9113 section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// `ENHANCE_YOUR_CALM` (RFC 9113 section 7).
const CALM: u32 = 11;

const ROOMY: ServerLimits = ServerLimits { connections: 64, requests: 64, ..LIMITS };

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = vec![length[1], length[2], length[3], kind, flags];
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A head in HPACK, without an index of its own: `GET`, `https`, `test`, and this path.
fn block(path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x01, 4];
    block.extend(b"test");
    block.extend([0x04, u8::try_from(path.len()).unwrap()]);
    block.extend(path.as_bytes());
    block
}

fn headers(stream: u32, path: &str) -> Vec<u8> {
    frame(HEADERS, END_HEADERS | END_STREAM, stream, &block(path))
}

/// The streams that a client begins.
fn ids() -> impl Iterator<Item = u32> {
    (1..).step_by(2)
}

/// A client that sends what it wants.
struct Raw {
    pipe: DuplexStream,
    served: JoinHandle<Result<(), Ended>>,
    connection: Arc<Connection>,
}

/// How a flood ended.
#[derive(Debug, PartialEq, Eq)]
struct End {
    /// The reason in the last `GOAWAY`.
    goaway: Option<u32>,
    /// The frames that came, by kind, of those that answer a flood.
    answers: usize,
}

impl Raw {
    async fn join(server: &Server) -> Self {
        let (mut pipe, connection, served) = server.pipe(64 * 1024);
        pipe.write_all(PREFACE).await.unwrap();
        pipe.write_all(&frame(SETTINGS, 0, 0, &[])).await.unwrap();
        Raw { pipe, served, connection }
    }

    /// Sends all of this, or as much as the server reads, while it reads what comes back, to the end.
    async fn flood(self, frames: impl Iterator<Item = Vec<u8>>) -> End {
        let Raw { pipe, served, .. } = self;
        let (mut from, mut to) = tokio::io::split(pipe);
        let mut came = Vec::new();
        let sending = async {
            for frame in frames {
                if to.write_all(&frame).await.is_err() {
                    break;
                }
            }
            // It goes on to say nothing.
            std::future::pending::<()>().await;
        };
        tokio::select! {
            read = from.read_to_end(&mut came) => drop(read),
            () = sending => {}
        }
        drop((from, to));
        // It ends by the flood, or since nothing more comes.
        drop(served.await.unwrap());
        End::of(&came)
    }
}

impl End {
    fn of(mut came: &[u8]) -> Self {
        let mut end = End { goaway: None, answers: 0 };
        while let Some((head, rest)) = came.split_at_checked(9) {
            let length = usize::from(head[1]) << 8 | usize::from(head[2]);
            let Some((payload, rest)) = rest.split_at_checked(length) else { break };
            match head[3] {
                GOAWAY => end.goaway = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap())),
                _ => end.answers += 1,
            }
            came = rest;
        }
        end
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_cancelled_at_once_are_not_served_for_long() {
    let server = Server::within(ROOMY);
    let raw = Raw::join(&server).await;
    let pairs = ids().take(20_000).map(|id| {
        let cancel = frame(RST_STREAM, 0, id, &8_u32.to_be_bytes());
        [headers(id, "/held"), cancel].concat()
    });
    let end = raw.flood(pairs).await;
    assert_eq!(end.goaway, Some(CALM), "{end:?}");
    settle().await;
    assert_eq!((server.counts(), server.load.further_streams()), ((0, 0), 0));
}

/// Cancelled one by one, each after it was taken up: the library counts no such.
#[tokio::test(start_paused = true)]
async fn requests_that_are_cancelled_once_begun_are_counted() {
    let server = Server::within(ROOMY);
    let mut raw = Raw::join(&server).await;
    let mut count = 0;
    for id in ids().take(2_000) {
        let cancel = frame(RST_STREAM, 0, id, &8_u32.to_be_bytes());
        if raw.pipe.write_all(&headers(id, "/held")).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
        if raw.pipe.write_all(&cancel).await.is_err() {
            break;
        }
        tokio::task::yield_now().await;
        count += 1;
        if server.load.measures().flooded.get() > 0 {
            break;
        }
    }
    assert!((190..=300).contains(&count), "{count}");
    settle().await;
    assert_eq!(server.counts(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn floods_of_frames_end_their_connection() {
    for (name, kind, payload) in [
        ("pings", PING, &[7; 8][..]),
        ("settings", SETTINGS, &[0, 4, 0, 0, 0xff, 0xff]),
        ("empty settings", SETTINGS, &[]),
        ("window updates", WINDOW_UPDATE, &[0, 0, 0, 1]),
        ("something unknown", 0x77, &[1, 2, 3]),
    ] {
        let server = Server::within(ROOMY);
        let end = Raw::join(&server).await.flood((0..50_000).map(|_| frame(kind, 0, 0, payload))).await;
        assert_eq!(end.goaway, Some(CALM), "{name}: {end:?}");
        assert!(end.answers < 2_200, "{name}: {end:?}");
        assert_eq!(server.load.measures().flooded.get(), 1, "{name}");
    }
}

/// It makes room for anything, and its system for nothing.
#[tokio::test(start_paused = true)]
async fn who_reads_nothing_at_all_is_cut() {
    let server = Server::within(ROOMY);
    let mut raw = Raw::join(&server).await;
    let begun = Instant::now();
    let room = [0, 4, 0x7f, 0xff, 0xff, 0xff];
    raw.pipe.write_all(&frame(SETTINGS, 0, 0, &room)).await.unwrap();
    raw.pipe.write_all(&frame(WINDOW_UPDATE, 0, 0, &0x7fff_0000_u32.to_be_bytes())).await.unwrap();
    for id in ids().take(10) {
        raw.pipe.write_all(&headers(id, "/stream")).await.unwrap();
    }
    settle().await;
    assert_eq!(server.counts(), (10, 0));
    let ended = raw.served.await.unwrap().unwrap_err();
    assert!(matches!(ended, Ended::Overdue(Overdue::Write)), "{ended}");
    assert_eq!((begun.elapsed().as_secs(), server.counts()), (20, (0, 0)));
}

/// What is not a flood: a client that asks each second whether the server is there.
#[tokio::test(start_paused = true)]
async fn pings_do_not_keep_an_idle_connection_open() {
    let server = Server::within(ROOMY);
    let Raw { mut pipe, served, .. } = Raw::join(&server).await;
    let begun = Instant::now();
    while pipe.write_all(&frame(PING, 0, 0, &[7; 8])).await.is_ok() {
        sleep(Duration::from_secs(1)).await;
    }
    drop(served.await.unwrap());
    assert!((60..=63).contains(&begun.elapsed().as_secs()), "{:?}", begun.elapsed());
    assert_eq!(server.load.measures().flooded.get(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_head_without_an_end_is_cut_whatever_else_goes_on() {
    let server = Server::within(ROOMY);
    let mut raw = Raw::join(&server).await;
    raw.pipe.write_all(&headers(1, "/held")).await.unwrap();
    settle().await;
    assert_eq!(server.counts(), (1, 0));
    let begun = Instant::now();
    raw.pipe.write_all(&frame(HEADERS, 0, 3, &block("/healthz"))).await.unwrap();
    sleep(Duration::from_secs(9)).await;
    raw.pipe.write_all(&frame(CONTINUATION, 0, 3, b"")).await.unwrap();
    assert_eq!(raw.connection.stage(), Stage::Busy);
    let ended = raw.served.await.unwrap().unwrap_err();
    assert!(matches!(ended, Ended::Overdue(Overdue::Head)), "{ended}");
    assert_eq!((begun.elapsed().as_secs(), server.counts()), (10, (0, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_head_that_is_continued_without_end_is_cut() {
    let server = Server::within(ROOMY);
    for payload in [Vec::new(), vec![0; 16 * 1024]] {
        let raw = Raw::join(&server).await;
        let begin = frame(HEADERS, 0, 1, &block("/healthz"));
        let rest = std::iter::repeat_with(|| frame(CONTINUATION, 0, 1, &payload));
        let end = raw.flood(std::iter::once(begin).chain(rest.take(10_000))).await;
        assert!(end.goaway.is_some_and(|reason| reason != 0), "{end:?}");
    }
}

/// A header of 4,000 bytes in the table, and then one byte for each time that it is there.
#[tokio::test(start_paused = true)]
async fn a_head_that_unpacks_to_much_is_refused() {
    let server = Server::within(ROOMY);
    let raw = Raw::join(&server).await;
    let mut first = block("/healthz");
    // With an index: a literal name and value, both of the length that follows.
    first.extend([0x40, 1, b'x', 0x7f, 0xa1, 0x1e]);
    first.extend([b'y'; 4_000]);
    let bomb = |id| {
        let mut block = block("/healthz");
        block.extend([0x80 | 62; 10_000]);
        frame(HEADERS, END_HEADERS | END_STREAM, id, &block)
    };
    let first = frame(HEADERS, END_HEADERS | END_STREAM, 1, &first);
    let end = raw.flood(std::iter::once(first).chain(ids().skip(1).take(100).map(bomb))).await;
    assert!(end.goaway.is_some_and(|reason| reason != 0), "{end:?}");
    assert!(end.answers < 20, "{end:?}");
}

/// Streams that the server has to reset for errors of the client (CVE-2025-8671).
#[tokio::test(start_paused = true)]
async fn a_client_that_provokes_resets_is_not_served_for_long() {
    let server = Server::within(ROOMY);
    let raw = Raw::join(&server).await;
    let pairs = ids().take(5_000).map(|id| {
        // An increment of nothing is an error of the stream.
        [headers(id, "/held"), frame(WINDOW_UPDATE, 0, id, &0x7fff_ffff_u32.to_be_bytes())].concat()
    });
    let end = raw.flood(pairs).await;
    assert_eq!(end.goaway, Some(CALM), "{end:?}");
    settle().await;
    assert_eq!((server.counts(), server.load.further_streams()), ((0, 0), 0));
}

/// More streams than allowed, however often they are refused.
#[tokio::test(start_paused = true)]
async fn streams_beyond_the_limit_are_refused_and_then_no_more() {
    let server = Server::within(ROOMY);
    let raw = Raw::join(&server).await;
    let end = raw.flood(ids().take(5_000).map(|id| headers(id, "/held"))).await;
    assert_eq!(end.goaway, Some(CALM), "{end:?}");
    assert!(end.answers < 300, "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn bodies_in_crumbs_are_not_read_for_long() {
    let server = Server::within(ROOMY);
    let raw = Raw::join(&server).await;
    let mut post = block("/held");
    post[0] = 0x83;
    let begin = frame(HEADERS, END_HEADERS, 1, &post);
    let crumbs = std::iter::repeat_with(|| frame(DATA, 0, 1, b""));
    let end = raw.flood(std::iter::once(begin).chain(crumbs.take(10_000))).await;
    assert_eq!(end.goaway, Some(CALM), "{end:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_2_is_cut() {
    let server = Server::within(ROOMY);
    let (mut pipe, _, served) = server.pipe(64 * 1024);
    pipe.write_all(b"GET /healthz HTTP/1.1\r\nHost: test\r\n\r\n").await.unwrap();
    served.await.unwrap().unwrap_err();
    let (_pipe, _, served) = server.pipe(64 * 1024);
    let ended = served.await.unwrap().unwrap_err();
    assert!(matches!(ended, Ended::Overdue(Overdue::New)), "{ended}");
}
