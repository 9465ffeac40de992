//! Authorization: a table over every caller and every operation, and what lists show to each caller.

use super::callers::{Caller, Present, Target, everybody};
use crate::answer::Answer;
use crate::app::{Holder, TestApp};
use serde_json::{Value, json};
use std::fmt::Write;

/// What is asked for.
#[derive(Clone, Copy, Debug)]
enum Act {
    List(&'static str),
    Create(&'static str, Body),
    Put(Target, Body),
    Delete(Target),
}

type Body = fn() -> Value;

const fn rename() -> Body {
    || json!({"title": "renamed"})
}

/// The operations, each with the head of its column.
const ACTS: [(&str, Act); 28] = [
    ("list", Act::List("")),
    ("list7", Act::List("?userId=7")),
    ("list8", Act::List("?userId=8")),
    ("new", Act::Create("", || json!({"title": "t", "permissions": "read"}))),
    ("newRW", Act::Create("", || json!({"title": "t", "permissions": "read, write"}))),
    ("new∞", Act::Create("", || json!({"title": "t", "expireInDays": -1}))),
    ("new7", Act::Create("?userId=7", || json!({"title": "t"}))),
    ("new8", Act::Create("?userId=8", || json!({"title": "t"}))),
    ("put", Act::Put(Target::Read, rename())),
    ("+write", Act::Put(Target::Read, || json!({"permissions": "read,write"}))),
    ("-read", Act::Put(Target::Read, || json!({"permissions": ""}))),
    ("off", Act::Put(Target::Read, || json!({"enable": false}))),
    ("on", Act::Put(Target::Disabled, || json!({"enable": true}))),
    ("putRW", Act::Put(Target::Wider, rename())),
    ("cutRW", Act::Put(Target::Wider, || json!({"permissions": "read"}))),
    ("put∞", Act::Put(Target::Lasting, rename())),
    ("putNar", Act::Put(Target::Narrow, rename())),
    ("putId", Act::Put(Target::Identity, rename())),
    ("putSt", Act::Put(Target::StandIn, rename())),
    ("put8", Act::Put(Target::OfUser8, rename())),
    ("putSrv", Act::Put(Target::Service, rename())),
    ("del", Act::Delete(Target::Read)),
    ("delRW", Act::Delete(Target::Wider)),
    ("delId", Act::Delete(Target::Identity)),
    ("delSt", Act::Delete(Target::StandIn)),
    ("del8", Act::Delete(Target::OfUser8)),
    ("delNo", Act::Delete(Target::OfNobody)),
    ("delSrv", Act::Delete(Target::Service)),
];

impl Act {
    async fn make(self, app: &TestApp) -> Option<Holder> {
        match self {
            Act::List(_) | Act::Create(..) => None,
            Act::Put(target, _) | Act::Delete(target) => Some(target.make(app).await),
        }
    }

    async fn send(self, app: &TestApp, caller: &Present, target: Option<&Holder>) -> Answer {
        let path = target.map_or("/AccessToken/demo".to_owned(), |it| format!("/AccessToken/demo/{}", it.id));
        let ask = match self {
            Act::List(query) => app.get(&(path + query)),
            Act::Create(query, body) => app.post(&(path + query)).json(&body()),
            Act::Put(_, body) => app.put(&path).json(&body()),
            Act::Delete(_) => app.delete(&path),
        };
        caller.asks(ask).send().await
    }
}

/// Does one thing, and makes sure that what was refused did not happen and what was answered did.
async fn attempt(app: &TestApp, caller: &Present, act: Act) -> u16 {
    let target = act.make(app).await;
    let before = match &target {
        Some(target) => app.token(target.id).await,
        None => None,
    };
    let count = app.count().await;
    let answer = act.send(app, caller, target.as_ref()).await;
    let after = match &target {
        Some(target) => app.token(target.id).await,
        None => None,
    };
    let is_done = answer.status.is_success();
    if !is_done {
        answer.assert_envelope(answer.status.as_u16());
    }
    let (made, expect_change) = match act {
        Act::List(_) => (0, false),
        Act::Create(..) => (i64::from(is_done), false),
        Act::Put(..) => (0, is_done),
        Act::Delete(_) => (-i64::from(is_done), is_done),
    };
    let what = format!("{:?}: {act:?}: {}", caller.caller, answer.text());
    assert_eq!(app.count().await, count.checked_add_signed(made).unwrap(), "{what}");
    assert_eq!(before != after, expect_change, "{what}");
    answer.status.as_u16()
}

#[tokio::test]
async fn who_may_do_what() {
    let (app, callers) = everybody().await;
    let mut table = format!("{:16}", "");
    for (head, _) in ACTS {
        write!(table, "{head:>7}").unwrap();
    }
    for caller in &callers {
        write!(table, "\n{:16}", format!("{:?}", caller.caller)).unwrap();
        for (_, act) in ACTS {
            write!(table, "{:>7}", attempt(&app, caller, act).await).unwrap();
        }
    }
    insta::assert_snapshot!(table, @r"
                       list  list7  list8    new  newRW   new∞   new7   new8    put +write  -read    off     on  putRW  cutRW   put∞ putNar  putId  putSt   put8 putSrv    del  delRW  delId  delSt   del8  delNo delSrv
    Manager             200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    404    200    200    200    200    200    200    404
    ManagerOfNobody     200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    200    404    200    200    200    200    200    200    404
    Verifier            403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403
    Identity            200    200    403    200    403    200    200    403    200    403    200    200    403    403    403    200    200    403    404    404    404    200    200    200    404    404    404    404
    IdentityForADay     200    200    403    200    403    403    200    403    200    403    200    200    403    403    403    403    200    403    404    404    404    200    200    200    404    404    404    404
    Read                200    200    403    200    403    200    200    403    200    403    200    200    403    403    403    200    200    403    404    404    404    200    200    200    404    404    404    404
    ReadForADay         200    200    403    200    403    403    200    403    200    403    200    200    403    403    403    403    200    403    404    404    404    200    200    200    404    404    404    404
    ReadWrite           200    200    403    200    200    200    200    403    200    200    200    200    403    200    200    200    200    403    404    404    404    200    200    200    404    404    404    404
    Narrow              200    200    403    403    403    200    200    403    403    403    403    403    403    403    403    403    200    403    404    404    404    200    200    200    404    404    404    404
    Empty               200    200    403    403    403    200    200    403    403    403    403    403    403    403    403    403    403    403    404    404    404    200    200    200    404    404    404    404
    ReadOfUser8         200    403    200    200    403    200    403    200    404    404    404    404    404    404    404    404    404    404    404    200    404    404    404    404    404    200    404    404
    StandIn             403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403
    Nobody              403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403    403
    Disabled            401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401
    Expired             401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401
    Revoked             401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401
    OtherApp            404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404
    OtherManager        404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404    404
    Garbage             401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401
    Basic               401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401
    Twice               401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401
    Nothing             401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401    401
    ");
}

/// How a row shows the token's secret.
fn shown(row: Option<&Value>, secret: &str) -> &'static str {
    let masked = format!("{}........{}", &secret[..8], &secret[secret.len() - 8..]);
    match row.map(|row| &row["accessToken"]) {
        None => "-",
        Some(Value::Null) => "null",
        Some(Value::String(text)) if text == secret => "clear",
        Some(Value::String(text)) if *text == masked => "masked",
        Some(other) => panic!("{other} for {secret}"),
    }
}

#[tokio::test]
async fn what_lists_show_to_whom() {
    let (app, callers) = everybody().await;
    let mut targets = Vec::new();
    let mut table = format!("{:16}", "");
    for target in Target::ALL {
        targets.push(target.make(&app).await);
        write!(table, "{:>10}", format!("{target:?}")).unwrap();
    }
    for caller in &callers {
        let answer = caller.asks(app.get("/AccessToken/demo?take=1000")).send().await;
        if !answer.status.is_success() {
            continue;
        }
        let rows = answer.rows();
        write!(table, "\n{:16}", format!("{:?}", caller.caller)).unwrap();
        for target in &targets {
            let row = rows.iter().find(|row| row["id"] == target.id);
            let shown = shown(row, &target.secret);
            assert_eq!(answer.text().contains(&target.secret), shown == "clear");
            write!(table, "{shown:>10}").unwrap();
        }
    }
    insta::assert_snapshot!(table, @r"
                          Read  Disabled     Wider   Lasting    Narrow     Empty  Identity   StandIn   OfUser8  OfNobody   Service
    Manager              clear     clear     clear     clear     clear     clear     clear     clear     clear     clear         -
    ManagerOfNobody      clear     clear     clear     clear     clear     clear     clear     clear     clear     clear         -
    Identity             clear     clear    masked     clear     clear     clear    masked         -         -         -         -
    IdentityForADay      clear     clear    masked    masked     clear     clear    masked         -         -         -         -
    Read                 clear     clear    masked     clear     clear     clear    masked         -         -         -         -
    ReadForADay          clear     clear    masked    masked     clear     clear    masked         -         -         -         -
    ReadWrite            clear     clear     clear     clear     clear     clear    masked         -         -         -         -
    Narrow              masked    masked    masked    masked     clear     clear    masked         -         -         -         -
    Empty               masked    masked    masked    masked    masked     clear    masked         -         -         -         -
    ReadOfUser8              -         -         -         -         -         -         -         -     clear         -         -
    ");
}

#[tokio::test]
async fn a_list_has_no_row_beyond_the_caller() {
    let (app, callers) = everybody().await;
    for target in Target::ALL {
        target.make(&app).await;
    }
    for caller in &callers {
        let answer = caller.asks(app.get("/AccessToken/demo?take=1000")).send().await;
        if !answer.status.is_success() {
            continue;
        }
        let data = answer.data();
        assert_eq!(data["total"], answer.rows().len(), "{:?}", caller.caller);
        for row in answer.rows() {
            let token = app.token(row["id"].as_i64().unwrap()).await.unwrap();
            let is_there = match caller.caller {
                Caller::Manager | Caller::ManagerOfNobody => token.spec.kind.is_shared(),
                Caller::ReadOfUser8 => token.spec.owner == crate::app::user("8"),
                _ => token.spec.kind.is_shared() && token.spec.owner == crate::app::user("7"),
            };
            assert!(is_there, "{:?}: {row}", caller.caller);
        }
    }
}
