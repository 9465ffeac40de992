//! LoopBack's orders, and properties of sorting.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

fn row(id: &str, members: &[(&str, Value)]) -> Value {
    let mut all = vec![("id".to_owned(), Value::Text(id.to_owned()))];
    all.extend(members.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    Value::Object(all)
}

fn ids(rows: &[Value]) -> String {
    rows.iter().map(|row| row.member("id").unwrap().to_text()).collect::<Vec<_>>().join(" ")
}

fn sorted(order: &Value, rows: &[Value]) -> String {
    ids(&Order::parse(order).unwrap().sort(rows.to_vec(), &mut Meter::unlimited()).unwrap())
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn corpus() -> Vec<Value> {
    let ttl = |ttl| ("ttl", Value::Number(ttl));
    let user = |user| ("userId", Value::Number(user));
    vec![
        row("tok-1", &[ttl(100.0), user(1.0)]),
        row("tok-2", &[ttl(200.0), user(2.0)]),
        row("tok-3", &[ttl(300.0), user(1.0)]),
        row("tok-4", &[ttl(400.0)]),
        row("Tok-5", &[ttl(500.0), user(3.0)]),
    ]
}

#[test]
fn orders_of_loopback() {
    let created = "tok-1 tok-2 tok-3 tok-4 Tok-5";
    let by_id = "Tok-5 tok-1 tok-2 tok-3 tok-4";
    let backwards = "Tok-5 tok-4 tok-3 tok-2 tok-1";
    for (order, expected) in [
        (Value::Null, by_id),
        (text(""), by_id),
        (text("ttl ASC"), created),
        (text("ttl"), created),
        (text("ttl DESC"), backwards),
        (text("ttl desc"), backwards),
        (text("ttl DESC nonsense"), backwards),
        (text("userId DESC, ttl ASC"), "Tok-5 tok-2 tok-1 tok-3 tok-4"),
        (text("userId DESC , ttl DESC,"), "Tok-5 tok-2 tok-3 tok-1 tok-4"),
        (text("id DESC"), "tok-4 tok-3 tok-2 tok-1 Tok-5"),
        (text("foo ASC"), created),
        (Value::List(vec![]), created),
        (text(","), created),
        (Value::List(vec![text("userId ASC"), text("ttl DESC")]), "tok-4 tok-3 tok-1 tok-2 Tok-5"),
    ] {
        assert_eq!(sorted(&order, &corpus()), expected, "{order:?}");
    }
}

#[test]
fn what_is_no_order() {
    let message = |order: &Value| Order::parse(order).unwrap_err().to_string();
    assert_eq!(message(&text("ttl SIDEWAYS")), "The order \"ttl SIDEWAYS\" has invalid direction");
    assert_eq!(message(&text(" ttl DESC")), "The order \" ttl DESC\" has invalid direction");
    assert_eq!(message(&text("ttl ")), "The order \"ttl \" has invalid direction");
    assert_eq!(message(&text("id,ttl x ,a")), "The order \"ttl x\" has invalid direction");
    assert_eq!(message(&Value::Number(5.0)), "The order 5 is not valid");
    assert_eq!(message(&Value::List(vec![Value::Number(5.0)])), "The order 5 is not valid");
    assert_eq!(message(&Value::Object(vec![])), "The order {} is not valid");
    assert_eq!(Order::parse(&text(&"a,".repeat(MAX_NAMES + 1))), Err(FilterError::TooManyNames));
    assert_eq!(Order::parse(&text(&"a.".repeat(MAX_DEPTH))), Err(FilterError::TooDeep));
}

#[test]
fn mixed_values() {
    let rows = [
        row("a", &[("n", text("x"))]),
        row("b", &[("n", Value::Number(2.0))]),
        row("c", &[("n", Value::Null)]),
        row("d", &[]),
    ];
    assert_eq!(sorted(&text("n ASC"), &rows), "d a c b");
    let nested = |n: f64| ("a", Value::Object(vec![("b".to_owned(), Value::Number(n))]));
    let rows = [row("x", &[nested(2.0)]), row("y", &[nested(1.0)])];
    assert_eq!(sorted(&text("a.b"), &rows), "y x");
    let rows = [row("x", &[("created", Value::Date(2))]), row("y", &[("created", Value::Date(1))])];
    assert_eq!(sorted(&text("created"), &rows), "y x");
}

#[test]
fn whether_the_id_must_be_shown() {
    let order = |order: &str| Order::parse(&text(order)).unwrap();
    assert!(order("ttl, id DESC").needs_id() && !order("ttl").needs_id());
    assert!(order("").is_default() && !order("").needs_id() && !order("id").is_default());
}

fn values() -> impl Strategy<Value = Option<Value>> {
    prop::option::of(prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        prop::sample::select(vec![0.0, 1.0, 2.0, -1.0, f64::NAN, f64::INFINITY]).prop_map(Value::Number),
        "[0-2a\u{ff5e}\u{1f600}]{0,2}".prop_map(Value::Text),
        Just(Value::List(vec![Value::Number(1.0)])),
        Just(Value::Object(vec![])),
        (0i64..3).prop_map(Value::Date),
    ])
}

proptest! {
    #[test]
    fn any_rows_can_be_sorted(values in vec(values(), 0..80), descending: bool) {
        let rows: Vec<Value> = values
            .iter()
            .enumerate()
            .map(|(i, n)| match n {
                Some(n) => row(&i.to_string(), &[("n", n.clone())]),
                None => row(&i.to_string(), &[]),
            })
            .collect();
        let order = Order::parse(&text(if descending { "n DESC" } else { "n" })).unwrap();
        let sort = |rows| order.sort(rows, &mut Meter::unlimited()).unwrap();
        let once = sort(rows.clone());
        prop_assert_eq!(ids(&once), ids(&sort(rows.clone())), "deterministic");
        let mut numbers: Vec<usize> =
            once.iter().map(|row| row.member("id").unwrap().to_text().parse().unwrap()).collect();
        numbers.sort_unstable();
        prop_assert_eq!(numbers, (0..rows.len()).collect::<Vec<_>>(), "a permutation");
        let missing = once.iter().map(|row| row.member("n").is_none());
        let missing: Vec<bool> = if descending { missing.rev().collect() } else { missing.collect() };
        prop_assert!(missing.is_sorted_by(|one, two| one >= two), "missing values stand together");
    }

    #[test]
    fn it_is_the_stable_sort_where_there_is_one(numbers in vec(0u32..6, 0..100), descending: bool) {
        let rows: Vec<Value> = numbers
            .iter()
            .enumerate()
            .map(|(i, n)| row(&i.to_string(), &[("n", Value::Number(f64::from(*n)))]))
            .collect();
        let order = if descending { "n DESC" } else { "n ASC" };
        let mut expected: Vec<usize> = (0..numbers.len()).collect();
        if descending {
            expected.sort_by_key(|i| std::cmp::Reverse(numbers[*i]));
        } else {
            expected.sort_by_key(|i| numbers[*i]);
        }
        let expected = expected.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
        prop_assert_eq!(sorted(&text(order), &rows), expected);
    }
}
