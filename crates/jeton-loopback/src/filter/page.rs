//! `limit`, `skip` and `offset`: which of the rows are returned.

use super::error::FilterError;
use crate::profile::Profile;
use crate::value::Value;

/// Which of the sorted rows are returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Page {
    /// How many rows are skipped at the start.
    pub skip: u64,
    /// At most this many rows are returned; `None`: all.
    pub limit: Option<u64>,
}

impl Page {
    /// Parses `limit`, and `skip` or else `offset`, of a filter. Falsy values count as absent.
    ///
    /// # Errors
    ///
    /// [`FilterError::Limit`], [`FilterError::Skip`].
    pub(super) fn parse(filter: &Value, profile: &Profile) -> Result<Self, FilterError> {
        let given = |name| filter.member(name).filter(|value| value.is_truthy());
        let (limit, skip) = (given("limit"), given("skip").or_else(|| given("offset")));
        // A bad limit is reported before a bad skip.
        let most = match limit {
            None => skip.map(|_| profile.implied_limit),
            Some(limit) => {
                let most = integer(limit).filter(|most| *most > 0);
                Some(most.ok_or_else(|| FilterError::Limit(limit.clone()))?)
            }
        };
        let skip = match skip {
            None => 0,
            Some(skip) => integer(skip).ok_or_else(|| FilterError::Skip(skip.clone()))?,
        };
        Ok(Page { skip, limit: most })
    }

    /// The rows of the page.
    pub fn cut<T>(&self, rows: Vec<T>) -> Vec<T> {
        let size = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        rows.into_iter().skip(size(self.skip)).take(self.limit.map_or(usize::MAX, size)).collect()
    }
}

/// `Number(value)` if it is a non-negative integer. Values beyond 2^64 become 2^64 - 1: there are never as
/// many rows.
fn integer(value: &Value) -> Option<u64> {
    let number = value.to_number();
    (number >= 0.0 && number.ceil() == number).then_some(number as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(members: &[(&str, Value)]) -> Result<(u64, Option<u64>), String> {
        let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
        let page = Page::parse(&Value::Object(members), &Profile::V2).map_err(|error| error.to_string())?;
        Ok((page.skip, page.limit))
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn what_is_read() {
        use Value::{Bool, List, Null, Number};
        assert_eq!(page(&[]), Ok((0, None)));
        for limit in [Number(0.0), Null, text("")] {
            assert_eq!(page(&[("limit", limit)]), Ok((0, None)));
        }
        for limit in [Number(2.0), text("2"), List(vec![Number(2.0)])] {
            assert_eq!(page(&[("limit", limit)]), Ok((0, Some(2))));
        }
        assert_eq!(page(&[("limit", Bool(true))]), Ok((0, Some(1))));
        assert_eq!(page(&[("limit", Number(1e300))]), Ok((0, Some(u64::MAX))));
        assert_eq!(page(&[("skip", Number(2.0))]), Ok((2, Some(100))));
        assert_eq!(page(&[("skip", text("0"))]), Ok((0, Some(100))));
        assert_eq!(page(&[("skip", Number(0.0))]), Ok((0, None)));
        assert_eq!(page(&[("offset", Number(2.0)), ("limit", Number(3.0))]), Ok((2, Some(3))));
        assert_eq!(page(&[("skip", Number(1.0)), ("offset", Number(3.0))]), Ok((1, Some(100))));
    }

    #[test]
    fn what_is_refused() {
        for (limit, shown) in [
            (Value::Number(-1.0), "-1"),
            (Value::Number(1.5), "1.5"),
            (text("abc"), "\"abc\""),
            (text("0"), "\"0\""),
        ] {
            let expected = format!("The limit parameter {shown} is not valid");
            assert_eq!(page(&[("limit", limit), ("skip", text("x"))]), Err(expected));
        }
        for (skip, shown) in [(Value::Number(-1.0), "-1"), (text("abc"), "\"abc\"")] {
            let expected = format!("The offset/skip parameter {shown} is not valid");
            assert_eq!(page(&[("skip", skip.clone())]), Err(expected.clone()));
            assert_eq!(page(&[("offset", skip)]), Err(expected));
        }
    }

    #[test]
    fn pages_are_cut() {
        let cut = |skip, limit| Page { skip, limit }.cut(vec![1, 2, 3]);
        assert_eq!(cut(0, None), [1, 2, 3]);
        assert_eq!(cut(1, Some(1)), [2]);
        assert_eq!(cut(u64::MAX, Some(u64::MAX)), [0; 0]);
    }
}
