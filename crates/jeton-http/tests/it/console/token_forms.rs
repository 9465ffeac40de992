//! Making, changing, disabling and revoking a token.

use super::Person;
use crate::app::{TestApp, grant, on_ids, on_tags, scoped, titled, user};
use jeton_core::{Scope, TokenKind};
use jeton_testkit::Canaries;

const NEW: &str = "/console/apps/demo/new-token";

/// Makes a token, and answers its number.
async fn make(person: &Person<'_>, fields: &[(&str, &str)]) -> i64 {
    let answer = person.submit_from(NEW, NEW, fields).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let to = answer.header("location").unwrap();
    to.strip_prefix("/console/apps/demo/tokens/").unwrap().parse().unwrap()
}

fn path_of(id: i64) -> String {
    format!("/console/apps/demo/tokens/{id}")
}

#[tokio::test]
async fn a_token_is_made_and_its_secret_shown_once() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let fields = [
        ("title", "sensor"),
        ("user_id", "7"),
        ("tags", "iot, eu"),
        ("description", "first\r\nsecond"),
        ("read", "yes"),
        ("others", "list"),
        ("scopes", "2"),
        ("scope.0.write", "yes"),
        ("scope.0.ids", "sensor-7\r\n sensor-8 "),
        ("scope.0.tags", "floor-3"),
        ("lifetime", "7"),
    ];
    let id = make(&person, &fields).await;
    let token = app.token(id).await.unwrap();
    let expected = [
        Scope::global(crate::app::names("read,list")),
        Scope { tags: vec!["floor-3".to_owned()], ..on_ids("write", &["sensor-7", "sensor-8"]) },
    ];
    assert_eq!((token.spec.kind, token.spec.scopes.as_slice()), (TokenKind::Grant, &expected[..]));
    assert_eq!(token.expires_at, Some(app.after(7 * crate::app::DAY)));
    assert_eq!(token.spec.description.as_ref().unwrap().as_str(), "first\nsecond");
    let secret = |page: &str| {
        let shown = page.split_once("id=\"access-token\">").map(|(_, rest)| rest.split('<').next().unwrap());
        shown.map(str::to_owned)
    };
    assert_eq!(secret(person.open("/console/apps/demo/tokens").await.text()), None, "only where it was made");
    let page = person.open(&path_of(id)).await;
    let shown = secret(page.text()).unwrap();
    assert_eq!(page.header("cache-control"), Some("no-store"));
    assert_eq!(app.get("/auth/demo?permission=write&id=sensor-8").bearer(&shown).status().await, 200);
    assert_eq!(app.get("/auth/demo?permission=write").bearer(&shown).status().await, 403);
    let canaries = Canaries::new([&shown]);
    for path in [path_of(id), format!("{}/edit", path_of(id)), "/console/apps/demo/tokens".to_owned()] {
        assert_eq!(canaries.in_text(&person.open(&path).await.body), [], "{path}");
    }
}

#[tokio::test]
async fn kinds_follow_from_what_is_allowed() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    for (others, kind) in
        [("", TokenKind::Identity), ("jeton:verify", TokenKind::Service), ("read", TokenKind::Grant)]
    {
        let id =
            make(&person, &[("user_id", "7"), ("others", others), ("scopes", "1"), ("lifetime", "never")])
                .await;
        let token = app.token(id).await.unwrap();
        assert_eq!((token.spec.kind, token.expires_at), (kind, None));
    }
    let id = make(&person, &[("scopes", "1")]).await;
    assert_eq!(app.token(id).await.unwrap().expires_at, Some(app.after(14 * crate::app::DAY)));
    let before = app.count().await;
    for (fields, said) in [
        (&[("others", "read, jeton:verify"), ("scopes", "0")][..], "stand alone"),
        (&[("others", "a b"), ("scopes", "0")][..], "Commas separate names."),
        (&[("user_id", "\u{1}"), ("scopes", "0")][..], "not a valid user id"),
        (&[("lifetime", "until"), ("expires_at", "2020-01-01"), ("scopes", "0")][..], "lies in the past"),
        (&[("lifetime", "7"), ("expires_at", "2030-01-01"), ("scopes", "0")][..], "or clear this"),
        (&[("title", &*"x".repeat(256)), ("scopes", "0")][..], "At most 255 characters"),
    ] {
        let answer = person.submit_from(NEW, NEW, fields).await;
        assert!(answer.status == 422 && answer.text().contains(said), "{fields:?}: {}", answer.text());
    }
    let grown = person.submit_from(NEW, NEW, &[("title", "kept"), ("scopes", "1"), ("add", "yes")]).await;
    assert_eq!(grown.status, 200);
    assert!(grown.text().contains("value=\"kept\"") && grown.text().contains("name=\"scope.1.ids\""));
    assert_eq!(app.count().await, before, "nothing was made of those");
}

#[tokio::test]
async fn bounds_are_entered_shown_and_taken_away() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let fields = [
        ("others", "read"),
        ("scopes", "0"),
        ("lifetime", "never"),
        ("not_before", "2030-01-01"),
        ("addresses", "192.0.2.0/24\r\n::1"),
    ];
    let id = make(&person, &fields).await;
    let bounds = async || app.token(id).await.unwrap().spec.bounds;
    let blocks = bounds().await.allowed_addresses.map(|allowed| allowed.to_string());
    assert_eq!(blocks.as_deref(), Some("192.0.2.0/24,::1/128"));
    let page = person.open(&path_of(id)).await;
    for shown in ["Valid from", "2030-01-01", "<code>192.0.2.0/24</code>"] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    let ask = async |address: &str| {
        person.open(&format!("{}?ask=yes&permission=read&address={address}", path_of(id))).await.body
    };
    assert!(String::from_utf8_lossy(&ask("192.0.2.7").await).contains("is not valid yet"));
    assert!(String::from_utf8_lossy(&ask("here").await).contains("no IP address"));

    let edit = format!("{}/edit", path_of(id));
    let send = async |fields: &[(&str, &str)]| {
        app.clock.advance_millis(5);
        let version = app.token(id).await.unwrap().updated_at.as_millis().to_string();
        let same = [("others", "read"), ("scopes", "0"), ("version", &*version)];
        let answer = person.submit_from(&edit, &edit, &[&same[..], fields].concat()).await;
        assert_eq!(answer.status, 303, "{}", answer.text());
    };
    let before = bounds().await;
    send(&[("title", "x")]).await;
    assert_eq!(bounds().await, before, "a form that does not ask for them changes none");
    send(&[("title", "x"), ("not_before", ""), ("addresses", "192.0.2.0/24")]).await;
    assert!(String::from_utf8_lossy(&ask("").await).contains("none was named"));
    assert!(String::from_utf8_lossy(&ask("10.0.0.1").await).contains("may not be used from this address"));
    assert!(String::from_utf8_lossy(&ask("192.0.2.7").await).contains("Allowed"));
    send(&[("title", "x"), ("addresses", "")]).await;
    assert!(bounds().await.is_none());
    for (fields, said) in [
        (&[("addresses", "10.1.2.3/8"), ("scopes", "0")][..], "each block by its first address"),
        (&[("addresses", ""), ("not_before", "soon"), ("scopes", "0")][..], "neither a date nor a time"),
        (
            &[("addresses", ""), ("not_before", "2100-01-01"), ("lifetime", "7"), ("scopes", "0")][..],
            "would expire before it is valid",
        ),
    ] {
        let answer = person.submit_from(NEW, NEW, fields).await;
        assert!(answer.status == 422 && answer.text().contains(said), "{fields:?}: {}", answer.text());
    }
}

/// Sends the form of a token that may read, as it is now but for these fields.
async fn edit(app: &TestApp, person: &Person<'_>, id: i64, fields: &[(&str, &str)]) {
    app.clock.advance_millis(5);
    let version = app.token(id).await.unwrap().updated_at.as_millis().to_string();
    let same = [("others", "read"), ("scopes", "0"), ("version", &*version)];
    let path = format!("{}/edit", path_of(id));
    let answer = person.submit_from(&path, &path, &[&same[..], fields].concat()).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
}

#[tokio::test]
async fn limits_are_entered_shown_and_changed() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let rates = ("rates", "1000/86400\r\n 100/60 ");
    let fields = [("others", "read"), ("scopes", "0"), ("lifetime", "never"), ("uses", "3"), rates];
    let id = make(&person, &fields).await;
    let limits = async || app.token(id).await.unwrap().spec.limits;
    assert_eq!(limits().await.to_string(), "uses=3@1 rates=100/60,1000/86400");
    let page = person.open(&path_of(id)).await;
    let secret = page.text().split_once("id=\"access-token\">").unwrap().1.split('<').next().unwrap();
    for shown in ["<dd>3 of 3 ", "100 uses in 1 minute<br>1,000 uses in 1 day"] {
        assert!(page.text().contains(shown), "{shown}: {}", page.text());
    }
    let auth = async || app.get("/auth/demo?permission=read").bearer(secret).status().await;
    let left = async |shown: &str| {
        let page = person.open(&path_of(id)).await;
        assert!(page.text().contains(&format!("<dd>{shown} ")), "{shown}: {}", page.text());
    };
    assert_eq!(auth().await, 200);
    left("2 of 3").await;
    let form = person.open(&format!("{}/edit", path_of(id))).await;
    for shown in
        ["name=\"uses\" value=\"2\"", "name=\"uses_shown\" value=\"2\"", "100/60\n1000/86400</textarea>"]
    {
        assert!(form.text().contains(shown), "{shown}: {}", form.text());
    }
    // The token is used while somebody looks at the form.
    assert_eq!(auth().await, 200);
    let before = limits().await;
    edit(&app, &person, id, &[("title", "x"), ("uses", "2"), ("uses_shown", "2"), rates]).await;
    edit(&app, &person, id, &[("title", "y")]).await;
    assert_eq!(limits().await, before, "a number that nobody touched starts no new count");
    left("1 of 3").await;
    edit(&app, &person, id, &[("title", "y"), ("uses", "2"), ("uses_shown", "1"), ("rates", "9/3600")]).await;
    let after = limits().await;
    assert_eq!((after.allowance.unwrap().uses, after.rates.to_string()), (2, "9/3600".to_owned()));
    left("2 of 2").await;
    assert_eq!((auth().await, auth().await, auth().await), (200, 200, 429));
    left("0 of 2").await;
    edit(&app, &person, id, &[("title", "y"), ("uses", ""), ("uses_shown", "0"), ("rates", "")]).await;
    assert!(limits().await.is_none());
    assert!(!person.open(&path_of(id)).await.text().contains("Uses left"));
    assert_eq!(auth().await, 200);
}

#[tokio::test]
async fn limits_that_make_no_sense_are_said_at_their_fields() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let before = app.count().await;
    let markup = "<script>alert(1)</script>";
    for (uses, rates, wrong) in [
        ("-1", "", "uses"),
        ("1000000000001", "", "uses"),
        (markup, "", "uses"),
        ("", "100", "rates"),
        ("", "1/1\r\n2/1", "rates"),
        ("", markup, "rates"),
    ] {
        let fields = [("others", "read"), ("scopes", "0"), ("uses", uses), ("rates", rates)];
        let answer = person.submit_from(NEW, NEW, &fields).await;
        assert_eq!(answer.status, 422, "{}", answer.text());
        for field in ["uses", "rates"] {
            let has_error = answer.text().contains(&format!("id=\"{field}-error\""));
            assert_eq!(has_error, field == wrong, "{uses} {rates}: {}", answer.text());
        }
        assert!(!answer.text().contains(markup), "what was entered stays text");
    }
    // Of what kind a token is follows from what it allows.
    for others in ["", "jeton:verify"] {
        let fields = [("user_id", "7"), ("others", others), ("scopes", "0"), ("uses", "3"), ("rates", "")];
        let answer = person.submit_from(NEW, NEW, &fields).await;
        assert!(answer.status == 422 && answer.text().contains("Only tokens that grant permissions"));
    }
    assert_eq!(app.count().await, before, "nothing was made of those");
    let id = make(&person, &[("user_id", "7"), ("scopes", "0"), ("uses", ""), ("rates", "")]).await;
    let form = person.open(&format!("{}/edit", path_of(id))).await;
    assert!(!form.text().contains("name=\"uses\""), "an identity token has none: {}", form.text());
}

#[tokio::test]
async fn a_token_is_changed_as_entered_and_no_further() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let scopes = vec![on_ids("write", &["a"]), on_tags("list", &["x", "y"])];
    let held = app.issue(titled("before", scoped(user("7"), scopes.clone()))).await;
    let edit = format!("{}/edit", path_of(held.id));
    let version = async || app.token(held.id).await.unwrap().updated_at.as_millis().to_string();
    let same = [
        ("scopes", "2"),
        ("scope.0.write", "yes"),
        ("scope.0.ids", "a"),
        ("scope.1.others", "list"),
        ("scope.1.tags", "x\r\ny"),
    ];
    let send = async |fields: &[(&str, &str)], version: &str| {
        person.submit_from(&edit, &edit, &[&same[..], fields, &[("version", version)]].concat()).await
    };
    let at = version().await;
    let answer = send(&[("title", "before")], &at).await;
    assert_eq!(answer.header("location"), Some(&*path_of(held.id)));
    assert!(person.open(&path_of(held.id)).await.text().contains("is as it was"));
    assert_eq!(version().await, at, "nothing was changed");
    app.clock.advance_millis(5);
    send(&[("title", "after"), ("tags", "t"), ("lifetime", "1")], &at).await;
    let token = app.token(held.id).await.unwrap();
    assert_eq!(token.spec.title.as_ref().unwrap().as_str(), "after");
    assert_eq!(
        (token.spec.scopes.as_slice(), token.expires_at),
        (&scopes[..], Some(app.after(crate::app::DAY)))
    );
    let stale = send(&[("title", "lost")], &at).await;
    assert!(stale.status == 422 && stale.text().contains("in the meantime"), "{}", stale.text());
    assert_eq!(app.token(held.id).await.unwrap().spec.title, token.spec.title);
    // What is emptied goes: texts, and the second scope.
    let answer = person
        .submit_from(
            &edit,
            &edit,
            &[("scopes", "2"), ("scope.0.write", "yes"), ("scope.0.ids", "a"), ("version", &version().await)],
        )
        .await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let token = app.token(held.id).await.unwrap();
    assert_eq!((token.spec.title, token.spec.tags), (None, None));
    assert_eq!(token.spec.scopes.as_slice(), &scopes[..1]);
}

#[tokio::test]
async fn scopes_that_no_form_can_hold_stay() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let many: Vec<String> = (0..900).map(|number| format!("a-resource-with-a-long-name-{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let held = app.issue(scoped(user("7"), vec![on_ids("read", &many)])).await;
    let edit = format!("{}/edit", path_of(held.id));
    let page = person.open(&edit).await;
    assert!(
        page.text().contains("more scopes than this form can hold")
            && !page.text().contains("name=\"scopes\"")
    );
    let version = app.token(held.id).await.unwrap().updated_at.as_millis().to_string();
    let answer = person.submit_from(&edit, &edit, &[("title", "new"), ("version", &version)]).await;
    assert_eq!(answer.status, 303);
    let token = app.token(held.id).await.unwrap();
    assert_eq!((token.spec.title.unwrap().as_str(), token.spec.scopes.as_slice()[0].ids.len()), ("new", 900));
}

#[tokio::test]
async fn a_token_is_disabled_enabled_and_revoked() {
    let app = TestApp::following().await;
    let person = Person::signed_in(&app).await;
    let held = app.issue(titled("ci", grant(user("7"), "read"))).await;
    let page = path_of(held.id);
    let auth = async || app.get("/auth/demo").bearer(&held.secret).status().await;
    assert_eq!(auth().await, 200);
    for (action, asks, status) in [("disable", true, 401), ("enable", false, 200), ("revoke", true, 401)] {
        let path = format!("{page}/{action}");
        let asked = if asks { path.clone() } else { page.clone() };
        assert_eq!(person.open(&asked).await.status, 200);
        assert_eq!(auth().await, if action == "enable" { 401 } else { 200 }, "asking does nothing");
        let answer = person.submit_from(&asked, &path, &[]).await;
        assert_eq!(answer.status, 303, "{action}");
        assert_eq!(auth().await, status, "{action}");
    }
    let told = person.open("/console/apps/demo/tokens").await;
    assert!(told.text().contains(&format!("Token {} was revoked.", held.id)));
    assert_eq!(person.open(&page).await.status, 404);
    assert_eq!(app.get(&page).status().await, 404, "the console is on the admin address alone");
}

#[tokio::test]
async fn nothing_entered_becomes_a_header() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let split = "x\r\nSet-Cookie: a=b\r\n\r\n<p>";
    let (id, path) = (app.issue(grant(user("7"), "read")).await.id, "/console/apps/demo/revoke-tokens");
    let all = [
        "title",
        "user_id",
        "tags",
        "description",
        "others",
        "expires_at",
        "lifetime",
        "scopes",
        "scope.0.ids",
        "scope.0.tags",
        "scope.0.others",
        "version",
        "uses",
        "uses_shown",
        "rates",
        "state",
        "tag",
        "scope",
        "unused_days",
        "created_before",
        "counted",
        "typed",
    ];
    for name in all {
        let key = person.form_key(NEW).await;
        for to in [NEW.to_owned(), format!("{}/edit", path_of(id)), path.to_owned()] {
            let answer = person.submit(&to, &[(name, split), ("form_key", &key)]).await;
            assert_eq!(answer.header("set-cookie"), None, "{to} {name}");
            let location = answer.header("location").unwrap_or_default();
            assert!(!location.contains('\n') && !location.contains("Set-Cookie"), "{to} {name}: {location}");
        }
        let encoded = "x%0d%0aSet-Cookie:%20a=b";
        for page in ["/console/apps/demo/tokens", path] {
            let answer = person.open(&format!("{page}?{name}={encoded}&count=yes")).await;
            assert_eq!(answer.header("set-cookie"), None, "{page} {name}");
        }
    }
}
