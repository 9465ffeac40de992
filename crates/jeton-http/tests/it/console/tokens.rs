//! The table of tokens, one of them, and revoking several.

use super::Person;
use crate::app::{DAY, HOUR, TestApp, With, grant, lasting, on_ids, on_tags, scoped, service, titled, user};
use jeton_core::{Label, Owner};

const TOKENS: &str = "/console/apps/demo/tokens";

/// The titles in a table, and where it goes on.
fn shown(page: &str) -> (Vec<String>, Option<String>) {
    let rows = page.split("<th scope=\"row\"").skip(1);
    let titles = rows.map(|row| {
        let cell = row.split_once("<span>").unwrap().1;
        let cell = cell.split("<br>").next().unwrap();
        let text = cell.split('>').find(|part| !part.starts_with('<') && !part.is_empty()).unwrap();
        text.split('<').next().unwrap().to_owned()
    });
    let next = page.split_once("\" rel=\"next\"").map(|(before, _)| {
        before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&").replace("&amp;", "&")
    });
    (titles.collect(), next)
}

async fn titles(person: &Person<'_>, query: &str) -> Vec<String> {
    let answer = person.open(&format!("{TOKENS}?{query}")).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text());
    shown(answer.text()).0
}

async fn with_tokens() -> TestApp {
    let app = TestApp::new().await;
    let sensor = scoped(user("7"), vec![on_ids("read,write", &["sensor-7"]), on_tags("read", &["floor-3"])]);
    let sorts = [
        titled("ci", grant(user("7"), "read")),
        titled("ci-2", lasting(DAY, grant(user("7"), "read"))),
        titled("old", lasting(HOUR, grant(Owner::Nobody, "read"))),
        titled("sensor", sensor).with(|token| token.spec.tags = Label::new("iot, eu".to_owned()).ok()),
        grant(user("alice"), "write"),
    ];
    for issue in sorts {
        app.issue(issue).await;
    }
    app.clock.advance_millis(HOUR);
    app
}

#[tokio::test]
async fn tokens_are_found_by_what_they_are() {
    let app = with_tokens().await;
    let person = Person::signed_in(&app).await;
    for (query, expected) in [
        ("", vec!["Token 6", "sensor", "old", "ci-2", "ci", "admin"]),
        ("sort=oldest", vec!["admin", "ci", "ci-2", "old", "sensor", "Token 6"]),
        ("sort=title", vec!["admin", "ci", "ci-2", "old", "sensor"]),
        ("sort=ending", vec!["ci-2"]),
        ("title=ci", vec!["ci"]),
        ("title=ci*", vec!["ci", "ci-2"]),
        ("title=ci*&sort=newest", vec!["ci-2", "ci"]),
        ("user_id=7", vec!["sensor", "ci-2", "ci"]),
        ("tag=eu", vec!["sensor"]),
        ("scope=sensor-7", vec!["sensor"]),
        ("scope=floor-3", vec!["sensor"]),
        ("scope=write", vec!["Token 6", "sensor"]),
        ("state=active", vec!["Token 6", "sensor", "ci-2", "ci", "admin"]),
        ("state=expired", vec!["old"]),
        ("state=disabled", vec![]),
        ("expires_within_days=7", vec!["ci-2"]),
        ("expires_within_days=never", vec!["Token 6", "sensor", "ci", "admin"]),
        ("eternal=true&user_id=7", vec!["sensor", "ci"]),
        ("unused_days=0", vec!["admin", "ci", "ci-2", "old", "sensor", "Token 6"]),
        ("unused_days=90", vec![]),
        ("created_before=2026-01-02", vec![]),
        ("created_before=2026-01-03&title=ci", vec!["ci"]),
    ] {
        assert_eq!(titles(&person, query).await, expected, "{query}");
    }
    let found = person.open(&format!("{TOKENS}?id=3")).await;
    assert_eq!((found.status.as_u16(), found.header("location")), (303, Some("/console/apps/demo/tokens/3")));
    for id in ["99", "x", "0"] {
        let page = person.open(&format!("{TOKENS}?id={id}")).await;
        assert!(page.text().contains("no token of this number") && shown(page.text()).0.is_empty(), "{id}");
    }
    for bad in ["state=live", "sort=size", "cursor=x", "unused_days=x", "title=ci*&cursor=7"] {
        assert_eq!(person.open(&format!("{TOKENS}?{bad}")).await.status, 400, "{bad}");
    }
    assert_eq!(person.open("/console/apps/nobody/tokens").await.status, 404);
}

#[tokio::test]
async fn a_table_goes_on_page_by_page() {
    let app = TestApp::new().await;
    for number in 0..120 {
        app.issue(titled(&format!("t{number:03}"), grant(user("7"), "read"))).await;
    }
    let person = Person::signed_in(&app).await;
    for (query, first) in [("sort=newest&title=t*", "t119"), ("title=t*", "t000"), ("user_id=7", "t119")] {
        let (mut all, mut path) = (Vec::new(), format!("{TOKENS}?{query}"));
        loop {
            let page = person.open(&path).await;
            let (titles, next) = shown(page.text());
            all.extend(titles);
            match next {
                Some(next) => path = next,
                None => break,
            }
        }
        assert_eq!((all.len(), all[0].as_str()), (120, first), "{query}");
    }
    let page = person.open(&format!("{TOKENS}?user_id=7")).await;
    assert!(page.text().contains("120 tokens"), "a kept total is told");
    let page = person.open(&format!("{TOKENS}?state=active")).await;
    assert!(!page.text().contains("120 tokens"), "nothing is counted for a page");
}

#[tokio::test]
async fn a_use_is_known_at_once() {
    let app = TestApp::new().await;
    let person = Person::signed_in(&app).await;
    let one = app.issue(titled("one", grant(user("7"), "read"))).await;
    app.issue(titled("two", grant(user("7"), "read"))).await;
    assert_eq!(titles(&person, "unused_days=never&user_id=7").await, ["one", "two"]);
    assert_eq!(app.get("/auth/demo").bearer(&one.secret).status().await, 200);
    assert_eq!(titles(&person, "unused_days=never&user_id=7").await, ["two"]);
    app.clock.advance_millis(91 * DAY);
    let person = Person::signed_in(&app).await;
    assert_eq!(titles(&person, "unused_days=90&user_id=7").await, ["one", "two"]);
    assert_eq!(app.get("/auth/demo").bearer(&one.secret).status().await, 200);
    assert_eq!(titles(&person, "unused_days=90&user_id=7").await, ["two"]);
    let page = person.open(&format!("{TOKENS}/{}", one.id)).await;
    assert!(page.text().contains("<dt>Uses</dt><dd>2</dd>"), "{}", page.text());
}

#[tokio::test]
async fn a_token_is_told_in_words() {
    let app = with_tokens().await;
    let person = Person::signed_in(&app).await;
    let page = person.open(&format!("{TOKENS}/5")).await;
    for part in [
        "may read and write what has the id sensor-7",
        "may read what has the tag floor-3",
        "iot, eu",
        "Token issued",
        "Command line",
        "........",
    ] {
        assert!(page.text().contains(part), "{part}: {}", page.text());
    }
    // Of another app, and of none.
    app.create_app("other").await;
    let other = app.issue_in("other", grant(user("7"), "read")).await;
    assert_eq!(person.open(&format!("/console/apps/other/tokens/{}", other.id)).await.status, 200);
    for path in [format!("{TOKENS}/{}", other.id), format!("{TOKENS}/99"), format!("{TOKENS}/x")] {
        assert_eq!(person.open(&path).await.status, 404, "{path}");
    }
    let key = person.form_key("/console/").await;
    for action in ["edit", "disable", "enable", "rotate", "revoke"] {
        let path = format!("{TOKENS}/{}/{action}", other.id);
        let fields = [("form_key", &*key), ("title", "mine"), ("scopes", "0"), ("grace", "0")];
        assert_eq!(person.submit(&path, &fields).await.status, 404, "{action}");
        if action != "enable" && action != "rotate" {
            assert_eq!(person.open(&path).await.status, 404, "{action}");
        }
    }
    assert_eq!(app.get("/auth/other").bearer(&other.secret).status().await, 200);
}

#[tokio::test]
async fn the_tester_answers_as_verification_does() {
    let app = with_tokens().await;
    let person = Person::signed_in(&app).await;
    let manager = app.issue(service(user("1"), "jeton:verify")).await;
    let ask = async |id: i64, query: &str| {
        let page = person.open(&format!("{TOKENS}/{id}?ask=yes&{query}")).await;
        assert_eq!(page.status, 200);
        let verdict = page.text().split_once("id=\"verdict\"").map(|(_, verdict)| verdict.to_owned());
        verdict.map_or_else(
            || page.text().to_owned(),
            |verdict| verdict.split("</section>").next().unwrap().to_owned(),
        )
    };
    for (id, query, parts) in [
        (5, "permission=write&id=sensor-7", vec!["Allowed", "may read and write what has the id sensor-7"]),
        (
            5,
            "permission=write&id=sensor-8&tags=floor-3",
            vec!["Refused", "covers neither this id nor these tags", "does not hold write"],
        ),
        (5, "permission=read&tags=floor-3,+west", vec!["Allowed", "the tag floor-3"]),
        (5, "permission=read", vec!["Refused", "is for single resources, and none was named"]),
        (5, "", vec!["Allowed", "nothing more was asked"]),
        (4, "permission=read", vec!["Refused", "has expired"]),
        (manager.id, "", vec!["Refused", "does not know it"]),
        (5, "id=sensor-7", vec!["A resource needs a permission."]),
        (5, "permission=a+b", vec!["A permission is a name"]),
    ] {
        let verdict = ask(id, query).await;
        for part in parts {
            assert!(verdict.contains(part), "{id} {query}: {part} in {verdict}");
        }
    }
    assert_eq!(titles(&person, "unused_days=never&title=sensor").await, ["sensor"], "that is no use of it");
}

#[tokio::test]
async fn several_are_revoked_once_their_number_is_typed() {
    let app = with_tokens().await;
    let person = Person::signed_in(&app).await;
    let path = "/console/apps/demo/revoke-tokens";
    let asked = format!("{path}?user_id=7&count=yes");
    let page = person.open(&asked).await;
    assert!(page.text().contains("Revoke 3 tokens?"), "{}", page.text());
    let send = async |fields: &[(&str, &str)]| person.submit_from(&asked, path, fields).await;
    let mistyped = send(&[("user_id", "7"), ("counted", "3"), ("typed", "2")]).await;
    assert!(mistyped.status == 422 && mistyped.text().contains("does not match the number"));
    app.issue(titled("late", grant(user("7"), "read"))).await;
    let moved = send(&[("user_id", "7"), ("counted", "3"), ("typed", "3")]).await;
    assert_eq!(moved.status, 422);
    assert!(moved.text().contains("3 matched before, 4 do now") && moved.text().contains("Revoke 4 tokens?"));
    assert_eq!(titles(&person, "user_id=7").await.len(), 4, "nothing was done");
    for everything in [&[("counted", "7"), ("typed", "7")][..], &[("user_id", "7"), ("typed", "4")][..]] {
        assert_eq!(send(everything).await.status, 400);
    }
    let done = send(&[("user_id", "7"), ("counted", "4"), ("typed", "4")]).await;
    assert_eq!((done.status.as_u16(), done.header("location")), (303, Some(TOKENS)));
    let page = person.open(TOKENS).await;
    assert!(page.text().contains("4 tokens were revoked."));
    assert_eq!(shown(page.text()).0, ["Token 6", "old", "admin"]);
    assert_eq!(titles(&person, "state=revoked").await, ["late", "sensor", "ci-2", "ci"]);
    for (query, said) in
        [("count=yes", "Name at least one condition."), ("count=yes&title=x", "nothing to revoke")]
    {
        let page = person.open(&format!("{path}?{query}")).await;
        assert!(page.text().contains(said) && !page.text().contains("id=\"counted\""), "{query}");
    }
    assert_eq!(person.open(&format!("{path}?state=revoked&count=yes")).await.status, 400);
}

#[tokio::test]
async fn a_secret_is_replaced_and_the_one_of_before_lasts_as_long_as_was_chosen() {
    let app = with_tokens().await;
    let person = Person::signed_in(&app).await;
    let held = app.issue(grant(user("7"), "read")).await;
    let path = format!("{TOKENS}/{}", held.id);
    for grace in ["", "1", "-1", "31536000"] {
        let answer = person.submit_from(&path, &format!("{path}/rotate"), &[("grace", grace)]).await;
        assert_eq!(answer.status, 400, "{grace}");
    }
    let answer = person.submit_from(&path, &format!("{path}/rotate"), &[("grace", "3600")]).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    let page = person.open(&path).await;
    let secret =
        page.text().split_once("id=\"access-token\">").unwrap().1.split('<').next().unwrap().to_owned();
    assert!(page.text().contains(&format!("The secret of token {} was replaced.", held.id)));
    assert!(!person.open(&path).await.text().contains(&secret), "once is once");
    let good = async |secret: &str| app.get("/auth/demo?permission=read").bearer(secret).status().await;
    assert_eq!((good(&secret).await, good(&held.secret).await), (200, 200));
    app.clock.advance_millis(HOUR);
    assert_eq!((good(&secret).await, good(&held.secret).await), (200, 401));
    // Without a grace the one of before is refused from the answer on. The session has ended meanwhile.
    let person = Person::signed_in(&app).await;
    assert_eq!(person.submit_from(&path, &format!("{path}/rotate"), &[("grace", "0")]).await.status, 303);
    assert_eq!(good(&secret).await, 401);
}
