//! Repositories.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::account::Act;
use super::permission::Permission;
use super::pull_request::{End, PullRequest, State};
use super::report::Reports;
use super::status::Statuses;
use super::{Error, Urls, Workspace};
use crate::clock;
use crate::git::Git;
use crate::random;

/// A repository: what git does not know of it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Repository {
    pub(crate) uuid: String,
    pub(crate) workspace: String,
    pub(crate) workspace_uuid: String,
    pub(crate) slug: String,
    pub(crate) is_private: bool,
    pub(crate) main_branch: String,
    pub(crate) project: Project,
    /// What was granted, by UUID of the account.
    pub(crate) permissions: BTreeMap<String, Permission>,
    /// UUID of what it is a fork of.
    pub(crate) parent: Option<String>,
    #[serde(skip)]
    pub(crate) git: Git,
    pub(crate) reports: Reports,
    pub(crate) statuses: Statuses,
    pub(crate) pull_requests: BTreeMap<u64, PullRequest>,
    pub(crate) pipelines: Vec<Pipeline>,
    /// Ids are not given twice.
    last_pull_request: u64,
    last_comment: u64,
    #[serde(with = "clock::kept")]
    created: jiff::Timestamp,
}

/// The project that a repository lies in.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Project {
    pub(crate) key: String,
    pub(crate) uuid: String,
}

impl Project {
    pub(crate) fn new(key: &str) -> Self {
        Self { key: key.to_owned(), uuid: random::uuid() }
    }

    fn json(&self) -> Value {
        json!({"type": "project", "key": self.key, "uuid": self.uuid, "name": self.key})
    }
}

/// A pipeline that runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Pipeline {
    pub(crate) uuid: String,
    pub(crate) number: u64,
    pub(crate) branch: String,
    pub(crate) commit: String,
    /// The pull request that it runs for, and the tip of its destination when it began.
    pub(crate) pull_request: Option<(u64, String)>,
    #[serde(with = "clock::kept")]
    pub(crate) created: jiff::Timestamp,
}

impl Repository {
    pub(super) fn new(uuid: String, workspace: &Workspace, slug: &str, git: Git, parent: Option<String>) -> Self {
        Self {
            uuid,
            workspace: workspace.slug.clone(),
            workspace_uuid: workspace.uuid.clone(),
            slug: slug.to_owned(),
            is_private: true,
            main_branch: "main".to_owned(),
            project: Project::new("PRJ"),
            permissions: BTreeMap::new(),
            parent,
            git,
            reports: Reports::default(),
            statuses: Statuses::default(),
            pull_requests: BTreeMap::new(),
            pipelines: Vec::new(),
            last_pull_request: 0,
            last_comment: 1_000,
            created: clock::now(),
        }
    }

    pub(super) fn rename(&mut self, workspace: &Workspace, slug: &str) {
        self.workspace.clone_from(&workspace.slug);
        self.workspace_uuid.clone_from(&workspace.uuid);
        slug.clone_into(&mut self.slug);
    }

    /// Workspace and slug.
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.workspace, self.slug)
    }

    /// Its URL in the API and its page.
    pub(crate) fn at(&self, urls: &Urls) -> (String, String) {
        let name = self.full_name();
        (format!("{}/repositories/{name}", urls.api), format!("{}/{name}", urls.site))
    }

    /// The next comment's id.
    pub(crate) fn next_comment(&mut self) -> u64 {
        self.last_comment += 1;
        self.last_comment
    }

    /// Opens a pull request between two ends that exist.
    pub(crate) fn open_pull_request(&mut self, title: &str, by: Act, source: End, destination: End) -> u64 {
        self.last_pull_request += 1;
        let id = self.last_pull_request;
        self.pull_requests.insert(id, PullRequest::new(id, title, by, source, destination));
        id
    }

    /// A pull request, after what has been pushed to its branches: open ones follow them. `fork` is the source's repository if it is
    /// another one, and is still there.
    pub(super) fn pull_request(&mut self, id: u64, is_fork: bool, fork: Option<&Git>) -> Option<&mut PullRequest> {
        let pull_request = self.pull_requests.get_mut(&id)?;
        if pull_request.state == State::Open {
            let source = match fork {
                None if is_fork => None,
                None => self.git.tip(&pull_request.source.branch),
                Some(fork) => follow(&self.git, fork, id, &pull_request.source.branch),
            };
            if let Some(commit) = source {
                pull_request.source.commit = commit;
            }
            if let Some(commit) = self.git.tip(&pull_request.destination.branch) {
                pull_request.destination.commit = commit;
            }
        }
        Some(pull_request)
    }

    /// Brings what is on a branch of a fork, as Bitbucket does for a pull request.
    pub(crate) fn bring(&self, fork: &Git, id: u64, branch: &str) -> Result<String, Error> {
        follow(&self.git, fork, id, branch).ok_or_else(|| Error::NoBranch(branch.to_owned()))
    }

    /// As Bitbucket shows it where it is the subject.
    pub(crate) fn json(&self, urls: &Urls, parent: Option<Value>) -> Value {
        let mut shown = self.short_json(urls);
        let (api, site) = self.at(urls);
        shown["slug"] = self.slug.clone().into();
        shown["scm"] = "git".into();
        shown["is_private"] = self.is_private.into();
        shown["created_on"] = clock::written(self.created).into();
        shown["updated_on"] = clock::written(self.created).into();
        shown["size"] = 0.into();
        shown["fork_policy"] = "allow_forks".into();
        shown["mainbranch"] = json!({"type": "branch", "name": self.main_branch});
        shown["owner"] = json!({
            "type": "team",
            "uuid": self.workspace_uuid,
            "display_name": self.workspace,
            "username": self.workspace,
        });
        shown["workspace"] = self.workspace_json();
        shown["project"] = self.project.json();
        shown["links"]["pullrequests"] = json!({"href": format!("{api}/pullrequests")});
        shown["links"]["commits"] = json!({"href": format!("{api}/commits")});
        shown["links"]["clone"] = json!([{"name": "https", "href": format!("{site}.git")}]);
        if let Some(parent) = parent {
            shown["parent"] = parent;
        }
        shown
    }

    /// As Bitbucket shows it where something else is the subject.
    pub(crate) fn short_json(&self, urls: &Urls) -> Value {
        let (api, site) = self.at(urls);
        json!({
            "type": "repository",
            "uuid": self.uuid,
            "full_name": self.full_name(),
            "name": self.slug,
            "links": {"self": {"href": api}, "html": {"href": site}},
        })
    }

    fn workspace_json(&self) -> Value {
        json!({"type": "workspace", "uuid": self.workspace_uuid, "slug": self.workspace, "name": self.workspace})
    }
}

/// Fetches a branch of a fork under a name that is not offered to others.
fn follow(git: &Git, fork: &Git, id: u64, branch: &str) -> Option<String> {
    fork.tip(branch)?;
    let refspec = format!("+refs/heads/{branch}:refs/sandbox/pull-requests/{id}");
    let words = ["fetch", "--quiet", "--no-tags"].map(std::ffi::OsStr::new);
    git.run(words.into_iter().chain([fork.folder().as_os_str(), refspec.as_ref()])).ok()?;
    git.commit_id(&format!("refs/sandbox/pull-requests/{id}"))
}
