//! Tokens as LoopBack's AccessToken model: rows with an id that is the secret, a ttl, a creation date, a
//! user, and any other properties that a client stored.
//!
//! LoopBack sees every token of the app except service credentials, disabled tokens, and those that were
//! presented there after they had expired.

mod caller;
mod create;
mod document;
mod expiry;
mod filter;
mod input;
mod matching;
mod merge;
mod pages;
mod read;
mod row;
mod search;
mod stream;
mod write;

pub use caller::{LoopBackCaller, Presentation, Writer};
pub use document::value_of_json;
pub use row::LoopBackRow;
pub use search::{Found, ReadRefusal};
pub use stream::{
    MAX_STREAM_PATTERN_BYTES, RowChange, RowEvent, RowStream, StreamEnd, StreamItem, StreamMeasures,
};
pub use write::{BulkRefusal, WriteRefusal};

pub(crate) use search::Searches;
pub(crate) use stream::Streams;
