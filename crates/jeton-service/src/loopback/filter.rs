//! Parsing the filters of requests.

use crate::apps::OpenApp;
use crate::work::{Slice, Stop, Work};
use crate::{Error, Service};
use jeton_loopback::{Filter, FilterError, Profile, Value};

/// The work of parsing a filter, or a part of one: its patterns are compiled.
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
    /// Parses a filter, or a part of one, with a function of [`Filter`] or its parts. If that takes long, it
    /// runs on the work pool, in the app's turn.
    ///
    /// # Errors
    ///
    /// The service is too busy.
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
