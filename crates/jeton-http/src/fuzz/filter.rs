//! LoopBack's filter: it passes some of the rows, within its limits, and what it implies holds for them.

use jeton_core::{Halt, Meter};
use jeton_loopback::{Condition, Filter, Profile, Row, Value};
use jeton_service::value_of_json;

pub(super) fn filter(input: &[u8]) {
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(input) else { return };
    let value = value_of_json(&json);
    let rows = rows();
    for parsed in
        [Filter::parse, Filter::parse_one, Filter::parse_selection].map(|parse| parse(&value, &Profile::V2))
    {
        match parsed {
            Err(error) => assert!(!error.to_string().is_empty()),
            Ok(filter) => answers(&filter, &rows),
        }
    }
    if let Ok(condition) = Condition::parse(&value, &Profile::V2) {
        judges(&condition, &rows);
    }
}

fn answers(filter: &Filter, rows: &[Value]) {
    let found = filter.apply(rows.to_vec(), &mut free()).unwrap_or_default();
    let mut ids: Vec<String> = found.iter().map(id).collect();
    assert!(ids.iter().all(|id| rows.iter().any(|row| row.has_id(id))));
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), found.len(), "a row stands twice");
    let matching = rows.iter().filter(|row| means(&filter.condition, row)).count() as u64;
    let left = matching.saturating_sub(filter.page.skip);
    assert_eq!(found.len() as u64, filter.page.limit.map_or(left, |limit| left.min(limit)));
    // Sorting by their keys alone gives the same order.
    let placed = rows.iter().filter_map(|row| Some((filter.order.place(row, &mut free()).ok()?, id(row))));
    let mut sorting = filter.order.sorting(placed.collect());
    while sorting.advance(&mut free()) == Ok(false) {}
    let by_place: Vec<String> = sorting.into_sorted().into_iter().map(|(_, id)| id).collect();
    let by_row: Vec<String> =
        filter.order.sort(rows.to_vec(), &mut free()).unwrap_or_default().iter().map(id).collect();
    assert_eq!(by_place, by_row);
    for row in found {
        let Value::Object(members) = row else { unreachable!("rows are objects") };
        let count = members.len();
        let kept = filter.fields.select(members, &Profile::V2);
        assert!(kept.len() <= count && kept.iter().all(|(name, _)| filter.fields.keeps(name)));
    }
    judges(&filter.condition, rows);
}

fn judges(condition: &Condition, rows: &[Value]) {
    let (implied, broad) = (condition.implied(), condition.without_id());
    assert!(!broad.needs_id());
    for row in rows.iter().filter(|row| means(condition, row)) {
        assert!(means(&broad, row), "without the id a row was lost");
        assert!(implied.ids.as_ref().is_none_or(|ids| ids.contains(&id(row))));
        let user = row.member("userId").filter(|user| **user != Value::Null).map(Value::to_text);
        assert!(implied.users.as_ref().is_none_or(|users| users.contains(&user)));
    }
}

/// Whether a row matches. Whatever a meter allows, it halts only with an error.
fn means(condition: &Condition, row: &Value) -> bool {
    let means = condition.matches(row, &mut free());
    for units in [0, 10, 100] {
        let within = condition.matches(row, &mut Meter::new(units));
        assert!(within == means || within == Err(Halt::Exhausted));
    }
    means == Ok(true)
}

fn free() -> Meter<'static> {
    Meter::unlimited()
}

fn id(row: &Value) -> String {
    row.member("id").map(Value::to_text).unwrap_or_default()
}

/// Rows of many kinds, in the order of creation.
fn rows() -> Vec<Value> {
    let text = |text: &str| Value::Text(text.to_owned());
    let object = |members: &[(&str, Value)]| {
        Value::Object(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
    };
    let note =
        object(&[("deep", Value::List(vec![Value::Number(1.0), text("x")])), ("flag", Value::Bool(true))]);
    let date = Value::Date(1_767_323_045_678);
    vec![
        object(&[
            ("id", text("tok-2")),
            ("ttl", Value::Number(200.0)),
            ("created", date.clone()),
            ("note", note),
        ]),
        object(&[
            ("id", text("Tok-3")),
            ("ttl", Value::Null),
            ("created", Value::Null),
            ("userId", Value::Number(7.0)),
        ]),
        object(&[
            ("id", text("tok-1")),
            ("ttl", Value::Number(-1.0)),
            ("created", date),
            ("userId", text("bob")),
        ]),
        object(&[("id", text("\u{1d11e}~")), ("ttl", Value::Number(f64::NAN)), ("userId", Value::Null)]),
        object(&[("id", text("0")), ("note", Value::List(Vec::new())), ("score", Value::Number(1e300))]),
    ]
}
