//! The clock of the database server.
//!
//! This is the one statement of the store that asks for the time, and a test finds any other. How far the clocks of servers are apart can be
//! found out in no other way; nobody's rights, and nothing that is stored, are decided by it.

use crate::error::StoreError;
use crate::session::Session;
use jeton_core::Timestamp;

const TIME: &str = "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS bigint)";

/// The time of the database server when it runs this.
pub(crate) async fn time(session: &mut impl Session) -> Result<Timestamp, StoreError> {
    let millis = session.number(TIME.to_owned()).await?;
    Timestamp::from_millis(millis).ok_or_else(|| StoreError::unavailable("its clock is out of range"))
}
