//! Chromium as people use it, driven by its own driver (W3C WebDriver).

mod wire;

use crate::Lines;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;
use wire::Wire;

/// The member of an answer that names an element (WebDriver, section 12.2).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// How often a driver is asked whether a page is there, which takes it some milliseconds each time.
const PATIENCE: u32 = 10_000;

/// How a browser starts: nothing is kept from an earlier one, and nothing is asked of other hosts.
const ARGUMENTS: [&str; 11] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",
    // They would take from the width that is asked for.
    "--hide-scrollbars",
    // A request that leaves this machine fails, and is in the log.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
];

/// A browser with one window. Dropping it ends it, and its driver.
pub struct Browser {
    wire: Wire,
    session: String,
    driver: Child,
    _profile: TempDir,
}

/// A part of a page.
#[derive(Clone, Debug)]
pub struct Element<'a> {
    browser: &'a Browser,
    id: String,
}

/// A request that a page has sent.
#[derive(Clone, Debug)]
pub struct Sent {
    /// Where to.
    pub url: String,
}

impl Browser {
    /// Starts one that asks for pages in this language, with scripts switched on or off.
    ///
    /// # Panics
    /// Chromium or its driver is not there; the message says how to get it.
    pub fn start(language: &str, has_scripts: bool) -> Self {
        let profile = tempfile::tempdir().expect("a folder can be made");
        let mut driver = Command::new(program("JETON_TEST_CHROMEDRIVER", "/usr/bin/chromedriver"))
            .args(["--port=0", "--allowed-ips=127.0.0.1"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let said = Lines::of(driver.stdout.take().expect("standard output is piped"));
        let port = said.wait_for("started successfully on port ");
        let port = port.trim_end_matches('.').parse().expect("chromedriver says its port");
        let wire = Wire::to(port);
        let mut arguments: Vec<String> = ARGUMENTS.map(str::to_owned).into();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let options = json!({
            "binary": program("JETON_TEST_CHROMIUM", "/usr/bin/chromium"),
            "args": arguments,
            "prefs": {"intl.accept_languages": language, "intl.selected_languages": language},
        });
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }}});
        let begun = wire.ask("POST", "/session", &capabilities);
        let session = text(&begun["sessionId"]);
        let browser = Browser { wire, session: format!("/session/{session}"), driver, _profile: profile };
        if !has_scripts {
            browser.tell("Emulation.setScriptExecutionDisabled", &json!({"value": true}));
        }
        browser
    }

    /// Makes the window this wide, and light or dark.
    pub fn look(&self, width: u32, scheme: &str) {
        let metrics = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.tell("Emulation.setDeviceMetricsOverride", &metrics);
        let features = json!({"features": [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]});
        self.tell("Emulation.setEmulatedMedia", &features);
    }

    /// Opens a page, and waits until it is there.
    pub fn open(&self, url: &str) {
        self.ask("POST", "/url", &json!({"url": url}));
    }

    /// Where it is now.
    pub fn url(&self) -> String {
        text(&self.ask("GET", "/url", &Value::Null))
    }

    /// The title of the page.
    pub fn title(&self) -> String {
        text(&self.ask("GET", "/title", &Value::Null))
    }

    /// The page as it was written, and as scripts have changed it.
    pub fn source(&self) -> String {
        text(&self.ask("GET", "/source", &Value::Null))
    }

    /// The only part of the page that this selector finds.
    ///
    /// # Panics
    /// There is none, or more than one.
    #[track_caller]
    pub fn find(&self, selector: &str) -> Element<'_> {
        let mut found = self.find_all(selector);
        assert_eq!(found.len(), 1, "{selector} on {}: {}", self.url(), self.text());
        found.remove(0)
    }

    /// All parts of the page that this selector finds.
    pub fn find_all(&self, selector: &str) -> Vec<Element<'_>> {
        let found = self.ask("POST", "/elements", &json!({"using": "css selector", "value": selector}));
        let elements = found.as_array().expect("elements are a list");
        elements.iter().map(|element| Element { browser: self, id: text(&element[ELEMENT]) }).collect()
    }

    /// The only link with this text, or button, as people see it.
    ///
    /// # Panics
    /// There is none, or more than one.
    #[track_caller]
    pub fn named(&self, name: &str) -> Element<'_> {
        let path = format!("//*[self::a or self::button][normalize-space(.)='{name}']");
        let found = self.ask("POST", "/elements", &json!({"using": "xpath", "value": path}));
        let elements = found.as_array().expect("elements are a list");
        assert_eq!(elements.len(), 1, "{name:?} on {}: {}", self.url(), self.text());
        Element { browser: self, id: text(&elements[0][ELEMENT]) }
    }

    /// Whatever of the page people can read.
    pub fn text(&self) -> String {
        self.find_all("body").first().map(Element::text).unwrap_or_default()
    }

    /// Runs a script in the page, and answers what it returns.
    pub fn run(&self, script: &str, arguments: &Value) -> Value {
        self.ask("POST", "/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// The same for a script that calls its last argument with what it answers.
    pub fn run_async(&self, script: &str, arguments: &Value) -> Value {
        self.ask("POST", "/execute/async", &json!({"script": script, "args": arguments}))
    }

    /// The whole page as a picture, in a file.
    pub fn picture(&self, file: &Path) {
        let taken =
            self.tell("Page.captureScreenshot", &json!({"format": "png", "captureBeyondViewport": true}));
        let picture = BASE64_STANDARD.decode(text(&taken["data"])).expect("a picture is base64");
        fs::create_dir_all(file.parent().expect("a file is in a folder")).expect("a folder can be made");
        fs::write(file, picture).expect("a file can be written");
    }

    /// What the browser has complained about since it was asked last: errors of scripts, violations of policies, files that are
    /// not there. Without those of its own pages, such as the one that it starts with.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.ask("POST", "/se/log", &json!({"type": "browser"}));
        let messages = log.as_array().expect("a log is a list").iter().map(|entry| text(&entry["message"]));
        messages.filter(|message| !message.starts_with("chrome://")).collect()
    }

    /// What it has asked for since it was asked last, whether or not there was an answer.
    pub fn sent(&self) -> Vec<Sent> {
        let log = self.ask("POST", "/se/log", &json!({"type": "performance"}));
        let entries = log.as_array().expect("a log is a list").iter();
        let events =
            entries.map(|entry| serde_json::from_str(&text(&entry["message"])).expect("events are JSON"));
        let requests = events.filter_map(|event: Value| {
            let message = &event["message"];
            let url = message["params"]["request"]["url"].as_str().map(str::to_owned)?;
            (message["method"] == "Network.requestWillBeSent").then_some(Sent { url })
        });
        requests.collect()
    }

    /// A command of Chromium's own protocol.
    pub fn tell(&self, command: &str, parameters: &Value) -> Value {
        self.ask("POST", "/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    fn is_complete(&self) -> bool {
        let asked = json!({"script": "return document.readyState === 'complete'", "args": []});
        let path = format!("{}/execute/sync", self.session);
        self.wire.try_ask("POST", &path, &asked) == Ok(json!(true))
    }

    #[track_caller]
    fn ask(&self, method: &str, command: &str, body: &Value) -> Value {
        self.wire.ask(method, &format!("{}{command}", self.session), body)
    }
}

impl Element<'_> {
    /// Clicks it, as people do: it must be there to be seen, and nothing may lie over it.
    #[track_caller]
    pub fn click(&self) {
        self.ask("POST", "click", &json!({}));
    }

    /// Clicks it, and waits until the page to which that leads is there.
    ///
    /// # Panics
    /// It leads nowhere.
    #[track_caller]
    pub fn follow(&self) {
        let before = self.browser.find("html");
        self.click();
        // A driver only waits for what has begun when it is asked, which a second redirect has not.
        let is_over = |_| !before.is_there() && self.browser.is_complete();
        assert!((0..PATIENCE).any(is_over), "this leads nowhere: {}", self.browser.url());
    }

    /// Whether it still belongs to the page that is shown.
    fn is_there(&self) -> bool {
        let path = format!("{}/element/{}/name", self.browser.session, self.id);
        self.browser.wire.try_ask("GET", &path, &Value::Null).is_ok()
    }

    /// Types a text into it.
    #[track_caller]
    pub fn type_in(&self, text: &str) {
        self.ask("POST", "value", &json!({"text": text}));
    }

    /// Replaces what it holds.
    #[track_caller]
    pub fn fill(&self, text: &str) {
        self.ask("POST", "clear", &json!({}));
        self.type_in(text);
    }

    /// What people read of it.
    pub fn text(&self) -> String {
        text(&self.ask("GET", "text", &Value::Null))
    }

    /// An attribute of it; empty: there is none.
    pub fn attribute(&self, name: &str) -> String {
        self.ask("GET", &format!("attribute/{name}"), &Value::Null).as_str().unwrap_or_default().to_owned()
    }

    /// What a field holds.
    pub fn value(&self) -> String {
        text(&self.ask("GET", "property/value", &Value::Null))
    }

    /// Whether people can see it.
    pub fn is_shown(&self) -> bool {
        self.ask("GET", "displayed", &Value::Null) == json!(true)
    }

    #[track_caller]
    fn ask(&self, method: &str, command: &str, body: &Value) -> Value {
        self.browser.ask(method, &format!("/element/{}/{command}", self.id), body)
    }
}

impl std::fmt::Debug for Browser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Browser({})", self.session)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Ends Chromium, which the driver has started; then the driver. Neither fails unless it has ended already.
        self.wire.end(&self.session);
        drop(self.driver.kill());
        drop(self.driver.wait());
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}

fn program(variable: &str, usual: &str) -> PathBuf {
    let path = std::env::var_os(variable).map_or_else(|| PathBuf::from(usual), PathBuf::from);
    assert!(
        path.is_file(),
        "{} is not there, and this test needs a browser. Run `cargo xtask test`, which installs Debian's chromium and \
         chromium-driver, or set {variable} to the program",
        path.display()
    );
    path
}
