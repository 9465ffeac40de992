//! The frames that a client sends over HTTP/2, as they pass: how many, and whether a head has remained
//! incomplete.
//!
//! The HTTP library parses frames. It bounds what they make it keep, but answers `PING` and `SETTINGS`,
//! refuses streams and forgets cancelled ones as often as a client likes. So every frame that asks for work
//! costs something here (RFC 9113 section 10.5), and a client that asks for much and is served little runs
//! out of it.

use std::time::Duration;
use tokio::time::Instant;

/// What precedes the first frame of a client (RFC 9113 section 3.4).
const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;

// Kinds of frames, and a flag (RFC 9113 section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// What a client can spend at once: on 200 requests that it cancels, or 2,000 other frames.
const MOST: u64 = 2_000;
/// What it gets in a second.
const IN_A_SECOND: u64 = 100;
/// What a frame costs that makes work: one that begins or cancels a request, or changes settings.
const DEAR: u64 = 10;

/// What is known of the frames of one client.
#[derive(Debug)]
pub(super) struct Frames {
    /// Bytes to the next head of a frame.
    skip: usize,
    head: [u8; HEAD_BYTES],
    filled: usize,
    /// Whether the head of a request has begun, and not ended with its last frame so far.
    is_in_block: bool,
    /// When bytes last ended within such a head, if they always have since.
    open_since: Option<Instant>,
    allowance: u64,
    /// Until when the allowance includes what the client gets with time.
    filled_at: Instant,
}

impl Frames {
    pub(super) fn new(now: Instant) -> Self {
        Frames {
            skip: PREFACE_BYTES,
            head: [0; HEAD_BYTES],
            filled: 0,
            is_in_block: false,
            open_since: None,
            allowance: MOST,
            filled_at: now,
        }
    }

    /// Notes bytes that came. False: the client has asked for too much, and must not be read any more.
    pub(super) fn pass(&mut self, mut bytes: &[u8], now: Instant) -> bool {
        self.refill(now);
        let mut has_enough = true;
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let taken = (HEAD_BYTES - self.filled).min(bytes.len());
            self.head[self.filled..self.filled + taken].copy_from_slice(&bytes[..taken]);
            self.filled += taken;
            bytes = &bytes[taken..];
            if self.filled == HEAD_BYTES {
                has_enough &= self.begin_frame();
            }
        }
        // A head is complete when all of its last frame has come.
        self.open_since = self.is_incomplete().then(|| self.open_since.unwrap_or(now));
        has_enough
    }

    /// A head of a frame is complete. False: it costs more than there is.
    fn begin_frame(&mut self) -> bool {
        self.filled = 0;
        let [a, b, c, kind, flags, ..] = self.head;
        self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        if matches!(kind, HEADERS | CONTINUATION) {
            self.is_in_block = flags & END_HEADERS == 0;
        }
        let cost = match kind {
            // These are limited by the windows that the client gets.
            DATA => 0,
            HEADERS | RST_STREAM | SETTINGS => DEAR,
            _ => 1,
        };
        let left = self.allowance.checked_sub(cost);
        self.allowance = left.unwrap_or(0);
        left.is_some()
    }

    /// Whether the head of a request has begun and is not there as a whole.
    fn is_incomplete(&self) -> bool {
        let is_last_coming = matches!(self.head[3], HEADERS | CONTINUATION) && self.skip > 0;
        self.is_in_block || is_last_coming
    }

    /// Since when a head has been incomplete.
    pub(super) fn open_since(&self) -> Option<Instant> {
        self.open_since
    }

    /// A request was accepted or answered: the client may have as many more.
    pub(super) fn earn_request(&mut self) {
        self.earn(DEAR);
    }

    /// A part of an answer was sent, which the client may acknowledge, for its stream and its connection, as
    /// often as in every KiB.
    pub(super) fn earn_part(&mut self, bytes: usize) {
        self.earn(2 + bytes as u64 / 1_024);
    }

    fn earn(&mut self, amount: u64) {
        self.allowance = self.allowance.saturating_add(amount).min(MOST);
    }

    fn refill(&mut self, now: Instant) {
        let millis = now.duration_since(self.filled_at).as_millis();
        let earned = u64::try_from(millis).unwrap_or(u64::MAX).saturating_mul(IN_A_SECOND) / 1_000;
        if earned > 0 {
            // To what it is worth, so that no fraction is lost, however often this is called.
            self.filled_at += Duration::from_millis(earned * 1_000 / IN_A_SECOND);
            self.earn(earned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, bytes: usize) -> Vec<u8> {
        let length = u32::try_from(bytes).unwrap().to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags, 0, 0, 0, 1];
        frame.resize(HEAD_BYTES + bytes, 0xff);
        frame
    }

    fn begun(now: Instant) -> Frames {
        let mut frames = Frames::new(now);
        assert!(frames.pass(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", now));
        frames
    }

    #[test]
    fn frames_are_found_however_they_are_cut() {
        let now = Instant::now();
        let sent = [frame(SETTINGS, 0, 12), frame(HEADERS, END_HEADERS, 70_000), frame(6, 0, 8)].concat();
        for step in [1, 2, 8, 9, 10, 4_000, sent.len()] {
            let mut frames = begun(now);
            assert!(sent.chunks(step).all(|part| frames.pass(part, now)));
            assert_eq!((frames.allowance, frames.open_since()), (MOST - 2 * DEAR - 1, None), "{step}");
        }
    }

    #[test]
    fn a_head_is_open_until_its_last_byte() {
        let begin = Instant::now();
        let at = |second| begin + Duration::from_secs(second);
        let mut frames = begun(begin);
        let head = frame(HEADERS, 0, 100);
        frames.pass(&head[..50], at(1));
        assert_eq!(frames.open_since(), Some(at(1)));
        frames.pass(&head[50..], at(2));
        frames.pass(&frame(CONTINUATION, 0, 10), at(3));
        assert_eq!(frames.open_since(), Some(at(1)));
        let last = frame(CONTINUATION, END_HEADERS, 10);
        frames.pass(&last[..18], at(4));
        assert_eq!(frames.open_since(), Some(at(1)));
        frames.pass(&last[18..], at(5));
        assert_eq!(frames.open_since(), None);
        frames.pass(&frame(DATA, 0, 10)[..12], at(6));
        assert_eq!(frames.open_since(), None, "bodies have their own times");
        frames.pass(&[0; 7], at(7));
        frames.pass(&head, at(8));
        frames.pass(&frame(CONTINUATION, END_HEADERS, 0), at(9));
        assert_eq!(frames.open_since(), None);
    }

    #[test]
    fn who_asks_for_much_and_is_served_little_runs_out() {
        let begin = Instant::now();
        let counts = |kind, earned: u64, seconds: u64| {
            let mut frames = begun(begin);
            let now = begin + Duration::from_secs(seconds);
            let mut count = 0;
            while count < 10_000 && frames.pass(&frame(kind, END_HEADERS, 4), now) {
                frames.earn(earned);
                count += 1;
            }
            count
        };
        assert_eq!((counts(6, 0, 0), counts(SETTINGS, 0, 0), counts(RST_STREAM, 0, 0)), (2_000, 200, 200));
        assert_eq!(counts(6, 0, 60), 2_000, "no more is kept");
        assert_eq!(counts(HEADERS, DEAR, 0), 10_000, "accepted requests");
        assert_eq!(counts(DATA, 0, 0), 10_000);
    }

    #[test]
    fn no_fraction_of_what_time_brings_is_lost() {
        let begin = Instant::now();
        let mut frames = begun(begin);
        frames.allowance = 0;
        for millis in (0..=2_000).step_by(7) {
            frames.pass(&[], begin + Duration::from_millis(millis));
        }
        assert_eq!(frames.allowance, 199);
    }
}
