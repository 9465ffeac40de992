//! Heads that are read without the HTTP library present the same token to it.

use crate::transport::credentials::{Presented, bearer_or_header};

pub(super) fn head(input: &[u8]) {
    crate::server::fuzz::head(input, |plain, headers| {
        assert_eq!(show(&bearer_or_header(plain)), show(&bearer_or_header(headers)));
    });
}

fn show(presented: &Presented) -> Option<&str> {
    match presented {
        Presented::Nothing => Some(""),
        Presented::Several => None,
        Presented::Token(secret) => Some(secret.expose()),
    }
}
