//! A window of the browser, and what can be done in it.
//!
//! Owns the words of WebDriver and of Chromium's own commands. What fails in it fails the test.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::driver::Driver;

/// How an element is named in answers.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// How long something may take to be there.
const PATIENCE: Duration = Duration::from_secs(15);
const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
];

/// A window.
pub(super) struct Tab {
    client: reqwest::Client,
    at: String,
    _turn: tokio::sync::OwnedMutexGuard<()>,
    _driver: Arc<Driver>,
}

impl Tab {
    /// A window of a browser that remembers nothing. `None` where there is no browser.
    pub(super) async fn open() -> Option<Self> {
        let driver = Driver::get()?;
        let turn = Arc::clone(&driver.turn).lock_owned().await;
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let options = json!({
            "args": ARGUMENTS,
            // No cookies of third parties.
            "prefs": {"profile.cookie_controls_mode": 1, "profile.block_third_party_cookies": true},
        });
        let wanted = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let body = json!({"capabilities": {"alwaysMatch": wanted}});
        let begun = ask(client.post(format!("{}/session", driver.base)).json(&body)).await.unwrap();
        let at = format!("{}/session/{}", driver.base, begun["sessionId"].as_str().unwrap());
        Some(Self { client, at, _turn: turn, _driver: driver })
    }

    /// Ends the window. A test that fails leaves it to the driver's end.
    pub(super) async fn close(self) {
        ask(self.client.delete(&self.at)).await.unwrap();
    }

    async fn post(&self, what: &str, body: Value) -> Value {
        self.try_post(what, body).await.unwrap_or_else(|why| panic!("{what}: {why}"))
    }

    async fn try_post(&self, what: &str, body: Value) -> Result<Value, String> {
        ask(self.client.post(format!("{}/{what}", self.at)).json(&body)).await
    }

    async fn read(&self, what: &str) -> Value {
        ask(self.client.get(format!("{}/{what}", self.at))).await.unwrap_or_else(|why| panic!("{what}: {why}"))
    }

    /// Goes to an address and waits until it is loaded.
    pub(super) async fn go(&self, url: &str) {
        self.post("url", json!({"url": url})).await;
    }

    /// Where it is.
    pub(super) async fn url(&self) -> String {
        self.read("url").await.as_str().unwrap().to_owned()
    }

    /// A command of Chromium's own.
    pub(super) async fn command(&self, name: &str, parameters: Value) -> Value {
        self.post("goog/cdp/execute", json!({"cmd": name, "params": parameters})).await
    }

    /// How large the page is shown, in CSS pixels.
    pub(super) async fn resize(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", metrics).await;
    }

    /// What the system asks of pages: `light` or `dark`, and whether more contrast.
    pub(super) async fn prefer(&self, scheme: &str, more_contrast: bool) {
        let contrast = if more_contrast { "more" } else { "no-preference" };
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-contrast", "value": contrast},
        ]);
        self.command("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }

    /// Runs a function's body in the page and hands back what it returns.
    pub(super) async fn run(&self, script: &str, arguments: Value) -> Value {
        self.post("execute/sync", json!({"script": script, "args": arguments})).await
    }

    /// The same, for one whose last argument is to be called with the result.
    pub(super) async fn run_until(&self, script: &str, arguments: Value) -> Value {
        self.post("execute/async", json!({"script": script, "args": arguments})).await
    }

    /// Goes into a frame of the page.
    pub(super) async fn enter(&self, css: &str) {
        let element = self.element(css).await;
        self.post("frame", json!({"id": {ELEMENT: element}})).await;
    }

    /// Back to the whole page.
    pub(super) async fn out_of_frames(&self) {
        self.post("frame", json!({"id": null})).await;
    }

    /// The first element that fits, once it is there.
    async fn element(&self, css: &str) -> String {
        let begin = std::time::Instant::now();
        loop {
            match self.try_post("element", json!({"using": "css selector", "value": css})).await {
                Ok(found) => return found[ELEMENT].as_str().unwrap().to_owned(),
                Err(_) if begin.elapsed() < PATIENCE => tokio::time::sleep(Duration::from_millis(100)).await,
                Err(why) => panic!("{css}: {why}\n{}", self.text().await),
            }
        }
    }

    /// Whether something is there now.
    pub(super) async fn has(&self, css: &str) -> bool {
        self.try_post("element", json!({"using": "css selector", "value": css})).await.is_ok()
    }

    /// Presses something.
    pub(super) async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.post(&format!("element/{element}/click"), json!({})).await;
    }

    /// Presses something that leads to another page, and waits until this one is gone.
    pub(super) async fn leave(&self, css: &str) {
        let page = self.element("html").await;
        self.click(css).await;
        let begin = std::time::Instant::now();
        while ask(self.client.get(format!("{}/element/{page}/name", self.at))).await.is_ok() {
            assert!(begin.elapsed() < PATIENCE, "`{css}` does not lead away from {}", self.url().await);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes into a field.
    pub(super) async fn write(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        self.post(&format!("element/{element}/value"), json!({"text": text})).await;
    }

    /// Presses a key in the page.
    pub(super) async fn key(&self, key: char) {
        let actions = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        self.post("actions", json!({"actions": [{"type": "key", "id": "keys", "actions": actions}]})).await;
    }

    /// What can be read on the page.
    pub(super) async fn text(&self) -> String {
        self.run("return document.body ? document.body.innerText : ''", json!([]))
            .await
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until this can be read on the page.
    pub(super) async fn sees(&self, words: &str) {
        let begin = std::time::Instant::now();
        while !self.text().await.contains(words) {
            assert!(
                begin.elapsed() < PATIENCE,
                "`{words}` is not to be read on {}:\n{}",
                self.url().await,
                self.text().await
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What the browser noted since it was last asked: `browser` (complaints) or `performance` (what went over the wire).
    pub(super) async fn log(&self, kind: &str) -> Vec<Value> {
        let noted = self.post("se/log", json!({"type": kind})).await;
        noted.as_array().cloned().unwrap_or_default()
    }

    /// A picture of what is shown, as PNG.
    pub(super) async fn picture(&self) -> Vec<u8> {
        use base64::Engine as _;
        let wanted = json!({"format": "png", "captureBeyondViewport": true});
        let shot = self.command("Page.captureScreenshot", wanted).await;
        base64::prelude::BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap()
    }
}

/// The value of an answer, or what the driver says is wrong.
async fn ask(request: reqwest::RequestBuilder) -> Result<Value, String> {
    let response = request.send().await.map_err(|error| error.to_string())?;
    let good = response.status().is_success();
    let mut body: Value = response.json().await.map_err(|error| error.to_string())?;
    let value = body["value"].take();
    if good { Ok(value) } else { Err(value["message"].as_str().unwrap_or_default().to_owned()) }
}
