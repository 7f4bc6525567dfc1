//! A Bitbucket with the app in it, as a browser sees them, and somebody who looks.

use crate::program::world::verbatim;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use penstock_app::crypto::MasterKeys;
use penstock_common::metrics::Lines;
use penstock_common::{Finding, Severity};
use penstock_sandbox::{Bitbucket, Commit, Permission, Sandbox, Scene, Step};
use serde_json::json;
use tempfile::TempDir;

use super::tab::Tab;
use crate::program::told::metrics;
use crate::program::world::{APP, App, REPOSITORY, WORKSPACE, clock_ahead, finding, upload};

/// Everything that people can put into a name or a message.
pub(super) const HOSTILE: &str = "\"><img src=x onerror=alert(1)> <script>alert(2)</script> {{7*7}} \u{202e}drow ]](javascript:alert(3)) `tick` | pipe";

/// A stage with a browser before it.
pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    pub(super) app: App,
    pub(super) tab: Tab,
    /// By how much the app's clock is ahead, in milliseconds.
    ahead: Arc<AtomicI64>,
    _folder: TempDir,
}

impl Stage {
    /// With an empty repository in which the app is installed. `None` where there is no browser.
    pub(super) async fn new() -> Option<Self> {
        let tab = Tab::open().await?;
        let sandbox = Sandbox::new().unwrap();
        sandbox.repository(REPOSITORY).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("master.key");
        MasterKeys::read_or_create(&key).unwrap();
        let (clock, ahead) = clock_ahead();
        // The host's pages have another name than the frames.
        let site = sandbox.page_url();
        let app = App::start_seen_at(&sandbox, None, folder.path(), &key, clock, &site).await;
        app.install(&sandbox, WORKSPACE).await;
        Some(Self { sandbox, app, tab, ahead, _folder: folder })
    }

    /// Lets the app's clock go on.
    pub(super) fn wait(&self, milliseconds: i64) {
        self.ahead.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// Somebody with a right in the repository.
    pub(super) fn person(&self, name: &str, permission: Permission) -> String {
        let person = self.sandbox.person(name).uuid;
        self.sandbox.permit(REPOSITORY, &person, permission).unwrap();
        person
    }

    /// The main branch is scanned and has these findings.
    pub(super) async fn scan_main(&self, findings: &[Finding]) {
        if self.sandbox.tip(REPOSITORY, "main").is_err() {
            self.sandbox.push(REPOSITORY, "main", &Commit::new("Begin").write("a.rs", "1")).unwrap();
        }
        self.send(&self.sandbox.branch_step(REPOSITORY, "main").unwrap(), findings).await;
    }

    /// Sends a run that says all that a run can say.
    async fn send(&self, step: &Step, findings: &[Finding]) {
        let mut upload = upload(&self.sandbox, step, findings);
        upload.run.finished_at = Some("2026-11-25T10:01:00Z".to_owned());
        upload.run.metrics = Some(metrics(1234, 835, Some(Lines { covered: 25, total: 30 })));
        let (status, body) = self.app.send(&self.sandbox.oidc_token(step, &[&self.app.base]), &upload).await;
        assert_eq!(status, 201, "{body}");
    }

    /// A pull request by somebody.
    pub(super) async fn open(&self, by: &Bitbucket, branch: &str, title: &str) -> u64 {
        by.branch(REPOSITORY, branch, "main").unwrap();
        by.push(REPOSITORY, branch, &Commit::new("More").write(format!("{}.rs", branch.len()), "1")).unwrap();
        let number = by.open_pull_request(REPOSITORY, title, branch, "main").unwrap();
        self.app.settle(&self.sandbox).await;
        number
    }

    /// The pull request is scanned and has these findings.
    pub(super) async fn scan(&self, number: u64, findings: &[Finding]) {
        self.send(&self.sandbox.pull_request_step(REPOSITORY, number).unwrap(), findings).await;
    }

    /// Somebody opens a page of the host, in these colours.
    pub(super) async fn visit(&self, person: &str, scheme: &str, path: &str) {
        let site = self.sandbox.page_url();
        for (name, value) in [("viewer", person.trim_matches(['{', '}'])), ("scheme", scheme)] {
            self.tab.command("Network.setCookie", json!({"name": name, "value": value, "url": site})).await;
        }
        self.tab.out_of_frames().await;
        self.tab.go(&format!("{site}{path}")).await;
    }

    /// Somebody looks at a place of the app within the host's page.
    pub(super) async fn look(&self, person: &str, path: &str, frame: &str) {
        self.visit(person, "system", path).await;
        self.tab.enter(&format!("#{frame}")).await;
    }

    /// Where a place of the app leads to when it is opened by itself: the address of a page, and of all pages beside it.
    pub(super) async fn alone(&self, module: &str, scene: &Scene) -> String {
        let url = self.sandbox.frame(APP, WORKSPACE, module, scene).unwrap();
        self.tab.go(&url).await;
        self.tab.url().await
    }
}

/// Many findings of all kinds, some with names that try to be more than text.
pub(super) fn many() -> Vec<Finding> {
    let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let mut all: Vec<Finding> = (0..60)
        .map(|number: usize| {
            let one = finding(&format!("rule-{number}"), &format!("src/file_{number}.rs"), severities[number % 5]);
            let owners = ["@jo".into(), verbatim(&format!("{}@example.com", "long.".repeat(40)))];
            Finding { owners: owners.into_iter().take(number % 3).collect(), ..one }
        })
        .collect();
    all.push(hostile("hostile-1", &format!("src/{HOSTILE}.rs")));
    all.push(hostile("hostile-2", &format!("{}/x.rs", "a-long-name-without-an-end-".repeat(9))));
    all
}

/// A finding whose every word is hostile.
pub(super) fn hostile(rule: &str, path: &str) -> Finding {
    let plain = finding(rule, path, Severity::High);
    Finding {
        title: verbatim(HOSTILE),
        message: verbatim(&HOSTILE.repeat(3)),
        remediation: Some(verbatim(HOSTILE)),
        ..plain
    }
}
