//! What an operator does in a day.

use super::Scene;
use jeton_testkit::Browser;

#[test]
fn an_operator_signs_in_looks_around_and_signs_out() {
    if jeton_testkit::skips("a browser") {
        return;
    }
    for has_scripts in [true, false] {
        let scene = Scene::new();
        let browser = Browser::start("en", has_scripts);
        browser.open(&scene.url("/apps"));
        assert_eq!(browser.title(), "Sign in · Jeton");
        browser.find("#token").type_in("wrong");
        browser.named("Sign in").follow();
        assert!(browser.text().contains("This is not the token of an operator."));
        browser.find("#token").type_in(scene.installation.credential("operator_token"));
        browser.named("Sign in").follow();
        assert_eq!(browser.url(), scene.url("/apps"), "it leads to what was asked for");
        assert_eq!(browser.find("tbody th").text(), "demo\nDefault");
        browser.named("中文").follow();
        assert_eq!((browser.url(), browser.title()), (scene.url("/apps"), "应用 · Jeton".to_owned()));
        browser.named("退出登录").follow();
        assert!(browser.text().contains("已退出登录。"));
        browser.open(&scene.url("/apps"));
        assert_eq!(browser.title(), "登录 · Jeton");
        let complaints = browser.complaints();
        assert!(complaints.iter().all(|one| one.contains("401 (Unauthorized)")), "{complaints:#?}");
        let sent = browser.sent().into_iter().map(|sent| sent.url).filter(|url| url.starts_with("http"));
        let elsewhere: Vec<String> = sent.filter(|url| !url.starts_with(&scene.url(""))).collect();
        assert!(elsewhere.is_empty(), "{elsewhere:#?}");
    }
}
