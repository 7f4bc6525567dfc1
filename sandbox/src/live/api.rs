//! The app's API, as a program of the team uses it: with a token of the app.

use penstock_sandbox::Sandbox;
use serde_json::{Value, json};

use crate::Failure;
use crate::copies::Copies;

/// A client with a token that may judge.
pub(super) struct Api {
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    base: String,
    token: String,
}

impl Api {
    pub(super) fn new(sandbox: &Sandbox, app: &Copies, workspace: &str) -> Result<Self, Failure> {
        let installed = sandbox.installed();
        let here = installed.iter().find(|known| known.workspace == workspace).ok_or("the app is not installed")?;
        let uuid = here.workspace_uuid.trim_matches(['{', '}']);
        let token =
            app.command(&["tokens", "create", "--workspace", uuid, "--name", "triage", "--scopes", "read,triage"])?;
        // It speaks to loopback only; that another part of the program chose the same provider before does not matter.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            client: reqwest::Client::builder().no_proxy().build()?,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
            base: app.base().to_owned(),
            token: token.trim().to_owned(),
        })
    }

    /// Says of what is open on the main branch at a path what it is. With `days`, for so long.
    pub(super) fn judge(&self, repository: &str, path: &str, judgement: &Judgement, now: i64) -> Result<(), Failure> {
        let repository = repository.trim_matches(['{', '}']);
        let all = format!("{}/api/v1/repositories/{repository}/findings", self.base);
        let found = self.ask(self.client.get(format!("{all}?limit=500")))?;
        let found = found["findings"].as_array().cloned().unwrap_or_default();
        let meant: Vec<&str> =
            found.iter().filter(|one| one["path"] == path).filter_map(|one| one["id"].as_str()).collect();
        if meant.is_empty() {
            return Err(format!("nothing is open at {path}").into());
        }
        for id in meant {
            let mut body = json!({"status": judgement.status, "reason": judgement.reason});
            if let Some(days) = judgement.days {
                body["expires_at"] = ((now + days * 86_400) * 1000).into();
            }
            self.ask(self.client.post(format!("{all}/{id}/triage")).json(&body))?;
        }
        Ok(())
    }

    fn ask(&self, request: reqwest::RequestBuilder) -> Result<Value, Failure> {
        self.runtime.block_on(async {
            let response = request.bearer_auth(&self.token).send().await?;
            let status = response.status();
            let body: Value = response.json().await?;
            if status.is_success() { Ok(body) } else { Err(format!("the app answered {status}: {body}").into()) }
        })
    }
}

/// What is said of a finding.
pub(super) struct Judgement {
    pub(super) status: &'static str,
    pub(super) reason: &'static str,
    pub(super) days: Option<i64>,
}
