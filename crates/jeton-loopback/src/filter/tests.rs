//! Filters compared with recorded answers of LoopBack 2.42, and what conditions imply.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

/// One object a line: the name of a case, `rows` (if they differ from those of the first line), a `filter`,
/// and the `ids` of the answer, the whole `answer`, or the message of its `error`.
const RECORDED: &str = include_str!("../../tests/data/loopback-filters.jsonl");

fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::Number(number) => Value::Number(number.as_f64().unwrap()),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().map(value).collect()),
        Json::Object(members) => {
            Value::Object(members.iter().map(|(name, member)| (name.clone(), value(member))).collect())
        }
    }
}

/// As stores answer it: `created` is a date.
fn row(json: &Json) -> Value {
    let Value::Object(mut members) = value(json) else { panic!("{json} is no row") };
    for (name, member) in &mut members {
        if name == "created" && *member != Value::Null {
            *member = Value::Date(member.to_date().unwrap());
        }
    }
    Value::Object(members)
}

fn rows(json: &Json) -> Vec<Value> {
    json.as_array().unwrap().iter().map(row).collect()
}

fn recorded_rows() -> Vec<Value> {
    let first: Json = serde_json::from_str(RECORDED.lines().next().unwrap()).unwrap();
    rows(&first["rows"])
}

fn answer(filter: &Filter, rows: Vec<Value>) -> Vec<Value> {
    let select = |row| match row {
        Value::Object(members) => Value::Object(filter.fields.select(members, &Profile::V2)),
        other => other,
    };
    filter.apply(rows, &mut Meter::unlimited()).unwrap().into_iter().map(select).collect()
}

fn ids(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row.member("id").unwrap().to_text()).collect()
}

fn matches(condition: &Condition, row: &impl Row) -> bool {
    condition.matches(row, &mut Meter::unlimited()).unwrap()
}

/// The ids that a `where` finds, separated by spaces, or the error message.
fn found(rows: &[Value], condition: &Json) -> Result<String, String> {
    let filter = Filter::parse(&value(&json!({"where": condition})), &Profile::V2)
        .map_err(|error| error.to_string())?;
    Ok(ids(&filter.apply(rows.to_vec(), &mut Meter::unlimited()).unwrap()).join(" "))
}

#[test]
fn recorded_answers() {
    for line in RECORDED.lines().skip(1) {
        let case: Json = serde_json::from_str(line).unwrap();
        let parse = if case["one"] == json!(true) { Filter::parse_one } else { Filter::parse };
        let stored = if case["rows"].is_null() { recorded_rows() } else { rows(&case["rows"]) };
        let answered = parse(&value(&case["filter"]), &Profile::V2).map(|filter| answer(&filter, stored));
        match answered {
            Err(error) => assert_eq!(json!(error.to_string()), case["error"], "{}", case["name"]),
            Ok(answered) if case["ids"].is_null() => {
                assert_eq!(answered, rows(&case["answer"]), "{}", case["name"]);
            }
            Ok(answered) => assert_eq!(json!(ids(&answered)), case["ids"], "{}", case["name"]),
        }
    }
}

#[test]
fn where_loopback_has_accidents() {
    let rows = recorded_rows();
    let all = "Tok-5 tok-1 tok-2 tok-3 tok-4";
    for (condition, expected) in [
        // As in LoopBack.
        (json!({"userId": true}), "tok-1 tok-3"),
        (json!({"ttl": "0x64"}), "tok-1"),
        (json!({"id": {"like": "tok__"}}), "tok-1 tok-2 tok-3 tok-4"),
        (json!({"id": {"like": ""}}), ""),
        (json!({"ttl": {"like": "%00"}}), all),
        (json!({"id": {"regexp": "/^TOK-[12]$/i"}}), "tok-1 tok-2"),
        (json!({"id": {"near": "1,2"}}), ""),
        (json!({"userId": [1, 2]}), ""),
        (json!({"userId.x": 1}), ""),
        (json!({"userId": {"gte": null}}), "tok-4"),
        // nin finds nothing in LoopBack's memory.
        (json!({"id": {"nin": ["tok-1", "tok-2"]}}), "Tok-5 tok-3 tok-4"),
        (json!({"userId": {"nin": [1]}}), "Tok-5 tok-2 tok-4"),
        (json!({"id": {"nin": []}}), all),
        // nor does not, either.
        (json!({"nor": [{"userId": 1}, {"ttl": 400}]}), "Tok-5 tok-2"),
        (json!({"nor": []}), all),
        // like is a regular expression that matches anywhere.
        (json!({"id": {"like": "ok-1"}}), ""),
        (json!({"id": {"like": "tok*"}}), ""),
        (json!({"id": {"like": "^tok-1$"}}), ""),
        (json!({"id": {"like": "(tok"}}), ""),
        (json!({"created": {"like": "2024-0_-01T00%"}}), "tok-1 tok-2 tok-3 tok-4"),
        // inq never finds dates, equality finds them to the second.
        (json!({"created": {"inq": ["2024-01-01", "2024-02-01"]}}), "tok-1 tok-2"),
        (json!({"created": "2024-05-01T12:34:56.000Z"}), ""),
        (json!({"ttl": {"regexp": "^[12]"}}), "tok-1 tok-2"),
    ] {
        assert_eq!(found(&rows, &condition).as_deref(), Ok(expected), "{condition}");
    }
    for (condition, message) in [
        (json!({"created": "not-a-date"}), "Invalid date: not-a-date"),
        (json!({"created": {"gt": "zzz"}}), "Invalid date: zzz"),
        (json!({"and": [null]}), "The where clause null is not an object"),
        (
            json!({"id": {"regexp": "["}}),
            "The id property has invalid clause {\"regexp\":\"[\"}: Error: Invalid regular expression: /[/: \
             Unterminated character class",
        ),
        (
            json!({"id": {"regexp": 5}}),
            "The id property has invalid clause {\"regexp\":5}: Error: Invalid argument, must be a string, \
             regex literal, or RegExp object",
        ),
        (
            json!({"ttl": {"between": [1]}}),
            "The ttl property has invalid clause {\"between\":[1]}: Expected precisely 2 values, received 1",
        ),
        (
            json!({"id": {"nlike": 5}}),
            "The id property has invalid clause {\"nlike\":5}: Expected a string or RegExp",
        ),
    ] {
        assert_eq!(found(&rows, &condition), Err(message.to_owned()), "{condition}");
    }
}

#[test]
fn lists_and_paths() {
    let rows = rows(&json!([
        {"id": "a", "tags": ["x", "y"], "items": [{"n": 1}, {"n": 2}]},
        {"id": "b", "tags": [], "items": [{"n": 3, "deep": {"m": 1}}]},
        {"id": "c", "tags": [["x"]], "items": {"n": 2}},
        {"id": "d", "n": true, "o": {"p": null}, "big": "1e3"},
    ]));
    for (condition, expected) in [
        (json!({"tags": "x"}), "a c"),
        (json!({"tags": {"inq": ["y", "z"]}}), "a"),
        (json!({"tags": {"neq": "x"}}), "a b d"),
        (json!({"tags": {"nin": ["x"]}}), "a b d"),
        (json!({"tags": {"nlike": "x"}}), "a b d"),
        (json!({"tags": null}), "d"),
        (json!({"tags.0": "x"}), "a c"),
        (json!({"tags.00": "x"}), ""),
        (json!({"items.n": 2}), "a c"),
        (json!({"items.n": {"gt": 2}}), "b"),
        (json!({"items.deep.m": 1}), "b"),
        (json!({"items.0.n": 1}), "a"),
        (json!({"items": {"n": 2}}), ""),
        (json!({"id.x": null}), "a b c d"),
        (json!({"n": "true"}), "d"),
        (json!({"n": {"inq": [1]}}), "d"),
        (json!({"o.p": null}), "a b c d"),
        (json!({"o.p": {"neq": null}}), ""),
        (json!({"big": {"gt": 999}}), "d"),
        (json!({"big": {"gte": "1e3", "like": "x"}}), "d"),
        (json!({"big": {"between": {"0": 1, "1": 1000}}}), "d"),
        (json!({"big": {"like": 5}}), ""),
    ] {
        assert_eq!(found(&rows, &condition).as_deref(), Ok(expected), "{condition}");
    }
}

#[test]
fn users_named_by_digits_that_no_number_holds() {
    let rows = rows(&json!([
        {"id": "a", "userId": "12345678901234567890"}, {"id": "b", "userId": 7}, {"id": "c", "userId": "x"},
    ]));
    for (condition, expected) in [
        (json!({"userId": "12345678901234567890"}), "a"),
        (json!({"userId": "7"}), "b"),
        (json!({"userId": {"inq": ["x", 7.0]}}), "b c"),
    ] {
        assert_eq!(found(&rows, &condition).as_deref(), Ok(expected), "{condition}");
    }
}

#[test]
fn the_last_of_several_members_counts() {
    let member = |n| ("userId".to_owned(), Value::Number(n));
    let condition = Condition::parse(&Value::Object(vec![member(1.0), member(2.0)]), &Profile::V2).unwrap();
    let rows: Vec<_> = recorded_rows().into_iter().filter(|row| matches(&condition, row)).collect();
    assert_eq!(ids(&rows), ["tok-2"]);
}

#[test]
fn what_is_no_filter() {
    let message = |filter: Json| Filter::parse(&value(&filter), &Profile::V2).unwrap_err().to_string();
    assert_eq!(message(json!([{"where": {}}])), "The query filter [{\"where\":{}}] is not an object");
    assert_eq!(message(json!({"where": "abc"})), "The where clause \"abc\" is not an object");
    assert_eq!(message(json!({"where": [1]})), "The where clause [1] is not an object");
    assert_eq!(
        message(json!({"where": {"or": "x"}})),
        "The or operator has invalid clauses \"x\": Value is not an array or object with sequential numeric indices"
    );
    for nothing in [json!(null), json!(""), json!({"where": ""}), json!({"where": null}), json!({"foo": 1})] {
        let filter = Filter::parse(&value(&nothing), &Profile::V2).unwrap();
        assert!(filter.condition.is_all() && filter.order.is_default() && filter.page == Page::default());
    }
}

#[test]
fn one_row_and_selections() {
    let one = |filter: Json| Filter::parse_one(&value(&filter), &Profile::V2);
    assert_eq!(one(json!({"limit": -1})).unwrap().page, Page { skip: 0, limit: Some(1) });
    assert_eq!(one(json!({"skip": 3, "limit": 9})).unwrap().page, Page { skip: 3, limit: Some(1) });
    assert!(one(json!({"skip": -1})).is_err() && one(json!(5)).is_err());
    let filter = json!({"fields": {"ttl": true}, "include": "user", "where": 5, "limit": -1, "order": 5});
    let selection = Filter::parse_selection(&value(&filter), &Profile::V2).unwrap();
    assert!(selection.condition.is_all() && selection.fields.keeps("ttl") && !selection.fields.keeps("id"));
    assert_eq!(selection.include.len(), 1);
}

#[test]
fn conditions_are_bounded() {
    let parse = |condition: &Json| Condition::parse(&value(condition), &Profile::V2);
    let nested = |depth| (1..depth).fold(json!({"id": 1}), |inner, _| json!({"and": [inner]}));
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(parse(&nested(MAX_DEPTH + 1)).unwrap_err(), FilterError::TooDeep);
    assert_eq!(parse(&json!({"a.".repeat(MAX_DEPTH): 1})).unwrap_err(), FilterError::TooDeep);
    let items = |count| json!({"id": {"inq": vec!["x"; count]}});
    assert!(parse(&items(MAX_TERMS - 1)).is_ok());
    assert_eq!(parse(&items(MAX_TERMS)).unwrap_err(), FilterError::TooManyTerms);
    let clauses = |count| json!({"or": vec![json!({}); count]});
    assert_eq!(parse(&clauses(MAX_TERMS)).unwrap_err(), FilterError::TooManyTerms);
    for operator in ["regexp", "like", "nlike", "ilike", "nilike"] {
        let patterns = |count| json!({"or": vec![json!({"id": {operator: "x"}}); count]});
        assert!(parse(&patterns(MAX_PATTERNS)).is_ok());
        assert_eq!(parse(&patterns(MAX_PATTERNS + 1)).unwrap_err(), FilterError::TooManyPatterns);
        let large = json!({"or": vec![json!({"id": {operator: "[ax]".repeat(200)}}); 60]});
        assert_eq!(parse(&large).unwrap_err(), FilterError::PatternsTooLarge);
    }
}

#[test]
fn every_byte_that_is_looked_at_is_charged() {
    const LONG: usize = 10_000;
    let text = "y".repeat(LONG);
    let almost = format!("{}z", "y".repeat(LONG - 1));
    let row = row(&json!({"id": "a", "x": text, "l": vec!["y"; LONG], "o": {"l": [vec!["y"; LONG]]}}));
    for (condition, least) in [
        (json!({"x": {"like": "%z"}}), LONG),
        (json!({"x": {"nilike": "%z"}}), LONG),
        (json!({"x": {"regexp": "z"}}), LONG),
        (json!({"x": almost}), LONG / 10),
        (json!({"x": {"neq": almost}}), LONG / 10),
        (json!({"x": {"gt": almost}}), LONG / 10),
        (json!({"x": {"between": ["a", almost]}}), LONG / 10),
        (json!({"x": {"inq": vec![&almost; 100]}}), 10 * LONG),
        (json!({"x": {"nin": vec![7; 100]}}), 100 * LONG),
        (json!({"x": {"lt": vec!["z"; LONG]}}), LONG),
        (json!({"l": "z"}), LONG),
        (json!({"o.l": "z"}), LONG),
        (json!({"l": {"like": "z"}}), LONG),
        (json!({"or": vec![json!({"zz": 1}); 900]}), 10_000),
    ] {
        let condition = Condition::parse(&value(&condition), &Profile::V2).unwrap();
        let mut meter = Meter::unlimited();
        let verdict = condition.matches(&row, &mut meter);
        let spent = meter.spent();
        assert!(spent >= least as u64, "{spent} of {least}");
        condition.rest();
        assert_eq!(condition.matches(&row, &mut Meter::new(spent)), verdict);
        condition.rest();
        assert_eq!(condition.matches(&row, &mut Meter::new(spent - 1)), Err(Halt::Exhausted));
    }
    for (order, least) in [("x", LONG), ("l", LONG), (&"zz,".repeat(100), 1_000)] {
        let order = Order::parse(&Value::Text(order.to_owned())).unwrap();
        let mut meter = Meter::unlimited();
        order.sort(vec![row.clone(), row.clone()], &mut meter).unwrap();
        let spent = meter.spent();
        assert!(spent >= least as u64, "{spent} of {least}");
        let sorted = order.sort(vec![row.clone(), row.clone()], &mut Meter::new(spent - 1));
        assert_eq!(sorted.err(), Some(Halt::Exhausted));
    }
}

#[test]
fn states_that_a_text_has_made_are_charged_once_each_time_they_are_made() {
    let condition = Condition::parse(&value(&json!({"x": {"regexp": "a[ab]{200}c"}})), &Profile::V2).unwrap();
    let text = |text: String| Value::Object(vec![("x".to_owned(), Value::Text(text))]);
    let units = |row: &Value| {
        let mut meter = Meter::unlimited();
        condition.matches(row, &mut meter).unwrap();
        meter.spent()
    };
    let alike = text("y".repeat(10_000));
    assert!(units(&alike) > units(&alike), "the second time its states are there");
    assert!(units(&alike) < 20_000);
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        if state >> 63 == 0 { 'a' } else { 'b' }
    };
    let varied = text((0..10_000).map(|_| next()).collect());
    assert!(units(&varied) > 1_000_000, "a state for each byte");
}

fn implied(condition: &Json) -> Json {
    let Implied { ids, users } = Condition::parse(&value(condition), &Profile::V2).unwrap().implied();
    json!([ids, users])
}

#[test]
fn what_conditions_imply() {
    for (condition, expected) in [
        (json!({}), json!([null, null])),
        (json!({"id": "a"}), json!([["a"], null])),
        (json!({"id": 7, "userId": "1"}), json!([["7"], ["1"]])),
        (json!({"id": null}), json!([[], null])),
        (json!({"id": {"inq": ["a", "b", null]}}), json!([["a", "b"], null])),
        (json!({"userId": {"inq": [1, null]}}), json!([null, [null, "1"]])),
        (json!({"userId": null}), json!([null, [null]])),
        (json!({"or": [{"id": "a"}, {"id": "b", "ttl": 1}]}), json!([["a", "b"], null])),
        (json!({"or": [{"id": "a"}, {"ttl": 1}]}), json!([null, null])),
        (json!({"or": []}), json!([[], []])),
        (json!({"and": [{"id": {"inq": ["a", "b"]}}, {"id": {"inq": ["b", "c"]}}]}), json!([["b"], null])),
        (json!({"nor": [{"id": "a"}]}), json!([null, null])),
        (json!({"id": {"neq": "a"}}), json!([null, null])),
        (json!({"id": {"like": "a"}}), json!([null, null])),
        (json!({"id.x": "a"}), json!([null, null])),
    ] {
        assert_eq!(implied(&condition), expected, "{condition}");
    }
    let one = Condition::with_id("a");
    assert_eq!(one.implied().ids, Some(["a".to_owned()].into()));
}

#[test]
fn conditions_that_mean_one_user() {
    for (condition, expected) in [
        (json!({"userId": 7}), Some("7")),
        (json!({"userId": "7"}), Some("7")),
        (json!({"userId": "07"}), Some("07")),
        (json!({"and": [{"or": [{"userId": "eve"}]}]}), Some("eve")),
        (json!({}), None),
        (json!({"userId": null}), None),
        (json!({"userId": true}), Some("1")),
        (json!({"userId": [7]}), None),
        (json!({"userId": 7.5}), None),
        (json!({"userId": {"neq": 7}}), None),
        (json!({"userId": 7, "ttl": 1}), None),
        (json!({"userId.x": 7}), None),
        (json!({"nor": [{"userId": 7}]}), None),
        (json!({"id": "7"}), None),
    ] {
        let parsed = Condition::parse(&value(&condition), &Profile::V2).unwrap();
        assert_eq!(parsed.sole_user().as_deref(), expected, "{condition}");
    }
}

/// A row that does not show its `id`, but knows it.
struct Sealed(Value);

impl Row for Sealed {
    fn member(&self, name: &str) -> Option<&Value> {
        self.0.member(name).filter(|_| name != "id")
    }

    fn has_id(&self, id: &str) -> bool {
        self.0.has_id(id)
    }

    fn width(&self) -> usize {
        Row::width(&self.0)
    }
}

fn conditions() -> impl Strategy<Value = Json> {
    let property = prop::sample::select(vec!["id", "userId", "ttl", "n", "n.m"]);
    let operand = prop_oneof![
        prop::sample::select(vec!["a", "b", "1", "2", "1.0", ""]).prop_map(|text| json!(text)),
        (0..3).prop_map(|n| json!(n)),
        Just(json!(null)),
        Just(json!(true)),
        Just(json!(["a"])),
        Just(json!({"m": 1})),
    ];
    let test = (prop::sample::select(vec!["", "gt", "lte", "inq", "nin", "neq", "like", "between"]), operand)
        .prop_map(|(operator, operand)| match operator {
            "" => operand,
            "inq" | "nin" => json!({operator: [operand, "b"]}),
            "between" => json!({operator: ["1", operand]}),
            "like" => json!({operator: format!("%{}", operand.as_str().unwrap_or("1"))}),
            _ => json!({operator: operand}),
        });
    let clause = (property, test).prop_map(|(property, test)| json!({property: test}));
    clause.prop_recursive(3, 12, 3, |inner| {
        (prop::sample::select(vec!["and", "or", "nor"]), vec(inner, 0..3))
            .prop_map(|(operator, parts)| json!({operator: parts}))
    })
}

fn any_row() -> impl Strategy<Value = Json> {
    let user =
        prop_oneof![Just(json!(1)), Just(json!(2)), Just(json!("a")), Just(json!("1.0")), Just(json!(null))];
    let n = prop_oneof![Just(json!({"m": 1})), Just(json!(["a", 1])), Just(json!("b")), Just(json!(null))];
    (prop::sample::select(vec!["a", "b", "1", ""]), user, 0..3, n)
        .prop_map(|(id, user, ttl, n)| json!({"id": id, "userId": user, "ttl": ttl, "n": n}))
}

proptest! {
    #[test]
    fn what_is_implied_holds_for_every_row_found(condition in conditions(), found in any_row()) {
        let condition = Condition::parse(&value(&condition), &Profile::V2).unwrap();
        let found = row(&found);
        let Implied { ids, users } = condition.implied();
        if matches(&condition, &found) {
            let id = found.member("id").unwrap().to_text();
            let user = found.member("userId").filter(|user| **user != Value::Null).map(Value::to_text);
            prop_assert!(ids.is_none_or(|ids| ids.contains(&id)));
            prop_assert!(users.is_none_or(|users| users.contains(&user)));
        }
    }

    #[test]
    fn of_a_sole_user_every_row_is_meant_and_no_other(condition in conditions(), found in any_row()) {
        let (condition, found) = (Condition::parse(&value(&condition), &Profile::V2).unwrap(), row(&found));
        if let Some(sole) = condition.sole_user() {
            let user = found.member("userId").filter(|user| **user != Value::Null).map(Value::to_text);
            prop_assert_eq!(matches(&condition, &found), user == Some(sole));
        }
    }

    #[test]
    fn without_the_id_no_row_is_lost(condition in conditions(), found in any_row()) {
        let condition = Condition::parse(&value(&condition), &Profile::V2).unwrap();
        let (open, sealed) = (row(&found), Sealed(row(&found)));
        let weaker = condition.without_id();
        prop_assert!(!weaker.needs_id());
        prop_assert_eq!(matches(&weaker, &open), matches(&weaker, &sealed));
        if condition.needs_id() {
            prop_assert!(!matches(&condition, &open) || matches(&weaker, &sealed));
        } else {
            prop_assert_eq!(matches(&condition, &open), matches(&condition, &sealed));
            prop_assert_eq!(matches(&condition, &open), matches(&weaker, &open));
        }
    }

    #[test]
    fn nor_is_the_opposite_of_or(parts in vec(conditions(), 0..3), found in any_row()) {
        let found = row(&found);
        let holds = |condition: &Json| matches(&Condition::parse(&value(condition), &Profile::V2).unwrap(), &found);
        prop_assert_ne!(holds(&json!({"or": &parts})), holds(&json!({"nor": &parts})));
    }
}

#[test]
fn what_a_version_does_is_its_profiles() {
    const OTHER: Profile =
        Profile { declared: &["ttl", "id"], operators: &["lt", "gt"], implied_limit: 1, ..Profile::V2 };
    let of = |json: Json, profile| Filter::parse(&value(&json), profile).unwrap();
    let count = |json: Json, profile| answer(&of(json, profile), recorded_rows()).len();
    let (both, skip) = (json!({"where": {"ttl": {"gt": 100, "lt": 300}}}), json!({"skip": 1}));
    assert_eq!((count(both.clone(), &Profile::V2), count(both, &OTHER)), (4, 2));
    assert_eq!((count(skip.clone(), &Profile::V2), count(skip, &OTHER)), (4, 1));
    let all = of(json!({}), &OTHER).fields;
    let shown =
        |profile| all.select(vec![("id".to_owned(), ()), ("ttl".to_owned(), ())], profile).remove(0).0;
    assert_eq!((shown(&Profile::V2), shown(&OTHER)), ("id".to_owned(), "ttl".to_owned()));
}
