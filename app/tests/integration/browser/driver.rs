//! The browser's process.
//!
//! Owns `chromedriver` and that it ends: whoever drives a browser holds it, and the last one ends it. WebDriver is JSON over HTTP
//! (<https://www.w3.org/TR/webdriver2/>); the libraries for it bring a licence or features that this workspace does not take.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A `chromedriver` that listens.
pub(super) struct Driver {
    process: Child,
    pub(super) base: String,
    /// One test at a time has the browser: it has few processors.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
}

impl Driver {
    /// The one that runs, or a new one. `None` where there is no Chromium; then nothing is tested, unless that is forbidden.
    pub(super) fn get() -> Option<Arc<Self>> {
        static RUNNING: Mutex<Weak<Driver>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(driver) = running.upgrade() {
            return Some(driver);
        }
        let Some(driver) = Self::start() else {
            #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
            let complete = std::env::var("TESTS_MUST_BE_COMPLETE").is_ok();
            assert!(!complete, "there is no `chromedriver`: on Debian the package `chromium-driver` has it");
            return None;
        };
        let driver = Arc::new(driver);
        *running = Arc::downgrade(&driver);
        Some(driver)
    }

    fn start() -> Option<Self> {
        #[expect(clippy::disallowed_methods, reason = "the browser is another program")]
        let mut command = Command::new("chromedriver");
        let mut process = command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        // It says on which port it listens.
        let mut lines = BufReader::new(process.stdout.take()?).lines().map_while(Result::ok);
        let told = |line: String| {
            line.split_once("started successfully on port ")?.1.trim_end_matches('.').parse::<u16>().ok()
        };
        let port = lines.find_map(told);
        let Some(port) = port else {
            let _ = process.kill();
            let _ = process.wait();
            panic!("`chromedriver` does not say on which port it listens");
        };
        // What it says further must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, base: format!("http://127.0.0.1:{port}"), turn: Arc::default() })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Sessions were ended by those who began them.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
