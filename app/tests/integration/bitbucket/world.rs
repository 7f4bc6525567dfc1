//! A sandbox, a directory of installations in memory, and the app's way to both.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use penstock_app::bitbucket::{
    Bitbucket, Credential, Credentials, InRepository, Network, NoCredential, Reach, Revision, Tenants, patience,
};
use penstock_app::hosts::Hosts;
use penstock_common::bitbucket::client::{Grant, Granted, Granting, Patience};
use penstock_common::{Secret, Uuid};
use penstock_sandbox::{Commit, Sandbox};

pub(crate) const SHOP: &str = "acme/shop";
pub(crate) const SCOPES: [&str; 4] = ["account", "repository:write", "pullrequest:write", "pipeline"];

/// Waits that nobody notices.
pub(crate) fn quick() -> Patience {
    Patience {
        first_wait: Duration::from_millis(1),
        near_limit: Duration::from_millis(1),
        late: Duration::from_millis(500),
        ..patience()
    }
}

pub(crate) fn reach(api: &str) -> Reach {
    let hosts = Hosts::development(api, "http://127.0.0.1:9", "http://127.0.0.1:9").unwrap();
    Reach::new(&hosts, &Network::default(), quick()).unwrap()
}

/// Installations in memory, each with a token that is handed out as if it were granted.
#[derive(Clone, Default)]
pub(crate) struct Directory(Arc<Mutex<HashMap<Uuid, Installation>>>);

#[derive(Clone)]
pub(crate) struct Installation {
    token: String,
    pub(crate) grants: Arc<AtomicUsize>,
    expires_in: Duration,
}

impl Directory {
    pub(crate) fn install(&self, workspace: Uuid, token: &str) -> Arc<AtomicUsize> {
        self.install_for(workspace, token, Duration::from_secs(3600))
    }

    pub(crate) fn install_for(&self, workspace: Uuid, token: &str, expires_in: Duration) -> Arc<AtomicUsize> {
        let grants = Arc::new(AtomicUsize::new(0));
        let installation = Installation { token: token.to_owned(), grants: Arc::clone(&grants), expires_in };
        self.0.lock().unwrap().insert(workspace, installation);
        grants
    }

    pub(crate) fn uninstall(&self, workspace: Uuid) {
        self.0.lock().unwrap().remove(&workspace);
    }
}

impl Credentials for Directory {
    async fn credentials(&self, workspace: Uuid) -> Result<Credential, NoCredential> {
        let found = self.0.lock().unwrap().get(&workspace).cloned();
        let installation = found.ok_or(NoCredential::NotInstalled)?;
        let revision = Revision::of(&[installation.token.as_bytes()]);
        Ok(Credential { revision, grant: Arc::new(installation) })
    }
}

impl Grant for Installation {
    fn grant(&self) -> Granting<'_> {
        self.grants.fetch_add(1, Ordering::SeqCst);
        let granted =
            Granted { token: Secret::new(self.token.clone()), expires_in: self.expires_in, scopes: Vec::new() };
        Box::pin(std::future::ready(Ok(granted)))
    }
}

/// Bitbucket of one workspace at an API that a test plays.
pub(crate) async fn bitbucket_at(api: &str, workspace: Uuid) -> Bitbucket {
    let directory = Directory::default();
    directory.install(workspace, "a-token");
    Tenants::new(reach(api).api, directory).of(workspace).await.unwrap()
}

/// A sandbox with a repository.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) directory: Directory,
    pub(crate) tenants: Tenants<Directory>,
    pub(crate) workspace: Uuid,
    pub(crate) repository: Uuid,
    /// Commits of `main`, the oldest first.
    pub(crate) commits: Vec<String>,
}

impl World {
    /// With so many commits on `main`.
    pub(crate) fn new(commits: usize) -> Self {
        let sandbox = Sandbox::new().unwrap();
        sandbox.repository(SHOP).unwrap();
        let push = |number| {
            let commit = Commit::new(&format!("commit {number}")).write("a.txt", format!("{number}\n"));
            sandbox.push(SHOP, "main", &commit).unwrap()
        };
        let commits: Vec<String> = (0..commits).map(push).collect();
        let step = sandbox.branch_step(SHOP, "main").unwrap();
        let told: HashMap<String, String> = sandbox.step_environment(&step).into_iter().collect();
        let workspace = told["BITBUCKET_WORKSPACE_UUID"].parse().unwrap();
        let repository = told["BITBUCKET_REPO_UUID"].parse().unwrap();
        let directory = Directory::default();
        directory.install(workspace, &sandbox.workspace_token("acme", &SCOPES).unwrap());
        let tenants = Tenants::new(reach(&sandbox.api_url()).api, directory.clone());
        Self { sandbox, directory, tenants, workspace, repository, commits }
    }

    pub(crate) async fn bitbucket(&self) -> Bitbucket {
        self.tenants.of(self.workspace).await.unwrap()
    }

    pub(crate) async fn shop(&self) -> InRepository {
        self.bitbucket().await.in_repository(self.repository)
    }

    /// How many requests the sandbox has seen.
    pub(crate) fn requests(&self) -> usize {
        self.sandbox.journal().len()
    }

    /// A commit on top of a branch.
    pub(crate) fn push(&self, branch: &str, file: &str) -> String {
        self.sandbox.push(SHOP, branch, &Commit::new(file).write(file, "x\n")).unwrap()
    }
}

pub(crate) fn commit(hash: &str) -> penstock_app::track::Commit {
    hash.parse().unwrap()
}

pub(crate) fn uuid(byte: u8) -> Uuid {
    Uuid::from([byte; 16])
}
