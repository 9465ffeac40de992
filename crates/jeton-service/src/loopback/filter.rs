//! Reading what clients ask of rows.

use crate::apps::OpenApp;
use crate::work::{Slice, Stop, Work};
use crate::{Error, Service};
use jeton_loopback::{Filter, FilterError, Profile, Value};

/// A filter, or a part of one, that is read: its patterns are compiled.
struct Reading<T> {
    value: Value,
    profile: &'static Profile,
    parse: fn(&Value, &Profile) -> Result<T, FilterError>,
    read: Option<Result<T, FilterError>>,
}

impl<T: Send + 'static> Work for Reading<T> {
    fn advance(&mut self, slice: &mut Slice<'_>) -> Result<bool, Stop> {
        if !slice.takes(Filter::parse_units(&self.value)) {
            return Ok(false);
        }
        self.read = Some((self.parse)(&self.value, self.profile));
        Ok(true)
    }
}

impl Service {
    /// Reads a filter of an app's client, or a part of one: one of the functions that parse them. Where that takes long, it
    /// is done beside the runtime, in the app's turn.
    ///
    /// # Errors
    /// It could not be done now.
    pub async fn read_filter<T: Send + 'static>(
        &self,
        app: &OpenApp,
        value: Value,
        parse: fn(&Value, &Profile) -> Result<T, FilterError>,
    ) -> Result<Result<T, FilterError>, Error> {
        let reading = Reading { value, profile: app.loopback_profile(), parse, read: None };
        let reading = self.work(Some(app.id), reading).await?;
        reading.read.ok_or(Error::Failed)
    }
}
